/// The help, generated from the command table.
public enum Help {
    /// Help of a command, or of the whole; ends with a newline.
    public static func text(for command: Command?) -> String {
        guard let command else { return overview }
        let entry = CommandEntry.of(command)
        var text = "upselld \(command.rawValue): \(entry.summary)\n\nUsage: upselld \(command.rawValue)"
        for option in entry.options { text += " [\(spelling(option))]" + (option.isRepeatable ? "..." : "") }
        for operand in entry.operands { text += " \(operand)" }
        if let operand = entry.operand { text += " [\(operand)]" }
        text += "\n\n\(paragraphs(entry.description))\n\nOptions:\n"
        text += table((entry.options + [.help]).map { (spelling($0), $0.summary) })
        text += examples(entry.examples)
        return text
    }

    private static var overview: String {
        let introduction = """
            upselld turns usage into upsell triggers.

            It reads usage events from Kafka, counts them for each account against the limits
            of the account's plan, and publishes a trigger as soon as an account is about to
            need more than its plan gives.

            Usage: upselld COMMAND [OPTION...]
            """
        var text = paragraphs(introduction) + "\n\nCommands:\n"
        text += table(Command.allCases.map { ($0.rawValue, CommandEntry.of($0).summary) })
        text += examples([
            .init(line: "upselld demo", effect: "see it work; needs no Kafka"),
            .init(line: "upselld check", effect: "is config/upselld.yaml in order?"),
            .init(line: "upselld run --set kafka.bootstrap.servers=localhost:9092", effect: "the daemon"),
        ])
        text += "\nExit status:\n" + table(ExitStatus.allCases.map { (String($0.rawValue), $0.meaning) })
        text += "\n'upselld help COMMAND' says more of a command and its options.\n"
        return text
    }

    private static func spelling(_ option: OptionEntry) -> String {
        "--\(option.name.rawValue)" + (option.value.map { " \($0)" } ?? "")
    }

    /// The usual terminal's columns.
    private static let width = 80

    /// Two columns; further lines of the right one are indented like the first.
    private static func table(_ rows: [(left: String, right: String)]) -> String {
        let column = (rows.map(\.left.count).max() ?? 0) + 4
        return rows.map { left, right in
            let padding = String(repeating: " ", count: column - left.count - 2)
            let lines = wrap(right, width - column).joined(separator: "\n" + String(repeating: " ", count: column))
            return "  \(left)\(padding)\(lines)\n"
        }.joined()
    }

    /// Wraps paragraphs, which blank lines part; an indented one is an example and stays as it is.
    private static func paragraphs(_ text: String) -> String {
        text.split(separator: "\n\n").map { paragraph in
            paragraph.hasPrefix(" ") ? String(paragraph) : wrap(paragraph, width).joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    private static func wrap(_ text: some StringProtocol, _ width: Int) -> [String] {
        text.split { $0 == " " || $0 == "\n" }.reduce(into: []) { (lines: inout [String], word) in
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
    }

    private static func examples(_ examples: [CommandEntry.Example]) -> String {
        guard !examples.isEmpty else { return "" }
        return "\nExamples:\n" + examples.map { "  \($0.line)\n      \($0.effect)\n" }.joined()
    }
}
