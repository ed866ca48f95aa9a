internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellEngine
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellStateLog
internal import UpsellWire

/// Holds every committed transaction against the oracle, at the instant at which it is decided.
final class CommitChecker {
    /// What was found wrong, in a sentence.
    struct Violation: Error {
        var text: String
        init(_ text: String) { self.text = text }
    }

    private(set) var partitions: [Int32: PartitionHistory] = [:]
    private(set) var commits = 0
    private let catalogue: SimulationCatalogue
    private let history: (Int32) -> InputHistory
    private let controls: () -> [Int64: ControlIntent]
    private let plant: PlantedBug?
    private var triggerIDs: Set<String> = []
    private var outcomeIDs: Set<String> = []
    /// Triggers that were committed and not taken yet.
    private var emitted: [(id: String, account: String, partition: Int32)] = []
    var counts = FaultCounts()

    /// - Parameters:
    ///   - history: what was written to a partition's inputs so far.
    ///   - controls: what was written to the control topic so far, by offset.
    init(
        _ catalogue: SimulationCatalogue, partitions count: Int32, plant: PlantedBug?,
        history: @escaping (Int32) -> InputHistory, controls: @escaping () -> [Int64: ControlIntent]
    ) {
        self.catalogue = catalogue
        self.plant = plant
        self.history = history
        self.controls = controls
        for partition in 0..<count {
            partitions[partition] = PartitionHistory(PartitionID(partition), catalogue)
        }
    }

    /// What a transaction holds for one partition.
    private struct Share {
        var chunks: [(offset: Int64, value: [UInt8])] = []
        var journal: [[UInt8]] = []
        var triggers: [(id: String, trigger: NaiveTrigger)] = []
        var held: [NaiveTrigger] = []
        var deadLetters: [NaiveDeadLetter] = []
        var outcomes: [(id: String, outcome: NaiveOutcome)] = []
        /// Newest record of open triggers by account; nil is a tombstone.
        var open: [(account: String, ids: Set<String>?)] = []
        var offset: CommittedOffset?
    }

    func check(_ transaction: CommittedTransaction) throws(Violation) {
        commits += 1
        for (partition, share) in try sort(transaction).sorted(by: { $0.key < $1.key }) {
            guard let own = partitions[partition] else {
                throw Violation("a transaction of \(transaction.transactionalID) writes to partition \(partition)")
            }
            try check(share, own, writer: transaction.transactionalID)
        }
    }

    /// Triggers that a subscriber can see since the last call.
    func takeEmitted() -> [(id: String, account: String, partition: Int32)] {
        defer { emitted = [] }
        return emitted
    }

    // MARK: Sorting

    private func sort(_ transaction: CommittedTransaction) throws(Violation) -> [Int32: Share] {
        var shares: [Int32: Share] = [:]
        for (target, offset, record) in transaction.records {
            let value = record.value ?? []
            switch target.topic {
            case SimulationTopics.state: shares[target.partition, default: Share()].chunks.append((offset, value))
            case SimulationTopics.journal: shares[target.partition, default: Share()].journal.append(value)
            case SimulationTopics.triggers, SimulationTopics.held:
                guard
                    let read = OutputReader.trigger(
                        value, isHeld: target.topic == SimulationTopics.held, inputTopics: SimulationTopics.inputs,
                        catalogue: catalogue),
                    let partition = OutputReader.partition(value)
                else { throw Violation("a trigger cannot be read: \(String(decoding: value, as: UTF8.self))") }
                if target.topic == SimulationTopics.triggers {
                    shares[partition, default: Share()].triggers.append(read)
                } else {
                    shares[partition, default: Share()].held.append(read.trigger)
                }
            case SimulationTopics.outcomes:
                guard let read = OutputReader.outcome(value), let partition = Self.partition(of: read.outcome.account)
                else { throw Violation("an outcome cannot be read: \(String(decoding: value, as: UTF8.self))") }
                shares[partition, default: Share()].outcomes.append(read)
            case SimulationTopics.open:
                let account = String(decoding: record.key ?? [], as: UTF8.self)
                guard let partition = Self.partition(of: account) else { throw Violation("an open record of nobody") }
                shares[partition, default: Share()].open.append((account, record.value.map(OutputReader.openIDs)))
            case SimulationTopics.deadLetters:
                guard let (partition, letter) = Self.deadLetter(record) else {
                    throw Violation("a dead letter does not say where it is from")
                }
                shares[partition, default: Share()].deadLetters.append(letter)
            default: throw Violation("a record in \(target)")
            }
        }
        for (_, target, offset) in transaction.offsets {
            shares[target.partition, default: Share()].offset = offset
        }
        return shares
    }

