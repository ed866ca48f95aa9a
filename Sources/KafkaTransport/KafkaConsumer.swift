import CRdKafka
import Dispatch
import Synchronization

/// Reads the inputs of one group member: the lead topic by subscription, the other inputs by hand beside it.
///
/// **Poll thread.** `subscribe`, `poll`, `assign`, `unassign`, `unsubscribe` and `close` belong to one thread or serial
/// queue at a time and trap when two of them run at once. `metadata`, `watermarks` and the counters may be called from
/// anywhere.
///
/// Wraps librdkafka 2.0.2 with the care `kafka-notes.md` §2.3 asks for: one batch call at a time, no pause, resume or
/// seek, assignment only from the poll thread.
@safe public final class KafkaConsumer: @unchecked Sendable {
    // `@unchecked`: mutable members are the scratch buffer and the topic cache, used between `enter` and `leave` only.
    /// Topics in the order of their input numbers; the first is the lead.
    public let inputTopics: [String]
    public let groupID: String

    let handle: KafkaHandle
    let assignment: AssignmentState
    /// Messages received so far; the wake-up reads it to know whether there is work.
    let received = Atomic<Int>(0)
    let wakeUp = Mutex<FetcherWakeUp?>(nil)
    private let isClosed = Atomic<Bool>(false)

    var scratch: UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    /// Topic handles seen in messages, by input. Cleared with every change of assignment: librdkafka may free a handle
    /// once none of its partitions is assigned.
    var topicCache: [(topic: OpaquePointer, input: Int32)]
    private var isSubscribed = false

    /// Makes a consumer. Nothing is read before ``subscribe()``; brokers that are down are tried again for ever.
    ///
    /// Defaults beneath `properties`: `enable.partition.eof=true` (for ``PollResult/ends``), `auto.offset.reset=error`
    /// (a silent reset is a silent loss), `socket.nagle.disable=true` (2.0.2 delays small requests otherwise).
    ///
    /// - Parameters:
    ///   - inputTopics: the index is the input's number; the first one leads. Not empty, unique.
    ///   - log: receives librdkafka's log lines, on any of its threads.
    ///   - statistics: receives librdkafka's JSON every `statistics.interval.ms`, on the poll thread.
    /// - Throws: every complaint about the properties at once; nothing was opened then.
    public init(
        properties: [KafkaProperty], inputTopics: [String], groupID: String, log: KafkaLog? = nil,
        statistics: (@Sendable (String) -> Void)? = nil
    ) throws(KafkaConfigurationError) {
        precondition(!inputTopics.isEmpty, "no input topics")
        precondition(Set(inputTopics).count == inputTopics.count, "an input topic occurs twice: \(inputTopics)")
        var configuration = ConfigurationBuilder()
        configuration.complainAboutReserved(properties, groupID: groupID)
        for (name, value) in KafkaConsumer.defaults {
            configuration.apply(KafkaProperty(name: name, value: value, place: "built in"))
        }
        for property in properties { configuration.apply(property) }
        for reserved in ReservedProperty.consumer {
            configuration.apply(KafkaProperty(name: reserved.name, value: reserved.value, place: "built in"))
        }
        configuration.apply(KafkaProperty(name: "group.id", value: groupID, place: "built in"))
        let assignment = AssignmentState(inputTopics: inputTopics)
        self.handle = try KafkaHandle(
            role: .consumer, configuration: configuration,
            context: HandleContext(log: log, statistics: statistics, assignment: assignment))
        self.assignment = assignment
        self.inputTopics = inputTopics
        self.groupID = groupID
        unsafe self.scratch = .allocate(capacity: 0)
        unsafe self.topicCache = []
    }

    deinit {
        wakeUp.withLock { $0 }?.stop()
        unsafe scratch.deallocate()
    }

    private static let defaults = [
        ("enable.partition.eof", "true"), ("auto.offset.reset", "error"), ("socket.nagle.disable", "true"),
    ]

    /// Messages passed over at the close while looking for a rebalance behind them.
    private static let drainLimit = 10_000

    /// librdkafka's newest statistics, as its JSON; `nil` before the first.
    public var lastStatistics: String? { handle.context.lastStatistics }

    /// Messages received since the consumer was made.
    public var receivedCount: Int { received.load(ordering: .relaxed) }

    /// Asks the cluster for its topics: which of `topics` exist, with their partition counts. Missing ones are absent.
    ///
    /// Used to wait for inputs *before* subscribing: subscribing to a missing topic crashes 2.0.2 (kafka-notes.md
    /// §2.3). Creates no topic. Blocks up to the timeout. Any thread.
    public func metadata(topics: [String], timeoutMilliseconds: Int) throws(KafkaError) -> [String: Int] {
        let wanted = Set(topics)
        return try handle.partitionCounts(timeoutMilliseconds: timeoutMilliseconds).filter { wanted.contains($0.key) }
    }

