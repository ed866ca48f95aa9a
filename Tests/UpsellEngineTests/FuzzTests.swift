import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Random inputs of every kind; what must hold whatever comes: no id twice, equal replays, sums that agree, no leaks.
struct FuzzTests {
    static let catalogues = [
        catalogue(
            "meter calls sum month", "meter daily count day", "meter peak max month anniversary",
            "meter seats sum gauge",
            "meter disk latest gauge", "meter recent sum rolling 1", "meter top max rolling 2",
            "meter who unique month unique 5",
            "meter days active_days month", "meter parts sum month by part 3", "meter hot sum rolling 1 by part 2",
            "meter total sum lifetime",
            "plan free calls=100 daily=5 peak=50 seats=20 disk=40 recent=60 top=30 who=4 parts=20 hot=20",
            "plan pro calls=1000 daily=50 peak=50 seats=40 disk=80 recent=100 top=30 who=40 parts=60 hot=40 total=500",
            "plan none calls=0 seats=0", "addon pack calls=50 seats=5",
            "rule calls calls percent 80 90 100 250", "rule left calls remaining 20 0",
            "rule level calls absolute 40 150",
            "rule daily daily percent 50 99.99", "rule peak peak percent 80 100", "rule seats seats percent 80 100",
            "rule seatsleft seats remaining 2 band 1", "rule seatsabs seats absolute 15 band 3",
            "rule disk disk percent 80 90",
            "rule recent recent percent 50 80", "rule top top percent 100", "rule who who percent 50 100",
            "rule days days absolute 2 3", "rule parts parts percent 50 100", "rule hot hot percent 50 100 band 10",
            "rule total total absolute 100 200", "accounts wait 400000 20", "grace 20"),
        catalogue(
            "meter calls sum month", "meter daily count day", "meter peak max month anniversary",
            "meter seats sum gauge",
            "meter disk latest gauge", "meter recent sum rolling 1", "meter top max rolling 2",
            "meter who unique month unique 5",
            "meter days active_days month", "meter parts sum month by part 3", "meter hot sum rolling 1 by part 2",
            "meter total sum lifetime",
            "plan free calls=100 daily=5 peak=50 seats=20 disk=40 recent=60 top=30 who=4 parts=20 hot=20",
            "plan pro calls=1000 daily=50 seats=40 disk=80 recent=100 top=30 who=40 parts=60 hot=40 total=500",
            "plan none calls=0 seats=0", "addon pack calls=50 seats=5",
            "rule calls calls percent 80 90 100", "rule daily daily percent 50 100", "rule seats seats percent 80 100",
            "rule disk disk percent 80 90", "rule recent recent percent 50 80", "rule hot hot percent 50 100",
            "rule parts parts percent 50 100", "accounts default free", "grace 20", "dedup 50"),
    ]

