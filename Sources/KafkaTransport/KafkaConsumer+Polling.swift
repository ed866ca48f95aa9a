import CRdKafka
import Synchronization

extension KafkaConsumer {
    /// Waits for a first message, then takes what is there.
    ///
    /// One `rd_kafka_consumer_poll` with the timeout, then `rd_kafka_consume_batch_queue` without: a batch call with a
    /// timeout would wait for a full batch (measured.md §1). Rebalances, errors and statistics are served inside.
    ///
    /// - Parameters:
    ///   - maxMessages: 1 or more; 1,000 to 5,000 reach the full rate.
    ///   - timeoutMilliseconds: for the first message; a rebalance ends the wait early.
    ///   - onRebalance: called synchronously, on this thread. It may drain and commit; it must not call the consumer,
    ///     except for ``ownedPartitions`` and ``assignedPartitions``.
    /// - Returns: batches grouped by partition number. Messages of partitions revoked during the call are not in it:
    ///   their next owner reads them.
    ///
    /// Poll thread. Keeps `max.poll.interval.ms` alive.
    public func poll(maxMessages: Int, timeoutMilliseconds: Int, onRebalance: (RebalanceEvent) -> Void) -> PollResult {
        assignment.enter("poll(maxMessages:timeoutMilliseconds:onRebalance:)")
        defer { assignment.leave() }
        precondition(maxMessages > 0, "maxMessages: \(maxMessages)")
        if unsafe scratch.count < maxMessages {
            unsafe scratch.deallocate()
            unsafe scratch = .allocate(capacity: maxMessages)
        }
        let count = withoutActuallyEscaping(onRebalance) { onRebalance in
            assignment.handler = onRebalance
            assignment.revokedDuringCall.removeAll(keepingCapacity: true)
            defer { assignment.handler = nil }
            return receive(maxMessages, timeoutMilliseconds)
        }
        if !assignment.revokedDuringCall.isEmpty { updateWakeUp() }
        var result = PollResult()
        if count > 0 {
            collect(count, into: &result)
            if !result.batches.isEmpty {
                received.add(result.messageCount, ordering: .relaxed)
                wakeUp.withLock { $0 }?.noteMessages()
            }
        }
        result.errors += handle.context.takeErrors()
        return result
    }

    /// Fills the scratch buffer; gives the number of messages in it, which are ours to destroy.
    private func receive(_ maxMessages: Int, _ timeoutMilliseconds: Int) -> Int {
        guard let start = unsafe scratch.baseAddress, let queue = unsafe handle.queue,
            let first = unsafe rd_kafka_consumer_poll(handle.raw, Int32(clamping: timeoutMilliseconds))
        else { return 0 }
        unsafe start.pointee = first
        guard maxMessages > 1 else { return 1 }
        let more = unsafe rd_kafka_consume_batch_queue(queue, 0, start + 1, maxMessages - 1)
        return 1 + max(0, more)
    }

    /// Sorts messages into batches; destroys those that are none, and those of revoked partitions.
    private func collect(_ count: Int, into result: inout PollResult) {
        if !assignment.revokedDuringCall.isEmpty { unsafe topicCache.removeAll(keepingCapacity: true) }
        // First pass: what is a message of ours, and how many each partition has.
        var shares: [(partition: Int32, count: Int)] = []
        var share = -1
        var kept = 0
        for index in 0..<count {
            guard let message = unsafe scratch[index] else { continue }
            let partition = unsafe message.pointee.partition
            if unsafe message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR {
                unsafe report(message, into: &result)
                unsafe rd_kafka_message_destroy(message)
                continue
            }
            if !assignment.revokedDuringCall.isEmpty, assignment.revokedDuringCall.contains(partition) {
                unsafe rd_kafka_message_destroy(message)
                continue
            }
            unsafe scratch[kept] = message
            kept += 1
            // Messages come in runs of one partition.
            if share < 0 || shares[share].partition != partition {
                share = shares.firstIndex { $0.partition == partition } ?? -1
                if share < 0 {
                    share = shares.count
                    shares.append((partition, 0))
                }
            }
            shares[share].count += 1
        }
        guard kept > 0 else { return }
        var builders = shares.map { BatchBuilder(partition: $0.partition, capacity: $0.count) }
        share = 0
        for index in 0..<kept {
            guard let message = unsafe scratch[index] else { continue }
            let partition = unsafe message.pointee.partition
            if shares[share].partition != partition {
                share = shares.firstIndex { $0.partition == partition } ?? share
            }
            unsafe builders[share].append(message, input: input(of: message))
        }
        result.batches = builders.map { $0.finish(handle) }
    }

    /// Input number of the message's topic. Pointers are compared; names only once for each topic.
    private func input(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> Int32 {
        guard let topic = unsafe message.pointee.rkt else { preconditionFailure("message without a topic") }
        for index in unsafe topicCache.indices where unsafe topicCache[index].topic == topic {
            return unsafe topicCache[index].input
        }
        guard let name = unsafe rd_kafka_topic_name(topic),
            let input = unsafe inputTopics.firstIndex(of: String(cString: name))
        else { preconditionFailure("message of a topic that was not assigned") }
        unsafe topicCache.append((topic, Int32(input)))
        return Int32(input)
    }

    /// Turns a partition's end or error into an entry of the result.
    private func report(_ message: UnsafeMutablePointer<rd_kafka_message_t>, into result: inout PollResult) {
        let code = unsafe KafkaErrorCode(message.pointee.err)
        let partition = unsafe message.pointee.partition
        if code == .partitionEnd {
            guard !assignment.revokedDuringCall.contains(partition) else { return }
            unsafe result.ends.append((Int(input(of: message)), partition, message.pointee.offset))
            return
        }
        if code == .fatal, let fatal = handle.fatalCause() {
            result.errors.append(fatal)
            return
        }
        let topic = unsafe message.pointee.rkt.flatMap { unsafe rd_kafka_topic_name($0) }
        let text = unsafe rd_kafka_message_errstr(message).map { unsafe String(cString: $0) }
        result.errors.append(
            KafkaError(
                code: code, text: text, topic: unsafe topic.map { unsafe String(cString: $0) },
                partition: partition < 0 ? nil : partition))
    }
}
