/// The help, generated from the command table.
public enum Help {
    /// Help of a command, or of the whole; ends with a newline.
    public static func text(for command: Command?) -> String {
        guard let command else { return overview }
        let entry = CommandEntry.of(command)
        var text = "upselld \(command.rawValue): \(entry.summary)\n\nUsage: upselld \(command.rawValue)"
        for option in entry.options { text += " [\(spelling(option))]" + (option.name == .set ? "..." : "") }
        if let operand = entry.operand { text += " [\(operand)]" }
        text += "\n\n\(entry.description)\n\nOptions:\n"
        text += table((entry.options + [.help]).map { (spelling($0), $0.summary) })
        text += examples(entry.examples)
        return text
    }

    private static var overview: String {
        var text = """
            upselld turns usage into upsell triggers.

            It reads usage events from Kafka, counts them for each account against the limits
            of the account's plan, and publishes a trigger as soon as an account is about to
            need more than its plan gives.

            Usage: upselld COMMAND [OPTION...]

            Commands:

            """
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

    /// Two columns; further lines of the right one are indented like the first.
    private static func table(_ rows: [(left: String, right: String)]) -> String {
        let width = rows.map(\.left.count).max() ?? 0
        let indentation = String(repeating: " ", count: width + 4)
        return rows.map { left, right in
            let padding = String(repeating: " ", count: width - left.count + 2)
            let lines = right.split(separator: "\n").joined(separator: "\n\(indentation)")
            return "  \(left)\(padding)\(lines)\n"
        }.joined()
    }

    private static func examples(_ examples: [CommandEntry.Example]) -> String {
        guard !examples.isEmpty else { return "" }
        return "\nExamples:\n" + examples.map { "  \($0.line)\n      \($0.effect)\n" }.joined()
    }
}
