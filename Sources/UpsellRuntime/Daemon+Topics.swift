internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellTelemetry

extension Daemon {
    /// Waits until every input topic exists and has partitions; all of them must have the same number.
    ///
    /// Subscribing to a missing topic crashed librdkafka 2.0.2, and a missing input is an operator's oversight that
    /// mends itself once the topic is made; so it is waited for, with a line in the log every 10 s.
    func waitForInputs(_ inputs: InputTopics, _ consumer: KafkaConsumer) throws(DaemonError) -> Int {
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
        let names = [topics.triggers, topics.held, topics.deadLetters]
        do {
            let admin = try KafkaAdmin(properties: settings.admin, log: kafkaLog)
            let specs = names.map {
                TopicSpec(
                    name: $0, partitions: topics.partitions ?? partitionCount, replication: topics.replication ?? -1)
            }
            for result in try admin.createTopics(specs, timeoutMilliseconds: 10_000) {
                guard let error = result.error else {
                    log.info("topic created", [.topic: .text(result.name)])
                    continue
                }
                if error.code == .topicAlreadyExists { continue }
                log.warning(
                    "an output topic could not be created; it is used if it exists",
                    [.topic: .text(result.name), .error: .text(error.description)])
            }
        } catch {
            log.warning("output topics could not be created; existing ones are used", [.error: .text("\(error)")])
        }
    }

    /// Asks the brokers how large a batch they take for each output topic, and says where that lowers what is configured.
    ///
    /// Brokers that cannot answer, and topics that are not there yet, leave the configured bounds as they are.
    func outputLimits(_ settings: ClientSettings, log kafkaLog: @escaping KafkaLog) throws(DaemonError) -> OutputLimits
    {
        let topics = configuration.topics
        var bytesMax: [String: Int] = [:]
        do {
            let admin = try KafkaAdmin(properties: settings.admin, log: kafkaLog)
            for name in [topics.triggers, topics.held, topics.deadLetters] {
                do throws(KafkaError) {
                    let entries = try admin.describeConfigs(topic: name, timeoutMilliseconds: 10_000)
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
        let limits = OutputLimits(configuration: configuration, topicBytesMax: bytesMax)
        guard limits.tooSmall.isEmpty else {
            let facts = limits.tooSmall.map { "\($0.topic) takes \($0.bytes) bytes" }.joined(separator: ", ")
            throw .outputs(
                "max.message.bytes is too small for triggers and for references to dead letters: \(facts); at least "
                    + "\(OutputLimits.smallestTopicBytes) are needed")
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

    /// librdkafka's own lines, at upselld's levels. Lines about a property of the other kind of client say nothing new:
    /// every `kafka.*` key is given to each client.
    static func relay(_ line: KafkaLogLine, to log: Log) {
        let urgent = line.level <= 4 && line.facility != "CONFWARN"
        log.write(
            urgent ? .warning : .debug, "librdkafka",
            ["facility": .text(line.facility), "text": .text(line.message)])
    }
}
