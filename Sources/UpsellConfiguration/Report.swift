/// Gathers complaints while a configuration is read. One thread, one load.
final class Report {
    private(set) var complaints: [Complaint] = []
    private(set) var warnings: [Complaint] = []
    /// Files in the order in which they were first looked at.
    private var files: [String] = []

    /// Whether there is none yet.
    var isEmpty: Bool { complaints.isEmpty }

    func began(file: String) {
        if !files.contains(file) { files.append(file) }
    }

    func complain(_ mark: YAMLMark, _ path: String, _ problem: String, expected: String) {
        complaints.append(
            Complaint(
                file: mark.file, line: mark.line, column: mark.column, path: path, problem: problem, expected: expected)
        )
    }

    func warn(_ mark: YAMLMark, _ path: String, _ problem: String, expected: String) {
        warnings.append(
            Complaint(
                file: mark.file, line: mark.line, column: mark.column, path: path, problem: problem, expected: expected,
                severity: .warning))
    }

    /// By file in the order of reading, then by place; what has no file comes last.
    func sorted() -> [Complaint] { sorted(complaints) }
    func sortedWarnings() -> [Complaint] { sorted(warnings) }

    private func sorted(_ complaints: [Complaint]) -> [Complaint] {
        let ranks = Dictionary(files.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        func key(_ complaint: Complaint) -> (Int, Int, Int) {
            (ranks[complaint.file] ?? files.count, complaint.line, complaint.column)
        }
        return complaints.enumerated().sorted { a, b in
            let (left, right) = (key(a.element), key(b.element))
            return left == right ? a.offset < b.offset : left < right
        }.map(\.element)
    }
}

/// Text from outside as it may stand in a complaint: one line, at most 60 characters, no control characters.
func quoted(_ text: String) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
        if count == 60 { return result + "…" }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse, .surrogate:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
        count += 1
    }
    return result
}

/// The path of a key below another: `plans[0].limits`, and `filter["data.method"]` where the key is no plain word.
func joined(_ path: String, _ key: String) -> String {
    let isWord =
        !key.isEmpty
        && key.utf8.allSatisfy {
            ($0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z")) || ($0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z"))
                || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: "-")
        }
    let text = isWord && key.utf8.count <= 60 ? key : "[\"\(quoted(key))\"]"
    if path.isEmpty || text.hasPrefix("[") { return path + text }
    return "\(path).\(text)"
}

/// Which of the known words an unknown one most likely stands for, by edit distance (insertions, deletions,
/// replacements, neighbours swapped): at most a third of its length, at least 1.
func suggestion(for word: String, among known: [String]) -> String? {
    let typed = Array(word.lowercased().unicodeScalars.prefix(ConfigurationBounds.nameBytesMax))
    var best: (distance: Int, word: String)?
    for candidate in known {
        let distance = editDistance(typed, Array(candidate.lowercased().unicodeScalars))
        let most = max(1, max(typed.count, candidate.count) / 3)
        if distance <= most, distance < typed.count, distance < (best?.distance ?? .max) {
            best = (distance, candidate)
        }
    }
    return best?.word
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
