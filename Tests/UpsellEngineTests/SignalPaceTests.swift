import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

struct SignalPaceTests {
    static let rule = Rule(name: "pace", signal: .pace(PaceSignal(meter: MeterID(0))))
    static let start = at("2026-03-02T10:00")

    /// 50 a day from 2 March on: 1,500 by the end of March.
    static func steady(_ player: SignalPlayer, days: Range<Int64>, _ amount: Int64 = 50, from start: Timestamp = start)
    {
        for day in days { player.use(Stream.calls, amount, at: start + day * .day) }
    }

    @Test
    func firesAtTheSecondCloseInARowThatIsTrue() throws {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            Self.steady(player, days: 0..<5)
            player.tick(to: at("2026-03-20"))
        }
        let trigger = try #require(triggers.first)
        #expect(triggers.count == 1)
        // Three days are complete with 4 March; the judgement of the 5th is the second.
        #expect(trigger.eventTime == at("2026-03-06"))
        #expect(trigger.cause == .timer && trigger.signal == .pace && trigger.episode == at("2026-03-01"))
        #expect(trigger.usage?.current == 200 && trigger.usage?.limit == .of(1000))
        let projection = try #require(trigger.projection)
        #expect(projection.method == "daily-mean-7" && projection.ratePerDay == 50)
        // 200 + 50 a day for the 26 days from 6 March on.
        #expect(projection.projected == 200 + 50 * 26)
        #expect(projection.exhaustion == at("2026-03-06") + 16 * .day)
        let key = ArmingKey(
            signal: .pace, rule: "pace", ruleVersion: trigger.ruleVersion, account: "acme", meter: "calls",
            dimension: "", limitVersion: trigger.usage?.limitVersion ?? 0, episode: trigger.episode, threshold: 10_500)
        #expect(trigger.id == key.id)
    }

    /// 1,050 is 105 % of 1,000: one unit less a day does not fire.
    @Test
    func comparesExactly() {
        func triggers(_ last: Int64) -> Int {
            told(signalCatalogue(Self.rule)) { player in
                for (day, amount) in zip(Int64(0)..., [30, 30, 42, last]) {
                    player.use(Stream.calls, amount, at: at("2026-03-01T10:00") + day * .day)
                }
                player.tick(to: at("2026-03-05T12:00"))
            }.count
        }
        // Three days of 31 with 102: 1,054. Four with 102 + x: (102 + x) × 31 ÷ 4 ≥ 1,050 from x = 33.5 on.
        #expect(triggers(34) == 1)
        #expect(triggers(33) == 0)
    }

    @Test
    func needsThreeDaysAndTwoActiveOnes() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                Self.steady(player, days: 0..<1, 400)
                player.tick(to: at("2026-03-09"))
            }.isEmpty)
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                Self.steady(player, days: 0..<2, 200)
                player.tick(to: at("2026-03-09"))
            }.count == 1)
        var strict = PaceSignal(meter: MeterID(0))
        strict.activeDaysMin = 3
        #expect(
            told(signalCatalogue(Rule(name: "pace", signal: .pace(strict)))) { player in
                Self.steady(player, days: 0..<2, 200)
                player.tick(to: at("2026-03-20"))
            }.isEmpty)
    }

    @Test
    func neverAtOrAfterTheLimitAndNotInTheLastDay() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                Self.steady(player, days: 0..<3, 400)
                player.tick(to: at("2026-03-31"))
            }.isEmpty)
        // 880 used when 30 March closes, 130 a day: exhausted less than a day before the reset.
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                for (day, amount) in zip(Int64(24)..., [Int64(110), 110, 110, 110, 110, 110]) {
                    player.use(Stream.calls, amount, at: at("2026-03-01T10:00") + day * .day)
                }
                player.use(Stream.calls, 220, at: at("2026-03-30T12:00"))
                player.tick(to: at("2026-03-31T23:00"))
            }.isEmpty)
    }

    /// A judgement that is false between two true ones: the first event after the close breaks the row.
    @Test
    func theFirstEventAfterACloseMayBreakTheRow() {
        func triggers(_ correction: Int64) -> [Timestamp] {
            told(signalCatalogue(Self.rule)) { player in
                Self.steady(player, days: 0..<3)
                player.tick(to: at("2026-03-05T01:00"))
                player.use(Stream.calls, correction, at: at("2026-03-05T02:00"))
                player.use(Stream.calls, 50 - correction, at: at("2026-03-05T03:00"))
                Self.steady(player, days: 4..<7)
                player.tick(to: at("2026-03-10"))
            }.map(\.eventTime)
        }
        #expect(triggers(50) == [at("2026-03-06")])
        // −600 at once: nothing is projected; the row begins anew.
        #expect(triggers(-600) == [at("2026-03-07")])
    }

    @Test
    func firesOnceAPeriodAndAnewInTheNext() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            Self.steady(player, days: 0..<41, 36)
            player.tick(to: at("2026-04-12"))
        }
        #expect(triggers.map(\.episode) == [at("2026-03-01"), at("2026-04-01")])
        #expect(triggers.map(\.rearmed) == [nil, .newEpisode])
    }

    @Test
    func anotherLimitArmsAnew() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.profile(at: Self.start)
            Self.steady(player, days: 0..<8)
            player.profile(at: Self.start + 8 * .day) { $0.overrides = [.init(meter: "calls", limit: "1100")] }
            Self.steady(player, days: 8..<14)
            player.tick(to: at("2026-03-20"))
        }
        #expect(triggers.count == 2)
        #expect(triggers.map(\.rearmed) == [nil, .limitChanged])
        #expect(triggers.last?.usage?.limit == .of(1100))
    }

    @Test
    func historyIsSilentAndSpends() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                for day in Int64(0)..<6 {
                    player.use(Stream.calls, 50, at: Self.start + day * .day, mode: .silent)
                }
                Self.steady(player, days: 6..<12)
                player.tick(to: at("2026-03-20"))
            }.isEmpty)
        var later = Self.rule
        later.goLive = at("2026-03-12")
        #expect(
            told(signalCatalogue(later)) { player in
                Self.steady(player, days: 0..<15)
                player.tick(to: at("2026-03-20"))
            }.isEmpty)
    }

    @Test
    func backfillCountsIntoItsDay() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.calls, 1, at: at("2026-03-04T20:00"))
            for day in Int64(0)..<3 {
                player.use(
                    Stream.calls, 50, at: Self.start + day * .day, record: at("2026-03-04T20:00"), flags: .backfill)
            }
            player.use(Stream.calls, 50, at: at("2026-03-05T10:00"))
            player.tick(to: at("2026-03-07"))
        }
        #expect(triggers.map(\.eventTime) == [at("2026-03-06")])
    }

    @Test
    func lateEventsCountIntoTheirOwnDayAndDuplicatesNot() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.calls, 50, at: at("2026-03-02T10:00"))
            player.use(Stream.calls, 1, at: at("2026-03-04T09:00"))
            player.use(Stream.calls, 50, at: at("2026-03-03T23:00"), record: at("2026-03-04T10:00"), id: "late")
            player.use(Stream.calls, 500, at: at("2026-03-03T23:00"), record: at("2026-03-04T10:00"), id: "late")
            player.tick(to: at("2026-03-06T12:00"))
        }
        // 101 in three days, then in four: 101 + 101/4 × 26 < 1,050 and 101 + 101/3 × 27 < 1,050.
        #expect(triggers.isEmpty)
    }

    @Test
    func snapshotsAreNoUse() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                Self.steady(player, days: 0..<3, 10)
                player.use(Stream.calls, 400, at: at("2026-03-04T12:00"), flags: .snapshot)
                player.tick(to: at("2026-03-08"))
            }.isEmpty)
    }

    /// 29 March 2026 has 23 hours in Berlin: the days close at 23:00 and 22:00 UTC.
    @Test
    func daysCloseAtLocalMidnight() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.profile(at: at("2026-03-20")) { profile in
                profile.timeZone = ScenarioTime.berlin
                profile.period = Profile.PeriodBounds(start: at("2026-03-20"), end: at("2026-04-20"))
            }
            for day in Int64(0)..<6 { player.use(Stream.calls, 60, at: at("2026-03-26T12:00") + day * .day) }
            player.tick(to: at("2026-04-02"))
        }
        #expect(triggers.map(\.eventTime) == [at("2026-03-29T22:00")])
        let autumn = told(signalCatalogue(Self.rule)) { player in
            player.profile(at: at("2026-10-20")) { $0.timeZone = ScenarioTime.berlin }
            for day in Int64(0)..<6 { player.use(Stream.calls, 190, at: at("2026-10-22T12:00") + day * .day) }
            player.tick(to: at("2026-10-30"))
        }
        // The 25th has 25 hours and ends at 23:00 UTC.
        #expect(autumn.map(\.eventTime) == [at("2026-10-25T23:00")])
    }

    @Test
    func aMeterThatCameWithAReloadIsPartialUntilAPeriodBegins() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            Self.steady(player, days: 0..<2)
            var changed = player.catalogue
            changed.meters[0].scale = 2
            player.reload(changed)
            Self.steady(player, days: 2..<38)
            player.tick(to: at("2026-04-20"))
        }
        #expect(triggers.map(\.episode) == [at("2026-04-01")])
        #expect(triggers.map(\.rearmed) == [.ruleChanged])
    }

    @Test
    func aReloadKeepsWhatAnUnchangedRuleKnows() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            Self.steady(player, days: 0..<3)
            var changed = player.catalogue
            changed.rules.insert(
                Rule(name: "other", signal: .gate(GateSignal(source: .behaviour(2), count: 1, window: .day))), at: 0)
            changed.rules[1].message = "Another word"
            player.reload(changed)
            Self.steady(player, days: 3..<5)
            player.tick(to: at("2026-03-08"))
        }
        #expect(triggers.map(\.eventTime) == [at("2026-03-06")])
        let other = told(signalCatalogue(Self.rule)) { player in
            Self.steady(player, days: 0..<3)
            var changed = player.catalogue
            changed.rules[0].signal = .pace(PaceSignal(meter: MeterID(0), percent: 11_000))
            player.reload(changed)
            Self.steady(player, days: 3..<9)
            player.tick(to: at("2026-03-12"))
        }
        // The new version's history begins with the first whole day after the reload, 5 March.
        #expect(other.map(\.eventTime) == [at("2026-03-09")])
    }
}
