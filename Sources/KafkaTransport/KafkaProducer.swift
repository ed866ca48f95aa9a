import CRdKafka

/// Writes records. Deliveries are asynchronous: their failures are stored and raised at the next
/// ``flush(timeoutMilliseconds:)``.
///
/// Safe from any thread. Records are copied at ``produce(_:)``.
@safe public final class KafkaProducer: Sendable {
    private let sender: RecordSender
    private var handle: KafkaHandle { sender.handle }

    /// Makes a producer; brokers that are down are tried again for ever.
    ///
    /// Defaults beneath `properties`: `enable.idempotence=true` (no duplicates or reordering by retries),
    /// `socket.nagle.disable=true`, `linger.ms=5`.
    ///
    /// - Parameters:
    ///   - queueFullDeadlineMilliseconds: how long ``produce(_:)`` waits for room in the queue.
    ///   - log: receives librdkafka's log lines, on any of its threads.
    ///   - statistics: receives librdkafka's JSON every `statistics.interval.ms`, on a thread that polls or flushes.
    /// - Throws: every complaint about the properties at once; nothing was opened then.
    public init(
        properties: [KafkaProperty], queueFullDeadlineMilliseconds: Int = 30_000, log: KafkaLog? = nil,
        statistics: (@Sendable (String) -> Void)? = nil
    ) throws(KafkaConfigurationError) {
        // acks=0 or a plain acks=1 contradicts idempotence; who sets acks decides about idempotence too.
        let acknowledgements = ["acks", "request.required.acks", "enable.idempotence"]
        let decides = properties.contains { acknowledgements.contains($0.name) }
        sender = try RecordSender(
            defaults: decides ? [] : [("enable.idempotence", "true")], properties: properties,
            queueFullDeadlineMilliseconds: queueFullDeadlineMilliseconds,
            context: HandleContext(log: log, statistics: statistics))
    }

    /// librdkafka's newest statistics, as its JSON; `nil` before the first.
    public var lastStatistics: String? { handle.context.lastStatistics }

    /// Records not yet delivered or given up, and reports not yet looked at: `rd_kafka_outq_len`.
    public var outstandingCount: Int { sender.outstandingCount }

    /// Records acknowledged by the brokers since the producer was made.
    public var deliveredCount: Int { handle.context.deliveryCounts.delivered }

    /// Hands one record to librdkafka, which copies it. A full queue is waited for, within the deadline; nothing is
    /// dropped.
    ///
    /// - Throws: an error about this record (too large, unknown partition), a full queue after the deadline
    ///   (`_QUEUE_FULL`), or the error that killed the producer. The record was not taken then.
    public func produce(_ record: OutputRecord) throws(KafkaError) { try sender.produce(record) }

    /// Serves delivery reports, statistics and errors; for a producer that is idle between flushes.
    public func poll(timeoutMilliseconds: Int) {
        unsafe rd_kafka_poll(handle.raw, Int32(clamping: timeoutMilliseconds))
    }

    /// Waits until every record was acknowledged or given up: `rd_kafka_flush`.
    ///
    /// - Throws: `_TIMED_OUT` (`.retryCall`) if records are still on their way; else the first failed delivery since
    ///   the last flush, with their number in the text. Failures are forgotten once they were thrown.
    public func flush(timeoutMilliseconds: Int) throws(KafkaError) {
        try sender.flush(timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Errors of the connection since the last call: brokers down, authentication refused. None stops the producer
    /// unless it is fatal.
    public func takeErrors() -> [KafkaError] { handle.context.takeErrors() }

    /// Flushes within the deadline, then gives up what is left.
    ///
    /// - Returns: whether every record was delivered. Memory is given back once the producer is gone.
    public func close(deadlineMilliseconds: Int) -> Bool {
        do {
            try flush(timeoutMilliseconds: deadlineMilliseconds)
            return true
        } catch {
            sender.purge()
            _ = unsafe rd_kafka_flush(handle.raw, 100)
            return false
        }
    }

    /// Partition counts of the cluster's topics that exist among `topics`. Blocks up to the timeout; creates none.
    public func metadata(topics: [String], timeoutMilliseconds: Int) throws(KafkaError) -> [String: Int] {
        let wanted = Set(topics)
        return try handle.partitionCounts(timeoutMilliseconds: timeoutMilliseconds).filter { wanted.contains($0.key) }
    }
}
