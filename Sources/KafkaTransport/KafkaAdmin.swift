import CRdKafka

/// A topic to be created.
public struct TopicSpec: Sendable, Equatable {
    public var name: String
    public var partitions: Int
    /// Replicas of each partition; -1 leaves it to the broker.
    public var replication: Int
    /// Topic settings, such as `cleanup.policy`.
    public var config: [String: String]

    public init(name: String, partitions: Int, replication: Int = -1, config: [String: String] = [:]) {
        self.name = name
        self.partitions = partitions
        self.replication = replication
        self.config = config
    }
}

/// What became of one topic.
public struct TopicOutcome: Sendable {
    public let name: String
    /// `nil` on success; `TOPIC_ALREADY_EXISTS` is an error too, for the caller to weigh.
    public let error: KafkaError?
}

/// What became of one partition.
public struct PartitionOutcome: Sendable {
    public let topic: String
    public let partition: Int32
    /// Oldest offset left after `deleteRecords`.
    public let lowWatermark: Int64
    public let error: KafkaError?
}

/// One setting as the broker has it.
public struct ConfigEntry: Sendable, Equatable {
    public let name: String
    /// `nil` if the broker keeps it secret.
    public let value: String?
    public let isDefault: Bool
}

/// Creates and inspects topics. Each call blocks up to its timeout; safe from any thread.
///
/// A cluster that cannot answer a call, as the embedded broker, makes it throw ``KafkaErrorCode/unsupportedFeature``: a
/// missing capability, to be noted and skipped.
@safe public final class KafkaAdmin: Sendable {
    private let handle: KafkaHandle

    /// - Throws: every complaint about the properties at once; nothing was opened then.
    public init(properties: [KafkaProperty], log: KafkaLog? = nil) throws(KafkaConfigurationError) {
        var configuration = ConfigurationBuilder()
        configuration.apply(KafkaProperty(name: "socket.nagle.disable", value: "true", place: "built in"))
        for property in properties { configuration.apply(property) }
        handle = try KafkaHandle(role: .producer, configuration: configuration, context: HandleContext(log: log))
    }

