/// A run of bytes in an `EventBatch.arena`.
@frozen
public struct ByteRange: Equatable, Sendable {
    public var offset: UInt32
    public var count: UInt32

    @inlinable
    public init(offset: UInt32, count: UInt32) {
        self.offset = offset
        self.count = count
    }

    public static let empty = ByteRange(offset: 0, count: 0)
    @inlinable
    public var isEmpty: Bool { count == 0 }
    @inlinable
    public var range: Range<Int> { Int(offset)..<Int(offset) + Int(count) }
}

/// What one event contributes to one meter or behaviour.
@frozen
public struct Reading: Sendable {
    /// From the number of meters on: a behaviour, in the order of the catalogue.
    public var meter: MeterID
    /// Integer of the meter's scale: 1 for `count`, `active_days` and behaviours, the hash of the value for `unique`
    /// (bit pattern of XXH3-64), the value itself otherwise. Negative only on `sum`, `latest` and `max`.
    public var quantity: Int64
    /// Value of the meter's dimension in the arena; empty for a meter without dimension, never empty for one with. Of a
    /// behaviour the feature, empty where the event names none.
    public var dimension: ByteRange

    @inlinable
    public init(meter: MeterID, quantity: Int64, dimension: ByteRange = .empty) {
        self.meter = meter
        self.quantity = quantity
        self.dimension = dimension
    }
}

/// A decoded usage event, a fixed-size row of an `EventBatch`.
@frozen
public struct UsageEvent: Sendable {
    /// XXH3-64 of source, a NUL byte and id. Two different identities collide with probability 2⁻⁶⁴ a pair.
    public var identity: UInt64
    /// Event time; the record timestamp where the event names none.
    public var time: Timestamp
    /// Kafka's timestamp of the record.
    public var recordTime: Timestamp
    /// XXH3-64 of the account's bytes.
    public var accountHash: UInt64
    /// Account id in the arena, UTF-8, never empty.
    public var account: ByteRange
    /// Its readings: `readings[firstReading ..< firstReading + readingCount]`; at least one.
    public var firstReading: UInt32
    public var readingCount: UInt16
    public var flags: Flags
    public var input: InputID
    public var offset: Int64
    /// Position of the record in the Kafka batch that was decoded, so that a refusal finds its bytes again.
    public var record: UInt32

    @inlinable
    public init(
        identity: UInt64, time: Timestamp, recordTime: Timestamp, accountHash: UInt64, account: ByteRange,
        firstReading: UInt32, readingCount: UInt16, flags: Flags, input: InputID, offset: Int64, record: UInt32
    ) {
        self.identity = identity
        self.time = time
        self.recordTime = recordTime
        self.accountHash = accountHash
        self.account = account
        self.firstReading = firstReading
        self.readingCount = readingCount
        self.flags = flags
        self.input = input
        self.offset = offset
        self.record = record
    }

    @frozen
    public struct Flags: OptionSet, Sendable {
        public var rawValue: UInt8
        @inlinable
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// `backfill: true`: updates state, fires nothing.
        @inlinable public static var backfill: Flags { Flags(rawValue: 1) }
        /// `snapshot: true`: sets the counter to an absolute value, fires nothing.
        @inlinable public static var snapshot: Flags { Flags(rawValue: 2) }
    }
}

/// Decoded usage events as rows over one byte arena, reused from batch to batch so that the steady state allocates
/// nothing.
///
/// `UpsellWire` fills it, `UpsellEngine` reads it; neither knows the other. Partition queue only.
public struct EventBatch: Sendable {
    public var events: ContiguousArray<UsageEvent> = []
    public var readings: ContiguousArray<Reading> = []
    /// Account ids and dimension values.
    public var arena: ContiguousArray<UInt8> = []

    public init() {}

    /// Empties the batch and keeps its capacity.
    @inlinable
    public mutating func removeAll() {
        events.removeAll(keepingCapacity: true)
        readings.removeAll(keepingCapacity: true)
        arena.removeAll(keepingCapacity: true)
    }

    /// Appends a byte run to the arena.
    @inlinable
    public mutating func append(bytes: RawSpan) -> ByteRange {
        let offset = UInt32(arena.count)
        let count = bytes.byteCount
        unsafe bytes.withUnsafeBytes { unsafe arena.append(contentsOf: $0) }
        return ByteRange(offset: offset, count: UInt32(count))
    }

    /// The text of a byte run; for output and tests, never per event.
    public func text(_ bytes: ByteRange) -> String { String(decoding: arena[bytes.range], as: UTF8.self) }
}
