import UpsellModel

/// Reads a condition: a map of tests that must all hold.
///
/// Parts come in the order of `keys`, not of the file, so that moving a line is no new version of a rule.
struct ConditionReader {
    private let definitions: Definitions
    /// The segment that is read; nil for conditions of rules.
    private let segment: String?

    private var catalog: CatalogFile { definitions.catalog }

    init(_ definitions: Definitions, segment: String? = nil) {
        self.definitions = definitions
        self.segment = segment
    }

    static let keys = [
        "all", "any", "not", "segment", "plan", "status", "trialPlan", "addOn", "feature", "account", "owner", "parent",
        "locale", "language", "currency", "interval", "attribute", "is", "in", "exists", "atLeast", "atMost", "mrr",
        "tenure", "sincePurchase", "usage", "percent", "limit",
    ]

    /// The condition, or nil after at least one complaint (or where what it refers to could not be read).
    func read(_ value: Value) -> Condition? {
        let condition = part(value)
        if segment == nil, let condition { definitions.note(condition, at: value) }
        return condition
    }

    private func part(_ value: Value) -> Condition? {
        let expected = "a condition, as {plan: basic} or {all: […]}"
        guard value.isMap else {
            value.complain(notA: expected)
            return nil
        }
        let section = Section(value, keys: Self.keys, expected: expected)
        var parts: [Condition] = []
        var isWhole = !section.hasUnknown
        func add(_ key: String, _ read: (Value) -> Condition?) {
            guard let value = section[key] else { return }
            if let part = read(value) { parts.append(part) } else { isWhole = false }
        }
        add("all") { list($0).map(Condition.all) }
        add("any") { list($0).map(Condition.any) }
        add("not") { part($0).map(Condition.not) }
        add("segment", segments)
        add("plan") { text($0, .plan, "a plan or a list of them", read: plan) }
        add("status") {
            text($0, .status, "a status or a list of them") { $0.word(among: Profile.Status.allCases.map(\.rawValue)) }
        }
        add("trialPlan") { text($0, .trialPlan, "a plan or a list of them", read: plan) }
        add("addOn") { text($0, .addOn, "an add-on or a list of them", read: addOn) }
        add("feature", feature)
        add("account") { text($0, .account, "an account or a list of them") }
        add("owner") { text($0, .owner, "an owner or a list of them") }
        add("parent") { text($0, .parent, "a parent account or a list of them") }
        add("locale") { text($0, .locale, "a locale or a list of them, as de-AT") }
        add("language") { text($0, .language, "a language or a list of them, as de", read: language) }
        add("currency") { text($0, .currency, "a currency or a list of them, as USD", read: currency) }
        add("interval") {
            text($0, .interval, "month or year") { $0.word(among: Price.Interval.allCases.map(\.rawValue)) }
        }
        let tests = ["is", "in", "exists", "atLeast", "atMost"]
        if let value = section["attribute"] {
            if let part = attribute(value, section) { parts.append(part) } else { isWhole = false }
        } else if let test = tests.compactMap({ section[$0] }).first {
            // A misspelt `attribute` is the mistake then.
            if !section.hasUnknown {
                test.complain(
                    "a test of nothing", expected: "attribute: the name of what is tested, beside it", at: test.keyMark)
            }
            isWhole = false
        }
        add("mrr", revenue)
        add("tenure") { age($0, .tenure) }
        add("sincePurchase") { age($0, .sincePurchase) }
        add("usage") { ofMeter($0, Condition.NumberOperand.usage) { catalog.quantity($0, of: $1, from: 0) } }
        add("percent") { ofMeter($0, Condition.NumberOperand.percent) { value, _ in value.percent(from: 0) } }
        add("limit") { ofMeter($0, Condition.NumberOperand.limit) { catalog.quantity($0, of: $1, from: 0) } }
        guard isWhole else { return nil }
        guard let first = parts.first else {
            value.complain("an empty condition", expected: expected, at: value.keyMark)
            return nil
        }
        return parts.count == 1 ? first : .all(parts)
    }

    private func list(_ value: Value) -> [Condition]? {
        guard case .sequence(let nodes) = value.node.content else {
            value.complain(notA: "a list of conditions")
            return nil
        }
        guard !nodes.isEmpty else {
            value.complain("an empty list", expected: "at least one condition", at: value.keyMark)
            return nil
        }
        let before = catalog.report.complaints.count
        let parts = value.list("a list of conditions").map { part($0) }
        guard catalog.report.complaints.count == before else { return nil }
        let whole = parts.compactMap(\.self)
        return whole.count == parts.count ? whole : nil
    }