    /// Asks the partition's leader for its oldest offset and the next one to come. Under `read_committed`, the default,
    /// the latter is the last stable one. Blocks up to the timeout. Any thread. `rd_kafka_offsets_for_times`
    public func watermarks(input: Int, partition: Int32, timeoutMilliseconds: Int) throws(KafkaError)
        -> (low: Int64, high: Int64)
    {
        try handle.watermarks(
            topic: inputTopics[input], partition: partition, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Joins the group for the lead topic. The topic must exist: see ``metadata(topics:timeoutMilliseconds:)``. Poll
    /// thread.
    public func subscribe() throws(KafkaError) {
        assignment.enter("subscribe()")
        defer { assignment.leave() }
        guard let list = unsafe rd_kafka_topic_partition_list_new(1) else { preconditionFailure("out of memory") }
        defer { unsafe rd_kafka_topic_partition_list_destroy(list) }
        unsafe rd_kafka_topic_partition_list_add(list, inputTopics[0], RD_KAFKA_PARTITION_UA)
        let result = unsafe rd_kafka_subscribe(handle.raw, list)
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(code: KafkaErrorCode(result), topic: inputTopics[0])
        }
        isSubscribed = true
    }

    /// Partition numbers that the group gave this member, ascending. Poll thread, or inside its rebalance handler.
    public var ownedPartitions: [Int32] { assignment.owned.sorted() }

    /// Partitions being fetched. Poll thread, or inside its rebalance handler.
    public var assignedPartitions: Set<InputPartition> { assignment.assigned }

    /// Leaves the group if that is wished, then closes, within a deadline.
    ///
    /// The other calls must not be used afterwards. Memory is given back once the consumer and its batches are gone.
    ///
    /// - Parameters:
    ///   - deadlineMilliseconds: for everything. 2.0.2 can hang in what happens here, so a thread of its own closes, and
    ///     is left behind where the deadline passes.
    ///   - leaveGroup: `true` unsubscribes first, so that a static member (`group.instance.id`) hands over at once
    ///     instead of after the session timeout.
    ///   - onRebalance: told of the last revocation, as in `poll`, on the closing thread.
    /// - Returns: whether the close finished. If not, the process should end soon: threads may be stuck.
    public func close(
        deadlineMilliseconds: Int, leaveGroup: Bool = false,
        onRebalance: @escaping @Sendable (RebalanceEvent) -> Void = { _ in }
    ) -> Bool {
        wakeUp.withLock { $0.take() }?.stop()
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return true }
        let deadline = Deadline(milliseconds: deadlineMilliseconds)
        assignment.enter("close(deadlineMilliseconds:)")
        let ended = DispatchSemaphore(value: 0)
        let outcome = Outcome()
        DispatchQueue(label: "upselld.kafka.close").async { [self] in
            outcome.isClean.store(
                close(until: deadline, leaveGroup: leaveGroup, onRebalance), ordering: .releasing)
            assignment.leave()
            ended.signal()
        }
        // The steps keep to the deadline by themselves; what is added is for the last of them to end.
        let isOver = ended.wait(timeout: .now() + .milliseconds(Int(deadline.remaining) + 500)) == .timedOut
        return !isOver && outcome.isClean.load(ordering: .acquiring)
    }

    private final class Outcome: Sendable {
        let isClean = Atomic<Bool>(false)
    }

    private func close(
        until deadline: Deadline, leaveGroup: Bool, _ onRebalance: @escaping (RebalanceEvent) -> Void
    ) -> Bool {
        assignment.handler = onRebalance
        defer { assignment.handler = nil }
        // 2.0.2 crashes when a cooperative-sticky member closes before its first assignment (fixed in 2.3.0).
        while isSubscribed, !assignment.hasSeenRebalance {
            guard !deadline.isOver else { return false }
            unsafe drop(rd_kafka_consumer_poll(handle.raw, deadline.slice(50)))
        }
        if leaveGroup, isSubscribed {
            _ = unsafe rd_kafka_unsubscribe(handle.raw)
            while !assignment.owned.isEmpty, !deadline.isOver {
                unsafe drop(rd_kafka_consumer_poll(handle.raw, deadline.slice(50)))
            }
        }
        return closeQueue(until: deadline)
    }

    /// Closes without blocking, serving the last rebalance: `rd_kafka_consumer_close_queue`.
    private func closeQueue(until deadline: Deadline) -> Bool {
        guard let queue = unsafe rd_kafka_queue_new(handle.raw) else { return false }
        // An assignment that the close overtakes is never finished (2.0.2; fixed in 2.4.0), so what waits is served
        // first.
        for _ in 0..<KafkaConsumer.drainLimit {
            guard let message = unsafe rd_kafka_consumer_poll(handle.raw, 0) else { break }
            unsafe rd_kafka_message_destroy(message)
        }
        assignment.beginClosing()
        defer { unsafe rd_kafka_queue_destroy(queue) }
        if let error = unsafe rd_kafka_consumer_close_queue(handle.raw, queue) {
            handle.context.record(unsafe KafkaError(consuming: error))
            return false
        }
        while unsafe rd_kafka_consumer_closed(handle.raw) == 0 {
            guard !deadline.isOver else { return false }
            // Not `rd_kafka_queue_poll_callback`: it aborts the process on a message that is still in the queue.
            unsafe drop(rd_kafka_consume_queue(queue, deadline.slice(20)))
        }
        return true
    }

    private func drop(_ message: UnsafeMutablePointer<rd_kafka_message_t>?) {
        if let message = unsafe message { unsafe rd_kafka_message_destroy(message) }
    }
}

/// A point in monotonic time.
struct Deadline {
    private let end: ContinuousClock.Instant

    init(milliseconds: Int) { end = ContinuousClock.now + .milliseconds(milliseconds) }

    var isOver: Bool { ContinuousClock.now >= end }

    /// Milliseconds left, 0 or more.
    var remaining: Int32 {
        let left = ContinuousClock.now.duration(to: end).components
        return Int32(clamping: max(0, left.seconds * 1_000 + left.attoseconds / 1_000_000_000_000_000))
    }

    /// Milliseconds left, at most `limit` and at least 1.
    func slice(_ limit: Int32) -> Int32 { max(1, min(limit, remaining)) }
}
