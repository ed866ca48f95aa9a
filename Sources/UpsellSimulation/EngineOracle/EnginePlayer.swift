internal import UpsellEngine
internal import UpsellModel

/// Takes an engine through a history.
struct EnginePlayer: ~Copyable {
    private(set) var engine: PartitionEngine
    private var scene: EngineScene
    private var effects = Effects()
    private var offset: Int64 = 0
    /// Everything that went out or was held, in order, whole.
    private(set) var record = EngineRecord()

    init(_ scene: EngineScene, plant: PlantedEngineBug?) {
        self.scene = scene
        engine = PartitionEngine(catalogue: scene.catalogue, partition: PartitionID(0))
        engine.planted = plant
    }

    /// - Returns: what was said, by account.
    mutating func play(_ step: EngineStep, isSilent: Bool) -> [[EngineSaid]] {
        effects.removeAll()
        let mode: FiringMode = isSilent ? .silent : .live
        switch step {
        case .usage(let usage):
            var batch = EventBatch()
            append(usage, to: &batch)
            engine.apply(batch, 0..<1, mode: mode, wallTime: .latest, into: &effects)
        case .profile(let account, let profile):
            offset += 1
            engine.apply(
                profile: profile.profile(of: scene.accounts[account], scene), account: scene.accounts[account].name,
                recordTime: Timestamp(milliseconds: profile.time),
                coordinates: InputCoordinates(input: InputID(1), offset: offset), mode: mode, into: &effects)
        case .tick(let wall): engine.tick(wallTime: Timestamp(milliseconds: wall), into: &effects)
        case .reload(let next):
            scene = next
            engine.adopt(next.catalogue, into: &effects)
        case .control(let rule, let order):
            let action: ControlCommand.Action =
                switch order {
                case .pause: .pause
                case .shadow: .shadow
                case .resume: .resume
                }
            engine.apply(
                control: ControlCommand(
                    offset: engine.nextControl, action: action, rule: rule, by: "somebody", time: engine.clock),
                into: &effects)
        case .feedback(let feedback): tell(feedback)
        }
        record.append(effects)
        return said()
    }

    private mutating func tell(_ told: EngineFeedback) {
        let account = scene.accounts[told.account].name
        let sent = record.triggers.filter { $0.account == account }
        guard told.back < sent.count else { return }
        let time = Timestamp(milliseconds: told.time)
        var feedback = Feedback(
            id: "feedback \(told.identity)", trigger: sent[sent.count - 1 - told.back].id,
            kind: told.snoozedUntil == nil ? .dismissed : .snoozed, time: time)
        feedback.until = told.snoozedUntil.map(Timestamp.init(milliseconds:))
        engine.apply(feedback: feedback, account: account, recordTime: time, into: &effects)
    }

    /// Writes the whole state and goes on with an engine that has read it.
    mutating func restore(plant: PlantedEngineBug?) throws {
        let slices = 2
        var restorer = EngineRestorer(
            catalogue: scene.catalogue, partition: PartitionID(0), slices: slices,
            timeZones: { [accounts = scene.accounts] name in EngineProfile.zone(name, accounts) })
        restorer.baseEmpty()
        var writer = BinaryWriter()
        engine.writeDelta(into: &writer)
        var reader = BinaryReader(writer.bytes)
        try restorer.apply(delta: &reader)
        for slice in 0..<slices {
            writer = BinaryWriter()
            engine.writeSlice(slice, of: slices, into: &writer)
            reader = BinaryReader(writer.bytes)
            try restorer.apply(slice: slice, reader: &reader)
        }
        engine = try restorer.finish()
        engine.planted = plant
    }

    private mutating func append(_ usage: EngineUsage, to batch: inout EventBatch) {
        let name = scene.accounts[usage.account].name
        let range = ByteRange(offset: UInt32(batch.arena.count), count: UInt32(name.utf8.count))
        batch.arena.append(contentsOf: name.utf8)
        let first = batch.readings.count
        for (meter, quantity) in usage.readings {
            batch.readings.append(Reading(meter: MeterID(meter), quantity: quantity))
        }
        let flags: UsageEvent.Flags =
            switch usage.flag {
            case .none: []
            case .backfill: .backfill
            case .snapshot: .snapshot
            }
        offset += 1
        batch.events.append(
            UsageEvent(
                identity: StableHash.of("event \(usage.identity)"), time: Timestamp(milliseconds: usage.time),
                recordTime: Timestamp(milliseconds: usage.record), accountHash: StableHash.of(name), account: range,
                firstReading: UInt32(first), readingCount: UInt16(usage.readings.count), flags: flags,
                input: InputID(0), offset: offset, record: UInt32(batch.events.count)))
    }

    func usage(_ account: Int, _ meter: Int) -> Int64? {
        engine.usage(account: scene.accounts[account].name, meter: MeterID(meter))
    }

    private func said() -> [[EngineSaid]] {
        var said: [[EngineSaid]] = scene.accounts.map { _ in [] }
        // Triggers and held ones are two lists of one order each; the oracle's is split the same way.
        for trigger in effects.triggers { append(trigger, nil, nil, to: &said) }
        for held in effects.held { append(held.trigger, held.reason, held.until, to: &said) }
        return said
    }

    private func append(_ trigger: Trigger, _ held: HoldReason?, _ until: Timestamp?, to said: inout [[EngineSaid]]) {
        guard let account = scene.accounts.firstIndex(where: { $0.name == trigger.account }) else { return }
        var limit: Int64?
        if case .of(let amount)? = trigger.usage?.limit { limit = amount }
        said[account].append(
            EngineSaid(
                rule: trigger.rule, held: held, crossed: trigger.usage?.crossed ?? [],
                current: trigger.usage?.current ?? 0, cause: trigger.cause, limit: limit,
                episode: trigger.episode.milliseconds, until: until?.milliseconds))
    }
}

extension EngineProfile {
    static func zone(_ name: String, _ accounts: [EngineScene.AccountShape]) -> TimeZoneTable? {
        accounts.first { "Test/\($0.offset)" == name }.map {
            TimeZoneTable(name: name, transitions: [], offsets: [$0.offset])
        }
    }
}

/// What an engine said, whole, so that two can be compared.
struct EngineRecord: Equatable {
    var triggers: [Trigger] = []
    var held: [HeldTrigger] = []

    mutating func append(_ effects: Effects) {
        triggers += effects.triggers
        held += effects.held
    }
}
