import KafkaTransport
import Testing
import UpsellModel
import UpsellStateLog

@testable import UpsellRuntime

/// What the commit machine asks for, and what it makes of the answers.
@Suite struct CommitMachineTests {
    private static func share(_ partition: Int32, epoch: UInt64, offset: Int64 = 100) -> FrozenShare {
        let mark = OffsetMark(epoch: epoch, restoreFrom: 0, writer: "group-slot")
        return FrozenShare(
            partition: PartitionID(partition), epoch: epoch, positions: [InputPosition(before: 0, after: offset)],
            steps: [],
            records: [
                OutputRecord(topic: "upselld.state", partition: partition, value: [UInt8(partition), UInt8(epoch)])
            ],
            offset: GroupOffset(partition: partition, offset: offset, metadata: mark.text), inputRecords: 1,
            restoreFrom: 0, outputBytes: 0)
    }

    /// A machine, and a script of answers by the name of the operation.
    private struct Run {
        var machine = CommitMachine(transactionTimeout: 10_000)
        var now: Int64 = 0
        var asked: [String] = []
        var released: [UInt64] = []
        var other: [String] = []
        var sentOffsets: [[Int32]] = []
        var sentBytes: [[[UInt8]]] = []

        static func name(_ operation: CommitMachine.Operation) -> String {
            switch operation {
            case .membership: "membership"
            case .initialise: "initialise"
            case .begin: "begin"
            case .produce: "produce"
            case .flush: "flush"
            case .sendOffsets: "sendOffsets"
            case .commit: "commit"
            case .abort: "abort"
            case .fetchOffsets: "fetchOffsets"
            case .wait: "wait"
            }
        }

        /// Goes on until the machine is idle, or asks for `stop`; failures are taken from the script, first come first.
        mutating func go(
            failing: [(String, KafkaError)] = [], offsets: [PartitionID: GroupOffset] = [:],
            generation: @escaping (Int) -> Int32? = { _ in 1 }, before stop: String? = nil
        ) {
            var failing = failing
            var memberships = 0
            for _ in 0..<1_000 {
                guard let operation = machine.next() else { return }
                let name = Self.name(operation)
                if name == stop { return }
                asked.append(name)
                now += 1
                var outcome = CommitMachine.Outcome.done
                switch operation {
                case .wait(let milliseconds): now += milliseconds
                case .membership:
                    outcome = .member(generation: generation(memberships))
                    memberships += 1
                case .fetchOffsets: outcome = .offsets(offsets)
                case .sendOffsets(let offsets): sentOffsets.append(offsets.map(\.partition))
                case .produce(let records): sentBytes.append(records.map { $0.value ?? [] })
                default: break
                }
                if let first = failing.first, first.0 == name {
                    outcome = .failed(first.1)
                    failing.removeFirst()
                }
                for action in machine.completed(outcome, now: now) {
                    switch action {
                    case .released(let share): released.append(share.epoch)
                    case .suspect(let partition, _): other.append("suspect \(partition.rawValue)")
                    case .poisoned(let shares, _): other.append("poisoned \(shares.map(\.partition.rawValue))")
                    case .fenced: other.append("fenced")
                    case .failed: other.append("failed")
                    case .resending: other.append("resending")
                    }
                }
            }
            Issue.record("the machine does not come to an end: \(asked.suffix(20))")
        }
    }

    private static func error(_ code: KafkaErrorCode, _ recovery: KafkaError.Recovery) -> KafkaError {
        KafkaError(code: code, recovery: recovery)
    }

    private static let straight = ["begin", "produce", "flush", "sendOffsets", "commit"]

