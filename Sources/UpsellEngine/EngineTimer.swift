/// Something due on the partition's clock.
///
/// Who sets one keeps its time as "scheduled" beside what it is about, and a timer that differs from it does nothing:
/// entries are never taken back. So the queue can be built anew from the state, and order depends on nothing else.
struct EngineTimer: Comparable {
    var time: Int64
    /// Order among timers of one instant, so that it does not depend on the order of arrival.
    var accountHash: UInt64
    var kind: Kind
    var account: Int32
    /// Meter of a bucket, group of a period that ends its grace.
    var place: UInt16 = 0
    /// Of a bucket; 0 for none.
    var dimension: UInt64 = 0

    enum Kind: UInt8 {
        /// A bucket of a rolling counter leaves its window.
        case bucket
        /// An add-on ends or a pending plan begins.
        case terms
        /// A closed period has counted long enough.
        case grace
        /// A signal of the account has something to judge: the end of a day or stay, a trial's instant, a slot.
        case signals
        /// Something that was said or is owed has an instant: a release, an expiry, a step.
        case dealings
    }

    static func < (a: EngineTimer, b: EngineTimer) -> Bool {
        if a.time != b.time { return a.time < b.time }
        if a.accountHash != b.accountHash { return a.accountHash < b.accountHash }
        if a.kind != b.kind { return a.kind.rawValue < b.kind.rawValue }
        if a.account != b.account { return a.account < b.account }
        if a.place != b.place { return a.place < b.place }
        return a.dimension < b.dimension
    }
}

typealias TimerQueue = MinHeap<EngineTimer>

extension TimerQueue {
    var firstTime: Int64 { first?.time ?? .max }
}
