import CRdKafka
import Dispatch
import Synchronization

/// One line of librdkafka's own log.
public struct KafkaLogLine: Sendable, Equatable {
    /// Severity as in syslog: 3 error, 4 warning, 5 notice, 6 info, 7 debug.
    public let level: Int
    /// librdkafka's word for the subject, such as `FAIL` or `CONFWARN`.
    public let facility: String
    public let message: String
}

/// Receives librdkafka's log lines, on any of its threads; must not block and must not call the client.
public typealias KafkaLog = @Sendable (KafkaLogLine) -> Void

/// What librdkafka's callbacks write to. One for each handle; it lives until the handle's threads are joined.
final class HandleContext: Sendable {
    /// Errors kept between two polls; the newest are dropped beyond it, they repeat.
    private static let errorCapacity = 256
    /// Failed deliveries described one by one; beyond it they are only counted.
    private static let failureCapacity = 16

    struct Deliveries: Sendable {
        var delivered = 0
        var failed = 0
        var failures: [KafkaError] = []
        /// Offset after the newest acknowledged record of a partition; `nil` where the broker did not tell it.
        var ends: [Destination: Int64?] = [:]
    }

    /// A partition that records go to, by its topic handle: names would cost a string for each record.
    struct Destination: Sendable, Hashable {
        let topic: UInt
        let partition: Int32
    }

    private let log: KafkaLog?
    private let statisticsHandler: (@Sendable (String) -> Void)?
    private let statistics = Mutex<String?>(nil)
    private let errors = Mutex<[KafkaError]>([])
    private let deliveries = Mutex(Deliveries())
    private let tracksEnds: Bool
    private let destroyed = DispatchSemaphore(value: 0)
    /// Set for consumers. Touched on the poll thread alone, where rebalance callbacks are served.
    let assignment: AssignmentState?

    init(
        log: KafkaLog? = nil, statistics: (@Sendable (String) -> Void)? = nil, assignment: AssignmentState? = nil,
        tracksEnds: Bool = false
    ) {
        self.tracksEnds = tracksEnds
        self.log = log
        self.statisticsHandler = statistics
        self.assignment = assignment
    }

    var lastStatistics: String? { statistics.withLock { $0 } }

    func record(_ line: KafkaLogLine) { log?(line) }

    func record(statistics json: String) {
        statistics.withLock { $0 = json }
        statisticsHandler?(json)
    }

    func record(_ error: KafkaError) {
        errors.withLock { if $0.count < HandleContext.errorCapacity { $0.append(error) } }
    }

    func takeErrors() -> [KafkaError] {
        errors.withLock { errors in
            let taken = errors
            errors = []
            return taken
        }
    }

    /// Counts an acknowledged record. Reports of a partition come in the order of its offsets.
    func recordDelivery(to destination: Destination, offset: Int64) {
        deliveries.withLock {
            $0.delivered += 1
            // A retry that the broker recognised as one may be acknowledged without an offset.
            if tracksEnds { $0.ends[destination] = .some(offset >= 0 ? offset + 1 : nil) }
        }
    }

    func acknowledgedEnd(of destination: Destination) -> Int64? {
        deliveries.withLock { $0.ends[destination] ?? nil }
    }

    func recordDelivery(failure: KafkaError) {
        deliveries.withLock {
            $0.failed += 1
            if $0.failures.count < HandleContext.failureCapacity { $0.failures.append(failure) }
        }
    }

    var deliveryCounts: (delivered: Int, failed: Int) { deliveries.withLock { ($0.delivered, $0.failed) } }

    /// Failures since the last call, and their number.
    func takeDeliveryFailures() -> (failures: [KafkaError], count: Int) {
        deliveries.withLock { deliveries in
            let taken = (deliveries.failures, deliveries.failed)
            deliveries.failures = []
            deliveries.failed = 0
            return taken
        }
    }

    func noteDestroyed() { destroyed.signal() }

    /// Waits until the handle's threads are joined and its connections closed; one caller, once.
    func waitUntilDestroyed(milliseconds: Int) {
        _ = destroyed.wait(timeout: .now() + .milliseconds(milliseconds))
    }
}

/// Owns one `rd_kafka_t`, which is thread-safe by its header.
///
/// Children (message batches, queues) keep a strong reference, so the handle is destroyed last. `rd_kafka_destroy`
/// joins the library's threads and may take seconds, so it runs on a queue of its own, never on the one that lets go
/// last.
@safe final class KafkaHandle: @unchecked Sendable {
    // `@unchecked`: the only state is two pointers that never change, to objects that are thread-safe.
    let raw: OpaquePointer
    /// The group member's queue; `nil` for the others. `rd_kafka_queue_destroy` before the handle.
    let queue: OpaquePointer?
    let context: HandleContext
    private let retainedContext: Unmanaged<HandleContext>

