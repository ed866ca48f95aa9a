import Foundation
import Testing
import UpsellModel

@testable import UpsellWords

@Suite struct WordsBookTests {
    static let source = WordsSource(
        defaultLocale: "en",
        templates: [
            "limit": .init(
                name: Words.source("limit"),
                locales: [
                    "en": .init(
                        title: Words.source("  {{percent}}\n  used "), body: Words.source("Hi\n{{> sign}}\n\n"),
                        callToAction: Words.source("{{#plan}}Go to {{plan}}{{/plan}}"),
                        talkingPoints: [Words.source("{{#plan}}They want {{plan}}.{{/plan}}"), Words.source("Call.")])
                ])
        ],
        partials: ["sign": ["en": Words.source("Yours")]])

    @Test func fieldsAreTrimmedAndTitlesStayOnOneLine() throws {
        let message = try WordsBook(Self.source).render(
            template: "limit", locale: "en-GB", values: ["percent": .percent(8_000), "plan": .text("Pro")],
            escaping: .plain)
        #expect(
            message
                == Message(
                    key: "limit", locale: "en", title: "80% used", body: "Hi\nYours", callToAction: "Go to Pro",
                    talkingPoints: ["They want Pro.", "Call."]))
    }

    @Test func whatIsEmptyIsLeftOut() throws {
        let message = try WordsBook(Self.source).render(
            template: "limit", locale: nil, values: ["percent": .percent(8_000)], escaping: .plain)
        #expect(message.callToAction == nil)
        #expect(message.talkingPoints == ["Call."])
    }

    @Test func checkJudgesEachTemplateByItsOwnVariables() {
        let book = WordsBook(Self.source)
        #expect(book.check { _ in [] } == [])
        let both = WordsSchema(["percent": .init(.percent), "plan": .init(.text, presentWith: [])])
        #expect(book.check(knownVariables: both) == [])
        let one = WordsSchema(["percent": .init(.percent)])
        #expect(book.check { _ in [both, one] }.count == 3)
    }

    @Test func theModelIsCodable() throws {
        let copy = try JSONDecoder().decode(WordsSource.self, from: JSONEncoder().encode(Self.source))
        #expect(copy == Self.source)
    }

    @Test func minorDigitsAreThoseOfISO4217() {
        #expect(["EUR", "JPY", "KWD", "CLF", "???"].map(Currency.minorDigits) == [2, 0, 3, 4, 2])
    }
}
