import Foundation
import KafkaTransport
import Testing
import UpsellConfiguration
import UpsellModel
import UpsellStateLog
import UpsellTelemetry
import UpsellTesting

@testable import UpsellRuntime

/// The pipeline over Kafka in memory: what goes in, what is acknowledged, and in which order.
@Suite(.timeLimit(.minutes(2)))
struct PipelineTests {
    @Test func usageThatReachesThresholdsComesOutAsTriggersInOrder() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        for n in 1...10 { bench.usage("acme", id: "\(n)", at: n) }
        bench.settle(records: 10)
        let triggers = bench.triggers()
        #expect(triggers.map(\.highest) == [80, 90, 100])
        #expect(triggers.map(\.current) == [8, 9, 10])
        #expect(triggers.allSatisfy { $0.account == "acme" && $0.key == "acme" })
        #expect(bench.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "acme", usage: 10)])
        #expect(bench.stop())
    }

    @Test func profilesAreReadToTheirEndBeforeUsageIsAssigned() throws {
        let bench = try Bench(limit: 10)
        // The usage record is older than the profile, and still finds it.
        bench.usage("acme", id: "1", at: 1, requests: 90)
        bench.profile("acme", #"{"plan":"big"}"#, at: 500)
        bench.source.give([0])
        bench.settle(records: 2)
        #expect(
            bench.source.assignCalls == [
                [.init(input: 1, partition: 0)], [.init(input: 0, partition: 0), .init(input: 2, partition: 0)],
            ], "accounts first, the others when they are read")
        #expect(bench.triggers().map(\.limit) == [100], "judged by the profile's plan, not by the default one")
        #expect(bench.stop())
    }

    @Test func theLowestTimestampGoesFirstAmongInputs() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        #expect(eventually { bench.source.assignCalls.count == 1 })
        bench.source.limit(recordsPerPoll: 0)
        bench.usage("acme", id: "1", at: 10, requests: 5)
        bench.profile("acme", #"{"plan":"big"}"#, at: 20)
        bench.usage("acme", id: "2", at: 30, requests: 4)
        bench.source.limit(recordsPerPoll: 100)
        bench.settle(records: 3)
        // Under the default plan 9 of 10 would have fired; the profile came between the two.
        #expect(bench.triggers().isEmpty)
        let next = bench.daemon.snapshot().partitions.map(\.next)
        #expect(next == [[2, 1, 0]])
        #expect(bench.stop())
    }

    @Test func aFailedSendRepeatsTheSameBytes() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.settle(records: 0)
        bench.sink.failFlushes(3)
        bench.usage("acme", id: "1", at: 1, requests: 8)
        bench.settle(records: 1)
        #expect(bench.triggers().count == 1, "once, after three failures")
        #expect(bench.sink.aborts == 3)
        let sent = bench.sink.sent.suffix(4)
        #expect(sent.count == 4)
        #expect(sent.allSatisfy { $0 == sent.first }, "to the byte")
        #expect(bench.stop())
    }

    @Test func anOrderlyRevocationSendsWhatWasApplied() throws {
        // An interval that never comes and no trigger that hurries: only the revocation can have sent it.
        let bench = try Bench(limit: 10, commitInterval: 3_600_000)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 2)
        #expect(eventually { bench.daemon.snapshot().tally.read == 1 })
        #expect(bench.sink.commits == 0)
        bench.source.take([0], lost: false)
        #expect(eventually { bench.sink.offsets[PartitionID(0)]?.offset == 1 })
        #expect(eventually { bench.daemon.snapshot().partitions.isEmpty }, "its state is gone")
        #expect(bench.stop())
    }

    @Test func aLostPartitionIsDroppedUnsent() throws {
        let bench = try Bench(limit: 10, commitInterval: 3_600_000)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 2)
        #expect(eventually { bench.daemon.snapshot().tally.read == 1 })
        bench.source.take([0], lost: true)
        #expect(eventually { bench.daemon.assignedPartitions.isEmpty })
        #expect(bench.stop())
        #expect(bench.sink.commits == 0, "whoever owns it now reads it again")
    }

    @Test func aTriggerThatWaitsHurriesTheCommit() throws {
        let bench = try Bench(limit: 10, commitInterval: 3_600_000)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 8)
        #expect(eventually { bench.triggers().count == 1 }, "long before the interval is over")
        #expect(bench.stop())
    }

    @Test func aPartitionThatComesBackGoesOnWhereItStood() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 8)
        bench.settle(records: 1)
        bench.source.take([0], lost: false)
        #expect(eventually { bench.daemon.assignedPartitions.isEmpty })
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 8)
        bench.usage("acme", id: "2", at: 2, requests: 1)
        bench.settle(records: 2)
        #expect(bench.triggers().map(\.current) == [8, 9], "nothing is said twice, and 9 of 10 knows of the 8")
        #expect(bench.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "acme", usage: 9)])
        #expect(bench.daemon.snapshot().duplicates == 1, "identities come back too")
        #expect(bench.sink.offsets[PartitionID(0)]?.offset == 3)
        #expect(bench.stop())
    }

    @Test func aCommitWhoseAnswerIsLostIsNotRepeated() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "0", at: 0)
        bench.settle(records: 1)
        bench.sink.loseCommitAnswers(1)
        bench.usage("acme", id: "1", at: 1, requests: 7)
        bench.settle(records: 2)
        #expect(bench.triggers().count == 1, "the offset's metadata tells that it was committed")
        bench.usage("acme", id: "2", at: 2, requests: 1)
        bench.settle(records: 3)
        #expect(bench.triggers().map(\.current) == [8, 9])
        #expect(bench.stop())
    }

    @Test func offsetsReadBeforeAreDroppedAndCounted() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        for n in 1...4 { bench.usage("acme", id: "\(n)", at: n) }
        bench.settle(records: 4)
        bench.source.rewind(.init(input: 0, partition: 0), to: 1)
        bench.settle(records: 7)
        let snapshot = bench.daemon.snapshot()
        #expect(snapshot.tally.replayed == 3)
        #expect(snapshot.duplicates == 0, "they do not even reach the identities")
        #expect(bench.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "acme", usage: 4)])
        #expect(bench.stop())
    }

    @Test func offsetsWithoutARecordAreCounted() throws {
        let bench = try Bench(limit: 10)
        bench.usage("acme", id: "1", at: 1)
        bench.source.append(gapOf: 3, input: 0)
        bench.usage("acme", id: "2", at: 2)
        bench.source.append(gapOf: 2, input: 0)
        bench.source.give([0])
        bench.settle(records: 2)
        #expect(eventually { bench.daemon.snapshot().tally.gaps == 5 }, "three in the middle, two before the end")
        #expect(bench.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "acme", usage: 2)])
        #expect(bench.stop())
    }

    @Test func aRepeatedIdentityIsCountedAndChangesNothing() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        for _ in 0..<2 { for n in 1...9 { bench.usage("acme", id: "\(n)", at: n) } }
        bench.settle(records: 18)
        #expect(bench.daemon.snapshot().duplicates == 9)
        #expect(bench.triggers().map(\.highest) == [80, 90])
        #expect(bench.stop())
    }

    @Test func firstStartSilentSpendsWhatWasThereAndFiresWhatComes() throws {
        let bench = try Bench(limit: 10, firstStart: .silent)
        for n in 1...8 { bench.usage("acme", id: "\(n)", at: n) }
        bench.source.give([0])
        bench.settle(records: 8)
        #expect(bench.triggers().isEmpty)
        bench.usage("acme", id: "9", at: 9)
        bench.settle(records: 9)
        #expect(bench.triggers().map(\.highest) == [90])
        #expect(bench.stop())
    }

    @Test func everyRecordReadIsInExactlyOnePlace() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1)
        bench.usage("acme", id: "1", at: 2)  // duplicate
        bench.raw("acme", "{", at: 3)  // not JSON
        bench.raw("acme", nil, at: 4)  // tombstone
        bench.raw("acme", bench.event("acme", id: "9", type: "page.viewed", at: 5), at: 5)  // nobody meters it
        bench.profile("acme", #"{"plan":"big"}"#, at: 6)
        bench.profile("acme", #"{"plan":"none such"}"#, at: 7)
        bench.settle(records: 7)
        let snapshot = bench.daemon.snapshot()
        let tally = snapshot.tally
        #expect(tally.rejected == [.invalidJSON: 1, .tombstone: 1, .unknownPlan: 1])
        #expect(tally.skipped == 1)
        #expect(tally.profiles == 1)
        #expect(snapshot.applied == 1)
        #expect(snapshot.duplicates == 1)
        #expect(
            tally.read == tally.replayed + tally.skipped + tally.rejectedTotal + tally.profiles + snapshot.applied
                + snapshot.duplicates)
        #expect(bench.deadLetters().count == 3)
        #expect(bench.stop())
    }

    @Test func deadLettersKeepKeyValueAndHeadersAndSayWhy() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.source.append(
            input: 0, timestamp: bench.start + 1, key: "acme", value: Array("{not json at all".utf8),
            headers: [("trace", Array("abc".utf8)), ("empty", nil)])
        bench.settle(records: 1)
        let letter = try #require(bench.deadLetters().first)
        #expect(letter.key == Array("acme".utf8))
        #expect(letter.value == Array("{not json at all".utf8))
        #expect(letter.headers.prefix(2).map(\.name) == ["trace", "empty"])
        #expect(letter.headers[0].value == Array("abc".utf8) && letter.headers[1].value == nil)
        let headers = Dictionary(
            letter.headers.dropFirst(2).map { ($0.name, String(decoding: $0.value ?? [], as: UTF8.self)) },
            uniquingKeysWith: { $1 })
        #expect(headers["__upselld.errors.topic"] == "upselld.usage")
        #expect(headers["__upselld.errors.partition"] == "0")
        #expect(headers["__upselld.errors.offset"] == "0")
        #expect(headers["__upselld.errors.reason"] == "invalid_json")
        #expect(headers["__upselld.errors.exception.message"]?.isEmpty == false)
        #expect(bench.stop())
    }

    @Test func aStopSendsWhatWasReadAndClosesBothEnds() throws {
        let bench = try Bench(limit: 10, commitInterval: 3_600_000)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 8)
        #expect(eventually { bench.daemon.snapshot().tally.read == 1 })
        #expect(bench.stop())
        #expect(bench.triggers().count == 1)
        #expect(bench.source.isClosed && bench.sink.isClosed)
    }

    @Test func partitionsAreIndependent() throws {
        let bench = try Bench(limit: 10, partitions: 3)
        bench.source.give([0, 1, 2])
        for partition in 0..<3 {
            for n in 1...8 {
                bench.usage("acct-\(partition)", id: "\(partition)-\(n)", at: n, partition: Int32(partition))
            }
        }
        bench.settle(records: 24)
        #expect(Set(bench.triggers().map(\.account)) == ["acct-0", "acct-1", "acct-2"])
        #expect(bench.daemon.snapshot().partitions.map { $0.tally.read } == [8, 8, 8])
        #expect(bench.stop())
    }

    @Test func aKeyThatIsNotTheAccountIsAppliedWhereItLiesAndCounted() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, key: "user-7")
        bench.usage("acme", id: "2", at: 2)
        bench.settle(records: 2)
        let placement = bench.daemon.snapshot().placement
        #expect(placement.map(\.keyMismatches) == [1, 0, 0])
        #expect(bench.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "acme", usage: 2)])
        #expect(bench.stop())
    }
}

