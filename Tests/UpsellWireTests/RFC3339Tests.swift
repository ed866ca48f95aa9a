import Foundation
import Testing
import UpsellModel
import UpsellWire

struct RFC3339Tests {
    @Test func everyByteInEveryPlaceOfATimeIsJudged() {
        let time = Array("2026-11-23T15:24:25Z".utf8)
        // What a place admits while the others stay as they are: 01 is a month, too, 33 no day and 25 no hour.
        let admitted: [Int: String] = [
            0: "0123456789", 1: "0123456789", 2: "0123456789", 3: "0123456789", 4: "-", 5: "01", 6: "012", 7: "-",
            8: "012", 9: "0123456789", 10: "Tt", 11: "01", 12: "0123456789", 13: ":", 14: "012345", 15: "0123456789",
            16: ":", 17: "012345", 18: "0123456789", 19: "Zz",
        ]
        for place in time.indices {
            for byte in UInt8.min...UInt8.max {
                var mutant = time
                mutant[place] = byte
                let isTime = RFC3339.parse(mutant.span.bytes) != nil
                #expect(isTime == admitted[place]?.utf8.contains(byte), "byte \(byte) at \(place)")
            }
        }
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1), ("2000-02-29T12:00:00z", 951_825_600_000),
        ("2026-11-23t05:00:00.1239999Z", 1_795_410_000_123), ("2026-11-23T05:00:00-00:00", 1_795_410_000_000),
        ("2026-11-23T10:45:00+05:45", 1_795_410_000_000), ("2016-12-31T23:59:60Z", 1_483_228_799_999),
        ("2017-01-01T00:59:60.5+01:00", 1_483_228_799_999), ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ])
    func timesAreRead(_ text: String, _ milliseconds: Int64) {
        #expect(withBytes(text) { RFC3339.parse($0) } == Timestamp(milliseconds: milliseconds))
    }

    @Test(arguments: [
        "", "Z", "2026-11-23", "2026-11-23T05:00Z", "2026-11-23T05:00:00", "2026-11-23T05:00:00.Z",
        "2026-11-23T05:00:00.5",
        "2026-11-23T05:00:00+1:00", "2026-11-23T05:00:00+01:60", "2026-11-23T05:00:00ZZ", "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z", "+026-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01",
    ])
    func everythingElseIsRefused(_ text: String) {
        #expect(withBytes(text) { RFC3339.parse($0) } == nil)
    }

    @Test func everyDayAgreesWithFoundation() throws {
        let formatter = ISO8601DateFormatter()
        // Every 97th day of 9998 years.
        for day in stride(from: -719_000, to: 2_932_000, by: 97) {
            let milliseconds = Int64(day) * 86_400_000 + 45_296_000
            let instant = Timestamp(milliseconds: milliseconds)
            let text = RFC3339.format(instant)
            #expect(withBytes(text) { RFC3339.parse($0) } == instant)
            // Foundation's calendar turns Julian before 1582.
            if milliseconds > -12_000_000_000_000 {
                #expect(
                    text.replacingOccurrences(of: ".000Z", with: "Z")
                        == formatter.string(from: Date(timeIntervalSince1970: Double(milliseconds) / 1_000)))
            }
        }
    }
}
