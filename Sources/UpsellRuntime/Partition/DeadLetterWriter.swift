internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellEngine
internal import UpsellModel
internal import UpsellWire

/// Turns records that could not be used into records of the dead-letter topic.
struct DeadLetterWriter: Sendable {
    private let topic: String
    private let inputs: InputTopics
    private let bytesMax: Int

    /// - Parameter bytesMax: larger letters become references; see `OutputLimits`.
    init(configuration: Configuration, inputs: InputTopics, bytesMax: Int) {
        topic = configuration.topics.deadLetters
        self.bytesMax = bytesMax
        self.inputs = inputs
    }

    /// The record as it was, with the error in headers behind its own; or a reference to it where that is too large, or
    /// where its headers could not be repeated: names that are no text, and headers that the library does not give.
    ///
    /// - Parameter asReference: a reference whatever its size, for a record whose letter Kafka has refused.
    ///
    /// The letter's timestamp is the time of the refusal: under the record's own, one of 2015 would fall to the topic's
    /// retention at once, and one of tomorrow would be refused by the broker, from Kafka 4 by default. The record's own
    /// is in a header.
    func letter(
        for batch: MessageBatch, at record: Int, rejection: Rejection, stage: DeadLetterStage, wallTime: Timestamp,
        asReference: Bool = false
    ) -> OutputRecord {
        let context = DeadLetterContext(
            topic: inputs.names[batch.input(at: record)], partition: PartitionID(batch.partition),
            offset: batch.offset(at: record), stage: stage, rejection: rejection, timestamp: wallTime,
            applicationVersion: ProductVersion.text,
            recordTimestamp: batch.timestamp(at: record) >= 0
                ? Timestamp(milliseconds: batch.timestamp(at: record)) : nil)
        var headers: [OutputRecord.Header] = []
        let presence = batch.headerPresence(at: record)
        var isFaithful = presence != .unreadable
        if presence == .some {
            batch.forEachHeader(at: record) { name, value in
                guard let text = name.text else {
                    isFaithful = false
                    return
                }
                headers.append((text, bytes(ofOptional: value)))
            }
        }
        headers += DeadLetterHeaders.headers(context).map { ($0.name, $0.value) }
        let key = batch.key(at: record)
        let value = batch.value(at: record)
        var letter = OutputRecord(
            topic: topic, key: bytes(ofOptional: key), value: bytes(ofOptional: value), headers: headers,
            timestamp: wallTime.milliseconds)
        if asReference || !isFaithful || letter.wireBytesMax > bytesMax {
            letter = OutputRecord(
                topic: topic, key: (key?.byteCount ?? 0) <= 1_024 ? letter.key : nil,
                value: DeadLetterReference.body(context, key: key, value: value),
                headers: referenceHeaders(context), timestamp: letter.timestamp)
        }
        return letter
    }

    /// A reading whose profile never came: its record is no longer at hand, so the letter says where it lies.
    func reference(to reading: ExpiredReading, partition: PartitionID, wallTime: Timestamp) -> OutputRecord {
        let quantity = "meter \(reading.meter), quantity \(reading.quantity)"
        let context = DeadLetterContext(
            topic: inputs.names[reading.coordinates.input.index], partition: partition,
            offset: reading.coordinates.offset, stage: .wait,
            rejection: Rejection(reading.reason, "the account got no profile in time; not counted: \(quantity)"),
            timestamp: wallTime, applicationVersion: ProductVersion.text)
        let account = Array(reading.account.utf8)
        return OutputRecord(
            topic: topic, key: account,
            value: unsafe DeadLetterReference.body(context, key: account.span.bytes, value: nil),
            headers: referenceHeaders(context), timestamp: wallTime.milliseconds)
    }

    private func referenceHeaders(_ context: DeadLetterContext) -> [OutputRecord.Header] {
        [("content-type", Array(DeadLetterReference.contentType.utf8))]
            + DeadLetterHeaders.headers(context).map { ($0.name, $0.value) }
    }

    private func bytes(of span: RawSpan) -> [UInt8] { unsafe span.withUnsafeBytes { unsafe Array($0) } }

    private func bytes(ofOptional span: RawSpan?) -> [UInt8]? {
        guard let span else { return nil }
        return bytes(of: span)
    }
}

extension RawSpan {
    /// The bytes as text; nil where they are not UTF-8.
    var text: String? { unsafe withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) } }
}
