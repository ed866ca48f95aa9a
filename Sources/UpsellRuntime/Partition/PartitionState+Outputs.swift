internal import KafkaTransport
internal import UpsellEngine
internal import UpsellModel
internal import UpsellTelemetry
internal import UpsellWire

extension PartitionState {
    /// Turns what the engine decided into finished bytes of the running share.
    ///
    /// - Parameter batch: whose rows were applied; nil where none were.
    mutating func publishEffects(_ batch: MessageBatch?, wallTime: Timestamp) {
        guard !effects.isEmpty else { return }
        for trigger in effects.triggers {
            let (records, isShortened) = context.outputs.records(
                for: trigger, partition: partition, wallTime: wallTime)
            for record in records { running.add(trigger: record) }
            tally.triggersByRule[trigger.rule, default: 0] += 1
            tally.copies += records.count - 1
            if isShortened { tally.shortened += 1 }
        }
        for held in effects.held {
            let (record, isShortened) = context.outputs.record(for: held, partition: partition, wallTime: wallTime)
            running.add(held: record)
            tally.heldByReason[held.reason, default: 0] += 1
            if isShortened { tally.shortened += 1 }
        }
        for outcome in effects.outcomes {
            running.add(outcome: context.outputs.record(for: outcome, partition: partition, wallTime: wallTime))
            tally.outcomes[outcome.kind, default: 0] += 1
        }
        for account in effects.opened { running.add(openChanged: account) }
        tally.triggers += effects.triggers.count
        tally.held += effects.held.count
        if let batch {
            for rejected in effects.rejected {
                let record = Int(rows.events[rejected.row].record)
                reject(batch, record, rejected.rejection, stage: .apply, wallTime: wallTime)
            }
        }
        for expired in effects.expired {
            running.add(
                deadLetter: context.deadLetters.reference(to: expired, partition: partition, wallTime: wallTime))
        }
        tally.expired += effects.expired.count
        for fused in effects.fused { report(fused) }
        effects.removeAll()
    }

    /// A person has to look at a rule that reaches so many: it has gone to shadow until it is resumed.
    private mutating func report(_ fused: FusedRule) {
        tally.fused[fused.rule, default: 0] += 1
        context.log.error(
            "the fuse has taken a rule out: it reached too many accounts in an hour; it is in shadow until it is resumed",
            [
                .rule: .text(fused.rule), .partition: .init(partition.rawValue), "accounts": .init(fused.accounts),
                "time": .text(RFC3339.format(fused.time)),
            ])
    }

    /// What is open now of the accounts whose open triggers changed in the epoch.
    mutating func openRecords(_ accounts: [String]) -> [OutputRecord] {
        accounts.map { account in
            let triggers = engine.openTriggers(account: account)
            let (record, leftOut) = context.outputs.openRecord(
                account: account, triggers: triggers, partition: partition, time: engine.clock)
            if record.value == nil { tally.openTombstones += 1 }
            tally.opened += 1
            tally.openLeftOut += leftOut
            return record
        }
    }

    mutating func rejectBanned(_ batch: MessageBatch, _ record: Int) {
        let wallTime = context.clock.now()
        let rejection = Rejection(
            .oversized, "Kafka has refused what follows from this record again and again; it was not applied")
        tally.rejected[rejection.reason, default: 0] += 1
        running.add(
            deadLetter: context.deadLetters.letter(
                for: batch, at: record, rejection: rejection, stage: .apply, wallTime: wallTime, asReference: true))
    }

    mutating func reject(
        _ batch: MessageBatch, _ record: Int, _ rejection: Rejection, stage: DeadLetterStage, wallTime: Timestamp
    ) {
        tally.rejected[rejection.reason, default: 0] += 1
        running.add(
            deadLetter: context.deadLetters.letter(
                for: batch, at: record, rejection: rejection, stage: stage, wallTime: wallTime))
    }
}
