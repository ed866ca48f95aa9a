import Testing
import UpsellModel

@testable import UpsellConfiguration

/// What signals, conditions, rules and qualification become.
struct SignalLoadingTests {
    private let calls = MeterID(0)
    private let storage = MeterID(1)
    private let hours = MeterID(2)
    private let day = Int64.millisecondsPerDay

    /// The behaviours of the catalogue come first, then those of the rules file, then those written in place.
    private let denied = SignalSource.Stream.behaviour(BehaviourID(0))
    private let cancelling = SignalSource.Stream.behaviour(BehaviourID(1))
    private let reports = SignalSource.Stream.behaviour(BehaviourID(2))
    private let inline = SignalSource.Stream.behaviour(BehaviourID(3))

    private func catalogue(_ rules: String) throws -> Catalogue {
        try Fixtures.load(rules: try Fixtures.bytes(rules)).catalogue
    }

    private func signals() throws -> [String: Signal] {
        let rules = try catalogue("every-signal.rules.good.yaml").rules
        return Dictionary(uniqueKeysWithValues: rules.map { ($0.name, $0.signal) })
    }

    @Test
    func everySignalOfUsageIsRead() throws {
        let signals = try signals()
        let paying = Condition.segment("paying")
        #expect(
            signals["limit"]
                == .limit(
                    LimitSignal(
                        meter: calls, unit: .percent, thresholds: [7_000, 8_000, 9_000, 9_500, 10_000], band: 500,
                        variants: [
                            .init(condition: paying, thresholds: [9_500, 10_000]),
                            .init(condition: .text(.account, anyOf: ["a-1"]), thresholds: [7_000]),
                        ], base: [8_000, 9_000, 10_000])))
        #expect(
            signals["remaining"]
                == .limit(
                    LimitSignal(
                        meter: hours, unit: .remaining, thresholds: [500, 200, 100, 0], band: 500,
                        variants: [.init(condition: paying, thresholds: [500, 100])], base: [200, 0])))
        #expect(signals["pace"] == .pace(PaceSignal(meter: hours)))
        #expect(
            signals["pace-of-its-own"]
                == .pace(
                    PaceSignal(
                        meter: calls, percent: 11_050, days: 5, daysMin: 4, activeDaysMin: 3, judgements: 1,
                        lead: 2 * day)))
        #expect(
            signals["pace-of-two-days"] == .pace(PaceSignal(meter: calls, days: 2, daysMin: 2, activeDaysMin: 2)))
        #expect(
            signals["growth"] == .growth(GrowthSignal(meter: hours, windowDays: 28, percent: 5_000, floor: 125)))
        #expect(
            signals["sustained"]
                == .sustained(SustainedSignal(meter: storage, unit: .percent, level: 9_000, duration: 5 * day)))
        #expect(
            signals["sustained-level"]
                == .sustained(
                    SustainedSignal(meter: storage, unit: .absolute, level: 1_000_000_000, duration: day / 2)))
    }

    @Test
    func everySignalOfActivityIsRead() throws {
        let signals = try signals()
        #expect(
            signals["gate"]
                == .gate(
                    GateSignal(source: SignalSource(denied, features: ["pdf", "xlsx"]), count: 3, window: 7 * day)))
        #expect(
            signals["gate-of-a-meter"]
                == .gate(
                    GateSignal(source: SignalSource(.meter(calls)), count: 1, window: day, onlyWithoutEntitlement: true)
                ))
        #expect(
            signals["gate-inline"]
                == .gate(
                    GateSignal(source: SignalSource(inline, features: ["z"]), count: 1, window: .millisecondsPerHour)))
        // The same events written twice are one behaviour.
        #expect(
            signals["gate-inline-again"]
                == .gate(GateSignal(source: SignalSource(inline), count: 1, window: 2 * .millisecondsPerHour)))
        #expect(
            signals["adoption"]
                == .adoption(
                    AdoptionSignal(stages: [.init(source: SignalSource(reports), uses: 5, days: 3)], windowDays: 14)))
        #expect(
            signals["adoption-of-days"]
                == .adoption(
                    AdoptionSignal(stages: [.init(source: SignalSource(reports), uses: 3, days: 3)], windowDays: 14)))
        #expect(
            signals["adoption-in-order"]
                == .adoption(
                    AdoptionSignal(
                        stages: [
                            .init(source: SignalSource(reports, features: ["basic"]), uses: 5, days: 3),
                            .init(source: SignalSource(denied), uses: 1, days: 1),
                        ], windowDays: 30, isOrdered: true)))
        #expect(
            signals["trial"]
                == .trial(
                    TrialSignal(
                        offsetDays: [-7, -3, -1, 0, 3],
                        usage: SignalSource(reports, features: ["basic", "advanced"]))))
        #expect(signals["trial-end"] == .trial(TrialSignal(offsetDays: [0])))
        #expect(
            signals["event"]
                == .event(
                    EventSignal(.source(SignalSource(cancelling)), usage: SignalSource(reports), usageDays: 90)))
        #expect(
            signals["outcome"] == .event(EventSignal(.outcome([.converted, .notNow], rules: ["limit", "pace"]))))
        #expect(signals["any-outcome"] == .event(EventSignal(.outcome([.declined], rules: []))))
        #expect(
            signals["absence"]
                == .absence(
                    AbsenceSignal(source: SignalSource(reports, features: ["advanced"]), duration: 30 * day)))
        #expect(
            signals["digest"]
                == .digest(
                    DigestSignal(
                        every: .month, minuteOfDay: 1_050, usage: SignalSource(reports, features: ["basic"]),
                        meters: [hours, calls])))
        #expect(signals["digest-of-what-lost"] == .digest(DigestSignal(every: .week, minuteOfDay: 540)))
    }

    @Test
    func everyCombinationIsRead() throws {
        let signals = try signals()
        let gate = { (count: Int) in
            Signal.gate(GateSignal(source: SignalSource(denied), count: count, window: 7 * day))
        }
        #expect(
            signals["all"]
                == .combination(
                    CombinationSignal(
                        parts: [
                            .init(
                                name: "full",
                                signal: .limit(
                                    LimitSignal(meter: storage, unit: .percent, thresholds: [9_000], band: 500))),
                            .init(name: "denied", signal: gate(1)),
                        ], mode: .all, window: 14 * day)))
        guard case .combination(let any) = try #require(signals["any"]) else {
            Issue.record("any is no combination")
            return
        }
        #expect(any.mode == .any)
        #expect(any.parts.map(\.name) == ["growing", "leaving"])
        guard case .combination(let score) = try #require(signals["score"]) else {
            Issue.record("score is no combination")
            return
        }
        #expect(score.mode == .score(5))
        #expect(score.parts.map(\.weight) == [2, 3, 1])
        #expect(score.parts[0].signal == gate(2))
    }

    @Test
    func behavioursComeFromAllFilesAndFromPlace() throws {
        let behaviours = try catalogue("every-signal.rules.good.yaml").behaviours
        let export = [FieldCondition(path: FieldPath(["data", "kind"]), anyOf: ["export"])]
        let kinds = [FieldCondition(path: FieldPath(["data", "kind"]), anyOf: ["a", "b"])]
        #expect(
            behaviours == [
                Behaviour(
                    name: "export_denied", eventTypes: ["feature.denied"], filter: export,
                    feature: FieldPath(["data", "feature"])),
                Behaviour(name: "cancel_attempted", eventTypes: ["subscription.cancel_attempted"]),
                Behaviour(
                    name: "reports", eventTypes: ["report.opened", "report.exported"],
                    feature: FieldPath(["data", "name"])),
                Behaviour(
                    name: behaviours[3].name, eventTypes: ["x.denied", "y.denied"], filter: kinds,
                    feature: FieldPath(["data", "f"])),
            ])
        // Part of the rule's version, and so of trigger ids: it must never change.
        #expect(behaviours[3].name == "x.denied~dfb757f5")
    }

    /// Whatever tells two behaviours apart gives them different names.
    @Test
    func derivedNamesTellBehavioursApart() {
        let path = { (names: [String]) in FieldPath(names) }
        let behaviours = [
            Behaviour(name: "", eventTypes: ["a"]),
            Behaviour(name: "", eventTypes: ["a", "b"]),
            Behaviour(name: "", eventTypes: ["a"], feature: path(["b"])),
            Behaviour(name: "", eventTypes: ["a"], filter: [FieldCondition(path: path(["b"]), anyOf: ["c"])]),
            Behaviour(name: "", eventTypes: ["a"], filter: [FieldCondition(path: path(["b", "c"]), anyOf: [])]),
            Behaviour(
                name: "", eventTypes: ["a"],
                filter: [
                    FieldCondition(path: path(["b"]), anyOf: []), FieldCondition(path: path(["c"]), anyOf: []),
                ]),
        ]
        #expect(Set(behaviours.map(Definitions.derivedName(of:))).count == behaviours.count)
    }

    @Test
    func everyConditionIsRead() throws {
        let catalogue = try catalogue("every-condition.rules.good.yaml")
        let segments = Dictionary(uniqueKeysWithValues: catalogue.segments.map { ($0.name, $0.condition) })
        #expect(catalogue.segments.map(\.name).prefix(3) == ["paying", "smb", "large"])
        #expect(
            segments["smb"]
                == .all([
                    .number(.attribute("employees"), .init(atMost: 50_500_000)),
                    .text(.attribute("industry"), anyOf: ["retail", "games"]),
                ]))
        #expect(segments["large"] == .not(.segment("smb")))
        #expect(segments["either"] == .any([.segment("smb"), .segment("paying")]))
        #expect(
            segments["text"]
                == .any([
                    .text(.account, anyOf: ["a-1", "a-2"]), .text(.status, anyOf: ["active", "past_due"]),
                    .all([.text(.locale, anyOf: ["de-AT"]), .text(.language, anyOf: ["de"])]),
                    .all([.text(.currency, anyOf: ["EUR"]), .text(.interval, anyOf: ["year"])]),
                    .all([.exists(.owner), .not(.exists(.parent))]),
                    .all([.text(.trialPlan, anyOf: ["paid"]), .text(.addOn, anyOf: ["more-storage"])]),
                ]))
        #expect(
            segments["features"]
                == .any([
                    .text(.feature("reporting"), anyOf: ["basic", "advanced"]),
                    .text(.feature("reporting"), anyOf: ["advanced"]), .not(.exists(.feature("reporting"))),
                ]))
        #expect(
            segments["attributes"]
                == .any([
                    .text(.attribute("beta"), anyOf: ["true"]), .exists(.attribute("region")),
                    .not(.exists(.attribute("score"))),
                    .all([
                        .text(.attribute("score"), anyOf: ["1", "2"]),
                        .number(.attribute("score"), .init(atLeast: -1, atMost: 5_000_000)),
                    ]),
                ]))
        func money(_ currency: String, _ test: Condition.NumberTest) -> Condition {
            .all([.text(.currency, anyOf: [currency]), .number(.mrr, test)])
        }
        #expect(
            segments["numbers"]
                == .any([
                    .any([
                        money("USD", .init(atLeast: 10_000)), money("JPY", .init(atLeast: 5_000, atMost: 9_000)),
                    ]),
                    money("EUR", .init(atMost: 50)),
                    .all([
                        .number(.tenure, .init(atLeast: 180 * day)),
                        .number(.sincePurchase, .init(atMost: 36 * .millisecondsPerHour)),
                    ]),
                    .number(.usage(hours), .init(atLeast: 150)),
                    .number(.percent(storage), .init(atLeast: 5_000, atMost: 9_950)),
                    .number(.limit(storage), .init(atMost: 10_000_000_000)),
                ]))
        #expect(
            catalogue.rules[0].audience == .all([.segment("text"), .text(.plan, anyOf: ["free", "paid"])]))
        #expect(catalogue.rules[0].waits)
    }

    @Test
    func everyKeyOfARuleIsRead() throws {
        let rules = try catalogue("every-rule-key.rules.good.yaml").rules
        let rule = rules[0]
        var expected = Rule(name: "offer", signal: rule.signal, onChange: .evaluate)
        expected.mode = .shadow
        expected.priority = -5
        expected.cooldown = 7 * day
        let paying = Condition.segment("paying")
        expected.channels = [
            ChannelRoute("in_app"),
            ChannelRoute("email", condition: .text(.plan, anyOf: ["free"])),
            ChannelRoute("csm", condition: .all([.text(.currency, anyOf: ["USD"]), paying]), gainMin: 5_000),
            ChannelRoute("csm", condition: .all([.text(.currency, anyOf: ["JPY"]), paying]), gainMin: 7_000),
            ChannelRoute("push", condition: .text(.currency, anyOf: ["EUR"]), gainMin: 50),
        ]
        expected.recipient = .billing
        expected.expiresAfter = 30 * day
        expected.offer = Offer(
            kind: .discount, value: 2_000, validFor: 7 * day,
            link: "https://example.com/{account}/upgrade?to={plan}&t={trigger}",
            resources: ["https://example.com/case-study"])
        expected.template = "storage"
        expected.steps = [
            RuleStep(
                name: "mail", delay: 3 * day, channels: [ChannelRoute("email")], condition: .notSeen,
                template: "storage-mail"),
            RuleStep(
                name: "call", delay: 10 * day,
                channels: [ChannelRoute("csm", condition: .text(.currency, anyOf: ["USD"]), gainMin: 5_000)]),
        ]
        expected.tellsResolved = true
        expected.mergesIntoDigest = true
        expected.goLive = Timestamp(milliseconds: 1_767_225_600_000)
        expected.summary = "S"
        expected.message = "M"
        #expect(rule == expected)
        #expect(rules[1].kind == .service)
        #expect(rules[1].mode == .paused)
        #expect(rules[2].offer == Offer(kind: .trial, value: 14, link: "/upgrade"))
        #expect(!rules[2].mergesIntoDigest)
        #expect(rules[3].offer == Offer(kind: .demo))
        // A rule that says nothing else has the defaults of its initialiser.
        let plain = try catalogue("rules.good.yaml").rules[0]
        #expect(plain == Rule(name: "api", signal: plain.signal))
    }

    @Test
    func whatIsNewInTheCatalogueIsRead() throws {
        let catalogue = try Fixtures.load(catalog: try Fixtures.bytes("all-new.catalog.good.yaml"), rules: [])
            .catalogue
        #expect(catalogue.behaviours.map(\.name) == ["denied", "cancelled"])
        #expect(catalogue.behaviours[0].filter.map(\.anyOf) == [["export"], ["/x", "/y"]])
        #expect(catalogue.segments.map(\.name) == ["second", "first"])
        #expect(catalogue.plans.map(\.isCustom) == [false, true])
        #expect(
            catalogue.plans[0].limits == [
                Plan.PlanLimit(
                    .of(100), enforcement: .soft,
                    overage: [
                        .init(currency: "USD", amount: 100, units: 1_000),
                        .init(currency: "JPY", amount: 150, units: 1_000),
                    ]),
                Plan.PlanLimit(.of(0), overage: [.init(currency: "EUR", amount: 5, units: 25)]),
            ])
        #expect(
            catalogue.plans[0].features == [
                Plan.Feature(name: "reporting", level: "advanced", since: Timestamp(milliseconds: 1_790_812_800_000)),
                Plan.Feature(name: "support", level: "e-mail"),
            ])
    }

    @Test
    func qualificationReachesThePolicy() throws {
        let loaded = try Fixtures.load(main: try Fixtures.bytes("every-qualification.upselld.good.yaml"))
        var policy = Policy()
        policy.timersPerTick = 500
        policy.upgradePause = 7 * day
        policy.caps = [
            .init(per: .account, count: 3, window: 7 * day), .init(per: .recipient, count: 1, window: day),
            .init(per: .channel, count: 5, window: 7 * day),
        ]
        policy.arbitrationWindow = 600_000
        policy.arbitrationRetry = 2 * day
        policy.quietHours = .init(from: 1_200, to: 480, weekends: true)
        policy.holdout = .init(share: 550, seed: "spring")
        policy.fuse = .init(accounts: 1_000, share: 500)
        policy.attributionWindow = 60 * day
        policy.headroom = 2_500
        policy.openMax = 8
        policy.owedMax = 16
        #expect(loaded.catalogue.policy == policy)
        #expect(
            loaded.topics.channels == [
                .init(channel: "email", topic: "to.email"), .init(channel: "csm", topic: "to.csm"),
            ])
    }

    @Test
    func whatMayBeOffIsOff() throws {
        let main =
            "qualification: { arbitration: { window: off }, quietHours: { weekends: true }, fuse: { percent: 5 } }"
        let policy = try Fixtures.load(main: Array(main.utf8)).catalogue.policy
        #expect(policy.arbitrationWindow == nil)
        #expect(policy.quietHours == .init(from: 0, to: 0, weekends: true))
        #expect(policy.fuse == .init(accounts: nil, share: 500))
        #expect(policy.holdout == nil)
    }

    // MARK: Several files

    private let main = Array("rules: [rules.yaml, plays/more.yaml]".utf8)

    @Test
    func filesShareBehavioursSegmentsAndRules() throws {
        let play = """
            behaviours: { opened: { events: board.opened } }
            segments: { both: { all: [{ segment: paying }, { segment: fresh }] } }
            rules:
              - { name: play, signal: { event: { outcome: dismissed, rules: api } }, where: { segment: fresh } }
            """
        let first = """
            segments: { fresh: { tenure: { atMost: 30d } } }
            rules:
              - { name: api, signal: { event: { on: opened } }, where: { segment: both } }
            """
        let loaded = try Fixtures.load(main: main, rules: Array(first.utf8), others: ["plays/more.yaml": play])
        #expect(loaded.catalogue.rules.map(\.name) == ["api", "play"])
        #expect(loaded.catalogue.segments.map(\.name) == ["paying", "fresh", "both"])
        #expect(loaded.catalogue.behaviours.map(\.name).last == "opened")
    }

    @Test
    func clashesOfFilesNameBothPlaces() throws {
        let play = """
            behaviours: { opened: { events: a } }
            segments: { fresh: { plan: free } }
            rules:
              - { name: api, signal: { trial: { days: 0 } } }
            """
        let first = """
            behaviours: { opened: { events: b } }
            segments: { fresh: { plan: paid } }
            rules:
              - { name: api, signal: { trial: { days: 1 } } }
            """
        let found = try Fixtures.complaints(
            main: "rules: [rules.yaml, plays/more.yaml]", rules: first, others: ["plays/more.yaml": play])
        #expect(
            found == [
                "plays/more.yaml:1: behaviours.opened: behaviour \"opened\" repeated, first at rules.yaml:1; "
                    + "expected each name once",
                "plays/more.yaml:2: segments.fresh: segment \"fresh\" repeated, first at rules.yaml:2; "
                    + "expected each name once",
                "plays/more.yaml:4: rules[0].name: rule \"api\" repeated, first at rules.yaml:4; "
                    + "expected each name once",
            ])
    }

    /// What a file that cannot be read would have defined is not missed elsewhere.
    @Test
    func unreadableFileCausesNoFurtherComplaints() throws {
        let rules = """
            rules:
              - { name: a, signal: { event: { on: opened } }, where: { segment: fresh } }
              - { name: b, signal: { event: { outcome: dismissed, rules: [elsewhere] } } }
            """
        let found = try Fixtures.complaints(main: "rules: [rules.yaml, plays/none.yaml]", rules: rules)
        #expect(found == ["plays/none.yaml: no such file; expected a readable YAML file"])
        let broken = try Fixtures.complaints(
            main: "rules: [rules.yaml, plays/more.yaml]", rules: rules,
            others: ["plays/more.yaml": "segments: []\nbehaviours: 5\nrules: {}\n"])
        #expect(broken.count == 3)
        #expect(broken.allSatisfy { $0.hasPrefix("plays/more.yaml:") })
    }

    @Test
    func unreadableCatalogueIsOneComplaint() throws {
        let rules = try Fixtures.bytes("every-condition.rules.good.yaml")
        let found = try Fixtures.complaints(
            main: "catalog: nowhere.yaml", rules: String(decoding: rules, as: UTF8.self))
        #expect(found == ["nowhere.yaml: no such file; expected a readable YAML file"])
        let signals = try Fixtures.bytes("every-signal.rules.good.yaml")
        #expect(
            try Fixtures.complaints(main: "catalog: nowhere.yaml", rules: String(decoding: signals, as: UTF8.self))
                == ["nowhere.yaml: no such file; expected a readable YAML file"])
    }

    @Test
    func noRulesFileIsAllowed() throws {
        #expect(try Fixtures.load(main: Array("rules: []".utf8)).catalogue.rules.isEmpty)
    }
}
