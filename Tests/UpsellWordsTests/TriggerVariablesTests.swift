import Foundation
import Testing
import UpsellConfiguration
import UpsellModel

@testable import UpsellWords

/// Triggers of every signal, full ones and bare ones.
enum Sample {
    static let catalogue = Catalogue(
        meters: [],
        plans: [Plan(name: "basic", title: "Basic", limits: [], benefits: ["Reports"]), Plan(name: "pro", limits: [])])
    static let now = Timestamp(milliseconds: 1_795_500_000_000)  // 2026-11-24T06:00:00Z
    static let day = Int64.millisecondsPerDay

    static func usage(_ signal: Trigger.SignalKind) -> Trigger.Usage {
        Trigger.Usage(
            meter: "api_calls", unit: "requests", scale: 0, previous: 7_000, current: 8_000, limit: .of(10_000),
            thresholdUnit: signal == .limit ? .percent : nil, crossed: signal == .limit ? [7_500, 8_000] : [],
            period: Trigger.Span(start: now - 10 * day, end: now + 5 * day), limitVersion: 1)
    }

    static func remedy() -> Remedy {
        var remedy = Remedy(.plan)
        remedy.target = "pro"
        remedy.title = "Pro"
        remedy.currency = "USD"
        remedy.interval = .month
        remedy.price = 9_900
        remedy.difference = 7_000
        remedy.limits = [
            .init(meter: "api_calls", unit: "requests", scale: 0, from: .of(10_000), to: .of(100_000)),
            .init(meter: "storage", unit: "bytes", scale: 0, from: .of(10_000_000_000), to: .unlimited),
        ]
        remedy.features = [
            .init(name: "Reporting", from: "basic", to: "advanced"), .init(name: "SSO", from: nil, to: "yes"),
        ]
        remedy.benefits = ["Priority support"]
        remedy.further = [.init(addOn: "seats-5", title: "Five more seats", quantity: 2)]
        remedy.value = .init(
            meter: "api_calls", unit: "requests", scale: 0, usage: 12_000, percentOfNewLimit: 1_200, avoided: 2_000)
        return remedy
    }

    static func trigger(_ signal: Trigger.SignalKind, isBare: Bool = false) -> Trigger {
        var trigger = Trigger(
            id: TriggerID(high: 1, low: 2), account: "acme", rule: "rule", ruleVersion: 1, signal: signal,
            cause: .usage,
            episode: now, eventTime: now, plan: "basic", status: .active)
        trigger.timeZone = "Europe/Kyiv"
        var activity = Trigger.Activity()
        switch signal {
        case .limit, .pace, .growth, .sustained: trigger.usage = usage(signal)
        case .gate: activity.attempts = 3
        default: break
        }
        if signal == .pace {
            trigger.projection = Trigger.Projection(
                method: "daily-mean-7", ratePerDay: 800, projected: 12_000, exhaustion: now + 2 * day + 5)
        }
        if signal == .trial {
            activity.trialEnd = now + 3 * day
            activity.daysLeft = 3
        }
        if isBare {
            trigger.usage?.limit = .unlimited
            trigger.usage?.period = nil
            if signal != .limit, signal != .pace { trigger.activity = activity }
            return trigger
        }
        trigger.remedy = remedy()
        trigger.offer = Trigger.PresentedOffer(
            kind: .discount, value: 2_000, expires: now + 14 * day, link: "https://example.com/?a=acme",
            resources: ["Case study"])
        trigger.consequence = "Requests are answered with status 429."
        trigger.owner = "Ada"
        trigger.attributes = [
            .init(name: "industry", json: "\"retail \\u003cb\\u003e\""), .init(name: "employees", json: "1250.50"),
            .init(name: "vip", json: "true"), .init(name: "tags", json: "[\"a\",\"b\"]"),
            .init(name: "nested", json: "{\"a\":1}"),
            .init(name: "nothing", json: "null"), .init(name: "huge", json: "1e400"),
        ]
        activity.window = Trigger.Span(start: now - 7 * day, end: now)
        activity.since = now - 3 * day
        activity.source = "exports"
        activity.feature = "PDF export"
        activity.used = [.init(feature: "Reports", uses: 21, days: 5), .init(feature: "API", uses: 2)]
        activity.unused = ["SSO", "Webhooks"]
        activity.event = "dismissed"
        activity.parts = [.init(name: "busy", signal: .limit, time: now)]
        activity.score = 7
        activity.merged = [.init(trigger: TriggerID(high: 0, low: 0), rule: "x")]
        trigger.activity = activity
        return trigger
    }

