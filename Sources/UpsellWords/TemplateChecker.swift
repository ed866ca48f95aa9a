import UpsellModel

/// Holds every name in a template, and in the partials it includes, against the variables there are: also where a
/// section would not be shown.
struct TemplateChecker {
    let schema: WordsSchema
    let partials: (String) -> Template?
    let partialNames: [String]

    private(set) var complaints: [WordsComplaint] = []
    /// Variables of the list items around, innermost last.
    private var items: [[String: WordsSchema.Variable]] = []
    /// Names that are known to be there, by the sections around.
    private var present: Set<String> = []
    private var including: [String] = []
    private var steps = 0

    init(schema: WordsSchema, partials: @escaping (String) -> Template?, partialNames: [String]) {
        self.schema = schema
        self.partials = partials
        self.partialNames = partialNames
    }

    mutating func check(_ template: Template) { check(template.nodes, of: template) }

    private mutating func check(_ nodes: [TemplateNode], of template: Template) {
        for node in nodes {
            steps += 1
            // Partials that include partials multiply; the renderer has the same bound.
            if steps > WordsLimits.stepsMax { return }
            switch node {
            case .text, .lineStart: break
            case .value(let name, let mark): checkValue(name, mark, template)
            case .section(let name, let inverted, let inner, let mark):
                checkSection(name, inverted, inner, mark, template)
            case .plural(let name, let forms, let mark):
                if let variable = variable(name, mark, template) {
                    if !variable.kind.isCounted {
                        complain(
                            template, mark, "\"\(shown(name))\" is \(variable.kind.noun), which has no plural forms",
                            expected: "a number")
                    }
                    checkPresence(name, variable, mark, template)
                }
                for category in PluralCategory.allCases { check(forms[category] ?? [], of: template) }
            case .partial(let name, _, let mark): checkPartial(name, mark, template)
            }
        }
    }

    private mutating func complain(_ template: Template, _ mark: TemplateMark, _ problem: String, expected: String) {
        complaints.append(template.source.complaint(mark, problem, expected: expected))
    }

    private mutating func checkValue(_ name: String, _ mark: TemplateMark, _ template: Template) {
        guard let variable = variable(name, mark, template) else { return }
        switch variable.kind {
        case .flag:
            complain(
                template, mark, "\"\(shown(name))\" is a flag, which has no text",
                expected: "{{#\(shown(name))}}…{{/\(shown(name))}}")
        case .list(let item) where item["name"] == nil:
            complain(
                template, mark, "\"\(shown(name))\" is a list, whose items have no name to be written",
                expected: "{{#\(shown(name))}}…{{/\(shown(name))}}")
        default: checkPresence(name, variable, mark, template)
        }
    }

    private mutating func checkPresence(
        _ name: String, _ variable: WordsSchema.Variable, _ mark: TemplateMark, _ template: Template
    ) {
        guard let presentWith = variable.presentWith, !present.contains(name),
            !presentWith.contains(where: present.contains)
        else { return }
        complain(
            template, mark, "\"\(shown(name))\" may be absent, which leaves a hole in the sentence",
            expected: "it inside of {{#\(shown(presentWith.first ?? name))}}…")
    }

    private mutating func checkSection(
        _ name: String, _ inverted: Bool, _ inner: [TemplateNode], _ mark: TemplateMark, _ template: Template
    ) {
        let variable = variable(name, mark, template)
        guard let variable, !inverted else { return check(inner, of: template) }
        let before = present
        present.insert(name)
        if case .list(let item) = variable.kind {
            var item = item
            item["first"] = WordsSchema.Variable(.flag)
            item["last"] = WordsSchema.Variable(.flag)
            // An item's own names hide those outside, and what was known of them.
            present.subtract(item.keys)
            items.append(item)
            check(inner, of: template)
            items.removeLast()
        } else {
            check(inner, of: template)
        }
        present = before
    }

    private mutating func checkPartial(_ name: String, _ mark: TemplateMark, _ template: Template) {
        guard let partial = partials(name) else {
            let problem =
                partialNames.contains(name)
                ? "partial \"\(shown(name))\" is not there in the language of the template"
                : "unknown partial \"\(shown(name))\"\(didYouMean(name, among: partialNames))"
            return complain(
                template, mark, problem,
                expected: partialNames.isEmpty ? "no partial: there is none" : "one of \(Self.list(partialNames))")
        }
        if including.contains(name) {
            let way = (including.drop { $0 != name } + [name]).map(shown).joined(separator: " → ")
            return complain(
                template, mark, "partial \"\(shown(name))\" includes itself (\(way))",
                expected: "partials that end somewhere")
        }
        guard including.count < WordsLimits.partialDepthMax else {
            return complain(
                template, mark, "partials nested too deeply",
                expected: "at most \(WordsLimits.partialDepthMax) levels")
        }
        including.append(name)
        check(partial.nodes, of: partial)
        including.removeLast()
    }

    /// The variable of a name, or nil after a complaint.
    private mutating func variable(
        _ name: String, _ mark: TemplateMark, _ template: Template
    ) -> WordsSchema.Variable? {
        // The parser has complained about what is no name.
        guard TemplateParser.isName(name) else { return nil }
        for scope in items.reversed() + [schema.variables] {
            if let variable = scope[name] { return variable }
            for suffix in [".perMonth", ".perYear"] where name.hasSuffix(suffix) {
                if let amount = scope[String(name.dropLast(suffix.count))], amount.kind == .money {
                    return WordsSchema.Variable(.flag)
                }
            }
        }
        if let dot = name.firstIndex(of: "."), schema.openPrefixes.contains(String(name[..<dot])) {
            return WordsSchema.Variable(.any, presentWith: [])
        }
        var known = Set(schema.variables.keys)
        for item in items { known.formUnion(item.keys) }
        known.formUnion(schema.openPrefixes.map { $0 + ".NAME" })
        complain(
            template, mark, "unknown variable \"\(shown(name))\"\(didYouMean(name, among: known))",
            expected: known.isEmpty ? "no variable: there is none" : Self.some(of: known, near: name))
        return nil
    }

    private static func list(_ words: [String]) -> String { words.joined(separator: ", ") }

    /// All names where they are few, else those that look most like what was written.
    private static func some(of known: Set<String>, near name: String) -> String {
        let most = 16
        if known.count <= most { return "one of \(list(known.sorted()))" }
        return "a variable of the signal, such as \(list(nearest(to: name, among: known, count: 8)))"
    }
}
