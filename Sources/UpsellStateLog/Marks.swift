/// How far one input was read when an epoch was closed, and by what its last record is known again.
public struct InputMark: Sendable, Equatable {
    /// XXH3-64 of the topic's name, so that a reordered configuration is not taken for moved positions.
    public var topicHash: UInt64
    /// Next offset to read before and after the epoch; equal where the epoch read nothing of it.
    public var before: Int64
    public var after: Int64
    /// First start: records below it move state and fire nothing; 0 for none.
    public var silentBelow: Int64
    /// The last record that was read, to find a topic that was made anew or cut: offset (−1 for none yet), Kafka's
    /// timestamp in milliseconds, XXH3-64 of what the reader hashes of it.
    public var lastOffset: Int64
    public var lastTimestamp: Int64
    public var lastChecksum: UInt64

    public init(
        topicHash: UInt64, before: Int64, after: Int64, silentBelow: Int64 = 0, lastOffset: Int64 = -1,
        lastTimestamp: Int64 = 0, lastChecksum: UInt64 = 0
    ) {
        self.topicHash = topicHash
        self.before = before
        self.after = after
        self.silentBelow = silentBelow
        self.lastOffset = lastOffset
        self.lastTimestamp = lastTimestamp
        self.lastChecksum = lastChecksum
    }

    /// XXH3-64 of a topic's name in UTF-8.
    public static func hash(ofTopic name: String) -> UInt64 { unsafe xxh3(name.utf8.span.bytes) }
}

/// Which configuration was in force.
public struct ConfigurationMark: Sendable, Equatable {
    /// Rises with every change of content; an instance with a lower one keeps away from the partition.
    public var sequence: UInt64
    /// XXH3-64 of the catalogue section.
    public var contentHash: UInt64

    public init(sequence: UInt64, contentHash: UInt64) {
        self.sequence = sequence
        self.contentHash = contentHash
    }
}

/// One of the `count` classes that a partition's accounts and identities fall into.
public struct SliceID: Sendable, Hashable {
    /// `0..<count`
    public var index: Int
    public var count: Int

    public init(_ index: Int, of count: Int) {
        precondition(index >= 0 && index < count, "slice \(index) of \(count)")
        self.index = index
        self.count = count
    }
}
