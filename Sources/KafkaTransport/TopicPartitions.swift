import CRdKafka
import Glibc

/// Owns a list of partitions of one topic: `rd_kafka_topic_partition_list_t`.
@safe struct TopicPartitions: ~Copyable {
    let native: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ topic: String, _ partitions: [Int32]) {
        guard let native = unsafe rd_kafka_topic_partition_list_new(Int32(clamping: partitions.count)) else {
            preconditionFailure("out of memory")
        }
        unsafe self.native = native
        for partition in partitions { unsafe rd_kafka_topic_partition_list_add(native, topic, partition) }
    }

    /// Positions to be committed, with their metadata.
    init(_ topic: String, _ offsets: [GroupOffset]) {
        self.init(topic, offsets.map(\.partition))
        for (index, offset) in offsets.enumerated() {
            let text = Array(offset.metadata.utf8)
            unsafe native.pointee.elems[index].offset = offset.offset
            // The list frees the copy.
            guard !text.isEmpty, let copy = unsafe rd_kafka_mem_malloc(nil, text.count) else { continue }
            unsafe copy.copyMemory(from: text, byteCount: text.count)
            unsafe native.pointee.elems[index].metadata = unsafe copy
            unsafe native.pointee.elems[index].metadata_size = text.count
        }
    }

    deinit { unsafe rd_kafka_topic_partition_list_destroy(native) }

    /// Committed offsets of the partitions that have one.
    ///
    /// - Throws: the first partition's error.
    borrowing func committedOffsets() throws(KafkaError) -> [Int32: GroupOffset] {
        var offsets: [Int32: GroupOffset] = [:]
        for index in 0..<Int(unsafe native.pointee.cnt) {
            let element = unsafe native.pointee.elems[index]
            guard unsafe element.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw unsafe KafkaError(
                    code: KafkaErrorCode(element.err), topic: String(cString: element.topic),
                    partition: element.partition)
            }
            guard unsafe element.offset >= 0 else { continue }
            let metadata = unsafe UnsafeRawBufferPointer(start: element.metadata, count: element.metadata_size)
            unsafe offsets[element.partition] = unsafe GroupOffset(
                partition: element.partition, offset: element.offset,
                metadata: String(decoding: metadata, as: UTF8.self))
        }
        return offsets
    }
}

extension KafkaHandle {
    /// Pause between two questions for offsets that a transaction holds, in milliseconds.
    private static let unstableWait: Int32 = 20

    /// Committed offsets of the handle's group: `rd_kafka_committed`. Stable if the handle is `read_committed`.
    ///
    /// - Throws: `UNSTABLE_OFFSET_COMMIT` or `_TIMED_OUT` (both `.retryCall`) after the timeout.
    func committed(topic: String, partitions: [Int32], timeoutMilliseconds: Int) throws(KafkaError)
        -> [Int32: GroupOffset]
    {
        guard !partitions.isEmpty else { return [:] }
        let deadline = Deadline(milliseconds: timeoutMilliseconds)
        while true {
            let list = TopicPartitions(topic, partitions)
            let result = unsafe rd_kafka_committed(raw, list.native, deadline.slice(.max))
            guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw KafkaError(code: KafkaErrorCode(result), topic: topic)
            }
            do {
                return try list.committedOffsets()
            } catch {
                guard error.code == .unstableOffsetCommit, !deadline.isOver else { throw error }
                usleep(useconds_t(deadline.slice(KafkaHandle.unstableWait)) * 1_000)
            }
        }
    }
}
