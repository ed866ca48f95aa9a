import Testing
import UpsellEngine
import UpsellModel
import UpsellTesting

/// Random histories against a model that keeps nothing but the history: it adds everything up again at every step.
struct OracleTests {
    @Test(arguments: 0..<8)
    func randomHistoriesGiveTheSameTriggers(_ lot: Int) {
        for number in 0..<300 {
            let seed = UInt64(lot * 1000 + number + 1)
            var history = RandomHistory(seed: seed)
            let difference = history.play()
            #expect(difference == nil, "seed \(seed): \(difference ?? "")")
            if difference != nil { return }
        }
    }
}

/// SplitMix64.
private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

private struct RandomHistory {
    static let meters = ["calls", "hits", "seats"]
    static let thresholds: [[Int64]] = [[80, 90, 100], [50, 100], [80, 100]]
    static let levels: [Int64] = [40, 150]  // absolute, on calls
    static let band: Int64 = 5

    var generator: Generator
    var oracle = Oracle()
    var events = ScenarioEvents()
    let catalogue: Catalogue

    init(seed: UInt64) {
        generator = Generator(state: seed)
        catalogue = UpsellEngineTests.catalogue(
            "meter calls sum month", "meter hits count day", "meter seats sum gauge",
            "plan free calls=100 hits=6 seats=20", "rule calls calls percent 80 90 100",
            "rule levels calls absolute 40 150", "rule hits hits percent 50 100",
            "rule seats seats percent 80 100 band 5", "accounts default free")
    }

    mutating func play() -> String? {
        var engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
        var effects = Effects()
        var now = ScenarioTime.at("2026-01-25")
        for step in 0..<Int.random(in: 20...80, using: &generator) {
            effects.removeAll()
            now = now + Int64.random(in: 0...Int64.millisecondsPerDay / 3, using: &generator)
            if Int.random(in: 0..<40, using: &generator) == 0 { now = now + 20 * .millisecondsPerDay }
            let account = Bool.random(using: &generator) ? "acme" : "beta"
            let wanted: [String]
            if Int.random(in: 0..<8, using: &generator) == 0 {
                let limits: [Int64] = [0, 10, 50, 60, 100, 101, 120, 1000]
                let overrides = Self.meters.map { ($0, limits[Int.random(in: limits.indices, using: &generator)]) }
                var profile = Profile(plan: "free", time: now)
                profile.overrides = overrides.map { Profile.Override(meter: $0.0, limit: String($0.1)) }
                engine.apply(
                    profile: profile, account: account, recordTime: now,
                    coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: .live, into: &effects)
                wanted = oracle.limits(account, overrides.map(\.1))
            } else {
                var time = now
                if Int.random(in: 0..<4, using: &generator) == 0 {
                    time = now - Int64.random(in: 0...3 * .millisecondsPerDay, using: &generator)
                }
                let meter = Int.random(in: 0..<3, using: &generator)
                let quantity =
                    switch meter {
                    case 0: Int64.random(in: -15...45, using: &generator)
                    case 1: Int64(1)
                    default: Int64.random(in: -8...10, using: &generator)
                    }
                let kind = Int.random(in: 0..<12, using: &generator)
                let flags: UsageEvent.Flags = kind == 0 ? .backfill : kind == 1 && meter != 1 ? .snapshot : []
                events.add(
                    account, at: time, record: now, [ScenarioEvents.Use(MeterID(meter), quantity)], flags: flags)
                events.play(into: &engine, &effects)
                wanted = oracle.use(account, meter, time.milliseconds, quantity, flags)
            }
            let found =
                effects.triggers.map { "\($0.account) \($0.rule) \($0.usage?.crossed ?? []) \($0.usage?.current ?? 0)" }
                + effects.held.map {
                    "held \($0.trigger.account) \($0.trigger.rule) \($0.trigger.usage?.crossed ?? [])"
                }
            if found != wanted { return "step \(step): got \(found), expected \(wanted)" }
            for meter in 0..<3 where oracle.clock != .min {
                let usage = engine.usage(account: account, meter: MeterID(meter)) ?? 0
                let sum = oracle.value(account, meter, oracle.clock)
                if usage != sum { return "step \(step): \(Self.meters[meter]) is \(usage), expected \(sum)" }
            }
        }
        let statistics = engine.statistics
        guard
            statistics.rows == statistics.applied + statistics.waited + statistics.ignored + statistics.duplicates
                + statistics.lateOnly + statistics.rejected
        else { return "dispositions do not add up" }
        return nil
    }
}

/// The naive model: a list of what counted, sets of what was spent.
private struct Oracle {
    struct Counted {
        var time: Int64
        var quantity: Int64
        var isSnapshot: Bool
    }
    struct Key: Hashable {
        var account: String
        var rule: String
        var threshold: Int64
        var limitVersion: Int
        var episode: Int64
    }

