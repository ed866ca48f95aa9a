internal import Dispatch
internal import KafkaTransport
internal import Synchronization
internal import UpsellModel
internal import UpsellTelemetry

/// Takes frozen shares from the partitions and brings them to Kafka, one transaction at a time, on its own queue.
///
/// The next epoch runs while one is on its way; there are never more than these two. What to do is `CommitMachine`'s
/// matter; here is when to do it, and the blocking calls.
final class Committer: Sendable {
    private let queue = DispatchQueue(label: "upselld.commit")
    private let machine: QueueConfined<CommitMachine>
    private let port: any TransactionPort
    private let log: Log
    private let interval: Int64
    private let hold: Int64
    private let handlers = Mutex(Handlers())
    private let workers = Mutex<[PartitionID: PartitionWorker]>([:])
    private let epochsSentCount = Atomic<UInt64>(0)
    /// Set when the daemon's stop has taken too long: the epoch at hand is left as it is.
    private let givenUp = Atomic(false)
    private let isStopped = Atomic(false)
    private let isKicked = Atomic(false)
    /// Monotonic milliseconds of the last answer of Kafka, or idle round.
    private let lastProgress = Atomic<Int64>(0)
    private let pacing: QueueConfined<Pacing>

    struct Handlers: Sendable {
        var progress: @Sendable () -> Void = {}
        var released: @Sendable (FrozenShare) -> Void = { _ in }
        var suspect: @Sendable (PartitionID, String) -> Void = { _, _ in }
        var poisoned: @Sendable (FrozenShare, String) -> Void = { _, _ in }
        var failed: @Sendable (DaemonError) -> Void = { _ in }
    }

    private struct Pacing {
        /// Numbers the timers, so that one that was overtaken does nothing.
        var timer: UInt64 = 0
        /// When the next epoch ends, in monotonic milliseconds.
        var due: Int64 = 0
        var lastStart: Int64 = 0
        var resendsLogged: Int64 = 0
    }

    init(
        port: any TransactionPort, transactionTimeout: Int64, interval: Int64, hold: Int64, log: Log
    ) {
        self.port = port
        self.interval = interval
        self.hold = hold
        self.log = log
        machine = QueueConfined(on: queue, CommitMachine(transactionTimeout: transactionTimeout))
        pacing = QueueConfined(on: queue, Pacing())
    }

