internal import Dispatch
internal import Foundation
internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellEngine
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellTelemetry

/// Fills a daemon's state over Kafka, and restores it in another process: seconds, megabytes read, memory.
///
/// `fill` writes events of every account and more until the identity rings are full, counts them with a daemon and says
/// how much memory it holds; `restore`, started afterwards as a process of its own, gets the same state from the log.
struct RestoreBenchmark {
    var brokers: String
    var run = "upselld-bench-restore"
    var accounts = 1_000_000
    var events = 5_000_000
    var partitions = 8

    private var usageTopic: String { "\(run).usage" }
    static let meters = 5

    func fill() throws {
        let admin = try KafkaAdmin(properties: [property("bootstrap.servers", brokers)])
        let specs = [usageTopic, "\(run).accounts"].map {
            TopicSpec(name: $0, partitions: partitions, replication: 1, config: ["retention.ms": "-1"])
        }
        for result in try admin.createTopics(specs, timeoutMilliseconds: 30_000) {
            if let error = result.error { throw error }
        }
        try feed()
        let daemon = Daemon(configuration: configuration, log: Log(level: .warning), delivery: .exactlyOnce)
        try daemon.start()
        var meter = Stopwatch()
        while daemon.snapshot().tally.read == 0 { usleep(1_000) }
        meter.start()
        guard daemon.waitUntilRead(records: events, timeoutMilliseconds: 500_000) else {
            throw BenchmarkError(text: "the daemon read \(daemon.snapshot().tally.read) of \(events) events")
        }
        let sample = meter.stop(events: events)
        let snapshot = daemon.snapshot()
        say(
            "filled: \(sample); accounts \(snapshot.accounts), counters \(snapshot.accounts * Self.meters), identities "
                + "\(snapshot.sum(\.identities))")
        _ = daemon.stop()
    }

    func restore() throws {
        let reader = try LogReader(
            properties: [property("bootstrap.servers", brokers)], groupID: "\(run)-group", isolation: .readUncommitted)
        let stateTopic = "\(run).state"
        var logBytes: Int64 = 0
        for partition in 0..<Int32(partitions) {
            let (low, high) = try reader.watermarks(
                topic: stateTopic, partition: partition, timeoutMilliseconds: 10_000)
            logBytes += high - low
        }
        reader.close(deadlineMilliseconds: 1_000)
        let lines = Lines()
        let daemon = Daemon(
            configuration: configuration, log: Log(level: .info, destination: .function(.text) { lines.add($0) }),
            delivery: .exactlyOnce)
        try daemon.start()
        while daemon.assignedPartitions.count < partitions { usleep(1_000) }
        var meter = Stopwatch()
        meter.start()
        while daemon.snapshot().partitions.count < partitions { usleep(2_000) }
        let sample = meter.stop(events: accounts)
        let snapshot = daemon.snapshot()
        for line in lines.all where line.contains("partition restored") { say(line) }
        say(
            String(
                format: "restored: %.2f s from assignment to the last partition, %.2f CPU-seconds, %d MiB resident",
                sample.seconds, sample.cpuSeconds, sample.residentMiB))
        say(
            "accounts \(snapshot.accounts), counters \(snapshot.accounts * Self.meters), identities "
                + "\(snapshot.sum(\.identities)), records in the log \(logBytes)")
        _ = daemon.stop()
    }

    private final class Lines: @unchecked Sendable {
        // `@unchecked`: behind a lock.
        private let lock = NSLock()
        private var lines: [String] = []
        func add(_ line: String) { lock.withLock { lines.append(line) } }
        var all: [String] { lock.withLock { lines } }
    }

    /// Every account once, then accounts at random.
    private func feed() throws {
        let producer = try KafkaProducer(
            properties: [
                property("bootstrap.servers", brokers), property("compression.type", "lz4"),
                property("partitioner", "murmur2_random"), property("linger.ms", "50"),
                property("batch.size", "1000000"), property("queue.buffering.max.messages", "500000"),
            ])
        var random = SplitMix(state: 7)
        for index in 0..<events {
            let number = index < accounts ? UInt64(index) : random.next() % UInt64(accounts)
            let account = "acct-\(number)"
            let value = Array(
                """
                {"specversion":"1.0","id":"\(index)","source":"bench","type":"web.request","subject":"\(account)",\
                "time":"2026-06-01T00:00:00Z","datacontenttype":"application/json","data":{"a":1,"b":\
                \(random.next() % 1_000),"c":\(random.next() % 100_000),"d":3}}
                """.utf8)
            try producer.produce(
                OutputRecord(
                    topic: usageTopic, key: Array(account.utf8), value: value, timestamp: 1_780_272_000_000))
        }
        try producer.flush(timeoutMilliseconds: 120_000)
        _ = producer.close(deadlineMilliseconds: 10_000)
        say("fed: \(events) events of \(accounts) accounts")
    }

    private var configuration: Configuration {
        var topics = Configuration.Topics()
        topics.usage = [Configuration.UsageTopic(name: usageTopic)]
        topics.accounts = "\(run).accounts"
        topics.triggers = "\(run).triggers"
        topics.held = "\(run).held"
        topics.deadLetters = "\(run).dead-letters"
        topics.feedback = "\(run).feedback"
        topics.outcomes = "\(run).outcomes"
        topics.open = "\(run).open"
        topics.control = "\(run).control"
        topics.state = "\(run).state"
        topics.journal = "\(run).journal"
        let reset = Meter.Window.period(.init(.month))
        var policy = Policy()
        policy.unknownAccounts = .defaultPlan(PlanID(0))
        policy.firstStart = .fire
        let sums = ["a", "b", "c", "d"].map {
            Meter(
                name: $0, eventTypes: ["web.request"], aggregation: .sum, value: FieldPath(dotted: "data.\($0)"),
                window: reset)
        }
        let count = Meter(name: "calls", eventTypes: ["web.request"], aggregation: .count, window: reset)
        let catalogue = Catalogue(
            meters: sums + [count],
            plans: [
                Plan(
                    name: "free",
                    limits: [
                        .init(.of(15)), .init(.unlimited), .init(.unlimited), .init(.unlimited), .init(.unlimited),
                    ])
            ],
            rules: [
                Rule(
                    name: "a",
                    signal: .limit(
                        LimitSignal(meter: MeterID(0), unit: .percent, thresholds: [8_000, 9_000, 10_000], band: 500)))
            ], policy: policy)
        var configuration = Configuration(
            catalogue: catalogue,
            kafka: [
                KafkaSetting(name: "bootstrap.servers", value: brokers, place: "bench"),
                KafkaSetting(name: "session.timeout.ms", value: "6000", place: "bench"),
            ], topics: topics)
        configuration.group = Configuration.Group(id: "\(run)-group", slot: "bench", leaveOnStop: true)
        return configuration
    }

    private func property(_ name: String, _ value: String) -> KafkaProperty {
        KafkaProperty(name: name, value: value, place: "bench")
    }
}
