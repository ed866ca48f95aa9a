package import KafkaTransport
internal import UpsellConfiguration
package import UpsellEngine
package import UpsellModel
internal import UpsellStateLog
internal import UpsellWire

/// Everything a partition's queue owns. See `PartitionWorker`.
package struct PartitionState: ~Copyable {
    package let partition: PartitionID
    /// A reload replaces it.
    private(set) var context: RuntimeContext

    package internal(set) var engine: PartitionEngine
    var effects = Effects()
    /// One for each usage topic, since topics differ in format.
    var decoders: [InputDecoder]
    var profileDecoder: ProfileDecoder
    var feedbackDecoder: FeedbackDecoder
    var rows = EventBatch()

    /// What the state knows of each input; `after` is the next offset, what lies below has been read.
    private(set) var marks: [InputMark]
    /// First start: profiles are read up to this offset before usage is judged; 0 once that is over.
    package private(set) var profilesUntil: Int64
    private(set) var configuration: ConfigurationMark
    private var slices: SliceSchedule
    /// End of the state partition when this was made.
    package let stateEnd: Int64

    package var sabotage: Sabotage?

    /// Bugs that the simulator plants. Always nil in the daemon.
    package enum Sabotage: String, Sendable, CaseIterable {
        /// Control records are applied again.
        case repeatedControls
    }

    var tally = RecordTally()
    var placement: [PlacementReport]

    var running: RunningShare
    /// Records of which follows what Kafka has refused again and again: they are dead-lettered by reference, unapplied.
    private let banned: Set<InputCoordinates>
    /// Records of the batch at hand for each input; reused.
    var order: [ContiguousArray<Int>]
    private var payload = StatePayloadWriter()

    /// Begins a partition that has neither state nor offset.
    ///
    /// - Parameter inputs: first and next offset of each input.
    package init(genesis partition: PartitionID, context: RuntimeContext, inputs: [(low: Int64, high: Int64)]) {
        let silent = context.configuration.catalogue.policy.firstStart == .silent
        let marks = inputs.enumerated().map { index, range in
            InputMark(
                topicHash: context.topicHashes[index], before: range.low, after: range.low,
                silentBelow: silent ? range.high : 0, lastOffset: -1, lastTimestamp: 0, lastChecksum: 0)
        }
        let accounts = inputs[context.inputs.accounts.index]
        self.init(
            partition: partition, context: context,
            engine: PartitionEngine(
                catalogue: context.configuration.catalogue, partition: partition,
                partitionCount: context.partitionCount), marks: marks,
            profilesUntil: accounts.low < accounts.high ? accounts.high : 0, configuration: context.configurationMark,
            slices: context.slicing.schedule(restoreFrom: 0), epoch: 0, stateEnd: 0)
        for (index, mark) in self.marks.enumerated() {
            running.append(
                .start(
                    input: InputID(index), topicHash: mark.topicHash, offset: mark.after,
                    silentBelow: mark.silentBelow))
        }
        running.isDue = true
    }

    /// Goes on where a restored partition stood; takes on the present catalogue if it was written under another.
    package init(
        restored: consuming RestoredPartition, context: RuntimeContext, banned: Set<InputCoordinates> = []
    ) {
        let header = restored.header
        self.init(
            partition: header.partition, context: context, engine: restored.engine, marks: header.inputs,
            profilesUntil: header.profilesUntil, configuration: header.configuration, slices: restored.slices,
            epoch: header.epoch + 1, stateEnd: restored.stateEnd, banned: banned)
        beginNewInputs(lows: restored.lows)
        for index in marks.indices {
            marks[index].before = marks[index].after
            if let loss = restored.losses.first(where: { $0.input.index == index }) {
                marks[index].after = loss.to
                tally.lost += Int(loss.to - loss.from)
            }
            // What compaction and retention took of the profiles was replaced by later ones.
            if index == context.inputs.accounts.index, index < restored.lows.count {
                marks[index].after = max(marks[index].after, restored.lows[index])
            }
        }
        guard context.configurationMark.contentHash != configuration.contentHash else { return }
        adoptCatalogue()
    }

    private init(
        partition: PartitionID, context: RuntimeContext, engine: consuming PartitionEngine, marks: [InputMark],
        profilesUntil: Int64, configuration: ConfigurationMark, slices: SliceSchedule, epoch: UInt64, stateEnd: Int64,
        banned: Set<InputCoordinates> = []
    ) {
        self.partition = partition
        self.context = context
        self.engine = engine
        self.marks = marks
        self.profilesUntil = profilesUntil
        self.configuration = configuration
        self.slices = slices
        self.stateEnd = stateEnd
        self.banned = banned
        let inputs = context.inputs
        decoders = Self.decoders(context)
        profileDecoder = ProfileDecoder(maxRecordBytes: context.configuration.runtime.maxRecordBytes)
        feedbackDecoder = FeedbackDecoder(maxRecordBytes: context.configuration.runtime.maxRecordBytes)
        placement = inputs.names.map {
            PlacementReport(
                topic: $0, keyMismatches: 0,
                partitioner: PartitionerAudit(partitionCount: context.partitionCount, partition: partition.rawValue))
        }
        running = RunningShare(epoch: epoch, inputCount: inputs.count)
        order = Array(repeating: [], count: inputs.count)
    }

    private static func decoders(_ context: RuntimeContext) -> [InputDecoder] {
        context.configuration.topics.usage.enumerated().map { index, topic in
            InputDecoder(
                UsageDecoder(
                    catalogue: context.configuration.catalogue, format: topic.format,
                    maxRecordBytes: context.configuration.runtime.maxRecordBytes),
                input: InputID(index))
        }
    }

    /// Inputs that came after the log was written begin where their topics do.
    private mutating func beginNewInputs(lows: [Int64]) {
        for index in marks.count..<max(marks.count, context.inputs.count) {
            let low = index < lows.count ? lows[index] : 0
            marks.append(InputMark(topicHash: context.topicHashes[index], before: low, after: low))
            running.append(
                .start(input: InputID(index), topicHash: context.topicHashes[index], offset: low, silentBelow: 0))
            running.isDue = true
        }
    }

    /// Next offset of each input.
    package var next: [Int64] { marks.map(\.after) }

    /// Takes on another configuration: other decoders, words and bounds at once, and another catalogue over the state.
    ///
    /// - Returns: what it added to the epoch; a trigger where a changed rule is to be evaluated.
    @discardableResult
    package mutating func reload(_ next: RuntimeContext) -> Added {
        context = next
        decoders = Self.decoders(next)
        guard next.configurationMark.contentHash != configuration.contentHash else { return Added() }
        let before = running.outputBytes
        adoptCatalogue()
        return Added(bytes: running.outputBytes - before, records: 0)
    }

    private mutating func adoptCatalogue() {
        let wallTime = context.clock.now()
        running.begin(batchAt: wallTime)
        engine.adopt(context.configuration.catalogue, into: &effects)
        configuration = ConfigurationMark(
            sequence: max(context.configurationMark.sequence, configuration.sequence),
            contentHash: context.configurationMark.contentHash)
        running.append(.configuration(configuration, body: context.catalogueBody))
        running.isDue = true
        publishEffects(nil, wallTime: wallTime)
    }

    // MARK: Batches

    /// Applies a batch: decodes, counts, encodes what follows from it into the running share.
    ///
    /// - Returns: what the batch added to the epoch.
    @discardableResult
    package mutating func process(_ batch: MessageBatch) -> Added {
        let wallTime = context.clock.now()
        let before = (bytes: running.outputBytes, records: running.inputRecords)
        tally.read += batch.count
        sortIntoInputs(batch)
        // What was read before makes no epoch.
        if order.contains(where: { !$0.isEmpty }) { running.begin(batchAt: wallTime) }
        var taken = order.map { _ in 0 }
        while let input = nextInput(batch, taken: taken) {
            let end = endOfRun(input, batch, taken: taken)
            let run = taken[input.index]..<end
            if input == context.inputs.accounts {
                for place in run { applyProfile(batch, order[input.index][place], wallTime: wallTime) }
            } else {
                if input == context.inputs.feedback {
                    for place in run { applyFeedback(batch, order[input.index][place], wallTime: wallTime) }
                } else {
                    applyUsage(batch, run, input: input, wallTime: wallTime)
                }
                let last = batch.offset(at: order[input.index][end - 1])
                running.append(
                    run: input, first: batch.offset(at: order[input.index][taken[input.index]]), next: last + 1,
                    records: run.count)
            }
            taken[input.index] = end
        }
        noteLastRecords(batch)
        return Added(bytes: running.outputBytes - before.bytes, records: running.inputRecords - before.records)
    }

    /// Keeps what tells the last record read from another one at the same offset, should the topic be made anew.
    private mutating func noteLastRecords(_ batch: MessageBatch) {
        for input in order.indices {
            guard let record = order[input].last else { continue }
            marks[input].lastOffset = batch.offset(at: record)
            marks[input].lastTimestamp = batch.timestamp(at: record)
            marks[input].lastChecksum = RecordChecksum.of(batch, at: record)
        }
    }

    /// Lists the records of each input, without those that were read before.
    private mutating func sortIntoInputs(_ batch: MessageBatch) {
        for input in order.indices { order[input].removeAll(keepingCapacity: true) }
        for record in 0..<batch.count {
            let input = batch.input(at: record)
            let offset = batch.offset(at: record)
            guard offset >= marks[input].after else {
                tally.replayed += 1
                continue
            }
            noteGap(input, before: offset)
            running.open(input, at: marks[input].after)
            marks[input].after = offset + 1
            if !banned.isEmpty, banned.contains(InputCoordinates(input: InputID(input), offset: offset)) {
                rejectBanned(batch, record)
            } else {
                order[input].append(record)
            }
        }
    }

    /// Counts offsets of a usage topic that held no record. They are legal where producers use transactions, whose markers
    /// take an offset each, and where a topic is compacted; elsewhere they would be records that never arrived.
    private mutating func noteGap(_ input: Int, before offset: Int64) {
        if input < context.inputs.usageCount { tally.gaps += Int(offset - marks[input].after) }
    }

    /// Takes note that an input has been read up to its end: nothing is to come before `offset`.
    ///
    /// - Returns: whether that is something the state has to know.
    @discardableResult
    package mutating func reachEnd(_ input: Int, at offset: Int64) -> Bool {
        if input == context.inputs.accounts.index, profilesUntil > 0, offset >= profilesUntil {
            profilesUntil = 0
            running.isDue = true
        }
        guard offset > marks[input].after else { return running.isDue }
        noteGap(input, before: offset)
        // No record lies between, so the position goes out with the next epoch that has something to say.
        running.open(input, at: marks[input].after)
        marks[input].after = offset
        return running.isDue
    }

    /// The input whose next record has the lowest timestamp; feedback and profiles first where equal, so that usage finds
    /// them.
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
        let boundary = marks[input.index].silentBelow
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

    /// The account that a record's key names; a record without is dead-lettered.
    mutating func account(in batch: MessageBatch, _ record: Int, wallTime: Timestamp) -> String? {
        guard let key = batch.key(at: record), key.byteCount > 0 else {
            let text = "the record's key is the account id; expected a record with a key"
            reject(batch, record, Rejection(.missingKey, text), stage: .decode, wallTime: wallTime)
            return nil
        }
        guard let account = key.text else {
            let text = "the account id in the record's key is not UTF-8"
            reject(batch, record, Rejection(.invalidUTF8, text), stage: .decode, wallTime: wallTime)
            return nil
        }
        return account
    }

    private mutating func applyProfile(_ batch: MessageBatch, _ record: Int, wallTime: Timestamp) {
        let input = context.inputs.accounts
        let offset = batch.offset(at: record)
        running.append(
            profile: .profile(
                offset: offset, recordTime: Timestamp(milliseconds: batch.timestamp(at: record)),
                key: batch.key(at: record)?.copied ?? [], value: batch.value(at: record)?.copied))
        guard let account = account(in: batch, record, wallTime: wallTime) else { return }
        placement[input.index].partitioner.observe(key: batch.key(at: record))
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
            let mode: FiringMode = offset < marks[input.index].silentBelow ? .silent : .live
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

    /// What a tick did.
    package struct Tick: Sendable {
        /// The clock moved, or timers ran.
        package var moved = false
        /// More timers are due: the same tick goes on behind what is queued meanwhile.
        package var isUnfinished = false
        package var added = Added()
    }

    package mutating func tick(wallTime: Timestamp) -> Tick {
        let before = (clock: engine.clock, timers: engine.statistics.timers, bytes: running.outputBytes)
        var tick = Tick()
        tick.isUnfinished = engine.tick(wallTime: wallTime, into: &effects)
        // Timers that are due at one instant may take several slices, in which the clock stands still.
        tick.moved = engine.clock != before.clock || engine.statistics.timers != before.timers || !effects.isEmpty
        guard tick.moved else { return tick }
        running.append(.tick(wallTime: wallTime))
        publishEffects(nil, wallTime: wallTime)
        tick.added = Added(bytes: running.outputBytes - before.bytes, records: 0)
        return tick
    }

    // MARK: Epochs

    /// Takes the running share and starts the next one; nil where nothing was read and nothing moved.
    ///
    /// - Parameter stateEnd: no record of this epoch will lie below it in the state partition.
    package mutating func freeze(stateEnd: Int64) -> FrozenShare? {
        guard !running.isEmpty else { return nil }
        assert(engine.statistics.isBalanced, "a signal is in no state, or in two: \(engine.statistics)")
        let full = exchange(&running, with: RunningShare(epoch: running.epoch + 1, inputCount: context.inputs.count))
        let positions = full.positions(next: next)
        for (index, position) in positions.enumerated() { marks[index].before = position.before }
        var records: [OutputRecord] = []
        if context.keepsLog {
            for chunk in stateChunks(epoch: full.epoch, stateEnd: stateEnd) {
                records.append(
                    OutputRecord(
                        topic: context.configuration.topics.state, partition: partition.rawValue, value: chunk))
            }
            let journal = JournalRecord(
                partition: partition, epoch: full.epoch, writer: context.writer, configuration: configuration,
                steps: full.steps)
            for record in journal.records() {
                records.append(
                    OutputRecord(
                        topic: context.configuration.topics.journal, partition: partition.rawValue, value: record))
            }
        }
        records += full.triggers
        records += full.held
        records += full.outcomes
        records += openRecords(full.openChanged)
        records += full.deadLetters
        let mark = OffsetMark(epoch: full.epoch, restoreFrom: slices.restoreFrom, writer: context.writer)
        return FrozenShare(
            partition: partition, epoch: full.epoch, positions: positions, steps: full.steps, records: records,
            offset: GroupOffset(
                partition: partition.rawValue, offset: positions[0].after, metadata: mark.text),
            inputRecords: full.inputRecords, restoreFrom: slices.restoreFrom, outputBytes: full.outputBytes)
    }

    /// Everything that changed, as finished records: a delta and, if they are due, slices.
    ///
    /// The catalogue comes before what was written under it, and with every slice, so that a restore can begin there.
    private mutating func stateChunks(epoch: UInt64, stateEnd: Int64) -> [[UInt8]] {
        payload.removeAll()
        let isGenesis = epoch == 0
        // After another catalogue was put over the state the delta has everything in it.
        let isComplete = engine.isCompleteDeltaDue
        let hasSlices = isGenesis || slices.due != nil
        if hasSlices || isComplete {
            let body = context.catalogueBody
            payload.append(.catalogue) { $0.put(raw: body) }
        }
        payload.append(.delta) { engine.writeDelta(into: &$0) }
        if isComplete { slices.wroteEverything(lowerBound: stateEnd) }
        var sliceBytes = 0
        if isGenesis {
            for index in 0..<slices.count { sliceBytes += add(SliceID(index, of: slices.count), stateEnd: stateEnd) }
        }
        // After a large delta several are due.
        while hasSlices, let next = slices.due { sliceBytes += add(next, stateEnd: stateEnd) }
        let chunks = payload.chunks(
            header: ChunkHeader(
                partition: partition, partitionCount: context.partitionCount, epoch: epoch, isGenesis: isGenesis,
                inputs: marks, profilesUntil: profilesUntil, configuration: configuration, writer: context.writer,
                restoreFrom: slices.restoreFrom))
        // Headers count: a partition at rest writes little else.
        slices.wrote(deltaBytes: max(0, chunks.reduce(0) { $0 + $1.count } - sliceBytes))
        return chunks
    }

    private mutating func add(_ slice: SliceID, stateEnd: Int64) -> Int {
        let bytes = payload.append(slice: slice) { engine.writeSlice(slice.index, of: slice.count, into: &$0) }
        slices.wrote(slice: slice, bytes: bytes, lowerBound: stateEnd)
        return bytes
    }

    // MARK: Looks

    package func snapshot() -> PartitionSnapshot {
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

/// What an input added to the running epoch.
package struct Added: Sendable, Equatable {
    /// Of triggers, held triggers and dead letters.
    package var bytes = 0
    package var records = 0
}
