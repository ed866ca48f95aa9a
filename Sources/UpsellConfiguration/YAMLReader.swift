/// Builds the tree of one YAML file out of libyaml's events, with bounds and checks libyaml does not have.
///
/// Complains about duplicate keys, tags, merge keys, keys that are not text, undefined aliases and a second document;
/// stops at bad syntax, at `yamlDepthMax` and at `yamlNodesMax`.
struct YAMLReader {
    private let file: String
    private let events: YAMLEvents
    private let report: Report
    private let bytes: [UInt8]
    /// Lines of the file, split when the first text is placed.
    private lazy var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    private var anchors: [String: YAMLNode] = [:]
    private var nodes = 0

    /// The document of a file; an empty map for a file without one; nil if it could not be read to its end.
    static func read(_ bytes: [UInt8], file: String, report: Report) -> YAMLNode? {
        var reader = YAMLReader(file: file, bytes: bytes, report: report)
        do throws(Stop) {
            return try reader.document() ?? YAMLNode(YAMLMark(file: file, line: 1, column: 1), mapping: [])
        } catch {
            return nil
        }
    }

    /// A value on its own, as the command line gives it; null for the empty text.
    static func readValue(_ text: String, file: String, report: Report) -> YAMLNode? {
        var reader = YAMLReader(file: file, bytes: Array(text.utf8), report: report)
        do throws(Stop) {
            return try reader.document() ?? YAMLNode(YAMLMark(file: file, line: 1, column: 1), scalar: "", plain: true)
        } catch {
            return nil
        }
    }

    private init(file: String, bytes: [UInt8], report: Report) {
        self.file = file
        self.bytes = bytes
        events = YAMLEvents(bytes: bytes)
        self.report = report
    }

    /// The complaint is in the report; the rest of the file is not looked at.
    private struct Stop: Error {}

    private struct Event {
        var kind: YAMLEvents.Event
        var mark: YAMLMark
    }

    private func next() throws(Stop) -> Event {
        do throws(YAMLSyntaxError) {
            let (event, line, column) = try events.next()
            return Event(kind: event, mark: YAMLMark(file: file, line: line, column: column))
        } catch {
            report.complain(
                YAMLMark(file: file, line: error.line, column: error.column), "",
                "not readable as YAML: \(error.problem)",
                expected: "valid YAML in UTF-8, indented by spaces")
            throw Stop()
        }
    }

