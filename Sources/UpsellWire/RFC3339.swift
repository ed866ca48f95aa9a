public import UpsellModel

/// Times as RFC 3339 writes them.
public enum RFC3339 {
    /// Reads `2026-11-23T05:24:25.123+01:00`.
    ///
    /// Any offset; any number of fraction digits, of which what lies below a millisecond is cut off; years 1 to 9999,
    /// also after the offset is applied. The leap second `23:59:60` UTC becomes the last millisecond of its minute,
    /// since the time line of `Timestamp` has no place for it; `:60` at any other time is refused.
    ///
    /// - Returns: nil where the text is anything else.
    public static func parse(_ text: RawSpan) -> Timestamp? {
        let count = text.byteCount
        // The shortest is 2026-11-23T05:24:25Z.
        guard count >= 20 else { return nil }
        // Eight bytes at a time: what belongs where is subtracted bit by bit, so that digits become 0...9 and
        // separators 0.
        let date = word(text, 0) ^ 0x2d30_302d_3030_3030  // 0000-00-
        // 00T00:00, whose T may be small.
        let clock = (word(text, 8) | 0x20_0000) ^ 0x3030_3a30_3074_3030
        let seconds = word(text, 11) ^ 0x3030_3a30_303a_3030  // 00:00:00
        guard
            isSound(date, 0x7f76_767f_7676_7676), isSound(clock, 0x7676_7f76_767f_7676),
            isSound(seconds, 0x7676_7f76_767f_7676)
        else { return nil }
        let dates = pairs(date)
        let clocks = pairs(clock)
        let year = lane(dates, 0) * 100 + lane(dates, 2)
        let month = lane(dates, 5)
        let day = lane(clocks, 0)
        let hour = lane(clocks, 3)
        let minute = lane(clocks, 6)
        let second = lane(pairs(seconds), 6)
        guard year >= 1, month >= 1, month <= 12, day >= 1, day <= 28 || day <= daysIn(month: month, year: year),
            hour <= 23, minute <= 59, second <= 60
        else { return nil }

        var index = 19
        var millisecond = 0
        if text.byte(index) == UInt8(ascii: ".") {
            index += 1
            var weight = 100
            let first = index
            while index < count, text.byte(index) >= UInt8(ascii: "0"), text.byte(index) <= UInt8(ascii: "9") {
                if weight > 0 {
                    millisecond += Int(text.byte(index) - UInt8(ascii: "0")) * weight
                    weight /= 10
                }
                index += 1
            }
            guard index > first, index < count else { return nil }
        }
        var offsetMinutes = 0
        switch text.byte(index) {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            guard index + 1 == count else { return nil }
        case let sign where sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"):
            guard index + 6 == count, text.byte(index + 3) == UInt8(ascii: ":"), let hours = pair(text, index + 1),
                let minutes = pair(text, index + 4), hours <= 23, minutes <= 59
            else { return nil }
            offsetMinutes = (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -1 : 1)
        default: return nil
        }

        let minutes = (daysSince1970(year: year, month: month, day: day) * 24 + hour) * 60 + minute - offsetMinutes
        var milliseconds = minutes * 60_000 + second * 1_000 + millisecond
        if second == 60 {
            // 1439 is 23:59; the remainder is made positive first, since days before 1970 are negative.
            guard (minutes % 1_440 + 1_440) % 1_440 == 1_439 else { return nil }
            milliseconds = minutes * 60_000 + 59_999
        }
        let instant = Timestamp(milliseconds: Int64(milliseconds))
        return instant >= .earliest && instant <= .latest ? instant : nil
    }

    /// Writes `2026-11-23T05:24:25.123Z`: UTC, always with milliseconds, so that texts sort as their instants.
    public static func format(_ instant: Timestamp) -> String {
        var bytes: [UInt8] = []
        append(instant, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    static func append(_ instant: Timestamp, to bytes: inout [UInt8]) {
        let clamped = min(max(instant, .earliest), .latest).milliseconds
        var day = clamped / .millisecondsPerDay
        var rest = Int(clamped % .millisecondsPerDay)
        if rest < 0 {
            rest += Int(Int64.millisecondsPerDay)
            day -= 1
        }
        let (year, month, dayOfMonth) = civil(daysSince1970: Int(day))
        func digits(_ value: Int, _ width: Int) {
            var divisor = 1
            for _ in 1..<width { divisor *= 10 }
            while divisor > 0 {
                bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
                divisor /= 10
            }
        }
        digits(year, 4)
        bytes.append(UInt8(ascii: "-"))
        digits(month, 2)
        bytes.append(UInt8(ascii: "-"))
        digits(dayOfMonth, 2)
        bytes.append(UInt8(ascii: "T"))
        digits(rest / 3_600_000, 2)
        bytes.append(UInt8(ascii: ":"))
        digits(rest / 60_000 % 60, 2)
        bytes.append(UInt8(ascii: ":"))
        digits(rest / 1_000 % 60, 2)
        bytes.append(UInt8(ascii: "."))
        digits(rest % 1_000, 3)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Eight bytes, the first in the lowest lane. The caller knows that they are there.
    @inline(__always)
    private static func word(_ text: RawSpan, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafe text.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }

    /// Whether no byte is above 9 where the mask has 0x76, and none above 0 where it has 0x7f.
    @inline(__always)
    private static func isSound(_ word: UInt64, _ mask: UInt64) -> Bool {
        // A byte from 0x80 on may carry into its neighbour, but is itself enough to refuse.
        (word | (word &+ mask)) & 0x8080_8080_8080_8080 == 0
    }

    /// In each lane ten times its digit and its neighbour's.
    @inline(__always)
    private static func pairs(_ word: UInt64) -> UInt64 { word &* 10 &+ word >> 8 }

    @inline(__always)
    private static func lane(_ word: UInt64, _ index: UInt64) -> Int { Int(word >> (index * 8) & 0xff) }

    /// Two digits.
    private static func pair(_ text: RawSpan, _ offset: Int) -> Int? {
        let tens = text.byte(offset) &- UInt8(ascii: "0")
        let ones = text.byte(offset + 1) &- UInt8(ascii: "0")
        return tens <= 9 && ones <= 9 ? Int(tens) * 10 + Int(ones) : nil
    }

    @inline(__always)
    private static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days of the proleptic Gregorian calendar; years counted from 1 March, so that leap days come last.
    @inline(__always)
    private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func civil(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        // Day 0 is 0000-03-01; never negative for the years of `Timestamp`.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}
