import UpsellSimulation

/// A simulated broker with a topic of usage, a state topic and a group, and short ways to write transactions.
struct BrokerFixture {
    let kafka: SimulatedKafka
    let state = TopicPartition("state", 0)
    let lead = TopicPartition("usage", 0)
    static let group = "upselld"

    init(markerDelay: ClosedRange<Int64> = 0...0, slowMarkerChance: Int = 0) {
        var settings = SimulatedKafka.Settings()
        settings.markerDelay = markerDelay
        settings.slowMarkerChance = slowMarkerChance
        kafka = SimulatedKafka(random: SimulationRandom(seed: 1), start: 1_000_000, settings: settings)
        kafka.createTopic("state", partitions: 2)
        kafka.createTopic("usage", partitions: 4)
        kafka.declareGroup(Self.group, leadTopic: "usage")
    }

    static func record(_ text: String) -> SimulatedRecord {
        SimulatedRecord(key: nil, value: Array(text.utf8), timestamp: 0)
    }

    func texts(_ partition: TopicPartition, _ isolation: Isolation) throws -> [String] {
        let low = try kafka.listOffsets(partition, isolation).low
        return try kafka.fetch(partition, from: low, isolation, max: 1_000).records.map {
            String(decoding: $0.record.value ?? [], as: UTF8.self)
        }
    }

    /// Adds the state partition and produces one record.
    func write(_ text: String, _ id: String, _ producer: ProducerIdentity, sequence: Int = 0) throws {
        try kafka.addPartitions(id, producer, [state])
        try kafka.produce(id, producer, to: state, [Self.record(text)], sequence: sequence)
    }

    func sendOffset(_ offset: Int64, _ id: String, _ producer: ProducerIdentity, _ member: GroupMetadata) throws {
        try kafka.addOffsets(id, producer, group: Self.group)
        try kafka.commitOffsets(
            id, producer, group: Self.group, member, [lead: CommittedOffset(offset: offset, metadata: "e")])
    }

    func end(_ id: String, _ producer: ProducerIdentity, isCommit: Bool) throws {
        try kafka.endTransaction(id, producer, isCommit: isCommit)
        settle()
    }

    func settle(_ milliseconds: Int64 = 1_000) { kafka.advance(to: kafka.now + milliseconds) }

    func offset(isStable: Bool) throws -> Int64? {
        try kafka.fetchOffset(Self.group, lead, isStable: isStable)?.offset
    }

    /// Joins as a process would: joins, then asks until it is assigned.
    func join(_ instance: String, member: String? = nil, owned: [Int32] = []) throws -> String {
        try kafka.join(Self.group, instance: instance, member: member, owned: owned)
    }

    func sync(_ instance: String, _ member: String) throws -> SyncAnswer {
        try kafka.sync(Self.group, instance: instance, member: member)
    }

    /// One member with everything, and its metadata.
    func soleMember(_ instance: String = "a") throws -> GroupMetadata {
        let member = try join(instance)
        guard case .assigned(let generation, _) = try sync(instance, member) else {
            return GroupMetadata.none
        }
        return GroupMetadata(generation: generation, member: member, instance: instance)
    }
}
