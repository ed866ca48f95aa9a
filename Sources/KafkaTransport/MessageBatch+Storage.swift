import CRdKafka

/// Who owns the bytes behind a batch's slots.
enum BatchStorage {
    /// librdkafka's messages; the handle must outlive them.
    case messages(KafkaHandle)
    /// Bytes of records made by hand, and their headers by index.
    case records(bytes: RecordBytes, headers: [[InMemoryRecord.Header]])

    func release(_ slots: UnsafeMutablePointer<MessageSlot>, count: Int) {
        guard case .messages = self else { return }
        for index in 0..<count {
            if let native = unsafe slots[index].native {
                unsafe rd_kafka_message_destroy(native.assumingMemoryBound(to: rd_kafka_message_t.self))
            }
        }
    }

    func headerPresence(_ slot: MessageSlot, at index: Int) -> HeaderPresence {
        switch self {
        case .messages:
            guard let native = unsafe slot.native else { return .none }
            var list: OpaquePointer?
            return
                switch unsafe rd_kafka_message_headers(
                    native.assumingMemoryBound(to: rd_kafka_message_t.self), &list)
            {
            case RD_KAFKA_RESP_ERR_NO_ERROR: .some
            case RD_KAFKA_RESP_ERR__NOENT: .none
            default: .unreadable
            }
        case .records(_, let headers): return headers[index].isEmpty ? .none : .some
        }
    }

    func forEachHeader(_ slot: MessageSlot, at index: Int, _ body: (RawSpan, RawSpan?) -> Void) {
        switch self {
        case .messages:
            guard let list = unsafe BatchStorage.headers(of: slot) else { return }
            var position = 0
            var name: UnsafePointer<CChar>?
            var value: UnsafeRawPointer?
            var valueCount = 0
            while unsafe rd_kafka_header_get_all(list, position, &name, &value, &valueCount)
                == RD_KAFKA_RESP_ERR_NO_ERROR
            {
                position += 1
                guard let start = unsafe name else { continue }
                let nameSpan = unsafe RawSpan(
                    _unsafeStart: UnsafeRawPointer(start), byteCount: BatchStorage.length(start))
                if let value = unsafe value {
                    unsafe body(nameSpan, RawSpan(_unsafeStart: value, byteCount: valueCount))
                } else {
                    body(nameSpan, nil)
                }
            }
        case .records(_, let headers):
            for header in headers[index] {
                let name = Array(header.name.utf8)
                if let value = header.value {
                    unsafe body(name.span.bytes, value.span.bytes)
                } else {
                    unsafe body(name.span.bytes, nil)
                }
            }
        }
    }

    /// The message's headers, parsed on first use: `rd_kafka_message_headers`. They belong to the message.
    private static func headers(of slot: MessageSlot) -> OpaquePointer? {
        guard let native = unsafe slot.native else { return nil }
        var list: OpaquePointer?
        let result = unsafe rd_kafka_message_headers(native.assumingMemoryBound(to: rd_kafka_message_t.self), &list)
        return unsafe result == RD_KAFKA_RESP_ERR_NO_ERROR ? list : nil
    }

    private static func length(_ name: UnsafePointer<CChar>) -> Int {
        var length = 0
        while unsafe name[length] != 0 { length += 1 }
        return length
    }
}

/// Fills one batch. `finish` must follow: it takes the messages over.
@safe struct BatchBuilder {
    private let partition: Int32
    private let capacity: Int
    private let slots: UnsafeMutablePointer<MessageSlot>
    private var count = 0
    private var byteCount = 0

    init(partition: Int32, capacity: Int) {
        self.partition = partition
        self.capacity = capacity
        unsafe slots = .allocate(capacity: capacity)
    }

    /// Takes one message over.
    mutating func append(_ message: UnsafeMutablePointer<rd_kafka_message_t>, input: Int32) {
        precondition(count < capacity, "batch overrun")
        let native = unsafe message.pointee
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = unsafe rd_kafka_message_timestamp(message, &kind)
        unsafe (slots + count).initialize(
            to: MessageSlot(
                key: UnsafeRawPointer(native.key), value: UnsafeRawPointer(native.payload),
                keyCount: UInt32(truncatingIfNeeded: native.key_len),
                valueCount: UInt32(truncatingIfNeeded: native.len),
                offset: native.offset, timestamp: timestamp, native: UnsafeMutableRawPointer(message), input: input))
        count += 1
        unsafe byteCount &+= native.key_len &+ native.len
    }

    func finish(_ handle: KafkaHandle) -> MessageBatch {
        unsafe MessageBatch(
            partition: partition, count: count, byteCount: byteCount, slots: slots, storage: .messages(handle))
    }
}
