import Foundation
import KafkaTransport
import Testing
import UpsellTesting

/// Feedback, commands and reloads as an operator has them: `upselld` as processes, a real Kafka's topics.
@Suite(
    .serialized, .enabled(if: TestPaths.brokers != nil, "UPSELLD_TEST_BROKERS names no brokers"),
    .timeLimit(.minutes(5)))
struct SignalsOnKafkaTests {
    let site: RunOnKafkaTests.Site

    init() throws { site = try RunOnKafkaTests.Site() }

    private func rules(_ text: String) throws {
        try (text + "\n").write(
            to: site.directory.appendingPathComponent("rules.yaml"), atomically: true, encoding: .utf8)
    }

    private func rule(_ thresholds: String, _ more: String = "") -> String {
        """
        rules:
          - name: api-calls
            signal: { limit: { meter: api_calls, thresholds: { percent: \(thresholds) } } }
            \(more)
        """
    }

    private func usage(_ account: String, _ id: String, requests: Int) -> OutputRecord {
        OutputRecord(
            topic: site.usage, key: Array(account.utf8),
            value: Array(
                (#"{"specversion":"1.0","id":"\#(id)","source":"t","type":"web.request","subject":"\#(account)","#
                    + #""data":{"requests":\#(requests),"bytes":1}}"#).utf8))
    }

    private func feedback(_ account: String, _ value: String) -> OutputRecord {
        OutputRecord(topic: "\(site.prefix).feedback", key: Array(account.utf8), value: Array(value.utf8))
    }

    private func produce(_ records: [OutputRecord]) throws {
        let producer = try KafkaProducer(
            properties: TransportBroker.properties(["partitioner": "murmur2_random"]))
        for record in records { try producer.produce(record) }
        try producer.flush(timeoutMilliseconds: 15_000)
        #expect(producer.close(deadlineMilliseconds: 1_000))
    }

    private func upselld(_ arguments: String...) throws -> Subprocess.Result {
        try Subprocess.run(
            TestPaths.executable("upselld"), arguments + ["--config", "upselld.yaml"], directory: site.directory)
    }

    private func hangUp(_ daemon: Subprocess) { kill(daemon.processIdentifier, SIGHUP) }

    private func says(_ daemon: Subprocess, _ text: String, times: Int = 1) -> Bool {
        eventually(seconds: 60) {
            !daemon.isRunning
                || site.logLines(of: daemon).filter { $0["message"]?.contains(text) == true }.count >= times
        } && daemon.isRunning
    }

    @Test func reportsBecomeOutcomesAndWhatIsOpenIsCompacted() throws {
        try site.configure(limit: 100)
        try site.createTopics()
        let daemon = try site.start()
        try produce([usage("acme", "1", requests: 85), usage("other", "2", requests: 10)])
        #expect(eventually(seconds: 60) { PublishedEvents.read(site, "triggers").count == 1 })
        let trigger = try #require(PublishedEvents.read(site, "triggers").first?.id)
        #expect(eventually { PublishedEvents.read(site, "open").count == 1 })
        let open = try #require(PublishedEvents.read(site, "open").first)
        #expect(open.key == "acme" && open.text?.contains(trigger) == true)
        try produce([
            feedback("acme", #"{"id":"f1","trigger":"\#(trigger)","kind":"shown"}"#),
            feedback("acme", #"{"id":"f2","trigger":"\#(trigger)","kind":"dismissed"}"#),
            feedback("other", #"{"id":"f3","trigger":"\#(trigger)","kind":"dismissed"}"#),
            feedback("acme", "nonsense"),
        ])
        #expect(eventually(seconds: 60) { PublishedEvents.read(site, "outcomes").count == 2 })
        #expect(
            PublishedEvents.read(site, "outcomes").compactMap { $0.data["kind"] as? String } == ["seen", "dismissed"])
        #expect(eventually { PublishedEvents.read(site, "open").last?.text == nil }, "a tombstone")
        let summary = try site.stop(daemon, afterReading: 6)
        #expect(summary["feedback"] == "2" && summary["dead_letters"] == "2" && summary["outcomes"] == "2")
        let admin = try KafkaAdmin(properties: TransportBroker.properties())
        let policy = try admin.describeConfigs(topic: "\(site.prefix).open", timeoutMilliseconds: 10_000)
            .first { $0.name == "cleanup.policy" }?.value
        #expect(policy == "compact")
    }

    @Test func commandsReachTheDaemonOverRestarts() throws {
        try site.configure(limit: 100)
        try site.createTopics()
        let paused = try upselld("pause", "api-calls")
        #expect(paused.status == 0, "\(paused.errors)")
        let first = try site.start()
        try produce([usage("acme", "1", requests: 85)])
        #expect(eventually(seconds: 60) { PublishedEvents.read(site, "held").count == 1 })
        #expect(PublishedEvents.read(site, "held").first?.data["reason"] as? String == "paused")
        #expect(try upselld("fire", "--test", "api-calls", "acme").status == 0)
        #expect(eventually(seconds: 60) { PublishedEvents.read(site, "triggers").count == 1 })
        #expect(PublishedEvents.read(site, "triggers").first?.data["test"] as? Bool == true)
        _ = try site.stop(first, afterReading: 1)
        #expect(try upselld("resume", "api-calls").status == 0)
        let second = try site.start()
        try produce([usage("acme", "2", requests: 7)])
        #expect(eventually(seconds: 60) { PublishedEvents.read(site, "triggers").count == 2 })
        #expect(PublishedEvents.read(site, "triggers").last?.data["highest"] as? Int == 90)
        let summary = try site.stop(second, afterReading: 1)
        #expect(summary["controls"] == "4", "one record, four partitions; the first two were applied before")
        #expect(PublishedEvents.read(site, "held").count == 1)
        let unknown = try upselld("pause", "api-cals")
        #expect(unknown.status == 64 && unknown.errors.contains("did you mean 'api-calls'?"))
    }

    @Test func aReloadIsAllOrNothingAndNobodyHearsOfAMendedWord() throws {
        try site.configure(limit: 100)
        try rules(rule("[80, 90, 100]", "message: Almost ful"))
        try site.createTopics()
        let daemon = try site.start()
        let accounts = 200
        try produce((0..<accounts).map { usage("acct-\($0)", "\($0)", requests: $0 % 10 == 0 ? 70 : 85) })
        #expect(eventually(seconds: 60) { PublishedEvents.read(site, "triggers").count == 180 })

        try rules(rule("[80, 90, 100]", "message: Almost full"))
        hangUp(daemon)
        #expect(says(daemon, "configuration reloaded"))

        try rules(rule("[70, 80, twelve]"))
        hangUp(daemon)
        #expect(says(daemon, "Not reloaded: the configuration is wrong"))
        #expect(site.logLines(of: daemon).contains { $0["reason"]?.contains("rules.yaml:") == true }, "with its place")

        try rules(rule("[65, 75, 95]", "onChange: evaluate"))
        let main = site.directory.appendingPathComponent("upselld.yaml")
        let text = try String(contentsOf: main, encoding: .utf8)
        try text.replacingOccurrences(of: ".held\n", with: ".elsewhere\n").write(
            to: main, atomically: true, encoding: .utf8)
        hangUp(daemon)
        #expect(says(daemon, "Not reloaded"))
        #expect(
            eventually {
                site.logLines(of: daemon).contains { $0["reason"] == "only a restart can change topics.held" }
            })
        #expect(PublishedEvents.read(site, "triggers").count == 180, "nothing so far has told anybody anything")

        try text.write(to: main, atomically: true, encoding: .utf8)
        hangUp(daemon)
        #expect(says(daemon, "configuration reloaded", times: 2))
        #expect(eventually(seconds: 60) { PublishedEvents.read(site, "triggers").count == 180 + accounts })
        let fired = PublishedEvents.read(site, "triggers").suffix(from: 0).filter {
            $0.data["cause"] as? String == "rule_changed"
        }
        #expect(Set(fired.map(\.key)).count == accounts)
        #expect(fired.filter { $0.data["highest"] as? Int == 75 }.count == 180)
        #expect(fired.filter { $0.data["highest"] as? Int == 65 }.count == 20)
        _ = try site.stop(daemon, afterReading: accounts)
        #expect(PublishedEvents.read(site, "triggers").count == 180 + accounts)
    }
}

/// What a subscriber that reads committed gets from a topic of the site, partition by partition.
struct PublishedEvents {
    var key: String
    /// nil is a tombstone.
    var text: String?
    var id: String
    var data: [String: Any]

    static func read(_ site: RunOnKafkaTests.Site, _ topic: String, partitions: Int32 = 4) -> [PublishedEvents] {
        guard let properties = try? TransportBroker.properties(),
            let reader = try? LogReader(properties: properties, isolation: .readCommitted)
        else { return [] }
        defer { reader.close(deadlineMilliseconds: 1_000) }
        var found: [PublishedEvents] = []
        for partition in 0..<partitions {
            let name = "\(site.prefix).\(topic)"
            guard
                let (low, high) = try? reader.watermarks(topic: name, partition: partition, timeoutMilliseconds: 5_000)
            else { continue }
            _ = try? reader.read(
                topic: name, partition: partition, from: low, until: high, timeoutMilliseconds: 5_000
            ) { batch in
                for record in 0..<batch.count { found.append(PublishedEvents(batch, record)) }
                return true
            }
        }
        return found
    }

    private init(_ batch: MessageBatch, _ record: Int) {
        func bytes(_ span: RawSpan?) -> [UInt8]? {
            guard let span else { return nil }
            return span.withUnsafeBytes { Array($0) }
        }
        key = String(decoding: bytes(batch.key(at: record)) ?? [], as: UTF8.self)
        text = bytes(batch.value(at: record)).map { String(decoding: $0, as: UTF8.self) }
        let event = (try? JSONSerialization.jsonObject(with: Data((text ?? "").utf8))) as? [String: Any]
        id = event?["id"] as? String ?? ""
        data = event?["data"] as? [String: Any] ?? [:]
    }
}
