import Foundation
import KafkaTransport
import Testing

/// A real broker, named by the environment: `UPSELLD_TEST_BROKERS`.
enum TransportBroker {
    static var addresses: String? { ProcessInfo.processInfo.environment["UPSELLD_TEST_BROKERS"] }
    static var isThere: Bool { addresses?.isEmpty == false }

    static func properties(_ pairs: KeyValuePairs<String, String> = [:]) throws -> [KafkaProperty] {
        let addresses = try #require(addresses)
        return [KafkaProperty(name: "bootstrap.servers", value: addresses, place: "environment")]
            + pairs.map { KafkaProperty(name: $0.key, value: $0.value, place: "test") }
    }

    /// A name nobody used before.
    static func unique(_ stem: String) -> String { "\(stem)-\(UUID().uuidString.prefix(8).lowercased())" }

    /// Creates topics, and waits until every one can be used.
    static func createTopics(_ topics: [TopicSpec]) throws {
        let admin = try KafkaAdmin(properties: properties())
        let outcomes = try admin.createTopics(topics, timeoutMilliseconds: 15_000)
        #expect(outcomes.compactMap(\.error).isEmpty)
        let end = ContinuousClock.now + .seconds(15)
        while ContinuousClock.now < end {
            let present = try admin.listTopics(timeoutMilliseconds: 5_000)
            if topics.allSatisfy({ present[$0.name] == $0.partitions }) { return }
        }
        Issue.record("topics did not appear")
    }

    static func produce(_ records: [OutputRecord]) throws {
        let producer = try KafkaProducer(properties: properties())
        for record in records { try producer.produce(record) }
        try producer.flush(timeoutMilliseconds: 15_000)
        #expect(producer.close(deadlineMilliseconds: 1_000))
    }
}

/// One instance: a consumer that takes every input of what the group gives it, in one or two stages.
final class TransportMember {
    let name: String
    let consumer: KafkaConsumer
    /// Inputs assigned at once; the others by `assignRest`.
    let firstStage: [Int]
    private(set) var pending: Set<Int32> = []
    private(set) var events: [RebalanceEvent] = []
    private(set) var errors: [KafkaError] = []
    private(set) var ends: [InputPartition: Int64] = [:]
    /// Values by input and partition, in the order they came.
    private(set) var values: [InputPartition: [String]] = [:]
    /// Called inside the rebalance handler.
    var onEvent: ((RebalanceEvent) -> Void)?

    init(
        _ name: String, topics: [String], group: String, firstStage: [Int]? = nil,
        extra: KeyValuePairs<String, String> = [:]
    ) throws {
        self.name = name
        self.firstStage = firstStage ?? Array(topics.indices)
        consumer = try KafkaConsumer(
            properties: TransportBroker.properties([
                "session.timeout.ms": "6000", "heartbeat.interval.ms": "200", "fetch.wait.max.ms": "20",
            ]) + extra.map { KafkaProperty(name: $0.key, value: $0.value, place: "test") },
            inputTopics: topics, groupID: group)
        try consumer.subscribe()
    }

    /// One poll; assigns the first stage of what came.
    func poll(timeoutMilliseconds: Int = 20) throws {
        var given: Set<Int32> = []
        let result = consumer.poll(maxMessages: 1_000, timeoutMilliseconds: timeoutMilliseconds) { event in
            events.append(event)
            switch event {
            case .assigned(let partitions): given.formUnion(partitions)
            case .revoked(let partitions, _):
                given.subtract(partitions)
                pending.subtract(partitions)
            }
            onEvent?(event)
        }
        errors += result.errors
        for end in result.ends { ends[InputPartition(input: end.input, partition: end.partition)] = end.offset }
        for batch in result.batches {
            for index in 0..<batch.count {
                let place = InputPartition(input: batch.input(at: index), partition: batch.partition)
                values[place, default: []].append(text(batch.value(at: index)))
            }
        }
        guard !given.isEmpty else { return }
        try consumer.assign(given.sorted().flatMap { number in firstStage.map { ($0, number, .beginning) } })
        if firstStage.count < consumer.inputTopics.count { pending.formUnion(given) }
    }

    /// Second stage of one partition number.
    func assignRest(of partition: Int32) throws(KafkaError) {
        let rest = consumer.inputTopics.indices.filter { !firstStage.contains($0) }
        try consumer.assign(rest.map { ($0, partition, .beginning) })
        pending.remove(partition)
    }

    /// Whether every owned partition number has exactly the inputs it should have.
    var isWhole: Bool {
        let expected = consumer.ownedPartitions.flatMap { number in
            consumer.inputTopics.indices
                .filter { firstStage.contains($0) || !pending.contains(number) }
                .map { InputPartition(input: $0, partition: number) }
        }
        return consumer.assignedPartitions == Set(expected)
    }

    private func text(_ span: RawSpan?) -> String {
        guard let span else { return "tombstone" }
        return String(
            decoding: (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }, as: UTF8.self)
    }
}
