import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

struct SignalTrialTests {
    static let start = at("2026-03-02T10:00")
    static let end = start + 14 * .day
    static let rule = Rule(
        name: "trial",
        signal: .trial(
            TrialSignal(offsetDays: [-7, 0, 3], usage: .behaviour(Stream.opened, "reports", "sso", "api"))))

    static func begin(_ player: SignalPlayer, end: Timestamp? = end, at time: Timestamp = start) {
        player.profile(at: time) { $0.trial = .init(plan: "pro", start: start, end: end) }
    }

    @Test
    func instantsAroundTheEnd() throws {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.calls, at: Self.start)
            Self.begin(player)
            for hour in [Int64(1), 2, 30] { player.use(Stream.opened, feature: "sso", at: Self.start + hour * .hour) }
            player.use(Stream.opened, feature: "other", at: Self.start + 31 * .hour)
            player.tick(to: Self.start + 10 * .day)
            player.use(Stream.opened, feature: "api", at: Self.start + 10 * .day)
            player.use(Stream.opened, feature: "api", at: Self.end)
            player.tick(to: Self.start + 40 * .day)
        }
        #expect(triggers.map(\.eventTime) == [-7, 0, 3].map { Self.end + $0 * .day })
        #expect(triggers.map { $0.activity?.daysLeft } == [7, 0, -3])
        #expect(triggers.allSatisfy { $0.episode == Self.end && $0.activity?.trialEnd == Self.end })
        #expect(triggers[0].activity?.used == [.init(feature: "sso", uses: 3)])
        #expect(triggers[0].activity?.unused == ["reports", "api"])
        #expect(triggers[1].activity?.used == [.init(feature: "sso", uses: 3), .init(feature: "api", uses: 1)])
        #expect(triggers[2].activity?.used == triggers[1].activity?.used)
        #expect(triggers.allSatisfy { $0.cause == .timer && $0.coordinates == nil && $0.rearmed == nil })
        for (trigger, offset) in zip(triggers, [Int64(-7), 0, 3]) {
            let key = ArmingKey(
                signal: .trial, rule: "trial", ruleVersion: trigger.ruleVersion, account: "acme", meter: "",
                dimension: "", limitVersion: 0, episode: Self.end, threshold: offset)
            #expect(trigger.id == key.id)
        }
    }

    @Test
    func instantsThatHavePassedAreSpent() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.calls, at: Self.end - 3 * .day)
            Self.begin(player, at: Self.end - 3 * .day)
            player.tick(to: Self.end + 10 * .day)
        }
        #expect(triggers.map(\.eventTime) == [Self.end, Self.end + 3 * .day])
        // Exactly at the instant it has passed.
        let exact = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.calls, at: Self.end - 7 * .day)
            Self.begin(player, at: Self.end - 7 * .day)
            player.tick(to: Self.end)
        }
        #expect(exact.map(\.eventTime) == [Self.end])
    }

    @Test
    func aMovedEndArmsAnewAndComesBackOnce() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.calls, at: Self.start)
            Self.begin(player)
            player.tick(to: Self.end - 6 * .day)
            Self.begin(player, end: Self.end + 7 * .day, at: Self.end - 6 * .day)
            player.tick(to: Self.end + .day)
            Self.begin(player, end: Self.end, at: Self.end + .day)
            player.tick(to: Self.end + 30 * .day)
        }
        #expect(
            triggers.map(\.episode) == [Self.end, Self.end + 7 * .day, Self.end])
        #expect(triggers.map { $0.activity?.daysLeft } == [7, 7, -3])
        #expect(triggers[1].rearmed == .newEpisode)
    }

    @Test
    func withoutTrialThereIsNothing() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                player.use(Stream.calls, at: Self.start)
                Self.begin(player)
                player.profile(at: Self.start + .day)
                player.tick(to: Self.end + 30 * .day)
            }.isEmpty)
    }

    /// Profiles are read before there is a clock: instants before the first record are over.
    @Test
    func profilesOfTheFirstStartWaitForTheClock() {
        func triggers(_ mode: FiringMode, first: Timestamp) -> [Timestamp] {
            told(signalCatalogue(Self.rule)) { player in
                Self.begin(player)
                player.use(Stream.calls, at: first, account: "other", mode: mode)
                player.tick(to: Self.end + .day)
            }.map(\.eventTime)
        }
        #expect(triggers(.live, first: Self.end - 6 * .day) == [Self.end])
        #expect(triggers(.live, first: Self.end - 8 * .day) == [Self.end - 7 * .day, Self.end])
        #expect(triggers(.silent, first: Self.end - 6 * .day) == [Self.end])
    }

    @Test
    func historyAndGoLiveAreSilent() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.calls, at: Self.start, mode: .silent)
            Self.begin(player)
            player.use(Stream.calls, at: Self.end - .day, mode: .silent)
            player.tick(to: Self.end + 10 * .day)
        }
        #expect(triggers.map(\.eventTime) == [Self.end, Self.end + 3 * .day])
        var later = Self.rule
        later.goLive = Self.end + 1
        let live = told(signalCatalogue(later)) { player in
            player.use(Stream.calls, at: Self.start)
            Self.begin(player)
            player.tick(to: Self.end + 10 * .day)
        }
        #expect(live.map(\.eventTime) == [Self.end + 3 * .day])
    }

    @Test
    func reloads() {
        func triggers(_ change: (inout Rule) -> Void) -> [Trigger] {
            told(signalCatalogue(Self.rule)) { player in
                player.use(Stream.calls, at: Self.start)
                Self.begin(player)
                player.tick(to: Self.end - 6 * .day)
                var changed = player.catalogue
                change(&changed.rules[0])
                player.reload(changed)
                player.tick(to: Self.end + 1)
            }
        }
        #expect(triggers { $0.message = "Other" }.map(\.eventTime) == [Self.end - 7 * .day, Self.end])
        let offsets = TrialSignal(offsetDays: [-8, -1], usage: nil)
        #expect(
            triggers { $0.signal = .trial(offsets) }.map(\.eventTime) == [Self.end - 7 * .day, Self.end - .day])
        let evaluated = triggers { rule in
            rule.signal = .trial(offsets)
            rule.onChange = .evaluate
        }
        #expect(evaluated.map(\.cause) == [.timer, .ruleChanged, .timer])
        #expect(evaluated.map { $0.activity?.daysLeft } == [7, 6, 1])
    }
}

