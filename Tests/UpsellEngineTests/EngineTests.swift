import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

struct EngineTests {
    static let lines = catalogue(
        "meter calls sum month", "meter seats sum gauge", "meter week sum rolling 7", "meter users unique month",
        "meter disk latest gauge", "meter parts sum month by part 3",
        "plan free calls=100 seats=10 week=50 users=5 parts=10",
        "rule calls calls percent 80 90 100", "rule seats seats percent 80 100", "rule week week percent 80",
        "rule users users percent 80", "rule parts parts percent 50", "accounts default free")

    static func start(_ catalogue: Catalogue = lines) -> PartitionEngine {
        PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
    }

    static let day = ScenarioTime.at("2026-01-10")

    @Test
    func everyRowHasOneDisposition() {
        let catalogue = catalogue(
            "meter calls sum month", "plan free calls=100", "rule calls calls percent 80", "accounts wait 100000 2")
        var engine = Self.start(catalogue)
        var effects = Effects()
        var events = ScenarioEvents()
        let calls = [ScenarioEvents.Use(MeterID(0), 40)]
        engine.apply(
            profile: Profile(plan: "free", time: Self.day), account: "acme", recordTime: Self.day,
            coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: .live, into: &effects)
        events.add("acme", at: Self.day, calls, id: "a")
        events.add("acme", at: Self.day, calls, id: "a")
        events.add("acme", at: Self.day, calls, id: "b")
        events.add("acme", at: Self.day - 20 * .millisecondsPerDay, record: Self.day, calls)
        events.add("acme", at: Self.day - 60 * .millisecondsPerDay, record: Self.day, calls)
        events.add("acme", at: Self.day + .millisecondsPerHour, record: Self.day, calls)
        events.add("acme", at: Self.day + .millisecondsPerDay, calls)
        events.add("acme", at: Self.day, [ScenarioEvents.Use(MeterID(0), .max)])
        for name in ["x", "y", "z"] { events.add(name, at: Self.day, calls) }
        events.play(into: &engine, wallTime: Self.day, &effects)
        let statistics = engine.statistics
        #expect(statistics.rows == 11)
        #expect(statistics.applied == 2)
        #expect(statistics.duplicates == 1)
        #expect(statistics.lateOnly == 1)
        #expect(statistics.tooOld == 1)
        #expect(statistics.inFuture == 2)
        #expect(statistics.overflow == 1)
        #expect(statistics.waited == 2)
        #expect(statistics.noProfile == 1)
        #expect(statistics.waitingNow == 2)
        #expect(statistics.accounts == 3)
        #expect(effects.rejected.map(\.row) == [4, 5, 6, 7, 10])
        #expect(effects.triggers.map { $0.usage?.crossed } == [[8000]])
    }

    @Test
    func triggerSaysWhatHappened() throws {
        var engine = Self.start()
        var effects = Effects()
        var events = ScenarioEvents()
        events.add("acme", at: Self.day, [ScenarioEvents.Use(MeterID(0), 79)])
        events.add("acme", at: Self.day + 5, record: Self.day + 9, [ScenarioEvents.Use(MeterID(0), 12)])
        events.play(into: &engine, &effects)
        let trigger = try #require(effects.triggers.first)
        #expect(effects.triggers.count == 1)
        #expect(trigger.account == "acme" && trigger.rule == "calls" && trigger.usage?.meter == "calls")
        #expect(trigger.signal == .limit && trigger.cause == .usage)
        #expect(trigger.usage?.previous == 79 && trigger.usage?.current == 91 && trigger.usage?.limit == .of(100))
        #expect(trigger.usage?.crossed == [8000, 9000] && trigger.usage?.highest == 9000)
        #expect(trigger.usage?.period?.start == ScenarioTime.parse("2026-01-01"))
        #expect(trigger.usage?.period?.end == ScenarioTime.parse("2026-02-01"))
        #expect(trigger.episode == ScenarioTime.parse("2026-01-01"))
        #expect(trigger.eventTime == Self.day + 5)
        #expect(trigger.plan == "free" && trigger.status == .active)
        #expect(trigger.coordinates == InputCoordinates(input: InputID(0), offset: 1))
        #expect(trigger.usage?.limitVersion == KeyVersion.ofLimit(.of(100), since: Timestamp(milliseconds: 0)))
        let key = ArmingKey(
            signal: .limit, rule: "calls", ruleVersion: trigger.ruleVersion, account: "acme", meter: "calls",
            dimension: nil, limitVersion: trigger.usage?.limitVersion ?? 0, episode: trigger.episode, threshold: 9000)
        #expect(trigger.id == key.id)
    }

