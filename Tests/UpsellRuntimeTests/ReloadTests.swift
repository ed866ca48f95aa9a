import KafkaTransport
import Testing
import UpsellConfiguration
import UpsellModel
import UpsellStateLog
import UpsellTesting

@testable import UpsellRuntime

/// Another configuration in a running daemon: all of it or nothing, and nobody hears of a mended word.
@Suite(.timeLimit(.minutes(3)))
struct ReloadTests {
    private func changed(_ bench: Bench, _ change: (inout Rule) -> Void) -> Configuration {
        var next = bench.configuration
        change(&next.catalogue.rules[0])
        return next
    }

    private func thresholds(_ thresholds: [Int64], onChange: Rule.OnChange) -> (inout Rule) -> Void {
        return { rule in
            rule.onChange = onChange
            if case .limit(var signal) = rule.signal {
                signal.thresholds = thresholds
                rule.signal = .limit(signal)
            }
        }
    }

    /// Ten thousand accounts over four partitions, each at 85 % but one in ten, which is at 70 %.
    private func crowd() throws -> Bench {
        // No ticks: they would move the clock to today, and the period with it.
        let bench = try Bench(limit: 100, partitions: 4) { $0.topics.usage[0].clock = .replay }
        bench.source.give([0, 1, 2, 3])
        for number in 0..<10_000 {
            bench.usage(
                "acct-\(number)", id: "\(number)", at: number % 3_000, requests: number % 10 == 0 ? 70 : 85,
                partition: Int32(number % 4))
        }
        bench.settle(records: 10_000)
        #expect(bench.triggers().count == 9_000, "80 % for all but the tenth")
        return bench
    }

    @Test func aWordingEditMessagesNobodyAndAThresholdEditExactlyThosePredicted() throws {
        let bench = try crowd()
        let wording = changed(bench) { rule in
            rule.message = "You are nearly there"
            rule.priority = 7
            rule.summary = "mended"
        }
        try bench.daemon.reload(wording)
        bench.settle(records: 10_000)
        #expect(bench.triggers().count == 9_000, "a wording edit: 0 triggers")
        // 70 % is new: it is exceeded by everybody, and those at 85 have had nothing of this version either.
        let silent = changed(bench, thresholds([7_000, 8_000, 9_000], onChange: .silent))
        try bench.daemon.reload(silent)
        bench.settle(records: 10_000)
        #expect(bench.triggers().count == 9_000, "silent: 0 triggers")
        let evaluated = changed(bench, thresholds([6_500, 7_500, 9_500], onChange: .evaluate))
        try bench.daemon.reload(evaluated)
        bench.settle(records: 10_000)
        let fired = bench.triggers().dropFirst(9_000)
        #expect(fired.count == 10_000, "65 % is exceeded by all")
        #expect(Set(fired.map(\.account)).count == 10_000)
        #expect(fired.filter { $0.highest == 75 }.count == 9_000)
        #expect(fired.filter { $0.highest == 65 }.count == 1_000)
        // What is reached from here on is judged by the new thresholds.
        bench.usage("acct-1", id: "next", at: 3_100, requests: 10, partition: 1)
        bench.settle(records: 10_001)
        #expect(bench.triggers().last?.highest == 95)
        #expect(bench.triggers().count == 19_001)
        #expect(bench.stop())
    }

