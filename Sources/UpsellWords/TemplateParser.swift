import UpsellModel

/// Reads Mustache, without what makes it unsafe or unreadable: no raw tags, no other delimiters; plus plural forms.
///
/// One pass over code points; every mistake is noted with its place and skipped, so that one reading finds them all.
struct TemplateParser {
    private let source: TemplateSource
    private let plurals: PluralRules
    private let isPartial: Bool
    private let scalars: [Unicode.Scalar]
    /// Positions at which lines begin.
    private let lines: [Int]
    private var open: [Frame]
    private(set) var complaints: [WordsComplaint] = []
    /// Complaints are too many, or what follows cannot be told apart from a mistake.
    private var stopped = false

    var nodes: [TemplateNode] { open.first?.nodes ?? [] }

    /// A section whose end has not been met yet.
    private struct Frame {
        enum Kind: Equatable {
            case root
            case section(name: String, inverted: Bool)
            case plural(name: String)
            case form(PluralCategory)
        }

        var kind: Kind
        var start: Int
        var nodes: [TemplateNode] = []
        var forms: [PluralCategory: [TemplateNode]] = [:]

        /// What its closing tag says.
        var closing: String {
            switch kind {
            case .root: ""
            case .section(let name, _): name
            case .plural: "plural"
            case .form(let category): category.rawValue
            }
        }

        /// Its opening tag.
        var opening: String {
            switch kind {
            case .root: ""
            case .section(let name, let inverted): "{{\(inverted ? "^" : "#")\(shown(name))}}"
            case .plural(let name): "{{#plural \(shown(name))}}"
            case .form(let category): "{{#\(category.rawValue)}}"
            }
        }
    }

    init(_ source: TemplateSource, plurals: PluralRules, isPartial: Bool) {
        self.source = source
        self.plurals = plurals
        self.isPartial = isPartial
        let fits = source.text.utf8.count <= WordsLimits.templateBytesMax
        scalars = fits ? Array(source.text.unicodeScalars) : []
        var lines = [0]
        for (index, scalar) in scalars.enumerated() where scalar == "\n" { lines.append(index + 1) }
        self.lines = lines
        open = [Frame(kind: .root, start: 0)]
        if !fits {
            complain(
                0, "a template of \(source.text.utf8.count) bytes",
                expected: "at most \(WordsLimits.templateBytesMax) bytes")
        }
    }

    // MARK: Places

    private func mark(_ index: Int) -> TemplateMark {
        guard let continuation = source.continuation else {
            return TemplateMark(line: source.line, column: source.column)
        }
        var (low, high) = (0, lines.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if lines[middle] <= index { low = middle } else { high = middle - 1 }
        }
        let column = (low == 0 ? source.column : continuation) + index - lines[low]
        return TemplateMark(line: source.line + low, column: column)
    }

    private mutating func complain(_ index: Int, _ problem: String, expected: String) {
        guard !stopped else { return }
        complaints.append(source.complaint(mark(index), problem, expected: expected))
        if complaints.count == WordsLimits.complaintsMax { stopped = true }
    }

    // MARK: Reading

    mutating func read() {
        var index = 0
        var textStart = 0
        while index + 1 < scalars.count, !stopped {
            if scalars[index] == "}", scalars[index + 1] == "}" {
                complain(index, "\"}}\" ends no tag", expected: "\"{{\" before the name")
                index += 2
            } else if scalars[index] == "{", scalars[index + 1] == "{" {
                let tag = readTag(at: index)
                guard let tag else {
                    index += 2
                    continue
                }
                // A tag that shows nothing of its own and stands alone takes its whole line with it.
                let alone = tag.showsNothing ? lineAround(tag) : nil
                let textEnd = alone?.lowerBound ?? index
                appendText(textStart..<textEnd)
                if alone == nil { appendLineStart(index) }
                let indentation = alone.map { String(String.UnicodeScalarView(scalars[$0.lowerBound..<tag.start])) }
                apply(tag, indentation: indentation ?? "")
                index = alone?.upperBound ?? tag.end
                textStart = index
            } else {
                index += 1
            }
        }
        guard !stopped else { return }
        appendText(textStart..<scalars.count)
        for frame in open.dropFirst() {
            complain(
                frame.start, "\(frame.opening) is never closed", expected: "{{/\(shown(frame.closing))}} after it")
        }
    }

    private struct Tag {
        var sigil: Unicode.Scalar?
        var content: String
        var start: Int
        /// Behind its last brace.
        var end: Int

