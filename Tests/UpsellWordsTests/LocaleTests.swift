import Foundation
import Testing
import UpsellConfiguration
import UpsellModel

@testable import UpsellWords

@Suite struct LocaleTests {
    @Test(arguments: [
        ("en", "en"), ("EN", "en"), ("en_US", "en-US"), ("en-us", "en-US"), ("zh_hant_tw", "zh-Hant-TW"),
        ("ZH-HANT-TW", "zh-Hant-TW"), ("es-419", "es-419"), ("sr-Latn", "sr-Latn"), ("de-DE-1996", "de-DE"),
        ("en-US-u-nu-arab", "en-US"), ("iw-IL", "he-IL"), ("no", "nb"), ("haw-US", "haw-US"),
    ])
    func namesAreRead(text: String, name: String) { #expect(LocaleName(text)?.description == name) }

    @Test(arguments: [
        "", "C", "POSIX", "en_US.UTF-8", "uk_UA.UTF-8@euro", "-", "en-", "-en", "en--US", "e", "english", "42", "en US",
        "../../etc/passwd", "{{name}}", "en\u{0}", "е", "en-\u{202E}US", String(repeating: "a", count: 10_000),
        "en-abcdefghi",
    ])
    func nonsenseIsNone(text: String) { #expect(LocaleName(text) == nil) }

    @Test(arguments: [
        ("zh-Hant-TW", ["zh-Hant-TW", "zh-Hant", "zh"]), ("zh-TW", ["zh-TW", "zh-Hant-TW", "zh-Hant", "zh"]),
        ("zh-CN", ["zh-CN", "zh"]), ("en", ["en"]), ("es-MX", ["es-MX", "es"]), ("sr-Latn", ["sr-Latn", "sr"]),
    ])
    func fallsBack(text: String, names: [String]) throws {
        #expect(try #require(LocaleName(text)).fallbacks.map(\.description) == names)
    }

    static let book = WordsBook(
        WordsSource(
            defaultLocale: "en",
            templates: [
                "t": .init(
                    name: Words.source("t"),
                    locales: Dictionary(
                        uniqueKeysWithValues: ["en", "zh", "zh_Hant", "es", "uk"].map {
                            ($0, .init(title: Words.source($0), body: Words.source("{{n}}")))
                        }))
            ]))

    @Test(arguments: [
        ("zh-Hant-TW", "zh-Hant"), ("zh-HK", "zh-Hant"), ("zh_CN", "zh"), ("zh", "zh"), ("ES_mx", "es"),
        ("uk-UA", "uk"),
        ("pl-PL", "en"), ("en-GB", "en"), ("xx-YY", "en"), ("uk_UA.UTF-8", "en"), ("", "en"), ("💥", "en"),
    ])
    func wordsComeFromTheNearestLocale(account: String, words: String) throws {
        let message = try Self.book.render(
            template: "t", locale: account, values: ["n": .number(1)], escaping: .plain)
        #expect(message.locale == words)
        #expect(message.title.replacing("_", with: "-") == words)
    }

    @Test(
        arguments: [
            ("pl-PL", "1234,5"), ("de-CH", "1’234.5"), ("en-IN", "1,234.5"), (nil, "1,234.5"), ("xx", "1,234.5"),
            ("nonsense!", "1,234.5"), ("uk-UA", "1\u{a0}234,5"), ("fr", "1\u{202f}234,5"),
            ("ar-EG", "\u{2068}١٬٢٣٤٫٥\u{2069}"),
        ] as [(String?, String)])
    func numbersAreWrittenAsTheAccountDoes(account: String?, text: String) throws {
        let message = try Self.book.render(
            template: "t", locale: account, values: ["n": .number(12_345, scale: 1)], escaping: .plain)
        #expect(message.body == text)
    }

    @Test func aLocaleTwiceOrNoneIsAMistake() {
        func words(_ name: String, line: Int) -> WordsSource.Fields {
            .init(title: Words.source(name, line: line), body: Words.source("x"))
        }
        let book = WordsBook(
            WordsSource(
                defaultLocale: "en",
                templates: [
                    "t": .init(
                        name: Words.source("t", line: 2, column: 3),
                        locales: [
                            "zh_Hant": words("a", line: 3), "zh-hant": words("b", line: 4),
                            "english": words("c", line: 5),
                        ])
                ]))
        #expect(
            book.check(knownVariables: WordsSchema()).map(\.description) == [
                "words.yaml:2:3: no words in the default locale en, which the other languages fall back to; expected "
                    + "en: {title: …, body: …}",
                "words.yaml:3:1: locale zh-Hant is there twice; expected each locale once",
                "words.yaml:5:1: \"english\" is no locale; expected one such as en, es-MX or zh-Hant",
            ])
    }

    // MARK: Values

    @Test func datesAreThoseOfTheAccountsZone() throws {
        let instant = Timestamp(milliseconds: 1_767_222_000_000)  // 2025-12-31T23:00:00Z
        let kyiv = try #require(TimeZones.table(named: "Europe/Kyiv"))
        func written(_ zone: TimeZoneTable, _ locale: String) throws -> String {
            try Words.render(
                "{{d}} | {{t}}", ["d": .date(instant, zone: zone), "t": .dateTime(instant, zone: zone)], locale: locale)
        }
        #expect(try written(.utc, "en") == "December 31, 2025 | December 31, 2025 at 11:00\u{202f}PM")
        #expect(try written(kyiv, "en") == "January 1, 2026 | January 1, 2026 at 1:00\u{202f}AM")
        #expect(try written(kyiv, "uk") == "1 січня 2026\u{202f}р. | 1 січня 2026\u{202f}р. о 01:00")
        #expect(try written(kyiv, "zh") == "2026年1月1日 | 2026年1月1日 01:00")
    }

    @Test(arguments: [
        ("EUR", Int64(4_900), "en", "€49.00"), ("JPY", 4_900, "en", "¥4,900"), ("KWD", 4_900, "en", "KWD\u{a0}4.900"),
        ("EUR", .max, "en", "€92,233,720,368,547,758.07"), ("EUR", .min, "en", "-€92,233,720,368,547,758.08"),
        ("eur", 150, "en", "1.50 eur"), ("<b>", 150, "en", "1.50 <b>"), ("XXZ", 150, "en", "XXZ\u{a0}1.50"),
        ("CLF", 12_345, "es", "1,2345\u{a0}CLF"),
    ])
    func moneyIsExact(currency: String, amount: Int64, locale: String, text: String) throws {
        #expect(
            try Words.render("{{m}}", ["m": .money(amount, currency: currency, interval: nil)], locale: locale) == text)
    }

