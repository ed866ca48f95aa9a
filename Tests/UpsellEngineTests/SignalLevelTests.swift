import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

struct SignalSustainedTests {
    static let start = at("2026-03-02T10:00")
    static let rule = Rule(
        name: "high",
        signal: .sustained(SustainedSignal(meter: MeterID(1), unit: .percent, level: 9000, duration: 3 * .day)))

    @Test
    func staysForTheWholeTime() throws {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.seats, 8, at: Self.start)
            player.use(Stream.seats, 1, at: Self.start + .day)
            player.use(Stream.seats, 1, at: Self.start + 2 * .day)
            player.use(Stream.seats, -1, at: Self.start + 3 * .day)
            player.tick(to: Self.start + 4 * .day - 1)
            #expect(player.triggers.isEmpty)
            player.tick(to: Self.start + 30 * .day)
        }
        let trigger = try #require(triggers.first)
        #expect(triggers.count == 1)
        #expect(trigger.eventTime == Self.start + 4 * .day && trigger.episode == Self.start + .day)
        #expect(trigger.activity?.since == Self.start + .day && trigger.cause == .timer)
        #expect(trigger.usage?.current == 9 && trigger.usage?.limit == .of(10))
        #expect(trigger.usage?.thresholdUnit == .percent && trigger.usage?.crossed == [9000])
        let key = ArmingKey(
            signal: .sustained, rule: "high", ruleVersion: trigger.ruleVersion, account: "acme", meter: "seats",
            dimension: "", limitVersion: trigger.usage?.limitVersion ?? 0, episode: Self.start + .day, threshold: 9000)
        #expect(trigger.id == key.id)
    }

    @Test
    func aFallEndsTheStayAndAnotherIsAnother() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.seats, 9, at: Self.start)
            player.use(Stream.seats, -1, at: Self.start + 3 * .day - 1)
            player.use(Stream.seats, 1, at: Self.start + 3 * .day)
            player.tick(to: Self.start + 20 * .day)
            player.use(Stream.seats, -5, at: Self.start + 20 * .day)
            player.use(Stream.seats, 5, at: Self.start + 20 * .day)
            player.tick(to: Self.start + 40 * .day)
        }
        #expect(triggers.map(\.episode) == [3, 20].map { Self.start + $0 * .day })
        #expect(triggers.map(\.rearmed) == [nil, .newEpisode])
    }

    /// A stay that ends and begins again at one instant has another episode.
    @Test
    func staysOfOneInstantAreTwo() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.seats, 9, at: Self.start)
            player.tick(to: Self.start + 4 * .day)
            player.use(Stream.seats, -5, at: Self.start, record: Self.start + 4 * .day)
            player.use(Stream.seats, 5, at: Self.start, record: Self.start + 4 * .day)
            player.tick(to: Self.start + 9 * .day)
        }
        #expect(triggers.map(\.episode) == [Self.start, Self.start + 1])
    }

    @Test
    func aLimitMovesTheLevel() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.profile("pro", at: Self.start)
            player.use(Stream.seats, 20, at: Self.start)
            player.tick(to: Self.start + 5 * .day)
            player.profile("free", at: Self.start + 5 * .day)
            player.tick(to: Self.start + 6 * .day)
            player.profile("free", at: Self.start + 6 * .day) { $0.overrides = [.init(meter: "seats", limit: nil)] }
            player.tick(to: Self.start + 20 * .day)
            player.profile("free", at: Self.start + 20 * .day)
            player.tick(to: Self.start + 40 * .day)
        }
        #expect(triggers.map(\.episode) == [Self.start + 20 * .day])
        // By itself, when a pending plan begins.
        let pending = told(signalCatalogue(Self.rule)) { player in
            player.profile("pro", at: Self.start) { profile in
                profile.pendingPlan = "free"
                profile.effectiveAt = Self.start + 10 * .day
            }
            player.use(Stream.seats, 20, at: Self.start)
            player.tick(to: Self.start + 30 * .day)
        }
        #expect(pending.map(\.episode) == [Self.start + 10 * .day])
    }

    @Test
    func absoluteLevelsHaveNoLimitVersion() {
        let rule = Rule(
            name: "many",
            signal: .sustained(SustainedSignal(meter: MeterID(1), unit: .absolute, level: 5, duration: .day)))
        let triggers = told(signalCatalogue(rule)) { player in
            player.use(Stream.seats, 4, at: Self.start)
            player.tick(to: Self.start + 2 * .day)
            player.use(Stream.seats, 3, at: Self.start + 2 * .day)
            player.tick(to: Self.start + 9 * .day)
        }
        #expect(triggers.map(\.episode) == [Self.start + 2 * .day])
        let key = ArmingKey(
            signal: .sustained, rule: "many", ruleVersion: triggers.first?.ruleVersion ?? 0, account: "acme",
            meter: "seats", dimension: "", limitVersion: 0, episode: Self.start + 2 * .day, threshold: 5)
        #expect(triggers.first?.id == key.id)
    }

    @Test
    func snapshotsBeginAStayAndHistorySpendsIt() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.seats, 10, at: Self.start, flags: .snapshot)
            player.tick(to: Self.start + 9 * .day)
        }
        #expect(triggers.map(\.episode) == [Self.start])
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                player.use(Stream.seats, 10, at: Self.start, mode: .silent)
                player.use(Stream.calls, 1, at: Self.start + 3 * .day, mode: .silent)
                player.tick(to: Self.start + 9 * .day)
            }.isEmpty)
    }

    @Test
    func aStayThatIsThereBeforeTheRuleIsSpent() {
        func triggers(_ onChange: Rule.OnChange) -> [Timestamp] {
            told(signalCatalogue()) { player in
                player.use(Stream.seats, 10, at: Self.start)
                var changed = player.catalogue
                changed.rules = [Self.rule]
                changed.rules[0].onChange = onChange
                player.reload(changed)
                player.tick(to: Self.start + 9 * .day)
                player.use(Stream.seats, -5, at: Self.start + 9 * .day)
                player.use(Stream.seats, 5, at: Self.start + 10 * .day)
                changed.rules[0].summary = "Other"
                player.reload(changed)
                player.tick(to: Self.start + 20 * .day)
            }.map(\.episode)
        }
        #expect(triggers(.silent) == [Self.start + 10 * .day])
        #expect(triggers(.evaluate) == [Self.start, Self.start + 10 * .day])
    }
}

