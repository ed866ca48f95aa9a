import KafkaTransport
import Testing
import UpsellTesting

@Suite(.timeLimit(.minutes(2))) struct LogReaderTests {
    private func fill(_ cluster: MockCluster, _ count: Int) throws {
        try cluster.createTopic(name: "state", partitions: 2)
        let producer = try mockProducer(cluster)
        for number in 0..<count {
            try producer.produce(
                OutputRecord(topic: "state", partition: 1, key: [7], value: Array("\(number)".utf8)))
        }
        try producer.flush(timeoutMilliseconds: 10_000)
    }

    private func reader(_ cluster: MockCluster, log: KafkaLog? = nil) throws -> LogReader {
        try LogReader(
            properties: properties([:], brokers: cluster.bootstrapServers), groupID: "g", isolation: .readCommitted,
            log: log)
    }

    @Test func readsExactlyTheRangeThatWasAskedFor() throws {
        let cluster = try MockCluster()
        try fill(cluster, 100)
        let lines = Recorded<KafkaLogLine>()
        let reader = try reader(cluster) { lines.add($0) }
        #expect(try reader.watermarks(topic: "state", partition: 1, timeoutMilliseconds: 5_000) == (0, 100))
        for (from, until) in [(0, 100), (10, 20), (99, 100), (0, 1)] as [(Int64, Int64)] {
            var offsets: [Int64] = []
            let reached = try reader.read(
                topic: "state", partition: 1, from: from, until: until, timeoutMilliseconds: 10_000
            ) { batch in
                offsets += batch.received.map(\.offset)
                #expect(batch.partition == 1)
                #expect(batch.received.allSatisfy { $0.input == 0 && $0.key == [7] })
                return true
            }
            #expect(reached == until)
            #expect(offsets == Array(from..<until))
        }
        #expect(
            try reader.read(topic: "state", partition: 1, from: 7, until: 7, timeoutMilliseconds: 0) { _ in false } == 7
        )
        reader.close(deadlineMilliseconds: 2_000)
        #expect(lines.all.isEmpty, "\(lines.all)")
        #expect(throws: KafkaError(code: .wrongState)) {
            _ = try reader.watermarks(topic: "state", partition: 1, timeoutMilliseconds: 100)
        }
    }

    @Test func endsWhereTheBodySaysSo() throws {
        let cluster = try MockCluster()
        try fill(cluster, 10)
        let reader = try reader(cluster)
        var seen = 0
        let reached = try reader.read(
            topic: "state", partition: 1, from: 3, until: 10, timeoutMilliseconds: 10_000
        ) { batch in
            seen += batch.count
            return false
        }
        #expect(seen > 0)
        #expect(reached == 3 + Int64(seen))
        struct Refused: Error {}
        #expect(throws: Refused.self) {
            _ = try reader.read(topic: "state", partition: 1, from: 0, until: 10, timeoutMilliseconds: 10_000) { _ in
                throw Refused()
            }
        }
        reader.close(deadlineMilliseconds: 2_000)
    }

    @Test func waitsForWhatIsNotThereYetOnlyWithinItsTimeout() throws {
        let cluster = try MockCluster()
        try fill(cluster, 4)
        let reader = try reader(cluster)
        var seen = 0
        let reached = try reader.read(
            topic: "state", partition: 1, from: 0, until: 50, timeoutMilliseconds: 200
        ) { batch in
            seen += batch.count
            return true
        }
        #expect(reached == 4)
        #expect(seen == 4)
        reader.close(deadlineMilliseconds: 2_000)
    }

    @Test func positionsThatAreNotThereAreAnError() throws {
        let cluster = try MockCluster()
        try fill(cluster, 4)
        let reader = try reader(cluster)
        #expect(throws: KafkaError(code: .offsetOutOfRange)) {
            _ = try reader.read(topic: "state", partition: 1, from: 9, until: 12, timeoutMilliseconds: 10_000) { _ in
                true
            }
        }
        reader.close(deadlineMilliseconds: 2_000)
    }

    @Test func committedOffsetsNeedAGroup() throws {
        let cluster = try MockCluster()
        try fill(cluster, 1)
        let grouped = try reader(cluster)
        #expect(try grouped.committed(topic: "state", partitions: [0, 1], timeoutMilliseconds: 10_000).isEmpty)
        let plain = try LogReader(
            properties: properties([:], brokers: cluster.bootstrapServers), isolation: .readUncommitted)
        #expect(throws: KafkaError(code: KafkaErrorCode(rawValue: -179))) {
            _ = try plain.committed(topic: "state", partitions: [0], timeoutMilliseconds: 1_000)
        }
        for reader in [grouped, plain] { reader.close(deadlineMilliseconds: 2_000) }
    }

    // 88 is answered as long as a transaction holds the partition's offset.
    @Test func offsetsThatAreNotStableAreWaitedFor() throws {
        let cluster = try MockCluster()
        try fill(cluster, 1)
        let consumer = try mockConsumer(cluster, topics: ["state"], group: "g")
        cluster.pushRequestErrors(.offsetFetch, [.unstableOffsetCommit, .unstableOffsetCommit])
        #expect(try consumer.committed(partitions: [0, 1], timeoutMilliseconds: 10_000).isEmpty)
        cluster.pushRequestErrors(.offsetFetch, Array(repeating: .unstableOffsetCommit, count: 1_000))
        do {
            _ = try consumer.committed(partitions: [0], timeoutMilliseconds: 300)
            Issue.record("an unstable offset was returned")
        } catch {
            #expect(error.code == .timedOut || error.code == .unstableOffsetCommit)
            #expect(error.recovery == .retryCall)
        }
        #expect(consumer.close(deadlineMilliseconds: 10_000))
    }
}
