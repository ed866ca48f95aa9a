internal import Dispatch
internal import Synchronization

/// How much is on its way between the poll thread and the broker. The poll loop stops reading while a bound is reached.
final class Backlog: Sendable {
    private let records = Atomic(0)
    private let outputBytes = Atomic(0)
    private let recordsMax: Int
    private let outputBytesMax: Int
    /// The poll thread sleeps on `room` while `waiting` is set; whoever makes room clears it and wakes the thread.
    private let waiting = Atomic(false)
    private let room = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - recordsMax: records handed to partitions and not yet applied.
    ///   - outputBytesMax: bytes of triggers and dead letters not yet acknowledged by Kafka.
    init(recordsMax: Int, outputBytesMax: Int) {
        self.recordsMax = recordsMax
        self.outputBytesMax = outputBytesMax
    }

    var isFull: Bool {
        records.load(ordering: .acquiring) >= recordsMax || outputBytes.load(ordering: .acquiring) >= outputBytesMax
    }
    var isEmpty: Bool { records.load(ordering: .acquiring) == 0 }

    func queued(_ count: Int) { records.add(count, ordering: .acquiringAndReleasing) }

    func applied(_ count: Int) {
        records.subtract(count, ordering: .acquiringAndReleasing)
        wakeIfRoom()
    }

    func produced(bytes: Int) {
        if bytes > 0 { outputBytes.add(bytes, ordering: .acquiringAndReleasing) }
    }

    func released(bytes: Int) {
        guard bytes > 0 else { return }
        outputBytes.subtract(bytes, ordering: .acquiringAndReleasing)
        wakeIfRoom()
    }

    /// Sleeps until there is room; false when the time is over first. Poll thread only.
    func waitForRoom(milliseconds: Int) -> Bool {
        let deadline = DispatchTime.now() + .milliseconds(milliseconds)
        while isFull {
            waiting.store(true, ordering: .sequentiallyConsistent)
            // Room may have been made between the two lines above; then nobody will signal.
            if !isFull {
                if !waiting.exchange(false, ordering: .sequentiallyConsistent) { room.wait() }
                return true
            }
            if room.wait(timeout: deadline) == .timedOut {
                // Whoever cleared the flag in the meantime has signalled, or is about to.
                if !waiting.exchange(false, ordering: .sequentiallyConsistent) { room.wait() }
                return !isFull
            }
        }
        return true
    }

    private func wakeIfRoom() {
        if !isFull, waiting.exchange(false, ordering: .sequentiallyConsistent) { room.signal() }
    }
}
