import Testing
import UpsellModel

@testable import UpsellWords

/// Renderings in the manner of the Mustache specification, by its own cases where they apply.
@Suite struct TemplateRendererTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var template: String
        var expected: String
        var partials: [String: String] = [:]
        var testDescription: String { name }
    }

    static let values: [String: WordsValue] = [
        "name": .text("Ada"), "empty": .text(""), "yes": .flag(true), "no": .flag(false), "zero": .number(0),
        "three": .number(3), "a.b": .text("dotted"), "none": .list([]),
        "list": .list([["n": .number(1)], ["n": .number(2)], ["n": .number(3)]]),
        "outer": .list([
            ["name": .text("x"), "inner": .list([["v": .number(1)], ["v": .number(2)]])],
            ["name": .text("y"), "inner": .list([])],
        ]),
        "features": .list([["name": .text("Reports")], ["name": .text("API")], ["name": .text("SSO")]]),
        "price": .money(4_900, currency: "EUR", interval: .month),
    ]

    static let cases: [Case] = [
        // Interpolation.
        Case(name: "no tag", template: "Hello from {Mustache}!\n", expected: "Hello from {Mustache}!\n"),
        Case(name: "basic", template: "Hello, {{name}}!", expected: "Hello, Ada!"),
        Case(name: "padding", template: "|{{ name }}|{{\tname\n}}|", expected: "|Ada|Ada|"),
        Case(name: "integer", template: "{{three}} apples", expected: "3 apples"),
        Case(name: "dotted", template: "{{a.b}}", expected: "dotted"),
        Case(name: "absent", template: "I ({{nobody}}) be seen", expected: "I () be seen"),
        Case(name: "surrounding whitespace", template: "| {{name}} |", expected: "| Ada |"),
        Case(name: "standalone value", template: "  {{name}}\n", expected: "  Ada\n"),
        Case(name: "flag has no text", template: "[{{yes}}]", expected: "[]"),
        Case(name: "one brace", template: "a { b } c", expected: "a { b } c"),
        Case(name: "code points beyond the plane", template: "👩‍👩‍👧 {{name}} 🇺🇦", expected: "👩‍👩‍👧 Ada 🇺🇦"),
        // Sections.
        Case(name: "truthy", template: "\"{{#yes}}shown{{/yes}}\"", expected: "\"shown\""),
        Case(name: "falsy", template: "\"{{#no}}shown{{/no}}\"", expected: "\"\""),
        Case(name: "absent section", template: "\"{{#nobody}}shown{{/nobody}}\"", expected: "\"\""),
        Case(name: "text is present", template: "{{#name}}Hi {{name}}{{/name}}", expected: "Hi Ada"),
        Case(name: "empty text is not", template: "{{#empty}}x{{/empty}}{{^empty}}y{{/empty}}", expected: "y"),
        Case(name: "zero is present", template: "{{#zero}}{{zero}} left{{/zero}}", expected: "0 left"),
        Case(name: "list", template: "{{#list}}{{n}};{{/list}}", expected: "1;2;3;"),
        Case(name: "empty list", template: "{{#none}}x{{/none}}{{^none}}nothing{{/none}}", expected: "nothing"),
        Case(name: "inverted list", template: "{{^list}}x{{/list}}", expected: ""),
        Case(
            name: "nested lists", template: "{{#outer}}{{name}}:{{#inner}}{{v}}{{/inner}};{{/outer}}",
            expected: "x:12;y:;"),
        Case(name: "outer names inside", template: "{{#list}}{{name}}{{n}} {{/list}}", expected: "Ada1 Ada2 Ada3 "),
        Case(
            name: "first and last", template: "{{#list}}{{n}}{{^last}}, {{/last}}{{#first}}!{{/first}}{{/list}}",
            expected: "1, !2, 3"),
        Case(
            name: "doubled", template: "{{#yes}}\n* first\n{{/yes}}\n* second\n{{#yes}}\n* third\n{{/yes}}\n",
            expected: "* first\n* second\n* third\n"),
        Case(
            name: "nested truthy", template: "| A {{#yes}}B {{#yes}}C{{/yes}} D{{/yes}} E |",
            expected: "| A B C D E |"),
        Case(name: "nested falsy", template: "| A {{#no}}B {{#yes}}C{{/yes}} D{{/no}} E |", expected: "| A  E |"),
        Case(name: "a list as enumeration", template: "{{features}}", expected: "Reports, API, and SSO"),
        Case(
            name: "interval of a price",
            template:
                "{{price}}{{#price.perMonth}} a month{{/price.perMonth}}{{#price.perYear}} a year{{/price.perYear}}",
            expected: "€49.00 a month"),
        // Whitespace of lines.
        Case(name: "inline section", template: " | {{#yes}}\t|\t{{/yes}} | \n", expected: " | \t|\t | \n"),
        Case(name: "internal whitespace", template: " | {{#yes}} {{! c }}\n {{/yes}} | \n", expected: " |  \n  | \n"),
        Case(
            name: "indented inline", template: " {{#yes}}YES{{/yes}}\n {{#yes}}GOOD{{/yes}}\n",
            expected: " YES\n GOOD\n"),
        Case(
            name: "standalone lines", template: "| This Is\n{{#yes}}\n|\n{{/yes}}\n| A Line\n",
            expected: "| This Is\n|\n| A Line\n"),
        Case(
            name: "indented standalone lines", template: "| This Is\n  {{#yes}}\n|\n  {{/yes}}\n| A Line\n",
            expected: "| This Is\n|\n| A Line\n"),
        Case(name: "CRLF", template: "|\r\n{{#yes}}\r\n{{/yes}}\r\n|", expected: "|\r\n|"),
        Case(name: "standalone at the start", template: "  {{#yes}}\n#{{/yes}}\n/", expected: "#\n/"),
        Case(name: "standalone at the end", template: "#{{#yes}}\n/\n  {{/yes}}", expected: "#\n/\n"),
        Case(name: "two tags on a line are not alone", template: "{{#yes}}{{/yes}}\nx", expected: "\nx"),
        Case(name: "inverted standalone", template: "| A\n{{^no}}\n|\n{{/no}}\n| B\n", expected: "| A\n|\n| B\n"),
        // Comments.
        Case(name: "inline comment", template: "12345{{! c }}67890", expected: "1234567890"),
        Case(
            name: "comment of several lines", template: "Begin.\n{{!\nSomething is {{here..\n}}\nEnd.\n",
            expected: "Begin.\nEnd.\n"),
        Case(name: "indented comment", template: "Begin.\n  {{! c }}\nEnd.\n", expected: "Begin.\nEnd.\n"),
        Case(name: "comment keeps blanks beside it", template: "12345 {{! c }} 67890", expected: "12345  67890"),
        // Partials.
        Case(
            name: "partial", template: "\"{{>text}}\"", expected: "\"from partial Ada\"",
            partials: ["text": "from partial {{name}}"]),
        Case(
            name: "partial in a list", template: "{{#list}}{{> item }}{{/list}}", expected: "<1><2><3>",
            partials: ["item": "<{{n}}>"]),
        Case(
            name: "inline partial keeps blanks", template: "| {{> p}} |", expected: "| \t|\t |",
            partials: ["p": "\t|\t"]),
        Case(
            name: "inline partial is not indented", template: "  {{name}}  {{> p}}\n", expected: "  Ada  >\n>\n",
            partials: ["p": ">\n>"]),
        Case(
            name: "standalone partial with CRLF", template: "|\r\n{{>p}}\r\n|", expected: "|\r\n>|",
            partials: ["p": ">"]),
        Case(
            name: "standalone partial at the start", template: "  {{>p}}\n>", expected: "  >\n  >>",
            partials: ["p": ">\n>"]),
        Case(
            name: "standalone partial at the end", template: ">\n  {{>p}}", expected: ">\n  >\n  >",
            partials: ["p": ">\n>"]),
        Case(
            name: "indentation", template: "\\\n {{>p}}\n/\n", expected: "\\\n |\n Ada\n |\n/\n",
            partials: ["p": "|\n{{name}}\n|\n"]),
        Case(
            name: "indentations add up", template: " {{>a}}\n", expected: " a\n   b\n   c\n",
            partials: ["a": "a\n  {{>b}}\n", "b": "b\nc\n"]),
        Case(
            name: "sections in an indented partial", template: " {{>p}}\n", expected: " x\n Ada!\n",
            partials: ["p": "x\n{{#yes}}\n{{#yes}}{{name}}{{/yes}}!\n{{/yes}}\n"]),
        // Plural forms.
        Case(
            name: "plural",
            template: "{{three}} {{#plural three}}{{#one}}day{{/one}}{{#other}}days{{/other}}{{/plural}}",
            expected: "3 days"),
        Case(
            name: "plural on lines of its own",
            template:
                "{{#plural three}}\n  {{#one}}\n  day\n  {{/one}}\n  {{#other}}\n  days\n  {{/other}}\n{{/plural three}}\n",
            expected: "  days\n"),
        Case(
            name: "plural of something absent", template: "[{{#plural nobody}}{{#other}}x{{/other}}{{/plural}}]",
            expected: "[]"),
        Case(name: "a variable may be called plural", template: "{{#plural_name}}x{{/plural_name}}", expected: ""),
    ]

    @Test(arguments: cases) func renders(_ test: Case) throws {
        #expect(try Words.render(test.template, Self.values, partials: test.partials) == test.expected)
    }

    @Test func listsAreCutAtTheirBound() throws {
        let items = (0..<250).map { ["n": WordsValue.number($0), "name": .text("x")] }
        let text = try Words.render("{{#items}}.{{#last}}!{{/last}}{{/items}}", ["items": .list(items)])
        #expect(text == String(repeating: ".", count: WordsLimits.listItemsMax) + "!")
        let list = try Words.render("{{items}}", ["items": .list(items)])
        #expect(list.count { $0 == "x" } == WordsLimits.listItemsMax)
    }

    @Test func tooMuchTextIsAnErrorWithItsPlace() throws {
        let items = WordsValue.list(Array(repeating: ["t": .text(String(repeating: "y", count: 500))], count: 100))
        let complaint = #expect(throws: WordsComplaint.self) {
            try Words.render("x\n {{#a}}{{#a}}{{t}}{{/a}}{{/a}}", ["a": items])
        }
        #expect(
            complaint?.description
                == "words.yaml:2:14: more than 65536 bytes rendered; expected less text")
    }

    @Test func endlessWorkWithoutTextEndsToo() throws {
        let items = WordsValue.list(Array(repeating: [:], count: 100))
        let complaint = #expect(throws: WordsComplaint.self) {
            try Words.render("{{#a}}{{#a}}{{#a}}{{#b}}{{/b}}{{/a}}{{/a}}{{/a}}", ["a": items])
        }
        #expect(complaint?.problem == "more than 100000 steps taken")
    }

    @Test func aPartialThatIncludesItselfEndsWithItsPlace() throws {
        let complaint = #expect(throws: WordsComplaint.self) {
            try Words.render("{{> p}}", partials: ["p": "a\n{{> p}}"])
        }
        #expect(complaint?.problem == "partials nested too deeply, or including themselves")
        #expect(complaint?.line == 2)
        #expect(complaint?.column == 1)
    }

    @Test func sixteenSectionsAndSixteenPartialsAreFine() throws {
        let open = String(repeating: "{{#yes}}", count: 16)
        let close = String(repeating: "{{/yes}}", count: 16)
        #expect(try Words.render(open + "x" + close, Self.values) == "x")
        var partials: [String: String] = ["p15": open + "deep" + close]
        for index in 0..<15 { partials["p\(index)"] = open + "{{> p\(index + 1)}}" + close }
        #expect(try Words.render("{{> p0}}", Self.values, partials: partials) == "deep")
    }
}
