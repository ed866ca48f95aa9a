internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellModel

/// Produces a feed's records into the embedded broker.
struct Feeder {
    /// Records produced.
    private(set) var fed = 0
    /// Records produced since the pipeline had read all.
    var sinceSettled = 0
    /// Lines that were no usage.
    var malformed = 0

    private let producer: KafkaProducer
    private let usageTopic: String
    private let accountsTopic: String

    init(servers: String, topics: Configuration.Topics) throws(DemoError) {
        let properties = [
            ("bootstrap.servers", servers), ("compression.type", "lz4"), ("partitioner", "murmur2_random"),
            // One batch is given to a fetch, and one over 1 MB can empty a partition of the embedded broker.
            ("batch.size", "262144"),
        ]
        do {
            producer = try KafkaProducer(
                properties: properties.map { KafkaProperty(name: $0.0, value: $0.1, place: "demo") })
        } catch {
            throw .broker(error.description)
        }
        usageTopic = topics.usage.first?.name ?? ""
        accountsTopic = topics.accounts
    }

    mutating func feed(_ record: FeedRecord) throws(DemoError) {
        let topic: String
        var headers: [OutputRecord.Header] = []
        switch record.topic {
        case .usage:
            topic = usageTopic
            headers = [("content-type", Array("application/cloudevents+json; charset=UTF-8".utf8))]
        case .accounts: topic = accountsTopic
        }
        do {
            try producer.produce(
                OutputRecord(
                    topic: topic, key: record.key, value: record.value, headers: headers,
                    timestamp: record.time?.milliseconds))
        } catch {
            throw .broker("a record was not taken: \(error.description)")
        }
        fed += 1
        sinceSettled += 1
    }

    func flush() throws(DemoError) {
        do {
            try producer.flush(timeoutMilliseconds: 30_000)
        } catch {
            throw .broker("records were not delivered: \(error.description)")
        }
    }
}
