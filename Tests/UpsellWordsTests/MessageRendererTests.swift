import Foundation
import Testing
import UpsellConfiguration
import UpsellModel

@testable import UpsellWords

/// The words that are shipped, as accounts would read them.
@Suite struct MessageRendererTests {
    static let root = Words.fixtures.deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let locales = ["en", "es", "it", "nl", "uk", "zh"]
    /// Combinations have no words of their own: what they tell depends on their parts.
    static let signals = Trigger.SignalKind.allCases.filter { $0 != .combination }

    static func shipped() throws -> WordsBook {
        let path = root.appending(path: "config/upselld.yaml").path()
        return WordsBook(try ConfigurationLoader.load(path: path).words)
    }

    static func renderer(_ book: WordsBook, rules: [Rule] = []) -> MessageRenderer {
        var catalogue = Sample.catalogue
        catalogue.rules = rules
        return MessageRenderer(book: book, catalogue: catalogue) { TimeZones.table(named: $0) }
    }

    static func variants(_ signal: Trigger.SignalKind) -> [Trigger] {
        var full = Sample.trigger(signal)
        full.activity?.feature = "PDF export"
        var others = [Sample.trigger(signal, isBare: true)]
        for (kind, offer) in [
            (Remedy.Kind.addOn, Offer.Kind.trial), (.overage, .survey), (.none, .call), (.plan, .upgrade),
        ] {
            var trigger = full
            trigger.remedy?.kind = kind
            trigger.remedy?.difference = nil
            trigger.offer?.kind = offer
            trigger.offer?.value = 21
            trigger.usage?.current = 10_000
            trigger.activity?.daysLeft = kind == .none ? -1 : 0
            trigger.activity?.used = []
            trigger.activity?.unused = []
            others.append(trigger)
        }
        return [full] + others
    }

    @Test func shippedWordsHaveNoMistake() throws {
        let book = try Self.shipped()
        #expect(book.check(catalogue: Sample.catalogue) == [])
        #expect(Set(book.templateNames) == Set(Self.signals.map(\.name) + ["discoveries", "invested", "reminder"]))
    }

    @Test(arguments: signals) func everySignalHasWordsInSixLanguages(signal: Trigger.SignalKind) throws {
        let renderer = Self.renderer(try Self.shipped())
        for locale in Self.locales {
            for (index, variant) in Self.variants(signal).enumerated() {
                var trigger = variant
                trigger.locale = locale
                let message = try #require(try renderer.message(for: trigger))
                #expect(message.locale == locale)
                #expect(message.key == signal.name)
                let texts = [message.title, message.body, message.callToAction ?? "-"] + message.talkingPoints
                for text in texts {
                    let place = "\(signal.name) \(locale) \(index): \(text)"
                    #expect(!text.isEmpty, "\(place)")
                    #expect(!text.contains("{{") && !text.contains("}}"), "\(place)")
                    #expect(!text.contains("  ") && !text.contains(" .") && !text.contains(" ,"), "\(place)")
                    #expect(!text.contains("\n\n") && !text.contains(".."), "\(place)")
                }
                #expect(!message.title.contains("\n"))
                if ProcessInfo.processInfo.environment["UPSELLD_SHOW_WORDS"] != nil {
                    print("== \(signal.name) \(locale) \(index)")
                    for text in texts { print(text) }
                }
            }
        }
    }

    @Test(arguments: signals) func aReminderFitsEverySignal(signal: Trigger.SignalKind) throws {
        let limit = Signal.limit(LimitSignal(meter: MeterID(0), unit: .percent, thresholds: [8_000], band: 0))
        var rule = Rule(name: "rule", signal: limit)
        rule.template = "reminder"
        let renderer = Self.renderer(try Self.shipped(), rules: [rule])
        for locale in Self.locales {
            var trigger = Sample.trigger(signal)
            trigger.locale = locale
            let message = try #require(try renderer.message(for: trigger))
            #expect(message.locale == locale)
            #expect(message.body.split(separator: "\n").count == 4)
        }
    }

