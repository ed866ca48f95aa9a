/// Exact decimals: text to integers of a scale and back, without binary floating point.
public enum ExactDecimal {
    public enum ParseError: Error, Equatable, Sendable {
        case malformed
        /// More decimals than the scale keeps, other than zeros.
        case tooManyDecimals
        /// Outside ±(2⁶³ − 1).
        case overflow
    }

    /// Reads a JSON number (`-12.50`, `1e3`) as an integer of 10⁻ˢᶜᵃˡᵉ.
    ///
    /// - Parameters:
    ///   - text: a number in JSON's grammar; anything else is `.malformed`.
    ///   - scale: `0...9`.
    /// - Complexity: O(bytes), no allocation.
    @inlinable
    public static func parse(_ text: RawSpan, scale: Int) throws(ParseError) -> Int64 {
        let count = text.byteCount
        var index = 0
        func byte(_ i: Int) -> UInt8 { unsafe text.unsafeLoad(fromByteOffset: i, as: UInt8.self) }
        var negative = false
        if index < count, byte(index) == UInt8(ascii: "-") {
            negative = true
            index += 1
        }
        // Significant digits as one integer, and the power of ten that belongs to it.
        var value: Int64 = 0
        var exponent = 0
        var trailingZeros = 0
        var digits = 0
        var fraction = false
        // More significant digits than fit; whether that is too large or too precise is known only at the end.
        var tooLong = false
        let integerStart = index
        scan: while index < count {
            let c = byte(index)
            switch c {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits += 1
                if fraction { exponent -= 1 }
                if c == UInt8(ascii: "0") {
                    // Zeros are held back until a digit follows, so that `1.500` has one decimal and `1e-2` of `100`
                    // none.
                    trailingZeros += 1
                } else {
                    // The held-back zeros (none count before the first digit) and this digit.
                    var shifts = value == 0 ? 1 : trailingZeros + 1
                    while shifts > 0, !tooLong {
                        (value, tooLong) = value.multipliedReportingOverflow(by: 10)
                        shifts -= 1
                    }
                    trailingZeros = 0
                    if !tooLong {
                        (value, tooLong) = value.addingReportingOverflow(Int64(c &- UInt8(ascii: "0")))
                    }
                    // Never 0 again, so that zeros behind it keep counting.
                    if tooLong { value = 1 }
                }
            case UInt8(ascii: "."):
                guard !fraction, index > integerStart, index + 1 < count else { throw .malformed }
                fraction = true
                let next = byte(index + 1)
                guard next >= UInt8(ascii: "0"), next <= UInt8(ascii: "9") else { throw .malformed }
            default: break scan
            }
            index += 1
        }
        guard digits > 0 else { throw .malformed }
        if byte(integerStart) == UInt8(ascii: "0"), integerStart + 1 < count {
            let second = byte(integerStart + 1)
            if second >= UInt8(ascii: "0"), second <= UInt8(ascii: "9") { throw .malformed }
        }
        if index < count {
            guard byte(index) == UInt8(ascii: "e") || byte(index) == UInt8(ascii: "E") else { throw .malformed }
            index += 1
            var negativeExponent = false
            if index < count, byte(index) == UInt8(ascii: "+") || byte(index) == UInt8(ascii: "-") {
                negativeExponent = byte(index) == UInt8(ascii: "-")
                index += 1
            }
            guard index < count else { throw .malformed }
            var written = 0
            while index < count {
                let c = byte(index)
                guard c >= UInt8(ascii: "0"), c <= UInt8(ascii: "9") else { throw .malformed }
                // No text has as many digits as that, so the outcome no longer changes; this keeps the sum in range.
                if written < 1_000_000_000_000 { written = written * 10 + Int(c &- UInt8(ascii: "0")) }
                index += 1
            }
            exponent += negativeExponent ? -written : written
        }
        if value == 0 { return 0 }
        var power = exponent + trailingZeros + scale
        if power < 0 { throw .tooManyDecimals }
        if tooLong || power > 18 { throw .overflow }
        while power > 0 {
            let (wide, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { throw .overflow }
            value = wide
            power -= 1
        }
        return negative ? -value : value
    }

    /// Writes an integer of 10⁻ˢᶜᵃˡᵉ as a JSON number without trailing zeros: 1250 at scale 2 is `12.5`.
    public static func format(_ value: Int64, scale: Int) -> String {
        guard scale > 0 else { return String(value) }
        var digits = String(value.magnitude)
        if digits.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.count) + digits }
        let split = digits.index(digits.endIndex, offsetBy: -scale)
        var fraction = digits[split...]
        while fraction.last == "0" { fraction.removeLast() }
        let sign = value < 0 ? "-" : ""
        return fraction.isEmpty ? sign + digits[..<split] : sign + digits[..<split] + "." + fraction
    }
}
