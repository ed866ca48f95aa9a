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
        let (missing, newest) = shared.withLock { shared in
            let first = worker.firstControl
            let start = shared.records.firstIndex { $0.command.offset >= first } ?? shared.records.endIndex
            for record in shared.records[start...] { worker.enqueue(record) }
            shared.workers.append(worker)
            let isCut = shared.dropped > 0 && (shared.records.first?.command.offset ?? 0) > first
            return (isCut, shared.records.last?.command.offset)
        }
        if missing {
            log.warning(
                "a partition lacks control records that are not kept any more",
                [.partition: .init(worker.partition.rawValue), .offset: .init(worker.firstControl)])
        }
        if let newest, newest + 1 < worker.firstControl { reportNewTopic(worker, newest) }
    }

    /// The topic was made anew: what was kept of it is none of its records.
    func forget() {
        shared.withLock { shared in
            shared.records = []
            shared.dropped = 0
        }
    }

    func remove(_ worker: PartitionWorker) {
        shared.withLock { shared in shared.workers.removeAll { $0 === worker } }
    }

    /// Offsets that a partition has applied already are not there any more.
    private func reportNewTopic(_ worker: PartitionWorker, _ newest: Int64) {
        log.error(
            "the control topic was made anew; records below what this partition has applied of the old one do nothing",
            [
                .partition: .init(worker.partition.rawValue), .offset: .init(worker.firstControl),
                "newest": .init(newest),
            ])
    }

    static let recordsMaxDefault = 100_000
}
