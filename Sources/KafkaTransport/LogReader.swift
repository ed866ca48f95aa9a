import CRdKafka

/// Reads partitions beside any group, each from one offset to another: for restore, verification and checks.
///
/// One thread at a time; ``close(deadlineMilliseconds:)`` may come from another.
@safe public final class LogReader: Sendable {
    /// What of transactions is seen.
    public enum Isolation: Sendable {
        /// Records of committed transactions, up to the first one that is still open.
        case readCommitted
        /// Everything that was written.
        case readUncommitted
    }

    private let handle: Closable<KafkaHandle>

    /// Makes a reader; brokers that are down are tried again for ever.
    ///
    /// Defaults beneath `properties`: `socket.nagle.disable=true`, `fetch.wait.max.ms=10` (a partition's end is known
    /// only after it), and a prefetch for few large records.
    ///
    /// - Parameters:
    ///   - groupID: for ``committed(topic:partitions:timeoutMilliseconds:)``; the group is never joined.
    ///   - log: receives librdkafka's log lines, on any of its threads.
    /// - Throws: every complaint about the properties at once; nothing was opened then.
    public init(
        properties: [KafkaProperty], groupID: String? = nil, isolation: Isolation, log: KafkaLog? = nil
    ) throws(KafkaConfigurationError) {
        var configuration = ConfigurationBuilder()
        for (name, value) in LogReader.defaults {
            configuration.apply(KafkaProperty(name: name, value: value, place: "built in"))
        }
        for property in properties { configuration.apply(property) }
        var decided = LogReader.decided
        decided.append(("isolation.level", isolation == .readCommitted ? "read_committed" : "read_uncommitted"))
        if let groupID { decided.append(("group.id", groupID)) }
        for (name, value) in decided {
            configuration.apply(KafkaProperty(name: name, value: value, place: "built in"))
        }
        let handle = try KafkaHandle(
            role: .consumer, configuration: configuration, context: HandleContext(log: log), isGroupMember: false)
        self.handle = Closable(handle, name: "reader")
    }

    private static let defaults = [
        ("socket.nagle.disable", "true"), ("fetch.wait.max.ms", "10"), ("fetch.message.max.bytes", "4194304"),
        ("queued.min.messages", "1000000"), ("queued.max.messages.kbytes", "32768"),
    ]
    /// What reading from one offset to another hangs on.
    private static let decided = [
        ("enable.partition.eof", "true"), ("auto.offset.reset", "error"), ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
    ]

    /// Asks the partition's leader for its oldest offset and the next one to come: the high watermark under
    /// `readUncommitted`, the last stable offset under `readCommitted`. `rd_kafka_offsets_for_times`
    public func watermarks(topic: String, partition: Int32, timeoutMilliseconds: Int) throws(KafkaError)
        -> (low: Int64, high: Int64)
    {
        try handle.get().watermarks(topic: topic, partition: partition, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Asks for the group's committed offsets of a topic; a partition without one is absent.
    ///
    /// Under `readUncommitted` the last committed value comes at once, even while a transaction holds another; under
    /// `readCommitted` that is waited for, as in ``KafkaConsumer/committed(partitions:timeoutMilliseconds:)``.
    ///
    /// - Throws: `_UNKNOWN_GROUP` for a reader without a group.
    public func committed(topic: String, partitions: [Int32], timeoutMilliseconds: Int) throws(KafkaError)
        -> [Int32: GroupOffset]
    {
        try handle.get().committed(topic: topic, partitions: partitions, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Reads one partition from an offset until the position reaches another.
    ///
    /// Offsets without a record (control records, aborted and compacted ones) count as read; records from `until` on
    /// are left out.
    ///
    /// - Parameters:
    ///   - timeoutMilliseconds: how long to wait without progress; it ends the call, without an error.
    ///   - body: takes each batch (input 0); `false` ends the call after it.
    /// - Returns: the position reached, at most `until`: less after a timeout or when `body` ended it.
    /// - Throws: `OFFSET_OUT_OF_RANGE` if `from` was deleted or never was; what `body` throws.
    public func read(
        topic: String, partition: Int32, from: Int64, until: Int64, timeoutMilliseconds: Int,
        _ body: (MessageBatch) throws -> Bool
    ) throws -> Int64 {
        precondition(from >= 0, "start offset: \(from)")
        guard from < until else { return from }
        var stream = try PartitionStream(try handle.get(), topic: topic, partition: partition, from: from)
        var deadline = Deadline(milliseconds: timeoutMilliseconds)
        while stream.position < until {
            let start = stream.position
            let batch = try stream.next(until: until, deadline: deadline)
            if stream.position > start {
                deadline = Deadline(milliseconds: timeoutMilliseconds)
            } else if deadline.isOver {
                break
            }
            if let batch, try !body(batch) { break }
        }
        return stream.position
    }

    /// Lets the handle go, and waits for its end up to the deadline. Batches that are still held keep it alive.
    public func close(deadlineMilliseconds: Int) {
        letGo()?.waitUntilDestroyed(milliseconds: deadlineMilliseconds)
    }

    /// A function of its own, so that its reference to the handle ends with it.
    private func letGo() -> HandleContext? { handle.take()?.context }
}
