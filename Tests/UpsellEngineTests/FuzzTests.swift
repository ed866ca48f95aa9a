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

    @Test(arguments: 0..<8)
    func whateverComes(_ lot: Int) {
        for number in 0..<12 {
            let seed = UInt64(lot * 1000 + number + 1)
            var one = FuzzRun(seed: seed, catalogue: Self.catalogues[number % 2], batched: false)
            var many = FuzzRun(seed: seed, catalogue: Self.catalogues[number % 2], batched: true)
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
                    if !silent { engine.tick(wallTime: now, into: &effects) }
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
