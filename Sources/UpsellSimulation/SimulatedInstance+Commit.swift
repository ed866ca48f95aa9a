internal import KafkaTransport
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellStateLog

/// What the commit queue has to do, in order.
enum CommitJob {
    case epoch
    /// Before a revocation: these workers' work, then the call.
    case settle([SimulatedWorker], () -> Void)
}

struct CommitEntry {
    let worker: SimulatedWorker
    let share: FrozenShare
}

struct EpochName: Hashable {
    var partition: Int32
    var epoch: UInt64
}

/// What `Committer` does on its queue.
extension SimulatedInstance {
    /// Takes the transactional id before there is anything to send; epochs wait for it.
    func connect() {
        isCommitting = true
        epoch = []
        machine.connect()
        pump { [self] in
            isCommitting = false
            takeJob()
        }
    }

    func commitDue() {
        if jobs.isEmpty, !isCommitting { enqueue(.epoch) }
        world.scheduler.schedule(after: Self.commitInterval, for: process) { [self] in commitDue() }
    }

    func enqueue(_ job: CommitJob) {
        jobs.append(job)
        takeJob()
    }

    private func takeJob() {
        guard !isCommitting, !jobs.isEmpty else { return }
        isCommitting = true
        let job = jobs.removeFirst()
        let some: [SimulatedWorker] =
            switch job {
            case .epoch: workers.sorted { $0.key < $1.key }.map(\.value)
            case .settle(let workers, _): workers
            }
        collect(some) { [self] entries in
            send(entries) { [self] in
                isCommitting = false
                if case .settle(_, let then) = job { then() }
                takeJob()
            }
        }
    }

    /// The barrier: every partition freezes behind what it was given before.
    private func collect(_ some: [SimulatedWorker], _ done: @escaping ([CommitEntry]) -> Void) {
        guard !some.isEmpty else { return done([]) }
        var entries: [CommitEntry] = []
        var left = some.count
        let freeze = { (worker: SimulatedWorker) in
            if let share = worker.freeze() { entries.append(CommitEntry(worker: worker, share: share)) }
            left -= 1
            if left == 0 { done(entries.sorted { $0.worker.partition < $1.worker.partition }) }
        }
        for worker in some {
            if world.options.plant == .missingBarrier {
                for (input, end) in worker.queuedEnds { _ = worker.state.reachEnd(input, at: end) }
                freeze(worker)
            } else {
                worker.barrier(freeze)
            }
        }
    }

    private func send(_ entries: [CommitEntry], _ done: @escaping () -> Void) {
        guard !entries.isEmpty else { return done() }
        epoch = entries
        producedOnce = []
        released = []
        machine.start(entries.map(\.share))
        pump(done)
    }

    private func pump(_ done: @escaping () -> Void) {
        // A lost partition takes its share with it: whoever owns it now reads its inputs again.
        noteLosses()
        guard let operation = machine.next() else {
            for entry in epoch {
                entry.worker.settled(entry.share)
                // What did not get out leaves a gap that no later epoch of this worker may follow.
                if !released.contains(entry.share.partition) { entry.worker.discard() }
            }
            epoch = []
            return done()
        }
        world.trace("\(name) \(Self.title(of: operation))")
        perform(operation) { [self] outcome in
            if case .failed(let error) = outcome { world.trace("\(name)   failed: \(error)") }
            let actions = machine.completed(outcome, now: world.scheduler.now)
            if case .offsets = outcome { countResolved(actions) }
            for action in actions { follow(action) }
            guard process.isAlive else { return }
            world.scheduler.schedule(after: random.between(0...2), for: process) { [self] in pump(done) }
        }
    }

    private func countResolved(_ actions: [CommitMachine.Action]) {
        for case .released in actions { world.counts[.unknownOutcomeCommitted] += 1 }
        world.counts[.unknownOutcomeAborted] += machine.shares.count
    }

    private func noteLosses() {
        for entry in epoch where entry.worker.isDiscarded { machine.lost(entry.worker.partition) }
    }

    // MARK: Operations

