internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellEngine
internal import UpsellModel
internal import UpsellWire

/// Everything a partition's queue owns. See `PartitionWorker`.
struct PartitionState: ~Copyable {
    let partition: PartitionID
    let context: RuntimeContext

    var engine: PartitionEngine
    var effects = Effects()
    /// One for each usage topic, since topics differ in format.
    var decoders: [InputDecoder]
    var profileDecoder: ProfileDecoder
    var rows = EventBatch()

    /// Next offset of each input; what lies below has been read.
    var next: [Int64]
    /// `firstStart: silent`: records below these offsets were there before the daemon and fire nothing; 0 where they
    /// may.
    let silentBelow: [Int64]

    var tally = RecordTally()
    var placement: [PlacementReport]

    var running: RunningShare
    /// Records of the batch at hand for each input; reused.
    var order: [ContiguousArray<Int>]

    /// - Parameter starts: first offset to be read of each input.
    init(partition: PartitionID, context: RuntimeContext, starts: [Int64], silentBelow: [Int64]) {
        self.partition = partition
        self.context = context
        self.silentBelow = silentBelow
        let inputs = context.inputs
        engine = PartitionEngine(catalogue: context.configuration.catalogue, partition: partition)
        decoders = context.configuration.topics.usage.enumerated().map { index, topic in
            InputDecoder(
                UsageDecoder(
                    catalogue: context.configuration.catalogue, format: topic.format,
                    maxRecordBytes: context.configuration.runtime.maxRecordBytes),
                input: InputID(index))
        }
        profileDecoder = ProfileDecoder(maxRecordBytes: context.configuration.runtime.maxRecordBytes)
        next = starts
        placement = inputs.names.map {
            PlacementReport(
                topic: $0, keyMismatches: 0,
                partitioner: PartitionerAudit(partitionCount: context.partitionCount, partition: partition.rawValue))
        }
        running = RunningShare(epoch: 1, inputCount: inputs.count)
        order = Array(repeating: [], count: inputs.count)
    }

    // MARK: Batches

    /// Applies a batch: decodes, counts, encodes what follows from it into the running share.
    ///
    /// - Returns: bytes of output that the batch added.
    mutating func process(_ batch: MessageBatch) -> Int {
        let wallTime = context.clock.now()
        let bytesBefore = running.outputBytes
        tally.read += batch.count
        sortIntoInputs(batch)
        var taken = order.map { _ in 0 }
        while let input = nextInput(batch, taken: taken) {
            let end = endOfRun(input, batch, taken: taken)
            let run = taken[input.index]..<end
            if input == context.inputs.accounts {
                for place in run { applyProfile(batch, order[input.index][place], wallTime: wallTime) }
            } else {
                applyUsage(batch, run, input: input, wallTime: wallTime)
            }
            let last = batch.offset(at: order[input.index][end - 1])
            running.journal.append(
                run: input, first: batch.offset(at: order[input.index][taken[input.index]]), next: last + 1)
            taken[input.index] = end
        }
        return running.outputBytes - bytesBefore
    }

    /// Lists the records of each input, without those that were read before.
    private mutating func sortIntoInputs(_ batch: MessageBatch) {
        for input in order.indices { order[input].removeAll(keepingCapacity: true) }
        for record in 0..<batch.count {
            let input = batch.input(at: record)
            let offset = batch.offset(at: record)
            guard offset >= next[input] else {
                tally.replayed += 1
                continue
            }
            noteGap(input, before: offset)
            running.open(input, at: next[input])
            next[input] = offset + 1
            order[input].append(record)
        }
    }

    /// Counts offsets of a usage topic that held no record. They are legal where producers use transactions, whose markers
    /// take an offset each, and where a topic is compacted; elsewhere they would be records that never arrived.
    private mutating func noteGap(_ input: Int, before offset: Int64) {
        if input < context.inputs.usageCount { tally.gaps += Int(offset - next[input]) }
    }

    /// Takes note that an input has been read up to its end: nothing is to come before `offset`.
    mutating func reachEnd(_ input: Int, at offset: Int64) {
        guard offset > next[input] else { return }
        noteGap(input, before: offset)
        next[input] = offset
    }

