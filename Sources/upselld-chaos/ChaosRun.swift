internal import Foundation
internal import KafkaTransport

/// A workload under failures of every kind, each planted after real progress, and the proof that nothing came of it.
///
/// One loop plants, repairs what is due, starts again what ended, and releases the workload bit by bit, so that events
/// keep coming until the last failure. Instances and brokers fail side by side; at least one instance is left alone.
final class ChaosRun {
    let site: Site
    let watch: Watch
    let feeder: Feeder
    var report = Report()
    var random: SeededGenerator
    var bag: FaultBag
    /// What has to be undone or done next, and when.
    private var repairs: [(due: ContinuousClock.Instant, work: () throws -> Void)] = []
    private var planted = 0
    private let faults: Int
    /// Progress at the last failure.
    private var mark: Int64 = 0
    private var lastMove = (progress: Int64(0), at: ContinuousClock.now)
    var recovery = RecoveryTimes()
    let background = Background()
    /// The instance that `scale` adds and removes.
    var extra: Instance?
    /// Whether it belongs to the group now; it may be down all the same, after a kill.
    var isExtraIn = false
    var isBrokerDown = false

    var options: Options { site.options }
    var console: Console { site.console }

    init(_ site: Site) throws {
        self.site = site
        random = SeededGenerator(seed: site.options.seed &+ 1)
        bag = FaultBag(site.options.faults, random: &random)
        faults = bag.count
        watch = Watch(site)
        feeder = try Feeder(site.workload, topic: Site.usage, bootstrap: site.cluster.bootstrap)
    }

    func callAsFunction() throws -> Report {
        try site.prepareInputs()
        watch.start()
        defer { watch.stop() }
        for _ in 0..<options.instances { try start(site.addInstance()) }
        // Known before any fault, so that its way to the brokers exists; it runs when a fault adds it.
        if options.faults.scales > 0 { extra = try site.addInstance() }
        feeder.start()
        defer { feeder.stop() }
        console.say("\(faults) failures to plant over \(options.events) events")
        try plantAll()
        try drain()
        try finish()
        return report
    }

    // MARK: The loop

    private func plantAll() throws {
        let deadline = ContinuousClock.now + .seconds(options.deadline)
        while bag.count > 0 || !repairs.isEmpty {
            guard ContinuousClock.now < deadline else {
                site.violations.report("unplanted", "\(bag.count) failures not planted in \(options.deadline) s")
                break
            }
            feeder.release(until: (planted + 2) * options.events / (faults + 2))
            try turn()
            guard bag.count > 0, watch.progress >= mark + step else { continue }
            guard let fault = nextFault() else { continue }
            let progress = watch.progress
            console.say("\(planted + 1)/\(faults) \(fault) after \(progress) events, \(watch.triggers) triggers")
            guard try plant(fault) else {
                console.say("not hit: \(fault)")
                bag.putBack(fault)
                continue
            }
            planted += 1
            mark = progress
            report.faults[fault.description, default: 0] += 1
        }
    }

    /// Takes the next failure that can be planted now out of the bag.
    private func nextFault() -> Fault? {
        let possible = bag.kinds.filter(isPossible)
        return bag.take { possible.contains($0) }
    }

    /// Events that are real progress: 2 % of all, or what leaves half of them for waiting where many failures are due.
    private var step: Int64 { Int64(max(1, min(options.events / 50, options.events / (2 * (faults + 2))))) }

    /// One look at everything that goes on.
    func turn() throws {
        try site.interruption.check()
        try feeder.check()
        try background.check()
        let now = ContinuousClock.now
        let due = repairs.filter { $0.due <= now }
        repairs.removeAll { $0.due <= now }
        for repair in due { try repair.work() }
        try superviseInstances()
        recovery.look(at: watch.places, now: now)
        let progress = watch.progress
        if progress != lastMove.progress || !repairs.isEmpty || progress >= Int64(feeder.count) {
            lastMove = (progress, now)
        }
        guard now - lastMove.at < .seconds(120) else {
            throw ChaosError("no progress for 120 s with everything healthy: \(progress) of \(feeder.count) events")
        }
        usleep(10_000)
    }

