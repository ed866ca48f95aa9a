import CRdKafka
import Synchronization

/// Kind of request to a broker, for injected errors.
public struct KafkaRequest: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int16
    public init(rawValue: Int16) { self.rawValue = rawValue }

    public static let produce = KafkaRequest(rawValue: 0)
    public static let fetch = KafkaRequest(rawValue: 1)
    public static let listOffsets = KafkaRequest(rawValue: 2)
    public static let metadata = KafkaRequest(rawValue: 3)
    public static let offsetCommit = KafkaRequest(rawValue: 8)
    public static let offsetFetch = KafkaRequest(rawValue: 9)
    public static let findCoordinator = KafkaRequest(rawValue: 10)
    public static let joinGroup = KafkaRequest(rawValue: 11)
    public static let heartbeat = KafkaRequest(rawValue: 12)
    public static let leaveGroup = KafkaRequest(rawValue: 13)
    public static let syncGroup = KafkaRequest(rawValue: 14)
    public static let initProducerID = KafkaRequest(rawValue: 22)
    public static let addPartitionsToTransaction = KafkaRequest(rawValue: 24)
    public static let addOffsetsToTransaction = KafkaRequest(rawValue: 25)
    public static let endTransaction = KafkaRequest(rawValue: 26)
    public static let transactionOffsetCommit = KafkaRequest(rawValue: 28)
}

/// The embedded broker: librdkafka's mock cluster, listening on loopback in this process.
///
/// It answers `upselld demo` and the tests of error handling. Its limits, seen in 2.0.2 (measured.md §1a,
/// kafka-notes.md §3):
/// - each partition keeps 5 MiB (as sent, so compressed) and 100,000 batches; older ones vanish silently;
/// - a `batch.size` over 1 MB can leave a partition empty; smaller ones make fetching slow, as one batch a request is
///   given;
/// - an empty fetch is answered only after the consumer's `fetch.wait.max.ms`: use 10;
/// - asking for a topic's metadata by name creates it, with 4 partitions;
/// - a group's first join takes 3 s, each later rebalance `session.timeout.ms` − 1 s: use 3,500 to 6,000 ms;
/// - no static membership, no topic creation or configuration through ``KafkaAdmin``, no TLS, no SASL;
/// - transactions are acknowledged and otherwise ignored: nothing about exactly-once can be shown with it.
@safe public final class MockCluster: Sendable {
    /// `127.0.0.1:PORT`, joined by commas.
    public let bootstrapServers: String
    public let brokerCount: Int

    private let cluster: Cluster

    /// Starts brokers numbered 1, 2, …
    public init(brokers: Int = 1, log: KafkaLog? = nil) throws(KafkaError) {
        precondition(brokers > 0, "brokers: \(brokers)")
        let handle: KafkaHandle
        do {
            handle = try KafkaHandle(
                role: .producer, configuration: ConfigurationBuilder(), context: HandleContext(log: log))
        } catch {
            throw KafkaError(code: .criticalSystemResource, text: error.description)
        }
        guard let raw = unsafe rd_kafka_mock_cluster_new(handle.raw, Int32(brokers)),
            let addresses = unsafe rd_kafka_mock_cluster_bootstraps(raw)
        else {
            throw KafkaError(code: .criticalSystemResource, text: "The embedded broker could not listen on loopback")
        }
        bootstrapServers = unsafe String(cString: addresses)
        brokerCount = brokers
        cluster = unsafe Cluster(raw: raw, handle: handle)
        disableNagle()
    }

    /// Creates a topic, replicated to as many brokers as there are, up to 3.
    public func createTopic(name: String, partitions: Int) throws(KafkaError) {
        let result = unsafe rd_kafka_mock_topic_create(
            cluster.raw, name, Int32(clamping: partitions), Int32(min(brokerCount, 3)))
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code: KafkaErrorCode(result), topic: name) }
    }

    /// Answers the next requests of this kind with these errors, one each. The request is not executed. `.transport`
    /// closes the connection; `.noError` lets one pass.
    public func pushRequestErrors(_ request: KafkaRequest, _ codes: [KafkaErrorCode]) {
        let natives = codes.map(\.native)
        unsafe natives.withUnsafeBufferPointer { buffer in
            unsafe rd_kafka_mock_push_request_errors_array(
                cluster.raw, request.rawValue, buffer.count, buffer.baseAddress)
        }
    }

    /// Forgets errors not yet given.
    public func clearRequestErrors(_ request: KafkaRequest) {
        unsafe rd_kafka_mock_clear_request_errors(cluster.raw, request.rawValue)
    }

    /// Closes the broker's connections and refuses new ones; its leaderships stay.
    public func brokerDown(_ broker: Int) throws(KafkaError) {
        try check(unsafe rd_kafka_mock_broker_set_down(cluster.raw, Int32(broker)))
    }

    /// Accepts connections again, on the same port, with the same data.
    public func brokerUp(_ broker: Int) throws(KafkaError) {
        try check(unsafe rd_kafka_mock_broker_set_up(cluster.raw, Int32(broker)))
        disableNagle()
    }

    /// Delays each answer of the broker.
    public func setRoundTrip(_ broker: Int, milliseconds: Int) throws(KafkaError) {
        try check(unsafe rd_kafka_mock_broker_set_rtt(cluster.raw, Int32(broker), Int32(clamping: milliseconds)))
    }

    /// Moves a partition to another leader; `nil` leaves it without one.
    public func setLeader(topic: String, partition: Int32, broker: Int?) throws(KafkaError) {
        let leader = Int32(broker ?? -1)
        try check(unsafe rd_kafka_mock_partition_set_leader(cluster.raw, topic, partition, leader))
    }

    /// Puts a group's coordinator on a broker.
    public func setGroupCoordinator(_ groupID: String, broker: Int) throws(KafkaError) {
        try check(unsafe rd_kafka_mock_coordinator_set(cluster.raw, "group", groupID, Int32(broker)))
    }

    private func check(_ result: rd_kafka_resp_err_t) throws(KafkaError) {
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code: KafkaErrorCode(result)) }
    }

    /// Makes answers leave at once. The mock writes an answer in pieces and leaves Nagle's algorithm on, which costs 40
    /// ms a request (measured.md §5). Linux hands the listening socket's setting on to what it accepts, so it is enough
    /// to set it there; the sockets are known by their ports.
    private func disableNagle() {
        let ports = bootstrapServers.split(separator: ",").compactMap { $0.split(separator: ":").last }
            .compactMap { UInt16($0) }
        for port in ports { crdkafka_listener_nodelay(port) }
    }

    /// Destroys the cluster before the handle it runs on.
    @safe private final class Cluster: @unchecked Sendable {
        // `@unchecked`: the mock's calls take its own lock.
        let raw: OpaquePointer
        let handle: KafkaHandle

        init(raw: OpaquePointer, handle: KafkaHandle) {
            unsafe self.raw = raw
            self.handle = handle
        }

        deinit { unsafe rd_kafka_mock_cluster_destroy(raw) }
    }
}
