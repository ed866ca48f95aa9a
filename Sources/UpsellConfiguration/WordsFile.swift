import UpsellModel
import UpsellWords

/// The words file: templates of messages by name and locale, and the partials they include.
struct WordsFile {
    private(set) var source = WordsSource()
    /// Whether names of templates can be judged: not where there is no file, or its list could not be read.
    private let knowsTemplates: Bool
    private let report: Report

    /// No words: every template that somebody names is missing, unless the file could not be read.
    init(absent report: Report, isReadable: Bool = true) {
        self.report = report
        knowsTemplates = isReadable
    }

    init(_ root: Value) {
        report = root.report
        let before = report.complaints.count
        let file = Section(root, keys: ["default", "templates", "partials"])
        if let value = file["default"], let text = value.text() {
            if let locale = LocaleName(text) {
                source.defaultLocale = locale.description
            } else {
                value.complain("\"\(quoted(text))\" is no locale", expected: "one such as en, es-MX or zh-Hant")
            }
        }
        let shape = "a map of templates by name, as limit: {en: {title: …, body: …}}"
        for (name, value) in file["templates"]?.entries(shape, max: ConfigurationBounds.templatesMax) ?? [] {
            Self.checkName(name, value)
            var locales: [String: WordsSource.Fields] = [:]
            for (locale, fields) in Self.byLocale(value, "the words in each locale, as en: {title: …, body: …}") {
                if let fields = Self.fields(fields) { locales[locale] = fields }
            }
            source.templates[name] = WordsSource.Template(
                name: Self.source(name, value.keyMark, value.path), locales: locales)
        }
        for (name, value) in file["partials"]?.entries(
            "a map of texts by name, as footer: {en: …}", max: ConfigurationBounds.templatesMax) ?? []
        {
            Self.checkName(name, value)
            for (locale, text) in Self.byLocale(value, "the text in each locale, as en: …") {
                if let text = Self.text(text) { source.partials[name, default: [:]][locale] = text }
            }
        }
        knowsTemplates = report.complaints.count == before
    }

    /// Complains about a template that is not there; silent where the file could not be read as a whole.
    func complainAboutTemplate(_ name: String, _ value: Value) {
        guard knowsTemplates, source.templates[name] == nil else { return }
        let known = source.templates.keys.sorted()
        let expected = known.isEmpty ? "words: the file with the templates, in the main file" : Value.list(known)
        value.complain("unknown template \"\(quoted(name))\"\(didYouMean(name, among: known))", expected: expected)
    }

    /// Judges the templates by themselves and by the variables that the rules' signals have.
    func check(against catalogue: Catalogue) {
        // What could not be read is missing from it, which is no second mistake.
        guard knowsTemplates else { return }
        for complaint in WordsBook(source).check(catalogue: catalogue) {
            let mark = YAMLMark(file: complaint.file, line: complaint.line, column: complaint.column)
            report.complain(mark, complaint.path, complaint.problem, expected: complaint.expected)
        }
    }

    private static func checkName(_ name: String, _ value: Value) {
        if !Value.isName(name, bytesMax: ConfigurationBounds.nameBytesMax) {
            value.complain(
                "\"\(quoted(name))\" is no name", expected: "letters, digits, _, - and ., 1 to 64 long",
                at: value.keyMark)
        }
    }

    /// What a map has for each locale; keys that are none, or one in two spellings, are complained about.
    private static func byLocale(_ value: Value, _ expected: String) -> [(locale: String, value: Value)] {
        var seen: Set<LocaleName> = []
        return value.entries(expected, max: ConfigurationBounds.localesMax).compactMap { key, entry in
            guard let locale = LocaleName(key) else {
                entry.complain(
                    "\"\(quoted(key))\" is no locale", expected: "one such as en, es-MX or zh-Hant", at: entry.keyMark)
                return nil
            }
            guard seen.insert(locale).inserted else {
                entry.complain("locale \(locale) is there twice", expected: "each locale once", at: entry.keyMark)
                return nil
            }
            return (locale.description, entry)
        }
    }

    private static func fields(_ value: Value) -> WordsSource.Fields? {
        let section = Section(value, keys: ["title", "body", "callToAction", "talkingPoints"])
        let title = section.required("title", expected: "one line that says it all").flatMap(text)
        let body = section.required("body", expected: "the message").flatMap(text)
        var callToAction: TemplateSource?
        if let value = section["callToAction"], !value.node.isNull { callToAction = text(value) }
        let points = section["talkingPoints"]?.list("a list of texts", max: ConfigurationBounds.talkingPointsMax) ?? []
        let talkingPoints = points.compactMap(text)
        guard let title, let body else { return nil }
        return WordsSource.Fields(title: title, body: body, callToAction: callToAction, talkingPoints: talkingPoints)
    }

    private static func text(_ value: Value) -> TemplateSource? {
        guard let text = value.text(bytesMax: WordsLimits.templateBytesMax) else { return nil }
        let mark = value.node.mark
        guard let place = value.node.textPlace else {
            return TemplateSource(
                text: text, file: mark.file, line: mark.line, column: mark.column, continuation: nil, path: value.path)
        }
        return TemplateSource(
            text: text, file: mark.file, line: place.line, column: place.column, continuation: place.continuation,
            path: value.path)
    }

    private static func source(_ text: String, _ mark: YAMLMark, _ path: String) -> TemplateSource {
        TemplateSource(text: text, file: mark.file, line: mark.line, column: mark.column, path: path)
    }
}
