import Testing
import UpsellModel

@testable import UpsellWords

/// Every mistake says where it is, what it is and what would be right.
@Suite struct TemplateErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var template: String
        /// `line:column: problem; expected …`, in order.
        var complaints: [String]
        var locale = "en"
        var partials: [String: String] = [:]
        var testDescription: String { template.debugDescription }
    }

    static let schema = WordsSchema(
        [
            "limit": .init(.number), "current": .init(.quantity), "name": .init(.text), "isBlocked": .init(.flag),
            "price": .init(.money, presentWith: ["remedy"]), "remedy": .init(.flag), "end": .init(.date),
            "title": .init(.text, presentWith: []), "percent": .init(.percent),
            "features": .init(.list(["name": .init(.text), "uses": .init(.number, presentWith: [])])),
            "gains": .init(.list(["meter": .init(.text)])),
        ], openPrefixes: ["attributes"])
    static let names =
        "attributes.NAME, current, end, features, gains, isBlocked, limit, name, percent, price, remedy, title"
    static let nameForm = "a name of letters, digits, _ and -, with dots between its parts"
    static let raw = "are refused: everything is escaped for its channel; expected {{name}}"

    static let cases: [Case] = [
        // Tags.
        Case(template: "Hello {{name", complaints: ["1:7: a tag without end; expected \"}}\" after it"]),
        Case(
            template: "a\nb {{name {{limit}}",
            complaints: ["2:3: a tag without end; expected \"}}\" before the next \"{{\""]),
        Case(template: "{{! never ends", complaints: ["1:1: a tag without end; expected \"}}\" after it"]),
        Case(template: "x }} y", complaints: ["1:3: \"}}\" ends no tag; expected \"{{\" before the name"]),
        Case(template: "{{}}", complaints: ["1:1: a tag without name; expected \(nameForm)"]),
        Case(template: "ab\n\n  {{   }}", complaints: ["3:3: a tag without name; expected \(nameForm)"]),
        Case(template: "{{#}}{{/}}", complaints: ["1:1: a tag without name; expected \(nameForm)"]),
        Case(template: "{{>}}", complaints: ["1:1: a tag without name; expected \(nameForm)"]),
        Case(template: "{{first name}}", complaints: ["1:1: \"first name\" is no name; expected \(nameForm)"]),
        Case(template: "é {{a..b}}", complaints: ["1:3: \"a..b\" is no name; expected \(nameForm)"]),
        Case(template: "{{.}}", complaints: ["1:1: \".\" is no name; expected \(nameForm)"]),
        Case(template: "{{naïve}}", complaints: ["1:1: \"naïve\" is no name; expected \(nameForm)"]),
        Case(template: "👩‍👩‍👧{{na\u{202E}me}}", complaints: ["1:6: \"na\\u{202e}me\" is no name; expected \(nameForm)"]),
        Case(template: "\n{{{name}}}", complaints: ["2:1: raw tags ({{{…}}}) \(raw)"]),
        Case(template: "{{{name}} and {{limit}}", complaints: ["1:1: raw tags ({{{…}}}) \(raw)"]),
        Case(template: "a {{& name}}", complaints: ["1:3: raw tags ({{&…}}) \(raw)"]),
        Case(
            template: "{{=<% %>=}}<% name %>",
            complaints: ["1:1: set-delimiter tags ({{=…=}}) are refused; expected {{ and }} throughout"]),
        // Sections.
        Case(template: "{{#remedy}}x", complaints: ["1:1: {{#remedy}} is never closed; expected {{/remedy}} after it"]),
        Case(
            template: "x\n  {{^remedy}}\n",
            complaints: ["2:3: {{^remedy}} is never closed; expected {{/remedy}} after it"]),
        Case(template: "x{{/remedy}}", complaints: ["1:2: {{/remedy}} closes nothing; expected {{#remedy}} before it"]),
        Case(
            template: "{{#remedy}}\n{{/remedi}}{{/remedy}}",
            complaints: ["2:1: {{/remedi}} where {{#remedy}} of line 1 is open; expected {{/remedy}}"]),
        Case(
            template: "{{#remedy}}{{#features}}{{/remedy}}{{/features}}",
            complaints: [
                "1:25: {{/remedy}} where {{#features}} of line 1 is open; expected {{/features}}",
                "1:36: {{/features}} closes nothing; expected {{#features}} before it",
            ]),
        Case(
            template: String(repeating: "{{#remedy}}", count: 17),
            complaints: ["1:177: sections nested too deeply; expected at most 16 levels"]),
        // Plural forms.
        Case(
            template: "{{#plural}}{{#other}}x{{/other}}{{/plural}}",
            complaints: ["1:1: plural forms without the number they depend on; expected {{#plural name}}"]),
        Case(
            template: "{{^plural limit}}{{#other}}x{{/other}}{{/plural}}",
            complaints: ["1:1: plural forms without the number they depend on; expected {{#plural name}}"]),
        Case(
            template: "{{limit}} {{#plural limit}}{{#one}}x{{/one}}{{/plural}}",
            complaints: [
                "1:11: plural forms without \"other\"; expected {{#other}}…{{/other}}, which every language has"
            ]),
        Case(
            template: "{{#plural limit}}\n{{#few}}x{{/few}}\n{{#other}}y{{/other}}{{/plural}}",
            complaints: ["2:1: the language of the template has no form \"few\"; expected one or other"]),
        Case(
            template: "{{#plural limit}}{{#two}}x{{/two}}{{#other}}y{{/other}}{{/plural}}",
            complaints: ["1:18: the language of the template has no form \"two\"; expected one, few, many or other"],
            locale: "uk"),
        Case(
            template: "{{#plural limit}}{{#one}}x{{/one}}{{#other}}y{{/other}}{{/plural}}",
            complaints: ["1:18: the language of the template has no form \"one\"; expected other"], locale: "zh"),
        Case(
            template: "{{#plural limit}}{{#one}}a{{/one}}{{#one}}b{{/one}}{{#other}}y{{/other}}{{/plural}}",
            complaints: ["1:35: the form \"one\" of limit is there twice; expected each form once"]),
        Case(
            template: "{{#plural limit}}{{#some}}a{{/some}}{{#other}}y{{/other}}{{/plural}}",
            complaints: ["1:18: \"some\" is no plural form; expected one or other"]),
        Case(
            template: "{{#plural limit}}\n  or {{#other}}y{{/other}}{{/plural}}",
            complaints: [
                "2:3: something between the plural forms, which would never be shown; expected only forms, as "
                    + "{{#one}}…{{/one}}{{#other}}…{{/other}}"
            ]),
        Case(
            template: "{{#plural limit}}{{limit}}{{#other}}y{{/other}}{{/plural}}",
            complaints: [
                "1:18: something between the plural forms, which would never be shown; expected only forms, as "
                    + "{{#one}}…{{/one}}{{#other}}…{{/other}}"
            ]),
        Case(
            template: "{{#plural limit}}{{#other}}y{{/other}}",
            complaints: ["1:1: {{#plural limit}} is never closed; expected {{/plural}} after it"]),
        Case(
            template: "{{#plural limit}}{{#other}}y{{/plural}}",
            complaints: ["1:29: {{/plural}} where {{#other}} of line 1 is open; expected {{/other}}"]),
        Case(
            template: "{{#plural name}}{{#other}}y{{/other}}{{/plural}}",
            complaints: ["1:1: \"name\" is a text, which has no plural forms; expected a number"]),
        Case(
            template: "{{#plural limits}}{{#other}}y{{/other}}{{/plural}}",
            complaints: ["1:1: unknown variable \"limits\", did you mean \"limit\"?; expected one of \(names)"]),
        // Names.
        Case(
            template: "a {{limt}}",
            complaints: ["1:3: unknown variable \"limt\", did you mean \"limit\"?; expected one of \(names)"]),
        Case(template: "{{zzzzzzzz}}", complaints: ["1:1: unknown variable \"zzzzzzzz\"; expected one of \(names)"]),
        Case(
            template: "{{^remedy}}\n  {{#isBlocked}}{{nam}}{{/isBlocked}}\n{{/remedy}}",
            complaints: ["2:17: unknown variable \"nam\", did you mean \"name\"?; expected one of \(names)"]),
        Case(
            template: "{{#plural limit}}{{#one}}{{lmit}}{{/one}}{{#other}}{{/other}}{{/plural}}",
            complaints: ["1:26: unknown variable \"lmit\", did you mean \"limit\"?; expected one of \(names)"]),
        Case(
            template: "{{#isBloked}}{{/isBloked}}",
            complaints: ["1:1: unknown variable \"isBloked\", did you mean \"isBlocked\"?; expected one of \(names)"]),
        Case(
            template: "{{#features}}{{nme}}{{/features}}",
            complaints: [
                "1:14: unknown variable \"nme\", did you mean \"name\"?; expected one of attributes.NAME, current, end, "
                    + "features, first, gains, isBlocked, last, limit, name, percent, price, remedy, title, uses"
            ]),
        Case(template: "{{uses}}", complaints: ["1:1: unknown variable \"uses\"; expected one of \(names)"]),
        Case(
            template: "{{isBlocked}}",
            complaints: [
                "1:1: \"isBlocked\" is a flag, which has no text; expected {{#isBlocked}}…{{/isBlocked}}"
            ]),
        Case(
            template: "{{gains}}",
            complaints: [
                "1:1: \"gains\" is a list, whose items have no name to be written; expected {{#gains}}…{{/gains}}"
            ]),
        Case(
            template: "costs {{price}}",
            complaints: [
                "1:7: \"price\" may be absent, which leaves a hole in the sentence; expected it inside of {{#remedy}}…"
            ]),
        Case(
            template: "{{^title}}{{title}}{{/title}}",
            complaints: [
                "1:11: \"title\" may be absent, which leaves a hole in the sentence; expected it inside of {{#title}}…"
            ]),
        Case(
            template: "{{#features}}{{name}} {{uses}}{{/features}}",
            complaints: [
                "1:23: \"uses\" may be absent, which leaves a hole in the sentence; expected it inside of {{#uses}}…"
            ]),
        Case(
            template: "{{attributes.industry}}",
            complaints: [
                "1:1: \"attributes.industry\" may be absent, which leaves a hole in the sentence; expected it inside of "
                    + "{{#attributes.industry}}…"
            ]),
        // Partials.
        Case(
            template: "{{> footr}}",
            complaints: ["1:1: unknown partial \"footr\", did you mean \"footer\"?; expected one of footer"],
            partials: ["footer": "x"]),
        Case(
            template: "{{> footer}}",
            complaints: ["1:1: unknown partial \"footer\"; expected no partial: there is none"]),
    ]

    @Test(arguments: cases) func says(_ test: Case) {
        let book = Words.book(test.template, locale: test.locale, partials: test.partials)
        let complaints = book.check(knownVariables: Self.schema)
        #expect(complaints.map { "\($0.line):\($0.column): \($0.problem); expected \($0.expected)" } == test.complaints)
        #expect(complaints.allSatisfy { $0.file == "words.yaml" })
    }

    @Test func thereAreEnoughCases() { #expect(Self.cases.count >= 50) }

    @Test(arguments: [
        "{{#remedy}}{{price}}{{/remedy}}", "{{#price}}{{price}}{{/price}}", "{{#title}}{{title}}{{/title}}",
        "{{#attributes.a}}{{attributes.a}}{{/attributes.a}}", "{{features}}", "{{#features}}{{name}}{{/features}}",
        "{{#remedy}}{{#price.perMonth}}a month{{/price.perMonth}}{{/remedy}}",
        "{{current}} {{limit}} {{end}} {{percent}}",
        "{{#plural current}}{{#other}}x{{/other}}{{/plural}}",
        "{{#plural percent}}{{#one}}x{{/one}}{{#other}}{{/other}}{{/plural}}",
        "{{#features}}{{#uses}}{{uses}}{{/uses}}{{^last}}, {{/last}}{{/features}}",
    ])
    func isContentWith(template: String) {
        #expect(Words.book(template).check(knownVariables: Self.schema) == [])
    }

    @Test func mistakesInPartialsArePlacedInPartials() {
        let book = Words.book(
            "{{> a}}{{> a}}", partials: ["a": "x\n {{> b}}", "b": "{{nope}}{{#remedy}}"])
        #expect(
            book.check(knownVariables: Self.schema).map { "\($0.file):\($0.line):\($0.column): \($0.problem)" } == [
                "b.partial:1:1: unknown variable \"nope\"",
                "b.partial:1:9: {{#remedy}} is never closed",
            ])
    }

    @Test func partialsThatIncludeThemselvesAreFoundWithoutRendering() {
        let book = Words.book(
            "{{#remedy}}{{> a}}{{/remedy}}", partials: ["a": "{{> b}}", "b": "x\n  {{> a}}"])
        #expect(
            book.check(knownVariables: Self.schema).map(\.description) == [
                "b.partial:2:3: partial \"a\" includes itself (a → b → a); expected partials that end somewhere"
            ])
    }

    @Test func partialsOfAnotherLanguageAreNotTaken() {
        var source = WordsSource(
            templates: [
                "t": .init(
                    name: Words.source("t"),
                    locales: [
                        "en": .init(title: Words.source("t"), body: Words.source("{{> p}}")),
                        "es": .init(title: Words.source("t"), body: Words.source("{{> p}}")),
                        "es-MX": .init(title: Words.source("t"), body: Words.source("{{> p}}")),
                    ])
            ], partials: ["p": ["en": Words.source("english")]])
        #expect(
            WordsBook(source).check(knownVariables: Self.schema).map(\.problem) == [
                "partial \"p\" is not there in the language of the template"
            ])
        source.partials["p"]?["es"] = Words.source("español")
        #expect(WordsBook(source).check(knownVariables: Self.schema) == [])
    }

    @Test func placesFollowWhereTheTextStandsInItsFile() {
        let text = "ok\n{{nope}} {{nada}}"
        func places(_ source: TemplateSource) -> [String] {
            let book = WordsBook(
                WordsSource(
                    templates: [
                        "t": .init(
                            name: Words.source("t"), locales: ["en": .init(title: Words.source("x"), body: source)])
                    ]))
            return book.check(knownVariables: Self.schema).map { "\($0.file):\($0.line):\($0.column) \($0.path)" }
        }
        #expect(
            places(TemplateSource(text: text, file: "f", line: 10, column: 9, continuation: 7, path: "p")) == [
                "f:11:7 p", "f:11:16 p",
            ])
        // Folded text: its lines are not the file's.
        #expect(
            Set(places(TemplateSource(text: text, file: "f", line: 10, column: 9, continuation: nil))) == ["f:10:9 "])
    }

    @Test func templatesAreBounded() {
        let book = Words.book(String(repeating: "x", count: WordsLimits.templateBytesMax + 1))
        #expect(
            book.check(knownVariables: Self.schema).map(\.description) == [
                "words.yaml:1:1: a template of 65537 bytes; expected at most 65536 bytes"
            ])
        #expect(Words.book(String(repeating: "x", count: 65_536)).check(knownVariables: Self.schema) == [])
    }

    @Test func complaintsAboutOneTemplateAreBounded() {
        let book = Words.book(String(repeating: "}} ", count: 1_000))
        #expect(book.check(knownVariables: Self.schema).count == WordsLimits.complaintsMax)
    }

    @Test func aTemplateWithAMistakeIsNotRendered() {
        let complaint = #expect(throws: WordsComplaint.self) {
            try Words.book("{{#a}}").render(template: "t", locale: nil, values: [:], escaping: .plain)
        }
        #expect(complaint?.problem == "{{#a}} is never closed")
        let unknown = #expect(throws: WordsComplaint.self) {
            try Words.book("x").render(template: "u", locale: nil, values: [:], escaping: .plain)
        }
        #expect(unknown?.problem == "no template \"u\"")
    }
}
