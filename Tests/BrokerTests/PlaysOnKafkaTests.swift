import Foundation
import KafkaTransport
import Testing
import UpsellConfiguration
import UpsellModel
import UpsellRuntime
import UpsellTelemetry
import UpsellTesting

/// The plays of the guide through a real Kafka: a producer's records in, committed records of every output topic out,
/// compared with the same tables that `PlayTests` plays without one.
@Suite(
    .serialized, .enabled(if: TestPaths.brokers != nil, "UPSELLD_TEST_BROKERS names no brokers"),
    .timeLimit(.minutes(10)))
struct PlaysOnKafkaTests {
    /// One test, since all tables together must show every reason for which a trigger is held.
    @Test func everyTableIsAsWrittenAndEveryReasonArises() throws {
        var reasons: Set<String> = []
        for name in PlayTables.names { reasons.formUnion(try Self.play(name, .none)) }
        let missing = Set(HoldReason.allCases.map(\.rawValue)).subtracting(reasons)
        #expect(missing.isEmpty, "\(missing.sorted())")
    }

    /// Other names, another catalogue and another currency, for each of the guide's plays.
    @Test(arguments: PlayTables.plays)
    func tellsItUnderAnotherCatalogue(_ name: String) throws {
        _ = try Self.play(name, .otherCatalogue)
    }

    /// - Returns: the reasons of what was held.
    private static func play(_ name: String, _ renaming: PlayRenaming) throws -> Set<String> {
        let prefix = "p\(UInt32.random(in: 0...UInt32.max))"
        let site = try PlaySite(
            file: PlayTables.file(name), renaming: renaming, extra: KafkaPlayDriver.settings(prefix: prefix))
        let configuration = try site.configuration()
        let driver = try KafkaPlayDriver(configuration)
        var runner = PlayRunner(site.scenario, catalogue: configuration.catalogue)
        try runner.play(driver)
        #expect(driver.stop(), "the daemon ends in order")
        #expect(driver.failures.all.isEmpty, "\(driver.failures.all)")
        let report = runner.report
        #expect(report.complaints.isEmpty, "\(renaming.title):\n\(report.complaints.joined(separator: "\n"))")
        try PlayTables.keep(report.outputs, of: name, renaming: renaming)
        return report.reasons
    }
}

/// The daemon itself, in this process, on topics of its own with one partition.
///
/// Records go out row by row with the present as their timestamp, as if today's producer told of that day, and nothing
/// goes on before all of them are applied and committed: so the order among topics is the table's.
private final class KafkaPlayDriver: PlayDriver {
    let failures: Recorded<String>
    private let daemon: Daemon
    private let producer: KafkaProducer
    private let reader: LogReader
    /// Sees the end of a topic, with what is not committed yet.
    private let scout: LogReader
    private let topics: Configuration.Topics
    private var positions: [PlayOutput.Topic: Int64] = [:]
    private var sent = 0
    private var controls = 0

    /// Lines of the main file.
    static func settings(prefix: String) -> [String] {
        [
            "kafka: { bootstrap.servers: \"\(TestPaths.brokers ?? "")\" }",
            "group: { id: \(prefix), slot: \(prefix), leaveOnStop: true }",
            "topics:",
            "  usage: [\(prefix).usage]",
        ]
            + [
                ("accounts", "accounts"), ("feedback", "feedback"), ("triggers", "triggers"), ("open", "open"),
                ("held", "held"), ("outcomes", "outcomes"), ("deadLetters", "dead-letters"), ("control", "control"),
                ("state", "state"), ("journal", "journal"),
            ].map { "  \($0): \(prefix).\($1)" }
    }

