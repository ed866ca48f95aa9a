import KafkaTransport
import Testing
import UpsellModel
import UpsellStateLog

@testable import UpsellRuntime

/// From "the group gave it to us" to "read from here": the order of the questions, and every disagreement.
@Suite struct RestoreMachineTests {
    private static let hashes: [UInt64] = [11, 22, 33]

    private static func expectation(
        sequence: UInt64 = 0, acceptsLoss: Bool = false
    ) -> RestoreMachine.Expectation {
        RestoreMachine.Expectation(
            partition: PartitionID(3), partitionCount: 8, topics: ["usage", "accounts", "feedback"],
            topicHashes: hashes, accounts: InputID(1),
            configuration: ConfigurationMark(sequence: sequence, contentHash: 1), stateTopic: "state", group: "group",
            writer: "group/me", acceptsLoss: acceptsLoss)
    }

    private static func header(
        epoch: UInt64 = 7, usage: Int64 = 100, accounts: Int64 = 10, change: (inout ChunkHeader) -> Void = { _ in }
    ) -> ChunkHeader {
        var header = ChunkHeader(
            partition: PartitionID(3), partitionCount: 8, epoch: epoch,
            inputs: [
                InputMark(
                    topicHash: 11, before: 90, after: usage, lastOffset: usage - 1, lastTimestamp: 5, lastChecksum: 6),
                InputMark(
                    topicHash: 22, before: 10, after: accounts, lastOffset: accounts - 1, lastTimestamp: 7,
                    lastChecksum: 8),
                InputMark(
                    topicHash: 33, before: 5, after: 5, lastOffset: 4, lastTimestamp: 9, lastChecksum: 10),
            ], configuration: ConfigurationMark(sequence: 2, contentHash: 1), writer: "group/other", restoreFrom: 40)
        change(&header)
        return header
    }

    private static func offset(_ offset: Int64 = 100, epoch: UInt64 = 7, restoreFrom: Int64 = 40) -> GroupOffset {
        let mark = OffsetMark(epoch: epoch, restoreFrom: restoreFrom, writer: "group/other")
        return GroupOffset(partition: 3, offset: offset, metadata: mark.text)
    }

    /// What Kafka answers, for each question in turn; the last answer stays.
    private struct Kafka {
        var committed: [GroupOffset?] = [offset()]
        /// So many stable fetches find a transaction open; fencing ends it.
        var pendings = 0
        var fencingHelps = true
        var stalledReads = 0
        var newest: String? = "group/other"
        var state: (low: Int64, high: Int64) = (20, 90)
        var summaries: [RestoreMachine.Summary] = [.init(last: header(), isComplete: true, complaint: nil)]
        var inputs: [(low: Int64, high: Int64)] = [(0, 500), (0, 50), (0, 20)]
        var records: [Int: (Int64, UInt64)?] = [0: (5, 6), 1: (7, 8), 2: (9, 10)]
        var asked: [RestoreMachine.Operation] = []
        var now: Int64 = 0

        mutating func run(_ expectation: RestoreMachine.Expectation = expectation(sequence: 2)) -> RestoreMachine {
            var machine = RestoreMachine(expectation)
            for _ in 0..<10_000 {
                guard let operation = machine.next() else { return machine }
                now += 10
                if case .wait(let milliseconds) = operation { now += milliseconds } else { asked.append(operation) }
                machine.completed(answer(operation), now: now)
            }
            Issue.record("the machine does not come to a decision: \(asked.suffix(10))")
            return machine
        }

        private mutating func answer(_ operation: RestoreMachine.Operation) -> RestoreMachine.Outcome {
            switch operation {
            case .fetchCommitted:
                guard pendings == 0 else {
                    pendings -= 1
                    return .pending
                }
                return .committed(committed.count > 1 ? committed.removeFirst() : committed[0])
            case .newestWriter: return .writer(newest)
            case .fence:
                if fencingHelps { pendings = 0 }
                return .done
            case .stateWatermarks: return .watermarks(low: state.low, high: state.high)
            case .read where stalledReads > 0:
                stalledReads -= 1
                return .failed(KafkaError(code: .timedOut))
            case .read: return .read(summaries.count > 1 ? summaries.removeFirst() : summaries[0])
            case .inputWatermarks: return .inputs(inputs)
            case .verify(let input, _):
                guard let record = records[input.index] ?? nil else { return .recordGone }
                return .record(timestamp: record.0, checksum: record.1)
            case .wait: return .done
            }
        }
    }

    private func refusal(_ machine: RestoreMachine) -> String {
        if case .refuse(let text) = machine.decision { return text }
        return "not refused: \(String(describing: machine.decision))"
    }

    private func isResumed(_ machine: RestoreMachine) -> Bool {
        if case .resume = machine.decision { return true }
        return false
    }