    @Test
    func twoEnginesFedAlikeDecideAlike() {
        func play(batchOf size: Int) -> ([Trigger], EngineStatistics) {
            var engine = Self.start()
            var effects = Effects()
            var events = ScenarioEvents()
            var state: UInt64 = 7
            for step in 0..<3000 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let meter = Int(state >> 40 % 3)
                events.add(
                    "acct-\(state >> 33 % 20)", at: Self.day + Int64(step) * 400_000,
                    [ScenarioEvents.Use(MeterID(meter), Int64(state >> 50 % 5) - 1)])
                if step % size == size - 1 { events.play(into: &engine, &effects) }
            }
            events.play(into: &engine, &effects)
            return (effects.triggers, engine.statistics)
        }
        let (one, statistics) = play(batchOf: 1)
        let (many, manyStatistics) = play(batchOf: 977)
        #expect(!one.isEmpty)
        #expect(one == many)
        #expect(statistics == manyStatistics)
        #expect(Set(one.map(\.id)).count == one.count)
    }

    @Test
    func removedAccountLeavesNothing() {
        var engine = Self.start()
        var effects = Effects()
        var events = ScenarioEvents()
        let bare = engine.statistics.counters
        for name in ["acme", "beta"] {
            events.add(
                name, at: Self.day,
                [
                    ScenarioEvents.Use(MeterID(0), 85), ScenarioEvents.Use(MeterID(1), 9),
                    ScenarioEvents.Use(MeterID(2), 45), ScenarioEvents.Use(MeterID(3), 1),
                    ScenarioEvents.Use(MeterID(4), 5), ScenarioEvents.Use(MeterID(5), 5, dimension: "x"),
                ])
        }
        events.play(into: &engine, &effects)
        engine.removeAccount("acme", into: &effects)
        #expect(engine.usage(account: "acme", meter: MeterID(0)) == nil)
        #expect(engine.usage(account: "beta", meter: MeterID(2)) == 45)
        engine.removeAccount("beta", into: &effects)
        engine.removeAccount("nobody", into: &effects)
        #expect(engine.statistics.accounts == 0)
        #expect(engine.statistics.counters == bare)
        #expect(engine.statistics.removals == 2)
        // The number is given out again and starts from nothing; the timer of the old buckets finds none.
        effects.removeAll()
        events.add("next", at: Self.day, [ScenarioEvents.Use(MeterID(0), 1)])
        events.add("next", at: Self.day + 9 * .millisecondsPerDay, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        #expect(engine.usage(account: "next", meter: MeterID(0)) == 2)
        #expect(effects.isEmpty)
    }

    @Test
    func clockFollowsAcceptedRecordsAndTicks() {
        var engine = Self.start()
        var effects = Effects()
        var events = ScenarioEvents()
        engine.tick(wallTime: Self.day, into: &effects)
        #expect(engine.clock == .earliest)
        // An hour under way: lag is an hour.
        events.add("acme", at: Self.day, record: Self.day + .millisecondsPerHour, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        #expect(engine.clock == Self.day)
        engine.tick(wallTime: Self.day + 2 * .millisecondsPerHour, into: &effects)
        #expect(engine.clock == Self.day + .millisecondsPerHour - 5000)
        // A time a little ahead of its record moves the clock to the record only.
        let record = Self.day + 3 * .millisecondsPerHour
        events.add("acme", at: record + .millisecondsPerMinute, record: record, [ScenarioEvents.Use(MeterID(0), 1)])
        events.add("acme", at: record + .millisecondsPerHour, record: record, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        #expect(engine.clock == record)
        #expect(effects.rejected.count == 1)
    }

    @Test
    func sumsOfRollingWindowsNeverTrap() {
        var engine = Self.start()
        var effects = Effects()
        var events = ScenarioEvents()
        let hour = Int64.millisecondsPerHour
        for (offset, quantity) in [(Int64(0), Int64.min + 1), (hour, .max), (2 * hour, .max), (3 * hour, .max)] {
            events.add("acme", at: Self.day + offset, [ScenarioEvents.Use(MeterID(2), quantity)])
        }
        events.play(into: &engine, &effects)
        #expect(effects.rejected.map(\.row) == [3])
        #expect(engine.usage(account: "acme", meter: MeterID(2)) == .max)
        events.add(
            "beta", at: Self.day + 7 * .millisecondsPerDay + hour, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        #expect(engine.usage(account: "acme", meter: MeterID(2)) == .max)
        events.add(
            "beta", at: Self.day + 7 * .millisecondsPerDay + 2 * hour, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        #expect(engine.usage(account: "acme", meter: MeterID(2)) == .max)
    }

    @Test
    func hugeLimitsAreExact() {
        let catalogue = catalogue(
            "meter calls sum month", "plan free calls=9223372036854775807", "rule calls calls percent 80 100 120",
            "accounts default free")
        var engine = Self.start(catalogue)
        var effects = Effects()
        var events = ScenarioEvents()
        // 80 % of 2⁶³ − 1 is 7378697629483820645.6.
        events.add("acme", at: Self.day, [ScenarioEvents.Use(MeterID(0), 7_378_697_629_483_820_645)])
        events.play(into: &engine, &effects)
        #expect(effects.isEmpty)
        events.add("acme", at: Self.day, [ScenarioEvents.Use(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        #expect(effects.triggers.map { $0.usage?.crossed } == [[8000]])
    }
}