    /// Starts the epochs.
    func start(_ handlers: Handlers) {
        self.handlers.withLock { $0 = handlers }
        queue.async { [self] in
            machine.withState { $0.connect() }
            drive([:])
            schedule(after: interval)
        }
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

    /// A trigger waits and nothing else is to be done: the epoch need not wait for its time. Any thread.
    func kick() {
        guard !isKicked.exchange(true, ordering: .acquiringAndReleasing) else { return }
        queue.async { [self] in
            isKicked.store(false, ordering: .releasing)
            let since = now - pacing.withState { $0.lastStart }
            schedule(after: max(0, Self.intervalMin - since))
        }
    }

    /// Ends the timer and makes a send that hangs in repetition stop.
    func stop(giveUp: Bool) {
        isStopped.store(true, ordering: .releasing)
        if giveUp { givenUp.store(true, ordering: .releasing) }
        // What they call holds the poll loop, which holds this committer.
        handlers.withLock { $0 = Handlers() }
    }

    /// Milliseconds since the last answer of Kafka or idle round; grows while a call hangs.
    var stalled: Int64 { now - lastProgress.load(ordering: .relaxed) }

    // MARK: When

    private var now: Int64 { Self.monotonicMilliseconds }

    static var monotonicMilliseconds: Int64 { Int64(DispatchTime.now().uptimeNanoseconds / 1_000_000) }

    private func schedule(after milliseconds: Int64) {
        let number = pacing.withState { pacing in
            pacing.timer += 1
            pacing.due = now + milliseconds
            return pacing.timer
        }
        wait(timer: number, milliseconds)
    }

    /// Waits in steps: a queue that is only waiting shows that it is alive, however long the interval is.
    private func wait(timer: UInt64, _ milliseconds: Int64) {
        queue.asyncAfter(deadline: .now() + .milliseconds(Int(min(milliseconds, Self.heartbeat)))) { [weak self] in
            self?.awake(timer: timer)
        }
    }

    private func awake(timer: UInt64) {
        let (current, due) = pacing.withState { ($0.timer, $0.due) }
        guard !isStopped.load(ordering: .acquiring), current == timer else { return }
        let left = due - now
        guard left <= 0 else {
            noteProgress()
            return wait(timer: timer, left)
        }
        commitDue()
    }

    private func commitDue() {
        let start = now
        pacing.withState { $0.lastStart = start }
        send(collect(allWorkers))
        noteProgress()
        let took = now - start
        // Slow commits come less often, so that at most half of the time is spent on them.
        let stretched = min(max(interval, 2 * took), 20 * interval)
        schedule(after: max(1, stretched - took))
    }

    private func noteProgress() {
        lastProgress.store(now, ordering: .relaxed)
        handlers.withLock { $0.progress }()
    }

    /// The barrier: every partition freezes behind what it was given before.
    private func collect(_ some: [PartitionWorker]) -> [PartitionID: (worker: PartitionWorker, share: FrozenShare)] {
        let group = DispatchGroup()
        let collected = Gathered<(worker: PartitionWorker, share: FrozenShare)>()
        for worker in some {
            worker.freeze(group: group) { share in collected.add((worker, share)) }
        }
        group.wait()
        return Dictionary(uniqueKeysWithValues: collected.all.map { ($0.worker.partition, $0) })
    }

    // MARK: What

    private func send(_ epoch: [PartitionID: (worker: PartitionWorker, share: FrozenShare)]) {
        // Given up in the middle of an epoch: nothing may follow it.
        guard !epoch.isEmpty, machine.withState({ $0.isIdle }) else {
            return epoch.values.forEach { $0.worker.discard() }
        }
        let shares = epoch.values.map(\.share).sorted { $0.partition < $1.partition }
        machine.withState { $0.start(shares) }
        let released = drive(epoch)
        for entry in epoch.values {
            entry.worker.settled(entry.share)
            // What did not get out leaves a gap that no later epoch of this worker may follow.
            if !released.contains(entry.share.partition) { entry.worker.discard() }
        }
        epochsSentCount.add(1, ordering: .acquiringAndReleasing)
    }

    /// Asks Kafka what the machine wants to know until it has no more questions.
    ///
    /// - Returns: the partitions whose share is committed.
    @discardableResult
    private func drive(_ epoch: [PartitionID: (worker: PartitionWorker, share: FrozenShare)]) -> Set<PartitionID> {
        var released: Set<PartitionID> = []
        while !givenUp.load(ordering: .acquiring) {
            // A lost partition takes its share with it: whoever owns it now reads its inputs again.
            noteLosses(epoch)
            guard let operation = machine.withState({ $0.next() }) else { break }
            let outcome = perform(operation, epoch)
            // Kafka being away is no hang.
            noteProgress()
            for action in machine.withState({ $0.completed(outcome, now: now) }) {
                if case .released(let share) = action { released.insert(share.partition) }
                follow(action, epoch)
            }
        }
        return released
    }

    private func noteLosses(_ epoch: [PartitionID: (worker: PartitionWorker, share: FrozenShare)]) {
        for (partition, entry) in epoch where entry.worker.isDiscarded { machine.withState { $0.lost(partition) } }
    }

    private func perform(
        _ operation: CommitMachine.Operation, _ epoch: [PartitionID: (worker: PartitionWorker, share: FrozenShare)]
    ) -> CommitMachine.Outcome {
        do throws(KafkaError) {
            switch operation {
            case .membership: return .member(generation: port.membership())
            case .initialise: try port.initialise()
            case .begin:
                try port.begin()
                // Who was lost before the metadata was taken must not go out under it; who is lost later is refused by
                // the group's generation.
                noteLosses(epoch)
            case .produce(let records): for record in records { try port.produce(record) }
            case .flush: try port.flush()
            case .sendOffsets(let offsets):
                try port.sendOffsets(offsets)
                holdBeforeCommit()
            case .commit: try port.commit()
            case .abort: try port.abort()
            case .fetchOffsets(let partitions): return .offsets(try port.committed(partitions))
            case .wait(let milliseconds): pause(milliseconds: Int(milliseconds))
            }
            return .done
        } catch {
            return .failed(error)
        }
    }

    /// For crash tests: makes the moment between offsets and commit long enough to be hit.
    private func holdBeforeCommit() {
        guard hold > 0 else { return }
        log.info("holding before commit", [.tookMilliseconds: .init(hold)])
        pause(milliseconds: Int(hold))
    }

    private func follow(
        _ action: CommitMachine.Action, _ epoch: [PartitionID: (worker: PartitionWorker, share: FrozenShare)]
    ) {
        let handlers = handlers.withLock { $0 }
        switch action {
        case .released(let share):
            guard let worker = epoch[share.partition]?.worker else { return }
            worker.released(stateEnd: port.stateEnd(share.partition))
            handlers.released(share)
        case .suspect(let partition, let text):
            guard let worker = epoch[partition]?.worker, !worker.isDiscarded else { return }
            worker.discard()
            handlers.suspect(partition, text)
        case .poisoned(let shares, let error):
            for share in shares {
                guard let worker = epoch[share.partition]?.worker, !worker.isDiscarded else { continue }
                worker.discard()
                handlers.poisoned(share, error.description)
            }
        case .fenced(let error): handlers.failed(.kafka("this slot belongs to another instance", error))
        case .failed(let error): handlers.failed(.kafka("an epoch could not be committed", error))
        case .resending(let error): logResend(error, epoch.count)
        }
    }

    /// The same trouble at most once a second.
    private func logResend(_ error: KafkaError, _ count: Int) {
        let last = pacing.withState { $0.resendsLogged }
        guard now - last >= 1_000 else { return }
        pacing.withState { $0.resendsLogged = now }
        log.warning(
            "an epoch did not get out; the same bytes are sent again",
            [.error: .text(error.description), .count: .init(count)])
    }

    /// Between two signs of life of a queue that waits.
    private static let heartbeat: Int64 = 500
    /// Between two transactions that triggers hurry.
    private static let intervalMin: Int64 = 10
}
