/// A partition of a topic.
package struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var topic: String
    package var partition: Int32

    package init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    package static func < (a: Self, b: Self) -> Bool { (a.topic, a.partition) < (b.topic, b.partition) }
    package var description: String { "\(topic)/\(partition)" }
}

/// A producer as brokers know it: an id, and an epoch that fences whoever had a lower one.
package struct ProducerIdentity: Hashable, Sendable {
    package var id: Int64
    package var epoch: Int32

    package init(id: Int64, epoch: Int32) {
        self.id = id
        self.epoch = epoch
    }
}

/// A record as it lies in a simulated log.
package struct SimulatedRecord: Sendable {
    package var key: [UInt8]?
    /// nil is a tombstone.
    package var value: [UInt8]?
    /// Milliseconds since 1970-01-01 UTC.
    package var timestamp: Int64
    package var headers: [(name: String, value: [UInt8]?)]

    package init(
        key: [UInt8]?, value: [UInt8]?, timestamp: Int64, headers: [(name: String, value: [UInt8]?)] = []
    ) {
        self.key = key
        self.value = value
        self.timestamp = timestamp
        self.headers = headers
    }
}

/// What a reader sees of transactions; `isolation.level`.
package enum Isolation: Sendable { case readCommitted, readUncommitted }
