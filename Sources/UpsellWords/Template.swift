import UpsellModel

/// A template that was read to its end; what is wrong with it is in `complaints`, and then it is not rendered.
struct Template: Sendable {
    var source: TemplateSource
    var nodes: [TemplateNode]
    var complaints: [WordsComplaint]

    /// Reads a template.
    ///
    /// - Parameters:
    ///   - plurals: of the language it is written in: a form that the language does not have is a mistake.
    ///   - isPartial: whether its lines may have to be indented.
    init(_ source: TemplateSource, plurals: PluralRules, isPartial: Bool = false) {
        var parser = TemplateParser(source, plurals: plurals, isPartial: isPartial)
        parser.read()
        self.source = source
        nodes = parser.nodes
        complaints = parser.complaints
    }
}

indirect enum TemplateNode: Sendable {
    case text(String)
    /// Here a line of a partial begins, which takes the indentation of the tag that includes it.
    case lineStart
    case value(name: String, TemplateMark)
    case section(name: String, inverted: Bool, [TemplateNode], TemplateMark)
    case plural(name: String, [PluralCategory: [TemplateNode]], TemplateMark)
    case partial(name: String, indentation: String, TemplateMark)
}
