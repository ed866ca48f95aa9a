internal import Dispatch
internal import Synchronization

/// How much is on its way between the poll thread and the broker. The poll loop stops reading while a bound is reached.
final class Backlog: Sendable {
    private let records = Atomic(0)
    private let outputBytes = Atomic(0)
    private let epochRecords = Atomic(0)
    private let recordsMax: Int
    private let outputBytesMax: Int
    private let epochRecordsMax: Int
    /// The poll thread sleeps on `room` while `waiting` is set; whoever makes room clears it and wakes the thread.
    private let waiting = Atomic(false)
    private let room = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - recordsMax: records handed to partitions and not yet applied.
    ///   - outputBytesMax: bytes of triggers and dead letters not yet committed.
    ///   - epochRecordsMax: records applied and not yet committed: what the running epoch grows by while Kafka is away.
    init(recordsMax: Int, outputBytesMax: Int, epochRecordsMax: Int) {
        self.recordsMax = recordsMax
        self.outputBytesMax = outputBytesMax
        self.epochRecordsMax = epochRecordsMax
    }

    var isFull: Bool {
        records.load(ordering: .acquiring) >= recordsMax || outputBytes.load(ordering: .acquiring) >= outputBytesMax
            || epochRecords.load(ordering: .acquiring) >= epochRecordsMax
    }
    var isEmpty: Bool { records.load(ordering: .acquiring) == 0 }

    func queued(_ count: Int) { records.add(count, ordering: .acquiringAndReleasing) }

    func applied(_ count: Int) {
        records.subtract(count, ordering: .acquiringAndReleasing)
        wakeIfRoom()
    }

    func uncommitted(bytes: Int, records: Int) {
        if bytes > 0 { outputBytes.add(bytes, ordering: .acquiringAndReleasing) }
        if records > 0 { epochRecords.add(records, ordering: .acquiringAndReleasing) }
    }

    func settled(bytes: Int, records: Int) {
        outputBytes.subtract(bytes, ordering: .acquiringAndReleasing)
        epochRecords.subtract(records, ordering: .acquiringAndReleasing)
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
