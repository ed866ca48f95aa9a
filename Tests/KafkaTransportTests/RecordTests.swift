import KafkaTransport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct RecordTests {
    @Test func keysValuesHeadersAndTimestampsArriveAsTheyWereSent() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "usage", partitions: 2)
        try cluster.createTopic(name: "accounts", partitions: 2)
        let producer = try mockProducer(cluster)
        let records = [
            OutputRecord(
                topic: "usage", partition: 1, key: Array("k".utf8), value: Array("v".utf8),
                headers: [("ce_id", Array("7".utf8)), ("ce_id", Array("8".utf8)), ("empty", []), ("null", nil)],
                timestamp: 1_700_000_000_000),
            OutputRecord(topic: "usage", partition: 1, key: Array("tombstone".utf8), value: nil),
            OutputRecord(topic: "usage", partition: 1, key: nil, value: []),
            OutputRecord(topic: "usage", partition: 1, key: [], value: [0, 255]),
            OutputRecord(topic: "accounts", partition: 1, key: Array("a".utf8), value: Array("{}".utf8)),
        ]
        for record in records { try producer.produce(record) }
        try producer.flush(timeoutMilliseconds: 5_000)
        #expect(producer.deliveredCount == 5)
        #expect(producer.outstandingCount == 0)

        let journey = Journey.fromBeginning(try mockConsumer(cluster, topics: ["usage", "accounts"], group: "g"))
        try journey.consumer.subscribe()
        #expect(try journey.poll { journey.messages.count >= 5 && journey.ends.count == 4 })
        let usage = journey.messages.filter { $0.input == 0 }
        #expect(usage.map(\.offset) == [0, 1, 2, 3])
        #expect(usage.map(\.partition) == [1, 1, 1, 1])
        #expect(usage.map(\.key) == [Array("k".utf8), Array("tombstone".utf8), nil, []])
        #expect(usage.map(\.value) == [Array("v".utf8), nil, [], [0, 255]])
        #expect(usage.first?.headers == ["ce_id=7", "ce_id=8", "empty=", "null=null"])
        #expect(usage.first?.timestamp == 1_700_000_000_000)
        #expect(usage.dropFirst().allSatisfy { $0.timestamp > 1_700_000_000_000 && $0.headers.isEmpty })
        let accounts = journey.messages.filter { $0.input == 1 }
        #expect(accounts.map(\.value) == [Array("{}".utf8)])
        #expect(journey.ends[InputPartition(input: 0, partition: 1)] == 4)
        #expect(journey.ends[InputPartition(input: 1, partition: 0)] == 0)
        #expect(journey.consumer.receivedCount >= 5)
        #expect(try journey.consumer.watermarks(input: 0, partition: 1, timeoutMilliseconds: 5_000) == (0, 4))
        #expect(journey.consumer.close(deadlineMilliseconds: 10_000))
    }

    @Test func batchOutlivesItsConsumer() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "usage", partitions: 1)
        let producer = try mockProducer(cluster)
        for number in 0..<500 {
            try producer.produce(OutputRecord(topic: "usage", partition: 0, value: Array("value \(number)".utf8)))
        }
        try producer.flush(timeoutMilliseconds: 5_000)
        var batches: [MessageBatch] = []
        func read() throws {
            let consumer = try mockConsumer(cluster, topics: ["usage"], group: "g")
            try consumer.subscribe()
            let end = ContinuousClock.now + .seconds(20)
            while batches.reduce(0, { $0 + $1.count }) < 500, ContinuousClock.now < end {
                var given: [Int32] = []
                batches +=
                    consumer.poll(maxMessages: 200, timeoutMilliseconds: 50) {
                        if case .assigned(let partitions) = $0 { given = partitions }
                    }.batches
                try consumer.assign(given.map { (0, $0, .beginning) })
            }
            #expect(consumer.close(deadlineMilliseconds: 10_000))
        }
        try read()
        let values = batches.flatMap(\.received).compactMap(\.value).map { String(decoding: $0, as: UTF8.self) }
        #expect(values == (0..<500).map { "value \($0)" })
        #expect(batches.allSatisfy { $0.count <= 200 })
        #expect(batches.reduce(0) { $0 + $1.byteCount } == values.reduce(0) { $0 + $1.utf8.count })
    }

    @Test func batchMadeByHandGivesTheSameAccessors() {
        let batch = MessageBatch(
            partition: 3,
            records: [
                InMemoryRecord(input: 1, offset: 9, timestamp: 5, key: [1], value: [2, 3], headers: [("a", [0x62])]),
                InMemoryRecord(input: 0, offset: 10, key: [], value: nil, headers: [("n", nil)]),
                InMemoryRecord(input: 0, offset: 11, value: []),
            ])
        #expect(batch.byteCount == 3)
        #expect(
            batch.received == [
                Received(input: 1, partition: 3, offset: 9, timestamp: 5, key: [1], value: [2, 3], headers: ["a=b"]),
                Received(
                    input: 0, partition: 3, offset: 10, timestamp: -1, key: [], value: nil, headers: ["n=null"]),
                Received(input: 0, partition: 3, offset: 11, timestamp: -1, key: nil, value: [], headers: []),
            ])
        #expect(MessageBatch(partition: 0, records: []).count == 0)
    }

    @Test func indexOutsideTheBatchTraps() async {
        await #expect(processExitsWith: .failure) {
            let batch = MessageBatch(partition: 0, records: [InMemoryRecord(input: 0, offset: 0, value: nil)])
            print(batch.offset(at: 1))
        }
    }

    @Test func statisticsAndLogGoWhereTheCallerSays() throws {
        let cluster = try MockCluster()
        let lines = Mutex<[KafkaLogLine]>([])
        let texts = Mutex<[String]>([])
        let producer = try KafkaProducer(
            properties: properties(
                ["statistics.interval.ms": "50", "debug": "broker"], brokers: cluster.bootstrapServers),
            log: { line in lines.withLock { $0.append(line) } },
            statistics: { text in texts.withLock { $0.append(text) } })
        let end = ContinuousClock.now + .seconds(10)
        while producer.lastStatistics == nil, ContinuousClock.now < end { producer.poll(timeoutMilliseconds: 20) }
        #expect(producer.lastStatistics?.contains("\"client_id\":") == true)
        #expect(texts.withLock { $0.last } == producer.lastStatistics)
        #expect(lines.withLock { $0.contains { $0.level == 7 && !$0.facility.isEmpty } })
    }
}
