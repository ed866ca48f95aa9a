internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellTelemetry

/// A daemon's process under virtual time: the production machines, states and codecs, with the threads around them taken
/// apart into events that the scheduler orders.
///
/// What runs beside each other in the daemon runs here in any order: the poll thread, a queue for each partition, the
/// commit queue (`SimulatedInstance+Commit`), restores, and librdkafka's own threads.
final class SimulatedInstance {
    unowned let world: Simulation
    let slot: Int
    let process: SimulatedProcess
    let context: RuntimeContext
    let consumer: SimulatedConsumer
    var random: SimulationRandom

    var ownership: Ownership
    var workers: [Int32: SimulatedWorker] = [:]
    /// Next offset of what is read, by partition and input.
    private var reading: [Int32: [Int: Int64]] = [:]
    private var ends: [Int32: [Int: Int64]] = [:]
    private var wanted: Set<UInt64> = []
    private var fences: [String: Int64] = [:]
    private var letters: [Letter] = []
    private var isBlocked = false
    /// Of the control topic; see `SimulatedInstance+Control`.
    var controls: [ControlRecord] = []
    var controlPosition: Int64 = 0
    private var isStopping = false
    private var nextTick: Int64 = 0

    // The commit queue's; see `SimulatedInstance+Commit`.
    var machine: CommitMachine
    var producer: SimulatedProducer?
    var metadata: GroupMetadata?
    var jobs: [CommitJob] = []
    var isCommitting = false
    var epoch: [CommitEntry] = []
    /// Epochs and partitions whose bytes were produced already, for bugs that show when they are again.
    var released: Set<PartitionID> = []
    var producedOnce: Set<EpochName> = []
    /// Of the state partitions when the process started; for the bug that uses them.
    private(set) var oldWatermarks: [Int32: (low: Int64, high: Int64)] = [:]
    /// Between begin and the answer to commit or abort.
    var isInTransaction = false
    /// Called once, when offsets are in the transaction and nothing is committed: the worst moment to die or to hang.
    var onOffsetsSent: (() -> Void)?
    /// Between commit and its answer.
    var isEnding = false

    enum Letter {
        case ready(Int32, generation: UInt64, SimulatedWorker, starts: [Int64], profilesUntil: Int64)
        case suspect(Int32, String)
    }

    static let slicing = Slicing(count: 4, ratio: 1, minimumBytes: 60)
    static let transactionTimeout: Int64 = 10_000
    static let commitInterval: Int64 = 250
    static let revokeTimeout: Int64 = 2_500
    static let tickInterval: Int64 = 2_500
    /// Applied and not committed, beyond which one record at a time is read.
    static let uncommittedMax = 120

    var name: String { process.name }

    init(world: Simulation, slot: Int, life: Int, random: SimulationRandom) {
        self.world = world
        self.slot = slot
        self.random = random
        let process = SimulatedProcess(name: "\(Self.slotName(slot)).\(life)")
        self.process = process
        context = world.context(slot: slot)
        ownership = Ownership(context.inputs)
        machine = CommitMachine(transactionTimeout: Self.transactionTimeout)
        switch world.options.plant {
        case .tickWithoutOffset: machine.sabotage = .tickWithoutOffset
        case .unknownIsCommitted: machine.sabotage = .unknownIsCommitted
        case .unknownIsAborted: machine.sabotage = .unknownIsAborted
        default: break
        }
        consumer = SimulatedConsumer(
            group: SimulationTopics.group, instance: Self.slotName(slot), process: process, network: world.network,
            sessionTimeout: world.kafka.settings.sessionTimeout)
    }

    static func slotName(_ slot: Int) -> String { ["a", "b", "c", "d", "e"][slot] }

    func start() {
        if world.options.plant == .watermarkFirst { oldWatermarks = world.stateWatermarks }
        lookAtControl()
        consumer.start()
        world.scheduler.schedule(after: random.between(0...60), for: process) { [self] in poll() }
        connect()
        world.scheduler.schedule(after: Self.commitInterval, for: process) { [self] in commitDue() }
    }

    /// An orderly end: what is applied goes out, then the group is told if that is wished.
    func stop(leaving: Bool) {
        guard !isStopping else { return }
        isStopping = true
        wanted = []
        let all = workers.sorted { $0.key < $1.key }.map(\.value)
        release(all, isLost: false) { [self] in
            consumer.close(leaving: leaving)
            world.scheduler.schedule(after: 20, for: process) { [self] in world.ended(self, "stopped") }
        }
    }

    // MARK: The poll thread

    private func poll() {
        guard !isBlocked, !isStopping else { return }
        for letter in exchangeLetters() { open(letter) }
        if let event = consumer.nextEvent() {
            rebalanced(event)
            guard !isBlocked else { return }
        }
        if world.network.isReachable(for: process) { fetch() }
        tickIfDue()
        world.scheduler.schedule(after: random.between(20...60), for: process) { [self] in poll() }
    }

    private func exchangeLetters() -> [Letter] {
        defer { letters = [] }
        return letters
    }

    private func unblock() {
        isBlocked = false
        poll()
    }

