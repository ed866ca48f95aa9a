internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellTelemetry

extension Daemon {
    /// Waits until every input topic exists and has partitions; all of them must have the same number.
    ///
    /// Subscribing to a missing topic crashed librdkafka 2.0.2, and a missing input is an operator's oversight that
    /// mends itself once the topic is made; so it is waited for, with a line in the log every 10 s.
    ///
    /// The feedback topic is created beside the others where nobody has made it yet: what reports back may come later
    /// than the daemon.
    func waitForInputs(
        _ inputs: InputTopics, _ consumer: KafkaConsumer, _ settings: ClientSettings, log kafkaLog: @escaping KafkaLog
    ) throws(DaemonError) -> Int {
        let began = clock.now()
        var lastLog = Timestamp.earliest
        while true {
            if isStopRequested { throw .unavailable("stopped while waiting for Kafka") }
            var missing = inputs.names
            var trouble = "no such topic"
            do {
                let counts = try consumer.metadata(topics: inputs.names, timeoutMilliseconds: 2_000)
                missing = inputs.names.filter { (counts[$0] ?? 0) == 0 }
                if missing.isEmpty { return try samePartitionCount(inputs, counts) }
                if missing == [configuration.topics.feedback], configuration.topics.create {
                    create(
                        [
                            TopicSpec(
                                name: configuration.topics.feedback, partitions: counts[inputs.names[0]] ?? 1,
                                replication: configuration.topics.replication ?? -1)
                        ], settings, log: kafkaLog)
                }
            } catch let error as KafkaError {
                trouble = error.description
            } catch let error as DaemonError {
                throw error
            } catch {
                preconditionFailure("metadata throws only KafkaError")
            }
            let now = clock.now()
            if let timeout = configuration.startTimeout, now - began >= timeout {
                throw .unavailable(
                    "Kafka at \(bootstrapServers) did not show the input topics \(missing.joined(separator: ", ")) within "
                        + "kafka.startTimeout (\(timeout) ms): \(trouble)")
            }
            if now - lastLog >= 10_000 {
                lastLog = now
                log.warning(
                    "waiting for input topics",
                    [
                        .topic: .text(missing.joined(separator: ",")), .servers: .text(bootstrapServers),
                        .reason: .text(trouble),
                    ])
            }
            pause(milliseconds: 500)
        }
    }

    var bootstrapServers: String {
        configuration.kafka.last { $0.name == "bootstrap.servers" || $0.name == "metadata.broker.list" }?.value ?? "?"
    }

    private func samePartitionCount(_ inputs: InputTopics, _ counts: [String: Int]) throws(DaemonError) -> Int {
        let lead = counts[inputs.names[0]] ?? 0
        let differing = inputs.names.filter { counts[$0] != lead }
        guard differing.isEmpty else {
            let facts = inputs.names.map { "\($0) has \(counts[$0] ?? 0)" }.joined(separator: ", ")
            throw .inputs(
                "input topics must have the same number of partitions, so that an account's records meet: \(facts); "
                    + "re-publish the differing ones with the partition count of \(inputs.names[0]) (the `rekey` stage "
                    + "will do this once it exists)")
        }
        return lead
    }

    /// Creates the output topics that this version writes, where they are missing.
    func createOutputs(
        _ settings: ClientSettings, partitionCount: Int, log kafkaLog: @escaping KafkaLog
    ) throws(DaemonError) {
        let topics = configuration.topics
        let replication = topics.replication ?? -1
        var specs = (topics.outputs + [topics.deadLetters]).map {
            TopicSpec(
                name: $0, partitions: topics.partitions ?? partitionCount, replication: replication,
                config: $0 == topics.open ? Self.openTopicSettings : [:])
        }
        for name in [topics.state, topics.journal] {
            specs.append(
                TopicSpec(
                    name: name, partitions: partitionCount, replication: replication,
                    config: name == topics.state ? Self.stateTopicSettings : [:]))
        }
        specs.append(
            TopicSpec(
                name: topics.control, partitions: 1, replication: replication, config: Self.controlTopicSettings))
        create(specs, settings, log: kafkaLog)
    }

    private func create(_ specs: [TopicSpec], _ settings: ClientSettings, log kafkaLog: @escaping KafkaLog) {
        do {
            let admin = try KafkaAdmin(properties: settings.admin, log: kafkaLog)
            for result in try admin.createTopics(specs, timeoutMilliseconds: 10_000) {
                guard let error = result.error else {
                    log.info("topic created", [.topic: .text(result.name)])
                    continue
                }
                if error.code == .topicAlreadyExists { continue }
                log.warning(
                    "a topic could not be created; it is used if it exists",
                    [.topic: .text(result.name), .error: .text(error.description)])
            }
        } catch {
            log.warning("topics could not be created; existing ones are used", [.error: .text("\(error)")])
        }
    }

    /// What is open of an account is its newest record.
    static let openTopicSettings = ["cleanup.policy": "compact"]
    /// A pause holds until somebody ends it, also for a partition that is read years later.
    static let controlTopicSettings = ["cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"]

    /// The state log is trimmed by the daemon alone: under a retention by time an idle partition's log would vanish while
    /// its group offset remains.
    static let stateTopicSettings = ["cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"]

