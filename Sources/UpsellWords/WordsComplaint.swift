import UpsellModel

/// Something wrong with a template, found when it is loaded, checked or rendered, and where.
public struct WordsComplaint: Error, Sendable, Equatable, Hashable, CustomStringConvertible {
    public var file: String
    /// From 1.
    public var line: Int
    /// From 1, in code points; of the tag's first brace.
    public var column: Int
    /// Place in the structure of the file: `templates.limit.en.body`; may be empty.
    public var path: String
    /// What is wrong.
    public var problem: String
    /// What would be right.
    public var expected: String

    public init(file: String, line: Int, column: Int, path: String = "", problem: String, expected: String) {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.problem = problem
        self.expected = expected
    }

    /// `file:line:column: path: what is wrong; expected …`
    public var description: String {
        "\(file):\(line):\(column): \(path.isEmpty ? "" : "\(path): ")\(problem); expected \(expected)"
    }
}

extension TemplateSource {
    func complaint(_ mark: TemplateMark, _ problem: String, expected: String) -> WordsComplaint {
        WordsComplaint(
            file: file, line: mark.line, column: mark.column, path: path, problem: problem, expected: expected)
    }
}

/// A place in the file of a template, from 1.
struct TemplateMark: Sendable, Equatable {
    var line: Int
    var column: Int
}

/// `, did you mean "limit"?` or nothing: by edit distance (insertions, deletions, replacements, neighbours swapped), at
/// most a third of the word's length, at least 1.
func didYouMean(_ word: String, among known: some Sequence<String>) -> String {
    let typed = Array(word.lowercased().unicodeScalars.prefix(64))
    var best: (distance: Int, word: String)?
    for candidate in known.sorted() {
        let letters = Array(candidate.lowercased().unicodeScalars.prefix(64))
        let most = max(1, max(typed.count, letters.count) / 3)
        let distance = editDistance(typed, letters)
        if distance <= most, distance < typed.count, distance < (best?.distance ?? .max) {
            best = (distance, candidate)
        }
    }
    return best.map { ", did you mean \"\($0.word)\"?" } ?? ""
}

/// The words that take the fewest edits, in alphabetical order.
func nearest(to word: String, among known: some Sequence<String>, count: Int) -> [String] {
    let typed = Array(word.lowercased().unicodeScalars.prefix(64))
    let ranked = known.map { (editDistance(typed, Array($0.lowercased().unicodeScalars.prefix(64))), $0) }
        .sorted { $0 < $1 }
    return ranked.prefix(count).map(\.1).sorted()
}

private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    var previous = [Int](repeating: 0, count: b.count + 1)
    var current = Array(0...b.count)
    for i in a.indices {
        let older = previous
        previous = current
        current[0] = i + 1
        for j in b.indices {
            var distance = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { distance = min(distance, older[j - 1] + 1) }
            current[j + 1] = distance
        }
    }
    return current[b.count]
}

/// Text of a template as it may stand in a complaint: one line, at most 40 code points, nothing invisible.
func shown(_ text: String) -> String {
    var result = ""
    for (count, scalar) in text.unicodeScalars.enumerated() {
        if count == 40 { return result + "…" }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse, .surrogate:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
