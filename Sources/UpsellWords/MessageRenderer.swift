public import UpsellModel

/// Puts a trigger into words: its rule's template, the account's locale and time zone, the channel's escaping.
public struct MessageRenderer: Sendable {
    public let book: WordsBook
    private let catalogue: Catalogue
    /// Templates of a rule and of its steps, by name.
    private let templates: [String: (rule: String?, steps: [String: String])]
    /// What a rule says where there is no template for it, as it is written in the rules.
    private let literals: [String: String]
    private let zone: @Sendable (String) -> TimeZoneTable?

    /// - Parameter zone: the table of an IANA name; where it has none, dates are those of UTC.
    public init(book: WordsBook, catalogue: Catalogue, zone: @escaping @Sendable (String) -> TimeZoneTable?) {
        self.book = book
        self.catalogue = catalogue
        self.zone = zone
        templates = Dictionary(
            catalogue.rules.map { rule in
                let steps = rule.steps.compactMap { step in step.template.map { (step.name, $0) } }
                return (rule.name, (rule.template, Dictionary(steps) { first, _ in first }))
            }
        ) { first, _ in first }
        literals = Dictionary(catalogue.rules.compactMap { rule in rule.message.map { (rule.name, $0) } }) { first, _ in
            first
        }
    }

    /// Name of the words of a trigger: those of its step, of its rule, else those named like the signal; nil where there
    /// are none.
    public func template(of trigger: Trigger) -> String? {
        let rule = templates[trigger.rule]
        if let step = trigger.step, let name = rule?.steps[step] { return name }
        if let name = rule?.rule { return name }
        return book.contains(template: trigger.signal.name) ? trigger.signal.name : nil
    }

    /// The message of a trigger.
    ///
    /// - Parameter escaping: nil: as its channels need it. A message that goes to several channels is plain, and whoever
    ///   sends it as HTML escapes it.
    /// - Returns: nil where the rule has no words. Without a template the rule's own message is all there is: its first
    ///   sentence the title, in a language that is not known (`und`).
    /// - Throws: the template is unknown or has a mistake (`check` says so when it is loaded), or a bound was met; the
    ///   trigger is then sent without words.
    public func message(for trigger: Trigger, escaping: Escaping? = nil) throws(WordsComplaint) -> Message? {
        guard let template = template(of: trigger) else {
            return literals[trigger.rule].map {
                Self.literal($0, of: trigger.rule, escaping ?? Escaping(channels: trigger.channels))
            }
        }
        let zone = trigger.timeZone.flatMap(zone) ?? .utc
        return try book.render(
            template: template, locale: trigger.locale,
            values: TriggerVariables.values(of: trigger, catalogue: catalogue, zone: zone),
            escaping: escaping ?? Escaping(channels: trigger.channels))
    }

    private static func literal(_ text: String, of rule: String, _ escaping: Escaping) -> Message {
        let clean = Inert.text(text)
        var title = clean
        if let end = clean.firstRange(of: ". ") { title = String(clean[..<end.upperBound].dropLast()) }
        return Message(key: rule, locale: "und", title: escaping.apply(title), body: escaping.apply(clean))
    }
}

extension Escaping {
    /// E-mail alone is HTML; every other channel, and several at once, is plain.
    public init(channels: [String]) {
        self = !channels.isEmpty && channels.allSatisfy { $0 == "email" } ? .html : .plain
    }
}

extension WordsBook {
    /// Everything that is wrong with the words of a catalogue: each template is held against the variables of every signal
    /// whose triggers it may have to tell of; a template that nobody uses against those of the signal it is named
    /// like, else against all.
    public func check(catalogue: Catalogue) -> [WordsComplaint] {
        var signals: [String: Set<Trigger.SignalKind>] = [:]
        for kind in Trigger.SignalKind.allCases { signals[kind.name] = [kind] }
        for rule in catalogue.rules {
            for name in [rule.template].compactMap(\.self) + rule.steps.compactMap(\.template) {
                signals[name, default: []].insert(rule.signal.kind)
            }
        }
        let everything = Trigger.SignalKind.allCases.map(TriggerVariables.schema(for:))
            .reduce(WordsSchema()) { $0.union($1) }
        return check { name in
            guard let kinds = signals[name] else { return [everything] }
            return kinds.sorted { $0.rawValue < $1.rawValue }.map(TriggerVariables.schema(for:))
        }
    }
}
