import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

struct ConditionTests {
    static let day = ScenarioTime.at("2026-01-10")
    static let plain: Catalogue = {
        var catalogue = UpsellEngineTests.catalogue(
            "meter calls sum month", "meter seats latest gauge", "meter parts sum month by part 3",
            "plan free calls=100 seats=0", "plan pro calls=1000", "addon pack calls=50", "accounts wait")
        catalogue.plans[1].features = [Plan.Feature(name: "reporting", level: "advanced")]
        return catalogue
    }()
    static let calls = MeterID(0)
    static let seats = MeterID(1)
    static let parts = MeterID(2)

    /// An account on `pro`, 250 of 1050 calls used.
    static func engine(_ catalogue: Catalogue = plain) -> PartitionEngine {
        var engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
        var effects = Effects()
        var profile = Profile(plan: "pro", time: day)
        profile.status = .trialing
        profile.mrr = 9900
        profile.currency = "EUR"
        profile.interval = .year
        profile.since = day - 30 * .millisecondsPerDay
        profile.firstPurchase = day - 20 * .millisecondsPerDay
        profile.locale = "zh-Hant-TW"
        profile.trial = Profile.Trial(plan: "pro", start: nil, end: nil)
        profile.owner = "ana"
        profile.parent = "group"
        profile.addOns = [
            Profile.Holding(addOn: "pack", quantity: 1),
            Profile.Holding(addOn: "gone", quantity: 1, until: day),
        ]
        profile.attributes = [
            Profile.Attribute(name: "industry", json: #""retail""#, texts: ["retail"]),
            Profile.Attribute(name: "size", json: "250.5", texts: ["250.5"]),
            Profile.Attribute(name: "code", json: #""42""#, texts: ["42"]),
            Profile.Attribute(name: "vip", json: "true", texts: ["true"]),
            Profile.Attribute(name: "tags", json: #"["a","b"]"#, texts: ["a", "b"]),
            Profile.Attribute(name: "years", json: "[1,9]", texts: ["1", "9"]),
            Profile.Attribute(name: "fine", json: "0.0000001", texts: ["0.0000001"]),
            Profile.Attribute(name: "huge", json: "1e15", texts: ["1e15"]),
            Profile.Attribute(name: "void", json: "null"),
        ]
        engine.apply(
            profile: profile, account: "acme", recordTime: day,
            coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: .live, into: &effects)
        var events = ScenarioEvents()
        events.add("acme", at: day, [ScenarioEvents.Use(calls, 250), ScenarioEvents.Use(seats, 7)])
        events.add("acme", at: day, [ScenarioEvents.Use(parts, 3, dimension: "a")])
        events.add("acme", at: day, [ScenarioEvents.Use(parts, 5, dimension: "b")])
        events.play(into: &engine, &effects)
        return engine
    }

    static func number(_ operand: Condition.NumberOperand, _ atLeast: Int64?, _ atMost: Int64?) -> Condition {
        .number(operand, Condition.NumberTest(atLeast: atLeast, atMost: atMost))
    }

    static let million: Int64 = 1_000_000
    static let rows: [(Condition, Bool)] = [
        (.text(.account, anyOf: ["beta", "acme"]), true),
        (.text(.account, anyOf: ["Acme"]), false),
        (.text(.plan, anyOf: ["pro"]), true),
        (.text(.status, anyOf: ["trialing"]), true),
        (.text(.status, anyOf: ["active"]), false),
        (.text(.locale, anyOf: ["zh-Hant-TW"]), true),
        (.text(.language, anyOf: ["zh"]), true),
        (.text(.currency, anyOf: ["EUR"]), true),
        (.text(.interval, anyOf: ["year"]), true),
        (.text(.owner, anyOf: ["ana"]), true),
        (.text(.parent, anyOf: ["group"]), true),
        (.text(.trialPlan, anyOf: ["pro"]), true),
        (.text(.attribute("industry"), anyOf: ["health", "retail"]), true),
        (.text(.attribute("vip"), anyOf: ["true"]), true),
        (.text(.attribute("tags"), anyOf: ["b"]), true),
        (.text(.attribute("tags"), anyOf: ["c"]), false),
        (.text(.attribute("nothing"), anyOf: [""]), false),
        (.text(.feature("reporting"), anyOf: ["advanced"]), true),
        (.text(.feature("reporting"), anyOf: ["basic"]), false),
        (.exists(.feature("reporting")), true),
        (.exists(.feature("sso")), false),
        (.text(.addOn, anyOf: ["pack"]), true),
        (.text(.addOn, anyOf: ["gone"]), false),
        (.exists(.attribute("size")), true),
        (.exists(.attribute("void")), false),
        (.exists(.owner), true),
        (number(.attribute("size"), 250_500_000, 250_500_000), true),
        (number(.attribute("size"), 250_500_001, nil), false),
        (number(.attribute("code"), nil, nil), false),
        (number(.attribute("vip"), nil, nil), false),
        (number(.attribute("fine"), nil, nil), false),
        (number(.attribute("huge"), nil, nil), false),
        (number(.attribute("years"), 5 * million, nil), true),
        (number(.attribute("years"), 10 * million, nil), false),
        (number(.mrr, 9900, 9900), true),
        (number(.tenure, 30 * .millisecondsPerDay, 30 * .millisecondsPerDay), true),
        (number(.sincePurchase, nil, 20 * .millisecondsPerDay), true),
        (number(.sincePurchase, nil, 20 * .millisecondsPerDay - 1), false),
        (number(.usage(calls), 250, 250), true),
        (number(.usage(seats), 7, 7), true),
        (number(.usage(parts), 5, 5), true),
        (number(.usage(MeterID(9)), nil, nil), false),
        (number(.limit(calls), 1050, 1050), true),
        (number(.limit(seats), nil, nil), false),
        // 250 of 1050: 23.809 %.
        (number(.percent(calls), 2380, 2380), true),
        (number(.percent(seats), nil, nil), false),
        (.all([]), true), (.any([]), false),
        (.all([.exists(.owner), .exists(.plan)]), true),
        (.all([.exists(.owner), .not(.exists(.plan))]), false),
        (.any([.not(.exists(.plan)), .exists(.owner)]), true),
        (.not(.exists(.attribute("void"))), true),
        (.segment("unheard of"), false),
    ]

    @Test
    func whatHoldsOfAnAccount() {
        let engine = Self.engine()
        for (row, entry) in Self.rows.enumerated() {
            let holds = engine.holds(entry.0, 0)
            #expect(holds == entry.1, "row \(row): \(entry.0)")
        }
    }

    @Test
    func anAccountUnderTheDefaultPlan() {
        var catalogue = Self.plain
        catalogue.policy.unknownAccounts = .defaultPlan(PlanID(0))
        var engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
        var effects = Effects()
        var events = ScenarioEvents()
        events.add("acme", at: Self.day, [ScenarioEvents.Use(Self.calls, 50)])
        events.play(into: &engine, &effects)
        for (condition, wanted) in [
            (.text(.plan, anyOf: ["free"]), true), (.text(.status, anyOf: ["active"]), true),
            (.exists(.locale), false), (.exists(.currency), false), (Self.number(.mrr, nil, nil), false),
            (Self.number(.tenure, nil, nil), false), (Self.number(.percent(Self.calls), 5000, 5000), true),
            // A limit of 0 is no share of anything, and a limit all the same.
            (Self.number(.percent(Self.seats), nil, nil), false), (Self.number(.limit(Self.seats), 0, 0), true),
        ] as [(Condition, Bool)] {
            let holds = engine.holds(condition, 0)
            #expect(holds == wanted, "\(condition)")
        }
    }

    @Test
    func usageOfAPeriodThatIsOverIsNone() {
        var engine = Self.engine()
        var effects = Effects()
        engine.tick(wallTime: ScenarioTime.at("2026-02-03"), into: &effects)
        let calls = engine.holds(Self.number(.usage(Self.calls), 0, 0), 0)
        #expect(calls)
        let seats = engine.holds(Self.number(.usage(Self.seats), 7, 7), 0)
        #expect(seats)
        let parts = engine.holds(Self.number(.usage(Self.parts), 0, 0), 0)
        #expect(parts)
    }

    @Test
    func segmentsStandOnSegments() {
        var catalogue = Self.plain
        catalogue.segments = [
            Segment(name: "large", condition: Self.number(.attribute("size"), 200 * Self.million, nil)),
            Segment(name: "shop", condition: .text(.attribute("industry"), anyOf: ["retail"])),
            Segment(name: "large-shop", condition: .all([.segment("large"), .segment("shop")])),
            Segment(name: "not-a-shop", condition: .not(.segment("shop"))),
            Segment(name: "chain", condition: .segment("large-shop")),
        ]
        let engine = Self.engine(catalogue)
        let segments = engine.segments(of: 0)
        #expect(segments == ["large", "shop", "large-shop", "chain"])
    }

    /// The configuration refuses cycles; the engine must not hang on one all the same.
    @Test
    func segmentsThatGoInACircleEnd() {
        var catalogue = Self.plain
        catalogue.segments = [
            Segment(name: "a", condition: .segment("b")), Segment(name: "b", condition: .segment("a")),
            Segment(name: "c", condition: .segment("c")),
        ]
        let engine = Self.engine(catalogue)
        let segments = engine.segments(of: 0)
        #expect(segments.isEmpty)
    }

    @Test
    func languageIsThePrimarySubtag() {
        #expect(PartitionEngine.language(of: "DE") == "de")
        #expect(PartitionEngine.language(of: "pt_BR") == "pt")
        #expect(PartitionEngine.language(of: "") == "")
    }
}
