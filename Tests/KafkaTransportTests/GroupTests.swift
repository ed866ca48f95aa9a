import KafkaTransport
import Testing
import UpsellTesting

/// Groups on the mock: the first join takes it 3 s, each later round the session timeout less 1 s.
@Suite(.serialized, .timeLimit(.minutes(3))) struct GroupTests {
    @Test func secondMemberTakesOverPartitionsWithAllTheirInputs() throws {
        let cluster = try MockCluster()
        for topic in ["usage", "accounts"] { try cluster.createTopic(name: topic, partitions: 4) }
        let first = Journey.fromBeginning(try mockConsumer(cluster, topics: ["usage", "accounts"], group: "g"))
        try first.consumer.subscribe()
        #expect(try first.poll { first.consumer.ownedPartitions == [0, 1, 2, 3] })
        #expect(first.consumer.assignedPartitions.count == 8)

        let second = Journey.fromBeginning(try mockConsumer(cluster, topics: ["usage", "accounts"], group: "g"))
        try second.consumer.subscribe()
        let end = ContinuousClock.now + .seconds(40)
        while first.consumer.ownedPartitions.count != 2 || second.consumer.ownedPartitions.count != 2 {
            guard ContinuousClock.now < end else { break }
            try first.poll(timeoutMilliseconds: 20)
            try second.poll(timeoutMilliseconds: 20)
            #expect(Set(first.consumer.ownedPartitions).isDisjoint(with: second.consumer.ownedPartitions))
            #expect(first.consumer.assignedPartitions.isDisjoint(with: second.consumer.assignedPartitions))
        }
        let owned = [first, second].map(\.consumer.ownedPartitions)
        #expect(owned.map(\.count) == [2, 2])
        #expect(owned.joined().sorted() == [0, 1, 2, 3])
        for member in [first, second] {
            let expected = member.consumer.ownedPartitions.flatMap {
                [InputPartition(input: 0, partition: $0), InputPartition(input: 1, partition: $0)]
            }
            #expect(member.consumer.assignedPartitions == Set(expected))
            #expect(member.errors.allSatisfy { !$0.isFatal })
        }
        #expect(second.consumer.close(deadlineMilliseconds: 15_000))
        #expect(try first.poll { first.consumer.ownedPartitions == [0, 1, 2, 3] })
        #expect(first.consumer.close(deadlineMilliseconds: 15_000))
        #expect(first.consumer.ownedPartitions.isEmpty)
    }

    @Test func closeTellsOfTheLastRevocation() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "usage", partitions: 2)
        let journey = Journey(try mockConsumer(cluster, topics: ["usage"], group: "g"))
        try journey.consumer.subscribe()
        #expect(try journey.poll { journey.events == [.assigned([0, 1])] })
        let events = Recorded<RebalanceEvent>()
        #expect(journey.consumer.close(deadlineMilliseconds: 10_000, leaveGroup: true) { events.add($0) })
        #expect(events.all == [.revoked([0, 1], lost: false)])
        #expect(journey.consumer.close(deadlineMilliseconds: 0))
    }

    // Fetched messages reach the queue that is served during the close; serving it by callbacks aborted the process.
    @Test func closeWithMessagesStillComingEndsWell() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "usage", partitions: 4)
        let producer = try mockProducer(cluster)
        for number in 0..<20_000 {
            let value = [UInt8](repeating: 7, count: 100)
            try producer.produce(OutputRecord(topic: "usage", partition: Int32(number % 4), value: value))
        }
        try producer.flush(timeoutMilliseconds: 10_000)
        let journey = Journey.fromBeginning(try mockConsumer(cluster, topics: ["usage"], group: "g"))
        try journey.consumer.subscribe()
        #expect(try journey.poll { !journey.messages.isEmpty })
        #expect(journey.consumer.close(deadlineMilliseconds: 10_000))
    }

    // 2.0.2 crashes when a cooperative-sticky member closes before its first assignment (fixed in 2.3.0).
    @Test func closeRightAfterSubscribingEndsWell() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "usage", partitions: 2)
        let consumer = try mockConsumer(cluster, topics: ["usage"], group: "g")
        try consumer.subscribe()
        #expect(consumer.close(deadlineMilliseconds: 15_000))
    }

    @Test func closeWithoutSubscriptionEndsWell() throws {
        let cluster = try MockCluster()
        let consumer = try mockConsumer(cluster, topics: ["usage"], group: "g")
        #expect(consumer.close(deadlineMilliseconds: 10_000))
    }

    @Test func closeThatCannotFinishEndsAtItsDeadline() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "usage", partitions: 2)
        try cluster.brokerDown(1)
        let consumer = try mockConsumer(cluster, topics: ["usage"], group: "g")
        try consumer.subscribe()
        #expect(!consumer.close(deadlineMilliseconds: 300))
    }

    @Test func partitionThatIsNotOwnedCannotBeAssigned() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "usage", partitions: 2)
        let consumer = try mockConsumer(cluster, topics: ["usage"], group: "g")
        #expect(throws: KafkaError(code: .wrongState)) { try consumer.assign([(0, 0, .beginning)]) }
        #expect(consumer.close(deadlineMilliseconds: 10_000))
    }

    @Test func assigningInsideTheRebalanceHandlerTraps() async {
        await #expect(processExitsWith: .failure) {
            let cluster = try MockCluster()
            try cluster.createTopic(name: "usage", partitions: 1)
            let consumer = try mockConsumer(cluster, topics: ["usage"], group: "g")
            try consumer.subscribe()
            let end = ContinuousClock.now + .seconds(20)
            while ContinuousClock.now < end {
                _ = consumer.poll(maxMessages: 1, timeoutMilliseconds: 50) { _ in
                    try? consumer.assign([(0, 0, .beginning)])
                }
            }
        }
    }

    @Test func unassignedInputStopsAndCanStartAgainFromAnyOffset() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "usage", partitions: 1)
        try cluster.createTopic(name: "accounts", partitions: 1)
        let producer = try mockProducer(cluster)
        func send(_ value: UInt8) throws {
            for topic in ["usage", "accounts"] {
                try producer.produce(OutputRecord(topic: topic, partition: 0, value: [value]))
            }
            try producer.flush(timeoutMilliseconds: 5_000)
        }
        for value in 0..<UInt8(10) { try send(value) }
        let journey = Journey.fromBeginning(try mockConsumer(cluster, topics: ["usage", "accounts"], group: "g"))
        try journey.consumer.subscribe()
        #expect(try journey.poll { journey.messages.count == 20 })
        try journey.consumer.unassign([InputPartition(input: 1, partition: 0)])
        try send(10)
        #expect(try journey.poll { journey.messages.count >= 21 })
        for _ in 0..<5 { try journey.poll() }
        #expect(journey.messages.count == 21)
        #expect(journey.messages.last?.input == 0)
        try journey.consumer.assign([(1, 0, KafkaOffset(8))])
        #expect(try journey.poll { journey.messages.count >= 24 })
        #expect(journey.messages.suffix(3).map(\.offset) == [8, 9, 10])
        #expect(journey.messages.suffix(3).map(\.input) == [1, 1, 1])
        #expect(journey.consumer.close(deadlineMilliseconds: 10_000))
    }

    @Test func wakeUpRunsWhileMessagesComeAndRestsOtherwise() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "usage", partitions: 2)
        let producer = try mockProducer(cluster)
        let journey = Journey.fromBeginning(try mockConsumer(cluster, topics: ["usage"], group: "g"))
        try journey.consumer.subscribe()
        let wakeUp = FetcherWakeUp(consumer: journey.consumer, intervalMilliseconds: 2)
        wakeUp.start()
        #expect(try journey.poll { journey.ends.count == 2 })
        // Nothing was ever polled: it must be at rest.
        for _ in 0..<4 { try journey.poll() }
        let resting = wakeUp.requestCount
        for _ in 0..<4 { try journey.poll() }
        #expect(wakeUp.requestCount == resting)
        var sent = 0
        #expect(
            try journey.poll {
                if (try? producer.produce(OutputRecord(topic: "usage", partition: Int32(sent % 2), value: [1]))) != nil
                {
                    sent += 1
                }
                return wakeUp.requestCount >= resting + 5
            })
        #expect(journey.consumer.close(deadlineMilliseconds: 10_000))
        let stopped = wakeUp.requestCount
        wakeUp.stop()
        #expect(wakeUp.requestCount == stopped)
    }
}
