internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellWire

/// Turns what the engine decided into records of the output topics, each of a size that its topic takes.
///
/// A record that brokers refuse would be refused for ever, and its epoch with it; what a timer brought about has no input
/// record that could be set aside instead. So words give way first, then the account's own attributes; what is left is
/// bounded by the configuration's names and texts.
struct OutputWriter: Sendable {
    private let topics: Configuration.Topics
    private let encoder: TriggerEncoder
    private let render: MessageRendering?
    private let triggerBytesMax: Int
    private let heldBytesMax: Int
    private let openBytesMax: Int

    init(configuration: Configuration, inputs: InputTopics, limits: OutputLimits, render: MessageRendering?) {
        topics = configuration.topics
        encoder = TriggerEncoder(source: configuration.source, inputTopics: inputs.names)
        self.render = render
        triggerBytesMax = ([topics.triggers] + topics.channels.map(\.topic)).map(limits.recordBytesMax).min() ?? .max
        heldBytesMax = limits.recordBytesMax(topics.held)
        openBytesMax = limits.recordBytesMax(topics.open)
    }

    /// A trigger for its topic, and the copies for topics of its channels.
    ///
    /// - Returns: the records, and whether the trigger had to go without words to fit.
    func records(
        for trigger: Trigger, partition: PartitionID, wallTime: Timestamp
    ) -> (records: [OutputRecord], isShortened: Bool) {
        let headers = encoder.headers(for: trigger)
        let (first, isShortened) = fitting(trigger, triggerBytesMax) { trigger, message in
            record(
                topics.triggers, trigger.account,
                encoder.encode(trigger, message: message, partition: partition, detectionTime: wallTime),
                headers: headers)
        }
        var records = [first]
        for own in topics.channels where trigger.channels.contains(own.channel) {
            var copy = first
            copy.topic = own.topic
            records.append(copy)
        }
        return (records, isShortened)
    }

    func record(
        for held: HeldTrigger, partition: PartitionID, wallTime: Timestamp
    ) -> (record: OutputRecord, isShortened: Bool) {
        fitting(held.trigger, heldBytesMax) { trigger, message in
            var held = held
            held.trigger = trigger
            return record(
                topics.held, trigger.account,
                encoder.encode(held: held, message: message, partition: partition, detectionTime: wallTime))
        }
    }

    func record(for outcome: Outcome, partition: PartitionID, wallTime: Timestamp) -> OutputRecord {
        record(
            topics.outcomes, outcome.account,
            encoder.encode(outcome: outcome, partition: partition, detectionTime: wallTime))
    }

    /// What is open of an account: its value replaces the last one; a tombstone where nothing is.
    ///
    /// - Parameters:
    ///   - triggers: in the order of emission.
    ///   - time: the partition's clock.
    /// - Returns: the record, and how many of the oldest triggers were left out to make it fit.
    func openRecord(
        account: String, triggers: [Trigger], partition: PartitionID, time: Timestamp
    ) -> (record: OutputRecord, leftOut: Int) {
        var entries = triggers.map { (trigger: $0, message: render?($0)) }
        while !entries.isEmpty {
            let whole = record(
                topics.open, account,
                encoder.encodeOpen(account: account, triggers: entries, partition: partition, time: time))
            if whole.wireBytesMax <= openBytesMax { return (whole, triggers.count - entries.count) }
            // A single one goes without words before it is left out.
            if entries.count == 1, entries[0].message != nil {
                entries[0].message = nil
            } else {
                entries.removeFirst()
            }
        }
        return (OutputRecord(topic: topics.open, key: Array(account.utf8), value: nil), triggers.count)
    }

    private func fitting(
        _ trigger: Trigger, _ bytesMax: Int, _ encode: (Trigger, Message?) -> OutputRecord
    ) -> (OutputRecord, Bool) {
        let whole = encode(trigger, render?(trigger))
        if whole.wireBytesMax <= bytesMax { return (whole, false) }
        var plain = trigger
        let wordless = encode(plain, nil)
        if wordless.wireBytesMax <= bytesMax { return (wordless, true) }
        plain.attributes = []
        return (encode(plain, nil), true)
    }

    /// A CloudEvent about an account, in structured mode.
    private func record(
        _ topic: String, _ account: String, _ value: [UInt8], headers: [(name: String, value: [UInt8])] = []
    ) -> OutputRecord {
        OutputRecord(
            topic: topic, key: Array(account.utf8), value: value,
            headers: [("content-type", Array("application/cloudevents+json; charset=UTF-8".utf8))]
                + headers.map { ($0.name, $0.value) })
    }
}
