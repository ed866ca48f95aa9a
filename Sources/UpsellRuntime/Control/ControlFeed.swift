internal import Synchronization
internal import UpsellModel
internal import UpsellTelemetry

/// Brings every control record to every partition, in the order of their offsets: those that come later as well as those
/// that a partition lacks when it comes.
///
/// Which of them a partition has applied is in its state, so giving it one too many does nothing.
final class ControlFeed: Sendable {
    private let shared = Mutex(Shared())
    private let log: Log
    private let recordsMax: Int

    private struct Shared: Sendable {
        var records: [ControlRecord] = []
        var workers: [PartitionWorker] = []
        /// Those that may have applied more than the topic has.
        var unchecked: [PartitionWorker] = []
        /// Records that are not kept any more.
        var dropped = 0
    }

    /// - Parameter recordsMax: kept for partitions that come later; beyond it the oldest go.
    init(log: Log, recordsMax: Int = ControlFeed.recordsMaxDefault) {
        self.log = log
        self.recordsMax = recordsMax
    }

    /// Control thread, in the order of offsets.
    func hand(_ record: ControlRecord) {
        let dropped = shared.withLock { shared in
            shared.records.append(record)
            for worker in shared.workers { worker.enqueue(record) }
            // A tenth at a time, so that each record is moved a few times at most.
            guard shared.records.count > recordsMax else { return 0 }
            let surplus = max(1, recordsMax / 10)
            shared.records.removeFirst(surplus)
            shared.dropped += surplus
            return shared.dropped
        }
        guard dropped > 0 else { return }
        log.warning(
            "the control topic holds more records than are kept; partitions that come anew do not get the oldest ones",
            [.count: .init(dropped), "kept": .init(recordsMax)])
    }

    /// A partition has come: first it gets what it lacks. Before its first batch, so that what was paused while it was
    /// away is paused.
    func add(_ worker: PartitionWorker) {
        let isCut = shared.withLock { shared in
            let first = worker.firstControl
            let start = shared.records.firstIndex { $0.command.offset >= first } ?? shared.records.endIndex
            for record in shared.records[start...] { worker.enqueue(record) }
            shared.workers.append(worker)
            shared.unchecked.append(worker)
            return shared.dropped > 0 && (shared.records.first?.command.offset ?? 0) > first
        }
        guard isCut else { return }
        log.warning(
            "a partition lacks control records that are not kept any more",
            [.partition: .init(worker.partition.rawValue), .offset: .init(worker.firstControl)])
    }

    /// Partitions that have come since the last call.
    func takeUnchecked() -> [PartitionWorker] {
        shared.withLock { shared in
            defer { shared.unchecked = [] }
            return shared.unchecked
        }
    }

    /// - Parameters:
    ///   - some: partitions that had come before the topic's end was asked for.
    ///   - end: what they can have applied of the topic at most; nil where it is not known.
    func check(_ some: [PartitionWorker], end: Int64?) {
        guard let end else { return shared.withLock { $0.unchecked += some } }
        for worker in some where worker.firstControl > end {
            log.error(
                "the control topic was made anew; records below what this partition has applied of the old one do nothing",
                [
                    .partition: .init(worker.partition.rawValue), .offset: .init(worker.firstControl),
                    "end": .init(end),
                ])
        }
    }

    /// The topic was made anew: what was kept of it is none of its records.
    func forget() {
        shared.withLock { shared in
            shared.records = []
            shared.dropped = 0
        }
    }

    func remove(_ worker: PartitionWorker) {
        shared.withLock { shared in
            shared.workers.removeAll { $0 === worker }
            shared.unchecked.removeAll { $0 === worker }
        }
    }

    static let recordsMaxDefault = 100_000
}
