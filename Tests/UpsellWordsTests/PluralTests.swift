import Testing
import UpsellModel

@testable import UpsellWords

@Suite struct PluralTests {
    /// Locale, and the forms of 0, 1, 2, 5, 11, 21, 1.5 and 1,000,000, in this order; by hand, from CLDR's chart.
    static let table: [(String, [PluralCategory])] = [
        ("en", [.other, .one, .other, .other, .other, .other, .other, .other]),
        ("de", [.other, .one, .other, .other, .other, .other, .other, .other]),
        ("nl", [.other, .one, .other, .other, .other, .other, .other, .other]),
        ("es", [.other, .one, .other, .other, .other, .other, .other, .many]),
        ("it", [.other, .one, .other, .other, .other, .other, .other, .many]),
        ("fr", [.one, .one, .other, .other, .other, .other, .one, .many]),
        ("pt", [.one, .one, .other, .other, .other, .other, .one, .many]),
        ("pt-PT", [.other, .one, .other, .other, .other, .other, .other, .many]),
        ("uk", [.many, .one, .few, .many, .many, .one, .other, .many]),
        ("ru", [.many, .one, .few, .many, .many, .one, .other, .many]),
        ("pl", [.many, .one, .few, .many, .many, .many, .other, .many]),
        ("cs", [.other, .one, .few, .other, .other, .other, .many, .other]),
        ("zh", [.other, .other, .other, .other, .other, .other, .other, .other]),
        ("ja", [.other, .other, .other, .other, .other, .other, .other, .other]),
        ("ko", [.other, .other, .other, .other, .other, .other, .other, .other]),
        ("tr", [.other, .one, .other, .other, .other, .other, .other, .other]),
        ("sv", [.other, .one, .other, .other, .other, .other, .other, .other]),
        ("da", [.other, .one, .other, .other, .other, .other, .one, .other]),
        ("nb", [.other, .one, .other, .other, .other, .other, .other, .other]),
        ("no", [.other, .one, .other, .other, .other, .other, .other, .other]),
        ("fi", [.other, .one, .other, .other, .other, .other, .other, .other]),
        ("ar", [.zero, .one, .two, .few, .many, .many, .other, .other]),
        ("he", [.other, .one, .two, .other, .other, .other, .other, .other]),
        ("xx", [.other, .other, .other, .other, .other, .other, .other, .other]),
    ]

    @Test(arguments: table) func formsOfAFewNumbers(locale: String, forms: [PluralCategory]) throws {
        let rules = try #require(LocaleName(locale)).plurals
        let numbers: [(Int64, Int)] = [(0, 0), (1, 0), (2, 0), (5, 0), (11, 0), (21, 0), (15, 1), (1_000_000, 0)]
        #expect(numbers.map { rules.category(PluralOperands($0, scale: $1)) } == forms)
    }

    @Test func operandsOfADecimal() {
        let number = PluralOperands(-123_450, scale: 4)
        #expect(number.i == 12)
        #expect(number.v == 4)
        #expect(number.f == 3_450)
        #expect(number.w == 3)
        #expect(number.t == 345)
        #expect(PluralOperands(trimmed: 150, scale: 2) == PluralOperands(15, scale: 1))
        #expect(PluralOperands(trimmed: 100, scale: 2) == PluralOperands(1, scale: 0))
        #expect(PluralOperands(.min, scale: 18).i == 9)
        #expect(PluralRules(language: "es").category(PluralOperands(1_200_000, scale: 0, exponent: 6)) == .many)
    }

    static let days =
        "{{n}} {{#plural n}}{{#one}}день{{/one}}{{#few}}дні{{/few}}{{#many}}днів{{/many}}{{#other}}дня{{/other}}{{/plural}}"

    @Test(arguments: [
        (Int64(0), 0, "0 днів"), (1, 0, "1 день"), (2, 0, "2 дні"), (5, 0, "5 днів"), (11, 0, "11 днів"),
        (21, 0, "21 день"), (22, 0, "22 дні"), (15, 1, "1,5 дня"), (100, 2, "1 день"),
        (1_000_000, 0, "1\u{a0}000\u{a0}000 днів"),
    ])
    func theFormIsThatOfTheNumberAsItIsShown(value: Int64, scale: Int, text: String) throws {
        #expect(try Words.render(Self.days, ["n": .number(value, scale: scale)], locale: "uk") == text)
    }

    @Test func aFormThatIsNotWrittenFallsToOther() throws {
        let text = "{{#plural n}}{{#one}}uno{{/one}}{{#other}}otros{{/other}}{{/plural}}"
        #expect(try Words.render(text, ["n": .number(1_000_000)], locale: "es") == "otros")
        #expect(try Words.render(text, ["n": .number(1)], locale: "es") == "uno")
    }

    @Test func theFormFollowsTheWordsNotTheAccount() throws {
        let text = "{{n}} {{#plural n}}{{#one}}day{{/one}}{{#other}}days{{/other}}{{/plural}}"
        #expect(try Words.render(text, ["n": .number(21)], locale: "en", account: "uk") == "21 days")
    }

    @Test func percentagesAndBytesHaveFormsToo() throws {
        let text = "{{#plural n}}{{#one}}one{{/one}}{{#other}}other{{/other}}{{/plural}}"
        #expect(try Words.render(text, ["n": .percent(100)]) == "one")
        #expect(try Words.render(text, ["n": .percent(150)]) == "other")
        #expect(try Words.render(text, ["n": .bytes(1)]) == "other")
    }
}
