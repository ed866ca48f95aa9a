import KafkaTransport
import Testing

@Suite(.serialized, .enabled(if: TransportBroker.isThere), .timeLimit(.minutes(3))) struct TransportAdminTests {
    @Test func topicsAreCreatedWithTheirSettingsAndFailOneByOne() throws {
        let admin = try KafkaAdmin(properties: TransportBroker.properties())
        let name = TransportBroker.unique("state")
        let spec = TopicSpec(
            name: name, partitions: 3, replication: 1, config: ["cleanup.policy": "delete", "retention.ms": "-1"])
        try TransportBroker.createTopics([spec])
        let other = TransportBroker.unique("other")
        let outcomes = try admin.createTopics(
            [
                spec, TopicSpec(name: other, partitions: 1, replication: 1),
                TopicSpec(name: TransportBroker.unique("wrong"), partitions: 1, config: ["no.such.setting": "1"]),
                TopicSpec(name: TransportBroker.unique("none"), partitions: 0),
            ], timeoutMilliseconds: 15_000)
        #expect(outcomes.count == 4)
        #expect(outcomes.first { $0.name == name }?.error?.code == .topicAlreadyExists)
        #expect(outcomes.first { $0.name == other }.map { $0.error == nil } == true)
        #expect(outcomes.filter { $0.error != nil }.count == 3)

        let settings = try admin.describeConfigs(topic: name, timeoutMilliseconds: 15_000)
        let byName = Dictionary(uniqueKeysWithValues: settings.map { ($0.name, $0) })
        #expect(byName["retention.ms"]?.value == "-1")
        #expect(byName["retention.ms"]?.isDefault == false)
        #expect(byName["max.message.bytes"]?.isDefault == true)
        #expect(throws: KafkaError(code: .unknownTopicOrPartition)) {
            _ = try admin.describeConfigs(topic: TransportBroker.unique("absent"), timeoutMilliseconds: 15_000)
        }
        #expect(try admin.listTopics(timeoutMilliseconds: 5_000)[name] == 3)
        #expect(try admin.deleteTopics([name, other], timeoutMilliseconds: 15_000).compactMap(\.error).isEmpty)
        #expect(admin.takeErrors().isEmpty)
    }

    @Test func recordsAreDeletedBeforeAnOffset() throws {
        let topic = TransportBroker.unique("state")
        try TransportBroker.createTopics([TopicSpec(name: topic, partitions: 2, replication: 1)])
        try TransportBroker.produce(
            (0..<10).map { OutputRecord(topic: topic, partition: 1, value: Array("\($0)".utf8)) })
        let admin = try KafkaAdmin(properties: TransportBroker.properties())
        let outcomes = try admin.deleteRecords(before: [(topic, 1, 4), (topic, 0, 99)], timeoutMilliseconds: 15_000)
        #expect(outcomes.count == 2)
        let deleted = try #require(outcomes.first { $0.partition == 1 })
        #expect(deleted.error == nil)
        #expect(deleted.lowWatermark == 4)
        #expect(outcomes.first { $0.partition == 0 }?.error?.code == .offsetOutOfRange)
        let consumer = try KafkaConsumer(
            properties: TransportBroker.properties(), inputTopics: [topic], groupID: TransportBroker.unique("group"))
        #expect(try consumer.watermarks(input: 0, partition: 1, timeoutMilliseconds: 10_000) == (4, 10))
        #expect(consumer.close(deadlineMilliseconds: 10_000))
    }

    @Test func missingInputIsSeenAsMissingAndLaterAsThere() throws {
        let topic = TransportBroker.unique("usage")
        let consumer = try KafkaConsumer(
            properties: TransportBroker.properties(), inputTopics: [topic], groupID: TransportBroker.unique("group"))
        #expect(try consumer.metadata(topics: [topic], timeoutMilliseconds: 10_000).isEmpty)
        try TransportBroker.createTopics([TopicSpec(name: topic, partitions: 5, replication: 1)])
        #expect(try consumer.metadata(topics: [topic], timeoutMilliseconds: 10_000) == [topic: 5])
        #expect(consumer.close(deadlineMilliseconds: 10_000))
    }
}
