/// Name of a datum in a log line: lower case with underscores, a constant, so that a search finds every line that has
/// it.
///
/// A module may write its own as a literal; those below are used in several places and mean the same everywhere.
public struct LogKey: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public init(stringLiteral value: StaticString) { self.rawValue = value.description }

    public static let topic: LogKey = "topic"
    public static let partition: LogKey = "partition"
    public static let offset: LogKey = "offset"
    /// Number of the things the message speaks of.
    public static let count: LogKey = "count"
    public static let reason: LogKey = "reason"
    /// An error's text or librdkafka's name of it.
    public static let error: LogKey = "error"
    public static let file: LogKey = "file"
    /// Milliseconds something took.
    public static let tookMilliseconds: LogKey = "took_ms"
    public static let rule: LogKey = "rule"
    public static let signal: LogKey = "signal"
    public static let servers: LogKey = "servers"
}

/// A datum of a log line. Text is escaped by the log, so input may be passed as it is; secrets may not.
public enum LogValue: Sendable, Equatable, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    case text(String)
    case integer(Int64)
    case boolean(Bool)

    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(_ value: String) { self = .text(value) }
    public init(_ value: some BinaryInteger) { self = .integer(Int64(clamping: value)) }
}