    private func segments(_ value: Value) -> Condition? {
        let before = catalog.report.complaints.count
        let names = value.texts("a segment or a list of them") { item in
            guard let name = item.name() else { return nil }
            return definitions.isSegment(name, item, in: segment) ? name : nil
        }
        guard let first = names.first, catalog.report.complaints.count == before else { return nil }
        return names.count == 1 ? .segment(first) : .any(names.map(Condition.segment))
    }

    /// One text, a list of them, or `{exists: true}`.
    private func text(
        _ value: Value, _ operand: Condition.TextOperand, _ expected: String,
        read: (Value) -> String? = { $0.text(bytesMax: 256) }
    ) -> Condition? {
        if value.isMap {
            let section = Section(value, keys: ["exists"])
            return section.required("exists", expected: "true or false").flatMap { exists($0, operand) }
        }
        let before = catalog.report.complaints.count
        let texts = value.texts(expected, read: read)
        guard !texts.isEmpty, catalog.report.complaints.count == before else { return nil }
        return .text(operand, anyOf: texts)
    }

    private func exists(_ value: Value, _ operand: Condition.TextOperand) -> Condition? {
        value.flag().map { $0 ? .exists(operand) : .not(.exists(operand)) }
    }

    private func plan(_ value: Value) -> String? {
        guard let name = value.name() else { return nil }
        if catalog.plans.contains(where: { $0.name == name }) { return name }
        catalog.complainAboutPlan(name, value)
        return nil
    }

    private func addOn(_ value: Value) -> String? {
        guard let name = value.name() else { return nil }
        if catalog.addOns.contains(where: { $0.name == name }) { return name }
        catalog.complainAboutAddOn(name, value)
        return nil
    }

    private func language(_ value: Value) -> String? {
        guard case .scalar(let text, _) = value.node.content, !value.node.isNull, (2...8).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") })
        else {
            value.complain(notA: "a language in lower case, as zh of zh-Hant-TW")
            return nil
        }
        return text
    }

    private func currency(_ value: Value) -> String? {
        guard let text = value.text() else { return nil }
        if Currency.isCode(text) { return text }
        value.complain("\"\(quoted(text))\" is no currency", expected: "a code of ISO 4217, as USD")
        return nil
    }