struct SignalGrowthTests {
    static let start = at("2026-03-02T10:00")
    static let rule = Rule(
        name: "growth",
        signal: .growth(GrowthSignal(meter: MeterID(0), windowDays: 7, percent: 5000, floor: 100)))

    static func weeks(_ player: SignalPlayer, _ amounts: [Int64]) {
        for (week, amount) in amounts.enumerated() {
            for day in Int64(0)..<7 where amount > 0 {
                player.use(Stream.calls, amount, at: start + (Int64(week) * 7 + day) * .day)
            }
        }
    }

    @Test
    func firesWhenTheSecondWindowIsHalfAsMuchAgain() throws {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            Self.weeks(player, [20, 30])
            player.tick(to: Self.start + 20 * .day)
        }
        let trigger = try #require(triggers.first)
        #expect(triggers.count == 1)
        #expect(trigger.eventTime == at("2026-03-16") && trigger.episode == at("2026-03-09"))
        #expect(trigger.usage?.previous == 140 && trigger.usage?.current == 210)
        #expect(trigger.activity?.window == Trigger.Span(start: at("2026-03-09"), end: at("2026-03-16")))
        let key = ArmingKey(
            signal: .growth, rule: "growth", ruleVersion: trigger.ruleVersion, account: "acme", meter: "calls",
            dimension: "", limitVersion: 0, episode: at("2026-03-09"), threshold: 0)
        #expect(trigger.id == key.id)
    }

    @Test
    func oneUnitLessDoesNotAndNeitherBelowTheFloorNorFromNothing() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                Self.weeks(player, [20, 30])
                player.use(Stream.calls, -1, at: Self.start + 13 * .day + .hour)
                player.tick(to: Self.start + 16 * .day)
            }.isEmpty)
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                Self.weeks(player, [5, 14])
                player.tick(to: Self.start + 16 * .day)
            }.isEmpty)
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                player.use(Stream.calls, 1, at: Self.start - 14 * .day)
                player.use(Stream.calls, 500, at: Self.start)
                player.tick(to: Self.start + 30 * .day)
            }.isEmpty)
    }

    @Test
    func windowsOfTwoTriggersDoNotOverlap() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            Self.weeks(player, [10, 20, 40, 80])
            player.tick(to: Self.start + 40 * .day)
        }
        #expect(triggers.count == 3)
        for (one, next) in zip(triggers, triggers.dropFirst()) {
            #expect(next.episode >= one.episode + 7 * .day)
            #expect(next.rearmed == .newEpisode)
        }
    }

    @Test
    func historySpendsAndReloads() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                for day in Int64(0)..<15 {
                    player.use(
                        Stream.calls, day < 7 ? 20 : 30, at: Self.start + day * .day, mode: .silent)
                }
                player.tick(to: Self.start + 20 * .day)
            }.isEmpty)
        let triggers = told(signalCatalogue(Self.rule)) { player in
            Self.weeks(player, [20])
            var changed = player.catalogue
            changed.rules.insert(
                Rule(
                    name: "new",
                    signal: .growth(GrowthSignal(meter: MeterID(0), windowDays: 3, percent: 1000, floor: 0))), at: 0)
            player.reload(changed)
            for day in Int64(7)..<15 { player.use(Stream.calls, 30, at: Self.start + day * .day) }
            player.tick(to: Self.start + 20 * .day)
        }
        // What is new has no history; what is old keeps its own.
        #expect(triggers.map(\.rule) == ["growth"])
    }

    @Test
    func daysAreLocal() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.profile(at: at("2026-03-16")) { $0.timeZone = ScenarioTime.berlin }
            for day in Int64(0)..<14 {
                player.use(Stream.calls, day < 7 ? 20 : 30, at: at("2026-03-16T23:30") + day * .day)
            }
            player.tick(to: at("2026-04-05"))
        }
        // Local days 17 to 30 March (the change is on the 29th): the last closes at 22:00 UTC.
        #expect(triggers.map(\.eventTime).first == at("2026-03-31T22:00") - .day)
        #expect(triggers.first?.episode == at("2026-03-23T23:00"))
    }
}

