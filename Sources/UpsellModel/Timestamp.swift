/// An instant on the UTC time line, in milliseconds since 1970-01-01T00:00:00Z.
///
/// Range: the years 1 to 9999 (`Timestamp.earliest...Timestamp.latest`); everything that enters from outside is checked
/// against it, so sums of a timestamp and a configured duration cannot overflow.
@frozen
public struct Timestamp: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    /// Milliseconds since 1970-01-01T00:00:00Z; negative before it.
    public var rawValue: Int64

    @inlinable
    public init(rawValue: Int64) { self.rawValue = rawValue }

    @inlinable
    public init(milliseconds: Int64) { self.rawValue = milliseconds }

    @inlinable
    public var milliseconds: Int64 { rawValue }

    /// 0001-01-01T00:00:00Z, also "before everything": the clock of a partition that has read nothing.
    public static let earliest = Timestamp(milliseconds: -62_135_596_800_000)
    /// 9999-12-31T23:59:59.999Z.
    public static let latest = Timestamp(milliseconds: 253_402_300_799_999)

    @inlinable
    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.rawValue < b.rawValue }

    /// Moves by milliseconds. The range of `Timestamp` leaves room for any configured duration.
    @inlinable
    public static func + (a: Timestamp, milliseconds: Int64) -> Timestamp {
        Timestamp(rawValue: a.rawValue + milliseconds)
    }
    @inlinable
    public static func - (a: Timestamp, milliseconds: Int64) -> Timestamp {
        Timestamp(rawValue: a.rawValue - milliseconds)
    }
    /// Milliseconds from `b` to `a`.
    @inlinable
    public static func - (a: Timestamp, b: Timestamp) -> Int64 { a.rawValue - b.rawValue }
}

extension Int64 {
    /// Durations in milliseconds, the unit of every `Timestamp` difference.
    public static let millisecondsPerSecond: Int64 = 1_000
    public static let millisecondsPerMinute: Int64 = 60_000
    public static let millisecondsPerHour: Int64 = 3_600_000
    public static let millisecondsPerDay: Int64 = 86_400_000
}
