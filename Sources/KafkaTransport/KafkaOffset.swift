/// Position in a partition: a record's offset, or one of the ends.
public struct KafkaOffset: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: Int64

    public init(rawValue: Int64) { self.rawValue = rawValue }

    /// Position of the record with this offset, or of the next one if it is gone.
    public init(_ offset: Int64) { rawValue = offset }

    /// Oldest record kept: `RD_KAFKA_OFFSET_BEGINNING`.
    public static let beginning = KafkaOffset(rawValue: -2)
    /// Next record to come: `RD_KAFKA_OFFSET_END`.
    public static let end = KafkaOffset(rawValue: -1)
    /// The group's committed position: `RD_KAFKA_OFFSET_STORED`.
    public static let stored = KafkaOffset(rawValue: -1000)

    public var description: String {
        switch self {
        case .beginning: "beginning"
        case .end: "end"
        case .stored: "stored"
        default: "\(rawValue)"
        }
    }
}