struct SignalAbsenceTests {
    static let start = at("2026-03-02T10:00")
    static let rule = Rule(
        name: "absent", signal: .absence(AbsenceSignal(source: .behaviour(Stream.opened, "sso"), duration: 7 * .day)))

    @Test
    func countsFromTheLastOccurrence() throws {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.opened, feature: "sso", at: Self.start)
            player.use(Stream.opened, feature: "sso", at: Self.start + 6 * .day)
            player.use(Stream.opened, feature: "other", at: Self.start + 10 * .day)
            player.tick(to: Self.start + 30 * .day)
            player.use(Stream.opened, feature: "sso", at: Self.start + 30 * .day)
            player.tick(to: Self.start + 60 * .day)
        }
        #expect(triggers.map(\.eventTime) == [13, 37].map { Self.start + $0 * .day })
        #expect(triggers.map(\.episode) == [6, 30].map { Self.start + $0 * .day })
        #expect(triggers.map(\.rearmed) == [nil, .newEpisode])
        let trigger = try #require(triggers.first)
        #expect(trigger.activity?.since == Self.start + 6 * .day)
        #expect(trigger.activity?.source == "opened" && trigger.activity?.feature == "sso")
        let key = ArmingKey(
            signal: .absence, rule: "absent", ruleVersion: trigger.ruleVersion, account: "acme", meter: "",
            dimension: "", limitVersion: 0, episode: Self.start + 6 * .day, threshold: 0)
        #expect(trigger.id == key.id)
    }

    @Test
    func countsFromTheProfileWhereNothingEverHappened() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.calls, at: Self.start, account: "other")
            player.profile(at: Self.start - 100 * .day)
            player.profile("pro", at: Self.start + .day)
            player.tick(to: Self.start + 7 * .day - 1)
            #expect(player.triggers.isEmpty)
            player.tick(to: Self.start + 60 * .day)
        }
        #expect(triggers.map(\.eventTime) == [Self.start + 7 * .day])
        // Before there is a clock: from the first record on.
        let early = told(signalCatalogue(Self.rule)) { player in
            player.profile(at: Self.start - 100 * .day)
            player.use(Stream.calls, at: Self.start, account: "other")
            player.tick(to: Self.start + 60 * .day)
        }
        #expect(early.map(\.episode) == [Self.start])
    }

    @Test
    func lateOccurrencesCount() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.opened, feature: "sso", at: Self.start)
            player.use(Stream.opened, feature: "sso", at: Self.start + 2 * .day, record: Self.start + 6 * .day)
            player.use(Stream.opened, feature: "sso", at: Self.start + .day, record: Self.start + 6 * .day)
            player.use(
                Stream.opened, feature: "sso", at: Self.start + 3 * .day, record: Self.start + 6 * .day,
                flags: .backfill)
            player.tick(to: Self.start + 60 * .day)
        }
        #expect(triggers.map(\.episode) == [Self.start + 3 * .day])
    }

    @Test
    func historySpends() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                player.use(Stream.opened, feature: "sso", at: Self.start, mode: .silent)
                player.use(Stream.calls, at: Self.start + 8 * .day, mode: .silent)
                player.tick(to: Self.start + 60 * .day)
            }.isEmpty)
    }

    @Test
    func reloads() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.profile(at: Self.start)
            player.use(Stream.opened, feature: "sso", at: Self.start)
            player.tick(to: Self.start + 2 * .day)
            var changed = player.catalogue
            changed.rules[0].cooldown = 5
            changed.rules.append(
                Rule(
                    name: "new",
                    signal: .absence(AbsenceSignal(source: .behaviour(Stream.opened), duration: 3 * .day))))
            player.reload(changed)
            player.tick(to: Self.start + 60 * .day)
        }
        #expect(triggers.map(\.rule) == ["new", "absent"])
        #expect(triggers.map(\.eventTime) == [5, 7].map { Self.start + $0 * .day })
    }

    @Test
    func anErasedAccountIsForgotten() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                player.use(Stream.opened, feature: "sso", at: Self.start)
                player.use(Stream.calls, at: Self.start, account: "other")
                player.remove("acme")
                player.use(Stream.calls, at: Self.start + 1, account: "next")
                player.tick(to: Self.start + 60 * .day)
            }.isEmpty)
    }
}

