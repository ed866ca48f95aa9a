import CRdKafka

/// Writes records and the group's positions in transactions, under one transactional id.
///
///     initialise ─▶ begin ─▶ produce… ─▶ flush ─▶ sendOffsets ─▶ commit ─▶ begin …
///                      └──────── on `.abortAndResend` ──────────▶ abort ─▶ begin …
///
/// A handle that an error declared dead (`.rebuildProducer`, `.terminate`) is closed; another object takes its place.
/// The calls block: they belong to one queue of their own, the commit queue. 2.0.2 can hang in them for ever, so
/// ``close(deadlineMilliseconds:)`` may come from another thread and leaves a hung call behind.
@safe public final class TransactionalProducer: Sendable {
    public let transactionalID: String
    private let sender: Closable<RecordSender>

    /// Makes a producer; nothing is written before ``initialise(timeoutMilliseconds:)``.
    ///
    /// Defaults beneath `properties`: `socket.nagle.disable=true`, `linger.ms=5`; `retry.backoff.ms=5`, because the
    /// broker refuses a transaction right after another until its markers are written, and 2.0.2 asks again only after
    /// this time (105 ms with the library's 100, 6.5 with 5); `transaction.timeout.ms=10000`, as Kafka Streams.
    /// Idempotence and `acks=all` come with the transactional id.
    ///
    /// - Parameters:
    ///   - queueFullDeadlineMilliseconds: how long ``produce(_:)`` waits for room in the queue.
    ///   - log: receives librdkafka's log lines, on any of its threads.
    /// - Throws: every complaint about the properties at once; nothing was opened then.
    public init(
        properties: [KafkaProperty], transactionalID: String, queueFullDeadlineMilliseconds: Int = 30_000,
        log: KafkaLog? = nil
    ) throws(KafkaConfigurationError) {
        self.transactionalID = transactionalID
        let identity = KafkaProperty(name: "transactional.id", value: transactionalID, place: "built in")
        let sender = try RecordSender(
            defaults: [("retry.backoff.ms", "5"), ("transaction.timeout.ms", "10000")],
            properties: properties + [identity], queueFullDeadlineMilliseconds: queueFullDeadlineMilliseconds,
            context: HandleContext(log: log, tracksEnds: true))
        self.sender = Closable(sender, name: "producer")
    }

    /// Takes the transactional id over: fences its holder, ends what that left open, waits for it.
    /// `rd_kafka_init_transactions`
    ///
    /// - Throws: `_TIMED_OUT` (`.retryCall`) goes on when called again.
    public func initialise(timeoutMilliseconds: Int) throws(KafkaError) {
        try unsafe call { unsafe rd_kafka_init_transactions($0, Int32(clamping: timeoutMilliseconds)) }
    }

    /// Opens a transaction, without asking the broker: `rd_kafka_begin_transaction`.
    public func begin() throws(KafkaError) {
        try forgetDeliveryFailures()
        try unsafe call { unsafe rd_kafka_begin_transaction($0) }
    }

    /// Hands one record to librdkafka, which copies it. A full queue is waited for, within the deadline; nothing is
    /// dropped.
    ///
    /// - Throws: an error about this record (too large, unknown partition), a full queue after the deadline
    ///   (`_QUEUE_FULL`), `_STATE` if no transaction is open or it has failed already, or the error that killed the
    ///   producer. The record was not taken then: a transaction that has lost one must be aborted.
    public func produce(_ record: OutputRecord) throws(KafkaError) {
        let sender = try sender.get()
        do {
            try sender.produce(record)
        } catch {
            throw error.code == .queueFull ? error : error.asFailedTransaction
        }
    }

    /// Waits until every record of the transaction was acknowledged: `rd_kafka_flush`.
    ///
    /// Must come before ``sendOffsets(_:of:timeoutMilliseconds:)``: else positions are pending before what they stand
    /// for is written (exactly-once.md §2).
    ///
    /// - Throws: `_TIMED_OUT` (`.retryCall`) if records are still on their way; else the first failed delivery since
    ///   ``begin()``, with their number in the text.
    public func flush(timeoutMilliseconds: Int) throws(KafkaError) {
        let sender = try sender.get()
        do {
            try sender.flush(timeoutMilliseconds: timeoutMilliseconds)
        } catch {
            throw error.code == .timedOut ? error : error.asFailedTransaction
        }
    }