/// A daemon over fakes, and short words for what a test does with it.
struct Bench {
    let source: FakeSource
    let sink: FakeTransactions
    let control: FakeControl
    let daemon: Daemon
    let configuration: Configuration
    let log = Recorded<String>()
    /// 2026-06-01T00:00:00Z.
    let start: Int64 = 1_780_272_000_000

    init(
        limit: Int64, partitions: Int = 1, commitInterval: Int64 = 5, firstStart: Policy.FirstStart = .fire,
        after former: Bench? = nil, control: FakeControl? = nil, watchdog: Watchdog? = nil,
        change: (inout Configuration) -> Void = { _ in }, rendering: MessageRendering? = nil
    ) throws {
        var policy = Policy()
        policy.arbitrationWindow = nil
        policy.upgradePause = 0
        policy.unknownAccounts = .defaultPlan(PlanID(0))
        policy.firstStart = firstStart
        let catalogue = Catalogue(
            meters: [
                Meter(
                    name: "api_calls", eventTypes: ["api.request"], aggregation: .sum,
                    value: FieldPath(dotted: "data.requests"), unit: "requests", window: .period(.init(.month)))
            ],
            plans: [
                Plan(name: "small", limits: [.init(.of(limit))]), Plan(name: "big", limits: [.init(.of(limit * 10))]),
            ],
            rules: [
                Rule(
                    name: "api-calls",
                    signal: .limit(
                        LimitSignal(meter: MeterID(0), unit: .percent, thresholds: [8_000, 9_000, 10_000], band: 500)))
            ], policy: policy)
        var configuration = Configuration(catalogue: catalogue)
        configuration.runtime.commitInterval = commitInterval
        change(&configuration)
        self.configuration = configuration
        source = former?.source.reopened() ?? FakeSource(inputs: 3, partitions: partitions)
        let control = control ?? former?.control ?? FakeControl()
        self.control = control
        sink = former?.sink ?? FakeTransactions()
        let log = log
        daemon = Daemon(
            configuration: configuration, log: Log(destination: .function(.text, { log.add($0) })),
            rendering: { _ in rendering })
        try daemon.start(
            source: source, transactions: sink,
            makeRestorePort: { [source, sink] in FakeRestorePort(source: source, transactions: sink, inputs: 3) },
            inputs: InputTopics(configuration.topics), partitionCount: partitions, control: control,
            watchdog: watchdog)
    }

