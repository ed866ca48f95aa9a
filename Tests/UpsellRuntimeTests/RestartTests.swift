import KafkaTransport
import Synchronization
import Testing
import UpsellModel
import UpsellTelemetry
import UpsellTesting

@testable import UpsellRuntime

/// A daemon that ends, and another in its slot: over Kafka in memory.
@Suite(.timeLimit(.minutes(2)))
struct RestartTests {
    @Test func aRestartGoesOnWhereTheLastCommitStood() throws {
        let first = try Bench(limit: 10)
        first.source.give([0])
        first.profile("big", #"{"plan":"big"}"#, at: 0)
        first.usage("acme", id: "1", at: 1, requests: 8)
        first.usage("big", id: "2", at: 2, requests: 79)
        first.settle(records: 3)
        #expect(first.stop())
        let second = try Bench(limit: 10, after: first)
        second.usage("acme", id: "1", at: 1, requests: 8)
        second.usage("acme", id: "3", at: 3, requests: 2)
        second.usage("big", id: "4", at: 4)
        second.source.give([0])
        second.settle(records: 3)
        #expect(second.triggers().map(\.current) == [8, 10, 80], "each once, with what was counted before")
        #expect(second.triggers().map(\.limit) == [10, 10, 100], "the profile is remembered")
        #expect(Set(second.triggers().map(\.id)).count == 3)
        #expect(second.stop())
    }

    @Test func aCrashBetweenTwoCommitsCountsNothingTwice() throws {
        let first = try Bench(limit: 10, commitInterval: 3_600_000)
        first.source.give([0])
        first.usage("acme", id: "1", at: 1, requests: 5)
        #expect(eventually { first.daemon.snapshot().tally.read == 1 })
        // Never committed: the second reads it again. The first is left behind, as by `kill -9`.
        let second = try Bench(limit: 10, after: first)
        second.usage("acme", id: "2", at: 2, requests: 4)
        second.source.give([0])
        second.settle(records: 2)
        #expect(second.triggers().map(\.current) == [9])
        #expect(second.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "acme", usage: 9)])
        #expect(second.stop())
        first.source.take([0], lost: true)
        #expect(eventually { first.daemon.assignedPartitions.isEmpty })
        #expect(first.stop())
        #expect(first.sink.offsets[PartitionID(0)]?.offset == 2)
    }

    @Test func anotherCatalogueIsPutOverTheRestoredState() throws {
        let first = try Bench(limit: 10)
        first.source.give([0])
        first.usage("acme", id: "1", at: 1, requests: 6)
        first.settle(records: 1)
        #expect(first.stop())
        // 6 of 7: 80 % is exceeded under the lower limit.
        let second = try Bench(limit: 7, after: first)
        second.source.give([0])
        #expect(eventually { second.triggers().count == 1 })
        #expect(second.triggers().map(\.limit) == [7])
        #expect(second.triggers().map(\.current) == [6])
        #expect(second.stop())
        // The third reads a log in which the catalogue changed.
        let third = try Bench(limit: 7, after: second)
        third.usage("acme", id: "2", at: 2, requests: 1)
        third.source.give([0])
        third.settle(records: 1)
        #expect(third.triggers().map(\.current) == [6, 7])
        #expect(third.stop())
    }

    @Test func aPartitionThatIsRefusedIsNotReadAndTheOthersAre() throws {
        let first = try Bench(limit: 10, partitions: 2)
        first.source.give([0, 1])
        first.usage("a", id: "1", at: 1, partition: 0)
        first.usage("b", id: "2", at: 1, partition: 1)
        first.settle(records: 2)
        #expect(first.stop())
        first.sink.setOffset(GroupOffset(partition: 0, offset: 0, metadata: ""), of: PartitionID(0))
        let second = try Bench(limit: 10, partitions: 2, after: first)
        second.usage("b", id: "3", at: 2, partition: 1)
        second.source.give([0, 1])
        second.settle(records: 1)
        #expect(second.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "b", usage: 2)])
        #expect(eventually { second.log.all.contains { $0.contains("--reset-offsets") } }, "the log has the remedy")
        #expect(second.stop())
    }

    @Test func whatKafkaRefusesIsFoundRecordByRecordAndSetAside() throws {
        let bench = try Bench(limit: 1_000)
        bench.source.give([0])
        bench.usage("acme", id: "0", at: 0)
        bench.settle(records: 1)
        // The dead-letter topic takes less than the daemon knows of: the letter of the third record is refused.
        bench.sink.limit(topic: "upselld.dead-letters", bytes: 20_000)
        bench.usage("acme", id: "1", at: 1)
        bench.usage("acme", id: "2", at: 2)
        bench.raw("acme", "{" + String(repeating: "x", count: 50_000), at: 3)
        bench.usage("acme", id: "3", at: 4)
        #expect(eventually { bench.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "acme", usage: 4)] })
        #expect(eventually { bench.sink.offsets[PartitionID(0)]?.offset == 5 })
        let letters = bench.deadLetters()
        #expect(letters.count == 1)
        #expect(letters.first.map { ($0.value?.count ?? 0) < 50_000 } == true, "by reference")
        // And the stream goes on.
        bench.usage("acme", id: "4", at: 5)
        #expect(eventually { bench.sink.offsets[PartitionID(0)]?.offset == 6 })
        #expect(bench.daemon.usage(ofMeter: "api_calls") == [AccountUsage(account: "acme", usage: 5)])
        #expect(bench.stop())
    }

    @Test func aTickMovesTheStateToo() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1)
        bench.settle(records: 1)
        let before = bench.sink.offsets[PartitionID(0)]
        #expect(eventually { bench.sink.offsets[PartitionID(0)]?.metadata != before?.metadata })
        #expect(bench.sink.offsets[PartitionID(0)]?.offset == before?.offset, "another epoch at the same offset")
        #expect(bench.stop())
    }
}

