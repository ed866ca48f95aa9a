internal import Dispatch
internal import KafkaTransport
internal import Synchronization
internal import UpsellModel
internal import UpsellTelemetry

/// Takes frozen shares from the partitions and brings them to Kafka, one epoch at a time, on its own queue.
///
/// The next epoch runs while one is on its way; there are never more than these two. A send that fails is repeated with
/// the same bytes until it succeeds, its partition is lost, or the daemon gives up.
final class EpochSender: Sendable {
    private let queue = DispatchQueue(label: "upselld.commit")
    private let sink: any RecordSink
    private let backlog: Backlog
    private let log: Log
    private let flushTimeoutMilliseconds: Int
    private let progress = Mutex<@Sendable () -> Void>({})
    private let workers = Mutex<[PartitionID: PartitionWorker]>([:])
    private let epochsSentCount = Atomic<UInt64>(0)
    /// Set when the daemon's stop has taken too long: sends are no longer repeated.
    private let givenUp = Atomic(false)
    private let timer = Mutex<RepeatingTimer?>(nil)

    init(sink: any RecordSink, backlog: Backlog, flushTimeoutMilliseconds: Int, log: Log) {
        self.sink = sink
        self.backlog = backlog
        self.log = log
        self.flushTimeoutMilliseconds = flushTimeoutMilliseconds
    }

    /// Starts the epochs.
    ///
    /// - Parameters:
    ///   - interval: milliseconds between two epochs.
    ///   - onProgress: called on the commit queue after each epoch, also after one in which nothing had happened, and
    ///     after each failed send: Kafka being away is no hang.
    func start(interval: Int64, onProgress: @escaping @Sendable () -> Void) {
        progress.withLock { $0 = onProgress }
        let repeating = RepeatingTimer(on: queue, everyMilliseconds: interval) { [weak self] in self?.commitDue() }
        timer.withLock { $0 = repeating }
    }

    var epochsSent: UInt64 { epochsSentCount.load(ordering: .acquiring) }

    func add(_ worker: PartitionWorker) { workers.withLock { $0[worker.partition] = worker } }
    func remove(_ worker: PartitionWorker) {
        workers.withLock { if $0[worker.partition] === worker { $0[worker.partition] = nil } }
    }
    var allWorkers: [PartitionWorker] { workers.withLock { Array($0.values) } }

    /// Sends what these partitions have applied so far; false when the deadline passed first, and then the outcome is
    /// open.
    ///
    /// Any thread but the commit queue and the partition queues.
    func settle(_ some: [PartitionWorker], timeoutMilliseconds: Int64) -> Bool {
        let done = DispatchSemaphore(value: 0)
        queue.async { [self] in
            send(collect(some))
            done.signal()
        }
        return done.wait(timeout: .now() + .milliseconds(Int(timeoutMilliseconds))) == .success
    }

    /// Ends the timer and makes a send that hangs in repetition stop.
    func stop(giveUp: Bool) {
        timer.withLock { $0.take() }?.cancel()
        // What it calls holds the poll loop, which holds this sender.
        progress.withLock { $0 = {} }
        if giveUp { givenUp.store(true, ordering: .releasing) }
    }

    private func commitDue() {
        send(collect(allWorkers))
        progress.withLock { $0 }()
    }

    /// The barrier: every partition freezes behind what it was given before.
    private func collect(_ some: [PartitionWorker]) -> [(worker: PartitionWorker, share: FrozenShare)] {
        let group = DispatchGroup()
        let collected = Gathered<(worker: PartitionWorker, share: FrozenShare)>()
        for worker in some {
            worker.freeze(group: group) { share in collected.add((worker, share)) }
        }
        group.wait()
        return collected.all
    }

    private func send(_ epoch: [(worker: PartitionWorker, share: FrozenShare)]) {
        guard !epoch.isEmpty else { return }
        let bytes = epoch.reduce(0) { $0 + $1.share.outputBytes }
        var backOffMilliseconds = 50
        while bytes > 0 {
            // A lost partition takes its share with it: whoever owns it now sends its own.
            let live = epoch.filter { !$0.worker.isDiscarded }
            do {
                for (_, share) in live {
                    for record in share.outputs { try sink.produce(record) }
                }
                try sink.flush(timeoutMilliseconds: flushTimeoutMilliseconds)
                break
            } catch {
                log.warning(
                    "Kafka refused an epoch's outputs; the same bytes are sent again",
                    [.error: .text(error.description), .count: .init(live.count)])
                if givenUp.load(ordering: .acquiring) { break }
                progress.withLock { $0 }()
                pause(milliseconds: backOffMilliseconds)
                backOffMilliseconds = min(backOffMilliseconds * 2, 2_000)
            }
        }
        backlog.released(bytes: bytes)
        epochsSentCount.add(1, ordering: .acquiringAndReleasing)
    }
}
