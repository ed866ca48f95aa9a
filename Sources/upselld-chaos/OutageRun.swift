internal import Foundation

/// Every broker goes away and comes back: no process may end, work goes on within 10 s of the return, and an instance
/// that is started meanwhile joins in.
struct OutageRun {
    let site: Site

    init(_ site: Site) { self.site = site }

    func callAsFunction() throws -> Report {
        let scene = try Scene(site)
        defer { scene.close() }
        let instances = try (0..<max(2, site.options.instances)).map { _ in try site.addInstance() }
        let latecomer = instances[instances.count - 1]
        for instance in instances.dropLast() { try scene.start(instance) }
        try scene.settle(Array(instances.dropLast()))
        // Nothing is fed meanwhile: what waits in the producer would bound the outage.
        scene.rate = 0
        try scene.wait("everything fed is read", seconds: 60) { scene.watch.progress >= Int64(scene.feeder.count) }
        try all { try $0.kill(broker: $1) }
        site.console.say("every broker is gone")
        try scene.go(seconds: Double(site.options.seconds) / 2)
        try scene.start(latecomer)
        try scene.go(seconds: Double(site.options.seconds) / 2)
        try all { try $0.revive(broker: $1) }
        site.console.say("every broker is back")
        scene.rate = Double(site.options.events) / 200
        let partitions = Array(0..<site.options.partitions)
        let seconds = try scene.waitForProgress(partitions, seconds: 60)
        scene.report.seconds["outage"] = Double(site.options.seconds)
        scene.report.seconds["until every partition goes on"] = seconds
        if seconds > 10 { site.violations.report("slow", "every partition goes on after \(seconds) s, not 10") }
        for instance in instances {
            guard let end = instance.end else { continue }
            site.violations.report("ended", "\(instance.slot) with \(end)")
            scene.report.ends[end.description, default: 0] += 1
        }
        try scene.wait("the one started meanwhile writes partitions", seconds: 60) {
            !scene.partitions(of: latecomer).isEmpty
        }
        return try scene.finish()
    }

    /// Side by side: a controller is there only once most of them are.
    private func all(_ work: @escaping @Sendable (KafkaCluster, Int) throws -> Void) throws {
        let queue = Background.Fan()
        let cluster = site.cluster
        for broker in 1...site.cluster.brokers { queue.run { try work(cluster, broker) } }
        try queue.settle()
    }
}