struct SignalEventTests {
    static let start = at("2026-03-02T10:00")
    static let rule = Rule(
        name: "leaving",
        signal: .event(
            EventSignal(
                .source(.behaviour(Stream.cancel, "downgrade")), usage: .behaviour(Stream.opened, "reports", "sso"),
                usageDays: 10)))

    @Test
    func eachEventIsAnEpisode() throws {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            for day in [Int64(0), 5, 6, 6] { player.use(Stream.opened, feature: "sso", at: Self.start + day * .day) }
            player.use(Stream.cancel, feature: "downgrade", at: Self.start + 12 * .day, id: "one")
            player.use(Stream.cancel, feature: "downgrade", at: Self.start + 12 * .day, id: "one")
            player.use(Stream.cancel, feature: "cancel", at: Self.start + 12 * .day)
            player.use(Stream.cancel, feature: "downgrade", at: Self.start + 12 * .day, id: "two")
            player.use(Stream.cancel, feature: "downgrade", at: Self.start + 12 * .day, id: "three", flags: .backfill)
            player.use(Stream.cancel, feature: "downgrade", at: Self.start + 12 * .day, id: "four", mode: .silent)
        }
        #expect(triggers.count == 2)
        let trigger = try #require(triggers.first)
        #expect(trigger.activity?.used == [.init(feature: "sso", uses: 3, days: 2)])
        #expect(trigger.activity?.unused == ["reports"])
        #expect(trigger.activity?.source == "cancel" && trigger.activity?.feature == "downgrade")
        let identity = PartitionEngine.digits(StableHash.of("one"))
        #expect(identity.count == 16 && trigger.activity?.event == identity)
        let key = ArmingKey(
            signal: .event, rule: "leaving", ruleVersion: trigger.ruleVersion, account: "acme", meter: "",
            dimension: identity, limitVersion: 0, episode: Self.start + 12 * .day, threshold: 0)
        #expect(trigger.id == key.id)
    }

    @Test
    func inATrialItsUsesAreTold() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            player.use(Stream.opened, feature: "sso", at: Self.start)
            player.profile(at: Self.start + .day) {
                $0.trial = .init(plan: "pro", start: Self.start + .day, end: Self.start + 30 * .day)
            }
            for day in [Int64(1), 2, 3] { player.use(Stream.opened, feature: "sso", at: Self.start + day * .day) }
            player.use(Stream.cancel, feature: "downgrade", at: Self.start + 25 * .day)
            player.use(Stream.cancel, feature: "downgrade", at: Self.start + 31 * .day)
        }
        #expect(triggers.map { $0.activity?.used } == [[.init(feature: "sso", uses: 3)], []])
    }

    /// The identity lives through the waiting room, so that the id does not depend on when the profile came.
    @Test
    func identityOutlivesTheWaitingRoom() {
        func ids(_ isEarly: Bool) -> [TriggerID] {
            var catalogue = signalCatalogue(Self.rule)
            catalogue.policy.unknownAccounts = .wait
            return told(catalogue) { player in
                player.use(Stream.calls, at: Self.start, account: "other")
                if isEarly { player.profile(at: Self.start) }
                player.use(Stream.cancel, feature: "downgrade", at: Self.start + 5, id: "one")
                if !isEarly { player.profile(at: Self.start + 9) }
            }.map(\.id)
        }
        #expect(ids(true).count == 1)
        #expect(ids(true) == ids(false))
    }

    @Test
    func readingsThatWaitedInVainAreOne() {
        var catalogue = signalCatalogue(Self.rule)
        catalogue.policy.unknownAccounts = .wait
        let player = SignalPlayer(catalogue, restarts: true)
        player.use(Stream.cancel, feature: "downgrade", at: Self.start)
        player.tick(to: Self.start + 10 * .day)
        #expect(player.effects.expired.map(\.quantity) == [1])
        #expect(player.effects.expired.map(\.meter) == ["cancel"])
    }

    @Test
    func outcomes() {
        func triggers(_ rules: [String], of rule: String, _ kind: OutcomeKind) -> [Trigger] {
            told(
                signalCatalogue(
                    Rule(name: "survey", signal: .event(EventSignal(.outcome([.declined, .converted], rules: rules)))))
            ) { player in
                player.use(Stream.calls, at: Self.start)
                var outcome = Outcome(
                    trigger: TriggerID(high: 1, low: 2), account: "acme", rule: rule, signal: .limit, kind: kind,
                    time: Self.start + 5, emitted: Self.start)
                outcome.feedback = "f1"
                let moment = Moment(
                    time: Self.start.milliseconds + 5, coordinates: nil, cause: .outcome, silent: false)
                player.withEngine { engine, effects in
                    engine.observe(outcome, 0, moment, into: &effects)
                    engine.qualifyRaised(into: &effects)
                }
            }
        }
        #expect(triggers([], of: "calls", .declined).map { $0.activity?.event } == ["declined"])
        #expect(triggers([], of: "calls", .declined).map(\.cause) == [.outcome])
        #expect(triggers([], of: "calls", .seen).isEmpty)
        #expect(triggers([], of: "survey", .declined).isEmpty)
        #expect(triggers(["calls"], of: "other", .declined).isEmpty)
        #expect(triggers(["calls"], of: "calls", .converted).map { $0.activity?.source } == ["calls"])
        let identity = PartitionEngine.digits(
            StableHash.of("\(TriggerID(high: 1, low: 2))-declined-f1"))
        let trigger = triggers([], of: "calls", .declined)[0]
        let key = ArmingKey(
            signal: .event, rule: "survey", ruleVersion: trigger.ruleVersion, account: "acme", meter: "",
            dimension: identity, limitVersion: 0, episode: Self.start + 5, threshold: 0)
        #expect(trigger.id == key.id)
    }
}

