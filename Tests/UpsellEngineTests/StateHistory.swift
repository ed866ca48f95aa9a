import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// A random history of inputs, writes and reloads, decided beforehand so that several engines can be taken through it.
struct StateHistory {
    enum Step {
        case batch(EventBatch, FiringMode)
        case profile(Profile, account: String, offset: Int64, FiringMode)
        case tick(Timestamp)
        case removal(String)
        /// On the trigger of the account that is open at this place, else on one that nobody knows.
        case feedback(Feedback, account: String, pick: Int)
        case control(ControlCommand)
        case reload(Catalogue)
        /// A delta, then slices.
        case write(slices: [Int])
    }

    static let slices = 8

    let catalogue: Catalogue
    private(set) var steps: [Step] = []

    init(seed: UInt64, catalogue: Catalogue, steps count: Int = 300, reloads: Bool = true) {
        self.catalogue = catalogue
        var source = FuzzSource(seed: seed, catalogue: catalogue)
        var events = ScenarioEvents()
        var now = ScenarioTime.at("2026-01-27")
        let silentUntil = source.dice(3) == 0 ? 60 : 0
        var due = 0
        for step in 0..<count {
            now = now + source.span(0...(.millisecondsPerHour * 3))
            if source.dice(60) == 0 { now = now + Int64(source.dice(12)) * .millisecondsPerDay }
            let mode: FiringMode = step < silentUntil ? .silent : .live
            let account = "acct-\(source.dice(12))"
            switch source.dice(26) {
            case 0..<15:
                for _ in 0...source.dice(4) { source.use("acct-\(source.dice(12))", now, &events) }
                steps.append(.batch(events.batch, mode))
                events.batch.removeAll()
            case 15...17:
                let profile = source.dealing(source.profile(now), now)
                steps.append(.profile(profile, account: account, offset: Int64(step), mode))
            case 18: if mode == .live { steps.append(.tick(now)) }
            case 19: if source.dice(2) == 0 { steps.append(.removal(account)) }
            case 20:
                guard reloads, source.dice(4) == 0 else { break }
                source.catalogue = source.changed(source.catalogue)
                steps.append(.reload(source.catalogue))
            case 21...23:
                var feedback = Feedback(
                    id: "feedback-\(source.dice(60))", trigger: TriggerID(high: 0, low: UInt64(step)),
                    kind: Feedback.Kind.allCases[source.dice(Feedback.Kind.allCases.count)], time: now)
                if source.dice(3) == 0 { feedback.recipient = "csm" }
                if source.dice(2) == 0 { feedback.until = now + Int64(source.dice(90)) * .millisecondsPerHour }
                steps.append(.feedback(feedback, account: account, pick: source.dice(4)))
            case 24:
                let rule = source.catalogue.rules[source.dice(source.catalogue.rules.count)].name
                let action: ControlCommand.Action =
                    [.pause, .shadow, .resume, .resume, .fireTest(account: account)][source.dice(5)]
                steps.append(
                    .control(
                        ControlCommand(offset: Int64(step), action: action, rule: rule, by: "ann", time: now)))
            default: break
            }
            guard source.dice(3) == 0 else { continue }
            var written: [Int] = []
            for _ in 0..<[0, 0, 1, 1, 2, 8][source.dice(6)] {
                written.append(due % Self.slices)
                due += 1
            }
            steps.append(.write(slices: written))
        }
        steps.append(.write(slices: []))
    }