    /// Every signal, over meters of every kind that it takes and behaviours.
    static let signals: Catalogue = {
        var built = catalogues[1]
        built.policy.unknownAccounts = .wait
        built.policy.timersPerTick = 7
        built.behaviours = ["denied", "opened", "left"].map {
            Behaviour(name: $0, eventTypes: [$0], feature: FieldPath(dotted: "data.feature"))
        }
        func behaviour(_ index: Int, _ features: String...) -> SignalSource {
            SignalSource(.behaviour(BehaviourID(index)), features: features)
        }
        func meter(_ index: Int) -> SignalSource { SignalSource(.meter(MeterID(index))) }
        let day = Int64.millisecondsPerDay
        let gate = Signal.gate(GateSignal(source: behaviour(0), count: 2, window: day))
        let absence = Signal.absence(AbsenceSignal(source: behaviour(1, "part-1"), duration: 2 * day))
        let limit = Signal.limit(LimitSignal(meter: MeterID(0), unit: .percent, thresholds: [2000, 6000], band: 500))
        let parts: [CombinationSignal.Part] = [
            .init(name: "near", signal: limit, weight: 3), .init(name: "blocked", signal: gate, weight: 2),
            .init(name: "idle", signal: absence),
            .init(name: "left", signal: .event(EventSignal(.source(behaviour(2, "part-0"))))),
        ]
        func combination(_ mode: CombinationSignal.Mode) -> Signal {
            .combination(CombinationSignal(parts: parts, mode: mode, window: 3 * day))
        }
        let signals: [(String, Signal)] = [
            ("pace", .pace(PaceSignal(meter: MeterID(0), percent: 6000, days: 5, daysMin: 2))),
            ("pacedaily", .pace(PaceSignal(meter: MeterID(1), judgements: 1, lead: 1))),
            ("gate", gate), ("gateparts", .gate(GateSignal(source: meter(9), count: 3, window: 2 * day))),
            ("gatezero", .gate(GateSignal(source: meter(0), count: 2, window: day, onlyWithoutEntitlement: true))),
            (
                "adoption",
                .adoption(
                    AdoptionSignal(
                        stages: [
                            .init(source: behaviour(1, "part-0", "part-2"), uses: 2, days: 2),
                            .init(source: meter(0), uses: 3, days: 1),
                        ], windowDays: 5, isOrdered: true))
            ),
            (
                "long",
                .adoption(
                    AdoptionSignal(stages: [.init(source: behaviour(1), uses: 3, days: 3)], windowDays: 20))
            ),
            ("trial", .trial(TrialSignal(offsetDays: [-3, -1, 0, 2], usage: behaviour(1)))),
            ("trialparts", .trial(TrialSignal(offsetDays: [-2], usage: behaviour(1, "part-0", "part-3")))),
            ("left", .event(EventSignal(.source(behaviour(2)), usage: behaviour(1), usageDays: 20))),
            ("leftparts", .event(EventSignal(.source(behaviour(2, "part-1")), usage: behaviour(2, "part-1")))),
            ("seats", .event(EventSignal(.source(meter(3))))),
            ("growth", .growth(GrowthSignal(meter: MeterID(0), windowDays: 2, percent: 500, floor: 5))),
            ("growthlong", .growth(GrowthSignal(meter: MeterID(0), windowDays: 9, percent: 500, floor: 5))),
            (
                "sustained",
                .sustained(SustainedSignal(meter: MeterID(3), unit: .percent, level: 5000, duration: day))
            ),
            (
                "sustaineddisk",
                .sustained(SustainedSignal(meter: MeterID(4), unit: .absolute, level: 20, duration: day / 2))
            ),
            ("absence", absence), ("absencecalls", .absence(AbsenceSignal(source: meter(0), duration: 2 * day))),
            ("digest", .digest(DigestSignal(every: .day, usage: behaviour(1), meters: [MeterID(0), MeterID(3)]))),
            ("weekly", .digest(DigestSignal(every: .week, minuteOfDay: 90, usage: behaviour(1, "part-2")))),
            ("all", combination(.all)), ("any", combination(.any)), ("score", combination(.score(4))),
        ]
        for (index, (name, signal)) in signals.enumerated() {
            built.rules.append(Rule(name: name, signal: signal, onChange: index % 3 == 0 ? .evaluate : .silent))
        }
        return built
    }()

    static func choice(_ number: Int) -> Catalogue { number % 3 == 2 ? signals : catalogues[number % 3] }

    /// Each kind of signal arises from random histories, or the other tests say nothing of it.
    @Test
    func everySignalArises() {
        var kinds: [Trigger.SignalKind: Int] = [:]
        for seed in UInt64(1)...16 {
            var run = FuzzRun(seed: seed, catalogue: Self.signals, batched: false)
            #expect(run.play() == nil)
            for (kind, count) in run.kinds { kinds[kind, default: 0] += count }
        }
        for kind in Trigger.SignalKind.allCases { #expect(kinds[kind, default: 0] >= 5, "\(kind.name): \(kinds)") }
    }

    @Test(arguments: 0..<8)
    func whateverComes(_ lot: Int) {
        for number in 0..<15 {
            let seed = UInt64(lot * 1000 + number + 1)
            var one = FuzzRun(seed: seed, catalogue: Self.choice(number), batched: false)
            var many = FuzzRun(seed: seed, catalogue: Self.choice(number), batched: true)
            let complaint = one.play() ?? many.play()
            #expect(complaint == nil, "seed \(seed): \(complaint ?? "")")
            for topic in 0..<3 {
                let place = zip(one.said[topic], many.said[topic]).first { $0 != $1 }
                #expect(one.said[topic] == many.said[topic], "seed \(seed): batches matter: \(place.debugDescription)")
            }
            if complaint != nil || one.said != many.said { return }
        }
    }
}

private struct FuzzRun {
    var source: FuzzSource
    let catalogue: Catalogue
    let batched: Bool
    /// Triggers, held ones, expired ones: a topic each.
    var said: [[String]] = [[], [], []]
    var ids: Set<String> = []
    var kinds: [Trigger.SignalKind: Int] = [:]

