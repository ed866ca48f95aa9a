import Foundation
import KafkaTransport
import Testing
import UpsellTesting

/// `kill -9` while timers are set, triggers are owed and reports are on their way: what comes out is what an undisturbed
/// daemon says of the same inputs, each once.
@Suite(
    .serialized, .enabled(if: TestPaths.brokers != nil, "UPSELLD_TEST_BROKERS names no brokers"),
    .timeLimit(.minutes(6)))
struct CrashOnKafkaTests {
    private static let accounts = 24
    private static let days = 10
    /// 2026-03-02T00:00:00Z, a Monday.
    private static let start: Int64 = 1_772_409_600_000

    /// Thresholds with a cooldown, so that triggers are owed and released by timers; silence that is told by a timer;
    /// triggers that expire after a day.
    private static let rules = """
        rules:
          - name: usage
            signal: { limit: { meter: api_calls, thresholds: { percent: [20, 40, 60, 80, 100] } } }
            cooldown: 48h
            expiresAfter: 1d
          - name: silence
            signal: { absence: { on: { meter: api_calls }, for: 2d } }
            expiresAfter: 3d
        """

    /// Half of the accounts use something every few hours, the others stop in between.
    private static func usage(_ site: RunOnKafkaTests.Site) -> [OutputRecord] {
        var records: [OutputRecord] = []
        for hour in 0..<(days * 24) {
            for account in 0..<accounts where (hour + account * 7) % 5 == 0 {
                if account % 2 == 1, hour > (account + 20), hour < days * 24 - 30 - account { continue }
                let time = start + Int64(hour) * 3_600_000 + Int64(account) * 60_000
                let name = "acct-\(account)"
                let requests = 1 + (hour / 5 + account) % 5
                records.append(
                    OutputRecord(
                        topic: site.usage, key: Array(name.utf8),
                        value: Array(
                            (#"{"specversion":"1.0","id":"\#(hour)-\#(account)","source":"t","type":"web.request","#
                                + #""subject":"\#(name)","data":{"requests":\#(requests),"bytes":1}}"#).utf8),
                        timestamp: time))
            }
        }
        return records
    }

    private static func report(_ site: RunOnKafkaTests.Site, _ trigger: PublishedEvents) -> [OutputRecord] {
        ["delivered", "clicked"].map { kind in
            OutputRecord(
                topic: "\(site.prefix).feedback", key: Array(trigger.key.utf8),
                value: Array(#"{"id":"\#(kind)-\#(trigger.id)","trigger":"\#(trigger.id)","kind":"\#(kind)"}"#.utf8))
        }
    }

    private static func site() throws -> RunOnKafkaTests.Site {
        let site = try RunOnKafkaTests.Site()
        try site.configure(limit: 120)
        let file = site.directory.appendingPathComponent("upselld.yaml")
        // No ticks, so that the same records move the clocks in both runs; many small epochs.
        let text = try String(contentsOf: file, encoding: .utf8)
            .replacingOccurrences(of: "usage: [\(site.usage)]", with: "usage: [{ name: \(site.usage), clock: replay }]")
        try (text + "commit: { interval: 20ms }\n").write(to: file, atomically: true, encoding: .utf8)
        try (rules + "\n").write(
            to: site.directory.appendingPathComponent("rules.yaml"), atomically: true, encoding: .utf8)
        try site.createTopics(partitions: 4)
        return site
    }

    private final class Feed {
        private let producer: KafkaProducer

        init() throws {
            producer = try KafkaProducer(
                properties: TransportBroker.properties(["partitioner": "murmur2_random", "linger.ms": "0"]))
        }

        func send(_ records: some Sequence<OutputRecord>) throws {
            for record in records { try producer.produce(record) }
            try producer.flush(timeoutMilliseconds: 20_000)
        }
    }

    /// What a run came to: every record that a subscriber sees, by what it is.
    private struct Result {
        var triggers: [String]
        var held: [String]
        var outcomes: [String]
        var open: [String: Set<String>]

        init(_ site: RunOnKafkaTests.Site) {
            triggers = PublishedEvents.read(site, "triggers").map { "\($0.key) \($0.id)" }.sorted()
            held = PublishedEvents.read(site, "held").map(\.id).sorted()
            outcomes = PublishedEvents.read(site, "outcomes").map(\.id).sorted()
            open = [:]
            for record in PublishedEvents.read(site, "open") {
                let triggers = record.data["triggers"] as? [[String: Any]] ?? []
                open[record.key] = Set(triggers.compactMap { $0["id"] as? String })
            }
            open = open.filter { !$0.value.isEmpty }
        }
    }

    @Test func aKilledDaemonSaysWhatAnUndisturbedOneSays() throws {
        // Undisturbed: all usage, then a report of every trigger.
        let calm = try Self.site()
        let calmFeed = try Feed()
        let records = Self.usage(calm)
        let undisturbed = try calm.start()
        try calmFeed.send(records)
        let reportable = try drained(calm, records: records.count)
        try calmFeed.send(reportable.flatMap { Self.report(calm, $0) })
        _ = try calm.stop(undisturbed, afterReading: records.count + 2 * reportable.count)
        let expected = Result(calm)
        #expect(expected.triggers.count > 60, "\(expected.triggers.count) triggers")
        #expect(expected.held.count > 20, "some were owed: \(expected.held.count)")
        #expect(expected.outcomes.contains { $0.contains("-expired-") }, "some expired by a timer")
        #expect(expected.outcomes.filter { $0.contains("-clicked-") }.count == expected.triggers.count)

        // Killed again and again while usage and reports come in.
        let site = try Self.site()
        let feed = try Feed()
        let all = Self.usage(site)
        var daemon = try site.start()
        // From the first epoch of every partition on each life has something to restore.
        #expect(try eventuallyCommitted(site) { $0.count == 4 })
        var kills = 0
        var reported: Set<String> = []
        let chunk = 25
        for (number, first) in stride(from: 0, to: all.count, by: chunk).enumerated() {
            try feed.send(all[first..<min(first + chunk, all.count)])
            let news = PublishedEvents.read(site, "triggers").filter { reported.insert($0.id).inserted }
            try feed.send(news.flatMap { Self.report(site, $0) })
            if number % 5 == 3 {
                // In the middle of what was just fed.
                usleep(UInt32(20_000 + number * 1_500))
                daemon.kill()
                _ = daemon.wait(seconds: 20)
                kills += 1
                daemon = try site.start()
                #expect(says(site, daemon, "partition restored"))
            }
        }
        #expect(kills >= 5)
        // The last reports.
        #expect(
            eventually(seconds: 90) {
                let news = PublishedEvents.read(site, "triggers").filter { reported.insert($0.id).inserted }
                try? feed.send(news.flatMap { Self.report(site, $0) })
                return PublishedEvents.read(site, "outcomes").count >= expected.outcomes.count
                    && PublishedEvents.read(site, "triggers").count >= expected.triggers.count
            })
        daemon.terminate()
        #expect(daemon.wait(seconds: 60).status == 0)
        let found = Result(site)
        #expect(
            Self.difference(found.triggers, expected.triggers).isEmpty, "each trigger once, none missing, none else")
        #expect(Self.difference(found.held, expected.held).isEmpty)
        #expect(Self.difference(found.outcomes, expected.outcomes).isEmpty)
        #expect(found.open == expected.open)
        #expect(Set(found.triggers).count == found.triggers.count && Set(found.outcomes).count == found.outcomes.count)
    }

    /// What one of two lists has and the other has not, and how often.
    private static func difference(_ found: [String], _ expected: [String]) -> [String] {
        var counts: [String: Int] = [:]
        for entry in found { counts[entry, default: 0] += 1 }
        for entry in expected { counts[entry, default: 0] -= 1 }
        return counts.filter { $0.value != 0 }.map { "\($0.value > 0 ? "+" : "")\($0.value) \($0.key)" }.sorted()
    }

    private func says(_ site: RunOnKafkaTests.Site, _ daemon: Subprocess, _ message: String) -> Bool {
        eventually(seconds: 60) { site.logLines(of: daemon).contains { $0["message"] == message } }
    }

    /// Waits until everything that was fed is committed; gives what was said of it.
    private func drained(_ site: RunOnKafkaTests.Site, records: Int) throws -> [PublishedEvents] {
        #expect(
            try eventuallyCommitted(site) { found in
                found.values.reduce(0) { $0 + Int($1.offset) } == records
            })
        return PublishedEvents.read(site, "triggers")
    }

    /// Whether the group's offsets of the usage topic come to be as asked for.
    private func eventuallyCommitted(
        _ site: RunOnKafkaTests.Site, _ isReached: ([Int32: GroupOffset]) -> Bool
    ) throws -> Bool {
        let reader = try LogReader(
            properties: TransportBroker.properties(), groupID: site.prefix, isolation: .readCommitted)
        defer { reader.close(deadlineMilliseconds: 1_000) }
        return eventually(seconds: 90) {
            let found = try? reader.committed(
                topic: site.usage, partitions: [0, 1, 2, 3], timeoutMilliseconds: 5_000)
            return isReached(found ?? [:])
        }
    }
}