    /// The cluster's topics that can be used, with their partition counts.
    public func listTopics(timeoutMilliseconds: Int) throws(KafkaError) -> [String: Int] {
        try handle.partitionCounts(timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Errors of the connection since the last call: brokers down, authentication refused.
    public func takeErrors() -> [KafkaError] {
        unsafe rd_kafka_poll(handle.raw, 0)
        return handle.context.takeErrors()
    }

    /// Creates topics: `rd_kafka_CreateTopics`.
    ///
    /// - Returns: one outcome for each topic. A wrong specification, such as 0 partitions, is its topic's error.
    public func createTopics(_ topics: [TopicSpec], timeoutMilliseconds: Int) throws(KafkaError) -> [TopicOutcome] {
        try requireConnection(timeoutMilliseconds)
        var outcomes: [TopicOutcome] = []
        var natives = unsafe [OpaquePointer?]()
        defer { for index in unsafe natives.indices { unsafe rd_kafka_NewTopic_destroy(natives[index]) } }
        for topic in topics {
            switch KafkaAdmin.newTopic(topic) {
            case .success(let native): unsafe natives.append(native.raw)
            case .failure(let error): outcomes.append(TopicOutcome(name: topic.name, error: error))
            }
        }
        guard unsafe !natives.isEmpty else { return outcomes }
        let event = unsafe try run(RD_KAFKA_ADMIN_OP_CREATETOPICS, timeoutMilliseconds) { options, queue in
            unsafe rd_kafka_CreateTopics(handle.raw, &natives, natives.count, options, queue)
        }
        defer { unsafe rd_kafka_event_destroy(event) }
        var count = 0
        let results = unsafe rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
        return unsafe outcomes + KafkaAdmin.outcomes(results, count)
    }

    /// Deletes topics: `rd_kafka_DeleteTopics`.
    public func deleteTopics(_ names: [String], timeoutMilliseconds: Int) throws(KafkaError) -> [TopicOutcome] {
        guard !names.isEmpty else { return [] }
        try requireConnection(timeoutMilliseconds)
        var natives = unsafe names.map { unsafe rd_kafka_DeleteTopic_new($0) }
        defer { for index in unsafe natives.indices { unsafe rd_kafka_DeleteTopic_destroy(natives[index]) } }
        let event = unsafe try run(RD_KAFKA_ADMIN_OP_DELETETOPICS, timeoutMilliseconds) { options, queue in
            unsafe rd_kafka_DeleteTopics(handle.raw, &natives, natives.count, options, queue)
        }
        defer { unsafe rd_kafka_event_destroy(event) }
        var count = 0
        let results = unsafe rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count)
        return unsafe KafkaAdmin.outcomes(results, count)
    }

    /// Deletes the records before each offset: `rd_kafka_DeleteRecords`.
    ///
    /// - Returns: one outcome for each partition; a partition may fail although the call as a whole succeeded.
    /// - Throws: ``KafkaErrorCode/unsupportedFeature`` where no partition could be asked.
    public func deleteRecords(
        before offsets: [(topic: String, partition: Int32, offset: Int64)], timeoutMilliseconds: Int
    ) throws(KafkaError) -> [PartitionOutcome] {
        guard !offsets.isEmpty else { return [] }
        guard let list = unsafe rd_kafka_topic_partition_list_new(Int32(offsets.count)) else {
            preconditionFailure("out of memory")
        }
        defer { unsafe rd_kafka_topic_partition_list_destroy(list) }
        for (topic, partition, offset) in offsets {
            unsafe rd_kafka_topic_partition_list_add(list, topic, partition)?.pointee.offset = offset
        }
        var request = unsafe rd_kafka_DeleteRecords_new(list)
        defer { unsafe rd_kafka_DeleteRecords_destroy(request) }
        let event = unsafe try run(RD_KAFKA_ADMIN_OP_DELETERECORDS, timeoutMilliseconds) { options, queue in
            unsafe rd_kafka_DeleteRecords(handle.raw, &request, 1, options, queue)
        }
        defer { unsafe rd_kafka_event_destroy(event) }
        guard let result = unsafe rd_kafka_event_DeleteRecords_result(event),
            let results = unsafe rd_kafka_DeleteRecords_result_offsets(result)
        else { return [] }
        var outcomes: [PartitionOutcome] = []
        for index in 0..<Int(unsafe results.pointee.cnt) {
            let entry = unsafe results.pointee.elems[index]
            let topic = unsafe String(cString: entry.topic)
            let code = unsafe KafkaErrorCode(entry.err)
            let (partition, low) = unsafe (entry.partition, entry.offset)
            outcomes.append(
                PartitionOutcome(
                    topic: topic, partition: partition, lowWatermark: low,
                    error: code == .noError ? nil : KafkaError(code: code, topic: topic, partition: partition)))
        }
        if let first = outcomes.first?.error, first.code == .unsupportedFeature,
            outcomes.allSatisfy({ $0.error?.code == .unsupportedFeature })
        {
            throw KafkaAdmin.unsupported("delete records")
        }
        return outcomes
    }

    /// Settings of a topic as the broker has them: `rd_kafka_DescribeConfigs`. By name, ascending.
    public func describeConfigs(topic: String, timeoutMilliseconds: Int) throws(KafkaError) -> [ConfigEntry] {
        var resource = unsafe rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic)
        defer { unsafe rd_kafka_ConfigResource_destroy(resource) }
        // Any broker knows the settings of topics; librdkafka would wait for a controller, which not every cluster names.
        let broker = try handle.anyBroker(timeoutMilliseconds: timeoutMilliseconds)
        let event = unsafe try run(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeoutMilliseconds, broker: broker) {
            options, queue in
            unsafe rd_kafka_DescribeConfigs(handle.raw, &resource, 1, options, queue)
        }
        defer { unsafe rd_kafka_event_destroy(event) }
        var count = 0
        guard let result = unsafe rd_kafka_event_DescribeConfigs_result(event),
            let resources = unsafe rd_kafka_DescribeConfigs_result_resources(result, &count), count > 0,
            let described = unsafe resources[0]
        else { throw KafkaError(code: .unknownTopicOrPartition, topic: topic) }
        let code = unsafe KafkaErrorCode(rd_kafka_ConfigResource_error(described))
        guard code == .noError else {
            let text = unsafe rd_kafka_ConfigResource_error_string(described).map { unsafe String(cString: $0) }
            throw KafkaError(code: code, text: text, topic: topic)
        }
        var entries: [ConfigEntry] = []
        var entryCount = 0
        guard let list = unsafe rd_kafka_ConfigResource_configs(described, &entryCount) else { return [] }
        for index in 0..<entryCount {
            guard let entry = unsafe list[index], let name = unsafe rd_kafka_ConfigEntry_name(entry) else { continue }
            let value = unsafe rd_kafka_ConfigEntry_value(entry).map { unsafe String(cString: $0) }
            unsafe entries.append(
                ConfigEntry(
                    name: String(cString: name), value: value, isDefault: rd_kafka_ConfigEntry_is_default(entry) == 1))
        }
        return entries.sorted { $0.name < $1.name }
    }

