public import KafkaTransport
public import UpsellConfiguration

/// What librdkafka's handles are told: everything below `kafka:` in the configuration, and what exactly the daemon
/// relies on.
public struct ClientSettings: Sendable {
    private let configuration: Configuration

    public init(_ configuration: Configuration) { self.configuration = configuration }

    /// Keys that the daemon sets itself, and why the configuration may not.
    static let reserved: [(name: String, why: String)] = [
        ("group.id", "it is `group.id` of upselld.yaml, outside `kafka`"),
        ("group.instance.id", "it derives from `group.slot`"),
        ("transactional.id", "it derives from `group.slot`"),
        ("enable.auto.commit", "positions are kept by the daemon"),
        ("enable.auto.offset.store", "positions are kept by the daemon"),
        ("auto.offset.reset", "a silent reset would lose or repeat events"),
        ("isolation.level", "inputs are read committed"),
        ("partition.assignment.strategy", "inputs are assigned together with the lead topic"),
        ("enable.partition.eof", "ends of inputs drive the partition clocks"),
        ("enable.idempotence", "outputs are written idempotently"),
        ("queued.min.messages", "it is `runtime.prefetch.queuedMinMessages`"),
        ("queued.max.messages.kbytes", "it is `runtime.prefetch.queuedMaxKbytes`"),
    ]

    /// Everything librdkafka or the daemon objects to, each with its place; connects to nothing.
    public func complaints() -> [ConfigurationComplaint] {
        var complaints: [ConfigurationComplaint] = []
        for setting in configuration.kafka {
            guard let reserved = Self.reserved.first(where: { $0.name == setting.name }) else { continue }
            complaints.append(
                ConfigurationComplaint(
                    name: setting.name, place: setting.place,
                    text: "kafka.\(setting.name): may not be set here: \(reserved.why)"))
        }
        return complaints + KafkaProperty.complaints(in: passedThrough, for: .producer)
    }

    private var passedThrough: [KafkaProperty] {
        configuration.kafka
            .filter { setting in !Self.reserved.contains { $0.name == setting.name } }
            .map { KafkaProperty(name: $0.name, value: $0.value, place: $0.place) }
    }

    private func own(_ name: String, _ value: String) -> KafkaProperty {
        KafkaProperty(name: name, value: value, place: "upselld")
    }

    /// The configuration's value wins where the daemon only has a better default than librdkafka.
    private func preferred(_ name: String, _ value: String) -> [KafkaProperty] {
        configuration.kafka.contains { $0.name == name } ? [] : [own(name, value)]
    }

    var consumer: [KafkaProperty] {
        let runtime = configuration.runtime
        var properties = passedThrough
        // Answers come at once when there is something; 50 ms bounds an empty wait and so the notice of an end.
        properties += preferred("fetch.wait.max.ms", "50") + preferred("socket.nagle.disable", "true")
        properties += preferred("client.id", "upselld") + preferred("check.crcs", "true")
        properties += [
            own("group.instance.id", configuration.group.slot), own("enable.auto.commit", "false"),
            own("enable.auto.offset.store", "false"), own("auto.offset.reset", "error"),
            own("isolation.level", "read_committed"), own("partition.assignment.strategy", "cooperative-sticky"),
            own("enable.partition.eof", "true"), own("allow.auto.create.topics", "false"),
            own("queued.min.messages", String(runtime.queuedMinMessages)),
            own("queued.max.messages.kbytes", String(runtime.queuedMaxKbytes)),
        ]
        return properties
    }

    func producer(_ limits: OutputLimits) -> [KafkaProperty] {
        var properties = passedThrough
        // The same placement as Java producers, so that readers find an account where they expect it.
        properties += preferred("partitioner", "murmur2_random") + preferred("linger.ms", "5")
        properties += preferred("compression.type", "lz4") + preferred("socket.nagle.disable", "true")
        properties += preferred("client.id", "upselld")
        properties += preferred("message.max.bytes", String(limits.messageBytesMax))
        // A dead owner's transaction keeps its successor waiting for so long at most.
        properties += preferred("transaction.timeout.ms", String(ClientSettings.transactionTimeoutDefault))
        properties += preferred("retry.backoff.ms", "5")
        if let bytes = limits.batchBytesMax { properties.append(own("batch.size", String(bytes))) }
        return properties
    }

    /// For readers beside the group.
    var reader: [KafkaProperty] {
        passedThrough.filter { !["fetch.wait.max.ms", "fetch.min.bytes"].contains($0.name) }
            + preferred("client.id", "upselld") + preferred("check.crcs", "true")
            + [own("allow.auto.create.topics", "false")]
    }

    /// Milliseconds after which brokers abort an open transaction, as configured.
    var transactionTimeout: Int64 {
        let configured = configuration.kafka.last { $0.name == "transaction.timeout.ms" }
        return configured.flatMap { Int64($0.value) } ?? Self.transactionTimeoutDefault
    }
    private static let transactionTimeoutDefault: Int64 = 10_000

    var admin: [KafkaProperty] { passedThrough + preferred("client.id", "upselld") }
}
