/// One record to be written, as owned bytes.
public struct OutputRecord: Sendable {
    public typealias Header = (name: String, value: [UInt8]?)

    public var topic: String
    /// `nil` lets the topic's partitioner choose (`partitioner` property).
    public var partition: Int32?
    public var key: [UInt8]?
    /// `nil` is a tombstone; empty is an empty payload.
    public var value: [UInt8]?
    /// In this order; names may repeat and must not hold a NUL byte. A `nil` value is a null.
    public var headers: [Header]
    /// Milliseconds since 1970-01-01 UTC; `nil` is the time of the call.
    public var timestamp: Int64?

    public init(
        topic: String, partition: Int32? = nil, key: [UInt8]? = nil, value: [UInt8]?, headers: [Header] = [],
        timestamp: Int64? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }
}