    /// Makes a client. The library takes the configuration over only on success; every other path destroys it.
    ///
    /// - Parameter isGroupMember: whether a consumer's events all go to the one queue of its group.
    init(
        role: KafkaRole, configuration: consuming ConfigurationBuilder, context: HandleContext,
        isGroupMember: Bool = true
    ) throws(KafkaConfigurationError) {
        guard configuration.complaints.isEmpty, let native = unsafe configuration.duplicate() else {
            throw KafkaConfigurationError(complaints: configuration.complaints)
        }
        let retained = unsafe Unmanaged.passRetained(context)
        unsafe rd_kafka_conf_set_opaque(native, retained.toOpaque())
        unsafe KafkaHandle.installCallbacks(on: native, role: role)
        var complaint = ""
        let made: OpaquePointer? = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { text in
            let type = role == .consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER
            let made = unsafe rd_kafka_new(type, native, text.baseAddress, text.count)
            if unsafe made == nil, let start = text.baseAddress { complaint = unsafe String(cString: start) }
            return unsafe made
        }
        guard let made = unsafe made else {
            unsafe rd_kafka_conf_destroy(native)
            unsafe retained.release()
            configuration.complain(complaint)
            throw KafkaConfigurationError(complaints: configuration.complaints)
        }
        unsafe raw = made
        unsafe retainedContext = retained
        self.context = context
        if role == .consumer, isGroupMember {
            // One queue for messages, rebalances, errors and statistics, served by the poll thread.
            unsafe rd_kafka_poll_set_consumer(made)
            unsafe queue = rd_kafka_queue_get_consumer(made)
        } else {
            unsafe queue = nil
        }
    }

    deinit {
        if let queue = unsafe queue { unsafe rd_kafka_queue_destroy(queue) }
        let remains = unsafe HandleRemains(raw: raw, context: retainedContext)
        DispatchQueue.global(qos: .utility).async { remains.destroy() }
    }

    /// The error behind a fatal one: `rd_kafka_fatal_error`.
    func fatalCause() -> KafkaError? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { text in
            let code = unsafe rd_kafka_fatal_error(raw, text.baseAddress, text.count)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR, let start = text.baseAddress else { return nil }
            return unsafe KafkaError(code: KafkaErrorCode(code), text: String(cString: start), isFatal: true)
        }
    }

    /// Topic's partition counts of the whole cluster: `rd_kafka_metadata` for all topics, which creates none.
    func partitionCounts(timeoutMilliseconds: Int) throws(KafkaError) -> [String: Int] {
        var pointer: UnsafePointer<rd_kafka_metadata>?
        let result = unsafe rd_kafka_metadata(raw, 1, nil, &pointer, Int32(clamping: timeoutMilliseconds))
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata = unsafe pointer else {
            throw KafkaError(code: KafkaErrorCode(result))
        }
        defer { unsafe rd_kafka_metadata_destroy(metadata) }
        var counts: [String: Int] = [:]
        for index in 0..<Int(unsafe metadata.pointee.topic_cnt) {
            let topic = unsafe metadata.pointee.topics[index]
            // A topic that is being created or deleted is absent.
            guard unsafe topic.err == RD_KAFKA_RESP_ERR_NO_ERROR, unsafe topic.partition_cnt > 0 else { continue }
            unsafe counts[String(cString: topic.topic)] = Int(topic.partition_cnt)
        }
        return counts
    }

    /// Oldest offset of a partition and the next one to come, as the handle's isolation sees it. Blocks up to the
    /// timeout.
    ///
    /// By `rd_kafka_offsets_for_times`, for which the times -2 and -1 mean just these. `rd_kafka_query_watermark_offsets`
    /// of 2.0.2 asks the same of the broker, but its wait ends with an answer only: 80 s after a leader was killed (seen).
    func watermarks(topic: String, partition: Int32, timeoutMilliseconds: Int) throws(KafkaError)
        -> (low: Int64, high: Int64)
    {
        let deadline = Deadline(milliseconds: timeoutMilliseconds)
        let low = try offset(topic, partition, at: Int64(RD_KAFKA_OFFSET_BEGINNING), deadline)
        let high = try offset(topic, partition, at: Int64(RD_KAFKA_OFFSET_END), deadline)
        return (low, high)
    }

    private func offset(
        _ topic: String, _ partition: Int32, at time: Int64, _ deadline: Deadline
    ) throws(KafkaError) -> Int64 {
        let list = TopicPartitions(topic, [partition])
        unsafe list.native.pointee.elems[0].offset = time
        var result = unsafe rd_kafka_offsets_for_times(raw, list.native, deadline.slice(.max))
        if result == RD_KAFKA_RESP_ERR_NO_ERROR { result = unsafe list.native.pointee.elems[0].err }
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(code: KafkaErrorCode(result), topic: topic, partition: partition)
        }
        return unsafe list.native.pointee.elems[0].offset
    }

    /// Number of a broker of the cluster: the one that answered. Blocks up to the timeout.
    func anyBroker(timeoutMilliseconds: Int) throws(KafkaError) -> Int32 {
        var pointer: UnsafePointer<rd_kafka_metadata>?
        let result = unsafe rd_kafka_metadata(raw, 0, nil, &pointer, Int32(clamping: timeoutMilliseconds))
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata = unsafe pointer else {
            throw KafkaError(code: KafkaErrorCode(result))
        }
        defer { unsafe rd_kafka_metadata_destroy(metadata) }
        if unsafe metadata.pointee.orig_broker_id >= 0 { return unsafe metadata.pointee.orig_broker_id }
        guard unsafe metadata.pointee.broker_cnt > 0, let brokers = unsafe metadata.pointee.brokers else {
            throw KafkaError(code: .allBrokersDown, text: "The cluster names no broker")
        }
        return unsafe brokers[0].id
    }
}

