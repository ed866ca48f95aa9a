import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Timers of signals: many at one instant, after an outage, between a restart and their instant.
struct SignalTimerTests {
    static let end = at("2026-03-16T10:00")

    /// Trials of as many accounts that ended a day before one instant.
    static func trials(_ count: Int, perTick: Int) -> SignalPlayer {
        var catalogue = signalCatalogue(Rule(name: "trial", signal: .trial(TrialSignal(offsetDays: [1]))))
        catalogue.policy.timersPerTick = perTick
        let player = SignalPlayer(catalogue, restarts: false)
        player.use(Stream.calls, at: end - .day, account: "first")
        for number in 0..<count {
            player.profile(at: end - .day, account: "acct-\(number)") {
                $0.trial = .init(plan: "pro", start: nil, end: Self.end - .day)
            }
        }
        return player
    }

    @Test
    func aHundredThousandAtOneInstantRunInSlicesInOrder() {
        let count = 100_000
        let sliced = Self.trials(count, perTick: 7000)
        var ticks = 1
        var clocks: Set<Timestamp> = []
        sliced.withEngine { engine, effects in
            let wall = Self.end + .hour + engine.policy.tickMargin
            while engine.tick(wallTime: wall, into: &effects) {
                ticks += 1
                clocks.insert(engine.clock)
                #expect(effects.triggers.count == (ticks - 1) * 7000)
            }
            #expect(engine.clock == Self.end + .hour)
        }
        #expect(ticks == 15 && clocks == [Self.end])
        let hashes = sliced.triggers.map { StableHash.of($0.account) }
        #expect(hashes.count == count && zip(hashes, hashes.dropFirst()).allSatisfy { $0 < $1 })
        let whole = Self.trials(count, perTick: .max)
        whole.tick(to: Self.end + .hour)
        #expect(whole.triggers == sliced.triggers)
    }

    /// A slice may end at the very instant that the ticks aim at.
    @Test
    func slicesEndWhereTheClockStands() {
        let player = Self.trials(10, perTick: 3)
        player.withEngine { engine, effects in
            let wall = Self.end + engine.policy.tickMargin
            var more: [Bool] = []
            for _ in 0..<5 { more.append(engine.tick(wallTime: wall, into: &effects)) }
            #expect(more == [true, true, true, false, false])
            #expect(effects.triggers.count == 10)
        }
    }

    /// Entries of the queue that do nothing are not counted, and move no clock: a restored engine has none of them.
    @Test
    func idleEntriesOfTheQueueAreNoWork() throws {
        var catalogue = signalCatalogue(
            Rule(
                name: "absent", signal: .absence(AbsenceSignal(source: .behaviour(Stream.opened), duration: 2 * .day))))
        catalogue.policy.timersPerTick = 1
        let start = at("2026-03-02")
        func player() -> SignalPlayer {
            let player = SignalPlayer(catalogue, restarts: false)
            for hour in Int64(0)..<30 {
                for number in 0..<5 where Int(hour) % (number + 1) == 0 {
                    player.use(Stream.opened, at: start + hour * .hour + Int64(number), account: "acct-\(number)")
                }
            }
            return player
        }
        let going = player()
        let other = player()
        let record = other.withEngine { engine, _ in StateRecord(&engine, []) }
        var restored = try StateRecord.restore([record], isWhole: true)
        var effects = Effects()
        going.withEngine { engine, said in
            for hour in stride(from: Int64(29), to: 90, by: 1) {
                let wall = start + hour * .hour
                let isMore = engine.tick(wallTime: wall, into: &said)
                let isMoreRestored = restored.tick(wallTime: wall, into: &effects)
                #expect(isMore == isMoreRestored && engine.clock == restored.clock)
            }
            #expect(said.triggers.count == 5 && said.triggers == effects.triggers)
        }
    }

