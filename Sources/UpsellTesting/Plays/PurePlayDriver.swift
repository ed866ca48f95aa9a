internal import KafkaTransport
public import UpsellConfiguration
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellTelemetry
internal import UpsellWire

/// One partition without Kafka: the daemon's own decoders, engine and encoders over records in memory.
public final class PurePlayDriver: PlayDriver {
    private var partition: PartitionState
    private let inputs: InputTopics
    private let topics: [String: PlayOutput.Topic]
    private var next: [Int64]
    private var wallTime: Int64
    private var controls = ControlDecoder()
    private var controlNext: Int64 = 0

    /// Record timestamps begin here: long after any story, as when one is played today.
    private static let start: Int64 = 1_767_225_600_000

    public init(_ configuration: Configuration) {
        inputs = InputTopics(configuration.topics)
        let names = configuration.topics
        topics = [
            names.triggers: .triggers, names.held: .held, names.outcomes: .outcomes, names.open: .open,
            names.deadLetters: .deadLetters,
        ]
        next = Array(repeating: 0, count: inputs.count)
        wallTime = Self.start
        let context = RuntimeContext(
            configuration: configuration, inputs: inputs, partitionCount: 1,
            clock: WallClock { Timestamp(milliseconds: Self.start + .millisecondsPerDay) },
            log: Log(level: .error, destination: .function(.text) { _ in }),
            render: PlaySite.rendering(of: configuration))
        partition = PartitionState(
            genesis: PartitionID(0), context: context, inputs: next.map { (low: $0, high: $0) })
        _ = partition.freeze(stateEnd: 0)
    }

    public func feed(_ records: [PlayRecord]) throws -> [PlayOutput] {
        for record in records {
            wallTime += 1
            guard let input = input(of: record.topic) else {
                try control(record)
                continue
            }
            let batch = MessageBatch(
                partition: 0,
                records: [
                    InMemoryRecord(
                        input: input, offset: next[input], timestamp: wallTime, key: Array(record.key.utf8),
                        value: record.value)
                ])
            next[input] += 1
            partition.process(batch)
        }
        let share = partition.freeze(stateEnd: 0)
        return (share?.records ?? []).compactMap { record in
            topics[record.topic].map { topic in
                PlayOutput(
                    topic: topic, key: String(decoding: record.key ?? [], as: UTF8.self), value: record.value,
                    headers: Dictionary(
                        record.headers.map { ($0.name, String(decoding: $0.value ?? [], as: UTF8.self)) },
                        uniquingKeysWith: { first, _ in first }))
            }
        }
    }

    private func input(of topic: PlayRecord.Topic) -> Int? {
        switch topic {
        case .usage: 0
        case .accounts: inputs.accounts.index
        case .feedback: inputs.feedback.index
        case .control: nil
        }
    }

    /// The control topic belongs to no partition: the reader of all hands its records on, decoded.
    private func control(_ record: PlayRecord) throws {
        let value = record.value ?? []
        let time = Timestamp(milliseconds: wallTime)
        let command = try unsafe controls.decode(value: value.span.bytes, recordTime: time, offset: controlNext)
        controlNext += 1
        _ = partition.apply(control: ControlRecord(command: command, recordTime: time, value: value))
    }
}
