internal import UpsellModel

/// What a row of a delta or slice says about an account beside its counters; article "State".
struct StateFacets: OptionSet {
    var rawValue: UInt64
    /// The account's id; what the row does not say is as for an account without profile or usage.
    static let key = StateFacets(rawValue: 1)
    /// A usage below 0: all are zigzag.
    static let signed = StateFacets(rawValue: 1 << 1)
    /// Spent thresholds follow each usage; without it they are those of before, and the counter is touched.
    static let spent = StateFacets(rawValue: 1 << 2)
    static let periods = StateFacets(rawValue: 1 << 3)
    static let terms = StateFacets(rawValue: 1 << 4)
    /// Limit versions of all meters.
    static let limits = StateFacets(rawValue: 1 << 5)
    /// Side records: new ones and those that changed.
    static let sides = StateFacets(rawValue: 1 << 6)
    /// Side records and waiting events of before are gone.
    static let rest = StateFacets(rawValue: 1 << 7)
    static let waiting = StateFacets(rawValue: 1 << 8)
    /// What conditions, remedies and words need of the profile.
    static let profile = StateFacets(rawValue: 1 << 9)
    /// States of signals, all of them.
    static let signals = StateFacets(rawValue: 1 << 10)
    /// What was said and what became of it, all of it.
    static let dealings = StateFacets(rawValue: 1 << 11)
    static let all = StateFacets(rawValue: 1 << 12 - 1)
}

/// What a side record's image has.
struct SideFacets: OptionSet {
    var rawValue: UInt8
    static let previous = SideFacets(rawValue: 1)
    static let dimension = SideFacets(rawValue: 1 << 1)
    static let touched = SideFacets(rawValue: 1 << 2)
    static let latest = SideFacets(rawValue: 1 << 3)
    static let members = SideFacets(rawValue: 1 << 4)
    /// Buckets of a rolling window; without it there are none.
    static let rolling = SideFacets(rawValue: 1 << 5)
    static let episodes = SideFacets(rawValue: 1 << 6)
    static let all = SideFacets(rawValue: 1 << 7 - 1)
}

enum StateFormat {
    /// Meters of one word of a row's bitmap; the first word shares its integer with a flag.
    static let wordMeters = 56
    /// Instants beyond it are malformed, so that no arithmetic on them overflows.
    static let instantMax: Int64 = 1 << 60
}

/// Writes one delta or slice: texts and periods once, then by number; instants as distance from its clock.
struct StateWriter {
    var writer: BinaryWriter
    let clock: Int64
    private var texts: [String: Int] = [:]
    private var periods: [Period: Int] = [:]
    /// Side records of the row, reused.
    var sides: [Int32] = []

    /// - Parameter writer: taken over, so that its bytes are not copied; the caller puts it back.
    init(_ writer: consuming BinaryWriter, clock: Timestamp) {
        self.writer = writer
        self.clock = clock.milliseconds
    }

    mutating func put(instant: Int64) { writer.put(signed: instant &- clock) }

    mutating func put(optional instant: Int64?) {
        writer.put(instant != nil)
        if let instant { put(instant: instant) }
    }

    /// 0 and the text the first time, then 1 + its number.
    mutating func put(_ text: String) {
        if let number = texts[text] { return writer.put(count: number + 1) }
        texts[text] = texts.count
        writer.put(count: 0)
        writer.put(text)
    }

    mutating func put(optional text: String?) {
        writer.put(text != nil)
        if let text { put(text) }
    }

    /// 0 for none, 1 and the period the first time, then 2 + its number.
    mutating func put(_ period: Period) {
        if period.isNone { return writer.put(count: 0) }
        if let number = periods[period] { return writer.put(count: number + 2) }
        periods[period] = periods.count
        writer.put(count: 1)
        put(instant: period.start)
        writer.put(signed: period.end &- period.start)
        writer.put(signed: period.identity &- period.start)
    }
}

/// Reads what `StateWriter` wrote.
struct StateReader {
    var reader: BinaryReader
    let clock: Int64
    private var texts: [String] = []
    private var periods: [Period] = []

    init(_ reader: consuming BinaryReader, clock: Timestamp) {
        self.reader = reader
        self.clock = clock.milliseconds
    }

    func malformed(_ what: String) -> BinaryCodingError { .malformed(at: reader.position, what) }

    /// Within `instantMax` of 0.
    mutating func instant() throws(BinaryCodingError) -> Int64 { try check(reader.signed() &+ clock) }

    mutating func optionalInstant() throws(BinaryCodingError) -> Int64? { try reader.flag() ? instant() : nil }

    func check(_ instant: Int64) throws(BinaryCodingError) -> Int64 {
        guard instant.magnitude <= UInt64(StateFormat.instantMax) else { throw malformed("instant \(instant)") }
        return instant
    }

    mutating func text() throws(BinaryCodingError) -> String {
        let number = try reader.integer()
        if number == 0 {
            texts.append(try reader.text())
            return texts[texts.count - 1]
        }
        guard number <= texts.count else { throw malformed("text number \(number) of \(texts.count)") }
        return texts[number - 1]
    }

    mutating func optionalText() throws(BinaryCodingError) -> String? { try reader.flag() ? text() : nil }

    mutating func period() throws(BinaryCodingError) -> Period {
        let number = try reader.integer()
        if number == 0 { return .none }
        if number == 1 {
            let start = try instant()
            let end = try check(start &+ reader.signed())
            let identity = try check(start &+ reader.signed())
            periods.append(Period(start: start, end: end, identity: identity))
            return periods[periods.count - 1]
        }
        guard number - 2 < periods.count else { throw malformed("period number \(number) of \(periods.count)") }
        return periods[number - 2]
    }
}