    private mutating func document() throws(Stop) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let event = try next()
            switch event.kind {
            case .documentStart:
                guard root == nil else {
                    report.complain(event.mark, "", "a second document begins", expected: "one document a file")
                    throw Stop()
                }
                root = try node(next(), path: "", depth: 1)
            case .streamEnd:
                return root
            default: break
            }
        }
    }

    private mutating func node(_ event: Event, path: String, depth: Int) throws(Stop) -> YAMLNode {
        let mark = event.mark
        guard depth <= ConfigurationBounds.yamlDepthMax else {
            report.complain(
                mark, path, "nested too deeply", expected: "at most \(ConfigurationBounds.yamlDepthMax) levels")
            throw Stop()
        }
        try spend(1, mark, path)
        switch event.kind {
        case .scalar(let text, let style, let anchor, let tagged):
            refuse(tagged: tagged, mark, path)
            var node = YAMLNode(mark, scalar: text, plain: style == .plain)
            node.textPlace = textPlace(text, style, mark)
            return keep(node, anchor)
        case .alias(let name):
            guard let target = anchors[name] else {
                report.complain(
                    // Without its name: an unquoted secret may begin with an asterisk.
                    mark, path, "an alias (*) to nothing before it",
                    expected: "the name of an anchor (&name) that ends above it")
                return YAMLNode(broken: mark)
            }
            try spend(target.count - 1, mark, path)
            return target
        case .sequenceStart(let anchor, let tagged):
            refuse(tagged: tagged, mark, path)
            var items: [YAMLNode] = []
            while true {
                let item = try next()
                if case .sequenceEnd = item.kind { break }
                items.append(try node(item, path: "\(path)[\(items.count)]", depth: depth + 1))
            }
            return keep(YAMLNode(mark, sequence: items), anchor)
        case .mappingStart(let anchor, let tagged):
            refuse(tagged: tagged, mark, path)
            return keep(YAMLNode(mark, mapping: try entries(path: path, depth: depth)), anchor)
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            // libyaml's grammar has none of these where a value is due.
            preconditionFailure("YAML event out of order")
        }
    }

    private mutating func entries(path: String, depth: Int) throws(Stop) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try next()
            if case .mappingEnd = event.kind { return entries }
            let keyNode = try node(event, path: path, depth: depth + 1)
            guard case .scalar(let key, _) = keyNode.content else {
                report.complain(event.mark, path, "a key that is a list or a map", expected: "text as key")
                _ = try node(next(), path: path, depth: depth + 1)
                continue
            }
            let keyPath = joined(path, key)
            let value = try node(next(), path: keyPath, depth: depth + 1)
            if key == "<<" {
                report.complain(
                    event.mark, path, "merge keys (<<) are not understood", expected: "the keys themselves, or an alias"
                )
            } else if let line = lines[key] {
                report.complain(
                    event.mark, keyPath, "key repeated, first on line \(line)", expected: "each key once in a map")
            } else {
                lines[key] = event.mark.line
                entries.append(YAMLEntry(key: key, mark: event.mark, value: value))
            }
        }
    }

    /// Where a text stands word for word, found by looking: behind an anchor, over escapes and folds it does not.
    private mutating func textPlace(_ text: String, _ style: YAMLEvents.Style, _ mark: YAMLMark) -> YAMLTextPlace? {
        guard mark.line >= 1, mark.line <= lines.count else { return nil }
        switch style {
        case .folded: return nil
        case .plain, .quoted:
            let line = lines[mark.line - 1]
            // Long lines are not looked through once for each of their scalars.
            guard !text.isEmpty, line.count <= Self.lineBytesMax else { return nil }
            let here = String(decoding: line, as: UTF8.self).unicodeScalars
            let column = style == .plain ? mark.column : mark.column + 1
            guard here.dropFirst(column - 1).starts(with: text.unicodeScalars) else { return nil }
            return YAMLTextPlace(line: mark.line, column: column, continuation: 1)
        case .literal:
            let blanks = [UInt8(ascii: " "), UInt8(ascii: "\r")]
            let textLines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            guard let first = textLines.firstIndex(where: { !$0.allSatisfy(blanks.contains) }),
                mark.line + first < lines.count
            else { return nil }
            // The indentation of the block is what the file has more than the text.
            func indentation(_ line: some Sequence<UInt8>) -> Int { line.prefix { $0 == UInt8(ascii: " ") }.count }
            let indentation = indentation(lines[mark.line + first]) - indentation(textLines[first])
            guard indentation >= 0 else { return nil }
            return YAMLTextPlace(line: mark.line + 1, column: indentation + 1, continuation: indentation + 1)
        }
    }

    private static let lineBytesMax = 4_096

    private mutating func keep(_ node: YAMLNode, _ anchor: String?) -> YAMLNode {
        if let anchor { anchors[anchor] = node }
        return node
    }

    private mutating func spend(_ count: Int, _ mark: YAMLMark, _ path: String) throws(Stop) {
        nodes += count
        if nodes > ConfigurationBounds.yamlNodesMax {
            report.complain(
                mark, path, "too many values, aliases counted in full",
                expected: "at most \(ConfigurationBounds.yamlNodesMax) in a file")
            throw Stop()
        }
    }

    private func refuse(tagged: Bool, _ mark: YAMLMark, _ path: String) {
        if tagged { report.complain(mark, path, "YAML tags (!…) are not understood", expected: "the value alone") }
    }
}
