internal import Dispatch
internal import KafkaTransport
internal import Synchronization
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellTelemetry

/// The one thread that polls Kafka: hands batches to partitions, starts and ends partitions as the group assigns them.
///
/// An assignment is accepted at once with nothing in it; each partition is restored beside the poll thread, while the
/// others go on, and joins when it is ready. Stages are `Ownership`'s matter.
final class PollLoop: Sendable {
    private let source: any RecordSource
    private let context: RuntimeContext
    private let backlog: Backlog
    private let committer: Committer
    private let control: ControlFeed
    private let log: Log
    private let makeRestorePort: @Sendable () throws(DaemonError) -> any RestorePort
    private let thread = DispatchQueue(label: "upselld.poll")
    /// Restores partitions beside the poll thread, since a restore blocks; a few at a time.
    private let restores: OperationLane
    private let mailbox = Gathered<Letter>()
    private let stopping = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)
    private let roundCount = Atomic<UInt64>(0)
    private let published = Mutex(Standing())
    /// What partitions that come are given; a reload replaces it. Everything that only a restart changes is in `context`.
    private let current: Mutex<RuntimeContext>
    /// Generations of restores that are still wanted.
    private let wanted = Mutex<Set<UInt64>>([])
    private let fences = RecentFences()
    private let onFailure: @Sendable (DaemonError) -> Void

    init(
        source: any RecordSource, context: RuntimeContext, backlog: Backlog, committer: Committer,
        control: ControlFeed,
        makeRestorePort: @escaping @Sendable () throws(DaemonError) -> any RestorePort,
        onFailure: @escaping @Sendable (DaemonError) -> Void
    ) {
        self.source = source
        self.context = context
        self.backlog = backlog
        self.committer = committer
        self.control = control
        current = Mutex(context)
        self.log = context.log
        self.makeRestorePort = makeRestorePort
        self.onFailure = onFailure
        restores = OperationLane(label: "upselld.restore", width: 2)
    }

    func start() {
        thread.async { [self] in
            var state = State(ownership: Ownership(context.inputs))
            run(&state)
            finish(&state)
            ended.signal()
        }
    }

    /// Ends the loop; false when it did not end in time.
    func stop(timeoutMilliseconds: Int64) -> Bool {
        stopping.store(true, ordering: .releasing)
        return ended.wait(timeout: .now() + .milliseconds(Int(timeoutMilliseconds))) == .success
    }

    /// Polls so far; grows as long as the poll thread is alive.
    var rounds: UInt64 { roundCount.load(ordering: .relaxed) }

    /// What the loop owned after its last round.
    var standing: Standing { published.withLock { $0 } }

    struct Standing: Sendable, Equatable {
        /// Partitions of the group's assignment.
        var assigned: [Int32] = []
        /// Those whose usage is being read.
        var running: [Int32] = []
        /// Those of which every input has been read to its end.
        var atEnd: [Int32] = []
        /// Those that a person has to decide about.
        var refused: [Int32] = []
    }

    /// What others have found out about a partition has to be restored. Any thread.
    func suspect(_ partition: PartitionID, _ text: String) {
        mailbox.add(.suspect(partition.rawValue, text))
    }

    /// Kafka has refused a share for what is in it. Any thread.
    func poisoned(_ share: FrozenShare, _ text: String) { mailbox.add(.poisoned(share, text)) }

    // MARK: The loop

    /// Poll thread only.
    private struct State {
        var ownership: Ownership
        var workers: [Int32: PartitionWorker] = [:]
        var refusals: [Int32: String] = [:]
        var careful: [Int32: Careful] = [:]
        var nextTick = Timestamp.earliest
        var nextReminder = Timestamp.earliest
        var errorsSeen: [String: Timestamp] = [:]
    }

    /// What comes to the poll thread from others.
    private enum Letter: Sendable {
        case ready(Int32, generation: UInt64, PartitionWorker, starts: [Int64], profilesUntil: Int64)
        case refused(Int32, generation: UInt64, String)
        case suspect(Int32, String)
        case poisoned(FrozenShare, String)
        case reload(DispatchGroup)
    }

    /// A partition in which Kafka refuses something is read record by record, each an epoch, until what is refused is
    /// found and set aside.
    private struct Careful {
        /// Where the refused share ended, by input.
        var until: [Int64]
        var banned: Set<InputCoordinates> = []
        /// The record that was handed over last.
        var last: InputCoordinates?
    }

    private func run(_ state: inout State) {
        let settings = context.configuration.runtime
        while !stopping.load(ordering: .acquiring) {
            roundCount.add(1, ordering: .relaxed)
            for letter in mailbox.take() { open(letter, &state) }
            // Without room one record at a time is read: rebalances are served only inside a poll.
            let hasRoom = backlog.waitForRoom(milliseconds: 100)
            let result = source.poll(
                maxMessages: hasRoom ? settings.batchRecords : 1, timeoutMilliseconds: hasRoom ? 50 : 0
            ) { event in
                rebalanced(event, &state)
            }
            for batch in result.batches { hand(batch, &state) }
            for end in result.ends { reachedEnd(end.input, end.partition, offset: end.offset, &state) }
            for error in result.errors { report(error, &state) }
            tickIfDue(&state)
            publish(state)
        }
    }

    private func hand(_ batch: MessageBatch, _ state: inout State) {
        // Records of a partition that is not ours (any more) are dropped: its owner reads them.
        guard let worker = state.workers[batch.partition] else { return }
        var seen: UInt64 = 0
        for record in 0..<batch.count { seen |= 1 << UInt64(batch.input(at: record)) }
        for input in 0..<context.inputs.count where seen & (1 << UInt64(input)) != 0 {
            state.ownership.received(batch.partition, input: input)
        }
        if state.careful[batch.partition] != nil { return handSingly(batch, worker, &state) }
        worker.enqueue(batch)
    }

    /// The other partitions wait meanwhile: this is an emergency, and its end is near.
    private func handSingly(_ batch: MessageBatch, _ worker: PartitionWorker, _ state: inout State) {
        for single in batch.singles() {
            guard var careful = state.careful[batch.partition] else { return worker.enqueue(single) }
            let input = single.input(at: 0)
            careful.last = InputCoordinates(input: InputID(input), offset: single.offset(at: 0))
            state.careful[batch.partition] = careful
            worker.enqueue(single)
            let timeout = context.configuration.runtime.revokeTimeout
            while !committer.settle([worker], timeoutMilliseconds: timeout), !worker.isDiscarded,
                !stopping.load(ordering: .acquiring)
            {}
            // Refused again: the letter about it names this record.
            guard !worker.isDiscarded else { return }
            if single.offset(at: 0) + 1 >= careful.until[input] { careful.until[input] = 0 }
            careful.last = nil
            state.careful[batch.partition] = careful.until.allSatisfy { $0 == 0 } ? nil : careful
        }
    }

    private func reachedEnd(_ input: Int, _ partition: Int32, offset: Int64, _ state: inout State) {
        state.workers[partition]?.enqueueEnd(input, offset: offset)
        assign(state.ownership.reachedEnd(partition, input: input, offset: offset))
    }

    /// Moves the clock of partitions whose inputs are all read to their ends.
    private func tickIfDue(_ state: inout State) {
        let now = context.clock.now()
        guard now >= state.nextTick else { return }
        state.nextTick = now + context.configuration.runtime.tickInterval
        assertOwnership(state)
        remind(&state, now)
        // Record timestamps of a replayed input are not times of arrival, so wall time says nothing about it.
        guard context.configuration.topics.usage.allSatisfy({ $0.clock == .live }) else { return }
        for (partition, own) in state.ownership.partitions where own.isAtEnd {
            state.workers[partition]?.enqueueTick(wallTime: now)
        }
    }

    /// Ends the daemon if it reads one input of a partition and not the others: an account's records would part.
    private func assertOwnership(_ state: State) {
        let reading = source.assignedPartitions
        for partition in state.ownership.partitions.keys {
            let inputs = (0..<context.inputs.count).filter {
                reading.contains(InputPartition(input: $0, partition: partition))
            }
            let expected = state.ownership.inputs(of: partition)
            if inputs != expected {
                onFailure(.inputs("partition \(partition) reads inputs \(inputs) instead of \(expected)"))
            }
        }
        for stray in reading where state.ownership.partitions[stray.partition] == nil {
            onFailure(.inputs("partition \(stray.partition) of input \(stray.input) is read and not assigned"))
        }
    }

    /// A refused partition is said again, since nothing of it is read until somebody acts.
    private func remind(_ state: inout State, _ now: Timestamp) {
        guard now >= state.nextReminder else { return }
        state.nextReminder = now + 60_000
        for (partition, text) in state.refusals.sorted(by: { $0.key < $1.key }) {
            log.error("a partition is not read", [.partition: .init(partition), .reason: .text(text)])
        }
    }

    private func publish(_ state: State) {
        var standing = Standing()
        for (partition, own) in state.ownership.partitions.sorted(by: { $0.key < $1.key }) {
            standing.assigned.append(partition)
            if own.stage == .refused { standing.refused.append(partition) }
            guard own.stage == .running else { continue }
            standing.running.append(partition)
            if own.isAtEnd { standing.atEnd.append(partition) }
        }
        published.withLock { if $0 != standing { $0 = standing } }
    }

    // MARK: Assignment

    private func rebalanced(_ event: RebalanceEvent, _ state: inout State) {
        switch event {
        case .assigned(let numbers):
            for partition in numbers { restore(partition, &state) }
            if !numbers.isEmpty {
                log.info("partitions assigned", [.partition: .text(list(numbers)), .count: .init(numbers.count)])
            }
        case .revoked(let numbers, let lost):
            for partition in numbers { forget(partition, &state) }
            release(numbers.compactMap { state.workers.removeValue(forKey: $0) }, lost: lost)
            if !numbers.isEmpty {
                log.info(
                    "partitions given back",
                    [
                        .partition: .text(list(numbers)), .count: .init(numbers.count),
                        .reason: lost ? "lost" : "revoked",
                    ])
            }
        }
        publish(state)
    }

    private func forget(_ partition: Int32, _ state: inout State) {
        if let own = state.ownership.partitions[partition] { wanted.withLock { _ = $0.remove(own.generation) } }
        state.ownership.give(back: partition)
        state.refusals[partition] = nil
        state.careful[partition] = nil
    }

    /// Ends partitions: an orderly revocation sends what they have applied, a lost one drops it.
    private func release(_ workers: [PartitionWorker], lost: Bool) {
        guard !workers.isEmpty else { return }
        let timeout = context.configuration.runtime.revokeTimeout
        if !lost, !committer.settle(workers, timeoutMilliseconds: timeout) {
            log.warning(
                "revoked partitions could not send their last epoch in time; it counts as lost",
                [.count: .init(workers.count), .tookMilliseconds: .init(timeout)])
        }
        for worker in workers {
            worker.discard()
            committer.remove(worker)
            control.remove(worker)
        }
    }

    /// Restores a partition beside the poll thread; its answer comes by letter.
    private func restore(_ partition: Int32, _ state: inout State) {
        if let own = state.ownership.partitions[partition] { wanted.withLock { _ = $0.remove(own.generation) } }
        let generation = state.ownership.restore(partition)
        wanted.withLock { _ = $0.insert(generation) }
        let banned = state.careful[partition]?.banned ?? []
        restores.run { [self] in restored(partition, generation, banned) }
    }

    /// Restore thread.
    private func restored(_ partition: Int32, _ generation: UInt64, _ banned: Set<InputCoordinates>) {
        let isCancelled: @Sendable () -> Bool = { [self] in
            stopping.load(ordering: .acquiring) || !wanted.withLock { $0.contains(generation) }
        }
        guard !isCancelled() else { return }
        do throws(DaemonError) {
            let port = try makeRestorePort()
            defer { port.close() }
            let restore = PartitionRestore(
                partition: PartitionID(partition), context: current.withLock { $0 }, port: port,
                isCancelled: isCancelled,
                fences: fences, banned: banned, backlog: backlog,
                onWaitingTrigger: { [weak committer] in committer?.kick() })
            switch restore.run() {
            case .cancelled: break
            case .refused(let text): mailbox.add(.refused(partition, generation: generation, text))
            case .ready(let worker, let starts, let profilesUntil):
                mailbox.add(
                    .ready(partition, generation: generation, worker, starts: starts, profilesUntil: profilesUntil))
            }
        } catch {
            onFailure(error)
        }
    }

    private func open(_ letter: Letter, _ state: inout State) {
        switch letter {
        case .ready(let partition, let generation, let worker, let starts, let profilesUntil):
            guard state.ownership.isCurrent(partition, generation: generation) else { return worker.discard() }
            wanted.withLock { _ = $0.remove(generation) }
            state.workers[partition] = worker
            committer.add(worker)
            catchUp(worker)
            control.add(worker)
            assign(state.ownership.begin(partition, starts: starts, profilesUntil: profilesUntil))
        case .refused(let partition, let generation, let text):
            guard state.ownership.isCurrent(partition, generation: generation) else { return }
            state.ownership.refuse(partition)
            state.refusals[partition] = text
            log.error("a partition is not read", [.partition: .init(partition), .reason: .text(text)])
        case .suspect(let partition, let text): restart(partition, text, &state)
        case .reload(let group): reload(group, &state)
        case .poisoned(let share, let text):
            let partition = share.partition.rawValue
            guard state.workers[partition] != nil else { return }
            var careful =
                state.careful[partition]
                ?? Careful(
                    until: share.positions.map { $0.after > $0.before ? $0.after : 0 })
            if let last = careful.last { careful.banned.insert(last) }
            careful.last = nil
            state.careful[partition] = careful
            restart(
                partition,
                "Kafka refused an epoch again and again for what is in it; it is read record by record until that is "
                    + "found: \(text)", &state)
        }
    }

    // MARK: Reload

    /// Gives every partition another configuration, in its turn; those that come later get it as they come.
    ///
    /// - Returns: whether all partitions of now have it; false when the loop ended first.
    func reload(_ context: RuntimeContext, timeoutMilliseconds: Int64) -> Bool {
        current.withLock { $0 = context }
        let group = DispatchGroup()
        group.enter()
        mailbox.add(.reload(group))
        return group.wait(timeout: .now() + .milliseconds(Int(timeoutMilliseconds))) == .success
    }

    private func reload(_ group: DispatchGroup, _ state: inout State) {
        let context = current.withLock { $0 }
        for worker in state.workers.values { worker.enqueueReload(context, group: group) }
        // Refused for an older configuration, say: with another one it may be another story.
        for partition in state.refusals.keys.sorted() {
            state.refusals[partition] = nil
            restore(partition, &state)
        }
        group.leave()
    }

    /// A partition whose restore had begun before the last reload.
    private func catchUp(_ worker: PartitionWorker) {
        let context = current.withLock { $0 }
        if worker.revision != context.revision { worker.enqueueReload(context, group: DispatchGroup()) }
    }

    private func restart(_ partition: Int32, _ text: String, _ state: inout State) {
        guard let worker = state.workers.removeValue(forKey: partition) else { return }
        log.warning("a partition is restored from its log", [.partition: .init(partition), .reason: .text(text)])
        release([worker], lost: true)
        unassign(partition)
        restore(partition, &state)
    }

    private func assign(_ starts: [KafkaConsumer.StartPosition]) {
        guard !starts.isEmpty else { return }
        do {
            try source.assign(starts)
        } catch  where error.code == .wrongState {
            // Revoked since it was restored; the handler has dropped it, or is about to.
            log.debug("a partition left before it was read", [.error: .text(error.description)])
        } catch {
            onFailure(.kafka("a partition of this instance could not be assigned", error))
        }
    }

    private func unassign(_ partition: Int32) {
        do {
            try source.unassign(
                (0..<context.inputs.count).map { InputPartition(input: $0, partition: partition) })
        } catch {
            onFailure(.kafka("a partition of this instance could not be unassigned", error))
        }
    }

    // MARK: Errors and the end

    /// Logs an error of the consumer, the same text at most every 10 s; ends the daemon where nothing else helps.
    private func report(_ error: KafkaError, _ state: inout State) {
        if error.isAboutPosition, let partition = error.partition {
            // Retention or an operator took what was to be read: the restore compares, and says what to do.
            return restart(partition, error.description, &state)
        }
        if error.recovery == .terminate { onFailure(.kafka("the consumer cannot go on", error)) }
        let now = context.clock.now()
        if let last = state.errorsSeen[error.description], now - last < 10_000 { return }
        if state.errorsSeen.count > 100 { state.errorsSeen.removeAll() }
        state.errorsSeen[error.description] = now
        log.warning("Kafka reports a problem; librdkafka goes on trying", [.error: .text(error.description)])
    }

    /// Drains what was read and sends it.
    private func finish(_ state: inout State) {
        wanted.withLock { $0.removeAll() }
        release(Array(state.workers.values), lost: false)
        state.workers = [:]
        for partition in state.ownership.partitions.keys { state.ownership.give(back: partition) }
        publish(state)
    }

    private func list(_ numbers: [Int32]) -> String { numbers.sorted().map(String.init).joined(separator: ",") }
}
