import Foundation
import Testing
import UpsellConfiguration
import UpsellModel

@testable import UpsellWords

/// Values as Foundation's ICU 76 (CLDR 46) writes them, against Babel 2.17 (CLDR 46).
@Suite struct BabelTests {
    /// Where the two differ although their data are the same, and why ours stands. Whatever is not changed here has to
    /// be equal byte for byte.
    struct Difference: Sendable, CustomTestStringConvertible {
        var reason: String
        var kinds: Set<String>
        var locales: Set<String>?
        var change: @Sendable (String, _ groupSeparator: String) -> String
        var testDescription: String { reason }
    }

    static let differences = [
        Difference(
            reason: "CLDR's minimumGroupingDigits is 2 here, so four digits are not grouped; Babel does not read it",
            kinds: ["number", "money", "percent"], locales: ["es", "it", "pl"]
        ) { text, separator in
            // A separator stands between digits; the same blank may stand before a currency.
            let inside = text.ranges(of: separator).filter { range in
                range.upperBound < text.endIndex && text[range.upperBound].isNumber
            }
            guard inside.count == 1, let range = inside.first else { return text }
            let digits = text[..<range.lowerBound].reversed().prefix { $0.isNumber }.count
            return digits == 1 ? text.replacingCharacters(in: range, with: "") : text
        },
        Difference(
            reason: "CLDR's currencySpacing puts a no-break space between letters and digits; Babel does not read it",
            kinds: ["money"], locales: nil
        ) { text, _ in
            var result = ""
            for character in text {
                if character.isNumber, let last = result.last, last.isLetter { result += "\u{a0}" }
                result.append(character)
            }
            return result
        },
    ]

    static func expected(_ kind: String, _ locale: String, _ text: String, _ separator: String) -> (String, Set<Int>) {
        var text = text
        var changed: Set<Int> = []
        for (index, difference) in differences.enumerated()
        where difference.kinds.contains(kind) && difference.locales?.contains(locale) ?? true {
            let after = difference.change(text, separator)
            if after != text { changed.insert(index) }
            text = after
        }
        return (text, changed)
    }

    @Test func valuesAreWrittenAsBabelWritesThem() throws {
        let rows = try Words.rows("babel.tsv")
        #expect(rows.count > 1_500)
        var counts: [String: Int] = [:]
        var used: [Int: Int] = [:]
        for row in rows {
            try #require(row.count == 5)
            let (kind, locale) = (row[0], row[1])
            let formatter = LocaleFormatter.shared(try #require(LocaleName(locale)))
            let value = try #require(Int64(row[2]))
            let written: String
            switch kind {
            case "number": written = formatter.number(value, scale: try #require(Int(row[3])))
            case "money": written = formatter.money(value, currency: row[3])
            case "percent": written = formatter.percent(value)
            case "date":
                let zone = try #require(TimeZones.table(named: row[3]))
                written = formatter.date(Timestamp(milliseconds: value), zone)
            default: throw Unknown(kind: kind)
            }
            let separator = Locale(identifier: locale).groupingSeparator ?? ","
            let (expected, changed) = Self.expected(kind, locale, row[4], separator)
            #expect(written == expected, "\(row)")
            counts["\(kind) \(locale)", default: 0] += 1
            for index in changed { used[index, default: 0] += 1 }
        }
        for kind in ["number", "money", "percent", "date"] {
            for locale in ["en", "es", "it", "nl", "uk", "zh"] {
                #expect(counts["\(kind) \(locale)", default: 0] >= 15, "\(kind) \(locale)")
            }
        }
        // A difference that no row shows is none.
        #expect(Set(used.keys) == Set(Self.differences.indices))
        // And it stays the exception.
        #expect(used.values.reduce(0, +) < rows.count / 8)
    }

    struct Unknown: Error { var kind: String }

    @Test func numbersTakeTheFormsThatBabelGivesThem() throws {
        var languages: Set<String> = []
        var count = 0
        for row in try Words.rows("plurals.tsv") {
            try #require(row.count == 3)
            let rules = try #require(LocaleName(row[0])).plurals
            languages.insert(row[0])
            for text in row[2].split(separator: ",") {
                let parts = text.split(separator: ".")
                let scale = parts.count == 2 ? parts[1].count : 0
                let value = try #require(Int64(parts.joined()))
                let category = rules.category(PluralOperands(value, scale: scale))
                #expect(category.rawValue == row[1], "\(row[0]) \(text)")
                #expect(rules.categories.contains(category))
                count += 1
            }
        }
        #expect(languages.count == 22)
        #expect(count == 22 * 241)
    }
}