    /// The clock moves by ticks each minute, or for three days not at all while records wait: the same ids, but for digests,
    /// of which the missed ones are one.
    @Test(arguments: UInt64(1)...4)
    func anOutageOfThreeDaysChangesNoId(_ seed: UInt64) {
        var catalogue = FuzzTests.signals
        catalogue.policy.arbitrationWindow = nil
        catalogue.policy.timersPerTick = 20_000
        func play(outage: Range<Int64>) -> [Trigger] {
            var source = FuzzSource(seed: seed, catalogue: catalogue)
            var engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
            var effects = Effects()
            var events = ScenarioEvents()
            let start = at("2026-03-24")
            var now = start
            for _ in 0..<500 {
                let next = now + source.span(0...(2 * .hour))
                while now + .millisecondsPerMinute < next {
                    now = now + .millisecondsPerMinute
                    guard !outage.contains((now - start) / .day) else { continue }
                    engine.tick(wallTime: now + engine.lag + engine.policy.tickMargin, into: &effects)
                }
                now = next
                let account = "acct-\(source.dice(5))"
                if source.dice(12) == 0 {
                    // A profile takes effect at the clock that it meets, which is another in the outage.
                    let profile = source.profile(now)
                    guard !(5..<10).contains((now - start) / .day) else { continue }
                    engine.apply(
                        profile: profile, account: account, recordTime: now,
                        coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: .live, into: &effects)
                    continue
                }
                // In the order of time: what comes late is judged by the clock, which an outage holds back.
                var uses: [ScenarioEvents.Use] = []
                let stream = source.dice(catalogue.meters.count + 3)
                let isCount = stream < catalogue.meters.count && catalogue.meters[stream].aggregation == .count
                let hasDimension = stream >= catalogue.meters.count || catalogue.meters[stream].dimension != nil
                uses.append(
                    ScenarioEvents.Use(
                        MeterID(stream), stream >= catalogue.meters.count || isCount ? 1 : source.span(1...9),
                        dimension: hasDimension ? "part-\(source.dice(4))" : nil))
                events.add(account, at: now, uses)
                events.play(into: &engine, &effects)
            }
            engine.tick(wallTime: now + 20 * .day, into: &effects)
            return effects.triggers + effects.held.map(\.trigger)
        }
        let steady = play(outage: 0..<0)
        let late = play(outage: 6..<9)
        func ids(_ triggers: [Trigger], _ isDigest: Bool) -> Set<String> {
            Set(triggers.filter { ($0.signal == .digest) == isDigest }.map { "\($0.rule) \($0.account) \($0.id)" })
        }
        #expect(steady.count > 100)
        let differing = ids(steady, false).symmetricDifference(ids(late, false))
        #expect(differing.isEmpty, "\(differing.sorted())")
        #expect(ids(late, true).isSubset(of: ids(steady, true)))
        #expect(Set(steady.map(\.signal)).count > 8, "\(Set(steady.map(\.signal)))")
    }
}

/// Owed triggers, looked at again.
struct SignalJudgingTests {
    /// Plays, takes the last trigger, plays on, and judges it again.
    static func again(
        _ rule: Rule, _ before: (SignalPlayer) -> Void, then: (SignalPlayer) -> Void
    ) throws -> (told: Trigger, now: Trigger?) {
        let player = SignalPlayer(signalCatalogue(rule), restarts: true)
        before(player)
        let trigger = try #require(player.triggers.last)
        then(player)
        return player.withEngine { engine, _ in (trigger, engine.judgeAgain(trigger, signal: 0, account: 0)) }
    }

    @Test
    func thresholdsAreJudgedByTheUsageOfNow() throws {
        let rule = Rule(
            name: "near",
            signal: .limit(LimitSignal(meter: MeterID(0), unit: .percent, thresholds: [8000, 9000], band: 500)))
        let start = at("2026-03-02")
        func judged(_ then: (SignalPlayer) -> Void) throws -> Trigger? {
            try Self.again(
                rule,
                { player in
                    player.profile(at: start)
                    player.use(Stream.calls, 850, at: start)
                }, then: then
            ).now
        }
        #expect(try judged { _ in }?.usage?.current == 850)
        #expect(try judged { $0.use(Stream.calls, 20, at: start + 1) }?.usage?.current == 870)
        #expect(try judged { $0.use(Stream.calls, -100, at: start + 1) } == nil)
        #expect(try judged { $0.profile("pro", at: start + 1) } == nil)
        #expect(try judged { $0.tick(to: at("2026-04-01")) } == nil)
    }

    @Test
    func pace() throws {
        let start = SignalPaceTests.start
        func judged(_ then: (SignalPlayer) -> Void) throws -> Trigger? {
            try Self.again(
                SignalPaceTests.rule,
                { player in
                    player.profile(at: start)
                    SignalPaceTests.steady(player, days: 0..<5)
                    player.tick(to: at("2026-03-06T12:00"))
                }, then: then
            ).now
        }
        let fresh = try judged { $0.use(Stream.calls, 50, at: at("2026-03-06T13:00")) }
        #expect(fresh?.usage?.current == 300 && (fresh?.projection?.projected ?? 0) > 1050)
        #expect(try judged { $0.tick(to: at("2026-03-12")) } == nil)
        #expect(try judged { $0.use(Stream.calls, 900, at: at("2026-03-06T13:00")) } == nil)
        #expect(try judged { $0.profile("pro", at: at("2026-03-06T13:00")) } == nil)
    }

