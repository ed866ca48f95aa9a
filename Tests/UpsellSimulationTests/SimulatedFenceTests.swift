import Testing
import UpsellSimulation

/// Pending offsets, generations, and the three ways around the fence as real brokers leave them open (article "Broker").
@Suite struct SimulatedFenceTests {
    let fixture = BrokerFixture()
    var kafka: SimulatedKafka { fixture.kafka }

    @Test func offsetsArePendingUntilTheirMarker() throws {
        let fixture = BrokerFixture(markerDelay: 40...40)
        let member = try fixture.soleMember()
        let producer = try fixture.kafka.initProducer("t", timeout: 10_000)
        try fixture.sendOffset(5, "t", producer, member)
        #expect(throws: BrokerError.unstableOffsetCommit) { try fixture.offset(isStable: true) }
        #expect(try fixture.offset(isStable: false) == nil)
        try fixture.kafka.endTransaction("t", producer, isCommit: true)
        #expect(throws: BrokerError.unstableOffsetCommit) { try fixture.offset(isStable: true) }
        fixture.settle(40)
        #expect(try fixture.offset(isStable: true) == 5)
    }

    @Test func abortedOffsetsAreForgotten() throws {
        let member = try fixture.soleMember()
        let producer = try kafka.initProducer("t", timeout: 10_000)
        try fixture.sendOffset(5, "t", producer, member)
        try fixture.end("t", producer, isCommit: false)
        #expect(try fixture.offset(isStable: true) == nil)
    }

    @Test func anOldGenerationIsRefused() throws {
        let old = try fixture.soleMember()
        let second = try fixture.join("b")
        let first = try fixture.join("a", member: old.member, owned: [0, 1, 2, 3])
        _ = try fixture.sync("a", first)
        _ = try fixture.sync("b", second)
        let producer = try kafka.initProducer("t", timeout: 10_000)
        #expect(throws: BrokerError.illegalGeneration) { try fixture.sendOffset(5, "t", producer, old) }
    }

    @Test func aFormerProcessOfAnInstanceIsRefused() throws {
        let old = try fixture.soleMember()
        _ = try fixture.join("a")
        let producer = try kafka.initProducer("t", timeout: 10_000)
        #expect(throws: BrokerError.fencedInstanceID) { try fixture.sendOffset(5, "t", producer, old) }
    }

    @Test func aRebalanceInTheMakingIsReported() throws {
        let old = try fixture.soleMember()
        let second = try fixture.join("b")
        _ = try fixture.join("a", member: old.member, owned: [0, 1, 2, 3])
        guard case .assigned(let generation, _) = try fixture.sync("b", second) else {
            Issue.record("not assigned")
            return
        }
        let metadata = GroupMetadata(generation: generation, member: second, instance: "b")
        let producer = try kafka.initProducer("t", timeout: 10_000)
        #expect(throws: BrokerError.rebalanceInProgress) { try fixture.sendOffset(5, "t", producer, metadata) }
    }

    // MARK: Ways around the fence

    @Test func anEmptyListOfOffsetsChecksNothing() throws {
        _ = try fixture.soleMember()
        let stale = GroupMetadata(generation: 0, member: "nobody", instance: nil)
        let producer = try kafka.initProducer("t", timeout: 10_000)
        try fixture.write("tick", "t", producer)
        try kafka.addOffsets("t", producer, group: BrokerFixture.group)
        try kafka.commitOffsets("t", producer, group: BrokerFixture.group, stale, [:])
        try fixture.end("t", producer, isCommit: true)
        #expect(try fixture.texts(fixture.state, .readCommitted) == ["tick"])
    }

    @Test func metadataWithoutGenerationAndMemberIsAcceptedIntoAnActiveGroup() throws {
        let member = try fixture.soleMember()
        let producer = try kafka.initProducer("t", timeout: 10_000)
        try fixture.sendOffset(9, "t", producer, member)
        try fixture.end("t", producer, isCommit: true)
        try fixture.sendOffset(3, "t", producer, .none)
        try fixture.end("t", producer, isCommit: true)
        #expect(try fixture.offset(isStable: true) == 3)
    }

    @Test func whoDoesNotAskForStableOffsetsGetsTheOldOne() throws {
        let member = try fixture.soleMember()
        let producer = try kafka.initProducer("t", timeout: 10_000)
        try fixture.sendOffset(4, "t", producer, member)
        try fixture.end("t", producer, isCommit: true)
        try fixture.sendOffset(8, "t", producer, member)
        #expect(try fixture.offset(isStable: false) == 4)
        #expect(throws: BrokerError.unstableOffsetCommit) { try fixture.offset(isStable: true) }
    }

    @Test func lateOffsetsOfAnEndedTransactionAreRefused() throws {
        let member = try fixture.soleMember()
        let producer = try kafka.initProducer("t", timeout: 10_000)
        try fixture.sendOffset(4, "t", producer, member)
        try fixture.end("t", producer, isCommit: true)
        #expect(throws: BrokerError.invalidTxnState) {
            try kafka.commitOffsets(
                "t", producer, group: BrokerFixture.group, member,
                [fixture.lead: CommittedOffset(offset: 3, metadata: "")])
        }
    }
}