    /// Asks the brokers how large a batch they take for each output topic, and says where that lowers what is configured.
    ///
    /// Brokers that cannot answer, and topics that are not there yet, leave the configured bounds as they are.
    func outputLimits(_ settings: ClientSettings, log kafkaLog: @escaping KafkaLog) throws(DaemonError) -> OutputLimits
    {
        let topics = configuration.topics
        var bytesMax: [String: Int] = [:]
        var stateSettings: [ConfigEntry] = []
        do {
            let admin = try KafkaAdmin(properties: settings.admin, log: kafkaLog)
            for name in topics.outputs + [topics.deadLetters, topics.state, topics.journal] {
                do throws(KafkaError) {
                    let entries = try admin.describeConfigs(topic: name, timeoutMilliseconds: 10_000)
                    if name == topics.state { stateSettings = entries }
                    if name == topics.open { warnAboutOpenTopic(entries) }
                    bytesMax[name] = entries.first { $0.name == "max.message.bytes" }?.value.flatMap { Int($0) }
                } catch {
                    log.info(
                        "the largest message of an output topic is unknown; the configured bounds are used",
                        [.topic: .text(name), .error: .text(error.description)])
                    if error.code == .unsupportedFeature { break }
                }
            }
        } catch {
            throw .settings(error.complaints)
        }
        try checkStateTopic(stateSettings)
        let limits = OutputLimits(configuration: configuration, topicBytesMax: bytesMax)
        guard limits.tooSmall.isEmpty else {
            let facts = limits.tooSmall.map { "\($0.topic) takes \($0.bytes) bytes" }.joined(separator: ", ")
            throw .outputs(
                "max.message.bytes is too small: \(facts); at least \(OutputLimits.smallestTopicBytes) are needed for "
                    + "triggers and references to dead letters, \(OutputLimits.smallestLogBytes) for state log and journal"
            )
        }
        if limits.deadLetterBytesMax < configuration.runtime.deadLetterMaxBytes {
            log.warning(
                "dead letters larger than their topic or message.max.bytes takes become references",
                [
                    .topic: .text(topics.deadLetters), "configured": .init(configuration.runtime.deadLetterMaxBytes),
                    "effective": .init(limits.deadLetterBytesMax),
                ])
        }
        if let bytes = limits.batchBytesMax {
            log.info("batch.size is lowered to what every output topic takes", ["bytes": .init(bytes)])
        }
        return limits
    }

    private func warnAboutOpenTopic(_ settings: [ConfigEntry]) {
        guard let policy = settings.first(where: { $0.name == "cleanup.policy" })?.value,
            !policy.split(separator: ",").contains("compact")
        else { return }
        log.warning(
            "the topic of open triggers is not compacted: it grows with every change, or forgets what is open",
            [.topic: .text(configuration.topics.open), "cleanup_policy": .text(policy)])
    }

    /// A state topic that deletes or compacts by itself loses state while the group's offsets stay: seen on real brokers.
    private func checkStateTopic(_ settings: [ConfigEntry]) throws(DaemonError) {
        let wrong = Self.stateTopicSettings.sorted { $0.key < $1.key }.compactMap { name, value -> String? in
            guard let found = settings.first(where: { $0.name == name })?.value, found != value else { return nil }
            return "\(name) is \(found) instead of \(value)"
        }
        guard wrong.isEmpty else {
            throw .outputs(
                "the state log \(configuration.topics.state) would lose state by itself: "
                    + "\(wrong.joined(separator: ", ")); set it with `kafka-configs.sh --alter --entity-type topics "
                    + "--entity-name \(configuration.topics.state) --add-config cleanup.policy=delete,retention.ms=-1,"
                    + "retention.bytes=-1`")
        }
    }

    /// State log and journal have a partition for each input partition.
    func checkInternalTopics(_ consumer: KafkaConsumer, partitionCount: Int) throws(DaemonError) {
        let names = [configuration.topics.state, configuration.topics.journal]
        for _ in 0..<100 {
            if isStopRequested { throw .unavailable("stopped while waiting for Kafka") }
            if let counts = try? consumer.metadata(topics: names, timeoutMilliseconds: 5_000) {
                let missing = names.filter { (counts[$0] ?? 0) == 0 }
                let differing = names.filter { (counts[$0] ?? partitionCount) != partitionCount }
                guard differing.isEmpty else {
                    let facts = differing.map { "\($0) has \(counts[$0] ?? 0)" }.joined(separator: ", ")
                    throw .inputs(
                        "state log and journal must have as many partitions as the inputs, \(partitionCount): \(facts). A "
                            + "changed partition count needs the `rekey` stage (once it exists), or a new group with new "
                            + "internal topics")
                }
                if missing.isEmpty { return }
            }
            pause(milliseconds: 100)
        }
        throw .outputs(
            "the internal topics \(names.joined(separator: ", ")) are not there; create them with \(partitionCount) "
                + "partitions, or set topics.create: true")
    }

    /// Control records are read from one partition.
    func checkControlTopic(_ consumer: KafkaConsumer) throws(DaemonError) {
        let name = configuration.topics.control
        guard let counts = try? consumer.metadata(topics: [name], timeoutMilliseconds: 5_000) else { return }
        let partitions = counts[name] ?? 0
        if partitions > 1 {
            throw .outputs(
                "the control topic \(name) has \(partitions) partitions, and records of several have no order; make it "
                    + "anew with one")
        }
        if partitions == 0, !configuration.topics.create {
            log.warning(
                "the control topic is not there: rules can be paused once it is",
                [.topic: .text(name)])
        }
    }

    /// librdkafka's own lines, at upselld's levels. Lines about a property of the other kind of client say nothing new:
    /// every `kafka.*` key is given to each client.
    static func relay(_ line: KafkaLogLine, to log: Log) {
        let urgent = line.level <= 4 && line.facility != "CONFWARN"
        log.write(
            urgent ? .warning : .debug, "librdkafka",
            ["facility": .text(line.facility), "text": .text(line.message)])
    }
}
