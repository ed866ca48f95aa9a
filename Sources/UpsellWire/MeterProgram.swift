internal import CXXHash
internal import UpsellModel

/// A catalogue's meters and behaviours as flat tables for the decoder: which of them an event type feeds and where their
/// fields lie. Behaviours are numbered behind the meters.
///
/// Plain rows over one byte arena; looking something up copies no reference and allocates nothing. Immutable.
struct MeterProgram: Sendable {
    private(set) var bytes: ContiguousArray<UInt8> = []
    private(set) var names: ContiguousArray<ByteRange> = []
    private(set) var values: ContiguousArray<ByteRange> = []
    private(set) var conditions: ContiguousArray<Condition> = []
    private(set) var steps: ContiguousArray<Step> = []
    private(set) var types: ContiguousArray<EventType> = []
    /// Open addressing over `types`, at most half full; -1 is free.
    private var slots: ContiguousArray<Int32> = []

    init(_ catalogue: Catalogue) {
        var order: [String] = []
        var fed: [String: [Int]] = [:]
        let listeners = catalogue.meters.map(\.eventTypes) + catalogue.behaviours.map(\.eventTypes)
        for (index, eventTypes) in listeners.enumerated() {
            for type in eventTypes {
                if fed[type] == nil { order.append(type) }
                // A type that is named twice feeds the meter once.
                if fed[type]?.last != index { fed[type, default: []].append(index) }
            }
        }
        let meterCount = catalogue.meters.count
        for type in order {
            let first = steps.count
            for index in fed[type] ?? [] {
                if index < meterCount {
                    appendStep(MeterID(index), catalogue.meters[index])
                } else {
                    appendStep(MeterID(index), catalogue.behaviours[index - meterCount])
                }
            }
            types.append(EventType(name: store(type), firstStep: first, stepCount: steps.count - first))
        }
        var capacity = 8
        while capacity < types.count * 2 { capacity *= 2 }
        slots = ContiguousArray(repeating: -1, count: capacity)
        for index in types.indices {
            var slot = Self.hash(text(types[index].name)) & (capacity - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (capacity - 1) }
            slots[slot] = Int32(index)
        }
    }

