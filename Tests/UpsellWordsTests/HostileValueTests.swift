import Testing
import UpsellModel

@testable import UpsellWords

/// Whoever names an account or an attribute must not be able to write the message around it.
@Suite struct HostileValueTests {
    static func message(_ value: String, _ escaping: Escaping) throws -> Message {
        try Words.book("Hello {{v}}!").render(
            template: "t", locale: "en", values: ["v": .text(value), "secret": .text("SECRET")], escaping: escaping)
    }

    @Test(arguments: Escaping.allCases)
    func aValueIsNeverReadAsATemplate(escaping: Escaping) throws {
        for value in ["{{secret}}", "{{#secret}}x{{/secret}}", "{{{secret}}}", "{{> p}}", "{{=<% %>=}}", "{{", "}}"] {
            #expect(try Self.message(value, escaping).body == "Hello \(escaping.apply(value))!")
        }
    }

    @Test func mailIsEscaped() throws {
        #expect(
            try Self.message("<script>alert(\"x\")</script> & 'y'", .html).body
                == "Hello &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;!")
        #expect(try Self.message("<b>", .plain).body == "Hello <b>!")
        #expect(try Self.message("&lt;", .html).body == "Hello &amp;lt;!")
    }

    @Test func literalTextIsEscapedToo() throws {
        let message = try Words.book("You & <us>").render(template: "t", locale: nil, values: [:], escaping: .html)
        #expect(message.body == "You &amp; &lt;us&gt;")
    }

    @Test(
        arguments: [
            0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069, 0x200E, 0x200F, 0x061C, 0, 1, 7, 8,
            0x1B, 0x7F, 0x80, 0x9B, 0x9F, 0xFEFF, 0xFFF9, 0x206A, 0xFFFE, 0x1FFFF, 0xFDD0, 0xE0001,
        ] as [UInt32])
    func controlsVanish(code: UInt32) throws {
        let scalar = try #require(Unicode.Scalar(code))
        for escaping in Escaping.allCases {
            let body = try Self.message("a\(scalar)b", escaping).body
            #expect(Array(body.unicodeScalars) == Array("Hello ab!".unicodeScalars))
        }
    }

    @Test(arguments: ["\n", "\r\n", "\r", "\t", "\u{2028}", "\u{2029}", "\u{85}", "\u{0B}"])
    func lineEndsBecomeBlanks(end: String) throws {
        let book = WordsBook(
            WordsSource(
                templates: [
                    "t": .init(
                        name: Words.source("t"),
                        locales: ["en": .init(title: Words.source("Hi {{v}}"), body: Words.source("x{{v}}"))])
                ]))
        let message = try book.render(
            template: "t", locale: nil, values: ["v": .text("a\(end)Bcc: all@example.com")], escaping: .plain)
        #expect(message.title.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x85 && $0.value < 0x2000 })
        #expect(message.title.hasSuffix("a Bcc: all@example.com") || message.title.hasSuffix("a  Bcc: all@example.com"))
    }

    @Test func rightToLeftIsIsolatedAndNothingElseIs() throws {
        #expect(try Self.message("שלום", .plain).body == "Hello \u{2068}שלום\u{2069}!")
        #expect(try Self.message("Acme مرحبا", .html).body == "Hello \u{2068}Acme مرحبا\u{2069}!")
        #expect(try Self.message("Acme 2000 Київ 北京", .plain).body == "Hello Acme 2000 Київ 北京!")
        // What would end the isolation early was taken out before.
        #expect(try Self.message("ש\u{2069}\u{202E}abc", .plain).body == "Hello \u{2068}שabc\u{2069}!")
    }

    @Test func lengthIsBoundedAndCharactersStayWhole() throws {
        let long = try Self.message(String(repeating: "x", count: 100_000), .plain).body
        #expect(long == "Hello " + String(repeating: "x", count: 511) + "…!")
        #expect(try Self.message(String(repeating: "x", count: 512), .plain).body.count == 6 + 512 + 1)
        // A family has five code points: 102 of them fit, and none is cut in two.
        let families = try Self.message(String(repeating: "👩‍👩‍👧", count: 300), .plain).body
        #expect(families == "Hello " + String(repeating: "👩‍👩‍👧", count: 102) + "…!")
        // One character of 10,000 accents.
        let accents = try Self.message("e" + String(repeating: "\u{301}", count: 10_000), .plain).body
        #expect(accents.unicodeScalars.count == 6 + 512 + 1)
    }

    @Test func itemsOfListsAreInertToo() throws {
        let values: [String: WordsValue] = ["l": .list([["name": .text("<a>\u{202E}")], ["name": .text("{{x}}")]])]
        let message = try Words.book("{{l}} {{#l}}[{{name}}]{{/l}}").render(
            template: "t", locale: "en", values: values, escaping: .html)
        #expect(message.body == "&lt;a&gt; and {{x}} [&lt;a&gt;][{{x}}]")
    }
}
