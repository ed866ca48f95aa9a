import Foundation
import Testing
import UpsellModel

struct DecimalTests {
    private func parse(_ text: String, scale: Int) throws(ExactDecimal.ParseError) -> Int64 {
        let bytes = Array(text.utf8)
        return try ExactDecimal.parse(bytes.span.bytes, scale: scale)
    }

    @Test(
        arguments: [
            ("0", 0, 0), ("-0", 2, 0), ("0e99999999999999999999", 0, 0), ("0.000", 0, 0), ("12.50", 2, 1_250),
            ("-12.5", 1, -125),
            ("1e3", 0, 1_000), ("1E+3", 2, 100_000), ("100e-2", 0, 1), ("1.500", 1, 15),
            ("1.00000000000000000000", 0, 1),
            ("0.00000000000000000001e20", 0, 1), ("9223372036854775807", 0, .max), ("-9223372036854775807", 0, -.max),
            ("922337203685477580.7e1", 0, .max), ("10000000000000000000e-1", 0, 1_000_000_000_000_000_000),
            ("1000000000000000000", 0, 1_000_000_000_000_000_000),
        ] as [(String, Int, Int64)])
    func numbersAreExact(_ text: String, _ scale: Int, _ expected: Int64) throws {
        #expect(try parse(text, scale: scale) == expected)
    }

    @Test(
        arguments: [
            ("9223372036854775808", 0, .overflow), ("-9223372036854775808", 0, .overflow), ("1e19", 0, .overflow),
            ("1e400", 9, .overflow), ("123456789012345678901234567890", 0, .overflow),
            ("92233720368547758.08", 2, .overflow),
            ("1e99999999999999999999999999", 0, .overflow), ("0.1", 0, .tooManyDecimals),
            ("1e-400", 9, .tooManyDecimals),
            ("1.000000000000000000000000000001", 9, .tooManyDecimals), ("12345678901234567890.5", 0, .tooManyDecimals),
            ("1e-99999999999999999999999999", 9, .tooManyDecimals), ("", 0, .malformed), ("-", 0, .malformed),
            ("01", 0, .malformed), ("-01", 0, .malformed), ("1.", 0, .malformed), (".5", 1, .malformed),
            ("1.e5", 0, .malformed),
            ("1e", 0, .malformed), ("1e+", 0, .malformed), ("+1", 0, .malformed), ("1 ", 0, .malformed),
            ("0x10", 0, .malformed),
            ("1.2.3", 2, .malformed), ("123456789012345678901234567890x", 0, .malformed), ("--1", 0, .malformed),
        ] as [(String, Int, ExactDecimal.ParseError)])
    func everythingElseIsRefusedForItsReason(_ text: String, _ scale: Int, _ expected: ExactDecimal.ParseError) {
        #expect(throws: expected) { try parse(text, scale: scale) }
    }

    @Test func aMillionZerosAreCancelledByTheirExponent() throws {
        #expect(try parse("1" + String(repeating: "0", count: 1_000_005) + "e-1000005", scale: 0) == 1)
        #expect(try parse("0." + String(repeating: "0", count: 1_000_004) + "1e1000005", scale: 0) == 1)
    }

    @Test func randomNumbersAgreeWithFoundationsDecimal() throws {
        var state: UInt64 = 5
        func random(_ bound: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % bound)
        }
        for _ in 0..<20_000 {
            let digits = (0..<1 + random(7)).map { _ in String(random(10)) }.joined()
            let whole = String(UInt64(digits) ?? 0)
            let fraction = (0..<random(6)).map { _ in String(random(10)) }.joined()
            let exponent = random(3) == 0 ? "e\(random(9) - 4)" : ""
            let text = (random(2) == 0 ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction) + exponent
            let scale = random(7)
            let exact = try #require(Decimal(string: text)) * pow(Decimal(10), scale)
            let isWhole =
                exact
                == Decimal(string: NSDecimalNumber(decimal: exact).stringValue.split(separator: ".")[0].description)
            if isWhole {
                #expect(
                    try parse(text, scale: scale) == NSDecimalNumber(decimal: exact).int64Value, "\(text) at \(scale)")
                #expect(
                    try parse(ExactDecimal.format(try parse(text, scale: scale), scale: scale), scale: scale)
                        == parse(text, scale: scale))
            } else {
                #expect(throws: ExactDecimal.ParseError.tooManyDecimals, "\(text) at \(scale)") {
                    try parse(text, scale: scale)
                }
            }
        }
    }

    @Test(
        arguments: [
            (1_250, 2, "12.5"), (-5, 2, "-0.05"), (0, 3, "0"), (100, 2, "1"), (Int64.min, 0, "-9223372036854775808"),
            (7, 0, "7"),
        ] as [(Int64, Int, String)])
    func integersAreWrittenWithoutTrailingZeros(_ value: Int64, _ scale: Int, _ expected: String) {
        #expect(ExactDecimal.format(value, scale: scale) == expected)
    }
}
