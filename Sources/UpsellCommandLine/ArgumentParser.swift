/// Reads the command line by the command table.
///
/// `--option value` and `--option=value` mean the same, `--help` and `-h` work everywhere, `--` ends the options, and
/// abbreviations are refused: a script must not change its meaning when an option is added.
public enum ArgumentParser {
    /// - Parameter arguments: without the program's name.
    /// - Throws: `UsageError` for the first thing that is wrong.
    public static func parse(_ arguments: [String]) throws(UsageError) -> Invocation {
        guard let first = arguments.first else {
            throw UsageError("no command; one of \(list(Command.allCases.map(\.rawValue)))")
        }
        if first == "--help" || first == "-h" { return .help(nil) }
        if first == "--version" { return .version }
        guard let command = Command(rawValue: first) else {
            let kind = first.hasPrefix("-") ? "option" : "command"
            throw UsageError(unknown(kind, first, among: Command.allCases.map(\.rawValue) + ["--help", "--version"]))
        }
        var state = State(command: command, rest: arguments.dropFirst())
        return try state.parse()
    }

    /// A command line being read.
    private struct State {
        let command: Command
        var rest: ArraySlice<String>
        var seen: Set<OptionEntry.Name> = []
        var operands: [String] = []
        var configuration = ConfigurationArguments()
        var demo = DemoArguments()
        var isTest = false

        init(command: Command, rest: ArraySlice<String>) {
            self.command = command
            self.rest = rest
        }

        mutating func parse() throws(UsageError) -> Invocation {
            while let argument = rest.popFirst() {
                if argument == "--" {
                    operands += rest
                    rest = []
                } else if argument == "-h" || argument == "--help" {
                    return .help(command)
                } else if argument.hasPrefix("-") && argument != "-" {
                    try option(argument)
                } else {
                    operands.append(argument)
                }
            }
            if command == .help { return .help(try topic()) }
            try checkOperands()
            switch command {
            case .run: return .run(configuration)
            case .check: return .check(configuration)
            case .demo: return .demo(demo)
            case .fire:
                guard isTest else {
                    throw UsageError(
                        "fire sends a trigger for a test and nothing else: upselld fire --test RULE ACCOUNT",
                        command: command)
                }
                return control(.fire(account: operands[1]))
            case .pause: return control(.pause)
            case .resume: return control(.resume)
            case .shadow: return control(.shadow)
            case .version: return .version
            case .help: return .help(nil)
            }
        }

        private func control(_ action: ControlArguments.Action) -> Invocation {
            .control(ControlArguments(action: action, rule: operands[0], configuration: configuration))
        }

        private func checkOperands() throws(UsageError) {
            let wanted = CommandEntry.of(command).operands
            guard operands.count <= wanted.count else {
                throw UsageError("unexpected argument '\(operands[wanted.count])'", command: command)
            }
            guard operands.count == wanted.count else {
                throw UsageError("\(wanted[operands.count]) is missing", command: command)
            }
            if operands.contains("") { throw UsageError("an argument is empty", command: command) }
        }

        private func topic() throws(UsageError) -> Command? {
            guard let name = operands.first else { return nil }
            if operands.count > 1 { throw UsageError("unexpected argument '\(operands[1])'", command: .help) }
            guard let topic = Command(rawValue: name) else {
                throw UsageError(unknown("command", name, among: Command.allCases.map(\.rawValue)), command: .help)
            }
            return topic
        }

        private mutating func option(_ argument: String) throws(UsageError) {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let spelled = String(parts[0])
            let entries = CommandEntry.of(command).options
            guard let entry = entries.first(where: { "--\($0.name.rawValue)" == spelled }) else {
                let known = entries.map { "--\($0.name.rawValue)" } + ["--help"]
                throw UsageError(unknown("option", spelled, among: known), command: command)
            }
            guard seen.insert(entry.name).inserted || entry.isRepeatable else {
                throw UsageError("\(spelled) is given twice", command: command)
            }
            guard let placeholder = entry.value else {
                if parts.count > 1 { throw UsageError("\(spelled) takes no value", command: command) }
                set(entry.name)
                return
            }
            // A word that looks like an option is no value: `--config --json` forgot one. `--config=--json` says so.
            let value: String
            if parts.count > 1 {
                value = String(parts[1])
            } else if let next = rest.first, !next.hasPrefix("--") {
                value = next
                rest.removeFirst()
            } else {
                throw UsageError("\(spelled) needs a value: \(spelled) \(placeholder)", command: command)
            }
            try set(entry.name, value)
        }

        private mutating func set(_ name: OptionEntry.Name) {
            switch name {
            case .json: demo.json = true
            case .keep: demo.keep = true
            case .acceptLoss: configuration.acceptsLoss = true
            case .test: isTest = true
            case .config, .against, .set, .limit, .accessLog, .help:
                preconditionFailure("\(name.rawValue) is no switch")
            }
        }

        private mutating func set(_ name: OptionEntry.Name, _ value: String) throws(UsageError) {
            if value.isEmpty { throw UsageError("--\(name.rawValue) has an empty value", command: command) }
            switch name {
            case .config:
                configuration.path = value
            case .against:
                configuration.against = value
            case .accessLog:
                demo.accessLogs.append(value)
            case .set:
                let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty else {
                    throw UsageError("--set wants KEY=VALUE and got '\(value)'", command: command)
                }
                configuration.settings.append(.init(key: String(parts[0]), value: String(parts[1])))
            case .limit:
                guard value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let limit = Int64(value) else {
                    throw UsageError("--limit wants a whole number from 0 on and got '\(value)'", command: command)
                }
                demo.limit = limit
            case .json, .keep, .acceptLoss, .test, .help:
                preconditionFailure("\(name.rawValue) takes no value")
            }
        }
    }

    private static func unknown(_ kind: String, _ name: String, among known: [String]) -> String {
        let guess = Suggestion.nearest(to: name, among: known)
        return "unknown \(kind) '\(name)'" + (guess.map { "; did you mean '\($0)'?" } ?? "")
    }

    private static func list(_ words: [String]) -> String { words.joined(separator: ", ") }
}
