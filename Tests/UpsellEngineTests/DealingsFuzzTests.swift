import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Random rules, policies and histories: what must hold of every one of them, told by what came out and not by how.
struct DealingsFuzzTests {
    static let lots = 8
    static let historiesPerLot = 2_500

    @Test
    func whateverHappensTheSumsAgree() async {
        let tallies = await withTaskGroup(of: DealingsTally.self) { group in
            for lot in 0..<Self.lots {
                group.addTask {
                    var tally = DealingsTally()
                    for number in 0..<Self.historiesPerLot where tally.complaint == nil {
                        let history = DealingsHistory(seed: UInt64(lot * 1_000_000 + number + 1))
                        history.play(&tally)
                    }
                    return tally
                }
            }
            var all = DealingsTally()
            for await tally in group { all.add(tally) }
            return all
        }
        #expect(tallies.complaint == nil, "\(tallies.complaint ?? "")")
        print("histories: \(tallies.histories), inputs: \(tallies.inputs), triggers: \(tallies.triggers)")
        print(
            "reasons: "
                + HoldReason.allCases.map { "\($0.rawValue) \(tallies.reasons[$0] ?? 0)" }.joined(separator: ", "))
        print(
            "outcomes: "
                + OutcomeKind.allCases.map { "\($0.rawValue) \(tallies.outcomes[$0] ?? 0)" }.joined(separator: ", "))
        guard tallies.complaint == nil else { return }
        #expect(tallies.histories >= 20_000)
        for reason in HoldReason.allCases { #expect(tallies.reasons[reason] ?? 0 > 0, "\(reason) never arose") }
        for kind in OutcomeKind.allCases { #expect(tallies.outcomes[kind] ?? 0 > 0, "\(kind) never arose") }
    }
}

struct DealingsTally: Sendable {
    var histories = 0
    var inputs = 0
    var triggers = 0
    var reasons: [HoldReason: Int] = [:]
    var outcomes: [OutcomeKind: Int] = [:]
    var complaint: String?

    mutating func add(_ other: DealingsTally) {
        histories += other.histories
        inputs += other.inputs
        triggers += other.triggers
        reasons.merge(other.reasons) { $0 + $1 }
        outcomes.merge(other.outcomes) { $0 + $1 }
        complaint = complaint ?? other.complaint
    }
}

/// One random history, and what is remembered of it to judge what comes out.
final class DealingsHistory {
    private var dice: SplitMix
    private let seed: UInt64
    private var catalogue: Catalogue
    private var engine: PartitionEngine
    private var now = ScenarioTime.at("2026-03-25T06:00")
    private var events = ScenarioEvents()
    private var offset: Int64 = 0
    /// Accounts by what their last profile says.
    private var profiles: [String: Profile] = [:]
    private var generation = 0
    private var emitted: [TriggerID: Trigger] = [:]
    /// Promotional triggers and ghosts: time, trigger.
    private var sent: [(time: Int64, trigger: Trigger)] = []
    private var known: [(account: String, id: TriggerID)] = []
    private var told: Set<String> = []
    private var final: Set<TriggerID> = []

    init(seed: UInt64) {
        self.seed = seed
        dice = SplitMix(state: seed &* 0x9e37_79b9)
        catalogue = DealingsBench.catalogue()
        engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
        catalogue = DealingsHistory.vary(catalogue, &dice)
        engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
    }

    private func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &dice) }

