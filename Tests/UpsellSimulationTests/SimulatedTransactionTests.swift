import Testing
import UpsellSimulation

@Suite struct SimulatedTransactionTests {
    let fixture = BrokerFixture()
    var kafka: SimulatedKafka { fixture.kafka }

    @Test func committedRecordsAreSeenWhenTheirMarkerIsWritten() throws {
        let fixture = BrokerFixture(markerDelay: 100...100)
        let producer = try fixture.kafka.initProducer("t", timeout: 10_000)
        try fixture.write("one", "t", producer)
        #expect(try fixture.texts(fixture.state, .readUncommitted) == ["one"])
        #expect(try fixture.texts(fixture.state, .readCommitted) == [])
        try fixture.kafka.endTransaction("t", producer, isCommit: true)
        // Decided, and still behind the last stable offset.
        #expect(try fixture.texts(fixture.state, .readCommitted) == [])
        #expect(try fixture.kafka.listOffsets(fixture.state, .readCommitted).high == 0)
        #expect(try fixture.kafka.listOffsets(fixture.state, .readUncommitted).high == 1)
        fixture.settle(100)
        #expect(try fixture.texts(fixture.state, .readCommitted) == ["one"])
        // The marker has an offset of its own.
        #expect(try fixture.kafka.listOffsets(fixture.state, .readCommitted).high == 2)
    }

    @Test func abortedRecordsArePassedOver() throws {
        let producer = try kafka.initProducer("t", timeout: 10_000)
        try fixture.write("gone", "t", producer)
        try fixture.end("t", producer, isCommit: false)
        try fixture.write("kept", "t", producer, sequence: 1)
        try fixture.end("t", producer, isCommit: true)
        #expect(try fixture.texts(fixture.state, .readCommitted) == ["kept"])
        #expect(try fixture.texts(fixture.state, .readUncommitted) == ["gone", "kept"])
    }

    @Test func anOpenTransactionHoldsBackWhatOthersWroteBehindIt() throws {
        let slow = try kafka.initProducer("slow", timeout: 60_000)
        let quick = try kafka.initProducer("quick", timeout: 60_000)
        try fixture.write("slow", "slow", slow)
        try fixture.write("quick", "quick", quick)
        try fixture.end("quick", quick, isCommit: true)
        #expect(try fixture.texts(fixture.state, .readCommitted) == [])
        try fixture.end("slow", slow, isCommit: false)
        #expect(try fixture.texts(fixture.state, .readCommitted) == ["quick"])
    }

