import UpsellModel

/// Fills one template. A value of a moment: one rendering, one thread.
struct TemplateRenderer {
    /// Partials of the words' locale.
    let partials: (String) -> Template?
    /// Of the account's locale: numbers, money, dates.
    let formatter: LocaleFormatter
    /// Of the words' locale: a list is part of the sentence it stands in.
    let sentences: LocaleFormatter
    /// Of the words' language.
    let plurals: PluralRules

    private var scopes: [Scope] = []
    private var output = ""
    /// What the lines of the partial that is being rendered begin with.
    private var indentation = ""
    private var partialDepth = 0
    private var steps = 0

    private struct Scope {
        var values: [String: WordsValue]
        /// Of a list's item.
        var isFirst: Bool?
        var isLast: Bool?
    }

    init(
        partials: @escaping (String) -> Template?, formatter: LocaleFormatter, sentences: LocaleFormatter,
        plurals: PluralRules
    ) {
        self.partials = partials
        self.formatter = formatter
        self.sentences = sentences
        self.plurals = plurals
    }

    /// The text of a template, not yet escaped.
    ///
    /// - Throws: where a bound of `WordsLimits` is met, with the place of the tag.
    mutating func render(_ template: Template, _ values: [String: WordsValue]) throws(WordsComplaint) -> String {
        scopes = [Scope(values: values)]
        output = ""
        indentation = ""
        partialDepth = 0
        steps = 0
        try render(template.nodes, of: template)
        return output
    }

    private mutating func render(_ nodes: [TemplateNode], of template: Template) throws(WordsComplaint) {
        for node in nodes {
            steps += 1
            switch node {
            case .text(let text):
                output += text
                try checkBounds(template, nil)
            case .lineStart: output += indentation
            case .value(let name, let mark):
                if let value = value(name) { output += shownText(value) }
                try checkBounds(template, mark)
            case .section(let name, let inverted, let inner, let mark):
                try checkBounds(template, mark)
                try renderSection(value(name), inverted: inverted, inner, of: template)
            case .plural(let name, let forms, let mark):
                try checkBounds(template, mark)
                guard let value = value(name), let category = category(value) else { continue }
                try render(forms[category] ?? forms[.other] ?? [], of: template)
            case .partial(let name, let inset, let mark):
                try checkBounds(template, mark)
                guard let partial = partials(name) else {
                    throw template.source.complaint(
                        mark, "unknown partial \"\(shown(name))\"", expected: "the name of a partial")
                }
                guard partialDepth < WordsLimits.partialDepthMax else {
                    throw template.source.complaint(
                        mark, "partials nested too deeply, or including themselves",
                        expected: "at most \(WordsLimits.partialDepthMax) levels")
                }
                let before = indentation
                indentation += inset
                partialDepth += 1
                try render(partial.nodes, of: partial)
                partialDepth -= 1
                indentation = before
            }
        }
    }

    private mutating func renderSection(
        _ value: WordsValue?, inverted: Bool, _ inner: [TemplateNode], of template: Template
    ) throws(WordsComplaint) {
        let isPresent = value?.isPresent ?? false
        if inverted {
            if !isPresent { try render(inner, of: template) }
            return
        }
        guard isPresent, let value else { return }
        guard case .list(let items) = value else { return try render(inner, of: template) }
        let last = min(items.count, WordsLimits.listItemsMax) - 1
        for (index, item) in items.prefix(WordsLimits.listItemsMax).enumerated() {
            scopes.append(Scope(values: item, isFirst: index == 0, isLast: index == last))
            try render(inner, of: template)
            scopes.removeLast()
        }
    }

    private func checkBounds(_ template: Template, _ mark: TemplateMark?) throws(WordsComplaint) {
        func place() -> TemplateMark {
            mark ?? TemplateMark(line: template.source.line, column: template.source.column)
        }
        if output.utf8.count > WordsLimits.renderedBytesMax {
            throw template.source.complaint(
                place(), "more than \(WordsLimits.renderedBytesMax) bytes rendered", expected: "less text")
        }
        if steps > WordsLimits.stepsMax {
            throw template.source.complaint(
                place(), "more than \(WordsLimits.stepsMax) steps taken", expected: "fewer lists and partials")
        }
    }

    // MARK: Values

    private func value(_ name: String) -> WordsValue? {
        for scope in scopes.reversed() {
            if let value = scope.values[name] { return value }
            if name == "first", let flag = scope.isFirst { return .flag(flag) }
            if name == "last", let flag = scope.isLast { return .flag(flag) }
            // `price.perMonth`: a flag that every amount with an interval brings along.
            for (interval, suffix) in [(Price.Interval.month, ".perMonth"), (.year, ".perYear")]
            where name.hasSuffix(suffix) {
                if case .money(_, _, let paid) = scope.values[String(name.dropLast(suffix.count))] {
                    return .flag(paid == interval)
                }
            }
        }
        return nil
    }

    private func shownText(_ value: WordsValue) -> String {
        let text =
            switch value {
            case .text(let text): Inert.text(text)
            case .number(let value, let scale): formatter.number(value, scale: scale)
            case .percent(let hundredths): formatter.percent(hundredths)
            case .money(let amount, let currency, _): formatter.money(amount, currency: currency)
            case .date(let instant, let zone): formatter.date(instant, zone)
            case .dateTime(let instant, let zone): formatter.dateTime(instant, zone)
            case .bytes(let bytes): formatter.bytes(bytes)
            case .list(let items):
                sentences.list(
                    items.prefix(WordsLimits.listItemsMax).compactMap { $0["name"].map { shownText($0) } })
            case .flag: ""
            }
        // A list's items are isolated one by one.
        if case .list = value { return text }
        return Inert.isolated(text)
    }

    private func category(_ value: WordsValue) -> PluralCategory? {
        switch value {
        case .number(let value, let scale): plurals.category(PluralOperands(trimmed: value, scale: scale))
        case .percent(let hundredths): plurals.category(PluralOperands(trimmed: hundredths, scale: 2))
        // "10 GB" takes no form by its number.
        case .bytes: .other
        case .text, .money, .date, .dateTime, .list, .flag: nil
        }
    }
}