    @Test
    func windowsStaysAndAbsencesEnd() throws {
        let start = at("2026-03-02T10:00")
        func holds(_ rule: Rule, _ before: (SignalPlayer) -> Void, _ then: (SignalPlayer) -> Void) throws -> Bool {
            try Self.again(rule, before, then: then).now != nil
        }
        func gate(_ player: SignalPlayer) {
            for hour in Int64(0)..<3 { player.use(Stream.denied, at: start + hour * .hour) }
        }
        #expect(try holds(SignalGateTests.rule, gate) { $0.tick(to: start + 2 * .day - 1) })
        #expect(try !holds(SignalGateTests.rule, gate) { $0.tick(to: start + 2 * .day) })
        func adopt(_ player: SignalPlayer) {
            for day in [Int64(0), 0, 1, 2] { player.use(Stream.opened, feature: "reports", at: start + day * .day) }
        }
        #expect(try holds(SignalAdoptionTests.one, adopt) { $0.tick(to: at("2026-03-16") - 1) })
        #expect(try !holds(SignalAdoptionTests.one, adopt) { $0.tick(to: at("2026-03-16")) })
        func stay(_ player: SignalPlayer) {
            player.use(Stream.seats, 9, at: start)
            player.tick(to: start + 4 * .day)
        }
        #expect(try holds(SignalSustainedTests.rule, stay) { $0.tick(to: start + 40 * .day) })
        #expect(
            try !holds(SignalSustainedTests.rule, stay) { $0.use(Stream.seats, -1, at: start + 4 * .day) })
        #expect(
            try !holds(SignalSustainedTests.rule, stay) { player in
                player.use(Stream.seats, -1, at: start + 4 * .day)
                player.use(Stream.seats, 1, at: start + 4 * .day)
            })
        func miss(_ player: SignalPlayer) {
            player.use(Stream.opened, feature: "sso", at: start)
            player.tick(to: start + 8 * .day)
        }
        #expect(try holds(SignalAbsenceTests.rule, miss) { $0.tick(to: start + 40 * .day) })
        #expect(
            try !holds(SignalAbsenceTests.rule, miss) { $0.use(Stream.opened, feature: "sso", at: start + 9 * .day) })
        func grow(_ player: SignalPlayer) {
            SignalGrowthTests.weeks(player, [20, 30])
            player.tick(to: start + 14 * .day)
        }
        #expect(try holds(SignalGrowthTests.rule, grow) { $0.use(Stream.calls, 30, at: start + 14 * .day) })
        #expect(try !holds(SignalGrowthTests.rule, grow) { $0.tick(to: start + 20 * .day) })
    }

    @Test
    func trialsEventsDigestsAndCombinations() throws {
        let start = SignalTrialTests.start
        let trial = try Self.again(
            SignalTrialTests.rule,
            { player in
                player.use(Stream.calls, at: start)
                SignalTrialTests.begin(player)
                player.tick(to: SignalTrialTests.end - 7 * .day)
            },
            then: { player in
                player.use(Stream.opened, feature: "sso", at: SignalTrialTests.end - 6 * .day)
            })
        #expect(trial.now?.activity?.daysLeft == 6 && trial.now?.activity?.used.count == 1)
        #expect(trial.told.activity?.used.count == 0)
        let moved = try Self.again(
            SignalTrialTests.rule,
            { player in
                player.use(Stream.calls, at: start)
                SignalTrialTests.begin(player)
                player.tick(to: SignalTrialTests.end - 7 * .day)
            }, then: { SignalTrialTests.begin($0, end: SignalTrialTests.end + .day, at: SignalTrialTests.end) })
        #expect(moved.now == nil)
        let event = try Self.again(
            SignalEventTests.rule, { $0.use(Stream.cancel, feature: "downgrade", at: start) },
            then: { $0.use(Stream.opened, feature: "sso", at: start + 1) })
        #expect(event.now?.activity?.used == [.init(feature: "sso", uses: 1, days: 1)])
        func digest(_ player: SignalPlayer) {
            player.profile(at: start)
            player.use(Stream.calls, at: start)
            player.tick(to: start + .day)
        }
        let rule = SignalDigestTests.rule(.day)
        #expect(try Self.again(rule, digest, then: { $0.tick(to: start + .day + .hour) }).now != nil)
        let next = try Self.again(rule, digest) { player in
            player.use(Stream.calls, at: start + .day)
            player.tick(to: start + 2 * .day)
        }
        #expect(next.now == nil)
        func combine(_ player: SignalPlayer) { player.use(Stream.denied, at: start) }
        let any = SignalCombinationTests.rule(.any)
        #expect(try Self.again(any, combine, then: { $0.tick(to: start + 3 * .day - 1) }).now != nil)
        #expect(try Self.again(any, combine, then: { $0.tick(to: start + 3 * .day) }).now == nil)
    }

    @Test
    func factsAreThoseOfNow() throws {
        let start = at("2026-03-02T10:00")
        let judged = try Self.again(
            SignalEventTests.rule,
            { player in
                player.profile(at: start)
                player.use(Stream.cancel, feature: "downgrade", at: start)
            },
            then: { player in
                player.profile("pro", at: start + 1) { profile in
                    profile.locale = "uk"
                    profile.currency = "EUR"
                    profile.owner = "csm-7"
                    profile.status = .trialing
                    profile.timeZone = ScenarioTime.berlin
                    profile.attributes = [
                        .init(name: "size", json: "7", texts: ["7"]), .init(name: "secret", json: "1", texts: ["1"]),
                    ]
                    profile.shareable = ["size"]
                }
            })
        #expect(judged.told.plan == "free" && judged.told.locale == nil && judged.told.attributes.isEmpty)
        let now = try #require(judged.now)
        #expect(now.plan == "pro" && now.locale == "uk" && now.currency == "EUR" && now.owner == "csm-7")
        #expect(now.status == .trialing && now.timeZone == "Europe/Berlin")
        #expect(now.attributes.map(\.name) == ["size"])
        #expect(now.id == judged.told.id)
    }
}
