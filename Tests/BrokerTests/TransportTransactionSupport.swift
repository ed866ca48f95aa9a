import KafkaTransport
import Testing

/// Topics, a group, and what a test needs to write transactions over them and to look at what they left.
final class TransactionSite {
    let lead = TransportBroker.unique("lead")
    let state = TransportBroker.unique("state")
    let group = TransportBroker.unique("group")
    /// A transactional id that nobody else uses.
    let slot = TransportBroker.unique("slot")

    init() throws {
        try TransportBroker.createTopics(
            [lead, state].map { TopicSpec(name: $0, partitions: 2, replication: 1) })
    }

    /// A member that owns both partitions of the lead.
    func member(_ extra: KeyValuePairs<String, String> = [:]) throws -> TransportMember {
        let member = try TransportMember("member", topics: [lead], group: group, firstStage: [], extra: extra)
        let end = ContinuousClock.now + .seconds(40)
        while member.consumer.ownedPartitions.count < 2, ContinuousClock.now < end { try member.poll() }
        #expect(member.consumer.ownedPartitions == [0, 1])
        return member
    }

    /// An initialised producer.
    func producer(_ extra: KeyValuePairs<String, String> = [:]) throws -> TransactionalProducer {
        let properties = try TransportBroker.properties()
        let producer = try TransactionalProducer(
            properties: properties + extra.map { KafkaProperty(name: $0.key, value: $0.value, place: "test") },
            transactionalID: slot)
        try producer.initialise(timeoutMilliseconds: 30_000)
        return producer
    }

    func reader(_ isolation: LogReader.Isolation) throws -> LogReader {
        try LogReader(properties: TransportBroker.properties(), groupID: group, isolation: isolation)
    }

    func record(_ text: String, partition: Int32 = 0) -> OutputRecord {
        OutputRecord(topic: state, partition: partition, value: Array(text.utf8))
    }

    func position(_ epoch: Int, offset: Int64 = 0, partition: Int32 = 0) -> GroupOffset {
        GroupOffset(
            partition: partition, offset: offset, metadata: "upselld/1 epoch=\(epoch) state=0 writer=\(slot)")
    }

    /// One whole transaction.
    func commit(
        _ texts: [String], _ positions: [GroupOffset], by producer: TransactionalProducer, of member: TransportMember
    ) throws {
        try producer.begin()
        for text in texts { try producer.produce(record(text)) }
        try producer.flush(timeoutMilliseconds: 10_000)
        try producer.sendOffsets(positions, of: member.consumer, timeoutMilliseconds: 10_000)
        try producer.commit(timeoutMilliseconds: 10_000)
    }

    /// Values of the state topic's partition 0 up to its high watermark, and the position reached.
    func read(_ isolation: LogReader.Isolation, timeoutMilliseconds: Int = 10_000) throws
        -> (values: [String], position: Int64, high: Int64)
    {
        let all = try reader(.readUncommitted)
        let high = try all.watermarks(topic: state, partition: 0, timeoutMilliseconds: 10_000).high
        all.close(deadlineMilliseconds: 2_000)
        let reader = try reader(isolation)
        var values: [String] = []
        let position = try reader.read(
            topic: state, partition: 0, from: 0, until: high, timeoutMilliseconds: timeoutMilliseconds
        ) { batch in
            for index in 0..<batch.count { values.append(text(batch.value(at: index))) }
            return true
        }
        reader.close(deadlineMilliseconds: 2_000)
        return (values, position, high)
    }

    private func text(_ span: RawSpan?) -> String {
        guard let span else { return "tombstone" }
        return String(
            decoding: (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }, as: UTF8.self)
    }
}
