import KafkaTransport
import Testing

@Suite(.serialized, .enabled(if: TransportBroker.isThere), .timeLimit(.minutes(5))) struct TransportGroupTests {
    private static let partitionCount = 8

    private func makeTopics() throws -> [String] {
        let topics = ["usage", "orders", "accounts"].map { TransportBroker.unique($0) }
        try TransportBroker.createTopics(
            topics.map { TopicSpec(name: $0, partitions: Self.partitionCount, replication: 1) })
        return topics
    }

    /// Polls the members in turn until all partitions are spread evenly; asserts at every step that nothing is owned
    /// twice and that each owned number has all its inputs.
    private func settle(_ members: [TransportMember], seconds: Int = 40) throws -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            for member in members {
                try member.poll()
                #expect(member.isWhole, "\(member.name): \(member.consumer.assignedPartitions)")
            }
            var owners: [InputPartition: String] = [:]
            for member in members {
                for partition in member.consumer.assignedPartitions {
                    let other = owners.updateValue(member.name, forKey: partition)
                    #expect(other == nil, "\(partition) with \(other ?? "") and \(member.name)")
                }
            }
            let counts = members.map(\.consumer.ownedPartitions.count)
            guard counts.reduce(0, +) == Self.partitionCount, owners.count == Self.partitionCount * 3,
                let most = counts.max(), let least = counts.min(), most - least <= 1
            else { continue }
            return true
        }
        return false
    }

    @Test func inputsOfAPartitionStayTogetherThroughOneTwoThreeAndTwoMembers() throws {
        let topics = try makeTopics()
        let group = TransportBroker.unique("group")
        let first = try TransportMember("first", topics: topics, group: group)
        #expect(try settle([first]))
        let second = try TransportMember("second", topics: topics, group: group)
        #expect(try settle([first, second]))
        let third = try TransportMember("third", topics: topics, group: group)
        #expect(try settle([first, second, third]))
        #expect(third.consumer.close(deadlineMilliseconds: 10_000))
        #expect(try settle([first, second]))
        for member in [first, second, third] {
            #expect(member.errors.isEmpty)
            #expect(!member.events.contains { if case .revoked(_, lost: true) = $0 { true } else { false } })
        }
        #expect(second.consumer.close(deadlineMilliseconds: 10_000))
        #expect(try settle([first]))
        #expect(first.consumer.close(deadlineMilliseconds: 10_000))
    }

    // A static member does not leave on a plain close: the survivor waits for the session timeout.
    @Test(arguments: [false, true]) func staticMemberHandsOverAtOnceOnlyIfItLeaves(leaves: Bool) throws {
        let topics = try makeTopics()
        let group = TransportBroker.unique("group")
        let stays = try TransportMember("stays", topics: topics, group: group, extra: ["group.instance.id": "a"])
        let goes = try TransportMember("goes", topics: topics, group: group, extra: ["group.instance.id": "b"])
        #expect(try settle([stays, goes]))
        #expect(goes.consumer.close(deadlineMilliseconds: 10_000, leaveGroup: leaves))
        let start = ContinuousClock.now
        #expect(try settle([stays]))
        let took = ContinuousClock.now - start
        // The order of events, not a speed: without leaving nothing can come before the session timeout of 6 s is
        // nearly over (the last heartbeat was at most 200 ms before the close).
        if leaves { print("hand-over after leaving: \(took)") } else { #expect(took > .seconds(5)) }
        #expect(stays.consumer.close(deadlineMilliseconds: 10_000, leaveGroup: true))
    }

    @Test func accountsAreReadFirstAndTheLeadTopicLater() throws {
        let topics = try makeTopics()
        try TransportBroker.produce(
            (0..<Int32(Self.partitionCount)).flatMap { partition in
                topics.enumerated().map { input, topic in
                    OutputRecord(topic: topic, partition: partition, value: Array("\(input)/\(partition)".utf8))
                }
            })
        let member = try TransportMember("one", topics: topics, group: TransportBroker.unique("group"), firstStage: [2])
        let end = ContinuousClock.now + .seconds(30)
        while member.ends.count < Self.partitionCount, ContinuousClock.now < end {
            try member.poll()
            #expect(member.isWhole)
        }
        #expect(member.ends.keys.allSatisfy { $0.input == 2 })
        #expect(member.values.count == Self.partitionCount && member.values.keys.allSatisfy { $0.input == 2 })
        for partition in member.pending.sorted() { try member.assignRest(of: partition) }
        while member.ends.count < Self.partitionCount * 3, ContinuousClock.now < end {
            try member.poll()
            #expect(member.isWhole)
        }
        #expect(member.values.count == Self.partitionCount * 3)
        for (place, values) in member.values { #expect(values == ["\(place.input)/\(place.partition)"]) }
        #expect(member.consumer.close(deadlineMilliseconds: 10_000))
    }

    // First member: accounts assigned, lead topic not yet; then half of its partitions are taken. They must go to the
    // second member whole, and the second stage of a lost number must be refused without touching the others.
    @Test func revocationBetweenTheTwoStagesTakesWhatIsThere() throws {
        let topics = try makeTopics()
        let group = TransportBroker.unique("group")
        let first = try TransportMember("first", topics: topics, group: group, firstStage: [2])
        let end = ContinuousClock.now + .seconds(60)
        while first.consumer.ownedPartitions.count < Self.partitionCount, ContinuousClock.now < end { try first.poll() }
        #expect(first.pending.count == Self.partitionCount)
        let second = try TransportMember("second", topics: topics, group: group)
        while second.consumer.ownedPartitions.count < Self.partitionCount / 2, ContinuousClock.now < end {
            try first.poll()
            try second.poll()
            #expect(first.isWhole)
            #expect(second.isWhole)
            #expect(first.consumer.assignedPartitions.isDisjoint(with: second.consumer.assignedPartitions))
        }
        let kept = first.consumer.ownedPartitions
        let moved = second.consumer.ownedPartitions
        #expect((kept + moved).sorted() == Array(0..<Int32(Self.partitionCount)))
        #expect(first.pending == Set(kept))
        for partition in moved {
            #expect(throws: KafkaError(code: .wrongState)) { try first.assignRest(of: partition) }
        }
        for partition in kept { try first.assignRest(of: partition) }
        #expect(try settle([first, second]))
        #expect(first.errors.isEmpty && second.errors.isEmpty)
        #expect(second.consumer.close(deadlineMilliseconds: 10_000))
        // The group hands the leaver's partitions over just now: this close meets a rebalance.
        #expect(first.consumer.close(deadlineMilliseconds: 10_000))
    }

    // Nothing at all is assigned when the group takes the partitions back: the answer is an empty list.
    @Test func revocationBeforeAnyStageIsAnsweredToo() throws {
        let topics = try makeTopics()
        let group = TransportBroker.unique("group")
        let first = try TransportMember("first", topics: topics, group: group, firstStage: [])
        let end = ContinuousClock.now + .seconds(60)
        while first.consumer.ownedPartitions.count < Self.partitionCount, ContinuousClock.now < end { try first.poll() }
        let second = try TransportMember("second", topics: topics, group: group)
        while second.consumer.ownedPartitions.count < Self.partitionCount / 2, ContinuousClock.now < end {
            try first.poll()
            try second.poll()
        }
        #expect(first.consumer.ownedPartitions.count == Self.partitionCount / 2)
        #expect(first.consumer.assignedPartitions.isEmpty)
        #expect(second.isWhole)
        #expect(first.errors.isEmpty && second.errors.isEmpty)
        // The group may still be at its follow-up rebalance: this close may meet it.
        #expect(first.consumer.close(deadlineMilliseconds: 10_000))
        #expect(try settle([second]))
        #expect(second.consumer.close(deadlineMilliseconds: 10_000))
    }
}
