import CRdKafka
import Synchronization

/// Hands records to one producer handle and raises their failures: what ``KafkaProducer`` and ``TransactionalProducer``
/// have in common.
///
/// Safe from any thread. Records are copied at ``produce(_:)``.
@safe final class RecordSender: Sendable {
    /// Calls of `produce` between two looks at delivery reports.
    private static let pollEvery = 256
    /// What every producer starts from: 2.0.2 delays small requests by Nagle's algorithm, and triggers may wait 5 ms
    /// for company.
    static let defaults = [("socket.nagle.disable", "true"), ("linger.ms", "5")]

    let handle: KafkaHandle
    private let topics = Mutex(TopicHandles())
    private let calls = Atomic<Int>(0)
    private let queueFullDeadline: Int

    /// - Throws: every complaint about the properties at once; nothing was opened then.
    init(
        defaults: [(String, String)], properties: [KafkaProperty], queueFullDeadlineMilliseconds: Int,
        context: HandleContext
    ) throws(KafkaConfigurationError) {
        var configuration = ConfigurationBuilder()
        for (name, value) in RecordSender.defaults + defaults {
            configuration.apply(KafkaProperty(name: name, value: value, place: "built in"))
        }
        for property in properties { configuration.apply(property) }
        queueFullDeadline = queueFullDeadlineMilliseconds
        handle = try KafkaHandle(role: .producer, configuration: configuration, context: context)
    }

    deinit { topics.withLock { $0.removeAll() } }

    /// Records not yet delivered or given up, and reports not yet looked at: `rd_kafka_outq_len`.
    var outstandingCount: Int { unsafe Int(rd_kafka_outq_len(handle.raw)) }

    /// Hands one record to librdkafka, which copies it. A full queue is waited for, within the deadline; nothing is
    /// dropped.
    ///
    /// - Throws: an error about this record (too large, unknown partition), a full queue after the deadline
    ///   (`_QUEUE_FULL`), or the error that killed the producer. The record was not taken then.
    func produce(_ record: OutputRecord) throws(KafkaError) {
        if calls.add(1, ordering: .relaxed).newValue % RecordSender.pollEvery == 0 {
            unsafe rd_kafka_poll(handle.raw, 0)
        }
        let topic = unsafe try topic(named: record.topic)
        var deadline: Deadline?
        while true {
            guard let error = unsafe attempt(record, topic) else { return }
            guard error.code == .queueFull else { throw error }
            // Reports of delivered records make room.
            let end = deadline ?? Deadline(milliseconds: queueFullDeadline)
            deadline = end
            guard !end.isOver else { throw error }
            unsafe rd_kafka_poll(handle.raw, end.slice(20))
        }
    }

    /// Waits until every record was acknowledged or given up: `rd_kafka_flush`.
    ///
    /// - Throws: `_TIMED_OUT` (`.retryCall`) if records are still on their way; else the first failed delivery since
    ///   the last flush, with their number in the text. Failures are forgotten once they were thrown.
    func flush(timeoutMilliseconds: Int) throws(KafkaError) {
        let result = unsafe rd_kafka_flush(handle.raw, Int32(clamping: timeoutMilliseconds))
        if let fatal = handle.fatalCause() { throw fatal }
        let (failures, count) = handle.context.takeDeliveryFailures()
        if let first = failures.first {
            throw KafkaError(
                code: first.code,
                text: "\(count) record\(count == 1 ? " was" : "s were") not delivered; the first: \(first.text)",
                recovery: first.recovery, topic: first.topic, partition: first.partition)
        }
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(
                code: KafkaErrorCode(result), text: "\(outstandingCount) records are not acknowledged yet",
                recovery: .retryCall)
        }
    }

    /// Offset after the newest acknowledged record of a partition; `nil` when none or unknown. For contexts that track
    /// ends.
    func acknowledgedEnd(topic: String, partition: Int32) -> Int64? {
        let address = topics.withLock { unsafe UInt(bitPattern: $0.byName[topic]) }
        return address == 0 ? nil : handle.context.acknowledgedEnd(of: .init(topic: address, partition: partition))
    }

    /// Gives up what was not delivered yet: `rd_kafka_purge`.
    func purge() { _ = unsafe rd_kafka_purge(handle.raw, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT) }

    /// One try; `nil` if the record was taken.
    private func attempt(_ record: OutputRecord, _ topic: OpaquePointer) -> KafkaError? {
        // An own headers object, not single entries: with those, 2.0.2 frees them twice when the partition does not
        // exist (fixed in 2.12.0).
        let headers = unsafe RecordSender.headers(record.headers)
        let failure = unsafe withBytes(record.key) { key, keyCount in
            unsafe withBytes(record.value) { value, valueCount in
                unsafe crdkafka_produce(
                    handle.raw, topic, record.partition ?? RD_KAFKA_PARTITION_UA, key, keyCount, value, valueCount,
                    headers, record.timestamp ?? 0)
            }
        }
        guard let failure = unsafe failure else { return nil }
        if let headers = unsafe headers { unsafe rd_kafka_headers_destroy(headers) }
        let error = unsafe KafkaError(consuming: failure, topic: record.topic, partition: record.partition)
        if error.code == .fatal, let fatal = handle.fatalCause() { return fatal }
        return error
    }

    /// A header list the caller owns; `nil` for no headers.
    private static func headers(_ headers: [OutputRecord.Header]) -> OpaquePointer? {
        guard !headers.isEmpty, let list = unsafe rd_kafka_headers_new(headers.count) else { return nil }
        for header in headers {
            _ = unsafe withBytes(header.value) { value, count in
                unsafe rd_kafka_header_add(list, header.name, -1, value, count)
            }
        }
        return unsafe list
    }

    private func topic(named name: String) throws(KafkaError) -> OpaquePointer {
        let topic = topics.withLock { topics in
            if let topic = unsafe topics.byName[name] { return unsafe SendablePointer(raw: topic) }
            guard let made = unsafe rd_kafka_topic_new(handle.raw, name, nil) else {
                return unsafe SendablePointer(raw: nil)
            }
            unsafe topics.byName[name] = made
            return unsafe SendablePointer(raw: made)
        }
        guard let topic = unsafe topic.raw else {
            throw KafkaError(code: KafkaErrorCode(rd_kafka_last_error()), topic: name)
        }
        return unsafe topic
    }
}

/// Topic handles by name; they must go before the client handle.
@safe private struct TopicHandles: @unchecked Sendable {
    // `@unchecked`: thread-safe objects behind pointers; the dictionary is behind a lock.
    var byName: [String: OpaquePointer]

    init() { unsafe byName = [:] }

    mutating func removeAll() {
        unsafe byName.values.forEach { unsafe rd_kafka_topic_destroy($0) }
        unsafe byName = [:]
    }
}

/// Carries a pointer to a thread-safe object out of a lock.
@safe private struct SendablePointer: @unchecked Sendable {
    let raw: OpaquePointer?
}

/// Calls `body` with the bytes: a null pointer for `nil`, and a pointer that is not null for an empty array, since
/// librdkafka tells null from empty by the pointer.
private func withBytes<Result>(_ bytes: [UInt8]?, _ body: (UnsafeRawPointer?, Int) -> Result) -> Result {
    guard let bytes else { return body(nil, 0) }
    guard !bytes.isEmpty else {
        return unsafe withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { buffer in
            unsafe body(UnsafeRawPointer(buffer.baseAddress), 0)
        }
    }
    return unsafe bytes.withUnsafeBytes { buffer in unsafe body(buffer.baseAddress, buffer.count) }
}
