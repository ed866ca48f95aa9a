import UpsellModel

/// A rules file: rules, and the behaviours and segments that it brings along.
///
/// Opened first; its rules are read once the behaviours and segments of all files are known.
struct RulesFile {
    let behaviours: Value?
    let segments: Value?
    private let rules: Value?

    init(_ root: Value) {
        let file = Section(root, keys: ["rules", "behaviours", "segments"])
        rules = file["rules"]
        behaviours = file["behaviours"]
        segments = file["segments"]
    }

    /// Whether it can be said which rules there are: not when their list could not be read.
    var knowsRules: Bool {
        guard let rules, !rules.node.isNull else { return true }
        if case .sequence = rules.node.content { return true }
        return false
    }

    func items() -> [Value] { rules?.list("a list of rules", max: ConfigurationBounds.rulesMax) ?? [] }
}

/// Reads the rules of all files.
struct RulesReader {
    let definitions: Definitions
    private(set) var rules: [Rule] = []
    /// Where `digest: merge` is written, for warnings.
    private(set) var merges: [Value] = []
    /// Names of all rules, of faulty ones too.
    private(set) var names: [String] = []
    /// False where a rule has no readable name.
    private(set) var knowsNames = true
    private var namePlaces: [String: Value] = [:]
    private var count = 0

    init(_ definitions: Definitions) { self.definitions = definitions }

    static let keys = [
        "name", "signal", "where", "while", "kind", "mode", "priority", "cooldown", "channels", "recipient",
        "expiresAfter", "offer", "template", "steps", "resolved", "digest", "onChange", "goLive", "summary", "message",
    ]

    mutating func read(_ file: RulesFile) {
        if !file.knowsRules { knowsNames = false }
        let items = file.items()
        for item in items {
            count += 1
            if count == ConfigurationBounds.rulesMax + 1, items.count <= ConfigurationBounds.rulesMax {
                item.complain(
                    "more than \(ConfigurationBounds.rulesMax) rules in all files",
                    expected: "at most \(ConfigurationBounds.rulesMax)")
            }
            if let rule = rule(item) { rules.append(rule) }
        }
    }

    private mutating func rule(_ item: Value) -> Rule? {
        let section = Section(item, keys: Self.keys)
        let name = section.required("name", expected: "the rule's name")?.name()
        if let name, let place = section["name"] { note(name, place) } else { knowsNames = false }
        let expected = "what the rule watches for, as {limit: {meter: …, thresholds: …}}"
        let reader = SignalReader(definitions: definitions, rule: name)
        let signal = section.required("signal", expected: expected).flatMap { reader.read($0) }
        // A rule without a name or signal of its own is read to its end all the same, for its other mistakes.
        var rule = Rule(name: name ?? "", signal: signal ?? .trial(TrialSignal(offsetDays: [])))
        if let value = section["where"], !value.node.isNull {
            rule.audience = ConditionReader(definitions).read(value)
        }
        section.flag("while", &rule.waits)
        if rule.waits, section["where"].map(\.node.isNull) ?? true, !section.hasUnknown, let value = section["while"] {
            value.complain(
                "there is nothing to wait for", expected: "where: the condition beside it", at: value.keyMark)
        }
        section.choice("kind", &rule.kind)
        section.choice("mode", &rule.mode)
        section.integer("priority", -1_000_000...1_000_000, &rule.priority)
        section.duration("cooldown", 0...366 * .millisecondsPerDay, &rule.cooldown)
        rule.channels = channels(section["channels"])
        section.choice("recipient", &rule.recipient)
        section.duration(
            "expiresAfter", .millisecondsPerMinute...366 * .millisecondsPerDay, &rule.expiresAfter)
        rule.template = template(section["template"])
        readOffer(section, &rule)
        readSteps(section, &rule)
        readEnd(section, signal, &rule)
        section.choice("onChange", &rule.onChange)
        if let value = section["goLive"], !value.node.isNull { rule.goLive = value.instant() }
        section.text("summary", &rule.summary)
        if let value = section["message"], !value.node.isNull { rule.message = value.text() }
        return name == nil || signal == nil ? nil : rule
    }

