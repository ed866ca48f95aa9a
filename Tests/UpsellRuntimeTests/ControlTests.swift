import KafkaTransport
import Testing
import UpsellConfiguration
import UpsellModel
import UpsellStateLog
import UpsellTelemetry
import UpsellTesting

@testable import UpsellRuntime

/// Control records: every partition applies each of them once, whenever it comes, and says so in its journal.
@Suite(.timeLimit(.minutes(2)))
struct ControlTests {
    private static func record(_ action: String, rule: String = "api-calls", more: String = "") -> String {
        #"{"action":"\#(action)","rule":"\#(rule)","by":"ops@host"\#(more)}"#
    }

    private func offsets(_ bench: Bench, partition: Int32 = 0) throws -> [Int64] {
        try bench.journal(partition: partition).flatMap(\.steps).compactMap { step in
            if case .control(let offset, _, _) = step { offset } else { nil }
        }
    }

    @Test func everyPartitionAppliesEveryRecordInOrderAndJournalsIt() throws {
        let bench = try Bench(limit: 10, partitions: 3)
        bench.control.append(Self.record("pause"), timestamp: 77)
        bench.source.give([0, 1])
        #expect(eventually { (try? offsets(bench, partition: 1)) == [0] })
        bench.control.append("not json")
        bench.control.append(Self.record("shadow"))
        #expect(eventually { (try? offsets(bench)) == [0, 2] && (try? offsets(bench, partition: 1)) == [0, 2] })
        bench.source.give([2])
        #expect(eventually { (try? offsets(bench, partition: 2)) == [0, 2] }, "one that comes later gets them too")
        let first = try bench.journal().flatMap(\.steps).first { if case .control = $0 { true } else { false } }
        #expect(
            first
                == .control(
                    offset: 0, recordTime: Timestamp(milliseconds: 77), value: Array(Self.record("pause").utf8)))
        #expect(bench.log.all.contains { $0.contains("a control record cannot be used") && $0.contains("offset=1") })
        #expect(bench.daemon.snapshot().tally.controls == 6)
        #expect(bench.stop())
    }

    @Test func aRuleThatWasPausedWhileNobodyRanSaysNothing() throws {
        let control = FakeControl()
        control.append(Self.record("pause"))
        let bench = try Bench(limit: 10, control: control)
        bench.usage("acme", id: "1", at: 1, requests: 8)
        bench.source.give([0])
        bench.settle(records: 1)
        #expect(bench.triggers().isEmpty)
        #expect(bench.held().map(\.reason) == ["paused"])
        bench.control.append(Self.record("resume"))
        #expect(eventually { (try? offsets(bench)) == [0, 1] })
        bench.usage("acme", id: "2", at: 2, requests: 1)
        bench.settle(records: 2)
        #expect(bench.triggers().map(\.highest) == [90], "what was paused is spent, what comes is said")
        #expect(bench.stop())
    }

    @Test func aRestartAppliesNothingTwiceAndGetsWhatItLacks() throws {
        let first = try Bench(limit: 10)
        first.source.give([0])
        first.usage("acme", id: "1", at: 1)
        first.control.append(Self.record("pause"))
        #expect(eventually { (try? offsets(first)) == [0] })
        #expect(first.stop())
        first.control.append(Self.record("shadow"))
        let second = try Bench(limit: 10, after: first)
        second.usage("acme", id: "2", at: 2, requests: 7)
        second.source.give([0])
        second.settle(records: 1)
        #expect(second.held().map(\.reason) == ["shadow"], "before its first record")
        #expect(try offsets(second) == [0, 1], "each once, over both lives")
        #expect(second.stop())
        let third = try Bench(limit: 10, after: second)
        third.usage("acme", id: "3", at: 3, requests: 1)
        third.source.give([0])
        third.settle(records: 1)
        #expect(third.held().map(\.reason) == ["shadow", "shadow"], "the mode is part of the state")
        #expect(try offsets(third) == [0, 1])
        #expect(third.stop())
    }

    @Test func aTestFiresForItsAccountAloneAndIsMarked() throws {
        let bench = try Bench(limit: 10, partitions: 2)
        bench.source.give([0, 1])
        bench.usage("acme", id: "1", at: 1, partition: 0)
        bench.usage("other", id: "2", at: 1, partition: 1)
        bench.settle(records: 2)
        bench.control.append(Self.record("fire", more: #","account":"acme""#))
        #expect(eventually { bench.triggers().count == 1 })
        #expect(bench.triggers().map(\.account) == ["acme"])
        let record = try #require(bench.sink.acknowledged(topic: "upselld.triggers").first)
        let value = String(decoding: record.value ?? [], as: UTF8.self)
        #expect(value.contains("\"test\":true") && value.contains("\"cause\":\"test\""))
        #expect(eventually { (try? offsets(bench, partition: 1)) == [0] }, "the other partition has applied it too")
        #expect(bench.triggers().count == 1)
        #expect(bench.stop())
    }

    @Test func aBlownFuseIsSaidAndCountedAndAResumeEndsIt() throws {
        let bench = try Bench(limit: 10) { $0.catalogue.policy.fuse = Policy.Fuse(accounts: 2, share: nil) }
        bench.source.give([0])
        for number in 1...4 { bench.usage("acct-\(number)", id: "\(number)", at: number, requests: 8) }
        bench.settle(records: 4)
        #expect(bench.triggers().count == 2)
        #expect(bench.held().map(\.reason) == ["fuse", "fuse"])
        #expect(bench.daemon.snapshot().tally.fused == ["api-calls": 1])
        #expect(
            bench.log.all.contains { $0.contains("the fuse has taken a rule out") && $0.contains("rule=api-calls") })
        bench.control.append(Self.record("resume"))
        #expect(eventually { (try? offsets(bench)) == [0] })
        bench.usage("acct-5", id: "5", at: 5, requests: 8)
        bench.settle(records: 5)
        #expect(bench.triggers().count == 3)
        #expect(bench.stop())
    }

    @Test func aTopicThatCannotBeReadIsReadLater() throws {
        let bench = try Bench(limit: 10)
        bench.control.fail(3)
        bench.control.append(Self.record("pause"))
        bench.source.give([0])
        #expect(eventually { (try? offsets(bench)) == [0] })
        #expect(bench.stop())
    }

    @Test func aTopicThatWasMadeAnewIsReportedAndReadFromItsStart() throws {
        let bench = try Bench(limit: 10)
        bench.control.append(Self.record("pause"))
        bench.control.append(Self.record("resume"))
        bench.source.give([0])
        #expect(eventually { (try? offsets(bench)) == [0, 1] })
        bench.control.recreate()
        bench.control.append(Self.record("shadow"))
        #expect(eventually { bench.log.all.contains { $0.contains("does not go on where it was read up to") } })
        #expect(bench.stop())
        let second = try Bench(limit: 10, after: bench)
        second.source.give([0])
        #expect(eventually { second.log.all.contains { $0.contains("control topic was made anew") } })
        second.control.append(Self.record("shadow"))
        second.control.append(Self.record("pause"))
        #expect(eventually { (try? offsets(second)) == [0, 1, 2] }, "from where it had been on")
        #expect(second.stop())
    }

    // MARK: The feed

    private static func worker() -> PartitionWorker {
        let configuration = Configuration(catalogue: PoisonCorpus.catalogue)
        let inputs = InputTopics(configuration.topics)
        let context = RuntimeContext(
            configuration: configuration, inputs: inputs, partitionCount: 1, clock: .system,
            log: Log(destination: .function(.text, { _ in })))
        return PartitionWorker(
            PartitionState(
                genesis: PartitionID(0), context: context, inputs: inputs.names.map { _ in (low: 0, high: 0) }),
            backlog: Backlog(recordsMax: 10, outputBytesMax: 10_000, epochRecordsMax: 10), onWaitingTrigger: {})
    }

    private static func controls(_ worker: PartitionWorker) -> Int {
        RuntimeSnapshot(of: [worker], epochsSent: 0).tally.controls
    }

    private static func command(_ offset: Int64) -> ControlRecord {
        ControlRecord(
            command: ControlCommand(offset: offset, action: .pause, rule: "r", by: "t", time: .earliest),
            recordTime: .earliest, value: [])
    }

    @Test func theFeedKeepsABoundedNumberAndSaysWhatItDropped() {
        let lines = Recorded<String>()
        let feed = ControlFeed(log: Log(destination: .function(.text, { lines.add($0) })), recordsMax: 20)
        let early = Self.worker()
        feed.add(early)
        for offset in 0..<20 { feed.hand(Self.command(Int64(offset))) }
        #expect(lines.all.isEmpty)
        feed.hand(Self.command(20))
        #expect(lines.all.contains { $0.contains("more records than are kept") && $0.contains("kept=20") })
        let late = Self.worker()
        feed.add(late)
        #expect(Self.controls(early) == 21, "who was there has them all")
        #expect(Self.controls(late) == 19, "a tenth of the bound went")
        #expect(lines.all.contains { $0.contains("lacks control records") && $0.contains("partition=0") })
        feed.remove(early)
        feed.hand(Self.command(21))
        #expect(Self.controls(early) == 21)
        #expect(Self.controls(late) == 20)
    }
}
