/// Position of a meter in `Catalogue.meters`; text comes back only for output.
@frozen
public struct MeterID: RawRepresentable, Hashable, Sendable, Codable {
    public var rawValue: UInt16
    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    @inlinable
    public init(_ index: Int) { self.rawValue = UInt16(index) }
    @inlinable
    public var index: Int { Int(rawValue) }
}

/// Position of a plan in `Catalogue.plans`, which is the ladder: a higher position is a higher plan.
@frozen
public struct PlanID: RawRepresentable, Hashable, Sendable, Codable {
    public var rawValue: UInt16
    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    @inlinable
    public init(_ index: Int) { self.rawValue = UInt16(index) }
    @inlinable
    public var index: Int { Int(rawValue) }
}

/// Position of a rule in `Catalogue.rules`.
@frozen
public struct RuleID: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt16
    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    @inlinable
    public init(_ index: Int) { self.rawValue = UInt16(index) }
    @inlinable
    public var index: Int { Int(rawValue) }
}

/// Number of a partition; the same number in every input topic, in the state log and in the journal.
@frozen
public struct PartitionID: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: Int32
    @inlinable
    public init(rawValue: Int32) { self.rawValue = rawValue }
    @inlinable
    public init(_ number: Int32) { self.rawValue = number }
    @inlinable
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// Which of the daemon's input topics a record came from: a position in `InputTopics`, usage topics first.
@frozen
public struct InputID: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt8
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    @inlinable
    public init(_ index: Int) { self.rawValue = UInt8(index) }
    @inlinable
    public var index: Int { Int(rawValue) }
}

/// Where a record lies: input topic and offset; the partition is known from context.
@frozen
public struct InputCoordinates: Hashable, Sendable {
    public var input: InputID
    public var offset: Int64

    @inlinable
    public init(input: InputID, offset: Int64) {
        self.input = input
        self.offset = offset
    }
}

/// A 128-bit trigger id: the hash of an arming key. Printed as 32 lower-case hexadecimal digits.
@frozen
public struct TriggerID: Hashable, Sendable, CustomStringConvertible {
    public var high: UInt64
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public var description: String {
        func digits(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits(high) + digits(low)
    }
}