    private mutating func note(_ name: String, _ place: Value) {
        guard let first = namePlaces[name] else {
            namePlaces[name] = place
            names.append(name)
            return
        }
        let isSameFile = first.keyMark.file == place.keyMark.file
        place.complain(
            "rule \"\(quoted(name))\" repeated\(isSameFile ? "" : ", first at \(first.place)")",
            expected: "each name once")
    }

    // MARK: What is said, and how

    /// A list of names, or of `{channel: csm, when: {…}, gainAtLeast: {USD: 50}}`.
    private func channels(_ value: Value?) -> [ChannelRoute] {
        let expected = "a channel or a list of them, as [in_app, {channel: csm, when: {…}}]"
        guard let value, !value.node.isNull else { return [] }
        // A single map is a list of one, as a single name is.
        let items = value.isMap ? [value] : value.items(expected) ?? []
        if case .sequence(let nodes) = value.node.content, nodes.isEmpty {
            value.complain("an empty list", expected: expected, at: value.keyMark)
        }
        if items.count > ConfigurationBounds.channelsMax {
            value.complain("\(items.count) items", expected: "at most \(ConfigurationBounds.channelsMax)")
        }
        var routes: [ChannelRoute] = []
        for item in items.prefix(ConfigurationBounds.channelsMax) {
            let (read, place) = route(item)
            guard let first = read.first else { continue }
            if routes.contains(where: { $0.channel == first.channel && $0.condition == nil && $0.gainMin == nil }) {
                place.complain(
                    "channel \"\(quoted(first.channel))\" repeated", expected: "each once, or the first with `when`")
            }
            routes += read
        }
        return routes
    }

    /// The routes of one item, by currency where its gain is, and where its channel is written.
    private func route(_ item: Value) -> ([ChannelRoute], Value) {
        guard item.isMap else { return (item.name().map { [ChannelRoute($0)] } ?? [], item) }
        let section = Section(item, keys: ["channel", "when", "gainAtLeast"])
        let place = section.required("channel", expected: "the name of a channel, as csm")
        let channel = place?.name()
        var condition: Condition?
        if let value = section["when"], !value.node.isNull { condition = ConditionReader(definitions).read(value) }
        guard let channel, let place else { return ([], item) }
        guard let value = section["gainAtLeast"], !value.node.isNull else {
            return ([ChannelRoute(channel, condition: condition)], place)
        }
        let expected = "amounts by currency, as {USD: 50}"
        guard value.isMap else {
            value.complain(notA: expected)
            return ([], place)
        }
        let routes = value.currencies(expected).compactMap { currency, amount -> ChannelRoute? in
            guard let gain = amount.money(currency, from: 0) else { return nil }
            // An amount says nothing of accounts in another currency: nothing is converted.
            let own = Condition.text(.currency, anyOf: [currency])
            return ChannelRoute(channel, condition: condition.map { .all([own, $0]) } ?? own, gainMin: gain)
        }
        return (routes, place)
    }

    private func readOffer(_ section: Section, _ rule: inout Rule) {
        guard let value = section["offer"], !value.node.isNull else { return }
        if rule.kind == .service {
            value.complain(
                "a service notice carries no offer", expected: "no offer, or kind: promotional", at: value.keyMark)
        }
        let offer = Section(
            value, keys: ["kind", "value", "validFor", "link", "resources"], expected: "{kind: upgrade, link: …}")
        let kinds = Value.list(Offer.Kind.allCases.map(\.rawValue))
        let kind = offer.required("kind", expected: kinds)?.choice(Offer.Kind.self)
        var result = Offer(kind: kind ?? .upgrade)
        switch kind {
        case .discount:
            result.value = offer.required("value", expected: "a percentage, as 20%")?
                .percent(from: 1, to: 10_000, as: "20%")
        case .trial:
            result.value = offer.required("value", expected: "the days of the trial, as 14d")?.days(1...366)
                .map(Int64.init)
        default:
            if let kind, let value = offer["value"], !value.node.isNull {
                value.complain(
                    "an offer of kind \(kind.rawValue) has no value", expected: "a value on discount and trial only",
                    at: value.keyMark)
            }
        }
        if let value = offer["validFor"], !value.node.isNull {
            result.validFor = value.duration(.millisecondsPerMinute...366 * .millisecondsPerDay)
        }
        if let value = offer["link"], !value.node.isNull { result.link = value.link() }
        if let value = offer["resources"], !value.node.isNull {
            result.resources = value.texts("a text or a list of them", max: ConfigurationBounds.resourcesMax) {
                $0.text()
            }
        }
        rule.offer = result
    }

