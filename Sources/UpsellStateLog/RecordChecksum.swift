/// XXH3-64 of what a reader has seen of a record.
public enum RecordChecksum {
    public static func of(_ bytes: [UInt8]) -> UInt64 { unsafe xxh3(bytes.span.bytes) }

    /// Of key and value; a missing one differs from an empty one.
    public static func of(key: RawSpan?, value: RawSpan?) -> UInt64 {
        var sum: UInt64 = key == nil ? 1 : 2
        if let key { sum = sum &* 31 &+ xxh3(key) }
        sum = sum &* 31 &+ (value == nil ? 1 : 2)
        if let value { sum = sum &* 31 &+ xxh3(value) }
        return sum
    }
}