    private func perform(_ operation: CommitMachine.Operation, _ done: @escaping (CommitMachine.Outcome) -> Void) {
        let finish: SimulatedProducer.Done = { done($0.map { .failed($0) } ?? .done) }
        switch operation {
        case .membership: done(.member(generation: consumer.membership?.generation))
        case .initialise: initialise(finish)
        case .begin:
            guard let membership = consumer.membership else {
                return done(
                    .failed(
                        KafkaError(code: .unknownMember, text: "no member of the group", recovery: .abortAndResend)))
            }
            metadata = membership
            if let error = producer?.begin() { return done(.failed(error)) }
            noteLosses()
            isInTransaction = true
            done(.done)
        case .produce(let records):
            for record in sabotaged(records) {
                producer?.produce(
                    record, to: SimulationTopics.place(record.topic, record.partition), at: world.scheduler.now)
            }
            done(.done)
        case .flush: withProducer(finish) { $0.flush(finish) }
        case .sendOffsets(let offsets): sendOffsets(offsets, finish)
        case .commit:
            withProducer(finish) { [self] producer in
                isEnding = true
                producer.commit { [self] error in
                    isEnding = false
                    if error == nil { isInTransaction = false }
                    finish(error)
                }
            }
        case .abort:
            withProducer(finish) { [self] producer in
                producer.abort { [self] error in
                    if error == nil {
                        world.counts[.abortedTransaction] += 1
                        isInTransaction = false
                    }
                    finish(error)
                }
            }
        case .fetchOffsets(let partitions): fetchOffsets(partitions, done)
        case .wait(let milliseconds): world.scheduler.schedule(after: milliseconds, for: process) { done(.done) }
        }
    }

    private func withProducer(_ finish: SimulatedProducer.Done, _ body: (SimulatedProducer) -> Void) {
        guard let producer else {
            return finish(KafkaError(code: .wrongState, text: "no producer", recovery: .rebuildProducer))
        }
        body(producer)
    }

    private func initialise(_ finish: @escaping SimulatedProducer.Done) {
        if let dead = producer, dead.isDead {
            dead.close()
            producer = nil
            world.counts[.rebuiltProducer] += 1
        }
        let handle =
            producer
            ?? SimulatedProducer(
                transactionalID: context.writer, process: process, network: world.network,
                timeout: Self.transactionTimeout, stateTopic: SimulationTopics.state)
        producer = handle
        isInTransaction = false
        handle.initialise(finish)
    }

    private func sendOffsets(_ offsets: [GroupOffset], _ finish: @escaping SimulatedProducer.Done) {
        var committed: [TopicPartition: CommittedOffset] = [:]
        for offset in offsets {
            committed[TopicPartition(SimulationTopics.inputs[0], offset.partition)] = CommittedOffset(
                offset: offset.offset, metadata: offset.metadata)
        }
        if world.options.plant == .offsetsOutside {
            let plain = committed
            return world.network.call(from: process) { kafka throws(BrokerError) in
                kafka.commitPlainly(SimulationTopics.group, plain)
            } _: { _ in
                finish(nil)
            }
        }
        withProducer(finish) { producer in
            let member = world.options.plant == .droppedFence ? .none : metadata ?? .none
            producer.sendOffsets(committed, group: SimulationTopics.group, under: member) { [self] error in
                if let error, error.recovery == .abortAndResend { world.counts[.zombieRefused] += 1 }
                if error == nil { exchange(&onOffsetsSent, with: nil)?() }
                guard process.isAlive else { return }
                finish(error)
            }
        }
    }

    /// Stable offsets, as `KafkaConsumer.committed` asks for them: again while one is pending, until its time is over.
    private func fetchOffsets(_ partitions: [PartitionID], _ done: @escaping (CommitMachine.Outcome) -> Void) {
        world.network.call(from: process) { kafka throws(BrokerError) in
            var found: [PartitionID: GroupOffset] = [:]
            for partition in partitions {
                let lead = TopicPartition(SimulationTopics.inputs[0], partition.rawValue)
                guard let offset = try kafka.fetchOffset(SimulationTopics.group, lead, isStable: true) else { continue }
                found[partition] = GroupOffset(
                    partition: partition.rawValue, offset: offset.offset, metadata: offset.metadata)
            }
            return found
        } _: { reply in
            switch reply {
            case .answer(.success(let found)): done(.offsets(found))
            case .answer(.failure(.unstableOffsetCommit)):
                done(.failed(KafkaError(code: .unstableOffsetCommit, text: "pending")))
            case .answer(.failure(let error)): done(.failed(KafkaError(code: .retry, text: "\(error)")))
            case .refused, .lost: done(.failed(KafkaError(code: .transport, text: "no answer")))
            }
        }
    }