    /// The input whose next record has the lowest timestamp; profiles first where equal, so that usage finds them.
    private func nextInput(_ batch: MessageBatch, taken: [Int]) -> InputID? {
        var best: Int?
        var bestTime = Int64.max
        for input in order.indices.reversed() where taken[input] < order[input].count {
            let time = batch.timestamp(at: order[input][taken[input]])
            if best == nil || time < bestTime {
                best = input
                bestTime = time
            }
        }
        return best.map(InputID.init(_:))
    }

    /// Where the run of `input` ends because a record of another input comes first.
    private func endOfRun(_ input: InputID, _ batch: MessageBatch, taken: [Int]) -> Int {
        let records = order[input.index]
        // The earliest record that waits in another input; of equal times the later input comes first (see
        // `nextInput`).
        var bound = Int64.max
        var boundWinsTies = false
        for other in order.indices where other != input.index && taken[other] < order[other].count {
            let time = batch.timestamp(at: order[other][taken[other]])
            let winsTies = other > input.index
            if time < bound || (time == bound && winsTies) {
                bound = time
                boundWinsTies = winsTies
            }
        }
        guard bound != .max else { return records.count }
        var end = taken[input.index] + 1
        while end < records.count {
            let time = batch.timestamp(at: records[end])
            if time > bound || (time == bound && boundWinsTies) { break }
            end += 1
        }
        return end
    }

    // MARK: Usage

    /// Decodes and applies a run of usage records (places in `order`), split where `firstStart: silent` ends.
    private mutating func applyUsage(_ batch: MessageBatch, _ run: Range<Int>, input: InputID, wallTime: Timestamp) {
        let boundary = silentBelow[input.index]
        var start = run.lowerBound
        while start < run.upperBound {
            let silent = batch.offset(at: order[input.index][start]) < boundary
            var end = run.upperBound
            if silent {
                end = start + 1
                while end < run.upperBound, batch.offset(at: order[input.index][end]) < boundary { end += 1 }
            }
            rows.removeAll()
            decoders[input.index].decode(
                batch, order[input.index], start..<end, into: &rows, placement: &placement[input.index])
            for refusal in decoders[input.index].refusals {
                reject(batch, refusal.record, refusal.rejection, stage: .decode, wallTime: wallTime)
            }
            tally.skipped += decoders[input.index].skipped
            tally.decoded += rows.events.count
            engine.apply(
                rows, 0..<rows.events.count, mode: silent ? .silent : .live, wallTime: wallTime, into: &effects)
            publishEffects(batch, wallTime: wallTime)
            start = end
        }
    }

    // MARK: Profiles

    private mutating func applyProfile(_ batch: MessageBatch, _ record: Int, wallTime: Timestamp) {
        let input = context.inputs.accounts
        let offset = batch.offset(at: record)
        guard let key = batch.key(at: record), key.byteCount > 0 else {
            let text = "a profile's key is the account id; expected a record with a key"
            reject(batch, record, Rejection(.missingKey, text), stage: .decode, wallTime: wallTime)
            return
        }
        guard let account = key.text else {
            let text = "the account id in the record's key is not UTF-8"
            reject(batch, record, Rejection(.invalidUTF8, text), stage: .decode, wallTime: wallTime)
            return
        }
        placement[input.index].partitioner.observe(key: key)
        let recordTime = Timestamp(milliseconds: batch.timestamp(at: record))
        rows.removeAll()
        guard let value = batch.value(at: record) else {
            engine.removeAccount(account, into: &effects)
            tally.profiles += 1
            publishEffects(batch, wallTime: wallTime)
            return
        }
        do {
            let profile = try profileDecoder.decode(
                value: value, recordTime: recordTime, catalogue: context.configuration.catalogue,
                timeZones: TimeZones.table(named:))
            let mode: FiringMode = offset < silentBelow[input.index] ? .silent : .live
            engine.apply(
                profile: profile, account: account, recordTime: recordTime,
                coordinates: InputCoordinates(input: input, offset: offset), mode: mode, into: &effects)
            tally.profiles += 1
            publishEffects(batch, wallTime: wallTime)
        } catch {
            reject(batch, record, error, stage: .decode, wallTime: wallTime)
        }
    }

    // MARK: Ticks