struct SignalDigestTests {
    static let start = at("2026-03-04T12:00")  // a Wednesday

    static func rule(_ every: Meter.Reset.Unit = .week) -> Rule {
        Rule(
            name: "digest",
            signal: .digest(
                DigestSignal(
                    every: every, usage: .behaviour(Stream.opened, "reports", "sso"), meters: [MeterID(0)])))
    }

    static func isSlot(_ instant: Timestamp, _ nominal: Timestamp) -> Bool {
        instant >= nominal && instant < nominal + .hour
    }

    @Test
    func tellsTheWeekOnMondays() throws {
        let triggers = told(signalCatalogue(Self.rule())) { player in
            player.profile(at: Self.start)
            player.use(Stream.calls, 30, at: Self.start)
            player.use(Stream.opened, feature: "sso", at: Self.start + .hour)
            player.use(Stream.opened, feature: "sso", at: Self.start + 2 * .hour)
            player.use(Stream.opened, feature: "else", at: Self.start + 2 * .hour)
            player.tick(to: Self.start + 6 * .day)
            player.use(Stream.calls, 12, at: Self.start + 6 * .day)
            player.tick(to: at("2026-03-17"))
            player.tick(to: at("2026-03-31"))
        }
        #expect(triggers.map(\.episode) == [at("2026-03-09T09:00"), at("2026-03-16T09:00")])
        #expect(triggers.allSatisfy { Self.isSlot($0.eventTime, $0.episode) && $0.cause == .timer })
        let trigger = try #require(triggers.first)
        #expect(trigger.activity?.used == [.init(feature: "sso", uses: 2), .init(feature: "calls", uses: 30)])
        #expect(trigger.activity?.unused == ["reports"])
        #expect(trigger.activity?.window == Trigger.Span(start: Self.start, end: trigger.eventTime))
        #expect(trigger.usage?.current == 30)
        #expect(triggers[1].activity?.used == [.init(feature: "calls", uses: 12)])
        #expect(triggers[1].usage?.current == 42)
        #expect(triggers[1].activity?.window?.start == trigger.eventTime)
        let key = ArmingKey(
            signal: .digest, rule: "digest", ruleVersion: trigger.ruleVersion, account: "acme", meter: "",
            dimension: "", limitVersion: 0, episode: trigger.episode, threshold: 0)
        #expect(trigger.id == key.id)
    }

    @Test(arguments: [
        (Meter.Reset.Unit.day, ["2026-03-05", "2026-03-06", "2026-03-07"]),
        (.week, ["2026-03-09", "2026-03-16", "2026-03-23"]), (.month, ["2026-04-01", "2026-05-01", "2026-06-01"]),
        (.year, ["2027-01-01", "2028-01-01"]),
    ])
    func slotsOfEveryLength(_ every: Meter.Reset.Unit, _ slots: [String]) {
        let triggers = told(signalCatalogue(Self.rule(every))) { player in
            player.profile(at: Self.start)
            player.use(Stream.calls, at: Self.start)
            for slot in slots {
                player.tick(to: at(slot + "T10:00"))
                player.use(Stream.calls, at: at(slot + "T10:00"))
            }
        }
        #expect(triggers.map(\.episode) == slots.map { at($0 + "T09:00") })
    }

