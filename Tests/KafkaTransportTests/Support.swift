import KafkaTransport
import Synchronization
import Testing

/// Properties as a test writes them, each on a line of its own.
func properties(_ pairs: KeyValuePairs<String, String>, brokers: String? = nil) -> [KafkaProperty] {
    var properties = pairs.enumerated().map { KafkaProperty(name: $1.key, value: $1.value, place: "t.yaml:\($0 + 1)") }
    if let brokers {
        properties.append(KafkaProperty(name: "bootstrap.servers", value: brokers, place: "t.yaml:99"))
    }
    return properties
}

/// A consumer for the mock: short waits, since it answers an empty fetch only after `fetch.wait.max.ms`.
func mockConsumer(
    _ cluster: MockCluster, topics: [String], group: String, extra: KeyValuePairs<String, String> = [:]
) throws -> KafkaConsumer {
    let own = properties(
        ["fetch.wait.max.ms": "10", "session.timeout.ms": "3500", "heartbeat.interval.ms": "300"],
        brokers: cluster.bootstrapServers)
    return try KafkaConsumer(properties: own + properties(extra), inputTopics: topics, groupID: group)
}

func mockProducer(_ cluster: MockCluster, extra: KeyValuePairs<String, String> = [:]) throws -> KafkaProducer {
    try KafkaProducer(properties: properties([:], brokers: cluster.bootstrapServers) + properties(extra))
}

/// One message, copied out of its batch.
struct Received: Equatable {
    var input: Int
    var partition: Int32
    var offset: Int64
    var timestamp: Int64
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [String]
}

extension MessageBatch {
    /// All messages, copied.
    var received: [Received] {
        (0..<count).map { index in
            var headers: [String] = []
            forEachHeader(at: index) { name, value in
                var text = "null"
                if let value { text = String(decoding: bytes(value), as: UTF8.self) }
                headers.append("\(String(decoding: bytes(name), as: UTF8.self))=\(text)")
            }
            #expect(hasHeaders(at: index) == !headers.isEmpty)
            return Received(
                input: input(at: index), partition: partition, offset: offset(at: index),
                timestamp: timestamp(at: index), key: bytes(key(at: index)), value: bytes(value(at: index)),
                headers: headers)
        }
    }
}

func bytes(_ span: RawSpan?) -> [UInt8]? {
    if let span { return bytes(span) as [UInt8] }
    return nil
}

func bytes(_ span: RawSpan) -> [UInt8] {
    (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
}

/// What a consumer went through, one poll at a time.
final class Journey {
    let consumer: KafkaConsumer
    /// Where the partitions of a new assignment start; `nil` assigns none.
    var start: ((Int32) -> [KafkaConsumer.StartPosition])?
    private(set) var messages: [Received] = []
    private(set) var ends: [InputPartition: Int64] = [:]
    private(set) var errors: [KafkaError] = []
    private(set) var events: [RebalanceEvent] = []

    init(_ consumer: KafkaConsumer, start: ((Int32) -> [KafkaConsumer.StartPosition])? = nil) {
        self.consumer = consumer
        self.start = start
    }

    /// Reads every input of what is assigned from the beginning.
    static func fromBeginning(_ consumer: KafkaConsumer) -> Journey {
        let inputs = consumer.inputTopics.indices
        return Journey(consumer) { partition in inputs.map { ($0, partition, .beginning) } }
    }

    func poll(timeoutMilliseconds: Int = 50) throws {
        var given: [Int32] = []
        let result = consumer.poll(maxMessages: 1_000, timeoutMilliseconds: timeoutMilliseconds) { event in
            events.append(event)
            switch event {
            case .assigned(let partitions): given += partitions
            case .revoked(let partitions, _): given.removeAll { partitions.contains($0) }
            }
        }
        if let start, !given.isEmpty { try consumer.assign(given.flatMap(start)) }
        messages += result.batches.flatMap(\.received)
        for end in result.ends { ends[InputPartition(input: end.input, partition: end.partition)] = end.offset }
        errors += result.errors
    }

    /// Polls until the condition holds; gives whether it ever did.
    func poll(seconds: Int = 20, until condition: () -> Bool) throws -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while !condition() {
            guard ContinuousClock.now < end else { return false }
            try poll()
        }
        return true
    }
}
