/// What the user asked for, read from the command line and checked as far as words go.
public enum Invocation: Equatable, Sendable {
    case run(ConfigurationArguments)
    case check(ConfigurationArguments)
    case demo(DemoArguments)
    case control(ControlArguments)
    case version
    /// Help for one command, or nil for all.
    case help(Command?)
}

/// Arguments of the commands that read the configuration.
public struct ConfigurationArguments: Equatable, Sendable {
    /// Path as given, relative to the working directory.
    public var path = "config/upselld.yaml"
    /// `--set key=value` in the order given; a later one of the same key wins. Keys are the loader's to judge.
    public var settings: [Setting] = []
    /// Input that retention took before it was read counts as lost. Of `run` only.
    public var acceptsLoss = false
    /// Path of a configuration that is running, to compare with. Of `check` only.
    public var against: String?

    public init() {}

    public struct Setting: Equatable, Sendable {
        public var key: String
        public var value: String
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }
}

/// Arguments of `fire`, `pause`, `resume` and `shadow`: what is written to the control topic.
public struct ControlArguments: Equatable, Sendable {
    public var configuration = ConfigurationArguments()
    public var action: Action
    public var rule: String

    public init(action: Action, rule: String, configuration: ConfigurationArguments = ConfigurationArguments()) {
        self.action = action
        self.rule = rule
        self.configuration = configuration
    }

    public enum Action: Equatable, Sendable {
        case pause, resume, shadow
        /// For a test, to one account.
        case fire(account: String)
    }
}

/// Arguments of `upselld demo`.
public struct DemoArguments: Equatable, Sendable {
    /// Web access logs that replace the built-in stream, in the order given.
    public var accessLogs: [String] = []
    /// Limit of `api_calls` in the plan that accounts without profile get; nil: the catalogue's.
    public var limit: Int64?
    /// Standard output carries triggers and a summary for programs.
    public var json = false
    /// Broker and daemon stay up after the stream's end.
    public var keep = false

    public init() {}
}

/// The commands, in the order of the help.
public enum Command: String, CaseIterable, Sendable {
    case run, check, fire, pause, resume, shadow, demo, version, help
}

/// How the process ends (contract §10; the numbers of sysexits.h where it has one).
public enum ExitStatus: Int32, CaseIterable, Sendable {
    case done = 0
    case usage = 64
    case kafkaUnavailable = 69
    case internalError = 70
    case fenced = 77
    case configuration = 78

    /// What the help says of it.
    public var meaning: String {
        switch self {
        case .done: "done"
        case .usage: "the command line was not understood"
        case .kafkaUnavailable: "Kafka was not to be had within kafka.startTimeout (default: wait for ever)"
        case .internalError: "internal error, or a call into the Kafka library that hung; start it again"
        case .fenced: "fenced: another instance runs in the same slot"
        case .configuration: "the configuration is wrong; every complaint was printed"
        }
    }
}

/// A command line that makes no sense: one sentence, and where the reader finds what would.
public struct UsageError: Error, Equatable, Sendable {
    public var message: String
    /// The command it happened in, whose help is worth a look.
    public var command: Command?

    public init(_ message: String, command: Command? = nil) {
        self.message = message
        self.command = command
    }

    /// For standard error, with a newline at the end.
    public var text: String {
        let help = command.map { "upselld help \($0.rawValue)" } ?? "upselld --help"
        return "upselld: \(message)\nTry '\(help)'.\n"
    }
}
