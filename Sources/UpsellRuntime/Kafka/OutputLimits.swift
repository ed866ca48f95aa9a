internal import UpsellConfiguration

/// How large an output record may be, from what the brokers take for each output topic and what the producer sends.
///
/// A record that a broker refuses for its size would be refused for ever, and its epoch with it; so the bounds are
/// known before the first epoch. Brokers measure batches, not records, so the producer's batches are bounded too.
package struct OutputLimits: Sendable {
    /// Larger dead letters become references, in bytes.
    let deadLetterBytesMax: Int
    /// The producer's `message.max.bytes`.
    let messageBytesMax: Int
    /// The producer's `batch.size` where its own would not fit into every topic.
    let batchBytesMax: Int?
    /// Topics too small for the smallest outputs, with their `max.message.bytes`; nothing can be done with them.
    let tooSmall: [(topic: String, bytes: Int)]
    private let topicBytesMax: [String: Int]

    /// What a batch adds to a record: Kafka's batch header (61 B), lengths, and the request around it with the topic's
    /// name, which librdkafka counts as well.
    static let overheadBytes = 1_024
    /// A trigger without words, an outcome, or a reference with two heads of 4 KiB in base64 and a key of 1 KiB, fits into
    /// so much.
    static let smallestTopicBytes = 16_384
    /// A part of an epoch in the state log or the journal has 512 KiB, and its header.
    static let smallestLogBytes = 600_000
    /// librdkafka's defaults.
    private static let messageBytesDefault = 1_000_000
    private static let batchBytesDefault = 1_000_000

    /// The largest record of an output topic, in bytes of key, value and headers with their lengths.
    func recordBytesMax(_ topic: String) -> Int {
        min(topicBytesMax[topic] ?? .max, messageBytesMax) - Self.overheadBytes
    }

    /// - Parameter topicBytesMax: `max.message.bytes` by output topic; topics that could not be asked are absent.
    init(configuration: Configuration, topicBytesMax: [String: Int]) {
        func setting(_ name: String) -> Int? { configuration.kafka.last { $0.name == name }.flatMap { Int($0.value) } }
        let wished = configuration.runtime.deadLetterMaxBytes
        self.topicBytesMax = topicBytesMax
        messageBytesMax = setting("message.max.bytes") ?? max(Self.messageBytesDefault, wished + Self.overheadBytes)
        let topic = topicBytesMax[configuration.topics.deadLetters] ?? .max
        deadLetterBytesMax = min(wished, min(topic, messageBytesMax) - Self.overheadBytes)
        let batch = setting("batch.size") ?? Self.batchBytesDefault
        let smallest = topicBytesMax.values.min() ?? .max
        batchBytesMax = smallest < batch ? smallest : nil
        let logs = [configuration.topics.state, configuration.topics.journal]
        tooSmall = topicBytesMax.filter {
            $0.value < (logs.contains($0.key) ? Self.smallestLogBytes : Self.smallestTopicBytes)
        }
        .map { (topic: $0.key, bytes: $0.value) }.sorted { $0.topic < $1.topic }
    }
}
