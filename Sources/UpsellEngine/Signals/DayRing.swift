internal import UpsellModel

/// Amounts of the last local days, by event time: day d lies at d modulo the length.
///
/// The newest day moves forward only; days that the ring has passed are gone, and what comes for them is not taken. Its
/// length is fixed by the rule, so that an event costs no allocation.
struct DayRing: Equatable {
    private var amounts: ContiguousArray<Int64>
    /// `.min` before the first amount.
    private(set) var newest = Int64.min
    /// Over the whole ring.
    private(set) var total: Int128 = 0
    /// Days of the ring with an amount above 0.
    private(set) var activeDays = 0
    /// First day whose amount changed since the last delta; `.min` for a ring that was never written.
    private var changedFrom = Int64.min
    /// An image that was read from a delta: the first day it tells of; those before are as they were.
    var toldFrom: Int64?

    /// Shorter rings are written whole, since telling apart what changed would cost more than it saves.
    static let lengthTold = 16

    /// - Parameter length: days, 1 or more.
    init(length: Int) { amounts = ContiguousArray(repeating: 0, count: length) }

    var length: Int { amounts.count }
    var isEmpty: Bool { newest == .min }
    /// First day that the ring covers.
    var oldest: Int64 { isEmpty ? .min : newest - Int64(length) + 1 }

    @inline(__always)
    private func index(_ day: Int64) -> Int {
        let index = Int(day % Int64(amounts.count))
        return index < 0 ? index + amounts.count : index
    }

    /// - Returns: false for a day that the ring has passed; nothing has changed then.
    @inline(__always)
    @discardableResult
    mutating func add(_ amount: Int64, on day: Int64) -> Bool {
        if day > newest { advance(to: day) }
        guard day >= oldest else { return false }
        let index = index(day)
        let before = amounts[index]
        let (sum, overflow) = before.addingReportingOverflow(amount)
        set(index, overflow ? (amount > 0 ? .max : .min) : sum)
        changedFrom = Swift.min(changedFrom, day)
        return true
    }

    private mutating func set(_ index: Int, _ amount: Int64) {
        let before = amounts[index]
        total += Int128(amount) - Int128(before)
        activeDays += (amount > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
        amounts[index] = amount
    }

    /// Makes `day` the newest, unless a later one is.
    mutating func advance(to day: Int64) {
        guard day > newest else { return }
        if isEmpty || day - newest >= Int64(length) {
            for index in amounts.indices { amounts[index] = 0 }
            total = 0
            activeDays = 0
        } else {
            for passed in newest + 1...day { set(index(passed), 0) }
        }
        newest = day
    }

    mutating func clear() {
        self = DayRing(length: length)
    }

    /// Amount of a day; 0 outside the ring.
    subscript(day: Int64) -> Int64 { !isEmpty && day >= oldest && day <= newest ? amounts[index(day)] : 0 }

    /// Sum of the days from `first` to `last` and how many of them have more than nothing.
    func sum(_ first: Int64, _ last: Int64) -> (total: Int128, active: Int) {
        var total: Int128 = 0
        var active = 0
        guard !isEmpty else { return (0, 0) }
        var day = Swift.max(first, oldest)
        let end = Swift.min(last, newest)
        while day <= end {
            let amount = amounts[index(day)]
            total += Int128(amount)
            if amount > 0 { active += 1 }
            day += 1
        }
        return (total, active)
    }

    /// First day with an amount other than 0.
    var firstUsed: Int64? {
        guard !isEmpty else { return nil }
        return (oldest...newest).first { amounts[index($0)] != 0 }
    }

    // MARK: State

    mutating func clearMarks() { changedFrom = .max }

    /// Appends the newest day, which days are told, and their amounts up to the newest.
    ///
    /// - Parameter isFull: for a reader that knows nothing of it.
    func write(into out: inout StateWriter, isFull: Bool) {
        out.writer.put(!isEmpty)
        guard !isEmpty else { return }
        out.writer.put(signed: newest - out.clock.flooredDivision(by: .millisecondsPerDay))
        let isWhole = isFull || length < Self.lengthTold || changedFrom == .min
        out.writer.put(isWhole)
        let from = isWhole ? firstUsed ?? newest + 1 : Swift.min(Swift.max(changedFrom, oldest), newest + 1)
        out.writer.put(count: Int(newest + 1 - from))
        var day = from
        while day <= newest {
            out.writer.put(signed: amounts[index(day)])
            day += 1
        }
    }

    init(from input: inout StateReader, length: Int) throws(BinaryCodingError) {
        self.init(length: length)
        clearMarks()
        guard try input.reader.flag() else { return }
        let newest = try input.day()
        let isWhole = try input.reader.flag()
        let count = try input.reader.count()
        guard count <= length else { throw input.malformed("\(count) days of \(length)") }
        advance(to: newest)
        for day in (newest + 1 - Int64(count))..<newest + 1 { set(index(day), try input.reader.signed()) }
        if !isWhole { toldFrom = newest + 1 - Int64(count) }
    }

    /// What an image says of this ring, in its place.
    func completed(by image: DayRing) -> DayRing? {
        guard let from = image.toldFrom else { return image }
        guard length == image.length, image.newest >= newest else { return nil }
        var ring = self
        ring.advance(to: image.newest)
        var day = Swift.max(from, image.oldest)
        while day <= image.newest {
            ring.set(ring.index(day), image[day])
            day += 1
        }
        ring.clearMarks()
        return ring
    }
}

extension StateReader {
    /// A number of a local day.
    mutating func day() throws(BinaryCodingError) -> Int64 {
        let day = clock.flooredDivision(by: .millisecondsPerDay) &+ (try reader.signed())
        guard day.magnitude <= UInt64(StateFormat.instantMax / .millisecondsPerDay) else {
            throw malformed("day \(day)")
        }
        return day
    }

    mutating func optionalDay() throws(BinaryCodingError) -> Int64? { try reader.flag() ? day() : nil }
}

extension StateWriter {
    mutating func put(day: Int64) { writer.put(signed: day - clock.flooredDivision(by: .millisecondsPerDay)) }

    mutating func put(optionalDay day: Int64?) {
        writer.put(day != nil)
        if let day { put(day: day) }
    }
}
