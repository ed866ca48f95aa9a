/// A record made by hand, for fakes and replays; gives the same accessors through ``MessageBatch``.
public struct InMemoryRecord: Sendable {
    public typealias Header = (name: String, value: [UInt8]?)

    public var input: Int
    public var offset: Int64
    /// Milliseconds since 1970-01-01 UTC; -1 for none.
    public var timestamp: Int64
    public var key: [UInt8]?
    /// `nil` is a tombstone.
    public var value: [UInt8]?
    public var headers: [Header]

    public init(
        input: Int, offset: Int64, timestamp: Int64 = -1, key: [UInt8]? = nil, value: [UInt8]?, headers: [Header] = []
    ) {
        self.input = input
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// One block of bytes, freed with its owner.
@safe final class RecordBytes: @unchecked Sendable {
    // `@unchecked`: written only before it is shared.
    let start: UnsafeMutableRawPointer

    init(count: Int) { unsafe start = .allocate(byteCount: max(count, 1), alignment: 16) }

    deinit { unsafe start.deallocate() }
}

extension MessageBatch {
    /// Makes a batch of copied records; empty is allowed.
    public convenience init(partition: Int32, records: [InMemoryRecord]) {
        let byteCount = records.reduce(0) { $0 + ($1.key?.count ?? 0) + ($1.value?.count ?? 0) }
        let bytes = RecordBytes(count: byteCount)
        let slots = UnsafeMutablePointer<MessageSlot>.allocate(capacity: max(records.count, 1))
        var end = 0
        func copy(_ source: [UInt8]?) -> UnsafeRawPointer? {
            guard let source else { return nil }
            let start = unsafe bytes.start + end
            unsafe source.withUnsafeBytes { buffer in
                if let base = buffer.baseAddress { unsafe start.copyMemory(from: base, byteCount: buffer.count) }
            }
            end += source.count
            return UnsafeRawPointer(start)
        }
        for (index, record) in records.enumerated() {
            let key = unsafe copy(record.key)
            let value = unsafe copy(record.value)
            unsafe (slots + index).initialize(
                to: MessageSlot(
                    key: key, value: value, keyCount: UInt32(record.key?.count ?? 0),
                    valueCount: UInt32(record.value?.count ?? 0), offset: record.offset, timestamp: record.timestamp,
                    native: nil, input: Int32(record.input)))
        }
        unsafe self.init(
            partition: partition, count: records.count, byteCount: byteCount, slots: slots,
            storage: .records(bytes: bytes, headers: records.map(\.headers)))
    }
}