    /// Accounts of a simulation have their partition's number in their name.
    private static func partition(of account: String) -> Int32? {
        account.split(separator: "-").first.flatMap { Int32($0.dropFirst()) }
    }

    private static func deadLetter(_ record: SimulatedRecord) -> (Int32, NaiveDeadLetter)? {
        func header(_ suffix: String) -> String? {
            let name = DeadLetterHeaders.prefix + suffix
            return record.headers.last { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) }
        }
        guard let input = header("topic").flatMap({ SimulationTopics.inputs.firstIndex(of: $0) }),
            let partition = header("partition").flatMap({ Int32($0) }),
            let offset = header("offset").flatMap({ Int64($0) })
        else { return nil }
        return (partition, NaiveDeadLetter(input: input, offset: offset))
    }

    // MARK: One partition

    private func check(
        _ share: Share, _ own: PartitionHistory, writer: String
    ) throws(Violation) {
        let name = "partition \(own.partition.rawValue)"
        let journal = try journalRecord(share, own)
        let expected = own.epoch.map { $0 + 1 } ?? 0
        guard journal.epoch == expected else {
            throw Violation("\(name): \(writer) committed epoch \(journal.epoch), \(expected) was next")
        }
        try checkFence(share, name, journal, writer)
        let before = own.positions
        let erasures = own.model.erasures
        own.model.published = Dictionary(share.triggers.map { ($0.trigger, $0.id) }) { first, _ in first }
        let said = try applySteps(journal, own)
        let header = try applyChunks(share, own, journal, before: before)
        if let offset = share.offset, offset.offset != header.inputs[0].after {
            throw Violation(
                "\(name): epoch \(journal.epoch) committed offset \(offset.offset), its state is at "
                    + "\(header.inputs[0].after)")
        }
        try checkOpen(share, own, erasuresBefore: erasures)
        emitted += share.triggers.map { ($0.id, $0.trigger.account, own.partition.rawValue) }
        own.epoch = journal.epoch
        own.restoreFrom =
            share.offset.flatMap { OffsetMark(text: $0.metadata) }?.restoreFrom ?? header.restoreFrom
        own.commits += 1
        try compare(said, share, name)
        try compareIDs(share, own, erasuresBefore: erasures)
        try compareUsage(own, own.commits % 16 == 0 ? Set(own.model.accounts.keys) : said.touched, "the standby") {
            account, meter in own.standby?.usage(account: account, meter: MeterID(meter))
        }
        if own.commits % 24 == 0 { try restoreFromScratch(own) }
        note(said, share, journal)
    }

    /// Every transaction carries the group's offset of each partition it writes to: that is what fences it.
    private func checkFence(
        _ share: Share, _ name: String, _ journal: JournalRecord, _ writer: String
    ) throws(Violation) {
        guard let offset = share.offset, let mark = OffsetMark(text: offset.metadata) else {
            // Where just that is planted, what follows from it has to be noticed.
            if plant == .tickWithoutOffset || plant == .offsetsOutside { return }
            throw Violation("\(name): epoch \(journal.epoch) was committed without the group's offset")
        }
        guard mark.epoch == journal.epoch, mark.writer == writer else {
            throw Violation("\(name): epoch \(journal.epoch) of \(writer) with metadata \(offset.metadata)")
        }
    }

    private func journalRecord(_ share: Share, _ own: PartitionHistory) throws(Violation) -> JournalRecord {
        var assembler = JournalAssembler(partition: own.partition)
        var whole: [JournalRecord] = []
        for record in share.journal {
            do throws(StateLogError) {
                if let journal = try assembler.add(record) { whole.append(journal) }
            } catch {
                throw Violation("partition \(own.partition.rawValue): the journal cannot be read: \(error)")
            }
        }
        guard whole.count == 1, assembler.isBetweenEpochs else {
            throw Violation(
                "partition \(own.partition.rawValue): \(whole.count) journal records in one transaction, one is due")
        }
        return whole[0]
    }

    /// The journal goes on where it was: every record that was written is in it, once, in order of its input.
    private func applySteps(
        _ journal: JournalRecord, _ own: PartitionHistory
    ) throws(Violation) -> NaiveOutputs {
        let history = history(own.partition.rawValue)
        var steps: [AppliedStep] = []
        if own.positions.isEmpty { own.positions = SimulationTopics.inputs.map { _ in 0 } }
        for step in journal.steps {
            switch step {
            case .start(let input, _, let offset, _): own.positions[input.index] = offset
            case .batch, .configuration: break
            case .tick(let wallTime): steps.append(.tick(wallTime: wallTime.milliseconds))
            case .run(let input, let first, let next):
                try move(input.index, first, next, history, own)
                steps.append(.run(input: input.index, first: first, next: next))
            case .control(let offset, _, _): steps.append(.control(try take(control: offset, own)))
            case .profile(let offset, _, _, _):
                let input = SimulationTopics.accounts
                try move(input, offset, offset + 1, history, own)
                steps.append(.run(input: input, first: offset, next: offset + 1))
            }
        }
        return own.model.apply(steps, of: history)
    }

    /// Every command is applied once, in the order of their offsets.
    private func take(control offset: Int64, _ own: PartitionHistory) throws(Violation) -> ControlIntent {
        let all = controls()
        let name = "partition \(own.partition.rawValue): control record \(offset)"
        guard offset >= own.nextControl else {
            throw Violation("\(name) is applied again, \(own.nextControl) was next")
        }
        guard let intent = all[offset] else { throw Violation("\(name) is no command") }
        if let lost = all.keys.filter({ $0 >= own.nextControl && $0 < offset }).min() {
            throw Violation("\(name) is applied, and \(lost) was passed over")
        }
        own.nextControl = offset + 1
        counts[.control] += 1
        return intent
    }

    private func move(
        _ input: Int, _ first: Int64, _ next: Int64, _ history: InputHistory, _ own: PartitionHistory
    ) throws(Violation) {
        let position = own.positions[input]
        guard first >= position else {
            throw Violation(
                "partition \(own.partition.rawValue): \(SimulationTopics.inputs[input])@\(first) is applied again, "
                    + "\(position) was next")
        }
        try skip(input, to: first, history, own)
        own.positions[input] = max(next, first)
    }

    /// Offsets that nothing was applied of may hold no record.
    private func skip(
        _ input: Int, to next: Int64, _ history: InputHistory, _ own: PartitionHistory
    ) throws(Violation) {
        let position = own.positions[input]
        guard position < next else { return }
        if let lost = (position..<next).first(where: { history[input, $0] != nil }) {
            throw Violation(
                "partition \(own.partition.rawValue): \(SimulationTopics.inputs[input])@\(lost) was passed over")
        }
        own.positions[input] = next
    }

    private func applyChunks(
        _ share: Share, _ own: PartitionHistory, _ journal: JournalRecord, before: [Int64]
    ) throws(Violation) -> ChunkHeader {
        let name = "partition \(own.partition.rawValue)"
        if own.standby == nil { own.standby = restorer(own.partition, from: 0) }
        for (offset, value) in share.chunks {
            do throws(RestoreError) { try own.standby?.add(value, offset: offset) } catch {
                throw Violation("\(name): \(error)")
            }
            if let chunk = try? StateChunk.decode(value), chunk.header.part == 0, journal.epoch > 0 {
                counts[.slice] += Self.slices(chunk)
            }
        }
        own.chunks += share.chunks
        guard let header = own.standby?.header, header.epoch == journal.epoch, own.standby?.summary.complaint == nil
        else { throw Violation("\(name): epoch \(journal.epoch) is in the journal and not in the state log") }
        let history = history(own.partition.rawValue)
        for (input, mark) in header.inputs.enumerated() {
            try skip(input, to: mark.after, history, own)
            guard mark.after == own.positions[input], before.isEmpty || mark.before == before[input] else {
                throw Violation(
                    "\(name): epoch \(journal.epoch) says \(mark.before)..<\(mark.after) of "
                        + "\(SimulationTopics.inputs[input]), its journal goes to \(own.positions[input])")
            }
        }
        return header
    }

    private static func slices(_ chunk: StateChunk) -> Int {
        var assembler = ChunkAssembler(partition: chunk.header.partition)
        guard let epoch = try? assembler.add(chunk) else { return 0 }
        return epoch.sections.count { $0.kind == .slice }
    }

    private func restorer(_ partition: PartitionID, from start: Int64) -> PartitionRestorer {
        PartitionRestorer(
            partition: partition, start: start, slicing: SimulatedInstance.slicing,
            timeZones: TimeZones.table(named:), sabotage: plant == .mergingSlice ? .mergingSlice : nil)
    }

    // MARK: Comparing

    private func compare(_ said: NaiveOutputs, _ share: Share, _ name: String) throws(Violation) {
        let triggers = share.triggers.map(\.trigger).sorted()
        guard triggers == said.triggers.sorted() else {
            throw Violation(
                "\(name): triggers \(triggers), expected \(said.triggers.sorted()), and held \(said.held.sorted())")
        }
        guard share.held.sorted() == said.held.sorted() else {
            throw Violation("\(name): held \(share.held.sorted()), expected \(said.held.sorted())")
        }
        let reported = share.outcomes.map(\.outcome).filter { !$0.feedback.isEmpty }.sorted()
        guard reported == said.outcomes.sorted() else {
            throw Violation("\(name): outcomes \(reported), expected \(said.outcomes.sorted())")
        }
        guard share.deadLetters.sorted() == said.deadLetters.sorted() else {
            throw Violation("\(name): dead letters \(share.deadLetters), expected \(said.deadLetters)")
        }
    }

    /// What is open is what was sent and not closed, by the records that a subscriber sees; each changed account has one
    /// record in the epoch.
    private func checkOpen(
        _ share: Share, _ own: PartitionHistory, erasuresBefore: [String: Int]
    ) throws(Violation) {
        let name = "partition \(own.partition.rawValue)"
        var changed: Set<String> = []
        func isErased(_ account: String) -> Bool {
            own.model.erasures[account] ?? 0 != erasuresBefore[account] ?? 0
        }
        // A report whose id was forgotten may be said again; those are compared one by one. Two lives of an account in one
        // epoch may end at the same instant.
        for (id, outcome) in share.outcomes where outcome.feedback.isEmpty && !isErased(outcome.account) {
            guard outcomeIDs.insert("\(id) \(own.model.erasures[outcome.account] ?? 0)").inserted else {
                throw Violation("\(name): outcome \(id) was sent before")
            }
        }
        // Erased in this very epoch: which of its lives said what is not told, so that what it says is open is believed.
        for (account, ids) in share.open where isErased(account) {
            own.open[account] = ids
        }
        for (id, trigger) in share.triggers where !isErased(trigger.account) {
            own.open[trigger.account, default: []].insert(id)
            changed.insert(trigger.account)
        }
        for (_, outcome) in share.outcomes
        where Self.closing.contains(outcome.kind) && !isErased(outcome.account) {
            if own.open[outcome.account]?.remove(outcome.trigger) != nil { changed.insert(outcome.account) }
        }
        for (account, ids) in share.open where !isErased(account) {
            guard changed.remove(account) != nil else {
                throw Violation(
                    "\(name): a record of open triggers of \(account), of which none changed, or a second one")
            }
            let expected = own.open[account] ?? []
            guard ids ?? [] == expected, (ids == nil) == expected.isEmpty else {
                throw Violation(
                    "\(name): open of \(account) are \(ids?.sorted() ?? []), expected \(expected.sorted())")
            }
        }
        guard changed.isEmpty else {
            throw Violation("\(name): no record of what is open of \(changed.sorted())")
        }
        counts[.openRecord] += share.open.count
        counts[.outcome] += share.outcomes.count
    }

    /// Outcomes after which a trigger is no longer open.
    private static let closing: Set<String> = [
        "converted", "dismissed", "expired", "superseded", "withdrawn", "declined",
    ]

    /// No id twice, unless its account was erased in between.
    private func compareIDs(
        _ share: Share, _ own: PartitionHistory, erasuresBefore: [String: Int]
    ) throws(Violation) {
        for (id, trigger) in share.triggers {
            let life = own.model.erasures[trigger.account] ?? 0
            // Erased in this very epoch: which of both lives said it is not told.
            guard life == erasuresBefore[trigger.account] ?? 0 else { continue }
            guard triggerIDs.insert("\(id) \(life)").inserted else {
                throw Violation(
                    "partition \(own.partition.rawValue): trigger \(id) was sent before: \(trigger)")
            }
        }
    }

    private func compareUsage(
        _ own: PartitionHistory, _ accounts: Set<String>, _ place: String, _ usage: (String, Int) -> Int64?
    ) throws(Violation) {
        for account in accounts.sorted() {
            for meter in catalogue.meters.indices {
                let expected = own.model.usage(account, meter: meter) ?? 0
                let found = usage(account, meter) ?? 0
                guard found == expected else {
                    throw Violation(
                        "partition \(own.partition.rawValue): \(place) has \(found) \(catalogue.meters[meter].name) of "
                            + "\(account) after epoch \(own.epoch ?? 0), expected \(expected)")
                }
            }
        }
    }

    /// Restores as a new owner would, from where the offset's metadata says.
    func restoreFromScratch(_ own: PartitionHistory) throws(Violation) {
        let name = "a restore from \(own.restoreFrom)"
        let restored: Restored
        do throws(RestoreError) {
            restored = Restored(try restore(own))
        } catch {
            throw Violation(
                "partition \(own.partition.rawValue): \(name) after epoch \(own.epoch ?? 0): \(error)")
        }
        try compareUsage(own, Set(own.model.accounts.keys), name) { account, meter in
            restored.partition.engine.usage(account: account, meter: MeterID(meter))
        }
    }

    /// Closures cannot hold what is not copyable.
    private final class Restored {
        let partition: RestoredPartition
        init(_ partition: consuming RestoredPartition) { self.partition = partition }
    }

    private func restore(_ own: PartitionHistory) throws(RestoreError) -> RestoredPartition {
        var restorer = restorer(own.partition, from: own.restoreFrom)
        for (offset, value) in own.chunks where offset >= own.restoreFrom { try restorer.add(value, offset: offset) }
        return try restorer.finish(end: (own.chunks.last?.offset ?? -1) + 1, losses: [], lows: [])
    }

    /// Chunks below the trim are gone for a restore.
    func trimmed(_ partition: Int32, before low: Int64) {
        partitions[partition]?.chunks.removeAll { $0.offset < low }
    }

    private func note(_ said: NaiveOutputs, _ share: Share, _ journal: JournalRecord) {
        if journal.epoch == 0 { counts[.genesis] += 1 }
        if said.records == 0, journal.epoch > 0 { counts[.tickOnlyEpoch] += 1 }
        counts[.duplicate] += said.duplicates
        counts[.deadLetter] += said.deadLetters.count
        counts[.held] += said.held.count
        counts[.trigger] += said.triggers.count
    }
}
