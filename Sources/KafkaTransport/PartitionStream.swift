import CRdKafka

/// One partition being fetched without a group, by librdkafka's simple consumer.
///
/// It stops fetching when it goes.
@safe struct PartitionStream: ~Copyable {
    /// Messages taken at a time.
    private static let batchCapacity = 1_000
    /// Bytes taken between two wake-ups of the fetcher: a part of what is prefetched.
    private static let wakeUpBytes = 8 << 20
    /// Pauses of the poll, in milliseconds: while records flow, and while none come.
    private static let flowWait: Int32 = 5
    private static let idleWait: Int32 = 50

    /// Offset of the next record to be read.
    private(set) var position: Int64

    private let handle: KafkaHandle
    private let topic: String
    private let partition: Int32
    private let native: OpaquePointer
    private let queue: OpaquePointer
    private var messages: [UnsafeMutablePointer<rd_kafka_message_t>?]
    /// Bytes taken since the fetcher was last woken.
    private var bytesSinceWakeUp = 0

    init(_ handle: KafkaHandle, topic: String, partition: Int32, from: Int64) throws(KafkaError) {
        guard let native = unsafe rd_kafka_topic_new(handle.raw, topic, nil) else {
            throw KafkaError(code: KafkaErrorCode(rd_kafka_last_error()), topic: topic, partition: partition)
        }
        // A queue of its own, so that nothing of an earlier stream can be in it.
        guard let queue = unsafe rd_kafka_queue_new(handle.raw) else { preconditionFailure("out of memory") }
        guard unsafe rd_kafka_consume_start_queue(native, partition, from, queue) == 0 else {
            let code = KafkaErrorCode(rd_kafka_last_error())
            unsafe rd_kafka_queue_destroy(queue)
            unsafe rd_kafka_topic_destroy(native)
            throw KafkaError(code: code, topic: topic, partition: partition)
        }
        self.handle = handle
        self.topic = topic
        self.partition = partition
        unsafe self.native = native
        unsafe self.queue = queue
        position = from
        unsafe messages = Array(repeating: nil, count: PartitionStream.batchCapacity)
    }

    deinit {
        _ = unsafe rd_kafka_consume_stop(native, partition)
        unsafe rd_kafka_queue_destroy(queue)
        unsafe rd_kafka_topic_destroy(native)
    }

    /// Waits a little for records, and moves the position past what came.
    ///
    /// - Returns: the records before `until`; `nil` if there were none.
    mutating func next(until: Int64, deadline: Deadline) throws(KafkaError) -> MessageBatch? {
        let wait = bytesSinceWakeUp > 0 ? PartitionStream.flowWait : PartitionStream.idleWait
        guard let first = unsafe rd_kafka_consume_queue(queue, deadline.slice(wait)) else {
            unsafe rd_kafka_poll(handle.raw, 0)
            wakeFetcher()
            return nil
        }
        unsafe messages[0] = unsafe first
        let count = unsafe messages.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return 1 }
            return 1 + max(0, unsafe rd_kafka_consume_batch_queue(queue, 0, start + 1, buffer.count - 1))
        }
        let batch = try collect(count, until: until)
        if bytesSinceWakeUp >= PartitionStream.wakeUpBytes { wakeFetcher() }
        return batch
    }

    /// Sorts out what is no record of ours; everything taken is either in the batch or destroyed.
    private mutating func collect(_ count: Int, until: Int64) throws(KafkaError) -> MessageBatch? {
        var builder = BatchBuilder(partition: partition, capacity: count)
        var failure: KafkaError?
        var kept = 0
        for index in 0..<count {
            guard let message = unsafe messages[index] else { continue }
            let offset = unsafe message.pointee.offset
            switch unsafe KafkaErrorCode(message.pointee.err) {
            case .noError where offset >= position && offset < until:
                unsafe builder.append(message, input: 0)
                kept += 1
                position = offset + 1
                unsafe bytesSinceWakeUp += message.pointee.len + message.pointee.key_len
                continue
            case .noError, .partitionEnd:
                // A record from `until` on, or the end: everything before it was seen.
                position = min(until, max(position, offset))
            case let code:
                failure = unsafe failure ?? error(code, message)
            }
            unsafe rd_kafka_message_destroy(message)
        }
        let batch = builder.finish(handle)
        if let failure { throw failure }
        return kept > 0 ? batch : nil
    }

    /// An error that ends the reading; `nil` for one that librdkafka deals with.
    private func error(
        _ code: KafkaErrorCode, _ message: UnsafeMutablePointer<rd_kafka_message_t>
    ) -> KafkaError? {
        let text = unsafe rd_kafka_message_errstr(message).map { unsafe String(cString: $0) }
        // The start offset is concrete, so a reset can have no other cause.
        let error = KafkaError(
            code: code == .autoOffsetReset ? .offsetOutOfRange : code, text: text, topic: topic, partition: partition)
        return error.recovery == .retryCall ? nil : error
    }

    /// Ends the fetcher's sleep. In 2.0.2 a fetcher whose queue is full sleeps for up to 1 s, although the queue drains
    /// in milliseconds; any request to the leader ends that (see ``FetcherWakeUp``).
    private mutating func wakeFetcher() {
        guard bytesSinceWakeUp > 0 else { return }
        bytesSinceWakeUp = 0
        _ = try? handle.watermarks(topic: topic, partition: partition, timeoutMilliseconds: 1_000)
    }
}