    /// Adds positions of the consumer's lead topic to the transaction: `rd_kafka_send_offsets_to_transaction`.
    ///
    /// Every transaction needs them: they are what a member that lost its partitions is refused by.
    ///
    /// - Parameter offsets: not empty, each 0 or more, since librdkafka passes over lists without a valid offset in
    ///   silence, and with them over the fence; traps otherwise.
    /// - Throws: `ILLEGAL_GENERATION` or `UNKNOWN_MEMBER_ID` (`.abortAndResend`) before any request if the consumer is
    ///   no member of its group now, and from the broker if its membership is over. The call can outlast its timeout
    ///   while the group's coordinator is away (librdkafka issue 5456).
    public func sendOffsets(_ offsets: [GroupOffset], of consumer: KafkaConsumer, timeoutMilliseconds: Int)
        throws(KafkaError)
    {
        precondition(!offsets.isEmpty, "a transaction without a position has no fence")
        try sendOffsets(
            offsets, of: consumer, under: try consumer.membership(), timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The same under a membership taken earlier: a rebalance since then is refused.
    public func sendOffsets(
        _ offsets: [GroupOffset], of consumer: KafkaConsumer, under membership: GroupMembership,
        timeoutMilliseconds: Int
    ) throws(KafkaError) {
        precondition(!offsets.isEmpty, "a transaction without a position has no fence")
        precondition(offsets.allSatisfy { $0.offset >= 0 }, "a negative position is no fence: \(offsets)")
        let list = TopicPartitions(consumer.inputTopics[0], offsets)
        try unsafe call {
            unsafe rd_kafka_send_offsets_to_transaction(
                $0, list.native, membership.native, Int32(clamping: timeoutMilliseconds))
        }
    }

    /// Commits: `rd_kafka_commit_transaction`.
    ///
    /// - Throws: `.abortAndResend`: nothing of it will be seen; abort. `.retryCall`: not decided yet; call again.
    ///   `.rebuildProducer`: the outcome is unknown until another producer has initialised.
    public func commit(timeoutMilliseconds: Int) throws(KafkaError) {
        try unsafe call { unsafe rd_kafka_commit_transaction($0, Int32(clamping: timeoutMilliseconds)) }
    }

    /// Aborts: `rd_kafka_abort_transaction`. Records not sent yet are dropped.
    ///
    /// - Throws: `.retryCall`: not decided yet; call again.
    public func abort(timeoutMilliseconds: Int) throws(KafkaError) {
        try unsafe call { unsafe rd_kafka_abort_transaction($0, Int32(clamping: timeoutMilliseconds)) }
        try forgetDeliveryFailures()
    }

    /// Offset after the highest acknowledged record in a partition since this producer was made; `nil` when none or
    /// unknown (a retry that the broker recognised has no offset). Records of aborted transactions count: they occupy
    /// offsets.
    public func acknowledgedEnd(topic: String, partition: Int32) -> Int64? {
        guard let sender = try? sender.get() else { return nil }
        return sender.acknowledgedEnd(topic: topic, partition: partition)
    }

    /// Whether an error has declared the handle dead: another has to take its place.
    public var isDead: Bool {
        guard let sender = try? sender.get() else { return true }
        return sender.handle.fatalCause() != nil
    }

    /// Errors of the connection since the last call: brokers down, authentication refused.
    public func takeErrors() -> [KafkaError] {
        guard let handle = try? sender.get().handle else { return [] }
        unsafe rd_kafka_poll(handle.raw, 0)
        return handle.context.takeErrors()
    }

    /// Lets the handle go, and waits for its end up to the deadline. What was not committed never will be: the broker
    /// aborts it after `transaction.timeout.ms`, or when the id is initialised again.
    ///
    /// Any thread. Calls under way on another thread keep a handle of theirs; it is left behind if they hang.
    public func close(deadlineMilliseconds: Int) {
        letGo()?.waitUntilDestroyed(milliseconds: deadlineMilliseconds)
    }

    /// Fences whoever holds a transactional id and aborts what it left open: initialises under it, then drops the
    /// handle.
    public static func fence(
        transactionalID: String, properties: [KafkaProperty], timeoutMilliseconds: Int, log: KafkaLog?
    ) throws(KafkaError) {
        let producer: TransactionalProducer
        do {
            producer = try TransactionalProducer(properties: properties, transactionalID: transactionalID, log: log)
        } catch {
            throw KafkaError(code: .invalidArgument, text: error.description, recovery: .terminate)
        }
        defer { producer.close(deadlineMilliseconds: 0) }
        try producer.initialise(timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Passes over what became of an earlier transaction's records: that they were dropped is no news.
    private func forgetDeliveryFailures() throws(KafkaError) {
        let handle = try sender.get().handle
        unsafe rd_kafka_poll(handle.raw, 0)
        _ = handle.context.takeDeliveryFailures()
    }

    /// A function of its own, so that its reference to the sender ends with it.
    private func letGo() -> HandleContext? {
        guard let sender = sender.take() else { return nil }
        sender.purge()
        return sender.handle.context
    }

    /// One call of the transactional interface, whose errors name the next step.
    ///
    /// A dead handle is not called: `begin` hung for ever there (librdkafka issue 4420).
    private func call(_ body: (OpaquePointer) -> OpaquePointer?) throws(KafkaError) {
        let sender = try sender.get()
        if let fatal = sender.handle.fatalCause() { throw fatal }
        guard let error = unsafe body(sender.handle.raw) else { return }
        // What is neither fatal nor to be aborted nor to be retried has to be taken as fatal (rdkafka.h).
        throw unsafe KafkaError(consuming: error, otherwise: KafkaError.recovery(fatal:))
    }
}

extension KafkaError {
    /// The same failure of a record, inside a transaction: the record is lost to it, whatever the code would otherwise
    /// ask for, so the transaction has to be aborted.
    fileprivate var asFailedTransaction: KafkaError {
        guard !isFatal, KafkaError.recovery(fatal: code) != .terminate else { return self }
        return KafkaError(
            code: code, text: text, recovery: .abortAndResend, topic: topic, partition: partition, place: place,
            fileID: fileID, line: line)
    }
}