    @Test func anEpochGoesTheStraightWay() {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5), Self.share(3, epoch: 9)])
        run.go()
        #expect(run.asked == ["membership", "initialise"] + Self.straight)
        #expect(run.released == [5, 9])
        #expect(run.sentOffsets == [[0, 3]], "every share has its offset")
        run.machine.start([Self.share(0, epoch: 6)])
        run.go()
        #expect(run.asked.suffix(5) == Self.straight[...], "the producer is kept")
    }

    @Test func connectingTakesTheTransactionalIdBeforeThereIsAnythingToSend() {
        var run = Run()
        run.machine.connect()
        run.go(generation: { $0 < 2 ? nil : 1 })
        #expect(run.asked == ["membership", "wait", "membership", "wait", "membership", "initialise"])
        #expect(run.machine.isIdle)
        run.machine.start([Self.share(0, epoch: 5)])
        run.go()
        #expect(run.asked.suffix(5) == Self.straight[...])
        #expect(run.asked.filter { $0 == "initialise" }.count == 1)
    }

    @Test(arguments: ["produce", "flush", "sendOffsets", "commit"])
    func anAbortSendsTheSameBytesAgain(at step: String) {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5)])
        run.go(failing: [(step, Self.error(.messageTimedOut, .abortAndResend))])
        #expect(run.asked.filter { $0 == "abort" }.count == 1)
        #expect(run.asked.suffix(6) == (["abort"] + Self.straight)[...])
        #expect(run.released == [5])
        #expect(run.other == ["resending"])
        #expect(run.sentBytes.allSatisfy { $0 == run.sentBytes[0] })
    }

    @Test func aRetriableErrorRepeatsTheSameCall() {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5)])
        let error = Self.error(.coordinatorLoading, .retryCall)
        run.go(failing: [("commit", error), ("commit", error), ("commit", error)])
        #expect(run.asked.suffix(7) == ["commit", "wait", "commit", "wait", "commit", "wait", "commit"])
        #expect(run.released == [5])
        #expect(run.machine.aborts == 0)
    }

    @Test func aCommitThatNeverAnswersIsResolvedByTheOffsets() {
        let share = Self.share(0, epoch: 5)
        var run = Run()
        run.machine.start([share])
        run.go(
            failing: Array(repeating: ("commit", Self.error(.timedOut, .retryCall)), count: 200),
            offsets: [PartitionID(0): share.offset])
        #expect(run.asked.suffix(3) == ["membership", "initialise", "fetchOffsets"])
        #expect(run.released == [5], "it was committed: not again")
        #expect(run.sentBytes.count == 1)
    }

    @Test func anUnknownOutcomeThatWasAnAbortIsSentAgain() {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5)])
        run.go(
            failing: [("commit", Self.error(.producerFenced, .rebuildProducer))],
            offsets: [PartitionID(0): Self.share(0, epoch: 4, offset: 90).offset])
        #expect(run.released == [5])
        #expect(run.sentBytes.count == 2 && run.sentBytes[0] == run.sentBytes[1])
    }

    @Test func aGenesisOfUnknownOutcomeWithoutOffsetIsSentAgain() {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 0)])
        run.go(failing: [("commit", Self.error(.transport, .rebuildProducer))])
        #expect(run.released == [0])
        #expect(run.sentBytes.count == 2)
    }

    @Test(arguments: [3, 6, 7] as [UInt64])
    func anyOtherEpochMakesThePartitionSuspect(found: UInt64) {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5), Self.share(1, epoch: 8)])
        run.go(
            failing: [("commit", Self.error(.transport, .rebuildProducer))],
            offsets: [
                PartitionID(0): Self.share(0, epoch: found).offset, PartitionID(1): Self.share(1, epoch: 8).offset,
            ])
        #expect(run.other == ["resending", "suspect 0"])
        #expect(run.released == [8], "the other partition's share is known to be committed")
        #expect(run.sentBytes.count == 1)
    }

    /// A twin of the slot has committed an epoch of the same number at the same offset, and its log is another one: seen
    /// in simulation (seed 1664), where the twin that woke up trimmed the log by what it had not written.
    @Test func theSameEpochOfATwinIsNotOurs() {
        let own = Self.share(0, epoch: 5)
        let twin = OffsetMark(epoch: 5, restoreFrom: 3, writer: "group-slot")
        var run = Run()
        run.machine.start([own])
        run.go(
            failing: [("commit", Self.error(.producerFenced, .rebuildProducer))],
            offsets: [
                PartitionID(0): GroupOffset(partition: 0, offset: own.offset.offset, metadata: twin.text)
            ])
        #expect(run.other == ["resending", "suspect 0"])
        #expect(run.released.isEmpty)
    }

    @Test func aShareLostBeforeItsOffsetsTakesTheTransactionWithIt() {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5), Self.share(1, epoch: 8)])
        run.go(before: "sendOffsets")
        run.machine.lost(PartitionID(0))
        run.go()
        #expect(run.asked.contains("abort"))
        #expect(run.sentOffsets == [[1]])
        #expect(run.released == [8])
    }

    @Test func aShareLostAfterItsOffsetsGoesOutOrNever() {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5), Self.share(1, epoch: 8)])
        run.go(before: "commit")
        run.machine.lost(PartitionID(0))
        run.go(failing: [("commit", Self.error(.timedOut, .abortAndResend))])
        #expect(run.sentOffsets == [[0, 1], [1]], "not in another transaction")
        #expect(run.released == [8])
    }

    @Test func losingEverythingEndsAnOpenTransaction() {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5)])
        run.go(before: "flush")
        run.machine.lost(PartitionID(0))
        run.go()
        #expect(run.asked.last == "abort")
        #expect(run.machine.isIdle)
        #expect(run.released.isEmpty && run.sentOffsets.isEmpty)
    }

    @Test func withoutMembershipNoTransactionalIdIsTaken() {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5)])
        run.go(generation: { $0 < 3 ? nil : 4 })
        #expect(
            run.asked.prefix(7) == ["membership", "wait", "membership", "wait", "membership", "wait", "membership"])
        #expect(run.asked[7] == "initialise")
    }

    @Test func fiveFencingsUnderOneGenerationAreAnotherProcess() {
        let fenced = Self.error(.fenced, .rebuildProducer)
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5)])
        run.go(
            failing: Array(repeating: ("flush", fenced), count: 5),
            offsets: [PartitionID(0): Self.share(0, epoch: 4, offset: 90).offset])
        #expect(run.other == Array(repeating: "resending", count: 5) + ["fenced"])
        #expect(run.released.isEmpty)
    }

    @Test func aFencingUnderAnotherGenerationIsASurvivorsRight() {
        let fenced = Self.error(.fenced, .rebuildProducer)
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5)])
        var generation: Int32 = 1
        run.go(
            failing: Array(repeating: ("flush", fenced), count: 5),
            offsets: [PartitionID(0): Self.share(0, epoch: 4, offset: 90).offset],
            generation: { _ in
                generation += 1
                return generation
            })
        #expect(run.released == [5])
    }

    @Test func aTransactionThatTimedOutExplainsItsFencing() {
        let fenced = Self.error(.invalidProducerEpoch, .rebuildProducer)
        var run = Run()
        let before = [PartitionID(0): Self.share(0, epoch: 4, offset: 90).offset]
        run.machine.start([Self.share(0, epoch: 5)])
        run.go(failing: [("flush", fenced)], offsets: before, before: "commit")
        run.now += 10_001
        run.go(failing: [("commit", fenced)], offsets: before)
        #expect(run.released == [5])
    }

    @Test func threeAbortsForItsContentPoisonAnEpoch() {
        let refused = Self.error(.messageTooLarge, .abortAndResend)
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5), Self.share(2, epoch: 1)])
        run.go(failing: [("flush", refused), ("flush", refused), ("flush", refused)])
        #expect(run.other == ["resending", "resending", "poisoned [0, 2]"])
        #expect(run.asked.last == "abort")
        #expect(run.machine.isIdle && run.released.isEmpty)
    }

    @Test func otherAbortsNeverPoison() {
        let refused = Self.error(.rebalanceInProgress, .abortAndResend)
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5)])
        run.go(failing: Array(repeating: ("sendOffsets", refused), count: 20))
        #expect(run.released == [5])
        #expect(run.machine.aborts == 20)
    }

    @Test func anErrorThatNoRetryCuresIsTold() {
        var run = Run()
        run.machine.start([Self.share(0, epoch: 5)])
        run.go(failing: [("initialise", Self.error(.transactionalIDAuthorizationFailed, .terminate))])
        #expect(run.other == ["failed"])
        var fenced = Run()
        fenced.machine.start([Self.share(0, epoch: 5)])
        fenced.go(failing: [("sendOffsets", Self.error(.fencedInstanceID, .terminate))])
        #expect(fenced.other == ["fenced"])
    }
}
