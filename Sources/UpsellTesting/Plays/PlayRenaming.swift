internal import Foundation

/// Other names, another catalogue, another currency: a play has to tell the same story under all of them.
///
/// A name is replaced where it stands whole: letters, digits, `_`, `-` and `.` on either side make it another one. Longer
/// names go first, and nothing is replaced twice.
public struct PlayRenaming: Sendable {
    public var title: String
    private let names: [(from: String, to: String)]
    /// The file that stands in for `config/catalog.yaml`; nil: that one, renamed.
    public var catalog: String?

    public init(title: String, _ names: [String: String], catalog: String? = nil) {
        self.title = title
        self.names = names.map { ($0.key, $0.value) }.sorted {
            ($0.0.count, $1.0) > ($1.0.count, $0.0)
        }
        self.catalog = catalog
    }

    public static let none = PlayRenaming(title: "as shipped", [:])

    public func callAsFunction(_ text: String) -> String {
        guard !names.isEmpty else { return text }
        let source = Array(text)
        var result = ""
        var index = 0
        scan: while index < source.count {
            if index == 0 || !Self.isOfName(source[index - 1]) {
                for (from, to) in names {
                    let end = index + from.count
                    guard end <= source.count, source[index..<end].elementsEqual(from), !Self.goesOn(source, end) else {
                        continue
                    }
                    result += to
                    index = end
                    continue scan
                }
            }
            result.append(source[index])
            index += 1
        }
        return result
    }

    /// A full stop at the end of a sentence is none of a name.
    private static func goesOn(_ text: [Character], _ end: Int) -> Bool {
        guard end < text.count else { return false }
        if text[end] == "." { return end + 1 < text.count && isOfName(text[end + 1]) }
        return isOfName(text[end])
    }

    private static func isOfName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "-" || character == "."
    }
}