    func later(seconds: Double, _ work: @escaping () throws -> Void) {
        repairs.append((ContinuousClock.now + .milliseconds(Int(seconds * 1_000)), work))
    }

    // MARK: Instances

    func start(_ instance: Instance) throws {
        // Some processes wait before each commit, as long as there are kills to be planted right there.
        let holding = bag.count(of: .hold) > 0 && !site.instances.contains { $0.holdsCommits && $0.isRunning }
        try instance.start(holding: holding, settings: options.settings)
        report.starts += 1
    }

    /// Does what a service manager does: starts again what ended, but not with status 77.
    private func superviseInstances() throws {
        for instance in site.instances where instance.condition != .down {
            guard let end = instance.end else { continue }
            console.say("instance \(instance.slot) ended by itself: \(end)")
            for line in instance.lastWords() { console.say("    \(line)") }
            report.ends[end.description, default: 0] += 1
            switch end {
            case .status(64), .status(78): throw ChaosError("instance \(instance.slot) refuses its configuration")
            case .status(77): site.violations.report("fenced", "instance \(instance.slot) holds its slot alone")
            case .signal(let signal): site.violations.report("crashed", "instance \(instance.slot): signal \(signal)")
            case .status: break
            }
            instance.kill()
            later(seconds: 1) { [self] in try start(instance) }
        }
    }

    // MARK: The end

    /// Waits until everything is repaired, fed and read.
    private func drain() throws {
        console.say("all failures planted; feeding and reading the rest")
        feeder.release(until: options.events)
        while !repairs.isEmpty { try turn() }
        background.settle()
        for view in 0..<site.cluster.views { try site.cluster.heal(view: view + 1) }
        for instance in site.instances where (instance !== extra || isExtraIn) && !instance.isRunning {
            try start(instance)
        }
        let start = ContinuousClock.now
        while !feeder.isDone { try turn() }
        try feeder.flush()
        let offered = Int64(options.events)
        var quiet = (progress: Int64(-1), triggers: -1, since: ContinuousClock.now)
        while ContinuousClock.now - start < .seconds(options.drain) {
            try turn()
            let places = watch.places
            if !places.contains(nil) {
                if watch.progress >= offered { break }
            } else {
                // A daemon that commits no offsets is done when nothing comes any more.
                let now = (progress: watch.progress, triggers: watch.triggers, since: ContinuousClock.now)
                if now.progress != quiet.progress || now.triggers != quiet.triggers { quiet = now }
                if now.since - quiet.since > .seconds(12) { break }
            }
        }
        if !watch.places.contains(nil), watch.progress < offered {
            site.violations.report("unread", "\(watch.progress) of \(offered) events after \(options.drain) s")
        }
        report.seconds["drain"] = (ContinuousClock.now - start) / .seconds(1)
    }

    private func finish() throws {
        report.recovery = recovery.summary
        for instance in site.instances where instance.isRunning {
            let end = try instance.stop(site.interruption)
            if end != .status(0) {
                site.violations.report("unclean", "stop of \(instance.slot): \(end?.description ?? "not within 40 s")")
            }
        }
        if options.spoil { try spoil() }
        try Audit(site).check(against: watch, into: &report)
    }

    /// Writes a trigger once more, to see that the audit sees it.
    private func spoil() throws {
        var tail = try TopicTail(
            Site.triggers, partitions: options.partitions, isolation: .readCommitted, properties: site.properties)
        defer { tail.close() }
        var copy: OutputRecord?
        try tail.readOn { value, partition, _ in
            copy = copy ?? OutputRecord(topic: Site.triggers, partition: Int32(partition), value: value)
        }
        guard let copy else { throw ChaosError("there is no trigger to be spoilt") }
        let producer = try KafkaProducer(properties: site.properties)
        try producer.produce(copy)
        try producer.flush(timeoutMilliseconds: 30_000)
    }
}