    func event(_ account: String, id: String, type: String = "api.request", at second: Int, requests: Int = 1) -> String
    {
        let two = second % 60 < 10 ? "0\(second % 60)" : "\(second % 60)"
        let minute = second / 60 < 10 ? "0\(second / 60)" : "\(second / 60)"
        return #"{"specversion":"1.0","id":"\#(id)","source":"test","type":"\#(type)","subject":"\#(account)","#
            + #""time":"2026-06-01T00:\#(minute):\#(two)Z","data":{"requests":\#(requests)}}"#
    }

    func usage(
        _ account: String, id: String, at second: Int, requests: Int = 1, partition: Int32 = 0, key: String? = nil
    ) {
        raw(
            key ?? account, event(account, id: id, at: second, requests: requests), at: second, partition: partition)
    }

    func raw(_ key: String, _ value: String?, at second: Int, partition: Int32 = 0) {
        source.append(
            input: 0, partition: partition, timestamp: start + Int64(second) * 1_000, key: key,
            value: value.map { Array($0.utf8) })
    }

    func profile(_ account: String, _ value: String, at second: Int, partition: Int32 = 0) {
        source.append(
            input: 1, partition: partition, timestamp: start + Int64(second) * 1_000, key: account,
            value: Array(value.utf8))
    }

