import UpsellModel

/// A decimal number as written, exact: `value` × 10⁻ᵈᵉᶜⁱᵐᵃˡˢ.
struct DecimalText {
    var value: Int128
    var decimals: Int

    /// Digits, underscores between digits, one point, a sign; at most 30 digits. No exponent: it hides the magnitude.
    init?(_ text: Substring) {
        var digits: Int128 = 0
        var count = 0
        var decimals = 0
        var fraction = false
        var negative = false
        var previous: UInt8 = 0
        let bytes = Array(text.utf8)
        func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        for (index, byte) in bytes.enumerated() {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                count += 1
                if count > 30 { return nil }
                digits = digits * 10 + Int128(byte - UInt8(ascii: "0"))
                if fraction { decimals += 1 }
            case UInt8(ascii: "_") where isDigit(previous) && isDigit(next): break
            case UInt8(ascii: ".") where !fraction && isDigit(previous) && isDigit(next): fraction = true
            case UInt8(ascii: "-") where index == 0 && isDigit(next): negative = true
            default: return nil
            }
            previous = byte
        }
        guard count > 0 else { return nil }
        while decimals > 0, digits % 10 == 0 {
            digits /= 10
            decimals -= 1
        }
        self.value = negative ? -digits : digits
        self.decimals = decimals
    }

    enum ConversionError: Error { case tooManyDecimals, overflow }

    /// As an integer of 10⁻ˢᶜᵃˡᵉ, multiplied by a factor.
    func integer(scale: Int, times factor: Int64 = 1) throws(ConversionError) -> Int64 {
        let (product, tooLarge) = value.multipliedReportingOverflow(by: Int128(factor))
        if tooLarge { throw .overflow }
        var result = product
        for _ in 0..<scale {
            let (wide, overflow) = result.multipliedReportingOverflow(by: 10)
            if overflow { throw .overflow }
            result = wide
        }
        for _ in 0..<decimals {
            if result % 10 != 0 { throw .tooManyDecimals }
            result /= 10
        }
        guard let integer = Int64(exactly: result) else { throw .overflow }
        return integer
    }
}

/// Units a meter in `bytes` may be written in.
let byteUnits: [(name: String, bytes: Int64)] = [
    ("B", 1), ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ("PiB", 1 << 50),
]

/// Splits `10 GB` into number and unit; the unit is empty where there is none.
func splitUnit(_ text: String) -> (number: Substring, unit: Substring) {
    let end = text.firstIndex { !($0.isASCII && ($0.isNumber || "._-".contains($0))) } ?? text.endIndex
    let unit = text[end...].drop { $0 == " " }
    return (text[..<end], unit)
}

/// A duration in milliseconds: a whole number and one of ms, s, m, h, d.
func durationMilliseconds(_ text: String) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits) else { return nil }
    let unit: Int64
    switch text[digits.endIndex...] {
    case "ms": unit = 1
    case "s": unit = .millisecondsPerSecond
    case "m": unit = .millisecondsPerMinute
    case "h": unit = .millisecondsPerHour
    case "d": unit = .millisecondsPerDay
    case "" where number == 0: unit = 1
    default: return nil
    }
    let (result, overflow) = number.multipliedReportingOverflow(by: unit)
    return overflow ? nil : result
}

/// Milliseconds in the largest unit that divides them: 60,000 is `1m`.
func durationText(_ milliseconds: Int64) -> String {
    let units: [(Int64, String)] = [
        (.millisecondsPerDay, "d"), (.millisecondsPerHour, "h"), (.millisecondsPerMinute, "m"),
        (.millisecondsPerSecond, "s"),
    ]
    for (size, name) in units where milliseconds >= size && milliseconds % size == 0 {
        return "\(milliseconds / size)\(name)"
    }
    return "\(milliseconds)ms"
}

/// An instant in RFC 3339: `2026-01-31T09:00:00Z`, `2026-01-31T10:00:00.250+01:00`; years 1 to 9999.
func rfc3339(_ text: String) -> Timestamp? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.count <= 35 else { return nil }
    func number(_ range: Range<Int>) -> Int64? {
        var value: Int64 = 0
        guard range.upperBound <= bytes.count else { return nil }
        for byte in bytes[range] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        return value
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
        let minute = number(14..<16), let second = number(17..<19), bytes[4] == UInt8(ascii: "-"),
        bytes[7] == UInt8(ascii: "-"), "Tt".utf8.contains(bytes[10]), bytes[13] == UInt8(ascii: ":"),
        bytes[16] == UInt8(ascii: ":"), year >= 1, (1...12).contains(month), hour < 24, minute < 60, second < 60
    else { return nil }
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
    let lengths: [Int64] = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard day >= 1, day <= lengths[Int(month) - 1] else { return nil }
    var index = 19
    var milliseconds: Int64 = 0
    if bytes[index] == UInt8(ascii: ".") {
        let digits = bytes[(index + 1)...].prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        guard !digits.isEmpty, digits.count <= 9 else { return nil }
        for position in 0..<3 {
            let digit = position < digits.count ? Int64(digits[index + 1 + position] - UInt8(ascii: "0")) : 0
            milliseconds = milliseconds * 10 + digit
        }
        index += 1 + digits.count
    }
    guard index < bytes.count else { return nil }
    var offset: Int64 = 0
    switch bytes[index] {
    case UInt8(ascii: "Z"), UInt8(ascii: "z"):
        guard index + 1 == bytes.count else { return nil }
    case UInt8(ascii: "+"), UInt8(ascii: "-"):
        guard index + 6 == bytes.count, bytes[index + 3] == UInt8(ascii: ":"),
            let hours = number(index + 1..<index + 3),
            let minutes = number(index + 4..<index + 6), hours < 24, minutes < 60
        else { return nil }
        offset = (hours * 60 + minutes) * .millisecondsPerMinute * (bytes[index] == UInt8(ascii: "-") ? -1 : 1)
    default: return nil
    }
    // Days from civil, with the year beginning in March, so that the leap day is its last.
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    let local =
        days * .millisecondsPerDay + ((hour * 60 + minute) * 60 + second) * .millisecondsPerSecond + milliseconds
    let instant = Timestamp(milliseconds: local - offset)
    return instant >= .earliest && instant <= .latest ? instant : nil
}
