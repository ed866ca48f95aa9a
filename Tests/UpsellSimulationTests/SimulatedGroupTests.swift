import Testing
import UpsellSimulation

@Suite struct SimulatedGroupTests {
    let fixture = BrokerFixture()
    var kafka: SimulatedKafka { fixture.kafka }

    @Test func aSecondMemberGetsAPartitionOnlyAfterItsOwnerGaveItBack() throws {
        let a = try fixture.join("a")
        #expect(try fixture.sync("a", a) == .assigned(generation: 1, partitions: [0, 1, 2, 3]))
        let b = try fixture.join("b")
        #expect(throws: BrokerError.rebalanceInProgress) {
            try kafka.heartbeat(BrokerFixture.group, instance: "a", member: a, generation: 1)
        }
        _ = try fixture.join("a", member: a, owned: [0, 1, 2, 3])
        #expect(try fixture.sync("a", a) == .assigned(generation: 2, partitions: [0, 1]))
        #expect(try fixture.sync("b", b) == .assigned(generation: 2, partitions: []))
        // Given back; now the second round.
        _ = try fixture.join("a", member: a, owned: [0, 1])
        _ = try fixture.join("b", member: b, owned: [])
        #expect(try fixture.sync("a", a) == .assigned(generation: 3, partitions: [0, 1]))
        #expect(try fixture.sync("b", b) == .assigned(generation: 3, partitions: [2, 3]))
    }

    @Test func aRestartUnderTheSameInstanceCausesNoRebalance() throws {
        let old = try fixture.join("a")
        _ = try fixture.sync("a", old)
        let new = try fixture.join("a")
        #expect(new != old)
        #expect(try fixture.sync("a", new) == .assigned(generation: 1, partitions: [0, 1, 2, 3]))
        #expect(throws: BrokerError.fencedInstanceID) {
            try kafka.heartbeat(BrokerFixture.group, instance: "a", member: old, generation: 1)
        }
    }

    @Test func aRestartInTheMiddleOfAMoveLeavesNothingWithoutOwner() throws {
        let a = try fixture.join("a")
        _ = try fixture.sync("a", a)
        let b = try fixture.join("b")
        _ = try fixture.join("a", member: a, owned: [0, 1, 2, 3])
        _ = try fixture.sync("a", a)
        _ = try fixture.sync("b", b)
        // Dies before it has given anything back.
        let reborn = try fixture.join("a")
        _ = try fixture.join("b", member: b, owned: [])
        guard case .assigned(_, let left) = try fixture.sync("a", reborn),
            case .assigned(_, let right) = try fixture.sync("b", b)
        else {
            Issue.record("not assigned")
            return
        }
        #expect((left + right).sorted() == [0, 1, 2, 3])
    }

    @Test func aSilentMemberLosesItsPartitionsWithItsSession() throws {
        let a = try fixture.join("a")
        _ = try fixture.sync("a", a)
        fixture.settle(2_000)
        let b = try fixture.join("b")
        #expect(try fixture.sync("b", b) == .waiting)
        fixture.settle(1_500)
        #expect(kafka.sessionsExpired == 1)
        #expect(try fixture.sync("b", b) == .assigned(generation: 2, partitions: [0, 1, 2, 3]))
        #expect(throws: BrokerError.unknownMemberID) {
            try kafka.heartbeat(BrokerFixture.group, instance: "a", member: a, generation: 1)
        }
    }

    @Test func aMemberThatBeatsButDoesNotJoinStaysWithWhatItHad() throws {
        let a = try fixture.join("a")
        _ = try fixture.sync("a", a)
        let b = try fixture.join("b")
        for _ in 0..<9 {
            fixture.settle(1_000)
            try? kafka.heartbeat(BrokerFixture.group, instance: "a", member: a, generation: 1)
            _ = try fixture.sync("b", b)
        }
        // The rebalance is over without it, and it is told so.
        #expect(throws: BrokerError.illegalGeneration) {
            try kafka.heartbeat(BrokerFixture.group, instance: "a", member: a, generation: 1)
        }
        #expect(kafka.standing(of: BrokerFixture.group).owners["b"] == [])
    }

    @Test func leavingHandsOverAtOnce() throws {
        let a = try fixture.join("a")
        let b = try fixture.join("b")
        _ = try fixture.join("a", member: a, owned: [])
        _ = try fixture.sync("a", a)
        _ = try fixture.sync("b", b)
        try kafka.leave(BrokerFixture.group, instance: "a", member: a)
        _ = try fixture.join("b", member: b, owned: [2, 3])
        guard case .assigned(_, let partitions) = try fixture.sync("b", b) else {
            Issue.record("not assigned")
            return
        }
        #expect(partitions == [0, 1, 2, 3])
    }

    @Test func offsetsOfARestingGroupExpire() throws {
        let member = try fixture.soleMember()
        let producer = try kafka.initProducer("t", timeout: 10_000)
        try fixture.sendOffset(5, "t", producer, member)
        try fixture.end("t", producer, isCommit: true)
        #expect(!kafka.expireOffsets(BrokerFixture.group))
        try kafka.leave(BrokerFixture.group, instance: "a", member: member.member)
        #expect(kafka.expireOffsets(BrokerFixture.group))
        #expect(try fixture.offset(isStable: true) == nil)
    }
}