        var showsNothing: Bool { sigil != nil }
    }

    /// The tag that begins at `start`; nil after a complaint, when its braces are text.
    private mutating func readTag(at start: Int) -> Tag? {
        var end = start + 2
        let isComment = end < scalars.count && scalars[end] == "!"
        let isRaw = end < scalars.count && scalars[end] == "{"
        if isRaw { end += 1 }
        while true {
            guard end + 1 < scalars.count else {
                // Nothing ends it in the rest of the text: no other tag can be told from it.
                complain(start, "a tag without end", expected: "\"}}\" after it")
                stopped = true
                return nil
            }
            if scalars[end] == "}", scalars[end + 1] == "}" { break }
            if !isComment, scalars[end] == "{", scalars[end + 1] == "{" {
                complain(start, "a tag without end", expected: "\"}}\" before the next \"{{\"")
                return nil
            }
            end += 1
        }
        var content = scalars[(start + 2)..<end]
        end += 2
        if isRaw {
            if end < scalars.count, scalars[end] == "}" { end += 1 }
            complain(
                start, "raw tags ({{{…}}}) are refused: everything is escaped for its channel", expected: "{{name}}")
            return Tag(sigil: "!", content: "", start: start, end: end)
        }
        while let first = content.first, first.properties.isWhitespace { content.removeFirst() }
        var sigil: Unicode.Scalar?
        if let first = content.first, ["#", "^", "/", "!", ">", "&", "="].contains(first) {
            sigil = first
            content.removeFirst()
        }
        while let first = content.first, first.properties.isWhitespace { content.removeFirst() }
        while let last = content.last, last.properties.isWhitespace { content.removeLast() }
        return Tag(
            sigil: sigil, content: String(String.UnicodeScalarView(content)), start: start, end: end)
    }

    /// From the beginning of the tag's line to the beginning of the next, if only blanks stand beside the tag.
    private func lineAround(_ tag: Tag) -> Range<Int>? {
        var start = tag.start
        while start > 0, scalars[start - 1] == " " || scalars[start - 1] == "\t" { start -= 1 }
        guard start == 0 || scalars[start - 1] == "\n" else { return nil }
        var end = tag.end
        while end < scalars.count, scalars[end] == " " || scalars[end] == "\t" { end += 1 }
        if end < scalars.count, scalars[end] == "\r" { end += 1 }
        guard end < scalars.count else { return start..<end }
        return scalars[end] == "\n" ? start..<(end + 1) : nil
    }

    private mutating func appendLineStart(_ index: Int) {
        if isPartial, index == 0 || scalars[index - 1] == "\n" { append(.lineStart, at: index) }
    }

    private mutating func appendText(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        if case .plural = open[open.count - 1].kind {
            if let index = range.first(where: { !scalars[$0].properties.isWhitespace }) { complainBetweenForms(index) }
            return
        }
        guard isPartial else {
            return append(.text(String(String.UnicodeScalarView(scalars[range]))), at: range.lowerBound)
        }
        var start = range.lowerBound
        while start < range.upperBound {
            let end = scalars[start..<range.upperBound].firstIndex(of: "\n").map { $0 + 1 } ?? range.upperBound
            appendLineStart(start)
            append(.text(String(String.UnicodeScalarView(scalars[start..<end]))), at: start)
            start = end
        }
    }

    private mutating func append(_ node: TemplateNode, at index: Int) {
        if case .plural = open[open.count - 1].kind {
            if case .lineStart = node { return }
            return complainBetweenForms(index)
        }
        open[open.count - 1].nodes.append(node)
    }

    private mutating func complainBetweenForms(_ index: Int) {
        complain(
            index, "something between the plural forms, which would never be shown",
            expected: "only forms, as {{#one}}…{{/one}}{{#other}}…{{/other}}")
    }

    // MARK: Tags

    private mutating func apply(_ tag: Tag, indentation: String) {
        let place = mark(tag.start)
        switch tag.sigil {
        case "!": break
        case "=":
            complain(tag.start, "set-delimiter tags ({{=…=}}) are refused", expected: "{{ and }} throughout")
        case "&":
            complain(
                tag.start, "raw tags ({{&…}}) are refused: everything is escaped for its channel",
                expected: "{{name}}")
        case "#": openSection(tag, inverted: false)
        case "^": openSection(tag, inverted: true)
        case "/": close(tag)
        case ">":
            if isName(tag) { append(.partial(name: tag.content, indentation: indentation, place), at: tag.start) }
        default:
            if isName(tag) { append(.value(name: tag.content, place), at: tag.start) }
        }
    }