    @Test
    func accountsAreSpreadOverAnHour() {
        let player = SignalPlayer(signalCatalogue(Self.rule(.day)), restarts: false)
        for number in 0..<600 { player.use(Stream.calls, at: Self.start, account: "acct-\(number)") }
        player.tick(to: Self.start + .day)
        #expect(player.triggers.count == 600)
        var minutes = Array(repeating: 0, count: 60)
        for trigger in player.triggers {
            minutes[Int((trigger.eventTime - trigger.episode) / .millisecondsPerMinute)] += 1
        }
        #expect(minutes.allSatisfy { $0 > 0 && $0 < 30 }, "\(minutes)")
    }

    @Test
    func localTimeKeepsThroughDaylightSaving() {
        let triggers = told(signalCatalogue(Self.rule(.day))) { player in
            player.use(Stream.calls, at: at("2026-03-27T12:00"))
            player.profile(at: at("2026-03-27T12:00")) { $0.timeZone = ScenarioTime.berlin }
            for day in Int64(0)..<3 {
                player.use(Stream.calls, at: at("2026-03-27T12:00") + day * .day)
                player.tick(to: at("2026-03-28T11:00") + day * .day)
            }
        }
        #expect(triggers.map(\.episode) == [at("2026-03-28T08:00"), at("2026-03-29T07:00"), at("2026-03-30T07:00")])
        // 02:30 does not exist on 29 March: the instant of the change.
        var early = DigestSignal(every: .day, meters: [MeterID(0)])
        early.minuteOfDay = 150
        let skipped = told(signalCatalogue(Rule(name: "digest", signal: .digest(early)))) { player in
            player.use(Stream.calls, at: at("2026-03-28T12:00"))
            player.profile(at: at("2026-03-28T12:00")) { $0.timeZone = ScenarioTime.berlin }
            player.use(Stream.calls, at: at("2026-03-28T12:01"))
            player.tick(to: at("2026-03-30T00:00"))
        }
        #expect(skipped.map(\.episode) == [at("2026-03-29T01:00")])
    }

    @Test
    func emptyOnesAreNotSentAndMissedOnesAreOne() {
        let triggers = told(signalCatalogue(Self.rule(.day))) { player in
            player.profile(at: Self.start)
            player.use(Stream.calls, at: Self.start)
            player.jump(to: at("2026-03-09T12:00"))
            player.use(Stream.opened, feature: "sso", at: at("2026-03-09T12:00"))
            player.tick(to: at("2026-03-10T12:00"))
            player.tick(to: at("2026-03-12T12:00"))
        }
        #expect(triggers.map(\.episode) == [at("2026-03-09T09:00"), at("2026-03-10T09:00")])
    }

    @Test
    func aChangedZoneGivesNoSecondSlotOnADay() {
        let triggers = told(signalCatalogue(Self.rule(.day))) { player in
            player.use(Stream.calls, at: Self.start)
            player.profile(at: Self.start) { $0.timeZone = ScenarioTime.zone(named: "Kolkata") }
            player.use(Stream.calls, at: Self.start + 1)
            player.tick(to: at("2026-03-05T05:00"))
            player.use(Stream.calls, at: at("2026-03-05T05:00"))
            player.profile(at: at("2026-03-05T05:00")) { $0.timeZone = ScenarioTime.berlin }
            player.tick(to: at("2026-03-05T12:00"))
            player.tick(to: at("2026-03-06T12:00"))
        }
        #expect(triggers.map(\.episode) == [at("2026-03-05T03:30"), at("2026-03-06T08:00")])
    }

    @Test
    func historyIsSilentAndReloadsKeep() {
        let triggers = told(signalCatalogue(Self.rule(.day))) { player in
            player.profile(at: Self.start)
            player.use(Stream.calls, 5, at: Self.start, mode: .silent)
            player.use(Stream.calls, 7, at: Self.start + .day, mode: .silent)
            var changed = player.catalogue
            changed.rules[0].summary = "Other"
            player.reload(changed)
            player.tick(to: Self.start + 2 * .day)
            changed.rules[0].signal = .digest(DigestSignal(every: .day, meters: [MeterID(0)]))
            player.reload(changed)
            player.use(Stream.calls, 3, at: Self.start + 2 * .day)
            player.tick(to: Self.start + 3 * .day)
        }
        #expect(triggers.map { $0.activity?.used.map(\.uses) } == [[7], [3]])
        #expect(triggers.map(\.rearmed) == [.newEpisode, .ruleChanged])
    }
}
