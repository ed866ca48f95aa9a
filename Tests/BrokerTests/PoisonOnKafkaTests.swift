import Foundation
import KafkaTransport
import Testing
import UpsellModel
import UpsellTesting

/// Bad input between good events, through `upselld run` as a process and a real Kafka's topics.
@Suite(
    .serialized, .enabled(if: TestPaths.brokers != nil, "UPSELLD_TEST_BROKERS names no brokers"),
    .timeLimit(.minutes(5)))
struct PoisonOnKafkaTests {
    let site: PoisonSite

    init() throws { site = try PoisonSite() }

    @Test func goodEventsAreCountedAndEveryBadRecordIsDeadLetteredWithItsReason() throws {
        var feed = PoisonFeed(site)
        // Clocks have to stand somewhere before anything can be too old for them.
        for _ in 0..<2 { feed.good() }
        for poison in PoisonRecord.all {
            feed.bad(poison)
            if poison.poison.topic == .usage { feed.good() } else { feed.profile(#"{"plan":"basic"}"#) }
        }
        if feed.goods % 2 == 1 { feed.good() }
        // A tombstone on the accounts topic is the erasure of an account, and legal.
        feed.profile(nil)
        try site.configure(limit: feed.goodPerAccount)
        try site.createTopics(deadLetterMaxMessageBytes: nil)
        try site.produce(feed.records)
        let daemon = try site.site.start()
        #expect(eventually(seconds: 90) { site.hasRead(feed.records.count, daemon) || !daemon.isRunning })
        #expect(daemon.isRunning, "\(daemon.errorsSoFar.suffix(2_000))")
        let summary = try site.site.stop(daemon, afterReading: feed.records.count)
        #expect(summary["read"] == "\(feed.records.count)")
        #expect(summary["applied"] == "\(feed.goods)")
        #expect(summary["profiles"] == "\(feed.profiles)")
        #expect(summary["dead_letters"] == "\(feed.expected.count)")
        #expect(summary["duplicates"] == "0")
        #expect(summary["skipped"] == "0")
        // Each good account has exactly as much as its plan allows, so the last threshold says its sum.
        let full = site.site.triggers().filter { $0.highest == 100 }
        #expect(Set(full.map(\.account)) == feed.accounts)
        #expect(full.count == feed.accounts.count)
        try site.compare(feed.expected)
    }

    @Test func lettersTooLargeForASmallTopicBecomeReferencesAndBatchesFitIntoIt() throws {
        var feed = PoisonFeed(site)
        feed.good()
        feed.good()
        // Together far more than a batch of 64 KiB, and no compression helps.
        for n in 0..<300 { feed.bad(.noise(2_000 + n, byReference: false)) }
        for size in [60_000, 63_000, 64_512, 65_536, 70_000, 300_000, 899_000] {
            feed.bad(.noise(size, byReference: size > 64_000))
            feed.good()
        }
        try site.configure(limit: 1_000)
        try site.createTopics(deadLetterMaxMessageBytes: 65_536)
        try site.produce(feed.records)
        let daemon = try site.site.start()
        let summary = try site.site.stop(daemon, afterReading: feed.records.count)
        #expect(summary["applied"] == "\(feed.goods)")
        #expect(summary["dead_letters"] == "\(feed.expected.count)")
        let lowered = site.site.logLines(of: daemon).first { $0["effective"] != nil }
        #expect(lowered?["effective"] == "64512")
        #expect(lowered?["configured"] == "900000")
        #expect(!daemon.errorsSoFar.contains("the same bytes are sent again"), "nothing was refused")
        try site.compare(feed.expected)
    }

    @Test func aTopicTooSmallForAReferenceEndsTheStartWithItsName() throws {
        try site.configure(limit: 1_000)
        try site.createTopics(deadLetterMaxMessageBytes: 8_000)
        let daemon = try site.site.start()
        let result = daemon.wait(seconds: 60)
        #expect(result.status == 78)
        #expect(result.errors.contains("\(site.site.prefix).dead-letters takes 8000 bytes"), "\(result.errors)")
    }

    @Test func aHeaderWhoseNameIsNoTextMakesAReference() throws {
        try site.configure(limit: 1_000)
        try site.createTopics(deadLetterMaxMessageBytes: nil)
        let result = try Subprocess.run(
            "sh",
            [
                "-c", #"printf '{no json' | kcat -P -b "$0" -t "$1" -p 0 -k acct-1 -H "$(printf 'a\377b')=1""#,
                site.site.brokers, site.site.usage,
            ])
        try #require(result.status == 0, "kcat: \(result.errors)")
        let daemon = try site.site.start()
        let summary = try site.site.stop(daemon, afterReading: 1)
        #expect(summary["dead_letters"] == "1")
        var poison = PoisonCorpus.Case(
            usage: "header name of other bytes", key: Array("acct-1".utf8), value: Array("{no json".utf8), headers: [])
        poison.reason = .invalidJSON
        try site.compare(["\(site.site.usage)/0/0": PoisonRecord(poison, byReference: true)])
    }

    @Test func moreHeadersThanCanBeReadMakeAReferenceAndAnEventBetweenThemIsNotCounted() throws {
        var feed = PoisonFeed(site)
        feed.good()
        feed.good()
        var poison = PoisonCorpus.Case(
            usage: "100,001 headers", key: Array("acct-1".utf8), value: PoisonCorpus.good(1),
            headers: Array(repeating: (name: "h", value: nil), count: 100_001))
        poison.reason = .oversized
        feed.bad(PoisonRecord(poison, byReference: true))
        feed.good()
        try site.configure(limit: 1_000)
        try site.createTopics(deadLetterMaxMessageBytes: nil)
        try site.produce(feed.records)
        let daemon = try site.site.start()
        let summary = try site.site.stop(daemon, afterReading: feed.records.count)
        #expect(summary["applied"] == "3", "\(summary) \(daemon.errorsSoFar.suffix(3_000))")
        #expect(summary["dead_letters"] == "1")
        try site.compare(feed.expected)
    }
}

extension PoisonRecord {
    /// Bytes that are no UTF-8.
    fileprivate static func noise(_ count: Int, byReference: Bool) -> PoisonRecord {
        var poison = PoisonCorpus.Case(
            usage: "\(count) bytes", key: Array("acct-1".utf8), value: noise(count), headers: [])
        poison.reason = .invalidUTF8
        return PoisonRecord(poison, byReference: byReference)
    }
}

/// Records for two partitions by turns, and what must become of them.
struct PoisonFeed {
    private(set) var records: [OutputRecord] = []
    /// Poison by `topic/partition/offset`.
    private(set) var expected: [String: PoisonRecord] = [:]
    private(set) var goods = 0
    private(set) var profiles = 0
    private let site: PoisonSite
    private let now: Int64
    /// The corpus's, or now where this machine's clock stands before it.
    private let recordTime: Int64
    private var offsets: [String: Int] = [:]
    private var turn: Int32 = 0

    init(_ site: PoisonSite) {
        self.site = site
        now = Int64(Date().timeIntervalSince1970 * 1_000)
        recordTime = min(PoisonCorpus.recordTime.milliseconds, now)
    }

    var accounts: Set<String> { ["good-0", "good-1"] }
    var goodPerAccount: Int { goods / 2 }

    mutating func good() {
        let partition = Int32(goods % 2)
        let time = Date(timeIntervalSince1970: Double(recordTime / 1_000 - 1)).formatted(.iso8601)
        let value =
            #"{"specversion":"1.0","id":"good-\#(goods)","source":"/good","type":"api.request","#
            + #""subject":"good-\#(partition)","time":"\#(time)"}"#
        goods += 1
        add(
            OutputRecord(
                topic: site.site.usage, partition: partition, key: Array("good-\(partition)".utf8),
                value: Array(value.utf8), timestamp: recordTime))
    }

    mutating func profile(_ value: String?) {
        profiles += 1
        // A partition's accounts lie beside its usage.
        let partition = Int32(profiles % 2)
        let account = value == nil ? "gone" : "good-\(partition)"
        add(
            OutputRecord(
                topic: site.accounts, partition: partition, key: Array(account.utf8),
                value: value.map { Array($0.utf8) },
                timestamp: recordTime))
    }

    mutating func bad(_ poison: PoisonRecord) {
        turn = 1 - turn
        let record = OutputRecord(
            topic: poison.poison.topic == .usage ? site.site.usage : site.accounts, partition: turn,
            key: poison.poison.key, value: poison.poison.value, headers: poison.poison.headers,
            timestamp: poison.ahead.map { now + $0 } ?? recordTime)
        expected[add(record)] = poison
    }

    @discardableResult private mutating func add(_ record: OutputRecord) -> String {
        let place = "\(record.topic)/\(record.partition ?? -1)"
        let offset = offsets[place, default: 0]
        offsets[place] = offset + 1
        records.append(record)
        return "\(place)/\(offset)"
    }
}

/// Files and topics for the corpus's catalogue.
struct PoisonSite {
    let site: RunOnKafkaTests.Site

    init() throws { site = try RunOnKafkaTests.Site() }

    var accounts: String { "\(site.prefix).accounts" }
    var deadLetters: String { "\(site.prefix).dead-letters" }

    /// `PoisonCorpus.catalogue` as files.
    func configure(limit: Int) throws {
        try site.configure(limit: limit)
        let catalog = """
            meters:
              api_calls: { events: api.request, aggregation: count, unit: requests, window: period }
              bandwidth:
                events: api.transfer
                aggregation: sum
                value: data.bytes
                unit: bytes
                scale: 2
                dimension: { name: region, path: data.region }
                window: period
              users: { events: session.start, aggregation: unique, value: data.user.id, unit: users, window: { rolling: 30d } }
            plans:
              - { name: basic, limits: { api_calls: \(limit), bandwidth: unlimited, users: unlimited } }

            """
        try catalog.write(
            to: site.directory.appendingPathComponent("catalog.yaml"), atomically: true, encoding: .utf8)
        let file = site.directory.appendingPathComponent("upselld.yaml")
        try String(contentsOf: file, encoding: .utf8).replacingOccurrences(
            of: "defaultPlan: free", with: "defaultPlan: basic"
        ).write(to: file, atomically: true, encoding: .utf8)
    }

    /// Inputs that take everything, whatever its size and time; a dead-letter topic as the broker makes it, or smaller.
    func createTopics(deadLetterMaxMessageBytes: Int?) throws {
        let any = [
            "max.message.bytes": "8388608", "retention.ms": "-1",
            "message.timestamp.after.max.ms": "9223372036854775807",
        ]
        try TransportBroker.createTopics(
            [site.usage, accounts].map { TopicSpec(name: $0, partitions: 2, replication: 1, config: any) }
                + [
                    TopicSpec(
                        name: deadLetters, partitions: 2, replication: 1,
                        config: deadLetterMaxMessageBytes.map { ["max.message.bytes": "\($0)"] } ?? [:])
                ])
    }

    func produce(_ records: [OutputRecord]) throws {
        let producer = try KafkaProducer(
            properties: TransportBroker.properties(["message.max.bytes": "8388608", "compression.type": "none"]))
        for record in records { try producer.produce(record) }
        try producer.flush(timeoutMilliseconds: 60_000)
        #expect(producer.close(deadlineMilliseconds: 1_000))
    }

    func hasRead(_ count: Int, _ daemon: Subprocess) -> Bool {
        site.logLines(of: daemon).contains { ($0["read"].flatMap { Int($0) } ?? 0) >= count }
    }

    /// The dead-letter topic against what was fed: each bad record once, nothing else.
    func compare(_ expected: [String: PoisonRecord]) throws {
        let letters = try letters()
        #expect(letters.count == expected.count)
        #expect(Set(letters.map(\.coordinates)) == Set(expected.keys), "each once")
        var complaints: [String] = []
        for letter in letters {
            if let poison = expected[letter.coordinates] { complaints += try letter.complaints(poison) }
        }
        #expect(complaints == [])
    }

    /// Everything in the dead-letter topic.
    func letters() throws -> [PublishedLetter] {
        let reader = try LogReader(properties: TransportBroker.properties([:]), isolation: .readCommitted)
        defer { reader.close(deadlineMilliseconds: 5_000) }
        var letters: [PublishedLetter] = []
        for partition in 0..<Int32(2) {
            let (low, high) = try reader.watermarks(
                topic: deadLetters, partition: partition, timeoutMilliseconds: 10_000)
            let reached = try reader.read(
                topic: deadLetters, partition: partition, from: low, until: high, timeoutMilliseconds: 10_000
            ) { batch in
                for index in 0..<batch.count {
                    var headers: [(name: String, value: [UInt8]?)] = []
                    batch.forEachHeader(at: index) { name, value in
                        headers.append((String(decoding: bytes(name) ?? [], as: UTF8.self), bytes(value)))
                    }
                    letters.append(
                        PublishedLetter(
                            key: bytes(batch.key(at: index)), value: bytes(batch.value(at: index)), headers: headers,
                            timestamp: batch.timestamp(at: index)))
                }
                return true
            }
            #expect(reached == high)
        }
        return letters
    }

    private func bytes(_ span: RawSpan?) -> [UInt8]? {
        guard let span else { return nil }
        return span.withUnsafeBytes { Array($0) }
    }
}
