internal import Foundation

/// What the single experiments share: a workload fed at a steady rate, somebody who looks on, and the audit at the end.
final class Scene {
    let site: Site
    let watch: Watch
    let feeder: Feeder
    var report = Report()
    private var fed = 0.0
    private var lastTurn = ContinuousClock.now
    /// Events a second; 0 holds the feed.
    var rate: Double

    init(_ site: Site) throws {
        self.site = site
        watch = Watch(site)
        feeder = try Feeder(site.workload, topic: Site.usage, bootstrap: site.cluster.bootstrap)
        // All experiments of a mode together stay within the workload.
        rate = Double(site.options.events) / 200
        try site.prepareInputs()
        watch.start()
        feeder.start()
    }

    func close() {
        watch.stop()
        feeder.stop()
    }

    func start(_ instance: Instance, holding: Bool = false, settings: [String] = []) throws {
        try instance.start(holding: holding, settings: site.options.settings + settings)
        report.starts += 1
    }

    /// Feeds what is due, and looks whether everybody who should run does.
    func turn() throws {
        try site.interruption.check()
        try feeder.check()
        let now = ContinuousClock.now
        fed += rate * ((now - lastTurn) / .seconds(1))
        lastTurn = now
        feeder.release(until: Int(fed))
        usleep(5_000)
    }

    /// Goes on until something holds.
    ///
    /// - Returns: seconds it took.
    /// - Throws: when the bound passed first.
    @discardableResult
    func wait(_ what: String, seconds: Double, until isDone: () throws -> Bool) throws -> Double {
        let start = ContinuousClock.now
        while true {
            try turn()
            let elapsed = (ContinuousClock.now - start) / .seconds(1)
            if try isDone() { return elapsed }
            guard elapsed < seconds else {
                site.console.say(
                    "\(feeder.count) events fed; the group: \(watch.places.map { $0?.description ?? "-" })")
                for instance in site.instances where instance.child != nil {
                    for line in instance.lastWords() { site.console.say("    \(instance.slot): \(line)") }
                }
                throw ChaosError("\(what): not within \(Int(seconds)) s")
            }
        }
    }

    func go(seconds: Double) throws {
        let end = ContinuousClock.now + .milliseconds(Int(seconds * 1_000))
        while ContinuousClock.now < end { try turn() }
    }

    /// Partitions that an instance wrote last.
    func partitions(of instance: Instance) -> [Int] {
        watch.places.enumerated().compactMap { partition, place in
            place.map { RecoveryTimes.isWriter($0.writer, instance.slot) } == true ? partition : nil
        }
    }

    /// Waits until each of the instances writes partitions, none but they do, nothing moves any more, and the feed is
    /// kept up with, but for five seconds of it.
    func settle(_ instances: [Instance]) throws {
        var owned: [[Int]] = []
        var since = ContinuousClock.now
        try wait("every one of \(instances.map(\.slot)) writes partitions", seconds: 60) {
            let now = instances.map(partitions)
            if now != owned || Double(watch.progress) < Double(feeder.count) - 5 * rate {
                (owned, since) = (now, .now)
            }
            return !now.contains([]) && now.reduce(0) { $0 + $1.count } == site.options.partitions
                && ContinuousClock.now - since > .seconds(2)
        }
    }

    /// Waits until each partition is written beyond where it stands now.
    ///
    /// What was committed before the call may be seen only after it: the second look from here on counts.
    func waitForProgress(
        _ partitions: [Int], seconds: Double, _ look: ([Watch.Place?]) -> Void = { _ in }
    ) throws -> Double {
        let passes = watch.passes
        var places: [Watch.Place?]?
        return try wait("progress of partitions \(partitions)", seconds: seconds) {
            let now = watch.places
            if places == nil, watch.passes >= passes + 2 { places = now }
            look(now)
            guard let places else { return false }
            return partitions.allSatisfy { (now[$0]?.offset ?? 0) > (places[$0]?.offset ?? 0) }
        }
    }

    /// Feeds and reads the rest, stops everybody and compares.
    func finish() throws -> Report {
        rate = Double(site.options.events)
        try wait("the rest of the workload", seconds: Double(site.options.drain)) {
            feeder.isDone && !watch.places.contains(nil) && watch.progress >= Int64(site.options.events)
        }
        try feeder.flush()
        for instance in site.instances where instance.isRunning {
            let end = try instance.stop(site.interruption)
            if end != .status(0) {
                site.violations.report("unclean", "stop of \(instance.slot): \(end?.description ?? "not within 40 s")")
            }
        }
        try Audit(site).check(against: watch, into: &report)
        return report
    }
}
