internal import Foundation
internal import KafkaTransport

/// A cluster of this run's own, its topics, and a place for configurations and logs.
final class Site {
    static let usage = "upselld.usage"
    static let accounts = "upselld.accounts"
    static let triggers = "upselld.triggers"
    static let held = "upselld.held"
    static let deadLetters = "upselld.dead-letters"
    static let state = "upselld.state"
    static let group = "upselld"

    let options: Options
    let workload: Workload
    let console: Console
    let violations: Violations
    let interruption: Interruption
    let directory: URL
    let cluster: KafkaCluster
    private(set) var instances: [Instance] = []

    /// - Parameters:
    ///   - views: for instances whose network is to be disturbed.
    ///   - brokerSettings: `name=value`.
    init(
        _ options: Options, console: Console, interruption: Interruption, views: Int = 0, brokerSettings: [String] = []
    ) throws {
        self.options = options
        self.console = console
        self.interruption = interruption
        violations = Violations(console)
        workload = Site.workload(options)
        directory =
            options.directory.map { URL(fileURLWithPath: $0) }
            ?? FileManager.default.temporaryDirectory.appendingPathComponent(
                "upselld-chaos-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let tool = URL(fileURLWithPath: options.kafkaTool).standardizedFileURL.path
        console.say("starting \(options.brokers) broker\(options.brokers == 1 ? "" : "s"); files in \(directory.path)")
        cluster = try KafkaCluster(
            tool: tool, name: "chaos-\(ProcessInfo.processInfo.processIdentifier)", brokers: options.brokers,
            views: views, settings: brokerSettings, lifetimeSeconds: options.deadline + options.drain + 900,
            directory: directory)
    }

    static func workload(_ options: Options) -> Workload {
        Workload(
            seed: options.seed, events: options.events, accounts: options.accounts, partitions: options.partitions,
            days: options.days, today: CivilTime.day(Int64(Date().timeIntervalSince1970 * 1_000)))
    }

    static func properties(_ pairs: [(String, String)]) -> [KafkaProperty] {
        pairs.map { KafkaProperty(name: $0.0, value: $0.1, place: "upselld-chaos") }
    }

    var properties: [KafkaProperty] { Self.properties([("bootstrap.servers", cluster.bootstrap)]) }

    // MARK: Inputs

    /// Creates the input topics and writes every profile.
    func prepareInputs() throws {
        let admin = try KafkaAdmin(properties: properties)
        let specs = [(Self.usage, "delete"), (Self.accounts, "compact")].map { name, policy in
            TopicSpec(
                name: name, partitions: options.partitions,
                config: ["retention.ms": "-1", "cleanup.policy": policy])
        }
        for outcome in try admin.createTopics(specs, timeoutMilliseconds: 30_000) {
            if let error = outcome.error { throw error }
        }
        let producer = try KafkaProducer(
            properties: properties + Self.properties([("partitioner", "murmur2_random")]))
        for account in 0..<workload.accounts {
            guard let profile = workload.profile(account) else { continue }
            try producer.produce(OutputRecord(topic: Self.accounts, key: workload.key(account), value: profile))
        }
        try producer.flush(timeoutMilliseconds: 60_000)
    }

    // MARK: Instances

    /// Makes a slot of the group; nothing runs in it yet.
    ///
    /// - Parameter extra: further lines of `upselld.yaml`.
    func addInstance(extra: String = "", slot: String? = nil) throws -> Instance {
        let number = instances.count + 1
        let slot = slot ?? String(UnicodeScalar(UInt8(96 + number)))
        let place = directory.appendingPathComponent("instance-\(number)-\(slot)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let main = """
            catalog: catalog.yaml
            rules: rules.yaml
            firstStart: fire
            kafka:
              bootstrap.servers: "\(cluster.bootstrap(view: number))"
              session.timeout.ms: \(options.sessionTimeout)
              heartbeat.interval.ms: \(max(100, options.sessionTimeout / 20))
            group: { id: \(Self.group), slot: \(slot) }
            accounts: { unknown: defaultPlan, defaultPlan: basic }
            qualification: { upgradePause: 0s, arbitration: { window: off } }
            log: { level: info, format: json }
            \(extra)
            """
        for (name, text) in [
            ("upselld.yaml", main + "\n"), ("catalog.yaml", workload.catalogueFile), ("rules.yaml", workload.rulesFile),
        ] {
            try text.write(to: place.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }
        let instance = Instance(slot: slot, view: number, executable: executable, directory: place)
        instances.append(instance)
        return instance
    }

    private var executable: String {
        guard options.upselld.isEmpty else { return URL(fileURLWithPath: options.upselld).standardizedFileURL.path }
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("upselld").path
    }

    /// Ends every process of the run; deletes what it left, unless that is wanted or something went wrong.
    func close(keepingFiles: Bool) {
        for instance in instances {
            instance.child?.send(SIGCONT)
            instance.kill()
        }
        cluster.stop()
        if keepingFiles || options.directory != nil {
            console.say("configuration and logs are in \(directory.path)")
        } else {
            try? FileManager.default.removeItem(at: directory)
        }
    }
}
