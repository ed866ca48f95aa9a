/// What one poll brought.
public struct PollResult: Sendable {
    /// One batch for each partition number that had messages, over all inputs; unique numbers, in the order of their
    /// first message. Inside a batch the order is librdkafka's: ascending offsets for each input.
    public var batches: [MessageBatch]
    /// Partitions read up to their end, with the offset of the next record to come.
    public var ends: [(input: Int, partition: Int32, offset: Int64)]
    /// Reports of the client library since the last poll. None of them stops it by itself unless `isFatal`.
    public var errors: [KafkaError]

    public init(
        batches: [MessageBatch] = [], ends: [(input: Int, partition: Int32, offset: Int64)] = [],
        errors: [KafkaError] = []
    ) {
        self.batches = batches
        self.ends = ends
        self.errors = errors
    }

    /// Messages in all batches.
    public var messageCount: Int { batches.reduce(0) { $0 + $1.count } }
    public var isEmpty: Bool { batches.isEmpty && ends.isEmpty && errors.isEmpty }
}