    // MARK: What follows

    private func follow(_ action: CommitMachine.Action) {
        world.trace("\(name)   → \(Self.title(of: action))")
        switch action {
        case .released(let share):
            guard let entry = epoch.first(where: { $0.worker.partition == share.partition }) else { return }
            released.insert(share.partition)
            entry.worker.released(stateEnd: producer?.stateEnd(share.partition.rawValue))
            world.trim(share.partition.rawValue, before: share.restoreFrom)
        case .suspect(let partition, let text):
            guard let entry = epoch.first(where: { $0.worker.partition == partition }), !entry.worker.isDiscarded
            else { return }
            entry.worker.discard()
            suspect(partition.rawValue, text)
        case .poisoned(_, let error): world.violate("\(name) is poisoned: \(error)")
        case .fenced(let error): world.ended(self, "fenced: \(error)")
        case .failed(let error): world.violate("\(name) cannot go on: \(error)")
        case .resending: break
        }
    }

    private static func title(of operation: CommitMachine.Operation) -> String {
        switch operation {
        case .produce(let records): "produce \(records.count) records"
        case .sendOffsets(let offsets):
            "sendOffsets " + offsets.map { "p\($0.partition)@\($0.offset) \($0.metadata)" }.joined(separator: ", ")
        default: "\(operation)"
        }
    }

    private static func title(of action: CommitMachine.Action) -> String {
        switch action {
        case .released(let share): "released p\(share.partition.rawValue) epoch \(share.epoch)"
        default: "\(action)"
        }
    }

    // MARK: Planted bugs

    /// What is really produced: the epoch's own bytes, unless a bug is planted that shows when they are sent again.
    private func sabotaged(_ records: [OutputRecord]) -> [OutputRecord] {
        let names = machine.shares.map { EpochName(partition: $0.partition.rawValue, epoch: $0.epoch) }
        let isAgain = names.contains { !producedOnce.insert($0).inserted }
        guard isAgain else { return records }
        switch world.options.plant {
        case .doubledTriggers: return records + records.filter { $0.topic == SimulationTopics.triggers }
        case .rebuiltBytes: return records.map(rebuild)
        default: return records
        }
    }

    /// Makes the epoch's state chunk again, with what was applied since.
    private func rebuild(_ record: OutputRecord) -> OutputRecord {
        guard record.topic == SimulationTopics.state, let bytes = record.value,
            let chunk = try? StateChunk.decode(bytes), chunk.header.parts == 1,
            let worker = epoch.first(where: { $0.worker.partition.rawValue == record.partition })?.worker,
            let since = worker.freezeEarly()?.records.first(where: { $0.topic == SimulationTopics.state })?.value
        else { return record }
        let own = Self.sections(bytes, worker.partition)
        var payload = StatePayloadWriter()
        for section in own + Self.sections(since, worker.partition).filter({ $0.kind == .delta }) {
            switch section.kind {
            case .catalogue, .delta: payload.append(section.kind) { $0.put(raw: section.bytes) }
            case .slice: if let slice = section.slice { payload.append(slice: slice) { $0.put(raw: section.bytes) } }
            }
        }
        var again = record
        again.value = payload.chunks(header: chunk.header).first
        return again
    }

    private static func sections(_ bytes: [UInt8], _ partition: PartitionID) -> [StateEpoch.Section] {
        var assembler = ChunkAssembler(partition: partition)
        guard let chunk = try? StateChunk.decode(bytes), let epoch = try? assembler.add(chunk) else { return [] }
        return epoch.sections
    }
}

extension SimulatedKafka {
    /// OffsetCommit outside of any transaction and of any check; for the bug that uses it.
    func commitPlainly(_ name: String, _ offsets: [TopicPartition: CommittedOffset]) {
        var group = groups[name] ?? GroupState()
        group.offsets.merge(offsets) { $1 }
        put(group, name)
    }
}
