import UpsellEngine
import UpsellModel
import UpsellTesting

/// Random inputs of every kind for a catalogue of `FuzzTests`, from one seed.
struct FuzzSource {
    var generator: SplitMix
    var catalogue: Catalogue

    init(seed: UInt64, catalogue: Catalogue) {
        generator = SplitMix(state: seed)
        self.catalogue = catalogue
    }

    mutating func dice(_ sides: Int) -> Int { Int(generator.next() % UInt64(sides)) }
    mutating func span(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &generator) }

    mutating func use(_ account: String, _ now: Timestamp, _ events: inout ScenarioEvents) {
        var time = now
        if dice(4) == 0 { time = now - span(0...(3 * .millisecondsPerDay)) }
        if dice(6) == 0 { time = now + span(0...310_000) }
        var uses: [ScenarioEvents.Use] = []
        for _ in 0...dice(3) {
            let meter = dice(catalogue.meters.count + catalogue.behaviours.count)
            if uses.contains(where: { $0.meter.index == meter }) { continue }
            if meter >= catalogue.meters.count {
                uses.append(
                    ScenarioEvents.Use(MeterID(meter), 1, dimension: dice(4) == 0 ? nil : "part-\(dice(5))"))
                continue
            }
            let quantity: Int64 =
                switch catalogue.meters[meter].aggregation {
                case .count, .activeDays: 1
                case .unique: span(1...7)
                case .sum: dice(400) == 0 ? [Int64.max, .min + 1][dice(2)] : span(-12...25)
                case .max, .latest: span(-5...50)
                }
            uses.append(
                ScenarioEvents.Use(
                    MeterID(meter), quantity,
                    dimension: catalogue.meters[meter].dimension == nil ? nil : "part-\(dice(5))"))
        }
        let flags: UsageEvent.Flags = dice(15) == 0 ? .backfill : dice(20) == 0 ? .snapshot : []
        let id = dice(10) == 0 ? "id \(dice(5))" : nil
        events.add(account, at: time, record: now, uses, id: id, flags: flags)
    }

    mutating func profile(_ now: Timestamp) -> Profile {
        var profile = Profile(plan: ["free", "pro", "none"][dice(3)], time: now - span(0...(.millisecondsPerDay)))
        if dice(3) == 0 {
            profile.overrides = [Profile.Override(meter: "calls", limit: dice(4) == 0 ? nil : "\(dice(150))")]
        }
        if dice(4) == 0 {
            profile.addOns = [
                Profile.Holding(
                    addOn: "pack", quantity: Int64(dice(3)), until: now + span(-1_000_000...(5 * .millisecondsPerDay)))
            ]
        }
        if dice(4) == 0 {
            profile.pendingPlan = ["free", "pro", "none"][dice(3)]
            profile.effectiveAt = now + span(-1_000_000...(5 * .millisecondsPerDay))
        }
        if dice(3) == 0 { profile.timeZone = dice(2) == 0 ? ScenarioTime.berlin : ScenarioTime.zone(named: "Kolkata") }
        if dice(4) == 0 { profile.resetUsage = true }
        if !catalogue.behaviours.isEmpty, dice(2) == 0 {
            let end = now + span(-2...6) * .millisecondsPerDay
            profile.trial = Profile.Trial(
                plan: "pro", start: dice(3) == 0 ? nil : end - 7 * .millisecondsPerDay, end: dice(8) == 0 ? nil : end)
        }
        switch dice(6) {
        case 0: profile.period = Profile.PeriodBounds(anchor: now - span(0...(40 * .millisecondsPerDay)))
        case 1:
            let start = now - span(0...(35 * .millisecondsPerDay))
            profile.period = Profile.PeriodBounds(start: start, end: start + span(1...40) * .millisecondsPerDay)
        case 2: profile.since = now - span(0...(400 * .millisecondsPerDay))
        default: break
        }
        return profile
    }
}

/// SplitMix64.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
