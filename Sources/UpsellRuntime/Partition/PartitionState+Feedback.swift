internal import KafkaTransport
internal import UpsellEngine
package import UpsellModel
internal import UpsellStateLog
internal import UpsellWire

extension PartitionState {
    /// Applies a record of the feedback topic, or dead-letters it.
    mutating func applyFeedback(_ batch: MessageBatch, _ record: Int, wallTime: Timestamp) {
        guard let account = account(in: batch, record, wallTime: wallTime) else { return }
        placement[context.inputs.feedback.index].partitioner.observe(key: batch.key(at: record))
        guard let value = batch.value(at: record) else {
            let text = "a record of the feedback topic without a value says nothing"
            return reject(batch, record, Rejection(.tombstone, text), stage: .decode, wallTime: wallTime)
        }
        let recordTime = Timestamp(milliseconds: batch.timestamp(at: record))
        do {
            let feedback = try feedbackDecoder.decode(value: value, recordTime: recordTime)
            rows.removeAll()
            switch engine.apply(feedback: feedback, account: account, recordTime: recordTime, into: &effects) {
            case .applied: tally.feedback += 1
            case .duplicate: tally.repeatedFeedback += 1
            case .unknownTrigger:
                let text =
                    "the account has no trigger \(feedback.trigger), or it is over for longer than feedback is heard"
                reject(batch, record, Rejection(.unknownTrigger, text), stage: .apply, wallTime: wallTime)
            }
            publishEffects(nil, wallTime: wallTime)
        } catch {
            reject(batch, record, error, stage: .decode, wallTime: wallTime)
        }
    }

    /// Applies a record of the control topic, unless that was done before.
    ///
    /// - Returns: what it added to the epoch; nil where it was applied before.
    package mutating func apply(control record: ControlRecord) -> Added? {
        guard record.command.offset >= engine.nextControl || sabotage == .repeatedControls else { return nil }
        let before = running.outputBytes
        let wallTime = context.clock.now()
        running.begin(batchAt: wallTime)
        running.append(
            .control(offset: record.command.offset, recordTime: record.recordTime, value: record.value))
        engine.apply(control: record.command, into: &effects)
        tally.controls += 1
        publishEffects(nil, wallTime: wallTime)
        return Added(bytes: running.outputBytes - before, records: 0)
    }
}

/// A record of the control topic, read once for all partitions.
package struct ControlRecord: Sendable, Equatable {
    package var command: ControlCommand
    package var recordTime: Timestamp
    /// As it lies in the topic; the journal keeps it.
    package var value: [UInt8]

    package init(command: ControlCommand, recordTime: Timestamp, value: [UInt8]) {
        self.command = command
        self.recordTime = recordTime
        self.value = value
    }
}
