/// Messages of one partition number, over all inputs, in the order in which they arrived.
///
/// Immutable. Keys and values are borrowed from librdkafka's fetch buffers, without a copy, while the batch lives; all
/// records are freed in one burst when it goes, on whatever queue lets go last (measured.md §0: 1.3 to 1.6 times the
/// rate of freeing one by one).
///
/// A batch belongs to one queue at a time: ``hasHeaders(at:)`` and ``forEachHeader(at:_:)`` parse the record's headers
/// on first use. The other accessors may be used by several threads at once.
@safe public final class MessageBatch: @unchecked Sendable {
    // `@unchecked`: pointers are set once, in the initialiser; headers as told above.
    public let partition: Int32
    /// Messages, 1 or more unless made by hand.
    public let count: Int
    /// Bytes of keys and values together.
    public let byteCount: Int

    @usableFromInline let slots: UnsafeMutablePointer<MessageSlot>
    private let storage: BatchStorage

    init(partition: Int32, count: Int, byteCount: Int, slots: UnsafeMutablePointer<MessageSlot>, storage: BatchStorage)
    {
        self.partition = partition
        self.count = count
        self.byteCount = byteCount
        unsafe self.slots = slots
        self.storage = storage
    }

    deinit {
        unsafe storage.release(slots, count: count)
        unsafe slots.deallocate()
    }

    @inlinable func check(_ index: Int) {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "message index out of range")
    }

    /// Number of the message's input: its topic's index in the consumer's input topics.
    @inlinable public func input(at index: Int) -> Int {
        check(index)
        return unsafe Int(slots[index].input)
    }

    @inlinable public func offset(at index: Int) -> Int64 {
        check(index)
        return unsafe slots[index].offset
    }

    /// Record timestamp in milliseconds since 1970-01-01 UTC; -1 if the record has none.
    @inlinable public func timestamp(at index: Int) -> Int64 {
        check(index)
        return unsafe slots[index].timestamp
    }

    /// Key bytes; `nil` for a record without a key, empty for an empty key.
    @inlinable @_lifetime(borrow self) public func key(at index: Int) -> RawSpan? {
        check(index)
        guard let base = unsafe slots[index].key else { return nil }
        let span = unsafe RawSpan(_unsafeStart: base, byteCount: Int(slots[index].keyCount))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Value bytes; `nil` for a tombstone, empty for an empty payload.
    @inlinable @_lifetime(borrow self) public func value(at index: Int) -> RawSpan? {
        check(index)
        guard let base = unsafe slots[index].value else { return nil }
        let span = unsafe RawSpan(_unsafeStart: base, byteCount: Int(slots[index].valueCount))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Whether the record has headers. One queue at a time.
    public func hasHeaders(at index: Int) -> Bool {
        check(index)
        return unsafe storage.headerPresence(slots[index], at: index) == .some
    }

    /// Whether the record has headers, and whether they can be read. One queue at a time.
    public func headerPresence(at index: Int) -> HeaderPresence {
        check(index)
        return unsafe storage.headerPresence(slots[index], at: index)
    }

    /// Calls `body` with each header's name and value, in the record's order; a name may occur more than once. A `nil`
    /// value is a null. librdkafka allocates when it parses the headers: ask only where the format has some. One queue
    /// at a time.
    public func forEachHeader(at index: Int, _ body: (RawSpan, RawSpan?) -> Void) {
        check(index)
        unsafe storage.forEachHeader(slots[index], at: index, body)
    }
}

/// Whether a record has headers.
public enum HeaderPresence: Sendable {
    case none
    case some
    /// It has, but librdkafka does not give them: more than 100,000 (2.0.2), or malformed.
    case unreadable
}

/// One message as the accessors need it, so that they cost a load, also from other modules.
@unsafe @usableFromInline struct MessageSlot {
    @usableFromInline let key: UnsafeRawPointer?
    @usableFromInline let value: UnsafeRawPointer?
    @usableFromInline let keyCount: UInt32
    @usableFromInline let valueCount: UInt32
    @usableFromInline let offset: Int64
    @usableFromInline let timestamp: Int64
    /// librdkafka's message, or `nil` for a record made by hand.
    let native: UnsafeMutableRawPointer?
    @usableFromInline let input: Int32
}