    static func values(_ trigger: Trigger) throws -> [String: WordsValue] {
        let zone = try #require(TimeZones.table(named: trigger.timeZone ?? "UTC"))
        return TriggerVariables.values(of: trigger, catalogue: catalogue, zone: zone)
    }
}

@Suite struct TriggerVariablesTests {
    /// What is always there is there, what may be absent has its kind where it is there.
    @Test(arguments: Trigger.SignalKind.allCases, [false, true])
    func valuesKeepWhatTheSchemaPromises(signal: Trigger.SignalKind, isBare: Bool) throws {
        let schema = TriggerVariables.schema(for: signal)
        let values = try Sample.values(Sample.trigger(signal, isBare: isBare))
        for (name, variable) in schema.variables {
            guard let value = values[name] else {
                // An absent flag is one that is not set, an absent list an empty one.
                switch variable.kind {
                case .flag, .list: continue
                default: break
                }
                #expect(variable.presentWith != nil, "\(signal.name): \(name) is absent")
                for other in variable.presentWith ?? [] {
                    #expect(values[other]?.isPresent != true, "\(signal.name): \(other) without \(name)")
                }
                continue
            }
            #expect(Self.fits(value, variable.kind), "\(signal.name): \(name) is \(value)")
        }
        if !isBare {
            let optional = schema.variables.filter { values[$0.key] == nil }.keys.sorted()
            #expect(Set(optional).isSubset(of: Self.neverTogether), "\(signal.name): \(optional)")
        }
    }

    /// Absent in the full samples: other kinds of remedy, offer and instant.
    static let neverTogether: Set = [
        "offer.days", "remedy.reason", "trial.daysSince", "dimension", "usage", "meter", "unit", "current", "previous",
        "limit", "percent", "remaining", "over", "isAtLimit", "isOverLimit", "period", "period.start", "period.end",
        "reset", "reset.days", "projection", "projected", "rate", "exhaustion", "exhaustion.days",
    ]

    static func fits(_ value: WordsValue, _ kind: WordsSchema.Kind) -> Bool {
        switch (value, kind) {
        case (.text, .text), (.number, .number), (.percent, .percent), (.money, .money), (.date, .date),
            (.dateTime, .dateTime), (.flag, .flag), (.bytes, .bytes), (.number, .quantity), (.bytes, .quantity),
            (.percent, .quantity):
            return true
        case (.list(let items), .list(let variables)):
            return items.allSatisfy { item in
                item.allSatisfy { name, value in variables[name].map { fits(value, $0.kind) } ?? false }
                    && variables.allSatisfy { name, variable in
                        item[name] != nil || variable.presentWith != nil || variable.kind == .flag
                    }
            }
        default: return false
        }
    }

    @Test func numbersOfALimit() throws {
        let values = try Sample.values(Sample.trigger(.limit))
        #expect(values["percent"] == .percent(8_000))
        #expect(values["remaining"] == .number(2_000, scale: 0))
        #expect(values["over"] == .number(0, scale: 0))
        #expect(values["threshold"] == .percent(8_000))
        #expect(values["reset.days"] == .number(5, scale: 0))
        #expect(values["planTitle"] == .text("Basic"))
        #expect(values["isAtLimit"] == .flag(false))
        #expect(values["remedy.difference"] == .money(7_000, currency: "USD", interval: .month))
        #expect(try Words.render("{{reset}}|{{period.end}}", values) == "November 29, 2026|November 29, 2026")
    }

    @Test func extremesDoNotOverflow() throws {
        for (current, limit) in [
            (Int64.max, Int64(1)), (.min, .max), (.max, 0), (.min, 0), (0, 0), (.max, .max), (.min, 1),
        ] {
            for signal in [Trigger.SignalKind.limit, .growth] {
                var trigger = Sample.trigger(signal)
                trigger.usage?.current = current
                trigger.usage?.previous = limit
                trigger.usage?.limit = .of(limit)
                trigger.usage?.unit = "bytes"
                trigger.activity?.daysLeft = .min
                let values = try Sample.values(trigger)
                #expect((limit == 0) == (values["percent"] == nil) || current == .max || current == .min)
                for (name, value) in values where !name.hasPrefix("attributes") {
                    if case .flag = value { continue }
                    _ = try Words.render("{{x}}", ["x": value])
                }
            }
        }
    }

