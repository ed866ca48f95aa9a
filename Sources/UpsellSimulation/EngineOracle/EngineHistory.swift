internal import UpsellModel

/// A random catalogue and what happens under it, decided beforehand, so that engines and oracle are taken through the
/// same.
package struct EngineHistory: Sendable {
    let scene: EngineScene
    private(set) var steps: [EngineStep] = []
    /// Steps before it lay in the topics before the first start.
    private(set) var silentUntil = 0
    /// Before it an engine is replaced by one that has read its state.
    private(set) var restoreAt: Int

    package init(seed: UInt64) {
        var dice = EngineDice(seed: seed)
        scene = dice.catalogue()
        let count = dice.random.below(40) + 30
        restoreAt = dice.random.below(count)
        if dice.random.chance(80) { silentUntil = dice.random.below(15) }
        dice.begin(scene)
        for _ in 0..<count { steps.append(dice.step()) }
    }
}

/// Draws catalogues and steps.
struct EngineDice {
    var random: SimulationRandom
    private var scene: EngineScene?
    /// The record timestamp of the last step.
    private var now: Int64 = 0
    private var identity = 0
    private var usages: [EngineUsage] = []
    private var profiles: [EngineProfile?] = []
    /// Numbers for rules and their versions, each given once.
    private var eras = 0
    /// Channels and recipients decide something. Where nobody can be sold anything they are the account's managers', which
    /// is a matter of remedies, so that there are no such accounts then.
    var asksChannels = false

    static let minute: Int64 = 60_000
    static let hour: Int64 = 3_600_000
    static let day: Int64 = 86_400_000
    /// 2026-01-20, so that months, a short one among them, end within a history.
    static let start: Int64 = 1_768_867_200_000

    init(seed: UInt64) { random = SimulationRandom(seed: seed) }

    // MARK: Catalogues

    mutating func catalogue() -> EngineScene {
        let hasDefaultPlan = random.chance(400)
        let qualification = qualification()
        var meters: [EngineScene.MeterShape] = []
        for _ in 0...random.below(3) { meters.append(meter()) }
        let plans = 2 + random.below(2)
        var limits: [[Int64?]] = []
        for plan in 0..<plans {
            limits.append(meters.map { meter in limit(meter, plan) })
        }
        var accounts: [EngineScene.AccountShape] = []
        for index in 0...random.below(2) {
            // Minutes too: there are zones of half hours, and quarters.
            let offset = hasDefaultPlan ? 0 : (Int64(random.below(53)) - 24) * 30 * Self.minute
            // Whole half hours, so that a record ahead of its time is ahead of no anniversary.
            let anchor = Self.start - Int64(random.below(400 * 48)) * 30 * Self.minute
            accounts.append(
                EngineScene.AccountShape(
                    name: "account-\(index)-\(random.below(1_000))", offset: offset, anchor: anchor))
        }
        if hasDefaultPlan {
            // An anchor that comes with the first profile would begin another period.
            for index in meters.indices where meters[index].window == .anniversary { meters[index].window = .month }
        }
        var scene = EngineScene(
            meters: meters, limits: limits, pack: meters.map { meter in meter.aggregation == .count ? 3 : 25 },
            rules: [], accounts: accounts,
            grace: random.pick([Self.day, 6 * Self.hour, 0, 3 * Self.day]), hasDefaultPlan: hasDefaultPlan)
        if random.chance(60) { scene.goLive = Self.start + random.between(0...5 * Self.day) }
        scene.qualification = qualification
        for _ in 0...random.below(3) { scene.rules.append(rule(scene)) }
        return scene
    }

    private mutating func meter() -> EngineScene.MeterShape {
        let window: EngineScene.MeterShape.Window
        switch random.below(10) {
        case 0...2: window = .day
        case 3: window = .week
        case 4...5: window = .month
        case 6: window = .anniversary
        case 7: window = .gauge
        case 8: window = .rolling(days: Int64(1 + random.below(4)))
        default: window = random.chance(500) ? .lifetime : .gauge
        }
        let aggregation: EngineScene.MeterShape.Aggregation
        switch window {
        case .gauge: aggregation = random.pick([.sum, .latest])
        case .rolling: aggregation = random.pick([.sum, .sum, .count, .max])
        default: aggregation = random.pick([.sum, .sum, .sum, .count, .latest, .max])
        }
        return EngineScene.MeterShape(aggregation: aggregation, window: window)
    }

