import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// The situation that the engine makes of an account and a trigger.
struct RemedyOfAnAccountTests {
    static let day = ScenarioTime.at("2026-01-10")
    static let calls = MeterID(0)
    static let parts = MeterID(1)

    static let catalogue: Catalogue = {
        var catalogue = UpsellEngineTests.catalogue(
            "meter calls sum month", "meter parts sum month by part 3", "plan free calls=100 parts=10",
            "plan pro calls=1000 parts=12", "plan top calls=5000 parts=100", "addon pack calls=50",
            "rule limits calls percent 80 100", "rule parts parts percent 50", "accounts default free")
        for (plan, amount) in [(0, 1000), (1, 3000), (2, 9000)] as [(Int, Int64)] {
            catalogue.plans[plan].prices = [Price(currency: "EUR", interval: .month, kind: .exact, amount: amount)]
        }
        return catalogue
    }()

    struct Player: ~Copyable {
        var engine: PartitionEngine
        var effects = Effects()
        var events = ScenarioEvents()

        init(_ catalogue: Catalogue = RemedyOfAnAccountTests.catalogue) {
            engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
        }

        mutating func profile(_ plan: String = "free", _ change: (inout Profile) -> Void = { _ in }) {
            var profile = Profile(plan: plan, time: RemedyOfAnAccountTests.day)
            profile.currency = "EUR"
            change(&profile)
            engine.apply(
                profile: profile, account: "acme", recordTime: profile.time,
                coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: .live, into: &effects)
        }

        /// The remedy of the last trigger that this use causes.
        mutating func use(
            _ meter: MeterID, _ quantity: Int64, _ dimension: String? = nil, projected: Int64? = nil
        ) -> Remedy? {
            effects.removeAll()
            events.add(
                "acme", at: RemedyOfAnAccountTests.day,
                [ScenarioEvents.Use(meter, quantity, dimension: dimension)])
            events.play(into: &engine, &effects)
            guard var trigger = effects.triggers.last else { return nil }
            trigger.projection = projected.map {
                Trigger.Projection(method: "test", ratePerDay: 1, projected: $0, exhaustion: trigger.eventTime)
            }
            return engine.remedy(for: 0, trigger: trigger)
        }
    }

    @Test
    func aLimitThatIsReached() {
        var player = Player()
        player.profile()
        let remedy = player.use(Self.calls, 85)
        #expect(remedy?.kind == .plan && remedy?.target == "pro" && remedy?.difference == 2000)
        #expect(remedy?.value?.usage == 85)
    }

    @Test
    func whatTheTriggerProjectsIsTheNeed() {
        var player = Player()
        player.profile()
        let remedy = player.use(Self.calls, 85, projected: 900)
        #expect(remedy?.target == "top")
        #expect(remedy?.value?.usage == 900)
    }

    @Test
    func withoutProfileTheCurrencyIsUnknown() {
        var player = Player()
        let remedy = player.use(Self.calls, 85)
        #expect(remedy?.target == "pro" && remedy?.price == nil && remedy?.priceReason == .currencyUnknown)
    }

    /// 11 of 10 in the dimension: `pro` has 12, which is less than 11 and 20 %.
    @Test
    func eachValueOfADimensionHasTheLimit() {
        var player = Player()
        player.profile()
        _ = player.use(Self.parts, 4, "a")
        let remedy = player.use(Self.parts, 11, "b")
        #expect(remedy?.target == "top" && remedy?.value?.usage == 11)
    }

    @Test
    func addOnsAndOverridesOfTheProfile() {
        var catalogue = Self.catalogue
        catalogue.addOns[0].prices = [Price(currency: "EUR", interval: .month, kind: .exact, amount: 300)]
        var player = Player(catalogue)
        player.profile { profile in
            profile.addOns = [
                Profile.Holding(addOn: "pack", quantity: 1),
                Profile.Holding(addOn: "pack", quantity: 7, until: Self.day - 1),
            ]
        }
        // 150 reached, 180 with headroom: one more.
        var remedy = player.use(Self.calls, 130)
        #expect(remedy?.kind == .addOn && remedy?.quantity == 1 && remedy?.difference == 300)
        #expect(remedy?.limits.first?.from == .of(150) && remedy?.limits.first?.to == .of(200))
        player = Player(catalogue)
        player.profile { $0.overrides = [Profile.Override(meter: "calls", limit: "200")] }
        remedy = player.use(Self.calls, 170)
        #expect(remedy?.kind == Remedy.Kind.none && remedy?.reason == .nothingFits)
    }

    @Test
    func aPendingUpgradeIsNoOccasion() {
        var player = Player()
        player.profile { profile in
            profile.pendingPlan = "pro"
            profile.effectiveAt = Self.day + .millisecondsPerDay
        }
        let remedy = player.use(Self.calls, 85)
        #expect(remedy?.reason == .alreadyEntitled && remedy?.target == "pro")
    }

    @Test
    func aPlanThatNobodyKnows() {
        var player = Player()
        player.profile("secret") { $0.overrides = [Profile.Override(meter: "calls", limit: "100")] }
        let remedy = player.use(Self.calls, 85)
        #expect(remedy?.reason == .unknownPlan)
    }

    /// What other signals are about, by the trigger's facts.
    @Test
    func featuresAndTrials() {
        var catalogue = Self.catalogue
        catalogue.plans[2].features = [Plan.Feature(name: "sso", level: "yes")]
        var player = Player(catalogue)
        player.profile { profile in
            profile.trial = Profile.Trial(plan: "top", start: nil, end: Self.day - 1)
        }
        _ = player.use(Self.calls, 1)
        func trigger(_ signal: Trigger.SignalKind, _ change: (inout Trigger.Activity) -> Void) -> Trigger {
            var trigger = Trigger(
                id: TriggerID(high: 0, low: 0), account: "acme", rule: "r", ruleVersion: 0, signal: signal,
                cause: .usage, episode: Self.day, eventTime: Self.day, plan: "free", status: .active)
            var activity = Trigger.Activity()
            change(&activity)
            trigger.activity = activity
            return trigger
        }
        for (asked, wanted) in [
            (trigger(.gate) { $0.feature = "sso" }, "top"), (trigger(.gate) { $0.source = "calls" }, "pro"),
            (trigger(.adoption) { $0.feature = "sso" }, "top"), (trigger(.adoption) { _ in }, "pro"),
            (trigger(.trial) { _ in }, "top"), (trigger(.absence) { $0.source = "parts" }, "pro"),
        ] {
            let remedy = player.engine.remedy(for: 0, trigger: asked)
            #expect(remedy.target == wanted, "\(asked.signal) \(String(describing: asked.activity))")
        }
    }
}
