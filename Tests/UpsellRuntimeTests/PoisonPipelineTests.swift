import KafkaTransport
import Synchronization
import Testing
import UpsellConfiguration
import UpsellModel
import UpsellTelemetry
import UpsellTesting

@testable import UpsellRuntime

/// Bad input between good events: what is counted, what is dead-lettered, and that the sums agree.
@Suite(.timeLimit(.minutes(2)))
struct PoisonPipelineTests {
    @Test func goodEventsAreCountedAndEveryBadRecordIsDeadLetteredWithItsReason() throws {
        let bench = try PoisonBench { $0.unknownAccounts = .defaultPlan(PlanID(0)) }
        var expected: [String: PoisonRecord] = [:]
        var offsets = [0, 0]
        var good: [String: Int64] = [:]
        var profiles = 0
        func feed(_ input: Int, _ poison: PoisonRecord) {
            let name = ["upselld.usage", "upselld.accounts"][input]
            expected["\(name)/0/\(offsets[input])"] = poison
            bench.feed(poison)
            offsets[input] += 1
        }
        func feedGood() {
            let number = offsets[0]
            let account = "good-\(number % 7)"
            good[account, default: 0] += 1
            bench.usage(PoisonCorpus.good(number, account: account), key: account)
            offsets[0] += 1
        }
        // The clock has to stand somewhere before anything can be too old for it.
        feedGood()
        for poison in PoisonRecord.all {
            if poison.poison.topic == .usage {
                feed(0, poison)
                feedGood()
            } else {
                feed(1, poison)
                bench.profile("good-1", Array(#"{"plan":"basic"}"#.utf8))
                offsets[1] += 1
                profiles += 1
            }
        }
        // A tombstone on the accounts topic is the erasure of an account, and legal.
        bench.profile("gone", nil)
        profiles += 1
        bench.source.give([0])
        bench.settle(records: offsets[0] + offsets[1] + 1)

        #expect(expected.count >= 140)
        let letters = bench.letters()
        #expect(letters.count == expected.count)
        #expect(Set(letters.map(\.coordinates)) == Set(expected.keys), "each once")
        var complaints: [String] = []
        for letter in letters {
            if let poison = expected[letter.coordinates] { complaints += try letter.complaints(poison) }
        }
        #expect(complaints == [])

        let usage = bench.daemon.usage(ofMeter: "api_calls").filter { $0.usage > 0 }
        #expect(Dictionary(uniqueKeysWithValues: usage.map { ($0.account, $0.usage) }) == good)
        let snapshot = bench.daemon.snapshot()
        let tally = snapshot.tally
        #expect(snapshot.applied == Int(good.values.reduce(0, +)))
        #expect(tally.profiles == profiles)
        #expect(tally.rejected == expected.values.reduce(into: [:]) { $0[$1.poison.reason, default: 0] += 1 })
        #expect(
            tally.read == tally.replayed + tally.skipped + tally.rejectedTotal + tally.profiles + snapshot.applied
                + snapshot.duplicates)
        #expect(bench.stop())
    }

    @Test func aRecordFromTheFutureMovesNoClockAndItsLetterIsFromNow() throws {
        let bench = try PoisonBench { $0.unknownAccounts = .defaultPlan(PlanID(0)) }
        bench.source.give([0])
        bench.usage(PoisonCorpus.good(1), key: "acct-1")
        let wall = bench.now.milliseconds
        bench.usage(PoisonCorpus.good(2), key: "acct-1", timestamp: wall + 5 * .millisecondsPerMinute + 1)
        bench.usage(PoisonCorpus.good(3), key: "acct-1", timestamp: wall + 5 * .millisecondsPerMinute)
        bench.settle(records: 3)
        let letter = try #require(bench.letters().first)
        #expect(bench.letters().count == 1)
        #expect(letter.error("reason") == "in_future")
        #expect(letter.error("offset") == "1")
        #expect(letter.timestamp == wall, "under its own timestamp a broker would refuse it")
        #expect(letter.error("record.timestamp") == "2026-11-23T05:06:00.001Z")
        #expect(bench.daemon.snapshot().applied == 2)
        let clock = try #require(bench.daemon.snapshot().partitions.first?.clock)
        #expect(clock <= bench.now)
        #expect(bench.stop())
    }

    @Test func whatTheWaitingRoomCannotHoldIsDeadLetteredWholeAndTheRestWaitsForItsProfile() throws {
        let bench = try PoisonBench {
            $0.unknownAccounts = .wait
            $0.waitCapacity = 3
        }
        bench.source.give([0])
        for n in 0..<5 { bench.usage(PoisonCorpus.good(n, account: "new"), key: "new") }
        bench.settle(records: 5)
        let letters = bench.letters()
        #expect(letters.map { $0.error("offset") } == ["3", "4"])
        #expect(letters.allSatisfy { $0.error("reason") == "no_profile" && $0.error("stage") == "apply" })
        #expect(letters.map(\.value) == [3, 4].map { PoisonCorpus.good($0, account: "new") })
        #expect(letters.allSatisfy { $0.key == Array("new".utf8) })
        #expect(bench.daemon.snapshot().waitingNow == 3)
        bench.profile("new", Array(#"{"plan":"basic"}"#.utf8))
        bench.settle(records: 6)
        #expect(bench.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "new", usage: 3)])
        let snapshot = bench.daemon.snapshot()
        #expect(snapshot.waitingNow == 0)
        #expect(snapshot.tally.rejected == [.noProfile: 2])
        #expect(snapshot.tally.expired == 0)
        #expect(snapshot.tally.read == snapshot.waited + 2 + snapshot.tally.profiles)
        #expect(bench.stop())
    }

    @Test func usageWhoseProfileNeverComesIsDeadLetteredByReferenceWhenItsTimeIsUp() throws {
        let bench = try PoisonBench {
            $0.unknownAccounts = .wait
            $0.waitDuration = .millisecondsPerDay
        }
        bench.source.give([0])
        bench.usage(PoisonCorpus.good(0, account: "stranger"), key: "stranger")
        bench.usage(PoisonCorpus.good(1, account: "stranger"), key: "stranger")
        bench.settle(records: 2)
        #expect(bench.letters().isEmpty)
        bench.advance(by: .millisecondsPerDay / 2)
        bench.usage(PoisonCorpus.good(2, account: "stranger"), key: "stranger", timestamp: bench.now.milliseconds)
        bench.settle(records: 3)
        // Nothing comes any more: the clock of an idle partition follows wall time.
        bench.advance(by: 2 * .millisecondsPerDay)
        #expect(eventually { bench.letters().count == 3 })
        let letters = bench.letters()
        #expect(letters.map { $0.error("offset") } == ["0", "1", "2"])
        #expect(letters.allSatisfy { $0.error("reason") == "no_profile" && $0.error("stage") == "wait" })
        #expect(letters.allSatisfy { $0.error("exception.message")?.contains("meter api_calls, quantity 1") == true })
        #expect(letters.allSatisfy { $0.key == Array("stranger".utf8) })
        let snapshot = bench.daemon.snapshot()
        #expect(snapshot.tally.expired == 3)
        #expect(snapshot.tally.rejectedTotal == 0)
        #expect(snapshot.waitingNow == 0)
        #expect(bench.stop())
    }

    @Test func usageOfUnknownAccountsIsCountedAsIgnoredWhereThatIsWished() throws {
        let bench = try PoisonBench { $0.unknownAccounts = .ignore }
        bench.source.give([0])
        bench.profile("known", Array(#"{"plan":"basic"}"#.utf8))
        for n in 0..<4 { bench.usage(PoisonCorpus.good(n, account: "unknown"), key: "unknown") }
        bench.usage(PoisonCorpus.good(4, account: "known"), key: "known")
        bench.settle(records: 6)
        let snapshot = bench.daemon.snapshot()
        #expect(snapshot.ignored == 4)
        #expect(snapshot.applied == 1)
        #expect(bench.letters().isEmpty)
        #expect(bench.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "known", usage: 1)])
        #expect(bench.stop())
    }

    @Test func lettersAboveTheLoweredBoundBecomeReferences() throws {
        let bench = try PoisonBench(deadLetterBytesMax: 10_000) { _ in }
        bench.source.give([0])
        let sizes = [9_000, 9_999, 20_000]
        for size in sizes { bench.usage(PoisonRecord.noise(size), key: "a") }
        bench.settle(records: 3)
        let isReference = bench.letters().map { letter in letter.headers.contains { $0.name == "content-type" } }
        #expect(isReference == [false, true, true], "headers count as well")
        #expect(bench.stop())
    }
}

/// Bounds of outputs, from configuration and from what the brokers take.
struct PoisonLimitsTests {
    private func limits(
        _ topics: [String: Int], deadLetterMaxBytes: Int = 900_000, _ kafka: [String: String] = [:]
    ) -> OutputLimits {
        var configuration = Configuration(catalogue: PoisonCorpus.catalogue)
        configuration.runtime.deadLetterMaxBytes = deadLetterMaxBytes
        configuration.kafka += kafka.map { KafkaSetting(name: $0.key, value: $0.value, place: "test") }
        return OutputLimits(configuration: configuration, topicBytesMax: topics)
    }

    @Test func whatBrokersTakeByDefaultLowersNothing() {
        let taken = ["upselld.triggers": 1_048_588, "upselld.dead-letters": 1_048_588]
        for limits in [limits(taken), limits([:])] {
            #expect(limits.deadLetterBytesMax == 900_000)
            #expect(limits.messageBytesMax == 1_000_000)
            #expect(limits.batchBytesMax == nil)
            #expect(limits.tooSmall.isEmpty)
        }
    }

    @Test func theDeadLetterTopicLowersTheBoundAndTheSmallestTopicTheBatches() {
        let limits = limits(["upselld.dead-letters": 262_144, "upselld.triggers": 65_536])
        #expect(limits.deadLetterBytesMax == 261_120)
        #expect(limits.batchBytesMax == 65_536)
    }

    @Test func theProducerHoldsWhatIsConfiguredUnlessItIsToldOtherwise() {
        #expect(limits([:], deadLetterMaxBytes: 3_000_000).messageBytesMax == 3_001_024)
        let told = limits(
            [:], deadLetterMaxBytes: 3_000_000, ["message.max.bytes": "2000000", "batch.size": "3000000"])
        #expect(told.messageBytesMax == 2_000_000)
        #expect(told.deadLetterBytesMax == 1_998_976)
        #expect(told.batchBytesMax == nil)
        let both = limits(["upselld.dead-letters": 1_048_588], ["batch.size": "2000000"])
        #expect(both.batchBytesMax == 1_048_588)
    }

    @Test func topicsTooSmallForAReferenceAreNamed() {
        let limits = limits(["upselld.dead-letters": 10_000, "upselld.triggers": 16_384, "upselld.held": 1_000])
        #expect(limits.tooSmall.map(\.topic) == ["upselld.dead-letters", "upselld.held"])
        #expect(limits.tooSmall.map(\.bytes) == [10_000, 1_000])
    }
}

/// A daemon for the corpus's catalogue over fakes, with a wall clock that the test moves.
private struct PoisonBench {
    let source = FakeSource(inputs: 3, partitions: 1)
    let sink = FakeTransactions()
    let daemon: Daemon
    private let wall = Wall()

    private final class Wall: Sendable {
        // A minute after the corpus's records.
        let now = Mutex(PoisonCorpus.recordTime + .millisecondsPerMinute)
    }

    init(deadLetterBytesMax: Int? = nil, policy change: (inout Policy) -> Void) throws {
        var catalogue = PoisonCorpus.catalogue
        catalogue.policy.firstStart = .fire
        change(&catalogue.policy)
        var configuration = Configuration(catalogue: catalogue)
        configuration.runtime.commitInterval = 5
        let wall = wall
        daemon = Daemon(
            configuration: configuration, log: Log(destination: .function(.text, { _ in })),
            clock: WallClock { wall.now.withLock { $0 } })
        try daemon.start(
            source: source, transactions: sink,
            makeRestorePort: { [source, sink] in FakeRestorePort(source: source, transactions: sink, inputs: 3) },
            inputs: InputTopics(configuration.topics), partitionCount: 1, wakeUp: nil,
            limits: deadLetterBytesMax.map {
                OutputLimits(
                    configuration: configuration,
                    topicBytesMax: [configuration.topics.deadLetters: $0 + OutputLimits.overheadBytes])
            })
    }

    var now: Timestamp { wall.now.withLock { $0 } }
    func advance(by milliseconds: Int64) { wall.now.withLock { $0 = $0 + milliseconds } }

    func feed(_ record: PoisonRecord) {
        let timestamp = record.ahead.map { now.milliseconds + $0 } ?? PoisonCorpus.recordTime.milliseconds
        source.append(
            input: record.poison.topic == .usage ? 0 : 1, timestamp: timestamp, keyBytes: record.poison.key,
            value: record.poison.value, headers: record.poison.headers)
    }

    func usage(_ value: [UInt8], key: String, timestamp: Int64 = PoisonCorpus.recordTime.milliseconds) {
        source.append(input: 0, timestamp: timestamp, key: key, value: value)
    }

    func profile(_ account: String, _ value: [UInt8]?) {
        source.append(input: 1, timestamp: PoisonCorpus.recordTime.milliseconds, key: account, value: value)
    }

    func settle(records: Int) {
        #expect(daemon.waitUntilRead(records: records, timeoutMilliseconds: 60_000), "\(records) records are read")
    }

    func stop() -> Bool { daemon.stop() }

    func letters() -> [PublishedLetter] {
        sink.acknowledged(topic: "upselld.dead-letters").map {
            PublishedLetter(key: $0.key, value: $0.value, headers: $0.headers, timestamp: $0.timestamp ?? -1)
        }
    }
}
