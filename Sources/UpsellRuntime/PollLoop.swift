internal import Dispatch
internal import KafkaTransport
internal import Synchronization
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellTelemetry

/// The one thread that polls Kafka: hands batches to partitions, starts and ends partitions as the group assigns them.
///
/// A partition without state starts in two stages. First its profiles are read to the end offset they have now, so that
/// usage finds the plan of its account; then its usage topics are assigned beside them. The group's answer does not
/// wait for that: an assignment is accepted at once with nothing in it, and partitions join when they are ready.
final class PollLoop: Sendable {
    private let source: any RecordSource
    private let context: RuntimeContext
    private let sender: EpochSender
    private let log: Log
    private let thread = DispatchQueue(label: "upselld.poll")
    /// Looks up offsets beside the poll thread, since a look-up blocks.
    private let lookups = DispatchQueue(label: "upselld.lookups")
    private let mailbox = Gathered<Prepared>()
    private let stopping = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)
    private let roundCount = Atomic<UInt64>(0)
    private let published = Mutex(Standing())
    private let onFailure: @Sendable (DaemonError) -> Void

    init(
        source: any RecordSource, context: RuntimeContext, sender: EpochSender,
        onFailure: @escaping @Sendable (DaemonError) -> Void
    ) {
        self.source = source
        self.context = context
        self.sender = sender
        self.log = context.log
        self.onFailure = onFailure
    }

    func start() {
        thread.async { [self] in
            var partitions = Partitions()
            run(&partitions)
            finish(&partitions)
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
    }

    // MARK: The loop

    /// A partition's life, from assignment to revocation. Poll thread only.
    private struct Assigned {
        /// Tells a late look-up of a former assignment from this one's.
        var generation: UInt64
        var stage: Stage
        var worker: PartitionWorker?
        var atEnd: [Bool]
        /// First offset of every input when the partition was prepared.
        var lows: [Int64] = []
    }

    private enum Stage: Equatable {
        /// End offsets are being looked up.
        case preparing
        /// Profiles are read up to this offset.
        case profiles(until: Int64)
        /// Everything is read.
        case running
    }

    private struct Partitions {
        var assigned: [Int32: Assigned] = [:]
        var generation: UInt64 = 0
        var nextTick = Timestamp.earliest
        var errorsSeen: [String: Timestamp] = [:]
    }

    /// Answer of a look-up.
    private struct Prepared: Sendable {
        var partition: Int32
        var generation: UInt64
        var lows: [Int64]
        var highs: [Int64]
    }

    private func run(_ partitions: inout Partitions) {
        let settings = context.configuration.runtime
        while !stopping.load(ordering: .acquiring) {
            roundCount.add(1, ordering: .relaxed)
            for prepared in mailbox.take() { begin(prepared, &partitions) }
            guard context.backlog.waitForRoom(milliseconds: 100) else { continue }
            let result = source.poll(maxMessages: settings.batchRecords, timeoutMilliseconds: 50) { event in
                rebalanced(event, &partitions)
            }
            for batch in result.batches { hand(batch, &partitions) }
            for end in result.ends { reachedEnd(end.input, end.partition, offset: end.offset, &partitions) }
            for error in result.errors { report(error, &partitions) }
            tickIfDue(&partitions)
            publish(partitions)
        }
    }

    private func hand(_ batch: MessageBatch, _ partitions: inout Partitions) {
        // Records of a partition that is not ours (any more) are dropped: its owner reads them.
        guard let worker = partitions.assigned[batch.partition]?.worker else { return }
        var seen: UInt64 = 0
        for record in 0..<batch.count { seen |= 1 << UInt64(batch.input(at: record)) }
        for input in 0..<context.inputs.count where seen & (1 << UInt64(input)) != 0 {
            partitions.assigned[batch.partition]?.atEnd[input] = false
        }
        worker.enqueue(batch)
    }

    private func reachedEnd(_ input: Int, _ partition: Int32, offset: Int64, _ partitions: inout Partitions) {
        guard var assigned = partitions.assigned[partition] else { return }
        assigned.atEnd[input] = true
        assigned.worker?.enqueueEnd(input, offset: offset)
        if case .profiles(let until) = assigned.stage, input == context.inputs.accounts.index, offset >= until {
            assigned.stage = .running
            startUsage(partition, lows: assigned.lows)
        }
        partitions.assigned[partition] = assigned
    }

    /// Moves the clock of partitions whose inputs are all read to their ends.
    private func tickIfDue(_ partitions: inout Partitions) {
        let now = context.clock.now()
        guard now >= partitions.nextTick else { return }
        partitions.nextTick = now + context.configuration.runtime.tickInterval
        assertOwnership(partitions)
        // Record timestamps of a replayed input are not times of arrival, so wall time says nothing about it.
        guard context.configuration.topics.usage.allSatisfy({ $0.clock == .live }) else { return }
        for assigned in partitions.assigned.values where assigned.stage == .running && assigned.atEnd.allSatisfy(\.self)
        {
            assigned.worker?.enqueueTick(wallTime: now)
        }
    }

    /// Ends the daemon if it reads one input of a partition and not the others: an account's records would part.
    private func assertOwnership(_ partitions: Partitions) {
        let reading = source.assignedPartitions
        for (partition, assigned) in partitions.assigned {
            let inputs = (0..<context.inputs.count).filter {
                reading.contains(InputPartition(input: $0, partition: partition))
            }
            let expected: [Int] =
                switch assigned.stage {
                case .preparing: []
                case .profiles: [context.inputs.accounts.index]
                case .running: Array(0..<context.inputs.count)
                }
            if inputs != expected {
                onFailure(.inputs("partition \(partition) reads inputs \(inputs) instead of \(expected)"))
            }
        }
        for stray in reading where partitions.assigned[stray.partition] == nil {
            onFailure(.inputs("partition \(stray.partition) of input \(stray.input) is read and not assigned"))
        }
    }

    private func publish(_ partitions: Partitions) {
        var standing = Standing()
        for (partition, assigned) in partitions.assigned.sorted(by: { $0.key < $1.key }) {
            standing.assigned.append(partition)
            guard assigned.stage == .running else { continue }
            standing.running.append(partition)
            if assigned.atEnd.allSatisfy(\.self) { standing.atEnd.append(partition) }
        }
        published.withLock { if $0 != standing { $0 = standing } }
    }

    // MARK: Assignment

    private func rebalanced(_ event: RebalanceEvent, _ partitions: inout Partitions) {
        switch event {
        case .assigned(let numbers):
            for partition in numbers {
                partitions.generation += 1
                partitions.assigned[partition] = Assigned(
                    generation: partitions.generation, stage: .preparing, worker: nil,
                    atEnd: Array(repeating: false, count: context.inputs.count))
                lookUp(partition, generation: partitions.generation)
            }
            if !numbers.isEmpty {
                log.info("partitions assigned", [.partition: .text(list(numbers)), .count: .init(numbers.count)])
            }
        case .revoked(let numbers, let lost):
            let workers = numbers.compactMap { partitions.assigned.removeValue(forKey: $0)?.worker }
            release(workers, lost: lost)
            if !numbers.isEmpty {
                log.info(
                    "partitions given back",
                    [
                        .partition: .text(list(numbers)), .count: .init(numbers.count),
                        .reason: lost ? "lost" : "revoked",
                    ])
            }
        }
        publish(partitions)
    }

    /// Ends partitions: an orderly revocation sends what they have applied, a lost one drops it.
    private func release(_ workers: [PartitionWorker], lost: Bool) {
        guard !workers.isEmpty else { return }
        let timeout = context.configuration.runtime.revokeTimeout
        if !lost, !sender.settle(workers, timeoutMilliseconds: timeout) {
            log.warning(
                "revoked partitions could not send their last epoch in time; it counts as lost",
                [.count: .init(workers.count), .tookMilliseconds: .init(timeout)])
        }
        for worker in workers {
            worker.discard()
            sender.remove(worker)
        }
    }

    /// Asks for the first and next offsets of every input of a partition, until Kafka answers or the partition is gone.
    private func lookUp(_ partition: Int32, generation: UInt64) {
        lookups.async { [self] in
            var lows: [Int64] = []
            var highs: [Int64] = []
            while lows.count < context.inputs.count, !stopping.load(ordering: .acquiring) {
                do throws(KafkaError) {
                    let (low, high) = try source.watermarks(
                        input: lows.count, partition: partition, timeoutMilliseconds: 5_000)
                    lows.append(low)
                    highs.append(high)
                } catch {
                    log.warning(
                        "offsets of an input could not be looked up; trying again",
                        [
                            .topic: .text(context.inputs.names[lows.count]), .partition: .init(partition),
                            .error: .text(error.description),
                        ])
                    pause(milliseconds: 500)
                }
            }
            guard lows.count == context.inputs.count else { return }
            mailbox.add(Prepared(partition: partition, generation: generation, lows: lows, highs: highs))
        }
    }

    /// Starts a prepared partition with its profiles.
    private func begin(_ prepared: Prepared, _ partitions: inout Partitions) {
        guard var assigned = partitions.assigned[prepared.partition], assigned.generation == prepared.generation else {
            return
        }
        let silent = context.configuration.catalogue.policy.firstStart == .silent
        let worker = PartitionWorker(
            partition: PartitionID(prepared.partition), context: context, starts: prepared.lows,
            silentBelow: silent ? prepared.highs : prepared.highs.map { _ in 0 })
        assigned.worker = worker
        assigned.lows = prepared.lows
        let accounts = context.inputs.accounts.index
        let hasProfiles = prepared.lows[accounts] < prepared.highs[accounts]
        assigned.stage = hasProfiles ? .profiles(until: prepared.highs[accounts]) : .running
        partitions.assigned[prepared.partition] = assigned
        sender.add(worker)
        assign([(accounts, prepared.partition, KafkaOffset(prepared.lows[accounts]))])
        if !hasProfiles { startUsage(prepared.partition, lows: prepared.lows) }
    }

    private func startUsage(_ partition: Int32, lows: [Int64]) {
        assign((0..<context.inputs.usageCount).map { ($0, partition, KafkaOffset(lows[$0])) })
    }

    private func assign(_ starts: [KafkaConsumer.StartPosition]) {
        do {
            try source.assign(starts)
        } catch  where error.code == .wrongState {
            // Revoked since it was prepared; the handler has dropped it, or is about to.
            log.debug("a partition left before it was read", [.error: .text(error.description)])
        } catch {
            onFailure(.kafka("a partition of this instance could not be assigned", error))
        }
    }

    // MARK: Errors and the end

    /// Logs an error of the consumer, the same text at most every 10 s; ends the daemon where nothing else helps.
    private func report(_ error: KafkaError, _ partitions: inout Partitions) {
        if error.recovery == .terminate { onFailure(.kafka("the consumer cannot go on", error)) }
        let now = context.clock.now()
        if let last = partitions.errorsSeen[error.description], now - last < 10_000 { return }
        if partitions.errorsSeen.count > 100 { partitions.errorsSeen.removeAll() }
        partitions.errorsSeen[error.description] = now
        log.warning("Kafka reports a problem; librdkafka goes on trying", [.error: .text(error.description)])
    }

    /// Drains what was read and sends it.
    private func finish(_ partitions: inout Partitions) {
        release(partitions.assigned.values.compactMap(\.worker), lost: false)
        partitions.assigned = [:]
        publish(partitions)
    }

    private func list(_ numbers: [Int32]) -> String { numbers.sorted().map(String.init).joined(separator: ",") }
}