    func feedback(_ account: String, _ value: String?, at second: Int, partition: Int32 = 0) {
        source.append(
            input: 2, partition: partition, timestamp: start + Int64(second) * 1_000, key: account,
            value: value.map { Array($0.utf8) })
    }

    func settle(records: Int) {
        #expect(daemon.waitUntilRead(records: records, timeoutMilliseconds: 30_000), "\(records) records are read")
    }

    func stop() -> Bool { daemon.stop() }

    struct Published {
        var id: String
        var key: String
        var account: String
        var highest: Int
        var current: Int
        var limit: Int
    }

    func triggers() -> [Published] {
        sink.acknowledged(topic: "upselld.triggers").compactMap { record in
            guard let event = try? JSONSerialization.jsonObject(with: Data(record.value ?? [])) as? [String: Any],
                let data = event["data"] as? [String: Any]
            else { return nil }
            return Published(
                id: event["id"] as? String ?? "", key: String(decoding: record.key ?? [], as: UTF8.self),
                account: event["subject"] as? String ?? "", highest: data["highest"] as? Int ?? -1,
                current: data["current"] as? Int ?? -1, limit: data["limit"] as? Int ?? -1)
        }
    }

    struct Held {
        var account: String
        var reason: String
    }

    func held() -> [Held] {
        sink.acknowledged(topic: "upselld.held").compactMap { record in
            guard let event = try? JSONSerialization.jsonObject(with: Data(record.value ?? [])) as? [String: Any],
                let data = event["data"] as? [String: Any]
            else { return nil }
            return Held(account: event["subject"] as? String ?? "", reason: data["reason"] as? String ?? "")
        }
    }

    /// Committed journal records of a partition, in order.
    func journal(partition: Int32 = 0) throws -> [JournalRecord] {
        var assembler = JournalAssembler(partition: PartitionID(partition))
        return try sink.acknowledged(topic: "upselld.journal").filter { $0.partition == partition }.compactMap {
            try assembler.add($0.value ?? [])
        }
    }

    func deadLetters() -> [OutputRecord] { sink.acknowledged(topic: "upselld.dead-letters") }
}
