import Foundation
import KafkaTransport
import Testing
import UpsellTesting

/// `upselld run` as an operator runs it: configuration files, a real Kafka, fed and read by kcat.
@Suite(
    .serialized, .enabled(if: TestPaths.brokers != nil, "UPSELLD_TEST_BROKERS names no brokers"),
    .timeLimit(.minutes(5)))
struct RunOnKafkaTests {
    let site: Site

    init() throws { site = try Site() }

    @Test func theAccessLogGivesTwentyThreeTriggersAndASecondFeedingNone() async throws {
        let log = try #require(TestPaths.accessLog, "the recorded access log lies in ../shared/data")
        try site.configure(limit: 100)
        try site.createTopics()
        let events = try site.events(of: log)
        let daemon = try site.start()
        try site.feed(events)
        #expect(eventually { site.triggers().count >= 23 }, "23 triggers arrive")
        try site.feed(events)
        // The second feeding is through when its records are counted; the log says so at the stop.
        #expect(eventually { (try? site.endOffsets(site.usage)) == 20_000 })
        let summary = try site.stop(daemon, afterReading: 20_000)
        let triggers = site.triggers()
        #expect(triggers.count == 23)
        #expect(Dictionary(grouping: triggers, by: \.highest).mapValues(\.count) == [80: 10, 90: 7, 100: 6])
        #expect(Set(triggers.map(\.id)).count == 23, "ids are unique")
        #expect(summary["applied"] == "10000")
        #expect(summary["duplicates"] == "10000")
        #expect(summary["accounts"] == "1753")
        #expect(summary["dead_letters"] == "0")
    }

    @Test func aGeneratedLogGivesWhatASeparateScriptComputes() async throws {
        try site.configure(limit: 1_000)
        try site.createTopics()
        let log = site.directory.appendingPathComponent("generated.log")
        try site.python("generate.py", ["100000", "11"]).write(to: log, atomically: true, encoding: .utf8)
        let expected =
            try JSONSerialization.jsonObject(
                with: Data(try site.python("expect.py", [log.path, "1000"]).utf8)) as? [String: Any]
        let reached = try #require(expected?["triggers"] as? [String: Int])
        let daemon = try site.start()
        try site.feed(try site.events(of: log.path))
        let summary = try site.stop(daemon, afterReading: 100_000)
        let crossed = site.triggers().flatMap { trigger in
            trigger.crossed.map { (threshold: $0, account: trigger.account) }
        }
        let counted = Dictionary(grouping: crossed, by: \.threshold).mapValues { Set($0.map(\.account)).count }
        #expect(counted == [80: reached["80"] ?? -1, 90: reached["90"] ?? -1, 100: reached["100"] ?? -1])
        #expect(reached["100"] ?? 0 > 0, "the log is one that crosses something")
        #expect(summary["applied"] == "100000")
        #expect(summary["accounts"] == "\(expected?["accounts"] as? Int ?? -1)")
    }

    @Test func usageUnderTheOtherPartitionerAndUnderForeignKeysIsReportedWithTopicAndCounts() async throws {
        try site.configure(limit: 1_000_000)
        try site.createTopics()
        let daemon = try site.start()
        func lines(_ range: Range<Int>, key: (Int) -> String) throws -> URL {
            let text = range.map { n in
                #"\#(key(n))\#t{"specversion":"1.0","id":"\#(n)","source":"t","type":"web.request","subject":"acct-\#(n % 500)","#
                    + #""time":"2026-06-01T00:00:00Z","data":{"requests":1,"bytes":1}}"#
            }
            let file = site.directory.appendingPathComponent("lines-\(range.lowerBound).tsv")
            try (text.joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)
            return file
        }
        try site.feed(try lines(0..<3_000) { "acct-\($0 % 500)" })
        // Records are placed by CRC32 from here on, which puts most of these accounts elsewhere.
        try site.feed(try lines(3_000..<3_400) { "acct-\($0 % 500)" }, partitioner: "consistent")
        try site.feed(try lines(3_400..<3_450) { "user-\($0)" })
        let summary = try site.stop(daemon, afterReading: 3_450)
        #expect(summary["applied"] == "3450", "all of it is counted where it lies")
        let reports = site.logLines(of: daemon)
        let mismatch = try #require(reports.first { $0["message"]?.contains("key is not their account") == true })
        #expect(mismatch["topic"] == site.usage)
        #expect(mismatch["count"] == "50")
        let placement = try #require(reports.first { $0["message"]?.contains("partitioner") == true })
        #expect(placement["topic"] == site.usage)
        #expect(placement["partitioner"] == "murmur2")
        let misplaced = try #require(placement["count"].flatMap { Int($0) })
        #expect(misplaced > 200 && misplaced <= 400, "most of 400 records lie where only CRC32 puts them: \(misplaced)")
    }

