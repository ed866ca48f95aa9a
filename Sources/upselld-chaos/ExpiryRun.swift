internal import Foundation
internal import KafkaTransport

/// The group's offsets expire while no instance runs: the state log says where to go on.
struct ExpiryRun {
    static let brokerSettings = ["offsets.retention.minutes=1", "offsets.retention.check.interval.ms=1000"]

    let site: Site

    init(_ site: Site) { self.site = site }

    func callAsFunction() throws -> Report {
        let scene = try Scene(site)
        defer { scene.close() }
        let instance = try site.addInstance()
        try scene.start(instance, settings: ["group.leaveOnStop=true"])
        try scene.settle([instance])
        try scene.go(seconds: 20)
        scene.rate = 0
        try scene.wait("everything fed is read", seconds: 60) { scene.watch.progress >= Int64(scene.feeder.count) }
        let end = try instance.stop(site.interruption)
        if end != .status(0) { site.violations.report("unclean", "stop: \(end?.description ?? "not within 40 s")") }
        let reader = try LogReader(properties: site.properties, groupID: Site.group, isolation: .readUncommitted)
        defer { reader.close(deadlineMilliseconds: 2_000) }
        let partitions = (0..<Int32(site.options.partitions)).map { $0 }
        scene.report.seconds["until the offsets expired"] = try scene.wait("the group's offsets expire", seconds: 240) {
            try reader.committed(topic: Site.usage, partitions: partitions, timeoutMilliseconds: 5_000).isEmpty
        }
        try scene.start(instance)
        scene.rate = Double(site.options.events) / 200
        scene.report.seconds["until every partition goes on"] = try scene.waitForProgress(
            Array(0..<site.options.partitions), seconds: 60)
        return try scene.finish()
    }
}