    // MARK: - Requests

    /// Sends one request and waits for its event, which the caller destroys.
    private func run(
        _ operation: rd_kafka_admin_op_t, _ timeoutMilliseconds: Int, broker: Int32? = nil,
        _ send: (OpaquePointer, OpaquePointer) -> Void
    ) throws(KafkaError) -> OpaquePointer {
        guard let options = unsafe rd_kafka_AdminOptions_new(handle.raw, operation),
            let queue = unsafe rd_kafka_queue_new(handle.raw)
        else { preconditionFailure("out of memory") }
        defer {
            unsafe rd_kafka_queue_destroy(queue)
            unsafe rd_kafka_AdminOptions_destroy(options)
        }
        let timeout = Int32(clamping: max(timeoutMilliseconds, 1))
        _ = unsafe rd_kafka_AdminOptions_set_request_timeout(options, timeout, nil, 0)
        if operation != RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS {
            _ = unsafe rd_kafka_AdminOptions_set_operation_timeout(options, timeout, nil, 0)
        }
        if let broker { _ = unsafe rd_kafka_AdminOptions_set_broker(options, broker, nil, 0) }
        unsafe send(options, queue)
        // The library answers by the request's timeout; the margin is for a busy machine.
        guard let event = unsafe rd_kafka_queue_poll(queue, timeout &+ 2_000) else {
            throw KafkaError(code: .timedOut, text: "No answer within \(timeoutMilliseconds) ms")
        }
        let code = unsafe KafkaErrorCode(rd_kafka_event_error(event))
        guard code == .noError else {
            let text = unsafe rd_kafka_event_error_string(event).map { unsafe String(cString: $0) }
            unsafe rd_kafka_event_destroy(event)
            if code == .unsupportedFeature || code == .unsupportedVersion {
                throw KafkaAdmin.unsupported("answer this request")
            }
            if code == .timedOut, text?.contains("waiting for controller") == true {
                throw KafkaAdmin.unsupported("create, delete or describe topics: it names no controller")
            }
            throw KafkaError(code: code, text: text)
        }
        return unsafe event
    }

    /// Waits for a connection, and fails where there is none. Without it, a cluster that cannot be reached and one
    /// without a controller, as the embedded broker is, would end in the same timeout.
    private func requireConnection(_ timeoutMilliseconds: Int) throws(KafkaError) {
        _ = try handle.partitionCounts(timeoutMilliseconds: timeoutMilliseconds)
    }

    private static func unsupported(_ what: String) -> KafkaError {
        KafkaError(code: .unsupportedFeature, text: "This cluster cannot \(what)", recovery: .terminate)
    }

    /// A specification the caller destroys.
    private static func newTopic(_ topic: TopicSpec) -> Result<AdminPointer, KafkaError> {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            let made = unsafe rd_kafka_NewTopic_new(
                topic.name, Int32(clamping: topic.partitions), Int32(clamping: topic.replication), text.baseAddress,
                text.count)
            guard let made = unsafe made else {
                let reason = unsafe text.baseAddress.map { unsafe String(cString: $0) }
                return .failure(KafkaError(code: .invalidArgument, text: reason, topic: topic.name))
            }
            for (name, value) in topic.config.sorted(by: { $0.key < $1.key }) {
                let result = unsafe rd_kafka_NewTopic_set_config(made, name, value)
                guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
                    unsafe rd_kafka_NewTopic_destroy(made)
                    return .failure(KafkaError(code: KafkaErrorCode(result), text: name, topic: topic.name))
                }
            }
            return .success(unsafe AdminPointer(raw: made))
        }
    }

    private static func outcomes(_ results: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int) -> [TopicOutcome] {
        guard let results = unsafe results else { return [] }
        var outcomes: [TopicOutcome] = []
        for index in 0..<count {
            guard let result = unsafe results[index], let name = unsafe rd_kafka_topic_result_name(result) else {
                continue
            }
            let topic = unsafe String(cString: name)
            let code = unsafe KafkaErrorCode(rd_kafka_topic_result_error(result))
            let text = unsafe rd_kafka_topic_result_error_string(result).map { unsafe String(cString: $0) }
            outcomes.append(
                TopicOutcome(
                    name: topic, error: code == .noError ? nil : KafkaError(code: code, text: text, topic: topic)))
        }
        return outcomes
    }
}

/// A pointer on its way out of a closure.
@safe private struct AdminPointer {
    let raw: OpaquePointer
}