    @Test func aLimitInUkrainian() throws {
        var trigger = Sample.trigger(.limit)
        trigger.locale = "uk-UA"
        let message = try #require(try Self.renderer(try Self.shipped()).message(for: trigger))
        #expect(message.title == "План «Basic» вам до вподоби: використано 80%")
        #expect(
            message.body == """
                Використано 8\u{a0}000 із 10\u{a0}000. Запас іще є — саме час спланувати наступний крок.
                Ліміт оновиться 29 листопада 2026\u{202f}р. — через 5 днів.
                План «Pro» дає більше простору — лише 70,00\u{a0}USD додатково на місяць.
                Для вас знижка 20%, діє до 8 грудня 2026\u{202f}р. включно.
                """)
        #expect(message.callToAction == "Переглянути план «Pro»")
    }

    @Test func wordsAreThoseOfTheStepThenTheRuleThenTheSignal() throws {
        func words(_ text: String) -> WordsSource.Template {
            .init(name: Words.source("n"), locales: ["en": .init(title: Words.source(text), body: Words.source("b"))])
        }
        let book = WordsBook(
            WordsSource(templates: ["limit": words("signal"), "own": words("rule"), "second": words("step")]))
        let signal = Signal.limit(LimitSignal(meter: MeterID(0), unit: .percent, thresholds: [8_000], band: 0))
        var rule = Rule(name: "rule", signal: signal)
        var trigger = Sample.trigger(.limit)
        #expect(try Self.renderer(book, rules: [rule]).message(for: trigger)?.title == "signal")
        rule.template = "own"
        rule.steps = [RuleStep(name: "later", delay: 1, template: "second"), RuleStep(name: "last", delay: 2)]
        let renderer = Self.renderer(book, rules: [rule])
        #expect(try renderer.message(for: trigger)?.title == "rule")
        trigger.step = "later"
        #expect(try renderer.message(for: trigger)?.title == "step")
        trigger.step = "last"
        #expect(try renderer.message(for: trigger)?.title == "rule")
        #expect(try Self.renderer(WordsBook(WordsSource())).message(for: trigger) == nil)
        #expect(throws: WordsComplaint.self) {
            try Self.renderer(WordsBook(WordsSource()), rules: [rule]).message(for: trigger)
        }
    }

    @Test func withoutTemplateTheRulesOwnMessageIsSaid() throws {
        var rule = Rule(
            name: "r", signal: .limit(LimitSignal(meter: MeterID(0), unit: .percent, thresholds: [1], band: 0)))
        rule.message = "Nearly <full>. The next plan has room."
        let renderer = Self.renderer(WordsBook(WordsSource()), rules: [rule])
        var trigger = Sample.trigger(.limit)
        trigger.rule = "r"
        trigger.step = nil
        trigger.channels = ["email"]
        #expect(
            try renderer.message(for: trigger)
                == Message(
                    key: "r", locale: "und", title: "Nearly &lt;full&gt;.",
                    body: "Nearly &lt;full&gt;. The next plan has room."))
        trigger.channels = ["in_app"]
        #expect(try renderer.message(for: trigger)?.title == "Nearly <full>.")
        trigger.rule = "another"
        #expect(try renderer.message(for: trigger) == nil)
    }

    @Test func eMailAloneIsHTML() throws {
        #expect(Escaping(channels: ["email"]) == .html)
        #expect(Escaping(channels: ["email", "in_app"]) == .plain)
        #expect(Escaping(channels: []) == .plain)
        var trigger = Sample.trigger(.limit)
        trigger.consequence = "<b> & \u{202E}"
        trigger.channels = ["email"]
        let mail = try #require(try Self.renderer(try Self.shipped()).message(for: trigger))
        #expect(mail.body.contains("At the limit: &lt;b&gt; &amp;"))
    }

    @Test func templatesAreHeldAgainstTheSignalsThatUseThem() {
        func book(_ name: String, _ body: String) -> WordsBook {
            WordsBook(
                WordsSource(
                    templates: [
                        name: .init(
                            name: Words.source(name),
                            locales: ["en": .init(title: Words.source("t"), body: Words.source(body))])
                    ]))
        }
        var catalogue = Sample.catalogue
        #expect(book("limit", "{{current}}").check(catalogue: catalogue) == [])
        #expect(book("limit", "{{attempts}}").check(catalogue: catalogue).count == 1)
        #expect(book("own", "{{attempts}}").check(catalogue: catalogue) == [])
        #expect(book("own", "{{atempts}}").check(catalogue: catalogue).count == 1)
        let trial = Signal.trial(TrialSignal(offsetDays: [-3]))
        var rule = Rule(name: "r", signal: trial)
        rule.template = "own"
        catalogue.rules = [rule]
        #expect(book("own", "{{attempts}}").check(catalogue: catalogue).count == 1)
        #expect(book("own", "{{used}}").check(catalogue: catalogue) == [])
    }
}