    /// By account and meter.
    var history: [String: [Counted]] = [:]
    var clock = Int64.min
    var limitsOf: [String: [Int64]] = [:]
    var versions: [String: [Int]] = [:]
    var spent: Set<Key> = []
    /// Falls of gauges, by account and threshold.
    var falls: [String: Int64] = [:]

    /// First days of months.
    static let months: [Int64] = (2025...2032).flatMap { year in
        (1...12).map { ScenarioTime.days(Int64(year), Int64($0), 1) }
    }

    static func day(_ time: Int64) -> Int64 { (time - (time % 86_400_000 + 86_400_000) % 86_400_000) / 86_400_000 }

    /// Start and end of the period; a gauge has one.
    static func period(_ meter: Int, _ time: Int64) -> (start: Int64, end: Int64) {
        switch meter {
        case 0:
            let next = months.firstIndex { day(time) < $0 } ?? 0
            return (months[next - 1] * 86_400_000, months[next] * 86_400_000)
        case 1: return (day(time) * 86_400_000, (day(time) + 1) * 86_400_000)
        default: return (0, .max)
        }
    }

    func value(_ account: String, _ meter: Int, _ time: Int64) -> Int64 {
        let period = Self.period(meter, time)
        var value: Int64 = 0
        for entry in history["\(account) \(meter)"] ?? [] where entry.time >= period.start && entry.time < period.end {
            value = entry.isSnapshot ? entry.quantity : value + entry.quantity
        }
        return value
    }

    func limit(_ account: String, _ meter: Int) -> Int64 { limitsOf[account]?[meter] ?? [100, 6, 20][meter] }

    static func rules(_ meter: Int) -> [(name: String, thresholds: [Int64], absolute: Bool)] {
        let percent = (RandomHistory.meters[meter], RandomHistory.thresholds[meter], false)
        return meter == 0 ? [percent, ("levels", RandomHistory.levels, true)] : [percent]
    }

    func key(_ account: String, _ meter: Int, _ rule: String, _ threshold: Int64, _ absolute: Bool, _ start: Int64)
        -> Key
    {
        Key(
            account: account, rule: rule, threshold: threshold,
            limitVersion: absolute ? 0 : versions[account]?[meter] ?? 0,
            episode: meter == 2 ? falls["\(account) \(threshold)"] ?? 0 : start)
    }

    /// Spends what is reached in the period of `time`.
    mutating func reached(_ account: String, _ meter: Int, _ time: Int64) -> [(String, [Int64])] {
        let value = value(account, meter, time)
        let limit = limit(account, meter)
        let start = Self.period(meter, time).start
        var found: [(String, [Int64])] = []
        guard limit != 0 else { return [] }
        for rule in Self.rules(meter) {
            var crossed: [Int64] = []
            for threshold in rule.thresholds {
                let isReached = rule.absolute ? value >= threshold : value * 100 >= threshold * limit
                guard isReached else { continue }
                if spent.insert(key(account, meter, rule.name, threshold, rule.absolute, start)).inserted {
                    crossed.append(rule.absolute ? threshold : threshold * 100)
                }
            }
            if !crossed.isEmpty { found.append((rule.name, crossed)) }
        }
        return found
    }

    mutating func use(
        _ account: String, _ meter: Int, _ time: Int64, _ quantity: Int64, _ flags: UsageEvent.Flags
    ) -> [String] {
        clock = max(clock, time)
        let period = Self.period(meter, time)
        if meter != 2, clock >= period.end + 86_400_000 { return [] }
        let before = value(account, meter, time)
        history["\(account) \(meter)", default: []].append(
            Counted(time: time, quantity: quantity, isSnapshot: flags == .snapshot))
        let after = value(account, meter, time)
        if meter == 2, after < before {
            let limit = limit(account, meter)
            for threshold in RandomHistory.thresholds[2]
            where limit != 0 && after * 100 < (threshold - RandomHistory.band) * limit
                && spent.contains(key(account, meter, "seats", threshold, false, 0))
            {
                falls["\(account) \(threshold)", default: 0] += 1
            }
        }
        let found = reached(account, meter, time)
        if !flags.isEmpty { return [] }
        return found.map {
            clock >= period.end ? "held \(account) \($0.0) \($0.1)" : "\(account) \($0.0) \($0.1) \(after)"
        }
    }

    mutating func limits(_ account: String, _ new: [Int64]) -> [String] {
        var found: [String] = []
        for meter in 0..<3 {
            let old = limit(account, meter)
            guard old != new[meter] else { continue }
            var limits = limitsOf[account] ?? [100, 6, 20]
            limits[meter] = new[meter]
            limitsOf[account] = limits
            versions[account, default: [0, 0, 0]][meter] += 1
            guard clock != .min else { continue }
            if meter != 2 {
                _ = reached(account, meter, Self.period(meter, clock).start - 1)
            }
            let fired = reached(account, meter, clock)
            if new[meter] < old {
                found += fired.map { "\(account) \($0.0) \($0.1) \(value(account, meter, clock))" }
            }
        }
        return found
    }
}
