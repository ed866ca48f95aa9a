import Testing
import UpsellModel

@testable import UpsellWords

/// Templates that nobody would write: no crash, bounded time, places inside of the text.
@Suite struct FuzzTests {
    static let pieces = [
        "{{", "}}", "{{#", "{{^", "{{/", "{{!", "{{>", "{{&", "{{=", "{{{", "}}}", "name", "list", "plural n", "plural",
        "one", "few", "many", "other", "p", "q", ".", " ", "\n", "\r\n", "\t", "{", "}", "é", "👩‍👩‍👧", "\u{202E}", "\u{0}",
        "{{name}}", "{{#list}}", "{{/list}}", "{{^list}}", "{{#plural n}}", "{{/plural}}", "{{#one}}", "{{/one}}",
        "{{#other}}", "{{/other}}", "{{> p}}", "\n  {{> q}}\n", "text",
    ]
    static let values: [String: WordsValue] = [
        "name": .text("{{list}} \u{202E} <b>"), "n": .number(21), "one": .number(1),
        "list": .list(Array(repeating: ["name": .text("x"), "list": .list([[:], [:]])], count: 40)),
    ]
    static let schema = WordsSchema([
        "name": .init(.text), "n": .init(.number), "one": .init(.number),
        "list": .init(.list(["name": .init(.text), "list": .init(.list([:]))])),
    ])

    @Test(.timeLimit(.minutes(2)), arguments: 0..<8) func mutantsAreEitherRefusedOrRendered(shard: Int) {
        var random = SplitMix(state: UInt64(shard) &* 7_919 &+ 20_261_123)
        var rendered = 0
        var refused = 0
        for round in 0..<1_500 {
            func text() -> String {
                (0..<Int.random(in: 0...30, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? ""
                }
                .joined()
            }
            let template = text()
            let book = Words.book(
                template, locale: ["en", "uk", "zh", "ar"][round % 4], partials: ["p": text(), "q": text()])
            let lines = template.unicodeScalars.count { $0 == "\n" } + 1
            for complaint in book.check(knownVariables: Self.schema) where complaint.file == "words.yaml" {
                #expect((1...lines).contains(complaint.line), "shard \(shard), round \(round)")
                #expect((1...(template.unicodeScalars.count + 1)).contains(complaint.column))
                #expect(!complaint.problem.isEmpty && !complaint.expected.isEmpty)
            }
            for escaping in Escaping.allCases {
                do {
                    let message = try book.render(template: "t", locale: "en", values: Self.values, escaping: escaping)
                    rendered += 1
                    #expect(message.body.utf8.count <= WordsLimits.renderedBytesMax)
                    if escaping == .html { #expect(!message.body.contains("<")) }
                } catch { refused += 1 }
            }
        }
        // Both ways are taken, or the pieces were chosen badly.
        #expect(rendered > 100)
        #expect(refused > 100)
    }

    /// Shapes that make careless readers quadratic or deep.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "{{", "{{!", "}}", "{{#a}}", "{{/a}}", "{{a}}", "{{#a}}{{/a}}", "{{#plural n}}", "{{> p}}", "{", "\n",
            "{{{",
            "{{a ", " ", "{{!}}\n", "\r\n{{#a}}\n", "\u{301}",
        ])
    func repetitionTakesLittleTime(piece: String) {
        let text = String(repeating: piece, count: WordsLimits.templateBytesMax / piece.utf8.count)
        let clock = ContinuousClock()
        let time = clock.measure {
            let book = Words.book(text, partials: ["p": "x"])
            _ = book.check(knownVariables: Self.schema)
            _ = try? book.render(template: "t", locale: nil, values: Self.values, escaping: .html)
        }
        // Some tens of milliseconds where it was written; the bound is for a debug build on a busy machine.
        #expect(time < .seconds(10))
    }

    @Test func partialsThatMultiplyAreBounded() {
        var partials: [String: String] = ["p15": "x"]
        for index in 0..<15 { partials["p\(index)"] = String(repeating: "{{> p\(index + 1)}}", count: 4) }
        let book = Words.book("{{> p0}}", partials: partials)
        _ = book.check(knownVariables: Self.schema)
        let complaint = #expect(throws: WordsComplaint.self) {
            try book.render(template: "t", locale: nil, values: [:], escaping: .plain)
        }
        #expect(complaint?.problem == "more than 100000 steps taken")
    }
}
