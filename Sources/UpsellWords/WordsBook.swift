public import UpsellModel

/// All words of a configuration, compiled: immutable, shared by every queue.
public struct WordsBook: Sendable {
    /// What every other locale falls back to.
    public let defaultLocale: LocaleName
    /// Name → locale → words.
    private var templates: [String: [LocaleName: Words]] = [:]
    /// Name → locale → text.
    private var partials: [String: [LocaleName: Template]] = [:]
    /// What is wrong with the texts by themselves, whatever variables there are.
    private var mistakes: Set<WordsComplaint> = []

    /// What is said in one language.
    private struct Words: Sendable {
        var title: Template
        var body: Template
        var callToAction: Template?
        var talkingPoints: [Template]

        var all: [Template] { [title, body] + (callToAction.map { [$0] } ?? []) + talkingPoints }
    }

    /// Compiles what was read. It never fails; `check` says what is wrong, and a template with a mistake is not
    /// rendered.
    public init(_ source: WordsSource) {
        // The reader has judged it; a source that was made otherwise gets the locale that is always there.
        defaultLocale = LocaleName(source.defaultLocale) ?? LocaleName(language: "en", script: nil, region: nil)
        for (name, locales) in source.partials {
            for (written, text) in locales.sorted(by: { $0.key < $1.key }) {
                guard let locale = locale(written, at: text, taken: partials[name]) else { continue }
                let template = Template(text, plurals: locale.plurals, isPartial: true)
                mistakes.formUnion(template.complaints)
                partials[name, default: [:]][locale] = template
            }
        }
        for (name, template) in source.templates {
            for (written, fields) in template.locales.sorted(by: { $0.key < $1.key }) {
                guard let locale = locale(written, at: fields.title, taken: templates[name]) else { continue }
                func compiled(_ source: TemplateSource) -> Template { Template(source, plurals: locale.plurals) }
                let words = Words(
                    title: compiled(fields.title), body: compiled(fields.body),
                    callToAction: fields.callToAction.map(compiled), talkingPoints: fields.talkingPoints.map(compiled))
                for template in words.all { mistakes.formUnion(template.complaints) }
                templates[name, default: [:]][locale] = words
            }
            if templates[name]?[defaultLocale] == nil {
                mistakes.insert(
                    template.name.complaint(
                        TemplateMark(line: template.name.line, column: template.name.column),
                        "no words in the default locale \(defaultLocale), which the other languages fall back to",
                        expected: "\(defaultLocale): {title: …, body: …}"))
            }
        }
    }

    private mutating func locale<T>(_ written: String, at place: TemplateSource, taken: [LocaleName: T]?) -> LocaleName?
    {
        let mark = TemplateMark(line: place.line, column: place.column)
        guard let locale = LocaleName(written) else {
            mistakes.insert(
                place.complaint(
                    mark, "\"\(shown(written))\" is no locale", expected: "one such as en, es-MX or zh-Hant")
            )
            return nil
        }
        if taken?[locale] != nil {
            mistakes.insert(place.complaint(mark, "locale \(locale) is there twice", expected: "each locale once"))
            return nil
        }
        return locale
    }

    public var templateNames: [String] { templates.keys.sorted() }

    /// Whether there is a template of the name.
    public func contains(template: String) -> Bool { templates[template] != nil }

    /// Everything that is wrong, by file and place.
    ///
    /// - Parameter knownVariables: for the name of a template, the variables of every signal that uses it: a name is
    ///   right only where all of them have it. None: the template's names are not judged.
    public func check(knownVariables: (String) -> [WordsSchema]) -> [WordsComplaint] {
        var found = mistakes
        for (name, locales) in templates {
            let schemas = knownVariables(name)
            for (locale, words) in locales {
                for schema in schemas {
                    var checker = TemplateChecker(
                        schema: schema, partials: { partial($0, for: locale) }, partialNames: partials.keys.sorted())
                    for template in words.all { checker.check(template) }
                    found.formUnion(checker.complaints)
                }
            }
        }
        return found.sorted {
            ($0.file, $0.line, $0.column, $0.problem, $0.expected) < (
                $1.file, $1.line, $1.column, $1.problem, $1.expected
            )
        }
    }

    /// `check` with one set of variables for all templates.
    public func check(knownVariables: WordsSchema) -> [WordsComplaint] { check { _ in [knownVariables] } }

    /// The words of a template for one account.
    ///
    /// - Parameters:
    ///   - locale: the account's, as its profile says it; nil or nonsense is the default one. Words come from the nearest
    ///     locale that has them; numbers and dates are written in the account's own.
    ///   - values: what the schema promises; an absent one leaves a blank.
    /// - Throws: the template is unknown or has a mistake, or a bound of `WordsLimits` was met.
    public func render(
        template name: String, locale: String?, values: [String: WordsValue], escaping: Escaping
    ) throws(WordsComplaint) -> Message {
        let account = locale.flatMap(LocaleName.init(_:)).flatMap { LocaleFormatter.knows($0) ? $0 : nil }
        let chain = (account?.fallbacks ?? []) + [defaultLocale]
        guard let locales = templates[name], let found = chain.first(where: { locales[$0] != nil }),
            let words = locales[found]
        else {
            throw WordsComplaint(
                file: "", line: 0, column: 0, problem: "no template \"\(shown(name))\"",
                expected: "one of \(templateNames.joined(separator: ", "))")
        }
        var renderer = TemplateRenderer(
            partials: { partial($0, for: found) }, formatter: .shared(account ?? found), sentences: .shared(found),
            plurals: found.plurals)
        func line(_ template: Template) throws(WordsComplaint) -> String {
            Self.oneLine(try text(template, &renderer, values, escaping))
        }
        var points: [String] = []
        for point in words.talkingPoints {
            // A point that is about something absent is no point.
            let text = try line(point)
            if !text.isEmpty { points.append(text) }
        }
        var callToAction: String?
        if let template = words.callToAction {
            let text = try line(template)
            if !text.isEmpty { callToAction = text }
        }
        return Message(
            key: name, locale: found.description, title: try line(words.title),
            body: Self.trimmed(try text(words.body, &renderer, values, escaping)), callToAction: callToAction,
            talkingPoints: points)
    }

    private func text(
        _ template: Template, _ renderer: inout TemplateRenderer, _ values: [String: WordsValue], _ escaping: Escaping
    ) throws(WordsComplaint) -> String {
        if let mistake = template.complaints.first { throw mistake }
        let text = escaping.apply(try renderer.render(template, values))
        if text.utf8.count > WordsLimits.renderedBytesMax {
            throw template.source.complaint(
                TemplateMark(line: template.source.line, column: template.source.column),
                "more than \(WordsLimits.renderedBytesMax) bytes rendered", expected: "less text")
        }
        return text
    }

    /// A partial in the language of the words around it: in their locale or a wider one, never in another language.
    private func partial(_ name: String, for locale: LocaleName) -> Template? {
        guard let locales = partials[name] else { return nil }
        for candidate in locale.fallbacks {
            if let found = locales[candidate] { return found }
        }
        return nil
    }

    /// Line ends and what surrounds them become one blank.
    private static func oneLine(_ text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline)
        return lines.map { trimmed(String($0)) }.filter { !$0.isEmpty }.joined(separator: " ")
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
