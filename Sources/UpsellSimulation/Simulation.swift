internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellTelemetry

/// One history: instances, a strict broker, a workload and faults, all from one seed.
package final class Simulation {
    package struct Options: Sendable {
        package var seed: UInt64
        package var plant: PlantedBug?
        package var shape = Shape.long
        /// Kill the process at this place of its I/O; `short` histories only.
        package var crashAt: Int?

        package init(seed: UInt64) { self.seed = seed }
    }

    package enum Shape: Sendable {
        /// 3 to 4 instances, 4 partitions, 300 events and more, faults of every kind.
        case long
        /// 2 instances, 3 partitions, 20 events, at most one crash.
        case short
    }

    package struct Outcome: Sendable {
        /// nil for a clean history.
        package var violation: String?
        /// Event of the scheduler at which it was found.
        package var step = 0
        package var counts = FaultCounts()
        package var events = 0
        package var lives = 0
        package var commits = 0
        package var rebalances = 0
        package var ioSteps = 0
        package var milliseconds: Int64 = 0
    }

    package let options: Options
    let scheduler: Scheduler
    let kafka: SimulatedKafka
    let network: SimulatedNetwork
    let checker: CommitChecker
    var counts = FaultCounts()
    private let shape: SimulationShape
    private let tracing: ((String) -> Void)?
    private let clock: VirtualClock
    private var random: SimulationRandom
    private let workload: WorkloadBox
    private var instances: [SimulatedInstance?]
    private var lives: [Int]
    private var contexts: [RuntimeContext]
    /// Slots that are meant to run.
    private var isWanted: [Bool]
    private var violation: (text: String, step: Int)?
    private var isCalm = false

    /// - Parameter tracing: receives a line for each thing that happens; nil for none.
    package init(_ options: Options, tracing: ((String) -> Void)? = nil) {
        self.options = options
        self.tracing = tracing
        let shape = SimulationShape(options.shape)
        self.shape = shape
        random = SimulationRandom(seed: options.seed)
        let start = SimulationWorkload.midnight - shape.beforeMidnight
        scheduler = Scheduler(start: start)
        kafka = SimulatedKafka(random: random.fork(), start: start)
        network = SimulatedNetwork(kafka: kafka, scheduler: scheduler, random: random.fork())
        let workload = WorkloadBox(
            SimulationWorkload(
                partitions: Int(shape.partitions), accountsEach: shape.accountsEach, random: random.fork()))
        self.workload = workload
        checker = CommitChecker(
            SimulationCatalogue(), partitions: shape.partitions, plant: options.plant,
            history: { workload.workload.histories[Int($0)] }, controls: { workload.workload.controls })
        let clock = VirtualClock(start)
        self.clock = clock
        contexts = (0..<shape.slots).map { Self.context(slot: $0, shape.partitions, clock) }
        instances = (0..<shape.slots).map { _ in nil }
        lives = (0..<shape.slots).map { _ in 0 }
        isWanted = (0..<shape.slots).map { $0 < shape.instances }
        let kafka = kafka
        scheduler.onAdvance = { now in
            clock.now = now
            kafka.advance(to: now)
        }
    }

    private static func context(slot: Int, _ partitions: Int32, _ clock: VirtualClock) -> RuntimeContext {
        var configuration = Configuration(catalogue: SimulationCatalogue().production)
        configuration.topics = SimulationTopics.configured
        configuration.group = Configuration.Group(
            id: SimulationTopics.group, slot: SimulatedInstance.slotName(slot))
        configuration.runtime.maxRecordBytes = 4_096
        return RuntimeContext(
            configuration: configuration, inputs: InputTopics(configuration.topics), partitionCount: Int(partitions),
            clock: WallClock { Timestamp(milliseconds: clock.now) },
            log: Log(level: .error, destination: .function(.text, { _ in })), slicing: SimulatedInstance.slicing)
    }

    func context(slot: Int) -> RuntimeContext { contexts[slot] }

    func trace(_ line: @autoclosure () -> String) {
        guard let tracing else { return }
        tracing("\(scheduler.steps) \(scheduler.now - SimulationWorkload.midnight) \(line())")
    }

    /// Notes what is wrong; the first counts.
    func violate(_ text: String) {
        trace("VIOLATION \(text)")
        if violation == nil { violation = (text, scheduler.steps) }
    }

    // MARK: Running

    package func run() -> Outcome {
        for topic in SimulationTopics.inputs + [SimulationTopics.state, SimulationTopics.journal] {
            kafka.createTopic(topic, partitions: shape.partitions)
        }
        for topic in [
            SimulationTopics.triggers, SimulationTopics.held, SimulationTopics.outcomes, SimulationTopics.open,
            SimulationTopics.deadLetters, SimulationTopics.control,
        ] {
            kafka.createTopic(topic, partitions: 1)
        }
        kafka.declareGroup(SimulationTopics.group, leadTopic: SimulationTopics.inputs[0])
        kafka.onCommit = { [unowned self] in committed($0) }
        network.onIOStep = { [unowned self] step, process in
            if step == options.crashAt { crash(process, restartAfter: 600) }
        }
        network.weather = shape.weather
        let start = scheduler.now
        for slot in instances.indices where isWanted[slot] { launch(slot, after: random.between(0...200)) }
        feed()
        for fault in shape.plan(&random) {
            scheduler.schedule(after: fault.at) { [unowned self] in strike(fault.kind) }
        }
        scheduler.schedule(after: shape.calmAt) { [unowned self] in calm() }
        let deadline = start + shape.calmAt + shape.patience
        while violation == nil, !(isCalm && isDone), scheduler.now < deadline, scheduler.step() {}
        finish()
        return outcome(since: start)
    }

    private func committed(_ transaction: CommittedTransaction) {
        trace(
            "COMMIT \(transaction.transactionalID) "
                + transaction.offsets.map { "\($0.partition)@\($0.offset.offset) \($0.offset.metadata)" }
                .joined(separator: ", "))
        do throws(CommitChecker.Violation) { try checker.check(transaction) } catch { violate(error.text) }
        for trigger in checker.takeEmitted() {
            workload.workload.see(trigger.id, of: trigger.account, partition: Int(trigger.partition))
        }
    }

    /// Everything that was written has been applied and committed, and nothing is open.
    private var isDone: Bool {
        guard scheduler.now >= nextLook else { return false }
        nextLook = scheduler.now + 200
        guard workload.left == 0, kafka.isSettled else { return false }
        return behind == nil
    }
    private var nextLook: Int64 = 0

    /// The first input of a partition that is not applied to its end.
    private var behind: String? {
        for partition in 0..<shape.partitions {
            let own = checker.partitions[partition]
            if let left = workload.workload.controls.keys.filter({ $0 >= own?.nextControl ?? 0 }).min() {
                return "partition \(partition) has not applied control record \(left)"
            }
            for (input, topic) in SimulationTopics.inputs.enumerated() {
                let position = own?.positions.isEmpty ?? true ? 0 : own?.positions[input] ?? 0
                let end = (try? kafka.listOffsets(TopicPartition(topic, partition), .readCommitted).high) ?? 0
                let history = workload.workload.histories[Int(partition)]
                if position < end, (position..<end).contains(where: { history[input, $0] != nil }) {
                    return "\(topic)/\(partition) is applied up to \(position) of \(end)"
                }
            }
        }
        return nil
    }

    private func finish() {
        guard violation == nil else { return }
        if let behind { return violate("nothing is wrong with Kafka any more, and \(behind)") }
        for partition in 0..<shape.partitions {
            guard let own = checker.partitions[partition], own.epoch != nil else { continue }
            do throws(CommitChecker.Violation) { try checker.restoreFromScratch(own) } catch { violate(error.text) }
        }
    }

    private func outcome(since start: Int64) -> Outcome {
        counts[.sessionExpired] = kafka.sessionsExpired
        counts[.transactionTimedOut] = kafka.timeoutsFound
        counts[.rebalance] = kafka.rebalancesCompleted
        counts[.slowMarker] = kafka.slowMarkers
        counts[.inputGap] = workload.workload.gaps
        counts.add(network.counts)
        counts.add(checker.counts)
        return Outcome(
            violation: violation?.text, step: violation?.step ?? scheduler.steps, counts: counts,
            events: workload.workload.written, lives: lives.reduce(0, +), commits: checker.commits,
            rebalances: kafka.rebalancesCompleted, ioSteps: network.ioSteps, milliseconds: scheduler.now - start)
    }

    // MARK: The world

    private func feed() {
        workload.left = shape.events
        scheduleFeed()
    }

    private func scheduleFeed() {
        guard workload.left > 0 else { return }
        scheduler.schedule(after: random.between(0...(2 * shape.feedInterval))) { [unowned self] in
            let count = min(workload.left, 1 + random.below(6))
            workload.left -= count
            do throws(BrokerError) {
                try workload.workload.write(count, to: kafka)
                if random.chance(40) { try workload.workload.writeControl(to: kafka) }
            } catch { violate("\(error)") }
            scheduleFeed()
        }
    }

    private func launch(_ slot: Int, after delay: Int64) {
        scheduler.schedule(after: delay) { [unowned self] in
            guard instances[slot] == nil, isWanted[slot] else { return }
            lives[slot] += 1
            let instance = SimulatedInstance(world: self, slot: slot, life: lives[slot], random: random.fork())
            instances[slot] = instance
            trace("\(instance.name) starts")
            instance.start()
        }
    }

    /// A process has ended by itself.
    func ended(_ instance: SimulatedInstance, _ reason: String) {
        trace("\(instance.name) ends: \(reason)")
        instance.process.kill()
        guard instances[instance.slot] === instance else { return }
        instances[instance.slot] = nil
        launch(instance.slot, after: 1_000)
    }

    private func crash(_ process: SimulatedProcess, restartAfter delay: Int64) {
        guard let instance = instances.compactMap(\.self).first(where: { $0.process === process }) else { return }
        trace("\(instance.name) CRASH\(instance.isInTransaction ? " in a transaction" : "")")
        counts[.crash] += 1
        if instance.isInTransaction { counts[.crashInTransaction] += 1 }
        process.kill()
        instances[instance.slot] = nil
        launch(instance.slot, after: delay)
    }

    func trim(_ partition: Int32, before offset: Int64) {
        guard random.chance(150) else { return }
        let target = TopicPartition(SimulationTopics.state, partition)
        guard let low = try? kafka.listOffsets(target, .readUncommitted).low, offset > low else { return }
        try? kafka.deleteRecords(target, before: offset)
        checker.trimmed(partition, before: offset)
        counts[.trim] += 1
    }

    /// Of every state partition, now.
    var stateWatermarks: [Int32: (low: Int64, high: Int64)] {
        var found: [Int32: (low: Int64, high: Int64)] = [:]
        for partition in 0..<shape.partitions {
            found[partition] = try? kafka.listOffsets(
                TopicPartition(SimulationTopics.state, partition), .readUncommitted)
        }
        return found
    }

    // MARK: Faults

    private func strike(_ kind: SimulationShape.Fault) {
        guard !isCalm else { return }
        let running = instances.compactMap(\.self)
        guard !running.isEmpty else { return }
        let victim = random.pick(running)
        trace("FAULT \(kind) for \(victim.name)")
        switch kind {
        case .crash: crash(victim.process, restartAfter: random.between(200...9_000))
        case .crashInTransaction: crashInTransaction(victim, tries: 400)
        case .crashBeforeCommit:
            victim.onOffsetsSent = { [unowned self, unowned victim] in
                if !isCalm { crash(victim.process, restartAfter: random.between(200...12_000)) }
            }
        case .pauseBeforeCommit:
            victim.onOffsetsSent = { [unowned self, unowned victim] in
                guard !isCalm else { return }
                counts[.pause] += 1
                victim.process.pausedUntil = scheduler.now + random.between(3_500...14_000)
            }
        case .pause:
            counts[.pause] += 1
            victim.process.pausedUntil = scheduler.now + random.between(500...14_000)
        case .pauseInTransaction: pauseInTransaction(victim, tries: 400)
        case .cut:
            counts[.networkCut] += 1
            victim.process.cutUntil = scheduler.now + random.between(300...12_000)
        case .cutCoordinator:
            counts[.coordinatorCut] += 1
            victim.process.transactionsCutUntil = scheduler.now + random.between(1_000...14_000)
        case .fence: fence(victim, tries: 400)
        case .outage:
            counts[.outage] += 1
            network.outageUntil = scheduler.now + random.between(300...12_000)
        case .stop, .leave:
            counts[kind == .stop ? .gracefulStop : .leave] += 1
            victim.stop(leaving: kind == .leave)
        case .remove:
            // One that is on its way out still runs, and is no reason to send the last one away.
            guard running.count > 1, isWanted.count(where: \.self) > 1 else { return }
            counts[.leave] += 1
            isWanted[victim.slot] = false
            victim.stop(leaving: random.chance(500))
        case .add:
            guard let slot = isWanted.firstIndex(of: false) else { return }
            counts[.addedInstance] += 1
            isWanted[slot] = true
            launch(slot, after: 0)
        case .expireOffsets: expireOffsets()
        case .twin:
            // It hangs, somebody starts it once more, and then it wakes up.
            counts[.slotTwin] += 1
            victim.process.pausedUntil = scheduler.now + random.between(800...9_000)
            instances[victim.slot] = nil
            launch(victim.slot, after: random.between(0...1_500))
        }
    }

    /// Kills as soon as the victim is between begin and the answer to its commit.
    private func crashInTransaction(_ victim: SimulatedInstance, tries: Int) {
        guard victim.process.isAlive, !isCalm, tries > 0 else { return }
        if victim.isInTransaction { return crash(victim.process, restartAfter: random.between(200...9_000)) }
        scheduler.schedule(after: random.between(3...15)) { [unowned self] in
            crashInTransaction(victim, tries: tries - 1)
        }
    }

    private func pauseInTransaction(_ victim: SimulatedInstance, tries: Int) {
        guard victim.process.isAlive, !isCalm, tries > 0 else { return }
        if victim.isInTransaction {
            counts[.pause] += 1
            victim.process.pausedUntil = scheduler.now + random.between(3_500...14_000)
            return
        }
        scheduler.schedule(after: random.between(3...15)) { [unowned self] in
            pauseInTransaction(victim, tries: tries - 1)
        }
    }

    /// Somebody takes the victim's transactional id while its transaction ends, and the answer is lost: whether it was
    /// committed only the offset's metadata tells.
    private func fence(_ victim: SimulatedInstance, tries: Int) {
        guard victim.process.isAlive, !isCalm, tries > 0 else { return }
        guard victim.isEnding || (victim.isInTransaction && random.chance(20)) else {
            return scheduler.schedule(after: 1) { [unowned self] in fence(victim, tries: tries - 1) }
        }
        counts[.foreignFence] += 1
        victim.process.transactionsCutUntil = max(victim.process.transactionsCutUntil, scheduler.now + 300)
        scheduler.schedule(after: random.between(0...30)) { [unowned self] in takeOver(victim.context.writer, tries: 40)
        }
    }

    private func takeOver(_ writer: String, tries: Int) {
        let taken = try? kafka.initProducer(writer, timeout: SimulatedInstance.transactionTimeout)
        guard taken == nil, tries > 0 else { return }
        scheduler.schedule(after: 5) { [unowned self] in takeOver(writer, tries: tries - 1) }
    }

    /// Everything is down for so long that the group's offsets expire.
    private func expireOffsets() {
        for slot in instances.indices {
            guard let instance = instances[slot] else { continue }
            instance.process.kill()
            instances[slot] = nil
        }
        wait(tries: 40)
    }

    private func wait(tries: Int) {
        scheduler.schedule(after: 1_000) { [unowned self] in
            if kafka.expireOffsets(SimulationTopics.group) {
                counts[.offsetsExpired] += 1
                trace("offsets expired")
            } else if tries > 0, !isCalm {
                return wait(tries: tries - 1)
            }
            for slot in instances.indices where isWanted[slot] { launch(slot, after: random.between(0...500)) }
        }
    }

    /// No more faults: from here on everything has to come to its end.
    private func calm() {
        trace("calm")
        isCalm = true
        network.weather = .calm
        network.outageUntil = min(network.outageUntil, scheduler.now)
        for instance in instances.compactMap(\.self) {
            instance.process.cutUntil = min(instance.process.cutUntil, scheduler.now)
            instance.process.transactionsCutUntil = min(instance.process.transactionsCutUntil, scheduler.now)
        }
        for slot in instances.indices where isWanted[slot] { launch(slot, after: 100) }
    }
}

/// Wall time of a simulation. `@unchecked Sendable` is sound because a simulation is one thread's.
private final class VirtualClock: @unchecked Sendable {
    var now: Int64
    init(_ now: Int64) { self.now = now }
}

/// The workload, shared with the checker, which asks what was written.
private final class WorkloadBox {
    var workload: SimulationWorkload
    /// Records that are still to be written.
    var left = 0
    init(_ workload: SimulationWorkload) { self.workload = workload }
}
