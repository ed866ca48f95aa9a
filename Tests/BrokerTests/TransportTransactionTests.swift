import KafkaTransport
import Testing

@Suite(.serialized, .enabled(if: TransportBroker.isThere), .timeLimit(.minutes(5))) struct TransportTransactionTests {
    private func refusal(_ body: () throws -> Void) -> KafkaError? {
        do {
            try body()
            return nil
        } catch {
            return error as? KafkaError
        }
    }

    // Offsets: a, marker, b, marker, c, marker.
    @Test func committedRecordsAreSeenAndAbortedOnesAreNot() throws {
        let site = try TransactionSite()
        let producer = try site.producer()
        for (value, commits) in [("a", true), ("b", false), ("c", true)] {
            try producer.begin()
            try producer.produce(site.record(value))
            try producer.flush(timeoutMilliseconds: 10_000)
            if commits {
                try producer.commit(timeoutMilliseconds: 10_000)
            } else {
                try producer.abort(timeoutMilliseconds: 10_000)
            }
        }
        let committed = try site.read(.readCommitted)
        #expect(committed.values == ["a", "c"])
        #expect(committed.position == 6 && committed.high == 6)
        let all = try site.read(.readUncommitted)
        #expect(all.values == ["a", "b", "c"])
        #expect(all.position == 6)
        producer.close(deadlineMilliseconds: 2_000)
    }

    @Test func openTransactionEndsTheReadingAtItsFirstRecord() throws {
        let site = try TransactionSite()
        let producer = try site.producer()
        try producer.begin()
        try producer.produce(site.record("a"))
        try producer.commit(timeoutMilliseconds: 10_000)
        try producer.begin()
        try producer.produce(site.record("b"))
        try producer.flush(timeoutMilliseconds: 10_000)
        let before = try site.read(.readCommitted, timeoutMilliseconds: 500)
        #expect(before.values == ["a"])
        #expect(before.position == 2 && before.high == 3)
        let stable = try site.reader(.readCommitted)
        #expect(try stable.watermarks(topic: site.state, partition: 0, timeoutMilliseconds: 10_000) == (0, 2))
        stable.close(deadlineMilliseconds: 2_000)
        try producer.commit(timeoutMilliseconds: 10_000)
        let after = try site.read(.readCommitted)
        #expect(after.values == ["a", "b"])
        #expect(after.position == 4)
        producer.close(deadlineMilliseconds: 2_000)
    }

    @Test func positionAndItsMetadataMoveWithTheTransaction() throws {
        let site = try TransactionSite()
        let member = try site.member()
        let producer = try site.producer()
        let consumer = member.consumer
        #expect(try consumer.committed(partitions: [0, 1], timeoutMilliseconds: 10_000).isEmpty)
        try site.commit(["one"], [site.position(1)], by: producer, of: member)
        #expect(try consumer.committed(partitions: [0, 1], timeoutMilliseconds: 10_000) == [0: site.position(1)])
        // Same offset, next epoch: first in vain, then for good.
        try producer.begin()
        try producer.sendOffsets([site.position(2)], of: consumer, timeoutMilliseconds: 10_000)
        try producer.abort(timeoutMilliseconds: 10_000)
        #expect(try consumer.committed(partitions: [0], timeoutMilliseconds: 10_000) == [0: site.position(1)])
        let both = [site.position(2), site.position(7, offset: 3, partition: 1)]
        try site.commit(["two"], both, by: producer, of: member)
        #expect(
            try consumer.committed(partitions: [0, 1], timeoutMilliseconds: 10_000) == [0: both[0], 1: both[1]])
        producer.close(deadlineMilliseconds: 2_000)
        #expect(consumer.close(deadlineMilliseconds: 10_000))
    }

    // A broker takes positions without generation and member id even for a group with members (exactly-once.md §3).
    @Test func positionsWithoutMembershipAreRefusedBeforeTheCall() throws {
        let site = try TransactionSite()
        let member = try site.member()
        let outsider = try KafkaConsumer(
            properties: TransportBroker.properties(), inputTopics: [site.lead], groupID: site.group)
        let producer = try site.producer()
        try site.commit([], [site.position(1)], by: producer, of: member)
        try producer.begin()
        let refused = refusal {
            try producer.sendOffsets([site.position(9, offset: 9)], of: outsider, timeoutMilliseconds: 10_000)
        }
        #expect(refused?.code == .illegalGeneration || refused?.code == .unknownMember)
        #expect(refused?.recovery == .abortAndResend)
        #expect(outsider.close(deadlineMilliseconds: 10_000))
        let closed = refusal {
            try producer.sendOffsets([site.position(9, offset: 9)], of: outsider, timeoutMilliseconds: 10_000)
        }
        #expect(closed?.code == .unknownMember)
        // No request was made: the transaction is as good as before.
        try producer.sendOffsets([site.position(2)], of: member.consumer, timeoutMilliseconds: 10_000)
        try producer.commit(timeoutMilliseconds: 10_000)
        #expect(
            try member.consumer.committed(partitions: [0], timeoutMilliseconds: 10_000) == [0: site.position(2)])
        producer.close(deadlineMilliseconds: 2_000)
        #expect(member.consumer.close(deadlineMilliseconds: 10_000))
    }

    // Two processes under one instance id: the one that joined first is out, and learns it at the latest here.
    @Test func memberThatWasReplacedIsRefusedByTheBroker() throws {
        let site = try TransactionSite()
        let identity: KeyValuePairs<String, String> = [
            "group.instance.id": "a", "heartbeat.interval.ms": "20000", "session.timeout.ms": "30000",
        ]
        let first = try site.member(identity)
        let producer = try site.producer()
        try site.commit(["one"], [site.position(1)], by: producer, of: first)
        let second = try site.member(identity)
        try producer.begin()
        try producer.produce(site.record("two"))
        try producer.flush(timeoutMilliseconds: 10_000)
        let refused = try #require(
            refusal {
                try producer.sendOffsets([site.position(2)], of: first.consumer, timeoutMilliseconds: 10_000)
            })
        #expect([.fencedInstanceID, .unknownMember, .illegalGeneration].contains(refused.code), "\(refused)")
        #expect(refused.recovery == .abortAndResend)
        try producer.abort(timeoutMilliseconds: 10_000)
        try site.commit(["three"], [site.position(2)], by: producer, of: second)
        #expect(try site.read(.readCommitted).values == ["one", "three"])
        producer.close(deadlineMilliseconds: 2_000)
        #expect(second.consumer.close(deadlineMilliseconds: 10_000, leaveGroup: true))
        _ = first.consumer.close(deadlineMilliseconds: 2_000)
    }

    @Test(arguments: [false, true]) func zombieIsFencedAndItsTransactionAborted(bySuccessor: Bool) throws {
        let site = try TransactionSite()
        let zombie = try site.producer()
        try zombie.begin()
        try zombie.produce(site.record("zombie"))
        try zombie.flush(timeoutMilliseconds: 10_000)
        if bySuccessor {
            let successor = try site.producer()
            try successor.begin()
            try successor.produce(site.record("successor"))
            try successor.commit(timeoutMilliseconds: 10_000)
            successor.close(deadlineMilliseconds: 2_000)
        } else {
            try TransactionalProducer.fence(
                transactionalID: site.slot, properties: TransportBroker.properties(), timeoutMilliseconds: 30_000,
                log: nil)
        }
        let refused = try #require(
            refusal { try zombie.commit(timeoutMilliseconds: 10_000) })
        #expect(refused.isFatal, "\(refused)")
        #expect(refused.recovery == .rebuildProducer)
        #expect(refusal { try zombie.begin() }?.recovery == .rebuildProducer)
        zombie.close(deadlineMilliseconds: 2_000)
        let committed = try site.read(.readCommitted)
        #expect(committed.values == (bySuccessor ? ["successor"] : []))
        #expect(committed.position == committed.high)
    }

    @Test func stableOffsetsAreWaitedForAndOthersAreNot() throws {
        let site = try TransactionSite()
        let member = try site.member()
        let producer = try site.producer()
        try site.commit(["zero"], [site.position(0)], by: producer, of: member)
        try producer.begin()
        try producer.produce(site.record("one"))
        try producer.flush(timeoutMilliseconds: 10_000)
        // Written and acknowledged, but no position is pending yet.
        #expect(
            try member.consumer.committed(partitions: [0], timeoutMilliseconds: 10_000) == [0: site.position(0)])
        try producer.sendOffsets([site.position(1)], of: member.consumer, timeoutMilliseconds: 10_000)
        let unstable = refusal {
            _ = try member.consumer.committed(partitions: [0], timeoutMilliseconds: 500)
        }
        #expect(unstable?.code == .unstableOffsetCommit || unstable?.code == .timedOut)
        #expect(unstable?.recovery == .retryCall)
        let reader = try site.reader(.readUncommitted)
        #expect(
            try reader.committed(topic: site.lead, partitions: [0, 1], timeoutMilliseconds: 10_000)
                == [0: site.position(0)])
        // A dead owner's transaction is ended by whoever fences its id.
        try TransactionalProducer.fence(
            transactionalID: site.slot, properties: TransportBroker.properties(), timeoutMilliseconds: 30_000, log: nil)
        #expect(
            try member.consumer.committed(partitions: [0], timeoutMilliseconds: 20_000) == [0: site.position(0)])
        producer.close(deadlineMilliseconds: 2_000)
        let successor = try site.producer()
        try site.commit(["one"], [site.position(1)], by: successor, of: member)
        // The markers are written after the answer to the commit; only a stable question waits for them.
        #expect(
            try member.consumer.committed(partitions: [0], timeoutMilliseconds: 10_000) == [0: site.position(1)])
        #expect(
            try reader.committed(topic: site.lead, partitions: [0], timeoutMilliseconds: 10_000)
                == [0: site.position(1)])
        #expect(try site.read(.readCommitted).values == ["zero", "one"])
        reader.close(deadlineMilliseconds: 2_000)
        successor.close(deadlineMilliseconds: 2_000)
        #expect(member.consumer.close(deadlineMilliseconds: 10_000))
    }

    // Offsets: 0 … 2, abort marker 3, 4 … 6, commit marker 7.
    @Test func endsOfPartitionsAreKnownAfterTheFlushAlsoAcrossAborts() throws {
        let site = try TransactionSite()
        let producer = try site.producer()
        #expect(producer.acknowledgedEnd(topic: site.state, partition: 0) == nil)
        try producer.begin()
        for value in ["a", "b", "c"] { try producer.produce(site.record(value)) }
        try producer.flush(timeoutMilliseconds: 10_000)
        #expect(producer.acknowledgedEnd(topic: site.state, partition: 0) == 3)
        #expect(producer.acknowledgedEnd(topic: site.state, partition: 1) == nil)
        try producer.abort(timeoutMilliseconds: 10_000)
        #expect(producer.acknowledgedEnd(topic: site.state, partition: 0) == 3)
        try producer.begin()
        for value in ["a", "b", "c"] { try producer.produce(site.record(value)) }
        try producer.produce(site.record("other", partition: 1))
        try producer.flush(timeoutMilliseconds: 10_000)
        #expect(producer.acknowledgedEnd(topic: site.state, partition: 0) == 7)
        #expect(producer.acknowledgedEnd(topic: site.state, partition: 1) == 1)
        try producer.commit(timeoutMilliseconds: 10_000)
        let read = try site.read(.readCommitted)
        #expect(read.values == ["a", "b", "c"])
        #expect(read.position == 8)
        producer.close(deadlineMilliseconds: 2_000)
    }

    // Twenty transactions of three records, every other one aborted: four offsets each with its marker.
    @Test func readingCrossesAbortedRangesAndMarkersFromAnywhere() throws {
        let site = try TransactionSite()
        let producer = try site.producer()
        for number in 0..<20 {
            try producer.begin()
            for part in 0..<3 { try producer.produce(site.record("\(number).\(part)")) }
            if number % 2 == 0 {
                try producer.commit(timeoutMilliseconds: 10_000)
            } else {
                try producer.flush(timeoutMilliseconds: 10_000)
                try producer.abort(timeoutMilliseconds: 10_000)
            }
        }
        producer.close(deadlineMilliseconds: 2_000)
        let reader = try site.reader(.readCommitted)
        for from in Int64(0)..<9 {
            for until in [from + 1, 8, 41, 79, 80] where until > from {
                var offsets: [Int64] = []
                let reached = try reader.read(
                    topic: site.state, partition: 0, from: from, until: until, timeoutMilliseconds: 10_000
                ) { batch in
                    offsets += (0..<batch.count).map { batch.offset(at: $0) }
                    return true
                }
                #expect(reached == until)
                #expect(offsets == Self.committed(from..<until))
            }
        }
        let admin = try KafkaAdmin(properties: TransportBroker.properties())
        _ = try admin.deleteRecords(before: [(site.state, 0, 17)], timeoutMilliseconds: 15_000)
        #expect(throws: KafkaError(code: .offsetOutOfRange)) {
            _ = try reader.read(topic: site.state, partition: 0, from: 3, until: 80, timeoutMilliseconds: 10_000) { _ in
                true
            }
        }
        #expect(try reader.watermarks(topic: site.state, partition: 0, timeoutMilliseconds: 10_000) == (17, 80))
        reader.close(deadlineMilliseconds: 2_000)
    }

    /// Offsets of the range that hold committed records in the test above.
    private static func committed(_ range: Range<Int64>) -> [Int64] {
        range.filter { offset in
            let (transaction, place) = offset.quotientAndRemainder(dividingBy: 4)
            return transaction % 2 == 0 && place != 3
        }
    }
}
