import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// An engine under a small catalogue, played one input at a time; what must hold after every one of them is checked.
final class DealingsBench {
    static let day = ScenarioTime.at("2026-01-10T12:00")
    static let hour = Int64.millisecondsPerHour
    static let fullDay = Int64.millisecondsPerDay

    var engine: PartitionEngine
    private var events = ScenarioEvents()
    private var offset: Int64 = 0
    private var feedbackNumber = 0
    /// Everything that came out.
    private(set) var triggers: [Trigger] = []
    private(set) var held: [HeldTrigger] = []
    private(set) var outcomes: [Outcome] = []
    private var emitted: Set<TriggerID> = []
    private var told: Set<String> = []
    private var open: [String: [TriggerID]] = [:]
    private var accounts: Set<String> = []

    /// Meters `calls` and `hits` of a month, `seats` and `disk` as gauges; rules of the same names, thresholds 80, 90 and
    /// 100 %; plans free < pro < big; accounts without profile are on free.
    static func catalogue(_ change: (inout Catalogue) -> Void = { _ in }) -> Catalogue {
        var catalogue = UpsellEngineTests.catalogue(
            "meter calls sum month", "meter hits sum month", "meter seats sum gauge", "meter disk latest gauge",
            "plan free calls=100 hits=100 seats=100 disk=100", "plan pro calls=1000 hits=1000 seats=1000 disk=1000",
            "plan big calls=10000 hits=10000 seats=10000 disk=10000", "addon pack calls=50", "addon box disk=50",
            "rule calls calls percent 80 90 100", "rule hits hits percent 80 90 100",
            "rule seats seats percent 80 90 100 band 5", "rule disk disk percent 80 90 100 band 5",
            "accounts default free")
        change(&catalogue)
        return catalogue
    }

    init(partitionCount: Int = 1, _ change: (inout Catalogue) -> Void = { _ in }) {
        engine = PartitionEngine(
            catalogue: Self.catalogue(change), partition: PartitionID(0), partitionCount: partitionCount)
    }

    // MARK: Inputs

    /// Usage in hundredths of the free plan's limit.
    @discardableResult
    func use(_ meter: String, _ amount: Int64, _ account: String = "acme", at time: Timestamp) -> Effects {
        use([(meter, amount)], account, at: time)
    }

    /// Usage of several meters in one record.
    @discardableResult
    func use(_ uses: [(String, Int64)], _ account: String = "acme", at time: Timestamp) -> Effects {
        let catalogue = engine.program.catalogue
        events.add(
            account, at: time,
            uses.compactMap { use in catalogue.meter(named: use.0).map { ScenarioEvents.Use($0, use.1) } })
        var effects = Effects()
        events.play(into: &engine, &effects)
        return note(effects, account)
    }

    @discardableResult
    func profile(
        _ plan: String = "free", _ account: String = "acme", at time: Timestamp,
        _ change: (inout Profile) -> Void = { _ in }
    ) -> Effects {
        var profile = Profile(plan: plan, time: time)
        change(&profile)
        var effects = Effects()
        offset += 1
        engine.apply(
            profile: profile, account: account, recordTime: time,
            coordinates: InputCoordinates(input: InputID(1), offset: offset), mode: .live, into: &effects)
        return note(effects, account)
    }

    /// Moves the clock as if nothing had arrived until then.
    @discardableResult
    func tick(to time: Timestamp) -> Effects {
        var effects = Effects()
        engine.tick(wallTime: time + engine.policy.tickMargin, into: &effects)
        return note(effects, nil)
    }

    @discardableResult
    func feedback(
        _ kind: Feedback.Kind, _ trigger: TriggerID, _ account: String = "acme", at time: Timestamp,
        _ change: (inout Feedback) -> Void = { _ in }
    ) -> (disposition: FeedbackDisposition, effects: Effects) {
        feedbackNumber += 1
        var feedback = Feedback(id: "feedback-\(feedbackNumber)", trigger: trigger, kind: kind, time: time)
        change(&feedback)
        var effects = Effects()
        let disposition = engine.apply(feedback: feedback, account: account, recordTime: time, into: &effects)
        return (disposition, note(effects, account))
    }

