public import UpsellEngine
public import UpsellModel

/// Builds rows for the engine from texts and numbers, as `UpsellWire` would from bytes.
public struct ScenarioEvents {
    public var batch = EventBatch()
    /// Names the next event's identity and offset.
    public private(set) var next: Int64 = 0

    public init() {}

    public struct Use {
        public var meter: MeterID
        public var quantity: Int64
        public var dimension: String?

        public init(_ meter: MeterID, _ quantity: Int64, dimension: String? = nil) {
            self.meter = meter
            self.quantity = quantity
            self.dimension = dimension
        }
    }

    /// - Parameters:
    ///   - record: record timestamp; the event time where nil.
    ///   - id: identity; a new one where nil.
    public mutating func add(
        _ account: String, at time: Timestamp, record: Timestamp? = nil, _ uses: [Use], id: String? = nil,
        flags: UsageEvent.Flags = []
    ) {
        let name = append(account)
        let first = batch.readings.count
        for use in uses {
            let dimension = use.dimension.map { append($0) } ?? .empty
            batch.readings.append(Reading(meter: use.meter, quantity: use.quantity, dimension: dimension))
        }
        batch.events.append(
            UsageEvent(
                identity: StableHash.of(id ?? "event \(next)"), time: time, recordTime: record ?? time,
                accountHash: StableHash.of(account), account: name, firstReading: UInt32(first),
                readingCount: UInt16(uses.count), flags: flags, input: InputID(0), offset: next,
                record: UInt32(batch.events.count)))
        next += 1
    }

    /// Applies what was added and empties the batch.
    public mutating func play(
        into engine: inout PartitionEngine, mode: FiringMode = .live, wallTime: Timestamp = .latest,
        _ effects: inout Effects
    ) {
        engine.apply(batch, 0..<batch.events.count, mode: mode, wallTime: wallTime, into: &effects)
        batch.removeAll()
    }

    private mutating func append(_ text: String) -> ByteRange {
        let range = ByteRange(offset: UInt32(batch.arena.count), count: UInt32(text.utf8.count))
        batch.arena.append(contentsOf: text.utf8)
        return range
    }
}