    init(seed: UInt64, catalogue: Catalogue, batched: Bool) {
        source = FuzzSource(seed: seed, catalogue: catalogue)
        self.catalogue = catalogue
        self.batched = batched
    }

    mutating func play() -> String? {
        var engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
        var effects = Effects()
        var events = ScenarioEvents()
        var now = ScenarioTime.at("2026-01-27")
        var silent = source.dice(3) == 0
        var generation = 0
        for step in 0..<400 {
            now = now + source.span(0...(.millisecondsPerHour * 3))
            if source.dice(60) == 0 { now = now + Int64(source.dice(12)) * .millisecondsPerDay }
            if step == 100, silent {
                events.play(into: &engine, mode: .silent, &effects)
                silent = false
            }
            let mode: FiringMode = silent ? .silent : .live
            // An erased account never comes back under its name: its keys are forgotten with it.
            let account = "acct-\(source.dice(4))-\(generation)"
            let kind = source.dice(20)
            if kind < 15 {
                source.use(account, now, &events)
                let isLast = source.dice(5) == 0
                if isLast || !batched { events.play(into: &engine, mode: mode, &effects) }
            } else {
                events.play(into: &engine, mode: mode, &effects)
                switch kind {
                case 15...17:
                    engine.apply(
                        profile: source.profile(now), account: account, recordTime: now,
                        coordinates: InputCoordinates(input: InputID(1), offset: Int64(step)), mode: mode,
                        into: &effects)
                case 18:
                    guard !silent else { break }
                    while engine.tick(wallTime: now, into: &effects) {}
                default:
                    guard source.dice(3) == 0 else { break }
                    for name in 0..<4 { engine.removeAccount("acct-\(name)-\(generation)", into: &effects) }
                    generation += 1
                }
            }
            if let complaint = listen(engine.statistics, &effects) { return "step \(step): \(complaint)" }
        }
        events.play(into: &engine, &effects)
        if let complaint = listen(engine.statistics, &effects) { return complaint }
        for number in 0..<4 { engine.removeAccount("acct-\(number)-\(generation)", into: &effects) }
        let statistics = engine.statistics
        guard statistics.accounts == 0, statistics.counters == 0, statistics.waitingNow == 0,
            engine.previousPeriods.isEmpty, engine.sideIndex.isEmpty, engine.waiting.isEmpty
        else { return "erased accounts leave something: \(statistics)" }
        return nil
    }

    /// Notes what came out and checks it.
    mutating func listen(_ statistics: EngineStatistics, _ effects: inout Effects) -> String? {
        defer { effects.removeAll() }
        for (index, trigger) in (effects.triggers + effects.held.map(\.trigger)).enumerated() {
            said[index < effects.triggers.count ? 0 : 1].append(
                "\(trigger.id) \(trigger.account) \(trigger.usage?.crossed ?? []) \(trigger.cause) \(trigger.usage?.current ?? 0)"
            )
            if !ids.insert(trigger.id.description).inserted {
                return
                    "id twice: \(trigger.rule) \(trigger.account) \(trigger.usage?.crossed ?? []) \(trigger.episode.milliseconds)"
            }
            kinds[trigger.signal, default: 0] += 1
            guard trigger.signal == .limit else { continue }
            if trigger.usage?.crossed.isEmpty ?? true { return "nothing crossed" }
            if trigger.usage?.limit == .of(0) { return "limit 0 fired" }
        }
        for expired in effects.expired { said[2].append("expired \(expired.account) \(expired.quantity)") }
        let sum =
            statistics.applied + statistics.waited + statistics.ignored + statistics.duplicates + statistics.lateOnly
            + statistics.rejected
        if sum != statistics.rows { return "dispositions do not add up" }
        return nil
    }
}