    @discardableResult
    func control(
        _ action: ControlCommand.Action, _ rule: String, offset: Int64? = nil, at time: Timestamp = day
    ) -> Effects {
        var effects = Effects()
        let command = ControlCommand(
            offset: offset ?? engine.nextControl, action: action, rule: rule, by: "ann", time: time)
        engine.apply(control: command, into: &effects)
        return note(effects, nil)
    }

    @discardableResult
    func remove(_ account: String = "acme") -> Effects {
        var effects = Effects()
        engine.removeAccount(account, into: &effects)
        return note(effects, account)
    }

    @discardableResult
    func reload(_ change: (inout Catalogue) -> Void) -> Effects {
        var catalogue = engine.program.catalogue
        change(&catalogue)
        var effects = Effects()
        engine.adopt(catalogue, into: &effects)
        return note(effects, nil)
    }

    /// Writes the state, reads it into another engine and goes on with that.
    func restart() throws {
        let partitions = engine.partitionCount
        let catalogue = engine.program.catalogue
        var writer = BinaryWriter()
        engine.writeDelta(into: &writer)
        writer = BinaryWriter()
        engine.writeSlice(0, of: 1, into: &writer)
        let image = writer.bytes
        var restorer = EngineRestorer(
            catalogue: catalogue, partition: PartitionID(0), partitionCount: partitions, slices: 1,
            timeZones: StateRecord.zone)
        var reader = BinaryReader(image)
        try restorer.apply(slice: 0, reader: &reader)
        engine = try restorer.finish()
        // Nothing is left to write, and it would be the same again.
        writer = BinaryWriter()
        if !engine.hasChanges { engine.writeSlice(0, of: 1, into: &writer) }
        #expect(writer.bytes == image)
    }

    // MARK: What holds after every input

    private func note(_ effects: Effects, _ account: String?) -> Effects {
        if let account { accounts.insert(account) }
        triggers += effects.triggers
        held += effects.held
        outcomes += effects.outcomes
        let complaint = complaint(effects)
        #expect(complaint == nil, "\(complaint ?? "")")
        return effects
    }

    private func complaint(_ effects: Effects) -> String? {
        for trigger in effects.triggers where !emitted.insert(trigger.id).inserted {
            return "\(trigger.id) of \(trigger.rule) went out twice"
        }
        for entry in effects.held {
            if !told.insert("\(entry.trigger.id) \(entry.reason.rawValue)").inserted {
                return "\(entry.trigger.rule) was held twice for \(entry.reason)"
            }
            if !entry.reason.isTemporary, emitted.contains(entry.trigger.id) {
                return "\(entry.trigger.rule) was held for good after it went out"
            }
        }
        let statistics = engine.statistics
        if statistics.signals != statistics.sumOfStates {
            return "\(statistics.signals) signals, \(statistics.sumOfStates) in a state"
        }
        if Set(effects.opened).count != effects.opened.count { return "an account opened twice in one batch" }
        for account in accounts.sorted() {
            let now = engine.openTriggers(account: account).map(\.id)
            if now != open[account] ?? [], !effects.opened.contains(account) {
                return "\(account)'s open triggers changed and nobody was told"
            }
            if now.count > engine.policy.openMax { return "\(now.count) open triggers" }
            open[account] = now
        }
        return nil
    }
}

extension EngineStatistics {
    /// Contract §5.
    var sumOfStates: Int { triggers + held + ghosts + merged + parked + shadowed }
}

extension Effects {
    var rules: [String] { triggers.map(\.rule) }
    var reasons: [HoldReason] { held.map(\.reason) }
    var endings: [String] { outcomes.map { "\($0.rule) \($0.kind.rawValue)" } }
}