    private mutating func limit(_ meter: EngineScene.MeterShape, _ plan: Int) -> Int64? {
        if random.chance(40) { return 0 }
        if !asksChannels, random.chance(60) { return nil }
        let scale: Int64 = meter.aggregation == .count ? 6 : 100
        return scale * Int64(1 + plan) + random.between(0...scale / 2)
    }

    private mutating func rule(_ scene: EngineScene) -> EngineScene.RuleShape {
        eras += 1
        var rule = EngineScene.RuleShape(
            name: "rule-\(eras)", era: eras, meter: random.below(scene.meters.count), unit: .percent, thresholds: [],
            band: 0, base: [])
        renew(&rule, scene)
        rule.evaluates = random.chance(400)
        rule.cooldown = random.pick([0, 0, 6 * Self.hour, Self.day, 3 * Self.day])
        if random.chance(60) { rule.goLive = Self.start + random.between(0...10 * Self.day) }
        dress(&rule, scene)
        return rule
    }

    /// Other thresholds, and a band or a threshold that the name never had, so that no version comes back.
    private mutating func renew(_ rule: inout EngineScene.RuleShape, _ scene: EngineScene) {
        eras += 1
        rule.era = eras
        let isCount = scene.meters[rule.meter].aggregation == .count
        switch random.below(isCount ? 8 : 10) {
        case 0...5:
            rule.unit = .percent
            rule.thresholds = random.pick([
                [8_000, 9_000, 10_000], [5_000, 10_000], [8_000], [10_000], [7_500, 8_333, 12_000],
                [3_000, 6_000, 9_000],
            ])
            rule.band = random.pick([500, 0, 2_000]) + Int64(eras)
        case 6...7:
            rule.unit = .absolute
            rule.thresholds = isCount ? [2, 5, 9] : random.pick([[40, 90], [100], [25, 60, 150]])
            rule.thresholds.append(100_000 + Int64(eras))
            rule.band = random.pick([5, 0, 20])
        default:
            rule.unit = .remaining
            rule.thresholds = random.pick([[20, 10, 0], [50, 5]])
            rule.thresholds.append(-Int64(eras))
            rule.band = random.pick([5, 0, 10])
        }
        address(&rule, scene)
        rule.base = rule.thresholds
        rule.variants = []
        guard rule.thresholds.count > 1, random.chance(250) else { return }
        let plan = random.below(scene.limits.count)
        var some = rule.thresholds
        some.remove(at: random.below(some.count))
        rule.variants = [EngineScene.RuleShape.Variant(plans: [plan], thresholds: some)]
        if random.chance(500) { rule.base = [rule.thresholds[random.below(rule.thresholds.count)]] }
    }

    // MARK: Steps

    mutating func begin(_ scene: EngineScene) {
        self.scene = scene
        now = Self.start + random.between(0...Self.day)
        profiles = scene.accounts.map { _ in nil }
    }

    mutating func step() -> EngineStep {
        now += random.between(0...8 * Self.hour)
        if random.chance(25) { now += random.between(0...20 * Self.day) }
        let account = random.below(profiles.count)
        if scene?.hasDefaultPlan == false, profiles[account] == nil, random.chance(700) { return profile(account) }
        switch random.below(100) {
        case 0..<10: return profile(account)
        case 10..<15: return .tick(wall: now)
        case 15..<21: return reload()
        case 21..<23: return control()
        case 23..<26: return feedback(account)
        default: return .usage(usage(account))
        }
    }

    private mutating func control() -> EngineStep {
        guard let rules = scene?.rules, !rules.isEmpty else { return .tick(wall: now) }
        return .control(rule: rules[random.below(rules.count)].name, random.pick([.pause, .shadow, .resume, .resume]))
    }

    /// About one of the last triggers, so that it is not forgotten yet.
    private mutating func feedback(_ account: Int) -> EngineStep {
        identity += 1
        // A dismissal is about a recipient.
        let isDismissal = asksChannels && random.chance(500)
        let until = isDismissal ? nil : now + random.between(Self.hour...4 * Self.day)
        return .feedback(
            EngineFeedback(
                account: account, back: random.below(2), snoozedUntil: until, time: now, identity: identity))
    }