    @Test func theJournalSaysWhereAReloadCameAndARestartGoesOnUnderIt() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 6)
        bench.settle(records: 1)
        let next = changed(bench, thresholds([5_000], onChange: .evaluate))
        try bench.daemon.reload(next)
        bench.settle(records: 1)
        #expect(bench.triggers().map(\.highest) == [50])
        let steps = try bench.journal().flatMap(\.steps)
        let configurations = steps.compactMap { step -> [UInt8]? in
            if case .configuration(_, let body) = step { body } else { nil }
        }
        #expect(configurations == [CatalogueBody.encode(next.catalogue)])
        #expect(bench.stop())
        let second = try Bench(limit: 10, after: bench) { $0 = next }
        second.usage("acme", id: "2", at: 2, requests: 1)
        second.source.give([0])
        second.settle(records: 1)
        #expect(second.triggers().count == 1, "the same catalogue: nothing is adopted again")
        #expect(second.stop())
    }

    @Test func whatOnlyARestartChangesIsRefusedByNameAndNothingElseIsTaken() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 6)
        bench.settle(records: 1)
        var next = changed(bench, thresholds([5_000], onChange: .evaluate))
        next.topics.held = "elsewhere"
        next.runtime.batchRecords = 7
        next.kafka.append(KafkaSetting(name: "linger.ms", value: "7", place: "test"))
        next.source = "another"
        let refusal = #expect(throws: ReloadRefusal.self) { try bench.daemon.reload(next) }
        #expect(
            refusal?.reasons
                == ["only a restart can change kafka.linger.ms, topics.held, runtime.batchRecords, source"])
        bench.settle(records: 1)
        #expect(bench.triggers().isEmpty, "nothing of it is in force")
        bench.usage("acme", id: "2", at: 2, requests: 2)
        bench.settle(records: 2)
        #expect(bench.triggers().map(\.highest) == [80], "the former thresholds")
        #expect(bench.stop())
    }

    @Test func numberedConfigurationsFollowTheRulesOfARestart() throws {
        let bench = try Bench(limit: 10) { $0.sequence = 5 }
        bench.source.give([0])
        bench.settle(records: 0)
        var next = changed(bench) { $0.priority = 3 }
        let same = #expect(throws: ReloadRefusal.self) { try bench.daemon.reload(next) }
        #expect(same?.description.contains("raise it with every change") == true)
        next.sequence = 4
        let older = #expect(throws: ReloadRefusal.self) { try bench.daemon.reload(next) }
        #expect(older?.description.contains("sequence 4 is older than 5") == true)
        next.sequence = 6
        #expect(throws: Never.self) { try bench.daemon.reload(next) }
        next.sequence = 5
        #expect(throws: ReloadRefusal.self) { try bench.daemon.reload(next) }
        #expect(bench.stop())
    }

    @Test func aPartitionThatWasRefusedForItsSequenceComesBackWithTheNewerConfiguration() throws {
        let first = try Bench(limit: 10) { $0.sequence = 6 }
        first.source.give([0])
        first.usage("acme", id: "1", at: 1, requests: 6)
        first.settle(records: 1)
        #expect(first.stop())
        let second = try Bench(limit: 10, after: first) { $0.sequence = 5 }
        second.usage("acme", id: "2", at: 2, requests: 2)
        second.source.give([0])
        #expect(eventually { second.log.all.contains { $0.contains("sequence 6") } }, "it is refused")
        var next = second.configuration
        next.sequence = 6
        try second.daemon.reload(next)
        second.settle(records: 1)
        #expect(second.triggers().map(\.current) == [8])
        #expect(second.stop())
    }

    @Test func everyBoundOfTheRuntimeIsAmongTheKeysThatWantARestart() {
        let old = Configuration(catalogue: PoisonCorpus.catalogue)
        let members = Mirror(reflecting: old.runtime).children.compactMap(\.label)
        var new = old
        new.runtime = Configuration.Runtime(
            commitInterval: 1, maxRecordBytes: 1, deadLetterMaxBytes: 1, outputBytesMax: 1, batchRecords: 1,
            queueBatches: 1, queuedMinMessages: 1, queuedMaxKbytes: 1, wakeUpInterval: 1, revokeTimeout: 1,
            stopTimeout: 1, tickInterval: 1, commitHold: 1, epochRecordsMax: 1, watchdog: 1)
        #expect(ReloadRefusal.changedKeys(old, new).count == members.count, "\(members)")
        new = old
        new.topics = Configuration.Topics(
            usage: [Configuration.UsageTopic(name: "a")], accounts: "b", feedback: "c", triggers: "d", open: "e",
            held: "f", outcomes: "g", deadLetters: "h", control: "i", state: "j", journal: "k",
            channels: [Configuration.ChannelTopic(channel: "l", topic: "m")], create: false, partitions: 9,
            replication: 9)
        #expect(
            ReloadRefusal.changedKeys(old, new).count == Mirror(reflecting: old.topics).children.count)
        #expect(ReloadRefusal.changedKeys(old, old).isEmpty)
    }
}