    init(_ configuration: Configuration) throws {
        topics = configuration.topics
        let properties = [
            KafkaProperty(name: "bootstrap.servers", value: TestPaths.brokers ?? "", place: "test"),
            KafkaProperty(name: "linger.ms", value: "0", place: "test"),
        ]
        let admin = try KafkaAdmin(properties: Array(properties.prefix(1)))
        let inputs = [topics.usage[0].name, topics.accounts, topics.feedback, topics.control]
        let specs = inputs.map { TopicSpec(name: $0, partitions: 1, replication: 1) }
        for outcome in try admin.createTopics(specs, timeoutMilliseconds: 20_000) {
            if let error = outcome.error { throw error }
        }
        producer = try KafkaProducer(properties: properties)
        reader = try LogReader(properties: Array(properties.prefix(1)), isolation: .readCommitted)
        scout = try LogReader(properties: Array(properties.prefix(1)), isolation: .readUncommitted)
        let failures = Recorded<String>()
        self.failures = failures
        daemon = Daemon(
            configuration: configuration, log: Log(level: .error, destination: .function(.text) { _ in }),
            rendering: { PlaySite.rendering(of: $0) }, onFailure: { failures.add($0.description) })
        try daemon.start()
    }

    func stop() -> Bool {
        reader.close(deadlineMilliseconds: 2_000)
        scout.close(deadlineMilliseconds: 2_000)
        return daemon.stop()
    }

    // MARK: PlayDriver

    func feed(_ records: [PlayRecord]) throws -> [PlayOutput] {
        // Records of one topic keep their order; before another topic's turn all of them have to be applied.
        var last: PlayRecord.Topic?
        for record in records {
            if let last, last != record.topic { try settle() }
            last = record.topic
            try producer.produce(
                OutputRecord(
                    topic: name(of: record.topic), partition: 0, key: Array(record.key.utf8), value: record.value))
            if record.topic == .control { controls += 1 } else { sent += 1 }
        }
        try settle()
        return try PlayOutput.Topic.allCases.flatMap { try read($0) }
    }

    private func settle() throws {
        try producer.flush(timeoutMilliseconds: 30_000)
        let controls = controls
        #expect(eventually(seconds: 60) { daemon.snapshot().tally.controls >= controls }, "control records are applied")
        #expect(
            daemon.waitUntilRead(records: sent, timeoutMilliseconds: 60_000),
            "\(sent) records are applied and committed")
    }

    private func name(of topic: PlayRecord.Topic) -> String {
        switch topic {
        case .usage: topics.usage[0].name
        case .accounts: topics.accounts
        case .feedback: topics.feedback
        case .control: topics.control
        }
    }

    private func name(of topic: PlayOutput.Topic) -> String {
        switch topic {
        case .triggers: topics.triggers
        case .held: topics.held
        case .outcomes: topics.outcomes
        case .open: topics.open
        case .deadLetters: topics.deadLetters
        }
    }

    /// Where a topic ends for those that read committed, once everything that is in it now is decided: brokers write the
    /// marker of a commit after they have answered it.
    private func stableEnd(of name: String) throws -> Int64 {
        let end = try scout.watermarks(topic: name, partition: 0, timeoutMilliseconds: 20_000).high
        var stable: Int64 = 0
        let isDecided = eventually(seconds: 30) {
            stable = (try? reader.watermarks(topic: name, partition: 0, timeoutMilliseconds: 20_000).high) ?? 0
            return stable >= end
        }
        #expect(isDecided, "\(name) is decided up to \(end), not \(stable)")
        return stable
    }

    private func read(_ topic: PlayOutput.Topic) throws -> [PlayOutput] {
        let name = name(of: topic)
        let from = positions[topic] ?? 0
        let until = try stableEnd(of: name)
        var outputs: [PlayOutput] = []
        positions[topic] = try reader.read(
            topic: name, partition: 0, from: from, until: until, timeoutMilliseconds: 20_000
        ) { batch in
            for record in 0..<batch.count {
                var headers: [String: String] = [:]
                batch.forEachHeader(at: record) { name, value in headers["\(text(name) ?? "")"] = text(value) }
                outputs.append(
                    PlayOutput(
                        topic: topic, key: text(batch.key(at: record)) ?? "", value: bytes(batch.value(at: record)),
                        headers: headers))
            }
            return true
        }
        return outputs
    }
}

private func bytes(_ span: RawSpan?) -> [UInt8]? {
    guard let span else { return nil }
    return span.withUnsafeBytes { Array($0) }
}

private func text(_ span: RawSpan?) -> String? { bytes(span).map { String(decoding: $0, as: UTF8.self) } }
