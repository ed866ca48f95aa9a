internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellStateLog

/// A restore under virtual time: what `PartitionRestore` does on its thread, one operation at a time.
final class SimulatedRestore {
    private let instance: SimulatedInstance
    private let partition: PartitionID
    private let generation: UInt64
    private var machine: RestoreMachine
    private var restorer: PartitionRestorer?
    private var end: Int64 = 0

    init(_ instance: SimulatedInstance, _ partition: PartitionID, generation: UInt64) {
        self.instance = instance
        self.partition = partition
        self.generation = generation
        machine = RestoreMachine(instance.context.expectation(partition))
    }

    private var world: Simulation { instance.world }
    private var number: Int32 { partition.rawValue }

    func step() {
        guard instance.isWanted(partition.rawValue, generation) else { return }
        guard let operation = machine.next() else { return decide() }
        perform(operation) { [self] outcome in
            machine.completed(outcome, now: world.scheduler.now)
            world.scheduler.schedule(after: 0, for: instance.process) { [self] in step() }
        }
    }

    private func perform(
        _ operation: RestoreMachine.Operation, _ done: @escaping (RestoreMachine.Outcome) -> Void
    ) {
        world.trace("\(instance.name) restore p\(number): \(operation)")
        switch operation {
        case .fetchCommitted: fetchOffset(done)
        case .newestWriter: newestWriter(done)
        case .fence(let writer): fence(writer, done)
        case .stateWatermarks:
            if world.options.plant == .watermarkFirst, let old = instance.oldWatermarks[number] {
                return done(.watermarks(low: old.low, high: old.high))
            }
            let isolation: Isolation =
                world.options.plant == .restoreToLastStable ? .readCommitted : .readUncommitted
            let target = TopicPartition(SimulationTopics.state, number)
            ask({ kafka throws(BrokerError) in try kafka.listOffsets(target, isolation) }, done) {
                done(.watermarks(low: $0.low, high: $0.high))
            }
        case .read(let from, let until):
            restorer = PartitionRestorer(
                partition: partition, start: from, slicing: SimulatedInstance.slicing,
                timeZones: TimeZones.table(named:),
                sabotage: world.options.plant == .mergingSlice ? .mergingSlice : nil)
            end = until
            if from > 0 { world.counts[.restoreFromOffset] += 1 }
            read(from: from, until: until, since: world.scheduler.now, complaint: nil, done)
        case .inputWatermarks: inputWatermarks(done)
        case .verify(let input, let offset): verify(input, offset, done)
        case .wait(let milliseconds):
            world.scheduler.schedule(after: milliseconds, for: instance.process) { done(.done) }
        }
    }

    /// One request; what librdkafka cannot get is a failure that the machine asks about again.
    private func ask<Value>(
        _ execute: @escaping (SimulatedKafka) throws(BrokerError) -> Value,
        _ done: @escaping (RestoreMachine.Outcome) -> Void, _ succeeded: @escaping (Value) -> Void
    ) {
        world.network.call(from: instance.process, execute) { [self] reply in
            switch reply {
            case .answer(.success(let value)): succeeded(value)
            case .answer(.failure(.unstableOffsetCommit)):
                world.counts[.offsetUnstable] += 1
                done(.pending)
            case .answer(.failure(.offsetOutOfRange)): done(.failed(KafkaError(code: .offsetOutOfRange, text: "")))
            case .answer(.failure(let error)): done(.failed(KafkaError(code: .retry, text: "\(error)")))
            case .refused, .lost: done(.failed(KafkaError(code: .transport, text: "no answer")))
            }
        }
    }

    private func fetchOffset(_ done: @escaping (RestoreMachine.Outcome) -> Void) {
        let lead = TopicPartition(SimulationTopics.inputs[0], number)
        ask(
            { kafka throws(BrokerError) in
                try kafka.fetchOffset(SimulationTopics.group, lead, isStable: true)
            }, done
        ) { [number] found in
            done(
                .committed(found.map { GroupOffset(partition: number, offset: $0.offset, metadata: $0.metadata) }))
        }
    }