    /// Complains about what is no name.
    private mutating func isName(_ tag: Tag) -> Bool { isName(tag.content, tag) }

    private mutating func isName(_ name: String, _ tag: Tag) -> Bool {
        let expected = "a name of letters, digits, _ and -, with dots between its parts"
        if name.isEmpty {
            complain(tag.start, "a tag without name", expected: expected)
            return false
        }
        let legal = Self.isName(name)
        if !legal { complain(tag.start, "\"\(shown(name))\" is no name", expected: expected) }
        return legal
    }

    /// Letters, digits, `_` and `-`, with dots between parts.
    static func isName(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return name.utf8.count <= 128
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy { byte in
                        (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
                            || (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"))
                            || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
                            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
                    }
            }
    }

    private mutating func openSection(_ tag: Tag, inverted: Bool) {
        guard open.count <= WordsLimits.sectionDepthMax else {
            complain(
                tag.start, "sections nested too deeply", expected: "at most \(WordsLimits.sectionDepthMax) levels")
            stopped = true
            return
        }
        if case .plural(let number) = open[open.count - 1].kind {
            guard !inverted, let category = PluralCategory(rawValue: tag.content) else {
                complain(
                    tag.start, "\"\(shown(tag.content))\" is no plural form",
                    expected: Self.list(plurals.categories.map(\.rawValue)))
                // Opened all the same, so that its end is no second mistake.
                open.append(Frame(kind: .section(name: tag.content, inverted: inverted), start: tag.start))
                return
            }
            if !plurals.categories.contains(category) {
                complain(
                    tag.start, "the language of the template has no form \"\(category.rawValue)\"",
                    expected: Self.list(plurals.categories.map(\.rawValue)))
            } else if open[open.count - 1].forms[category] != nil {
                complain(
                    tag.start, "the form \"\(category.rawValue)\" of \(shown(number)) is there twice",
                    expected: "each form once")
            }
            open.append(Frame(kind: .form(category), start: tag.start))
            return
        }
        let words = tag.content.split(whereSeparator: \.isWhitespace).map(String.init)
        if words.first == "plural" {
            let number = words.count == 2 ? words[1] : ""
            if inverted || words.count != 2 {
                complain(
                    tag.start, "plural forms without the number they depend on", expected: "{{#plural name}}")
            } else {
                _ = isName(number, tag)
            }
            open.append(Frame(kind: .plural(name: number), start: tag.start))
            return
        }
        _ = isName(tag)
        open.append(Frame(kind: .section(name: tag.content, inverted: inverted), start: tag.start))
    }

    private mutating func close(_ tag: Tag) {
        // `{{/plural n}}` may repeat the number.
        let words = tag.content.split(whereSeparator: \.isWhitespace).map(String.init)
        let name = words.count == 2 && words[0] == "plural" ? "plural" : tag.content
        guard open.count > 1 else {
            complain(
                tag.start, "{{/\(shown(tag.content))}} closes nothing",
                expected: "{{#\(shown(tag.content))}} before it")
            return
        }
        if open[open.count - 1].closing != name {
            let top = open[open.count - 1]
            complain(
                tag.start,
                "{{/\(shown(tag.content))}} where \(top.opening) of line \(mark(top.start).line) is open",
                expected: "{{/\(shown(top.closing))}}")
            // Whatever lies between is taken as ended too, if the name is open at all.
            guard open.dropFirst().contains(where: { $0.closing == name }) else { return }
            while open[open.count - 1].closing != name { closeLast() }
        }
        closeLast()
    }

    private mutating func closeLast() {
        let frame = open.removeLast()
        let place = mark(frame.start)
        switch frame.kind {
        case .root: open.append(frame)
        case .section(let name, let inverted):
            // Inside plural forms it was complained about when it was opened.
            if case .plural = open[open.count - 1].kind { return }
            append(.section(name: name, inverted: inverted, frame.nodes, place), at: frame.start)
        case .form(let category): open[open.count - 1].forms[category] = frame.nodes
        case .plural(let name):
            if frame.forms[.other] == nil {
                complain(
                    frame.start, "plural forms without \"other\"",
                    expected: "{{#other}}…{{/other}}, which every language has")
            }
            append(.plural(name: name, frame.forms, place), at: frame.start)
        }
    }

    private static func list(_ words: [String]) -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}
