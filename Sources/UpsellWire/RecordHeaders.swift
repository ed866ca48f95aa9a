internal import UpsellModel

/// Headers of one Kafka record in one arena, reused from record to record so that the steady state allocates nothing.
///
/// Names may repeat, as Kafka allows; order is kept. Single owner.
public struct RecordHeaders: Sendable {
    private var bytes: ContiguousArray<UInt8> = []
    private var entries: ContiguousArray<Entry> = []

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }

    /// Adds a header; a nil value is Kafka's null.
    public mutating func append(name: RawSpan, value: RawSpan?) {
        var entry = Entry(name: store(name), value: .empty, isNull: true)
        if let value {
            entry.value = store(value)
            entry.isNull = false
        }
        entries.append(entry)
    }

    /// Empties the arena and keeps its capacity.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    /// Value of the last header of that name; nil where there is none or its value is null.
    @_lifetime(borrow self)
    public func value(named name: StaticString) -> RawSpan? {
        var index = entries.count - 1
        while index >= 0 {
            if equal(self.name(at: index), name) { return entries[index].isNull ? nil : value(at: index) }
            index -= 1
        }
        return nil
    }

    /// Name of the header at a position.
    @_lifetime(borrow self)
    public func name(at index: Int) -> RawSpan { unsafe bytes.span.bytes.extracting(entries[index].name.range) }

    /// Value of the header at a position; empty for a null.
    @_lifetime(borrow self)
    public func value(at index: Int) -> RawSpan { unsafe bytes.span.bytes.extracting(entries[index].value.range) }

    /// Whether the header at a position has Kafka's null for a value.
    public func isNull(at index: Int) -> Bool { entries[index].isNull }

    private mutating func store(_ span: RawSpan) -> ByteRange {
        let offset = UInt32(bytes.count)
        unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        return ByteRange(offset: offset, count: UInt32(span.byteCount))
    }

    private struct Entry: Sendable {
        var name: ByteRange
        var value: ByteRange
        var isNull: Bool
    }
}