    @Test(arguments: [
        (Int64(0), "en", "0 bytes"), (1, "en", "1 byte"), (999, "en", "999 bytes"), (1_000, "en", "1 kB"),
        (8_250_000_000, "en", "8.25 GB"), (9_999_999_999, "en", "9.99 GB"), (10_000_000_000, "uk", "10 ГБ"),
        (1_500_000, "fr", "1,5\u{202f}Mo"), (.max, "en", "9,223.37 PB"), (-2_500_000, "en", "-2.5 MB"),
    ])
    func bytesAreNeverRoundedUp(bytes: Int64, locale: String, text: String) throws {
        #expect(try Words.render("{{b}}", ["b": .bytes(bytes)], locale: locale) == text)
    }

    @Test func formattersAreSharedAcrossThreads() async throws {
        let texts = await withTaskGroup(of: Set<String>.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var texts: Set<String> = []
                    for index in 0..<200 {
                        guard let name = LocaleName(["en", "uk", "zh", "it"][index % 4]) else { continue }
                        let formatter = LocaleFormatter.shared(name)
                        texts.insert(formatter.money(123_456, currency: "EUR"))
                        texts.insert(formatter.dateTime(Timestamp(milliseconds: 0), .utc))
                        texts.insert(formatter.bytes(2_500_000))
                    }
                    return texts
                }
            }
            return await group.reduce(into: Set<String>()) { $0.formUnion($1) }
        }
        #expect(texts.count == 10)
    }
}
