/// One thing that is wrong with the configuration, or of doubtful use, and where.
public struct Complaint: Sendable, Equatable, CustomStringConvertible {
    /// As the loader was given it or joined it: `config/rules.yaml`; `--set` and `environment NAME` for overrides.
    public var file: String
    /// From 1; 0 where there is no line (a missing file, an override).
    public var line: Int
    /// From 1, in code points; 0 where there is none.
    public var column: Int
    /// YAML path: `plans[0].limits.storage`; empty for the file as a whole.
    public var path: String
    /// What is wrong; never shows the value of a Kafka setting.
    public var problem: String
    /// What would be right.
    public var expected: String
    public var severity: Severity

    public init(
        file: String, line: Int, column: Int, path: String, problem: String, expected: String,
        severity: Severity = .error
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.problem = problem
        self.expected = expected
        self.severity = severity
    }

    /// `file:line: path: what is wrong; expected …`, with `warning: ` before what is of doubtful use.
    public var description: String {
        let place = line > 0 ? "\(file):\(line)" : file
        let mark = severity == .warning ? "warning: " : ""
        return "\(place): \(path.isEmpty ? "" : "\(path): ")\(mark)\(problem); expected \(expected)"
    }

    public enum Severity: Sendable {
        /// Nothing is loaded.
        case error
        /// It is loaded; `upselld check` tells.
        case warning
    }
}

/// All complaints about a configuration at once, in the order of their files and lines; at least one.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    public var complaints: [Complaint]
    public init(complaints: [Complaint]) { self.complaints = complaints }
    /// One complaint a line.
    public var description: String { complaints.map(\.description).joined(separator: "\n") }
}