    private mutating func usage(_ account: Int) -> EngineUsage {
        guard let scene else { return EngineUsage(account: account, readings: [], time: 0, record: 0, identity: 0) }
        if random.chance(30), let last = usages.last {
            var again = last
            again.record = max(now, again.time)
            return again
        }
        identity += 1
        var usage = EngineUsage(
            account: account, readings: [reading(scene, random.below(scene.meters.count))], time: now, record: now,
            identity: identity)
        if scene.meters.count > 1, random.chance(150) {
            let first = usage.readings[0].meter
            usage.readings.append(reading(scene, (first + 1) % scene.meters.count))
        }
        switch random.below(20) {
        case 0...2: usage.time = now - random.between(0...3 * Self.day)
        case 3: usage.time = now - random.between(0...Self.hour)
        case 4: usage.time = now - random.between(0...40 * Self.day)
        case 5:
            // Ahead of its record, within the same half hour, so that no period ends between them.
            usage.time = now + random.between(0...min(4 * Self.minute, 30 * Self.minute - 1 - now % (30 * Self.minute)))
        case 6: if random.chance(100) { usage.time = now + 6 * Self.minute }
        default: break
        }
        switch random.below(24) {
        case 0: usage.flag = .backfill
        case 1:
            usage.flag = .snapshot
            for index in usage.readings.indices {
                let isCount = scene.meters[usage.readings[index].meter].aggregation == .count
                usage.readings[index].quantity = random.between(0...(isCount ? 9 : 130))
            }
        default: break
        }
        usages.append(usage)
        return usage
    }

    private mutating func reading(_ scene: EngineScene, _ meter: Int) -> (meter: Int, quantity: Int64) {
        let quantity: Int64
        switch scene.meters[meter].aggregation {
        case .count: quantity = 1
        case .sum: quantity = random.chance(200) ? -random.between(1...40) : random.between(1...45)
        case .latest, .max: quantity = random.between(0...130)
        }
        return (meter, quantity)
    }

    private mutating func profile(_ account: Int) -> EngineStep {
        guard let scene else { return .tick(wall: now) }
        let last = profiles[account]
        var profile =
            last
            ?? EngineProfile(
                plan: random.below(scene.limits.count), overrides: scene.meters.map { _ in nil }, time: now)
        profile.time = now
        switch random.below(12) {
        case 0...2: profile.plan = random.below(scene.limits.count)
        case 3...4:
            let meter = random.below(scene.meters.count)
            let isCount = scene.meters[meter].aggregation == .count
            profile.overrides[meter] =
                random.chance(300) ? nil : random.pick(isCount ? [0, 3, 6, 8, 12] : [0, 10, 50, 90, 101, 120, 1_000])
        case 5: profile.packs = Int64(random.below(3))
        case 6:
            profile.packs = 1 + Int64(random.below(2))
            profile.packsUntil = now + random.between(0...6 * Self.day)
        case 7: profile.packsUntil = nil
        case 8:
            profile.pendingPlan = random.below(asksChannels ? profile.plan + 1 : scene.limits.count)
            profile.effectiveAt = now + random.between(0...6 * Self.day)
        case 9: profile.pendingPlan = nil
        default: redress(&profile)
        }
        if asksChannels, let pending = profile.pendingPlan, pending > profile.plan { profile.pendingPlan = nil }
        profiles[account] = profile
        return .profile(account, profile)
    }

    // MARK: Reloads

    private mutating func reload() -> EngineStep {
        guard var next = scene else { return .tick(wall: now) }
        let rule = next.rules.isEmpty ? nil : random.below(next.rules.count)
        switch random.below(10) {
        case 0...2: if let rule { next.rules[rule].words += 1 }
        case 3...4:
            guard let rule else { break }
            renew(&next.rules[rule], next)
            next.rules[rule].evaluates = random.chance(500)
        case 5: if next.rules.count < 5 { next.rules.insert(self.rule(next), at: random.below(next.rules.count + 1)) }
        case 6: if let rule, next.rules.count > 1 { next.rules.remove(at: rule) }
        case 7:
            let plan = random.below(next.limits.count)
            let meter = random.below(next.meters.count)
            next.limits[plan][meter] = limit(next.meters[meter], plan)
        case 8: next.rules.reverse()
        default: if let rule { dress(&next.rules[rule], next) }
        }
        scene = next
        return .reload(next)
    }
}