    /// `{name: reporting, in: [basic, advanced]}`; the name and the levels must occur in a plan.
    private func feature(_ value: Value) -> Condition? {
        let section = Section(
            value, keys: ["name", "is", "in", "exists"], expected: "{name: …, in: […]} or {name: …, exists: true}")
        guard let place = section.required("name", expected: "the name of a feature"),
            let name = place.text(bytesMax: 256)
        else { return nil }
        let features = catalog.plans.flatMap(\.features)
        if catalog.knowsPlans, !features.contains(where: { $0.name == name }) {
            let known = features.map(\.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            place.complain(
                "no plan has a feature \"\(quoted(name))\"\(didYouMean(name, among: known))",
                expected: Value.list(known))
            return nil
        }
        let levels = features.filter { $0.name == name }.map(\.level).reduce(into: [String]()) {
            if !$0.contains($1) { $0.append($1) }
        }
        return tests(section, .feature(name), bounds: nil) { value in
            guard let text = value.text(bytesMax: 256) else { return nil }
            if !catalog.knowsPlans || levels.contains(text) { return text }
            value.complain(
                "no plan has \"\(quoted(name))\" at level \"\(quoted(text))\"\(didYouMean(text, among: levels))",
                expected: Value.list(levels))
            return nil
        }
    }

    /// `attribute: employees` with `is`, `in`, `exists`, `atLeast` or `atMost` beside it.
    private func attribute(_ value: Value, _ section: Section) -> Condition? {
        guard let name = value.text(bytesMax: 256) else { return nil }
        return tests(section, .attribute(name), bounds: .attribute(name)) { $0.text(bytesMax: 256) }
    }

    /// All tests that stand in the section, of one operand.
    private func tests(
        _ section: Section, _ operand: Condition.TextOperand, bounds number: Condition.NumberOperand?,
        read: (Value) -> String?
    ) -> Condition? {
        let before = catalog.report.complaints.count
        var parts: [Condition] = []
        if let value = section["is"] {
            if let text = read(value) { parts.append(.text(operand, anyOf: [text])) }
        }
        if let value = section["in"] {
            let texts = value.texts("a value or a list of values", read: read)
            if !texts.isEmpty { parts.append(.text(operand, anyOf: texts)) }
        }
        if let value = section["exists"], let part = exists(value, operand) { parts.append(part) }
        if let number, section["atLeast"] != nil || section["atMost"] != nil,
            let test = bounds(section, read: millionths)
        {
            parts.append(.number(number, test))
        }
        guard catalog.report.complaints.count == before else { return nil }
        guard let first = parts.first else {
            if !section.hasUnknown {
                let known = number == nil ? "is, in or exists" : "is, in, exists, atLeast or atMost"
                section.value.complain("nothing is tested", expected: known, at: section.value.keyMark)
            }
            return nil
        }
        return parts.count == 1 ? first : .all(parts)
    }

    private func millionths(_ value: Value) -> Int64? {
        guard let plain = value.plain, let decimal = DecimalText(plain[...]),
            let number = try? decimal.integer(scale: 6)
        else {
            value.complain(notA: "a number with at most 6 decimals")
            return nil
        }
        return number
    }

    /// `atLeast`, `atMost` or both; complains where neither is there or nothing lies between them.
    private func bounds(_ section: Section, read: (Value) -> Int64?) -> Condition.NumberTest? {
        let (least, most) = (section["atLeast"], section["atMost"])
        if least == nil, most == nil {
            if !section.hasUnknown, section.value.isMap {
                section.value.complain("no bound", expected: "atLeast, atMost or both", at: section.value.keyMark)
            }
            return nil
        }
        let (low, high) = (least.map(read), most.map(read))
        // An outer nil is an absent bound, an inner one a bad one.
        if let low, low == nil { return nil }
        if let high, high == nil { return nil }
        let test = Condition.NumberTest(atLeast: low ?? nil, atMost: high ?? nil)
        if let low = test.atLeast, let high = test.atMost, low > high {
            most?.complain("atMost below atLeast, so that nothing ever holds", expected: "atLeast first, then atMost")
            return nil
        }
        return test
    }

    /// `{USD: {atLeast: 100}}`: what an account pays a month, by its currency; nothing is converted.
    private func revenue(_ value: Value) -> Condition? {
        let expected = "bounds by currency, as {USD: {atLeast: 100}}"
        guard value.isMap else {
            value.complain(notA: expected)
            return nil
        }
        let before = catalog.report.complaints.count
        let entries = value.currencies(expected)
        if entries.isEmpty, catalog.report.complaints.count == before {
            value.complain("no currency", expected: expected, at: value.keyMark)
        }
        let parts = entries.compactMap { currency, value -> Condition? in
            let section = Section(value, keys: ["atLeast", "atMost"], expected: "{atLeast: …}, {atMost: …} or both")
            return bounds(section) { $0.money(currency, from: 0) }.map { test in
                .all([.text(.currency, anyOf: [currency]), .number(.mrr, test)])
            }
        }
        guard let first = parts.first, catalog.report.complaints.count == before else { return nil }
        return parts.count == 1 ? first : .any(parts)
    }

    private func age(_ value: Value, _ operand: Condition.NumberOperand) -> Condition? {
        let section = Section(
            value, keys: ["atLeast", "atMost"], expected: "{atLeast: 30d}, {atMost: 1d} or both")
        guard let test = bounds(section, read: { $0.duration(0...Self.ageMax) }), !section.hasUnknown else {
            return nil
        }
        return .number(operand, test)
    }

    /// A hundred years.
    private static let ageMax = 36_500 * Int64.millisecondsPerDay

    private func ofMeter(
        _ value: Value, _ operand: (MeterID) -> Condition.NumberOperand, read: (Value, Meter) -> Int64?
    ) -> Condition? {
        let section = Section(
            value, keys: ["meter", "atLeast", "atMost"], expected: "{meter: …, atLeast: …}")
        guard let place = section.required("meter", expected: "the name of a meter"), let name = place.name() else {
            return nil
        }
        guard let index = catalog.index(ofMeter: name) else {
            catalog.complainAboutMeter(name, place)
            return nil
        }
        let test = bounds(section) { read($0, catalog.meters[index]) }
        guard let test, !section.hasUnknown else { return nil }
        return .number(operand(MeterID(index)), test)
    }
}