struct SignalCombinationTests {
    static let start = at("2026-03-02T10:00")
    static let gate = Signal.gate(GateSignal(source: .behaviour(Stream.denied), count: 1, window: .hour))
    static let limit = Signal.limit(
        LimitSignal(meter: MeterID(0), unit: .percent, thresholds: [8000, 9000], band: 500))
    static let absence = Signal.absence(AbsenceSignal(source: .behaviour(Stream.opened), duration: 2 * .day))

    static func rule(_ mode: CombinationSignal.Mode) -> Rule {
        Rule(
            name: "ready",
            signal: .combination(
                CombinationSignal(
                    parts: [
                        .init(name: "near", signal: limit, weight: 5), .init(name: "blocked", signal: gate, weight: 3),
                        .init(name: "idle", signal: absence, weight: 2),
                    ], mode: mode, window: 3 * .day)))
    }

    @Test
    func allWithinTheWindow() throws {
        let triggers = told(signalCatalogue(Self.rule(.all))) { player in
            player.use(Stream.opened, at: Self.start)
            player.use(Stream.calls, 850, at: Self.start + .day)
            player.use(Stream.denied, at: Self.start + .day + .hour)
            player.tick(to: Self.start + 20 * .day)
        }
        let trigger = try #require(triggers.first)
        #expect(triggers.count == 1)
        #expect(trigger.eventTime == Self.start + 2 * .day && trigger.cause == .timer)
        #expect(trigger.episode == Self.start + .day)
        #expect(trigger.signal == .combination && trigger.rule == "ready")
        #expect(trigger.activity?.parts.map(\.name) == ["near", "blocked", "idle"])
        #expect(trigger.activity?.parts.map(\.signal) == [.limit, .gate, .absence])
        #expect(trigger.activity?.score == nil)
        #expect(
            trigger.activity?.window == Trigger.Span(start: Self.start + .day, end: Self.start + 4 * .day))
        let key = ArmingKey(
            signal: .combination, rule: "ready", ruleVersion: trigger.ruleVersion, account: "acme", meter: "",
            dimension: "", limitVersion: 0, episode: Self.start + .day, threshold: 0)
        #expect(trigger.id == key.id)
    }

    @Test
    func onePartOutsideTheWindowIsMissing() {
        #expect(
            told(signalCatalogue(Self.rule(.all))) { player in
                player.use(Stream.opened, at: Self.start)
                player.use(Stream.calls, 850, at: Self.start + 1)
                player.tick(to: Self.start + 3 * .day)
                player.use(Stream.denied, at: Self.start + 3 * .day + 1)
            }.isEmpty)
        #expect(
            told(signalCatalogue(Self.rule(.all))) { player in
                player.use(Stream.opened, at: Self.start)
                player.use(Stream.calls, 850, at: Self.start + 1)
                player.tick(to: Self.start + 3 * .day)
                player.use(Stream.denied, at: Self.start + 3 * .day)
            }.count == 1)
    }

    @Test
    func anyIsQuietUntilItsWindowEnds() {
        let triggers = told(signalCatalogue(Self.rule(.any))) { player in
            player.use(Stream.denied, at: Self.start)
            player.use(Stream.calls, 850, at: Self.start + .day)
            for day in Int64(2)..<5 { player.use(Stream.denied, at: Self.start + day * .day) }
        }
        // Quiet to the third day; then the limit's part of the first still counts, and its window ends with the fourth.
        #expect(triggers.map(\.eventTime) == [0, 3, 4].map { Self.start + $0 * .day })
        #expect(triggers.map(\.episode) == [0, 1, 4].map { Self.start + $0 * .day })
        #expect(triggers.map { $0.activity?.parts.map(\.name) } == [["blocked"], ["near", "blocked"], ["blocked"]])
    }

    @Test
    func scoresAddUp() {
        func triggers(_ least: Int64) -> [Trigger] {
            told(signalCatalogue(Self.rule(.score(least)))) { player in
                player.use(Stream.calls, 850, at: Self.start)
                player.use(Stream.denied, at: Self.start + .hour)
            }
        }
        #expect(triggers(8).map { $0.activity?.score } == [8])
        #expect(triggers(8).first?.usage == nil)
        #expect(triggers(9).isEmpty)
        #expect(triggers(5).map { $0.activity?.score } == [5])
        #expect(triggers(5).first?.usage?.crossed == [8000])
    }

    @Test
    func silentPartsCountNothingAndAClosedPeriodNeither() {
        #expect(
            told(signalCatalogue(Self.rule(.any))) { player in
                player.use(Stream.calls, 850, at: Self.start, flags: .backfill)
                player.use(Stream.denied, at: Self.start, mode: .silent)
            }.isEmpty)
        let player = SignalPlayer(signalCatalogue(Self.rule(.any)), restarts: true)
        player.use(Stream.calls, 10, at: at("2026-03-31T20:00"))
        player.use(Stream.calls, 1, at: at("2026-04-01T10:00"))
        player.use(Stream.calls, 850, at: at("2026-03-31T20:00"), record: at("2026-04-01T10:00"))
        #expect(player.triggers.isEmpty && player.effects.held.isEmpty)
    }

    @Test
    func reloads() {
        func triggers(_ change: (inout Catalogue) -> Void) -> [Trigger] {
            told(signalCatalogue(Self.rule(.all))) { player in
                player.use(Stream.opened, at: Self.start)
                player.use(Stream.calls, 850, at: Self.start + .day)
                var changed = player.catalogue
                change(&changed)
                player.reload(changed)
                player.use(Stream.denied, at: Self.start + .day + .hour)
                player.tick(to: Self.start + 20 * .day)
            }
        }
        #expect(
            triggers { catalogue in
                catalogue.rules.insert(Rule(name: "first", signal: Self.limit), at: 0)
                catalogue.rules[1].message = "Other"
            }.map(\.rule) == ["ready"])
        // Another window is another combination; its parts are what they were.
        #expect(
            triggers { catalogue in
                guard case .combination(var combination) = catalogue.rules[0].signal else { return }
                combination.window = 5 * .day
                catalogue.rules[0].signal = .combination(combination)
            }.isEmpty)
    }
}