/// What is left of a handle that nobody refers to any more.
@safe private struct HandleRemains: @unchecked Sendable {
    // `@unchecked`: moved once, from the handle's `deinit` to the queue that destroys it.
    let raw: OpaquePointer
    let context: Unmanaged<HandleContext>

    func destroy() {
        // A consumer was closed before, or is deliberately left without: its group notices by the session timeout.
        unsafe rd_kafka_destroy_flags(raw, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
        // The threads are joined now, so no callback can use the context.
        let ended = unsafe context.takeRetainedValue()
        ended.noteDestroyed()
    }
}

extension KafkaHandle {
    /// Installs callbacks: each recovers the context, records, and returns.
    fileprivate static func installCallbacks(on native: OpaquePointer, role: KafkaRole) {
        unsafe rd_kafka_conf_set_log_cb(native) { handle, level, facility, text in
            guard let context = unsafe HandleContext.of(rd_kafka_opaque(handle)) else { return }
            context.record(
                KafkaLogLine(
                    level: Int(level), facility: unsafe facility.map { unsafe String(cString: $0) } ?? "",
                    message: unsafe text.map { unsafe String(cString: $0) } ?? ""))
        }
        unsafe rd_kafka_conf_set_stats_cb(native) { _, json, count, opaque in
            if let context = unsafe HandleContext.of(opaque), let json = unsafe json {
                let bytes = unsafe UnsafeRawBufferPointer(start: json, count: count)
                unsafe context.record(statistics: String(decoding: bytes, as: UTF8.self))
            }
            return 0  // The library frees the text.
        }
        unsafe rd_kafka_conf_set_error_cb(native) { handle, code, reason, opaque in
            guard let context = unsafe HandleContext.of(opaque) else { return }
            let text = unsafe reason.map { unsafe String(cString: $0) }
            guard rd_kafka_resp_err_t(code) == RD_KAFKA_RESP_ERR__FATAL else {
                context.record(KafkaError(code: KafkaErrorCode(rawValue: code), text: text))
                return
            }
            unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
                let cause = unsafe rd_kafka_fatal_error(handle, buffer.baseAddress, buffer.count)
                let described = unsafe buffer.baseAddress.map { unsafe String(cString: $0) }
                context.record(KafkaError(code: KafkaErrorCode(cause), text: described ?? text, isFatal: true))
            }
        }
        switch role {
        case .consumer:
            unsafe rd_kafka_conf_set_rebalance_cb(native) { handle, code, partitions, opaque in
                guard let context = unsafe HandleContext.of(opaque), let handle = unsafe handle else { return }
                unsafe context.assignment?.rebalance(handle, code, partitions, context)
            }
        case .producer:
            // For all records, not only failed ones: it also wakes the flush (kafka-notes.md §2.5).
            unsafe rd_kafka_conf_set_dr_msg_cb(native) { _, message, opaque in
                guard let context = unsafe HandleContext.of(opaque), let message = unsafe message else { return }
                guard unsafe message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR else {
                    let destination = unsafe HandleContext.Destination(
                        topic: UInt(bitPattern: message.pointee.rkt), partition: message.pointee.partition)
                    unsafe context.recordDelivery(to: destination, offset: message.pointee.offset)
                    return
                }
                let topic = unsafe message.pointee.rkt.flatMap { unsafe rd_kafka_topic_name($0) }
                unsafe context.recordDelivery(
                    failure: KafkaError(
                        code: KafkaErrorCode(message.pointee.err), topic: topic.map { unsafe String(cString: $0) },
                        partition: message.pointee.partition < 0 ? nil : message.pointee.partition))
            }
        }
    }
}

extension HandleContext {
    fileprivate static func of(_ opaque: UnsafeMutableRawPointer?) -> HandleContext? {
        guard let opaque = unsafe opaque else { return nil }
        return unsafe Unmanaged<HandleContext>.fromOpaque(opaque).takeUnretainedValue()
    }
}
