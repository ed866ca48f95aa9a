internal import KafkaTransport
public import UpsellConfiguration
public import UpsellModel
internal import UpsellWire

/// Writes commands to the control topic: what `upselld pause` and its like do.
public enum ControlSender {
    /// Writes one record and waits for its acknowledgement; makes the topic where it is missing and may be made.
    ///
    /// - Parameters:
    ///   - by: who gives it, as `user@host`.
    ///   - timeoutMilliseconds: for all of it.
    /// - Throws: `.settings` for what librdkafka refuses; `.unavailable` where Kafka does not answer in time, or the topic
    ///   is missing and may not be made; `.outputs` for a topic of several partitions; `.kafka` where Kafka refuses it.
    public static func send(
        _ action: ControlCommand.Action, rule: String, by: String, time: Timestamp, configuration: Configuration,
        timeoutMilliseconds: Int
    ) throws(DaemonError) {
        let settings = ClientSettings(configuration)
        let complaints = settings.complaints()
        guard complaints.isEmpty else { throw .settings(complaints) }
        let name = configuration.topics.control
        let producer: KafkaProducer
        do {
            let properties = settings.producer(OutputLimits(configuration: configuration, topicBytesMax: [:]))
            producer = try KafkaProducer(
                properties: properties.filter { !["transaction.timeout.ms", "transactional.id"].contains($0.name) },
                log: { _ in })
        } catch {
            throw .settings(error.complaints)
        }
        let deadline = ContinuousClock.now + .milliseconds(timeoutMilliseconds)
        func left() -> Int { max(1, Int((deadline - ContinuousClock.now) / .milliseconds(1))) }
        let partitions = try ask { () throws(KafkaError) in
            let found = try producer.metadata(topics: [name], timeoutMilliseconds: left())[name] ?? 0
            guard found == 0, configuration.topics.create else { return found }
            return try create(name, configuration, settings, timeoutMilliseconds: left())
        }
        guard partitions > 0 else {
            throw .unavailable("the control topic \(name) is not there, and topics.create is false")
        }
        guard partitions == 1 else {
            throw .outputs("the control topic \(name) has \(partitions) partitions instead of one")
        }
        let value = ControlEncoder.encode(action: action, rule: rule, by: by, time: time)
        try ask { () throws(KafkaError) in
            try producer.produce(OutputRecord(topic: name, partition: 0, value: value))
            try producer.flush(timeoutMilliseconds: left())
        }
    }

    private static func ask<Answer>(_ question: () throws(KafkaError) -> Answer) throws(DaemonError) -> Answer {
        do throws(KafkaError) {
            return try question()
        } catch {
            guard error.recovery == .retryCall else { throw .kafka("the control record was not written", error) }
            throw .unavailable("Kafka did not take the control record in time: \(error.description)")
        }
    }

    private static func create(
        _ name: String, _ configuration: Configuration, _ settings: ClientSettings, timeoutMilliseconds: Int
    ) throws(KafkaError) -> Int {
        let spec = TopicSpec(
            name: name, partitions: 1, replication: configuration.topics.replication ?? -1,
            config: Daemon.controlTopicSettings)
        let admin: KafkaAdmin
        do {
            admin = try KafkaAdmin(properties: settings.admin, log: { _ in })
        } catch {
            throw KafkaError(code: .invalidArgument, text: error.description, recovery: .terminate)
        }
        let outcome = try admin.createTopics([spec], timeoutMilliseconds: timeoutMilliseconds).first
        if let error = outcome?.error, error.code != .topicAlreadyExists { throw error }
        return 1
    }
}
