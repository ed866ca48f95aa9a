/// Something due on the partition's clock.
struct EngineTimer: Equatable {
    var time: Int64
    /// Order among timers of one instant, so that it does not depend on the order of arrival.
    var accountHash: UInt64
    var kind: Kind
    var account: Int32
    /// Side record of a rolling counter.
    var side: Int32

    enum Kind: UInt8 {
        /// A bucket of a rolling counter leaves its window.
        case bucket
        /// An add-on ends or a pending plan begins.
        case terms
    }

    static func < (a: EngineTimer, b: EngineTimer) -> Bool {
        if a.time != b.time { return a.time < b.time }
        if a.accountHash != b.accountHash { return a.accountHash < b.accountHash }
        if a.kind != b.kind { return a.kind.rawValue < b.kind.rawValue }
        if a.account != b.account { return a.account < b.account }
        return a.side < b.side
    }
}

/// Timers in due order: a binary heap. Entries are never taken back; a timer whose matter is gone does nothing.
struct TimerQueue: ~Copyable {
    private var heap: ContiguousArray<EngineTimer> = []

    var count: Int { heap.count }
    var firstTime: Int64 { heap.isEmpty ? .max : heap[0].time }

    mutating func push(_ timer: EngineTimer) {
        heap.append(timer)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child] < heap[parent] else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> EngineTimer {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            guard least != parent else { return first }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