    private func newestWriter(_ done: @escaping (RestoreMachine.Outcome) -> Void) {
        let target = TopicPartition(SimulationTopics.state, number)
        ask(
            { kafka throws(BrokerError) in
                let (low, high) = try kafka.listOffsets(target, .readUncommitted)
                return try kafka.fetch(target, from: max(low, high - 32), .readUncommitted, max: 32)
            }, done
        ) { result in
            let writers = result.records.compactMap { try? StateChunk.decode($0.record.value ?? []).header.writer }
            done(.writer(writers.last))
        }
    }

    private func fence(_ writer: String, _ done: @escaping (RestoreMachine.Outcome) -> Void) {
        guard instance.shouldFence(writer) else { return done(.done) }
        world.counts[.deadOwnerFenced] += 1
        let handle = SimulatedProducer(
            transactionalID: writer, process: instance.process, network: world.network,
            timeout: SimulatedInstance.transactionTimeout, stateTopic: SimulationTopics.state)
        handle.initialise { error in
            handle.close()
            done(error.map { .failed($0) } ?? .done)
        }
    }

    private func read(
        from: Int64, until: Int64, since: Int64, complaint: String?,
        _ done: @escaping (RestoreMachine.Outcome) -> Void
    ) {
        guard from < until else {
            var summary =
                restorer?.summary ?? RestoreMachine.Summary(last: nil, isComplete: true, complaint: nil)
            if let complaint { summary.complaint = complaint }
            return done(.read(summary))
        }
        let target = TopicPartition(SimulationTopics.state, number)
        ask({ kafka throws(BrokerError) in try kafka.fetch(target, from: from, .readCommitted, max: 64) }, done) {
            [self] result in
            var complaint = complaint
            for (offset, record) in result.records where offset < until && complaint == nil {
                do throws(RestoreError) {
                    try restorer?.add(record.value ?? [], offset: offset)
                } catch {
                    complaint = error.text
                }
            }
            guard result.next == from else {
                return read(
                    from: result.next, until: until, since: world.scheduler.now, complaint: complaint, done)
            }
            // The last stable offset holds it up.
            guard world.scheduler.now - since < 1_000 else {
                return done(.failed(KafkaError(code: .timedOut, text: "a transaction is open in the state log")))
            }
            world.scheduler.schedule(after: 20, for: instance.process) { [self] in
                read(from: from, until: until, since: since, complaint: complaint, done)
            }
        }
    }

    private func inputWatermarks(_ done: @escaping (RestoreMachine.Outcome) -> Void) {
        let targets = SimulationTopics.inputs.map { TopicPartition($0, number) }
        ask(
            { kafka throws(BrokerError) in
                var found: [(low: Int64, high: Int64)] = []
                for target in targets { found.append(try kafka.listOffsets(target, .readUncommitted)) }
                return found
            }, done
        ) { done(.inputs($0)) }
    }

    private func verify(_ input: InputID, _ offset: Int64, _ done: @escaping (RestoreMachine.Outcome) -> Void) {
        let target = TopicPartition(SimulationTopics.inputs[input.index], number)
        ask({ kafka throws(BrokerError) in try kafka.fetch(target, from: offset, .readCommitted, max: 1) }, done) {
            result in
            guard let (found, record) = result.records.first, found == offset else { return done(.recordGone) }
            let checksum = unsafe RecordChecksum.of(key: record.key?.span.bytes, value: record.value?.span.bytes)
            done(.record(timestamp: record.timestamp, checksum: checksum))
        }
    }

    private func decide() {
        switch machine.decision {
        case .genesis(let inputs):
            instance.restored(
                number, generation, PartitionState(genesis: partition, context: instance.context, inputs: inputs))
        case .refuse(let text): instance.refused(number, text)
        case .resume:
            world.counts[.restore] += 1
            guard let restorer = restorer.take() else { return instance.refused(number, "nothing was read") }
            do throws(RestoreError) {
                let restored = try restorer.finish(
                    end: end, losses: machine.losses, lows: machine.lows)
                instance.restored(number, generation, PartitionState(restored: restored, context: instance.context))
            } catch {
                instance.refused(number, error.text)
            }
        case nil: break
        }
    }
}
