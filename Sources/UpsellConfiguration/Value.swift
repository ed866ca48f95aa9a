import UpsellModel

/// A YAML value on its way to a setting: knows its path and complains when it is not what was asked for.
///
/// Every reading method returns nil after exactly one complaint.
struct Value {
    var node: YAMLNode
    var path: String
    /// Where its key stands, or the value itself in a list.
    var keyMark: YAMLMark
    var report: Report

    func complain(_ problem: String, expected: String, at mark: YAMLMark? = nil) {
        if case .broken = node.content { return }
        report.complain(mark ?? (node.mark.line == 0 ? keyMark : node.mark), path, problem, expected: expected)
    }

    /// Says that something is right and of doubtful use.
    func warn(_ problem: String, expected: String, at mark: YAMLMark? = nil) {
        report.warn(mark ?? (node.mark.line == 0 ? keyMark : node.mark), path, problem, expected: expected)
    }

    /// What is there, for complaints: `"soon"`, `a list`, `a map`, `nothing`.
    var found: String {
        if node.isNull { return "nothing" }
        switch node.content {
        case .scalar(let text, let plain): return "\(plain ? "" : "quoted text ")\"\(quoted(text))\""
        case .sequence: return "a list"
        case .mapping: return "a map"
        case .broken: return "nothing"
        }
    }

    /// Complains that what was found is not `what`.
    func complain(notA expected: String) { complain("\(found) found", expected: expected) }

    /// Plain text that could be a number, a boolean or a word of the schema.
    var plain: String? {
        guard case .scalar(let text, plain: true) = node.content, !node.isNull else { return nil }
        return text
    }

    /// Any scalar but null and the empty text.
    func text(bytesMax: Int = ConfigurationBounds.textBytesMax) -> String? {
        guard case .scalar(let text, _) = node.content, !node.isNull, !text.isEmpty else {
            complain(notA: "text")
            return nil
        }
        guard text.utf8.count <= bytesMax else {
            complain("text of \(text.utf8.count) bytes", expected: "at most \(bytesMax) bytes")
            return nil
        }
        return text
    }

    /// A name that others refer to by, and that appears in metrics and keys.
    func name() -> String? {
        let expected = "a name of letters, digits, _, - and ., 1 to \(ConfigurationBounds.nameBytesMax) long"
        guard case .scalar(let text, _) = node.content, Value.isName(text, bytesMax: ConfigurationBounds.nameBytesMax),
            !node.isNull
        else {
            complain(notA: expected)
            return nil
        }
        return text
    }

    /// ASCII letters, digits, `_`, `-` and `.`: also what Kafka allows in topic names and instance ids.
    static func isName(_ text: String, bytesMax: Int) -> Bool {
        !text.isEmpty && text.utf8.count <= bytesMax
            && text.utf8.allSatisfy { byte in
                (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
                    || (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"))
                    || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            }
    }

    func integer(_ range: ClosedRange<Int>) -> Int? {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let plain, let number = DecimalText(plain[...]), let integer = try? number.integer(scale: 0) else {
            complain(notA: expected)
            return nil
        }
        guard range.contains(Int(integer)) else {
            complain("\(integer) is out of range", expected: expected)
            return nil
        }
        return Int(integer)
    }

    /// A number of bytes, with or without a unit: `1048576`, `1 MiB`.
    func bytes(_ range: ClosedRange<Int>) -> Int? {
        let expected = "a number of bytes from \(range.lowerBound) to \(range.upperBound), as 1048576, 1 MiB or 2 MB"
        guard let plain else {
            complain(notA: expected)
            return nil
        }
        let (number, unit) = splitUnit(plain)
        guard let decimal = DecimalText(number),
            let factor = unit.isEmpty ? 1 : byteUnits.first(where: { $0.name == unit })?.bytes,
            let integer = try? decimal.integer(scale: 0, times: factor)
        else {
            complain(notA: expected)
            return nil
        }
        guard range.contains(Int(integer)) else {
            complain("\(quoted(plain)) is out of range", expected: expected)
            return nil
        }
        return Int(integer)
    }

    func flag() -> Bool? {
        switch plain {
        case "true": return true
        case "false": return false
        default:
            complain(notA: "true or false")
            return nil
        }
    }

    /// Milliseconds.
    func duration(_ range: ClosedRange<Int64>) -> Int64? {
        let (least, most) = (durationText(range.lowerBound), durationText(range.upperBound))
        let expected = "a duration from \(least) to \(most), as 100ms, 5s, 10m, 1h or 32d"
        guard let plain, let milliseconds = durationMilliseconds(plain) else {
            complain(notA: expected)
            return nil
        }
        guard range.contains(milliseconds) else {
            complain("\(quoted(plain)) is out of range", expected: expected)
            return nil
        }
        return milliseconds
    }

    func instant() -> Timestamp? {
        guard case .scalar(let text, _) = node.content, let instant = rfc3339(text) else {
            complain(notA: "an instant in RFC 3339, as 2026-01-31T09:00:00Z")
            return nil
        }
        return instant
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        word(among: Choice.allCases.map(\.rawValue)).flatMap(Choice.init(rawValue:))
    }

    /// One of a few words.
    func word(among words: [String]) -> String? {
        if case .scalar(let text, _) = node.content, !node.isNull {
            if words.contains(text) { return text }
            complain("unknown \"\(quoted(text))\"\(didYouMean(text, among: words))", expected: Value.list(words))
        } else {
            complain(notA: Value.list(words))
        }
        return nil
    }

    /// An item of a list, or a single scalar in place of a list of one; at most `listMax`.
    func items(_ expected: String) -> [Value]? {
        switch node.content {
        case .sequence(let nodes):
            guard nodes.count <= ConfigurationBounds.listMax else {
                complain("\(nodes.count) items", expected: "at most \(ConfigurationBounds.listMax)")
                return nil
            }
            return nodes.enumerated().map { index, node in
                Value(node: node, path: "\(path)[\(index)]", keyMark: node.mark, report: report)
            }
        case .scalar where !node.isNull: return [self]
        default:
            complain(notA: expected)
            return nil
        }
    }

    /// Items of a list; nothing written is an empty list.
    func list(_ expected: String, max: Int = ConfigurationBounds.listMax) -> [Value] {
        if node.isNull { return [] }
        guard case .sequence(let nodes) = node.content else {
            complain(notA: expected)
            return []
        }
        if nodes.count > max { complain("\(nodes.count) items", expected: "at most \(max)") }
        return nodes.prefix(max).enumerated().map { index, node in
            Value(node: node, path: "\(path)[\(index)]", keyMark: node.mark, report: report)
        }
    }

    /// Keys and values of a map whose keys are free; nothing written is an empty map.
    func entries(_ expected: String, max: Int = ConfigurationBounds.listMax) -> [(key: String, value: Value)] {
        if node.isNull { return [] }
        guard case .mapping(let entries) = node.content else {
            complain(notA: expected)
            return []
        }
        if entries.count > max { complain("\(entries.count) entries", expected: "at most \(max)") }
        return entries.prefix(max).map { entry in
            (entry.key, Value(node: entry.value, path: joined(path, entry.key), keyMark: entry.mark, report: report))
        }
    }

    /// `a, b or c`.
    static func list(_ words: [String]) -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "nothing" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}

/// `; did you mean "plans"?` or nothing.
func didYouMean(_ word: String, among known: [String]) -> String {
    suggestion(for: word, among: known).map { ", did you mean \"\(quoted($0))\"?" } ?? ""
}