@Suite struct WatchdogTests {
    private final class Ends: Sendable {
        let count = Atomic(0)
    }

    private func watch(
        limit: Int64 = 100, isKafkaThere: Bool, stalled: @escaping @Sendable () -> Int64,
        rounds: @escaping @Sendable () -> UInt64, until isDone: (Int) -> Bool, seconds: Int = 5
    ) -> Int {
        let ends = Ends()
        let watchdog = Watchdog(
            limit: limit, log: Log(destination: .function(.text, { _ in })),
            end: { ends.count.add(1, ordering: .relaxed) }, isKafkaThere: { isKafkaThere })
        watchdog.start(commits: stalled, rounds: rounds)
        _ = eventually(seconds: seconds) { isDone(ends.count.load(ordering: .relaxed)) }
        watchdog.stop()
        return ends.count.load(ordering: .relaxed)
    }

    @Test func aCommitLoopThatHangsEndsTheProcess() {
        let began = Committer.monotonicMilliseconds
        let live = Ends()
        let ends = watch(
            isKafkaThere: true, stalled: { Committer.monotonicMilliseconds - began },
            rounds: { UInt64(live.count.add(1, ordering: .relaxed).newValue) }, until: { $0 > 0 })
        #expect(ends > 0)
    }

    @Test func aPollLoopThatHangsEndsTheProcess() {
        #expect(watch(isKafkaThere: true, stalled: { 0 }, rounds: { 7 }, until: { $0 > 0 }) > 0)
    }

    @Test func waitingForTheNextEpochIsNoHang() throws {
        let ends = Ends()
        let watchdog = Watchdog(
            limit: 2_000, log: Log(destination: .function(.text, { _ in })),
            end: { ends.count.add(1, ordering: .relaxed) }, isKafkaThere: { true })
        // Its commit loop has nothing to do for an hour, which is longer than any limit.
        let bench = try Bench(limit: 10, commitInterval: 3_600_000, watchdog: watchdog)
        bench.source.give([0])
        #expect(!eventually(seconds: 6) { ends.count.load(ordering: .relaxed) > 0 })
        #expect(bench.stop())
    }

    @Test func kafkaBeingAwayIsNoHang() {
        #expect(watch(isKafkaThere: false, stalled: { 1_000_000 }, rounds: { 7 }, until: { $0 > 0 }, seconds: 1) == 0)
    }

    @Test func progressKeepsItQuiet() {
        let live = Ends()
        let ends = watch(
            isKafkaThere: true, stalled: { 3 }, rounds: { UInt64(live.count.add(1, ordering: .relaxed).newValue) },
            until: { $0 > 0 }, seconds: 1)
        #expect(ends == 0)
    }
}