    /// A catalogue with random hold-backs.
    static func vary(_ catalogue: Catalogue, _ dice: inout SplitMix) -> Catalogue {
        var next = catalogue
        func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &dice) }
        let hour = Int64.millisecondsPerHour
        next.policy.arbitrationWindow = [nil, 0, 0, 2 * hour][roll(4)]
        next.policy.arbitrationRetry = Int64(1 + roll(30)) * hour
        next.policy.upgradePause = roll(2) == 0 ? 0 : Int64(1 + roll(5)) * 24 * hour
        next.policy.attributionWindow = Int64(1 + roll(20)) * 24 * hour
        next.policy.openMax = roll(3) == 0 ? 2 : 32
        next.policy.owedMax = roll(3) == 0 ? 2 : 64
        if roll(3) == 0 {
            for per in Policy.Cap.Scope.allCases where roll(2) == 0 {
                next.policy.caps.append(Policy.Cap(per: per, count: 1 + roll(3), window: Int64(1 + roll(60)) * hour))
            }
        }
        if roll(3) == 0 {
            next.policy.quietHours = Policy.QuietHours(from: roll(1440), to: roll(1440), weekends: roll(2) == 0)
        }
        if roll(4) == 0 { next.policy.holdout = Policy.Holdout(share: Int64(roll(4)) * 2_500, seed: "s\(roll(9))") }
        if roll(6) == 0 { next.policy.fuse = Policy.Fuse(accounts: 1 + roll(2), share: nil) }
        if roll(4) == 0 { next.rules.append(Rule(name: "weekly", signal: .digest(DigestSignal(every: .week)))) }
        for index in next.rules.indices {
            var rule = next.rules[index]
            rule.priority = roll(3)
            if roll(4) == 0 { rule.kind = .service }
            if roll(14) == 0 { rule.mode = [.paused, .shadow][roll(2)] }
            if roll(3) == 0 { rule.cooldown = Int64(1 + roll(80)) * hour }
            if roll(4) == 0 {
                rule.audience = .text(.plan, anyOf: [["free", "pro"], ["pro"]][roll(2)])
                rule.waits = roll(2) == 0
            }
            if roll(3) == 0 {
                rule.channels = [ChannelRoute("email"), ChannelRoute("push")].filter { _ in roll(3) > 0 }
            }
            if roll(3) == 0 { rule.recipient = .billing }
            if roll(3) == 0 { rule.expiresAfter = Int64(1 + roll(48)) * hour }
            if roll(3) == 0 {
                rule.steps = (0...roll(2)).map {
                    RuleStep(
                        name: "step-\($0)", delay: Int64(1 + roll(60)) * hour,
                        condition: RuleStep.Condition.allCases[roll(RuleStep.Condition.allCases.count)])
                }
            }
            rule.tellsResolved = roll(3) == 0
            rule.mergesIntoDigest = roll(2) == 0
            next.rules[index] = rule
        }
        return next
    }

    func play(_ tally: inout DealingsTally) {
        tally.histories += 1
        for step in 0..<(8 + roll(20)) {
            var effects = Effects()
            let before = engine.clock
            let record = input(&effects)
            tally.inputs += 1
            tally.triggers += effects.triggers.count
            for entry in effects.held { tally.reasons[entry.reason, default: 0] += 1 }
            for outcome in effects.outcomes { tally.outcomes[outcome.kind, default: 0] += 1 }
            if let complaint = judge(effects, isRecord: record && engine.clock == before) {
                tally.complaint = "seed \(seed), step \(step): \(complaint)"
                return
            }
        }
    }

    /// - Returns: whether it was one record of usage.
    private func input(_ effects: inout Effects) -> Bool {
        if roll(3) > 0 { now = now + Int64(roll(9)) * .millisecondsPerHour / 2 }
        if roll(12) == 0 { now = now + Int64(roll(20)) * .millisecondsPerDay }
        let account = "acct-\(roll(3))-\(generation)"
        switch roll(24) {
        case 0..<12:
            var uses: [ScenarioEvents.Use] = []
            for meter in 0..<4 where roll(2) == 0 {
                uses.append(ScenarioEvents.Use(MeterID(meter), Int64.random(in: -20...90, using: &dice)))
            }
            guard !uses.isEmpty else { return false }
            let time = roll(6) == 0 ? now - Int64(roll(40)) * .millisecondsPerHour : now
            events.add(account, at: time, record: now, uses)
            events.play(into: &engine, &effects)
            return true
        case 12..<16: profile(account, &effects)
        case 16, 17: engine.tick(wallTime: now, into: &effects)
        case 18..<22:
            guard !known.isEmpty else { return false }
            let target = known[known.count - 1 - roll(min(known.count, 6))]
            var feedback = Feedback(
                id: "f\(roll(40))-\(offset)", trigger: target.id,
                kind: Feedback.Kind.allCases[roll(Feedback.Kind.allCases.count)], time: now)
            offset += Int64(roll(2))
            if roll(3) == 0 { feedback.recipient = "csm" }
            if roll(2) == 0 { feedback.until = now + Int64(roll(90)) * .millisecondsPerHour }
            engine.apply(feedback: feedback, account: target.account, recordTime: now, into: &effects)
        case 22:
            let rule = catalogue.rules[roll(catalogue.rules.count)].name
            let action: ControlCommand.Action =
                [.pause, .shadow, .resume, .resume, .fireTest(account: account)][roll(5)]
            engine.apply(
                control: ControlCommand(offset: engine.nextControl, action: action, rule: rule, by: "ann", time: now),
                into: &effects)
        default: rare(account, &effects)
        }
        return false
    }

    private func profile(_ account: String, _ effects: inout Effects) {
        var profile = Profile(plan: ["free", "free", "pro", "big"][roll(4)], time: now)
        if roll(5) == 0 {
            profile.status = [.cancelled, .cancelling, .pastDue, .paused, .trialing][roll(5)]
        }
        if roll(12) == 0 { profile.cancelAtPeriodEnd = true }
        if roll(6) == 0 { profile.optOut = [["email"], ["in_app"], ["email", "push", "in_app"]][roll(3)] }
        if roll(2) == 0 { profile.mrr = Int64(roll(5)) * 1000 }
        if roll(3) == 0 {
            profile.addOns = [Profile.Holding(addOn: ["pack", "box"][roll(2)], quantity: Int64(1 + roll(2)))]
        }
        if roll(4) == 0 { profile.overrides = [Profile.Override(meter: "calls", limit: "\(50 + roll(100))")] }
        if roll(4) == 0 { profile.timeZone = ScenarioTime.berlin }
        if roll(6) == 0 {
            profile.pendingPlan = "big"
            profile.effectiveAt = now + Int64(roll(60)) * .millisecondsPerHour
        }
        profiles[account] = profile
        offset += 1
        engine.apply(
            profile: profile, account: account, recordTime: now,
            coordinates: InputCoordinates(input: InputID(1), offset: offset), mode: .live, into: &effects)
    }

    private func rare(_ account: String, _ effects: inout Effects) {
        switch roll(4) {
        case 0:
            for number in 0..<3 { engine.removeAccount("acct-\(number)-\(generation)", into: &effects) }
            generation += 1
        case 1:
            let index = roll(catalogue.rules.count)
            if roll(2) == 0, case .limit(var signal) = catalogue.rules[index].signal {
                signal.band += 100
                catalogue.rules[index].signal = .limit(signal)
            } else {
                catalogue.rules[index].mode = .live
            }
            engine.adopt(catalogue, into: &effects)
        default: break
        }
    }

    // MARK: Judging

    private func judge(_ effects: Effects, isRecord: Bool) -> String? {
        let statistics = engine.statistics
        if statistics.signals != statistics.sumOfStates {
            return "\(statistics.signals) signals, \(statistics.sumOfStates) in a state: \(statistics)"
        }
        if statistics.parked < 0 || statistics.held < 0 || statistics.awaitingAudience < 0 { return "a negative count" }
        // One input may move the clock over a refusal and its lapse.
        let before = Set(emitted.keys)
        for trigger in effects.triggers where !trigger.isTest {
            if emitted.updateValue(trigger, forKey: trigger.id) != nil { return "\(trigger.rule) went out twice" }
            if final.contains(trigger.id) { return "\(trigger.rule) went out after it was held for good" }
            if let complaint = judge(trigger, isSent: true) { return complaint }
            known.append((trigger.account, trigger.id))
        }
        for entry in effects.held {
            if !told.insert("\(entry.trigger.id) \(entry.reason.rawValue)").inserted {
                return "\(entry.trigger.rule) held twice: \(entry.reason)"
            }
            if before.contains(entry.trigger.id) { return "\(entry.trigger.rule) held after it went out" }
            if !entry.reason.isTemporary, !final.insert(entry.trigger.id).inserted {
                return "\(entry.trigger.rule) held for good twice"
            }
            if entry.reason == .holdout, let complaint = judge(entry.trigger, isSent: false) { return complaint }
        }
        for number in 0..<engine.accounts.numbers {
            guard let dealings = engine.stories[number]?.dealings else { continue }
            if dealings.due <= engine.clock.milliseconds { return "something is overdue: \(dealings)" }
            if dealings.open.count > engine.policy.openMax || dealings.owed.count > engine.policy.owedMax {
                return "\(dealings.open.count) open, \(dealings.owed.count) owed"
            }
        }
        if isRecord, catalogue.policy.arbitrationWindow == 0 {
            let first = effects.triggers.filter { $0.kind == .promotional && $0.step == nil && !$0.isTest }
            if first.count > 1 { return "\(first.count) promotional triggers of one record" }
        }
        for outcome in effects.outcomes where outcome.kind != .converted && outcome.kind != .reverted {
            if emitted[outcome.trigger] == nil { return "an outcome of what never went out" }
        }
        let upgrades = effects.outcomes.filter { $0.kind == .converted && $0.fromPlan != $0.toPlan }
        if upgrades.count > 1, Set(upgrades.map(\.time)).count < upgrades.count {
            return "\(upgrades.count) conversions of one upgrade"
        }
        return nil
    }

    /// What went out, or would have but for the holdout.
    private func judge(_ trigger: Trigger, isSent: Bool) -> String? {
        guard let rule = catalogue.rules.first(where: { $0.name == trigger.rule }) else { return "no such rule" }
        guard trigger.channels.count == Set(trigger.channels).count, !trigger.channels.isEmpty else {
            return "channels \(trigger.channels)"
        }
        let profile = profiles[trigger.account]
        switch profile?.status {
        case .cancelled, .cancelling, .pastDue, .paused: return "sent to an account that is \(trigger.status)"
        case .active, .trialing, nil: if profile?.cancelAtPeriodEnd == true { return "sent to who is leaving" }
        }
        guard rule.kind == .promotional else {
            return isSent && trigger.remedy == nil && trigger.offer == nil && trigger.arm == nil
                ? nil : "a service notice that sells"
        }
        if !Set(profile?.optOut ?? []).isDisjoint(with: trigger.channels) { return "an opted-out channel" }
        if trigger.step == nil, let holdout = catalogue.policy.holdout {
            let isHeldOut = ExperimentHash.bucket(seed: holdout.seed, value: trigger.account) < holdout.share
            if isHeldOut == isSent { return "the wrong arm" }
        }
        // A trigger's instant, by when it would expire.
        let time = (trigger.expires?.milliseconds ?? 0) - rule.expiresAfter
        let zone = profile?.timeZone ?? .utc
        if let quiet = catalogue.policy.quietHours, quiet.end(around: time, zone) != nil { return "in quiet hours" }
        if rule.cooldown > 0, trigger.step == nil {
            let last = sent.last { $0.trigger.account == trigger.account && $0.trigger.rule == rule.name }
            if let last, last.trigger.step == nil, last.time + rule.cooldown > time { return "within the cooldown" }
        }
        sent.append((time, trigger))
        for cap in catalogue.policy.caps {
            let recent = sent.filter { $0.trigger.account == trigger.account && $0.time > time - cap.window }
            switch cap.per {
            case .account: if recent.count > cap.count { return "\(recent.count) of \(cap)" }
            case .recipient:
                let own = recent.filter { $0.trigger.recipient == trigger.recipient }
                if own.count > cap.count { return "\(own.count) of \(cap)" }
            case .channel:
                for channel in trigger.channels {
                    let own = recent.filter { $0.trigger.channels.contains(channel) }
                    if own.count > cap.count { return "\(own.count) of \(cap) on \(channel)" }
                }
            }
        }
        return nil
    }
}
