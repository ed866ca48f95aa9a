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
    /// - Throws: what Kafka says; what was handed out before is not handed out again.
    mutating func readOn(
        stallMilliseconds: Int = 5_000, _ body: (_ value: [UInt8], _ partition: Int, _ offset: Int64) throws -> Void
    ) throws {
        for partition in next.indices {
            let end = try reader.watermarks(
                topic: topic, partition: Int32(partition), timeoutMilliseconds: stallMilliseconds
            ).high
            guard end > next[partition] else { continue }
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
                    try body(value, partition, batch.offset(at: index))
                    position = batch.offset(at: index) + 1
                }
                return true
            }
            position = max(position, reached)
        }
    }

    func close() { reader.close(deadlineMilliseconds: 2_000) }
}