    /// Takes an engine through one step.
    ///
    /// - Returns: for a write what was written.
    static func play(_ step: Step, _ engine: inout PartitionEngine, _ effects: inout Effects) -> StateRecord? {
        switch step {
        case .batch(let batch, let mode):
            engine.apply(batch, 0..<batch.events.count, mode: mode, wallTime: .latest, into: &effects)
        case .profile(let profile, let account, let offset, let mode):
            engine.apply(
                profile: profile, account: account, recordTime: profile.time,
                coordinates: InputCoordinates(input: InputID(1), offset: offset), mode: mode, into: &effects)
        case .tick(let time): engine.tick(wallTime: time, into: &effects)
        case .removal(let account): engine.removeAccount(account, into: &effects)
        case .feedback(var feedback, let account, let pick):
            let open = engine.openTriggers(account: account)
            if !open.isEmpty { feedback.trigger = open[pick % open.count].id }
            engine.apply(feedback: feedback, account: account, recordTime: feedback.time, into: &effects)
        case .control(let command): engine.apply(control: command, into: &effects)
        case .reload(let catalogue): engine.adopt(catalogue, into: &effects)
        case .write(let slices): return StateRecord(&engine, slices)
        }
        return nil
    }
}

/// What was written at one time.
struct StateRecord: Equatable {
    /// In force when it was written; a restore that begins here begins under it.
    var catalogue: Catalogue
    var isComplete: Bool
    var delta: [UInt8]
    var slices: [[UInt8]] = []
    var indexes: [Int]

    init(_ engine: inout PartitionEngine, _ indexes: [Int]) {
        catalogue = engine.program.catalogue
        isComplete = engine.isCompleteDeltaDue
        self.indexes = indexes
        var writer = BinaryWriter()
        engine.writeDelta(into: &writer)
        delta = writer.bytes
        for index in indexes {
            writer = BinaryWriter()
            engine.writeSlice(index, of: StateHistory.slices, into: &writer)
            slices.append(writer.bytes)
        }
    }

    /// The whole state: all slices, as they are after a delta.
    static func image(_ engine: borrowing PartitionEngine) -> [[UInt8]] {
        (0..<StateHistory.slices).map {
            var writer = BinaryWriter()
            engine.writeSlice($0, of: StateHistory.slices, into: &writer)
            return writer.bytes
        }
    }

    static func zone(_ name: String) -> TimeZoneTable? {
        [ScenarioTime.berlin, ScenarioTime.zone(named: "Kolkata"), .utc].compactMap { $0 }.first { $0.name == name }
    }

    /// Reads a log from its beginning (`isWhole`) or from somewhere within.
    static func restore(_ log: ArraySlice<StateRecord>, isWhole: Bool) throws -> PartitionEngine {
        guard let first = log.first else { throw EngineRestoreError.missing(slices: []) }
        var restorer = EngineRestorer(
            catalogue: first.catalogue, partition: PartitionID(0), slices: StateHistory.slices, timeZones: zone)
        if isWhole { restorer.baseEmpty() }
        for record in log {
            if record.isComplete {
                restorer = EngineRestorer(
                    catalogue: record.catalogue, partition: PartitionID(0), slices: StateHistory.slices,
                    timeZones: zone)
            }
            var reader = BinaryReader(record.delta)
            try restorer.apply(delta: &reader)
            guard reader.isAtEnd else { throw EngineRestoreError.inconsistent("a delta is longer than was read") }
            for (index, bytes) in zip(record.indexes, record.slices) {
                reader = BinaryReader(bytes)
                try restorer.apply(slice: index, reader: &reader)
                guard reader.isAtEnd else { throw EngineRestoreError.inconsistent("a slice is longer than was read") }
            }
        }
        return try restorer.finish()
    }
}

extension FuzzSource {
    /// Another catalogue after one: limits, rules, bounds, definitions or the order of meters.
    mutating func changed(_ catalogue: Catalogue) -> Catalogue {
        var next = catalogue
        switch dice(catalogue.behaviours.isEmpty ? 7 : 8) {
        case 0: next.plans[0].limits[dice(next.meters.count)].limit = .of(Int64(dice(120)))
        case 1: next.policy.grace = Int64(1 + dice(40)) * .millisecondsPerHour
        case 2: next.policy.dedupCapacity = [20, 50, 500_000][dice(3)]
        case 3:
            guard case .limit(var signal) = next.rules[dice(next.rules.count)].signal else { break }
            signal.thresholds = [Int64(3000 + dice(4000)), 9000]
            signal.unit = .percent
            next.rules.append(
                Rule(
                    name: "late-\(dice(1000))", signal: .limit(signal), onChange: dice(2) == 0 ? .silent : .evaluate))
        case 4: next.meters[dice(next.meters.count)].uniqueMax += 1
        case 5: next.rules.remove(at: dice(next.rules.count))
        case 6 where !next.behaviours.isEmpty: next.behaviours[dice(next.behaviours.count)].eventTypes.append("more")
        default: next = rotated(next)
        }
        if dice(3) == 0 { next = DealingsHistory.vary(next, &generator) }
        if dice(3) == 0 { next.policy.waitDuration = Int64(1 + dice(6)) * .millisecondsPerDay }
        return next
    }