    @Test func aSecondProcessOfAnIdFencesTheFirst() throws {
        let first = try kafka.initProducer("t", timeout: 10_000)
        try fixture.write("zombie", "t", first)
        #expect(throws: BrokerError.concurrentTransactions) { try kafka.initProducer("t", timeout: 10_000) }
        fixture.settle()
        let second = try kafka.initProducer("t", timeout: 10_000)
        #expect(second.id == first.id && second.epoch > first.epoch)
        #expect(throws: BrokerError.producerFenced) { try kafka.endTransaction("t", first, isCommit: true) }
        #expect(throws: BrokerError.producerFenced) { try kafka.addPartitions("t", first, [fixture.state]) }
        #expect(throws: BrokerError.invalidProducerEpoch) {
            try kafka.produce("t", first, to: fixture.state, [BrokerFixture.record("x")], sequence: 1)
        }
        #expect(try fixture.texts(fixture.state, .readCommitted) == [])
    }

    @Test func aTransactionCannotBeginWhileMarkersAreOnTheirWay() throws {
        let fixture = BrokerFixture(markerDelay: 30...30)
        let producer = try fixture.kafka.initProducer("t", timeout: 10_000)
        try fixture.write("one", "t", producer)
        try fixture.kafka.endTransaction("t", producer, isCommit: true)
        #expect(throws: BrokerError.concurrentTransactions) {
            try fixture.kafka.addPartitions("t", producer, [fixture.state])
        }
        fixture.settle(30)
        try fixture.kafka.addPartitions("t", producer, [fixture.state])
    }

    @Test func endingTwiceWithTheSameOutcomeIsConfirmedAndWithTheOtherRefused() throws {
        let producer = try kafka.initProducer("t", timeout: 10_000)
        try fixture.write("one", "t", producer)
        try fixture.end("t", producer, isCommit: true)
        try kafka.endTransaction("t", producer, isCommit: true)
        #expect(throws: BrokerError.invalidTxnState) { try kafka.endTransaction("t", producer, isCommit: false) }
    }

    @Test func aLateEndOfAFormerTransactionTearsTheNextOneUnlessTheEpochIsRaised() throws {
        // What Jepsen found: nothing but another epoch tells the two apart.
        let producer = try kafka.initProducer("t", timeout: 10_000)
        try fixture.write("one", "t", producer)
        try fixture.end("t", producer, isCommit: true)
        try fixture.write("half", "t", producer, sequence: 1)
        try fixture.end("t", producer, isCommit: true)
        #expect(try fixture.texts(fixture.state, .readCommitted) == ["one", "half"])
        #expect(throws: BrokerError.invalidTxnState) {
            try kafka.produce("t", producer, to: fixture.state, [BrokerFixture.record("other half")], sequence: 2)
        }
        let raised = try kafka.initProducer("t", timeout: 10_000, current: producer)
        try fixture.write("whole", "t", raised)
        #expect(throws: BrokerError.producerFenced) { try kafka.endTransaction("t", producer, isCommit: true) }
        #expect(try fixture.texts(fixture.state, .readCommitted) == ["one", "half"])
    }

    @Test func aBatchSentTwiceIsWrittenOnceAndAGapIsRefused() throws {
        let producer = try kafka.initProducer("t", timeout: 10_000)
        try fixture.write("one", "t", producer)
        try fixture.write("one", "t", producer)
        #expect(throws: BrokerError.outOfOrderSequence) {
            try kafka.produce("t", producer, to: fixture.state, [BrokerFixture.record("x")], sequence: 5)
        }
        try fixture.end("t", producer, isCommit: true)
        #expect(try fixture.texts(fixture.state, .readCommitted) == ["one"])
    }

    @Test func aBatchOutsideOfItsTransactionIsRefused() throws {
        let producer = try kafka.initProducer("t", timeout: 10_000)
        #expect(throws: BrokerError.invalidTxnState) {
            try kafka.produce("t", producer, to: fixture.state, [BrokerFixture.record("x")], sequence: 0)
        }
    }

    @Test func aTransactionOverItsTimeIsFoundByALateScanAndItsProducerFenced() throws {
        let producer = try kafka.initProducer("t", timeout: 5_000)
        try fixture.write("one", "t", producer)
        fixture.settle(4_999)
        #expect(try kafka.listOffsets(fixture.state, .readCommitted).high == 0)
        fixture.settle(10_001)
        #expect(try kafka.listOffsets(fixture.state, .readCommitted).high == 2)
        #expect(try fixture.texts(fixture.state, .readCommitted) == [])
        #expect(kafka.timeoutsFound == 1)
        #expect(throws: BrokerError.producerFenced) { try kafka.endTransaction("t", producer, isCommit: true) }
    }

    @Test func deletedRecordsAreOutOfRange() throws {
        for text in ["a", "b", "c"] { try kafka.append(BrokerFixture.record(text), to: fixture.lead) }
        try kafka.deleteRecords(fixture.lead, before: 2)
        #expect(try kafka.listOffsets(fixture.lead, .readCommitted) == (2, 3))
        #expect(throws: BrokerError.offsetOutOfRange) {
            try kafka.fetch(fixture.lead, from: 1, .readCommitted, max: 10)
        }
        #expect(try fixture.texts(fixture.lead, .readCommitted) == ["c"])
    }

    @Test func aCommitIsReportedWholeWhenItIsDecided() throws {
        let fixture = BrokerFixture(markerDelay: 50...50)
        let member = try fixture.soleMember()
        nonisolated(unsafe) var seen: [CommittedTransaction] = []
        fixture.kafka.onCommit = { seen.append($0) }
        let producer = try fixture.kafka.initProducer("t", timeout: 10_000)
        try fixture.write("gone", "t", producer)
        try fixture.end("t", producer, isCommit: false)
        try fixture.write("one", "t", producer, sequence: 1)
        try fixture.sendOffset(7, "t", producer, member)
        try fixture.kafka.endTransaction("t", producer, isCommit: true)
        #expect(seen.count == 1)
        #expect(seen[0].records.map(\.offset) == [2])
        #expect(seen[0].offsets.map(\.offset.offset) == [7])
        #expect(seen[0].transactionalID == "t")
    }
}