    @Test func bytesHaveTheirUnitWithThem() throws {
        var trigger = Sample.trigger(.limit)
        trigger.usage?.unit = "bytes"
        let values = try Sample.values(trigger)
        #expect(values["unit"] == nil)
        #expect(try Words.render("{{current}}{{#unit}} {{unit}}{{/unit}}", values) == "8 kB")
    }

    @Test func attributesAreExactAndInert() throws {
        let values = try Sample.values(Sample.trigger(.limit))
        #expect(values["attributes.industry"] == .text("retail <b>"))
        #expect(values["attributes.employees"] == .number(12_505, scale: 1))
        #expect(values["attributes.vip"] == .flag(true))
        #expect(values["attributes.tags"] == .list([["name": .text("a")], ["name": .text("b")]]))
        #expect(values["attributes.nested"] == nil)
        #expect(values["attributes.nothing"] == nil)
        #expect(values["attributes.huge"] == .text("1e400"))
        // Nothing but what the trigger was given: the engine hands over shareable ones only.
        #expect(values.keys.count { $0.hasPrefix("attributes.") } == 5)
    }

    @Test func whatCannotBeBoughtIsNotPraised() throws {
        var trigger = Sample.trigger(.limit)
        trigger.remedy?.kind = .none
        trigger.remedy?.reason = .contactPrice
        let values = try Sample.values(trigger)
        #expect(values["remedy"] == .flag(false))
        #expect(values.keys.filter { $0.hasPrefix("remedy.") } == ["remedy.reason"])
    }

    @Test func trialsEndTodayOrHaveEnded() throws {
        for (days, name) in [(Int64(3), "isRunning"), (0, "endsToday"), (-2, "isOver")] {
            var trigger = Sample.trigger(.trial)
            trigger.activity?.daysLeft = days
            let values = try Sample.values(trigger)
            for flag in ["isRunning", "endsToday", "isOver"] {
                #expect(values["trial." + flag] == .flag(flag == name))
            }
            #expect(values["trial.daysLeft"] == (days > 0 ? .number(days, scale: 0) : nil))
            #expect(values["trial.daysSince"] == (days < 0 ? .number(-days, scale: 0) : nil))
        }
    }

    /// The article is this table; `UPSELLD_RECORD_VARIABLES=1` writes it anew.
    @Test func theArticleListsEveryVariable() throws {
        let path = Words.fixtures.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/UpsellWords/UpsellWords.docc/Variables.md")
        func table(_ variables: [String: WordsSchema.Variable]) -> String {
            var text = "| name | kind | there | meaning |\n| --- | --- | --- | --- |\n"
            func add(_ variables: [String: WordsSchema.Variable], _ prefix: String) {
                for (name, variable) in variables.sorted(by: { $0.key < $1.key }) {
                    let there = variable.presentWith.map { names in
                        names.isEmpty ? "perhaps" : "with " + names.map { "`\($0)`" }.joined(separator: " or ")
                    }
                    let kind = variable.kind.noun.split(separator: " ").dropFirst().joined(separator: " ")
                    text += "| \(prefix)`\(name)` | \(kind) | \(there ?? "always") | \(variable.summary) |\n"
                    if case .list(let item) = variable.kind { add(item, "`\(name)`: ") }
                }
            }
            add(variables, "")
            return text
        }
        let schemas = Trigger.SignalKind.allCases.map { ($0.name, TriggerVariables.schema(for: $0).variables) }
        let common = schemas.map(\.1).reduce(schemas[0].1) { kept, next in kept.filter { next[$0.key] == $0.value } }
        var article = """
            # Variables

            What templates may use, by signal: written by `TriggerVariablesTests` from ``TriggerVariables``.

            ## Overview

            A name with a dot is one name. "Perhaps" there: only inside of `{{#name}}…{{/name}}`; "with" another: only
            inside of a section of that one or its own. Names behind a list's are those of its items. A quantity is a number,
            a percentage, or bytes. Every amount of money has the flags `.perMonth` and `.perYear`.

            `attributes.NAME` is an attribute that the account's profile marks as shareable: a text, a number, a flag, or a
            list of texts with `name`; perhaps there. No other attribute can be used.

            ## Every signal

            \(table(common))
            """
        for (name, variables) in schemas {
            article += "\n## \(name)\n\n" + table(variables.filter { common[$0.key] == nil })
        }
        if ProcessInfo.processInfo.environment["UPSELLD_RECORD_VARIABLES"] != nil {
            try article.write(to: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: path, encoding: .utf8) == article)
    }
}