    /// Steps of the meters and behaviours that an event type feeds; nil where none names it.
    func steps(ofType type: RawSpan) -> Range<Int>? {
        var slot = Self.hash(type) & (slots.count - 1)
        while slots[slot] >= 0 {
            let row = types[Int(slots[slot])]
            if equal(text(row.name), type) { return row.firstStep..<row.firstStep + row.stepCount }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    @_lifetime(borrow self)
    func text(_ range: ByteRange) -> RawSpan { unsafe bytes.span.bytes.extracting(unchecked: range.range) }

    /// `data.bytes`, for messages.
    func description(of path: Path) -> String {
        let tail = (path.first..<path.first + path.count).map { text(names[Int($0)]).text }
        return ((path.root == .data ? ["data"] : []) + tail).joined(separator: ".")
    }

    // MARK: Compiling

    /// Stores a path; `data` as its first name starts at the event's data, any other single name is an attribute.
    mutating func store(_ path: FieldPath) -> Path {
        let isData = path.names.first == "data"
        return store(isData ? .data : .attribute, isData ? path.names.dropFirst() : path.names[...])
    }

    /// Stores a path from the root of the document, whatever its names.
    mutating func store(fromRoot path: FieldPath) -> Path { store(.document, path.names[...]) }

    mutating func store(_ text: String) -> ByteRange {
        let range = ByteRange(offset: UInt32(bytes.count), count: UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
        return range
    }

    /// Stores a text as a row of `values`.
    mutating func store(constant text: String) -> Int {
        let stored = store(text)
        values.append(stored)
        return values.count - 1
    }

    private mutating func store(_ root: Path.Root, _ path: ArraySlice<String>) -> Path {
        let first = names.count
        for name in path {
            let stored = store(name)
            names.append(stored)
        }
        return Path(root: root, first: UInt32(first), count: UInt32(path.count))
    }

    private mutating func appendStep(_ id: MeterID, _ meter: Meter) {
        let filter = store(filter: meter.filter)
        steps.append(
            Step(
                meter: id, kind: Step.Kind(meter.aggregation), snapshotKind: Self.snapshotKind(meter),
                scale: UInt8(meter.scale),
                countsEvents: meter.aggregation == .count, needsDimension: true,
                unit: (0..<meter.scale).reduce(1) { unit, _ in unit * 10 },
                value: meter.value.map { store($0) } ?? .none,
                dimension: meter.dimension.map { store($0.path) } ?? .none,
                firstCondition: filter.first, conditionCount: filter.count))
    }

    /// A behaviour is one occurrence an event, of its feature where the event names one.
    private mutating func appendStep(_ id: MeterID, _ behaviour: Behaviour) {
        let filter = store(filter: behaviour.filter)
        steps.append(
            Step(
                meter: id, kind: .occurrence, snapshotKind: nil, scale: 0, countsEvents: true, needsDimension: false,
                unit: 1, value: .none, dimension: behaviour.feature.map { store($0) } ?? .none,
                firstCondition: filter.first, conditionCount: filter.count))
    }

    private mutating func store(filter: [FieldCondition]) -> (first: UInt32, count: UInt32) {
        let first = conditions.count
        for condition in filter {
            let path = store(condition.path)
            let firstValue = values.count
            for value in condition.anyOf {
                let stored = store(value)
                values.append(stored)
            }
            conditions.append(
                Condition(
                    path: path, firstValue: UInt32(firstValue), valueCount: UInt32(values.count - firstValue)))
        }
        return (UInt32(first), UInt32(conditions.count - first))
    }

    private static func snapshotKind(_ meter: Meter) -> Step.Kind? {
        switch meter.aggregation {
        case .sum, .max, .latest: .number
        case .count: meter.value == nil ? nil : .number
        case .unique, .activeDays: nil
        }
    }

    /// Both ends and the length of a name: enough to spread the types of a catalogue, and it is the catalogue that
    /// bounds the probes, not the events.
    @inline(__always)
    private static func hash(_ text: RawSpan) -> Int {
        let count = text.byteCount
        var mixed = UInt64(truncatingIfNeeded: count)
        if count >= 8 {
            // Both loads stay inside.
            mixed ^= unsafe text.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt64.self)
            mixed &+= unsafe text.unsafeLoadUnaligned(fromUncheckedByteOffset: count - 8, as: UInt64.self) << 1
        } else {
            for offset in 0..<count { mixed = mixed << 8 ^ UInt64(text.byte(offset)) }
        }
        return Int(truncatingIfNeeded: mixed &* 0x9e37_79b9_7f4a_7c15 >> 40)
    }

    // MARK: Rows

    struct Path {
        var root: Root
        /// Names below the root, in `names`.
        var first: UInt32
        var count: UInt32

        @inline(__always)
        static var none: Path { Path(root: .none, first: 0, count: 0) }

        enum Root: UInt8 {
            case none
            /// The event's data.
            case data
            /// An attribute of the envelope: a header in binary mode, a member of the root else.
            case attribute
            /// The root of the document.
            case document
        }
    }

    struct Condition {
        var path: Path
        /// Admitted texts, in `values`.
        var firstValue: UInt32
        var valueCount: UInt32
    }

    /// What to read for one meter.
    struct Step {
        var meter: MeterID
        var kind: Kind
        /// What a snapshot reads: a number where the meter can be set to one, nil where it cannot (`unique`,
        /// `active_days`, and `count` without `snapshotValue`).
        var snapshotKind: Kind?
        var scale: UInt8
        /// Whether the meter's own quantity is 1 an event.
        var countsEvents: Bool
        /// Whether an event without a value of the dimension is refused: of meters; a behaviour then has none.
        var needsDimension: Bool
        /// 10 to the power of `scale`.
        var unit: Int64
        var value: Path
        var dimension: Path
        var firstCondition: UInt32
        var conditionCount: UInt32

        enum Kind: UInt8 {
            /// Contributes 1.
            case occurrence
            /// A number, negative ones included.
            case number
            /// The hash of a text.
            case distinct

            init(_ aggregation: Meter.Aggregation) {
                self =
                    switch aggregation {
                    case .count, .activeDays: .occurrence
                    case .sum, .max, .latest: .number
                    case .unique: .distinct
                    }
            }
        }
    }

    struct EventType {
        var name: ByteRange
        var firstStep: Int
        var stepCount: Int
    }
}

/// XXH3-64 of a run of bytes.
@inline(__always)
func xxh3(_ bytes: RawSpan) -> UInt64 { unsafe bytes.withUnsafeBytes { unsafe XXH3_64bits($0.baseAddress, $0.count) } }
