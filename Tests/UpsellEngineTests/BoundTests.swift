import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// What must not grow with time, and what must not take time squared.
struct BoundTests {
    static let day = ScenarioTime.at("2026-01-10")

    @Test
    func aProfileRewrittenOftenHasOneTimer() {
        var engine = EngineTests.start(
            catalogue("meter calls sum month", "plan free calls=100", "addon pack calls=50", "accounts wait"))
        var effects = Effects()
        var profile = Profile(plan: "free", time: Self.day)
        for round in 0..<1000 {
            profile.time = Self.day + Int64(round)
            profile.addOns = [
                Profile.Holding(
                    addOn: "pack", quantity: 1, until: Self.day + (40 + Int64(round % 2)) * .millisecondsPerDay)
            ]
            engine.apply(
                profile: profile, account: "acme", recordTime: Self.day,
                coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: .live, into: &effects)
        }
        #expect(engine.timers.count == 1)
    }

    /// The second account gets the number of the first; the first one's timer must not act on it.
    @Test
    func timersOfAnErasedAccountDoNothing() {
        var engine = EngineTests.start(
            catalogue(
                "meter calls sum month", "plan free calls=100", "plan pro calls=1000", "rule limits calls percent 80",
                "accounts wait"))
        var effects = Effects()
        var events = ScenarioEvents()
        let coordinates = InputCoordinates(input: InputID(1), offset: 0)
        var profile = Profile(plan: "pro", time: Self.day)
        profile.pendingPlan = "free"
        profile.effectiveAt = Self.day + .millisecondsPerDay
        engine.apply(
            profile: profile, account: "acme", recordTime: Self.day, coordinates: coordinates, mode: .live,
            into: &effects)
        engine.removeAccount("acme", into: &effects)
        profile.effectiveAt = Self.day + 3 * .millisecondsPerDay
        engine.apply(
            profile: profile, account: "beta", recordTime: Self.day, coordinates: coordinates, mode: .live,
            into: &effects)
        events.add("beta", at: Self.day, [ScenarioEvents.Use(MeterID(0), 85)])
        events.add("beta", at: Self.day + 2 * .millisecondsPerDay, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        #expect(effects.isEmpty)
        #expect(engine.effectiveLimit(account: "beta", meter: MeterID(0)) == .of(1000))
        events.add("beta", at: Self.day + 3 * .millisecondsPerDay, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        #expect(effects.triggers.map(\.cause) == [.limitChanged])
        // What is left is the expiry of what was said.
        #expect(engine.timers.count == 1)
    }

    /// Erased with a closed period under way; whoever gets the number keeps the closed period for its own grace.
    @Test
    func graceOfAnErasedAccountEndsNoOther() {
        var engine = EngineTests.start(
            catalogue("meter calls sum month", "plan free calls=100", "accounts wait"))
        var effects = Effects()
        var events = ScenarioEvents()
        let coordinates = InputCoordinates(input: InputID(1), offset: 0)
        let hour = Int64.millisecondsPerHour
        let february = ScenarioTime.at("2026-02-01")
        var profile = Profile(plan: "free", time: Self.day)
        // Ends twelve hours early, and so does its grace.
        profile.period = Profile.PeriodBounds(start: ScenarioTime.at("2026-01-01"), end: february - 12 * hour)
        engine.apply(
            profile: profile, account: "acme", recordTime: Self.day, coordinates: coordinates, mode: .live,
            into: &effects)
        events.add("acme", at: Self.day, [ScenarioEvents.Use(MeterID(0), 5)])
        events.add("acme", at: february - 11 * hour, [ScenarioEvents.Use(MeterID(0), 5)])
        events.play(into: &engine, &effects)
        engine.removeAccount("acme", into: &effects)
        profile.period = nil
        engine.apply(
            profile: profile, account: "beta", recordTime: Self.day, coordinates: coordinates, mode: .live,
            into: &effects)
        events.add("beta", at: february - 10 * hour, [ScenarioEvents.Use(MeterID(0), 7)])
        events.add("beta", at: february, [ScenarioEvents.Use(MeterID(0), 1)])
        events.add("beta", at: february + 13 * hour, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        // 7 of January, 1 of the dense row of February.
        #expect(engine.statistics.counters == 2)
        events.add("beta", at: february + 25 * hour, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        #expect(engine.statistics.counters == 1)
        #expect(engine.usage(account: "beta", meter: MeterID(0)) == 3)
    }

    /// Entries of events that left the room with their profile go, long before their time is up.
    @Test
    func queueOfTheWaitingRoomIsBoundedByTheRoom() {
        var engine = EngineTests.start(
            catalogue("meter calls sum month", "plan free calls=100", "accounts wait 600000 10"))
        var effects = Effects()
        var events = ScenarioEvents()
        for number in 0..<5000 {
            events.add("acct-\(number)", at: Self.day, [ScenarioEvents.Use(MeterID(0), 1)])
            events.play(into: &engine, &effects)
            if number % 500 == 0 { continue }
            engine.apply(
                profile: Profile(plan: "free", time: Self.day), account: "acct-\(number)", recordTime: Self.day,
                coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: .live, into: &effects)
        }
        #expect(engine.waitingQueue.count <= 2 * 10 + 1024)
        #expect(engine.statistics.waitingNow == 10)
        events.add("late", at: Self.day + 8 * .millisecondsPerDay, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        #expect(effects.expired.map(\.account) == (0..<10).map { "acct-\($0 * 500)" })
        #expect(engine.statistics.waitingNow == 1)
    }

    /// 100,000 readings of one account leave at one instant; copied for each of them, that took minutes.
    @Test
    func aFullWaitingRoomOfOneAccountExpires() {
        var engine = EngineTests.start(catalogue("meter calls sum month", "accounts wait"))
        var effects = Effects()
        var events = ScenarioEvents()
        for _ in 0..<100_000 { events.add("acme", at: Self.day, [ScenarioEvents.Use(MeterID(0), 1)]) }
        events.play(into: &engine, &effects)
        var ticks = 1
        while engine.tick(wallTime: Self.day + 8 * .millisecondsPerDay, into: &effects) { ticks += 1 }
        #expect(ticks == 5)
        #expect(effects.expired.count == 100_000)
        #expect(engine.statistics.waitingNow == 0)
        #expect(engine.statistics.accounts == 0)
    }

    /// Nothing goes without being counted: what waits when its account is erased.
    @Test
    func erasedReadingsAreCounted() {
        var engine = EngineTests.start(catalogue("meter calls sum month", "accounts wait"))
        var effects = Effects()
        var events = ScenarioEvents()
        for _ in 0..<3 { events.add("acme", at: Self.day, [ScenarioEvents.Use(MeterID(0), 1)]) }
        events.play(into: &engine, &effects)
        engine.removeAccount("acme", into: &effects)
        #expect(engine.statistics.waitingNow == 0)
        #expect(engine.statistics.waitingDropped == 3)
        engine.tick(wallTime: Self.day + 8 * .millisecondsPerDay, into: &effects)
        #expect(effects.isEmpty)
        #expect(engine.statistics.accounts == 0)
    }
}