    /// - Returns: whether the clock moved, and the bytes of output that followed from it.
    mutating func tick(wallTime: Timestamp) -> (moved: Bool, bytes: Int) {
        let before = engine.clock
        let bytesBefore = running.outputBytes
        engine.tick(wallTime: wallTime, into: &effects)
        guard engine.clock != before else { return (false, 0) }
        running.journal.steps.append(.tick(wallTime: wallTime))
        publishEffects(nil, wallTime: wallTime)
        return (true, running.outputBytes - bytesBefore)
    }

    // MARK: Outputs

    /// Turns what the engine decided into finished bytes of the running share.
    private mutating func publishEffects(_ batch: MessageBatch?, wallTime: Timestamp) {
        guard !effects.isEmpty else { return }
        let topics = context.configuration.topics
        for trigger in effects.triggers {
            let value = context.encoder.encode(trigger, partition: partition, detectionTime: wallTime)
            running.add(trigger: .cloudEvent(topic: topics.triggers, account: trigger.account, value: value))
        }
        for held in effects.held {
            let value = context.encoder.encode(held: held, partition: partition, detectionTime: wallTime)
            running.add(held: .cloudEvent(topic: topics.held, account: held.trigger.account, value: value))
        }
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
        effects.removeAll()
    }

    private mutating func reject(
        _ batch: MessageBatch, _ record: Int, _ rejection: Rejection, stage: DeadLetterStage, wallTime: Timestamp
    ) {
        tally.rejected[rejection.reason, default: 0] += 1
        running.add(
            deadLetter: context.deadLetters.letter(
                for: batch, at: record, rejection: rejection, stage: stage, wallTime: wallTime))
    }

    // MARK: Epochs

    /// Takes the running share and starts the next one; nil where nothing was read and nothing moved.
    mutating func freeze() -> FrozenShare? {
        guard !running.isEmpty else { return nil }
        let full = exchange(&running, with: RunningShare(epoch: running.epoch + 1, inputCount: context.inputs.count))
        return full.frozen(partition: partition, next: next)
    }

    // MARK: Looks

    func snapshot() -> PartitionSnapshot {
        PartitionSnapshot(
            partition: partition, clock: engine.clock, tally: tally, engine: engine.statistics, next: next,
            placement: placement)
    }

    /// Usage of every account on a meter without dimension, in the order of the account table.
    func usage(of meter: MeterID) -> [AccountUsage] {
        var accounts: [String] = []
        engine.forEachAccount { accounts.append($0) }
        return accounts.map {
            AccountUsage(account: $0, usage: engine.usage(account: $0, meter: meter, dimension: nil) ?? 0)
        }
    }
}

/// What the running epoch of a partition has gathered so far; see `FrozenShare`.
struct RunningShare {
    let epoch: UInt64
    var journal = JournalEntry()
    private var triggers: [OutputRecord] = []
    private var held: [OutputRecord] = []
    private var deadLetters: [OutputRecord] = []
    /// Bytes of the outputs so far; the poll loop stops reading when all partitions together hold too many.
    private(set) var outputBytes = 0
    /// Where each input stood when the epoch first read from it; nil where it has not.
    private var opened: [Int64?]

    init(epoch: UInt64, inputCount: Int) {
        self.epoch = epoch
        opened = Array(repeating: nil, count: inputCount)
    }

    var isEmpty: Bool { journal.steps.isEmpty && triggers.isEmpty && held.isEmpty && deadLetters.isEmpty }

    mutating func open(_ input: Int, at offset: Int64) {
        if opened[input] == nil { opened[input] = offset }
    }

    mutating func add(trigger: OutputRecord) {
        outputBytes += trigger.byteCount
        triggers.append(trigger)
    }

    mutating func add(held record: OutputRecord) {
        outputBytes += record.byteCount
        held.append(record)
    }

    mutating func add(deadLetter: OutputRecord) {
        outputBytes += deadLetter.byteCount
        deadLetters.append(deadLetter)
    }

    func frozen(partition: PartitionID, next: [Int64]) -> FrozenShare {
        let positions = zip(opened, next).map { InputPosition(before: $0 ?? $1, after: $1) }
        return FrozenShare(
            partition: partition, epoch: epoch, positions: positions, journal: journal, stateChunks: [],
            triggers: triggers, held: held, deadLetters: deadLetters)
    }
}