    private func fetch() {
        let hasRoom = workers.values.reduce(0) { $0 + $1.uncommitted } < Self.uncommittedMax
        for partition in reading.keys.sorted() {
            guard let worker = workers[partition], let inputs = reading[partition] else { continue }
            var records: [InMemoryRecord] = []
            var reached: [(input: Int, offset: Int64)] = []
            for (input, position) in inputs.sorted(by: { $0.key < $1.key }) {
                let source = TopicPartition(SimulationTopics.inputs[input], partition)
                let count = hasRoom ? 1 + random.below(12) : 1
                guard let found = try? world.kafka.fetch(source, from: position, .readCommitted, max: count),
                    let end = try? world.kafka.listOffsets(source, .readCommitted).high
                else { continue }
                for (offset, record) in found.records {
                    records.append(
                        InMemoryRecord(
                            input: input, offset: offset, timestamp: record.timestamp, key: record.key,
                            value: record.value, headers: record.headers))
                }
                reading[partition]?[input] = found.next
                if !found.records.isEmpty { ownership.received(partition, input: input) }
                if found.next == end, ends[partition]?[input] != end { reached.append((input, end)) }
            }
            if !records.isEmpty { worker.enqueue(MessageBatch(partition: partition, records: records)) }
            for (input, offset) in reached {
                ends[partition, default: [:]][input] = offset
                worker.enqueueEnd(input, offset: offset)
                assign(ownership.reachedEnd(partition, input: input, offset: offset))
            }
        }
    }

    private func tickIfDue() {
        let now = world.scheduler.now
        guard now >= nextTick else { return }
        nextTick = now + Self.tickInterval
        for (partition, own) in ownership.partitions.sorted(by: { $0.key < $1.key }) {
            let read = (reading[partition] ?? [:]).keys.sorted()
            if read != ownership.inputs(of: partition) {
                world.violate("\(name) reads inputs \(read) of partition \(partition) in stage \(own.stage)")
            }
            if own.isAtEnd { workers[partition]?.enqueueTick(Timestamp(milliseconds: now)) }
        }
    }

    private func assign(_ starts: [KafkaConsumer.StartPosition]) {
        for start in starts {
            reading[start.partition, default: [:]][start.input] = start.offset.rawValue
            ends[start.partition]?[start.input] = nil
        }
    }

    // MARK: Assignment

    private func rebalanced(_ event: SimulatedConsumer.Event) {
        world.trace("\(name) \(event)")
        switch event {
        case .fenced:
            world.counts[.fencedProcess] += 1
            world.ended(self, "fenced by another process of its slot")
        case .assigned(let numbers): for partition in numbers { restore(partition) }
        case .revoked(let numbers, let isLost):
            for partition in numbers { forget(partition) }
            if isLost { world.counts[.partitionLost] += numbers.count }
            let leaving = numbers.compactMap { workers.removeValue(forKey: $0) }
            release(leaving, isLost: isLost) { [self] in consumer.gaveBack(numbers) }
        }
    }

    private func forget(_ partition: Int32) {
        if let own = ownership.partitions[partition] { wanted.remove(own.generation) }
        ownership.give(back: partition)
        reading[partition] = nil
        ends[partition] = nil
    }

    /// Ends partitions: an orderly revocation sends what they have applied, within its time; a lost one drops it.
    private func release(_ leaving: [SimulatedWorker], isLost: Bool, then: @escaping () -> Void) {
        guard !leaving.isEmpty, !isLost else {
            for worker in leaving { worker.discard() }
            return then()
        }
        isBlocked = true
        var isOver = false
        let finish = { [self] (isInTime: Bool) in
            guard !isOver else { return }
            isOver = true
            world.counts[isInTime ? .revokeSettled : .revokeOverdue] += 1
            for worker in leaving { worker.discard() }
            then()
            unblock()
        }
        enqueue(.settle(leaving) { finish(true) })
        world.scheduler.schedule(after: Self.revokeTimeout, for: process) { finish(false) }
    }

    // MARK: Restores

    private func restore(_ partition: Int32) {
        if let own = ownership.partitions[partition] { wanted.remove(own.generation) }
        let generation = ownership.restore(partition)
        wanted.insert(generation)
        let restore = SimulatedRestore(self, PartitionID(partition), generation: generation)
        world.scheduler.schedule(after: random.between(0...10), for: process) { restore.step() }
    }

    /// One dead owner's transaction holds all its partitions: ending it once is enough (`RecentFences`).
    func shouldFence(_ writer: String) -> Bool {
        let now = world.scheduler.now
        if let last = fences[writer], now - last < 5_000 { return false }
        fences[writer] = now
        return true
    }

    func isWanted(_ partition: Int32, _ generation: UInt64) -> Bool { wanted.contains(generation) }

    func restored(_ partition: Int32, _ generation: UInt64, _ state: consuming PartitionState) {
        let starts = state.next
        let profilesUntil = state.profilesUntil
        let worker = SimulatedWorker(
            state, process: process, scheduler: world.scheduler, random: random.fork())
        letters.append(
            .ready(partition, generation: generation, worker, starts: starts, profilesUntil: profilesUntil))
    }

    func refused(_ partition: Int32, _ text: String) {
        world.violate("\(name) refuses partition \(partition): \(text)")
    }

    func suspect(_ partition: Int32, _ text: String) { letters.append(.suspect(partition, text)) }

    private func open(_ letter: Letter) {
        switch letter {
        case .ready(let partition, let generation, let worker, let starts, let profilesUntil):
            guard ownership.isCurrent(partition, generation: generation) else { return worker.discard() }
            wanted.remove(generation)
            workers[partition] = worker
            giveControls(to: worker)
            world.trace("\(name) runs p\(partition) from \(starts)")
            assign(ownership.begin(partition, starts: starts, profilesUntil: profilesUntil))
        case .suspect(let partition, let text):
            guard let worker = workers.removeValue(forKey: partition) else { return }
            world.trace("\(name) restores p\(partition): \(text)")
            worker.discard()
            reading[partition] = nil
            ends[partition] = nil
            restore(partition)
        }
    }
}