    @Test func profilesAndUsageUnderDifferentPartitionersAreReported() async throws {
        try site.configure(limit: 1_000_000)
        try site.createTopics()
        let daemon = try site.start()
        func file(_ name: String, _ line: (Int) -> String) throws -> URL {
            let file = site.directory.appendingPathComponent(name)
            let text = (0..<200).map(line).joined(separator: "\n") + "\n"
            try text.write(to: file, atomically: true, encoding: .utf8)
            return file
        }
        try site.feed(
            try file("profiles.tsv") { "acct-\($0)\t{\"plan\":\"free\"}" }, topic: "\(site.prefix).accounts")
        try site.feed(
            try file("usage.tsv") {
                #"acct-\#($0)\#t{"specversion":"1.0","id":"\#($0)","source":"t","type":"web.request","subject":"acct-\#($0)","#
                    + #""data":{"requests":1,"bytes":1}}"#
            }, partitioner: "consistent")
        _ = try site.stop(daemon, afterReading: 400)
        let report = try #require(
            site.logLines(of: daemon).first { $0["message"]?.contains("different partitioners") == true })
        #expect(report["topic"] == "\(site.prefix).accounts")
        #expect(report["partitioner"] == "murmur2")
        #expect(report["lead_topic"] == site.usage)
        #expect(report["lead_partitioner"] == "crc32")
    }

    /// A directory of configuration files and topics of its own on the brokers.
    final class Site: Sendable {
        let directory: URL
        let prefix = "t\(UInt32.random(in: 0...UInt32.max))"
        let brokers = TestPaths.brokers ?? ""

        init() throws {
            directory = FileManager.default.temporaryDirectory.appendingPathComponent(
                "upselld-site-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: directory) }

        var usage: String { "\(prefix).usage" }

        func configure(limit: Int) throws {
            try write(
                "upselld.yaml",
                """
                catalog: catalog.yaml
                rules: rules.yaml
                firstStart: fire
                kafka: { bootstrap.servers: "\(brokers)" }
                topics:
                  usage: [\(prefix).usage]
                  accounts: \(prefix).accounts
                  triggers: \(prefix).triggers
                  held: \(prefix).held
                  feedback: \(prefix).feedback
                  open: \(prefix).open
                  outcomes: \(prefix).outcomes
                  control: \(prefix).control
                  deadLetters: \(prefix).dead-letters
                  state: \(prefix).state
                  journal: \(prefix).journal
                group: { id: \(prefix), slot: \(prefix)-1, leaveOnStop: true }
                accounts: { unknown: defaultPlan, defaultPlan: free }
                qualification: { upgradePause: 0s, arbitration: { window: off } }
                log: { level: info, format: json }
                """)
            try write(
                "catalog.yaml",
                """
                meters:
                  api_calls: { events: web.request, aggregation: sum, value: data.requests, unit: requests, window: period }
                  bandwidth: { events: web.request, aggregation: sum, value: data.bytes, unit: bytes, window: period }
                plans:
                  - { name: free, limits: { api_calls: \(limit), bandwidth: unlimited } }
                  - { name: unlimited, limits: { api_calls: unlimited, bandwidth: unlimited } }
                """)
            try write(
                "rules.yaml",
                """
                rules:
                  - { name: api-calls, signal: { limit: { meter: api_calls, thresholds: { percent: [80, 90, 100] } } } }
                """)
        }

        private func write(_ name: String, _ text: String) throws {
            try (text + "\n").write(to: directory.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }

        func createTopics(partitions: Int = 4) throws {
            let admin = try KafkaAdmin(properties: [property])
            let specs = ["usage", "accounts"].map {
                // Some records have timestamps of the past, which a retention by time would take away.
                TopicSpec(
                    name: "\(prefix).\($0)", partitions: partitions, replication: 1, config: ["retention.ms": "-1"])
            }
            for outcome in try admin.createTopics(specs, timeoutMilliseconds: 20_000) {
                if let error = outcome.error { throw error }
            }
        }

        private var property: KafkaProperty { KafkaProperty(name: "bootstrap.servers", value: brokers, place: "test") }

        func start() throws -> Subprocess {
            try Subprocess(
                TestPaths.executable("upselld"), ["run", "--config", "upselld.yaml"], directory: directory)
        }

        func python(_ script: String, _ arguments: [String]) throws -> String {
            let result = try Subprocess.run("python3", [TestPaths.fixture("access-log/\(script)")] + arguments)
            try #require(result.status == 0, "\(script): \(result.errors)")
            return result.output
        }

        /// Key, tab and event a line.
        func events(of log: String) throws -> URL {
            let file = directory.appendingPathComponent("events.tsv")
            try python("to_cloudevents.py", [log]).write(to: file, atomically: true, encoding: .utf8)
            return file
        }

        func feed(_ file: URL, topic: String? = nil, partitioner: String = "murmur2_random") throws {
            let result = try Subprocess.run(
                "kcat",
                [
                    "-P", "-b", brokers, "-t", topic ?? usage, "-K", "\t", "-X", "topic.partitioner=\(partitioner)",
                    "-l",
                    file.path,
                ])
            try #require(result.status == 0, "kcat: \(result.errors)")
        }

        func read(_ topic: String) -> [String] {
            let result = try? Subprocess.run(
                "kcat", ["-C", "-b", brokers, "-t", "\(prefix).\(topic)", "-o", "beginning", "-e", "-q", "-f", "%s\n"])
            return result?.output.split(separator: "\n").map(String.init) ?? []
        }

        struct PublishedTrigger {
            var id: String
            var account: String
            var highest: Int
            var crossed: [Int]
        }

        func triggers() -> [PublishedTrigger] {
            read("triggers").compactMap { line in
                guard let event = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    let data = event["data"] as? [String: Any], let id = event["id"] as? String,
                    let account = event["subject"] as? String, let highest = data["highest"] as? Int,
                    let crossed = data["crossed"] as? [Int]
                else { return nil }
                return PublishedTrigger(id: id, account: account, highest: highest, crossed: crossed)
            }
        }

        /// Records in a topic.
        func endOffsets(_ topic: String) throws -> Int {
            let consumer = try KafkaConsumer(properties: [property], inputTopics: [topic], groupID: "\(prefix)-offsets")
            let partitions = try consumer.metadata(topics: [topic], timeoutMilliseconds: 10_000)[topic] ?? 0
            var sum = 0
            for partition in 0..<partitions {
                sum += Int(
                    try consumer.watermarks(input: 0, partition: Int32(partition), timeoutMilliseconds: 10_000).high)
            }
            return sum
        }

        /// Stops the daemon once it says that it has read so much; gives the totals of its last line.
        func stop(_ daemon: Subprocess, afterReading records: Int) throws -> [String: String] {
            _ = eventually(seconds: 90) {
                !daemon.isRunning
                    || logLines(of: daemon).contains { ($0["read"].flatMap { Int($0) } ?? 0) >= records }
            }
            daemon.terminate()
            let result = daemon.wait(seconds: 60)
            #expect(result.status == 0, "\(result.errors.suffix(2_000))")
            return try #require(logLines(of: daemon).last { $0["message"] == "stopped" }, "\(result.errors)")
        }

        /// Lines of the daemon's log as texts by key.
        func logLines(of daemon: Subprocess) -> [[String: String]] {
            daemon.errorsSoFar.split(separator: "\n").compactMap { line in
                guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                    return nil
                }
                let data = object["data"] as? [String: Any] ?? [:]
                return object.merging(data) { $1 }.mapValues { "\($0)" }
            }
        }
    }
}
