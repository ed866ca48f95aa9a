internal import KafkaTransport

/// Follows a topic: each call reads what has come since the last.
struct TopicTail {
    let topic: String
    /// By partition.
    private(set) var next: [Int64]
    private let reader: LogReader

    init(_ topic: String, partitions: Int, isolation: LogReader.Isolation, properties: [KafkaProperty]) throws {
        self.topic = topic
        next = Array(repeating: 0, count: partitions)
        reader = try LogReader(properties: properties, isolation: isolation)
    }

    /// Reads every partition to the end that it has now: the last stable offset under `read_committed`.
    ///
    /// - Throws: what Kafka says about the first partition that cannot be read; nothing is handed out twice.
    mutating func readOn(
        stallMilliseconds: Int = 30_000, _ body: (_ value: [UInt8], _ partition: Int, _ offset: Int64) throws -> Void
    ) throws {
        for partition in next.indices {
            try readOn(partition: partition, stallMilliseconds: stallMilliseconds) { try body($0, partition, $1) }
        }
    }

    /// Reads one partition to the end that it has now.
    mutating func readOn(
        partition: Int, stallMilliseconds: Int, _ body: (_ value: [UInt8], _ offset: Int64) throws -> Void
    ) throws {
        let end = try reader.watermarks(
            topic: topic, partition: Int32(partition), timeoutMilliseconds: stallMilliseconds
        ).high
        guard end > next[partition] else { return }
        var position = next[partition]
        defer { next[partition] = position }
        let reached = try reader.read(
            topic: topic, partition: Int32(partition), from: position, until: end,
            timeoutMilliseconds: stallMilliseconds
        ) { batch in
            for index in 0..<batch.count {
                var value: [UInt8] = []
                if let span = batch.value(at: index) {
                    value = unsafe span.withUnsafeBytes { unsafe Array($0) }
                }
                try body(value, batch.offset(at: index))
                position = batch.offset(at: index) + 1
            }
            return true
        }
        position = max(position, reached)
        guard reached >= end else {
            throw ChaosError(
                "\(topic)-\(partition): at \(reached), not \(end): \(stallMilliseconds) ms without progress")
        }
    }

    func close() { reader.close(deadlineMilliseconds: 2_000) }
}