    /// A profile with what qualification asks for.
    mutating func dealing(_ profile: Profile, _ now: Timestamp) -> Profile {
        var profile = profile
        if dice(6) == 0 {
            profile.status = [.cancelled, .cancelling, .pastDue, .paused, .trialing][dice(5)]
        }
        if dice(6) == 0 { profile.optOut = [["email"], ["in_app"], ["email", "push", "in_app"]][dice(3)] }
        if dice(2) == 0 {
            profile.mrr = Int64(dice(5)) * 1000
            profile.currency = "EUR"
            profile.locale = "uk"
            profile.owner = "ann"
            profile.attributes = [Profile.Attribute(name: "size", json: "12", texts: ["12"])]
            profile.shareable = ["size"]
        }
        return profile
    }

    /// The last meter comes first.
    private func rotated(_ catalogue: Catalogue) -> Catalogue {
        var next = catalogue
        let count = catalogue.meters.count
        next.meters = [catalogue.meters[count - 1]] + catalogue.meters[..<(count - 1)]
        for plan in next.plans.indices {
            let limits = catalogue.plans[plan].limits
            next.plans[plan].limits = [limits[count - 1]] + limits[..<(count - 1)]
        }
        for addOn in next.addOns.indices {
            let adds = catalogue.addOns[addOn].adds
            next.addOns[addOn].adds = [adds[count - 1]] + adds[..<(count - 1)]
        }
        for rule in next.rules.indices { next.rules[rule].signal = next.rules[rule].signal.moved(count) }
        return next
    }
}

extension Signal {
    /// The same signal where each of `count` meters has moved by one.
    func moved(_ count: Int) -> Signal {
        func next(_ meter: MeterID) -> MeterID { MeterID((meter.index + 1) % count) }
        func next(_ source: SignalSource) -> SignalSource {
            guard case .meter(let meter) = source.stream else { return source }
            return SignalSource(.meter(next(meter)), features: source.features)
        }
        switch self {
        case .limit(var signal):
            signal.meter = next(signal.meter)
            return .limit(signal)
        case .pace(var signal):
            signal.meter = next(signal.meter)
            return .pace(signal)
        case .gate(var signal):
            signal.source = next(signal.source)
            return .gate(signal)
        case .adoption(var signal):
            for stage in signal.stages.indices { signal.stages[stage].source = next(signal.stages[stage].source) }
            return .adoption(signal)
        case .trial(var signal):
            signal.usage = signal.usage.map(next)
            return .trial(signal)
        case .event(var signal):
            if case .source(let source) = signal.what { signal.what = .source(next(source)) }
            signal.usage = signal.usage.map(next)
            return .event(signal)
        case .growth(var signal):
            signal.meter = next(signal.meter)
            return .growth(signal)
        case .sustained(var signal):
            signal.meter = next(signal.meter)
            return .sustained(signal)
        case .absence(var signal):
            signal.source = next(signal.source)
            return .absence(signal)
        case .digest(var signal):
            signal.usage = signal.usage.map(next)
            signal.meters = signal.meters.map(next)
            return .digest(signal)
        case .combination(var signal):
            for part in signal.parts.indices { signal.parts[part].signal = signal.parts[part].signal.moved(count) }
            return .combination(signal)
        }
    }
}