    @Test func agreementGoesOnInTheStrictOrder() {
        var kafka = Kafka()
        let machine = kafka.run()
        #expect(isResumed(machine))
        #expect(
            kafka.asked == [
                .fetchCommitted, .stateWatermarks, .read(from: 40, until: 90), .inputWatermarks,
                .verify(input: InputID(0), offset: 99), .verify(input: InputID(1), offset: 9),
                .verify(input: InputID(2), offset: 4),
            ])
    }

    @Test func neitherStateNorOffsetIsAGenesis() {
        var kafka = Kafka(
            committed: [nil], state: (0, 0), summaries: [.init(last: nil, isComplete: false, complaint: nil)])
        guard case .genesis(let inputs) = kafka.run().decision else {
            Issue.record("no genesis")
            return
        }
        #expect(inputs.map(\.low) == [0, 0, 0] && inputs.map(\.high) == [500, 50, 20])
    }

    @Test func anExpiredOffsetIsANote() {
        var kafka = Kafka(committed: [nil])
        guard case .resume(let notes) = kafka.run().decision else {
            Issue.record("not resumed")
            return
        }
        #expect(notes.count == 1 && notes[0].contains("expires"))
        #expect(kafka.asked.contains(.read(from: 20, until: 90)), "without a hint from the start of the log")
    }

    @Test func anOffsetWithoutStateIsRefused() {
        var kafka = Kafka(state: (90, 90), summaries: [.init(last: nil, isComplete: false, complaint: nil)])
        let text = refusal(kafka.run())
        #expect(text.contains("offset 100") && text.contains("holds nothing"))
    }

    @Test func aDeadOwnersTransactionIsFencedOnceAfterHalfASecond() {
        var kafka = Kafka(pendings: 1_000)
        #expect(isResumed(kafka.run()))
        #expect(kafka.asked.filter { $0 == .fence(writer: "group/other") }.count == 1)
        #expect(kafka.now >= 500)
    }

    @Test func ourOwnTransactionIsWaitedForAndNotFenced() {
        var kafka = Kafka(pendings: 30, newest: "group/me")
        #expect(isResumed(kafka.run()))
        #expect(!kafka.asked.contains(.fence(writer: "group/me")))
    }

    @Test func aTransactionWithoutOffsetsIsFencedByWhatItWrote() {
        var kafka = Kafka()
        kafka.stalledReads = 1
        #expect(isResumed(kafka.run()))
        #expect(kafka.asked.contains(.newestWriter) && kafka.asked.contains(.fence(writer: "group/other")))
    }

    @Test func aReadingThatIsHeldUpForEverIsRefusedWithTheTool() {
        var kafka = Kafka(newest: "group/me")
        kafka.stalledReads = .max
        let text = refusal(kafka.run())
        #expect(text.contains("kafka-transactions.sh"))
        #expect(text.contains("partition 3") && text.contains("90"), "the place, and where its end is")
        #expect(kafka.now >= 120_000)
    }

    @Test func anotherGroupsStateIsRefused() {
        var kafka = Kafka(summaries: [
            .init(last: Self.header { $0.writer = "group-two/slot" }, isComplete: true, complaint: nil)
        ])
        #expect(refusal(kafka.run()).contains("another group"))
    }

    @Test func aTransactionThatNeverEndsIsRefusedWithTheTool() {
        var kafka = Kafka(pendings: 1_000_000, fencingHelps: false)
        #expect(refusal(kafka.run()).contains("kafka-transactions.sh"))
    }

    @Test func aLogThatLagsIsReadAgain() {
        var kafka = Kafka(summaries: [
            .init(last: Self.header(epoch: 6, usage: 90), isComplete: true, complaint: nil),
            .init(last: Self.header(), isComplete: true, complaint: nil),
        ])
        #expect(isResumed(kafka.run()))
        #expect(kafka.asked.filter { $0 == .fetchCommitted }.count == 2)
    }

    @Test func anOffsetThatLagsIsAskedForAgain() {
        var kafka = Kafka(committed: [Self.offset(90, epoch: 6), Self.offset()])
        #expect(isResumed(kafka.run()))
    }

    @Test func aLogThatStaysBehindIsRefusedAfterABound() {
        var kafka = Kafka(summaries: [.init(last: Self.header(epoch: 6, usage: 90), isComplete: true, complaint: nil)])
        let text = refusal(kafka.run())
        #expect(text.contains("epoch 6 at offset 90") && text.contains("offset 100"))
        #expect(kafka.now >= 30_000)
    }

    @Test func anOffsetThatSomebodySetIsRefusedWithTheResetCommand() {
        var kafka = Kafka(committed: [GroupOffset(partition: 3, offset: 0, metadata: "")])
        let text = refusal(kafka.run())
        #expect(text.contains("--reset-offsets") && text.contains("--to-offset 100"))
    }

    @Test func aHintThatFailsIsFollowedByTheWholeLog() {
        var kafka = Kafka(summaries: [
            .init(last: Self.header(), isComplete: false, complaint: nil),
            .init(last: Self.header(), isComplete: true, complaint: nil),
        ])
        #expect(isResumed(kafka.run()))
        #expect(kafka.asked.contains(.read(from: 20, until: 90)))
    }

    @Test(arguments: [nil, "offset 45: damaged"] as [String?])
    func aLogThatCannotBeUsedIsRefused(complaint: String?) {
        var kafka = Kafka(summaries: [.init(last: Self.header(), isComplete: complaint != nil, complaint: complaint)])
        let text = refusal(kafka.run())
        #expect(text.contains(complaint ?? "trimmed too far"))
    }

    @Test func anotherPartitionCountNamesRekey() {
        var kafka = Kafka(summaries: [
            .init(last: Self.header { $0.partitionCount = 4 }, isComplete: true, complaint: nil)
        ])
        let text = refusal(kafka.run())
        #expect(text.contains("4 partitions") && text.contains("rekey"))
    }

    @Test func otherInputTopicsAreRefused() {
        var kafka = Kafka(summaries: [
            .init(last: Self.header { $0.inputs.swapAt(0, 1) }, isComplete: true, complaint: nil)
        ])
        // The lead's offset agrees with nothing then; make it agree, so that the topics decide.
        kafka.committed = [Self.offset(10)]
        #expect(refusal(kafka.run()).contains("other input topics"))
    }

    @Test func aLogFromBeforeThereWasFeedbackIsAccepted() {
        var kafka = Kafka(summaries: [
            .init(last: Self.header { $0.inputs.removeLast() }, isComplete: true, complaint: nil)
        ])
        kafka.inputs[2] = (7, 20)
        let machine = kafka.run()
        #expect(isResumed(machine))
        #expect(machine.lows == [0, 0, 7], "where the new input begins")
        #expect(!kafka.asked.contains(.verify(input: InputID(2), offset: 4)))
    }

    @Test func aLogWithoutAccountsIsRefused() {
        var kafka = Kafka(summaries: [
            .init(last: Self.header { $0.inputs.removeLast(2) }, isComplete: true, complaint: nil)
        ])
        #expect(refusal(kafka.run()).contains("other input topics"))
    }

    @Test func aLogWithMoreInputsIsRefused() {
        var kafka = Kafka(summaries: [
            .init(
                last: Self.header { $0.inputs.append(InputMark(topicHash: 44, before: 0, after: 0)) },
                isComplete: true, complaint: nil)
        ])
        #expect(refusal(kafka.run()).contains("other input topics"))
    }

    @Test func feedbackThatRetentionTookIsALoss() {
        var kafka = Kafka(inputs: [(0, 500), (0, 50), (12, 20)])
        #expect(refusal(kafka.run()).contains("--accept-loss"))
        let machine = kafka.run(Self.expectation(sequence: 2, acceptsLoss: true))
        #expect(isResumed(machine))
        #expect(machine.losses.map(\.input) == [InputID(2)])
    }

    @Test func anOlderConfigurationKeepsAway() {
        var kafka = Kafka()
        #expect(refusal(kafka.run(Self.expectation(sequence: 1))).contains("sequence 2"))
    }

    @Test func twoConfigurationsOfOneSequenceAreRefused() {
        var kafka = Kafka(summaries: [
            .init(last: Self.header { $0.configuration.contentHash = 9 }, isComplete: true, complaint: nil)
        ])
        #expect(refusal(kafka.run()).contains("same sequence"))
        #expect(
            isResumed(
                { () -> RestoreMachine in
                    var kafka = kafka
                    return kafka.run(Self.expectation(sequence: 3))
                }()))
    }

    @Test func aTruncatedInputIsRefused() {
        var kafka = Kafka(inputs: [(0, 60), (0, 50), (0, 20)])
        let text = refusal(kafka.run())
        #expect(text.contains("ends at offset 60") && text.contains("100"))
    }

    @Test func aRecreatedInputIsRefused() {
        var kafka = Kafka(records: [0: (5, 99), 1: (7, 8), 2: (9, 10)])
        #expect(refusal(kafka.run()).contains("created anew"))
    }

    @Test func inputThatRetentionTookIsRefusedUnlessTheLossIsAccepted() {
        var kafka = Kafka(inputs: [(130, 500), (0, 50), (0, 20)])
        #expect(refusal(kafka.run()).contains("--accept-loss"))
        let machine = kafka.run(Self.expectation(sequence: 2, acceptsLoss: true))
        #expect(isResumed(machine))
        #expect(machine.losses.map(\.from) == [100] && machine.losses.map(\.to) == [130])
    }

    @Test func profilesThatCompactionReplacedAreNoLoss() {
        var kafka = Kafka(inputs: [(0, 500), (30, 50), (0, 20)])
        #expect(isResumed(kafka.run()))
    }

    @Test func aLastRecordThatIsGoneIsANote() {
        var kafka = Kafka(records: [0: (5, 6), 1: nil, 2: (9, 10)])
        guard case .resume(let notes) = kafka.run().decision else {
            Issue.record("not resumed")
            return
        }
        #expect(notes.count == 1 && notes[0].contains("accounts"))
    }
}