    private func readSteps(_ section: Section, _ rule: inout Rule) {
        guard let value = section["steps"] else { return }
        var names: Set<String> = []
        var last: Int64 = 0
        for item in value.list("a list of steps, as [{name: …, after: 3d}]", max: ConfigurationBounds.stepsMax) {
            let step = Section(item, keys: ["name", "after", "channels", "if", "template"])
            let name = step.required("name", expected: "the step's name")?.name()
            if let name, !names.insert(name).inserted {
                step["name"]?.complain("step \"\(quoted(name))\" repeated", expected: "each name once")
            }
            let place = step.required("after", expected: "the time after the first trigger, as 3d")
            let delay = place?.duration(.millisecondsPerMinute...366 * .millisecondsPerDay)
            if let place, let delay {
                if delay <= last {
                    place.complain("\(place.found) out of order", expected: "later steps after earlier ones")
                } else if delay >= rule.expiresAfter {
                    place.complain(
                        "the campaign is over \(durationText(rule.expiresAfter)) after its first trigger (expiresAfter)",
                        expected: "an earlier step, or a longer expiresAfter")
                }
                last = max(last, delay)
            }
            var result = RuleStep(name: name ?? "", delay: delay ?? 0)
            result.channels = channels(step["channels"])
            step.choice("if", &result.condition)
            result.template = template(step["template"])
            rule.steps.append(result)
        }
    }

    /// Name of a template that there is; null or absent is nil.
    private func template(_ value: Value?) -> String? {
        guard let value, !value.node.isNull, let name = value.name() else { return nil }
        definitions.words.complainAboutTemplate(name, value)
        return name
    }

    private enum Loss: String, CaseIterable { case release, merge }

    /// What becomes of it in the end: `resolved` and `digest`.
    private mutating func readEnd(_ section: Section, _ signal: Signal?, _ rule: inout Rule) {
        section.flag("resolved", &rule.tellsResolved)
        if rule.tellsResolved, let signal, signal.kind != .limit, let value = section["resolved"] {
            value.complain(
                "\(signal.kind.name) crosses no threshold that usage could fall below", expected: "it on limit only",
                at: value.keyMark)
        }
        var loss = Loss.release
        section.choice("digest", &loss)
        rule.mergesIntoDigest = loss == .merge
        guard loss == .merge, let value = section["digest"] else { return }
        merges.append(value)
        if rule.kind == .service {
            value.complain(
                "a service notice loses to nothing", expected: "no digest, or kind: promotional", at: value.keyMark)
        } else if let signal, signal.kind == .digest {
            value.complain("a digest within a digest", expected: "it on other rules", at: value.keyMark)
        }
    }
}

extension Value {
    /// A template of a link: no blanks and no control characters, a scheme that is safe to click, and in braces only
    /// what can be put in.
    fileprivate func link() -> String? {
        let known = ["account", "plan", "trigger"]
        let expected = "a link that begins with https://, http:// or /, with {account}, {plan} or {trigger} in it"
        guard let text = text(bytesMax: 2_048) else { return nil }
        let isPlain = text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F && $0.isASCII }
        guard isPlain, ["https://", "http://", "/"].contains(where: { text.hasPrefix($0) }) else {
            complain("\"\(quoted(text))\" is no link", expected: expected)
            return nil
        }
        var rest = text[...]
        while let brace = rest.firstIndex(where: { "{}".contains($0) }) {
            guard rest[brace] == "{", let end = rest[brace...].firstIndex(of: "}") else {
                complain("a brace without its other half in \"\(quoted(text))\"", expected: expected)
                return nil
            }
            let name = String(rest[rest.index(after: brace)..<end])
            guard known.contains(name) else {
                complain("unknown {\(quoted(name))}\(didYouMean(name, among: known))", expected: expected)
                return nil
            }
            rest = rest[rest.index(after: end)...]
        }
        return text
    }
}
