import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// What becomes of triggers: contract §7.
struct DealingsOutcomeTests {
    private typealias Bench = DealingsBench
    private static let day = Bench.day
    private static let hour = Bench.hour

    private func open(_ bench: Bench, _ account: String = "acme") -> [String] {
        bench.engine.openTriggers(account: account).map(\.rule)
    }

    private func use(_ bench: Bench, _ meter: String, at time: Timestamp = day) throws -> TriggerID {
        try #require(bench.use(meter, 85, at: time).triggers.first).id
    }

    @Test(arguments: Feedback.Kind.allCases)
    func feedbackIsToldWithWhatItSays(_ kind: Feedback.Kind) throws {
        let bench = Bench()
        let trigger = try use(bench, "calls")
        let (disposition, effects) = bench.feedback(kind, trigger, at: Self.day + 5) {
            $0.recipient = "user-1"
            $0.channel = "email"
            $0.reason = "price"
            $0.until = Self.day + 10
        }
        #expect(disposition == .applied)
        let outcome = try #require(effects.outcomes.first)
        #expect(effects.outcomes.count == 1 && outcome.kind == kind.outcome && outcome.trigger == trigger)
        #expect(outcome.account == "acme" && outcome.rule == "calls" && outcome.signal == .limit)
        #expect(outcome.time == Self.day + 5 && outcome.emitted == Self.day)
        #expect(outcome.recipient == "user-1" && outcome.channel == "email" && outcome.reason == "price")
        #expect(outcome.until == Self.day + 10 && outcome.feedback == "feedback-1")
        #expect(open(bench) == (kind.outcome.closes ? [] : ["calls"]))
        #expect(effects.opened == (kind.outcome.closes ? ["acme"] : []))
    }

    @Test
    func feedbackCountsOnceAndOnlyForWhatIsKnown() throws {
        let bench = Bench()
        let trigger = try use(bench, "calls")
        bench.feedback(.shown, trigger, at: Self.day) { $0.id = "same" }
        let again = bench.feedback(.dismissed, trigger, at: Self.day) { $0.id = "same" }
        #expect(again.disposition == .duplicate && again.effects.isEmpty && open(bench) == ["calls"])
        let unknown = TriggerID(high: 1, low: 2)
        #expect(bench.feedback(.shown, unknown, at: Self.day).disposition == .unknownTrigger)
        #expect(bench.feedback(.shown, trigger, "nobody", at: Self.day).disposition == .unknownTrigger)
        let statistics = bench.engine.statistics
        #expect(statistics.feedback == 4 && statistics.feedbackRepeated == 1 && statistics.feedbackUnknown == 2)
    }

    @Test
    func lateFeedbackIsToldAndClosesNothingTwice() throws {
        let bench = Bench()
        let trigger = try use(bench, "calls")
        bench.feedback(.dismissed, trigger, at: Self.day)
        let late = bench.feedback(.answered, trigger, at: Self.day + 1)
        #expect(late.disposition == .applied && late.effects.endings == ["calls answered"])
        #expect(late.effects.opened.isEmpty)
    }

    @Test
    func triggersExpireByTheClock() throws {
        let bench = Bench { $0.rules[0].expiresAfter = 2 * Bench.fullDay }
        _ = try use(bench, "calls")
        #expect(bench.triggers[0].expires == Self.day + 2 * Bench.fullDay)
        try bench.restart()
        #expect(bench.tick(to: Self.day + 2 * Bench.fullDay - 1).isEmpty)
        let effects = bench.tick(to: Self.day + 3 * Bench.fullDay)
        #expect(effects.endings == ["calls expired"] && effects.opened == ["acme"])
        #expect(effects.outcomes[0].time == Self.day + 2 * Bench.fullDay && open(bench).isEmpty)
    }

    @Test
    func theOldestIsWithdrawnBeyondTheBound() throws {
        let bench = Bench { $0.policy.openMax = 2 }
        for meter in ["calls", "hits"] { _ = try use(bench, meter) }
        let effects = bench.use("seats", 85, at: Self.day)
        #expect(effects.endings == ["calls withdrawn"] && open(bench) == ["hits", "seats"])
    }

    @Test
    func aTombstoneWithdrawsWhatIsOpen() throws {
        let bench = Bench()
        _ = try use(bench, "calls")
        let effects = bench.remove()
        #expect(effects.endings == ["calls withdrawn"] && effects.opened == ["acme"] && open(bench).isEmpty)
    }

    @Test
    func aCancellationWithdrawsWhatSells() throws {
        let bench = Bench { $0.rules[1].kind = .service }
        _ = try use(bench, "calls")
        _ = try use(bench, "hits")
        #expect(bench.profile(at: Self.day) { $0.status = .cancelled }.endings == ["calls withdrawn"])
        #expect(open(bench) == ["hits"])
    }

    @Test
    func usageThatFellBackIsToldOnceWhereTheRuleTellsIt() throws {
        let bench = Bench { $0.rules[2].tellsResolved = true }
        _ = try use(bench, "seats")
        _ = try use(bench, "disk")
        // 80 less the band of 5 points: strictly below 75.
        #expect(bench.use("seats", -10, at: Self.day).isEmpty)
        try bench.restart()
        let effects = bench.use([("seats", -1), ("disk", 10)], at: Self.day)
        #expect(effects.endings == ["seats resolved"] && open(bench) == ["seats", "disk"])
        #expect(bench.use("seats", -10, at: Self.day).isEmpty)
    }

    @Test
    func aNewPeriodResolvesNothing() throws {
        let bench = Bench { $0.rules[0].tellsResolved = true }
        _ = try use(bench, "calls", at: ScenarioTime.at("2026-01-30"))
        #expect(bench.use("calls", 1, at: ScenarioTime.at("2026-02-02")).isEmpty)
    }

    @Test
    func aCorrectionResolves() throws {
        let bench = Bench { $0.rules[0].tellsResolved = true }
        _ = try use(bench, "calls")
        #expect(bench.use("calls", -50, at: Self.day).endings == ["calls resolved"])
    }

    // MARK: Conversions

    @Test
    func theLatestSeenConvertsAndTheOthersAreSuperseded() throws {
        let bench = Bench()
        bench.profile(at: Self.day) {
            $0.mrr = 2900
            $0.currency = "USD"
        }
        let calls = try use(bench, "calls")
        let hits = try use(bench, "hits", at: Self.day + 1)
        _ = try use(bench, "seats", at: Self.day + 2)
        bench.feedback(.shown, hits, at: Self.day + 10)
        bench.feedback(.clicked, calls, at: Self.day + 20)
        try bench.restart()
        let effects = bench.profile("pro", at: Self.day + 30) {
            $0.mrr = 9900
            $0.currency = "USD"
        }
        #expect(effects.endings == ["calls converted", "hits superseded", "seats superseded"])
        let conversion = try #require(effects.outcomes.first)
        #expect(conversion.fromPlan == "free" && conversion.toPlan == "pro")
        #expect(conversion.amount == 7000 && conversion.currency == "USD" && conversion.time == Self.day + 30)
        #expect(open(bench).isEmpty && effects.opened == ["acme"])
    }

    @Test
    func theLatestDeliveredConvertsWhereNoneWasSeen() throws {
        let bench = Bench()
        let calls = try use(bench, "calls")
        _ = try use(bench, "hits", at: Self.day + 1)
        bench.feedback(.delivered, calls, at: Self.day + 2)
        #expect(bench.profile("pro", at: Self.day + 3).endings == ["calls converted", "hits superseded"])
    }

    @Test
    func theLatestSentConvertsWhereNothingIsReported() throws {
        let bench = Bench()
        _ = try use(bench, "calls")
        _ = try use(bench, "hits", at: Self.day + 1)
        let effects = bench.profile("pro", at: Self.day + 3)
        #expect(effects.endings == ["hits converted", "calls superseded"])
        // No MRR is known.
        #expect(effects.outcomes[0].amount == nil && effects.outcomes[0].currency == nil)
    }

    @Test
    func anExpiredOneQualifiesAndADismissedOneDoesNot() throws {
        let bench = Bench { $0.rules[0].expiresAfter = Bench.fullDay }
        let calls = try use(bench, "calls")
        let hits = try use(bench, "hits")
        bench.feedback(.shown, calls, at: Self.day)
        bench.feedback(.shown, hits, at: Self.day)
        bench.feedback(.dismissed, hits, at: Self.day)
        bench.tick(to: Self.day + 2 * Bench.fullDay)
        #expect(open(bench).isEmpty)
        #expect(bench.profile("pro", at: Self.day + 3 * Bench.fullDay).endings == ["calls converted"])
        // Once and no more.
        #expect(bench.profile("big", at: Self.day + 4 * Bench.fullDay).endings.isEmpty)
    }

    @Test
    func outsideOfTheAttributionWindowNothingConverts() throws {
        let bench = Bench {
            $0.policy.attributionWindow = 5 * Bench.fullDay
            $0.rules[0].expiresAfter = 90 * Bench.fullDay
        }
        _ = try use(bench, "calls")
        bench.use("hits", 1, at: Self.day + 5 * Bench.fullDay + 1)
        #expect(bench.profile("pro", at: Self.day + 6 * Bench.fullDay).endings == ["calls superseded"])
        let edge = Bench { $0.policy.attributionWindow = 5 * Bench.fullDay }
        _ = try use(edge, "calls")
        edge.use("hits", 1, at: Self.day + 5 * Bench.fullDay)
        #expect(edge.profile("pro", at: Self.day + 6 * Bench.fullDay).endings == ["calls converted"])
    }

    @Test
    func aPendingPlanConvertsWhenItTakesEffect() throws {
        let bench = Bench()
        _ = try use(bench, "calls")
        bench.profile(at: Self.day) {
            $0.pendingPlan = "pro"
            $0.effectiveAt = Self.day + Bench.fullDay
            $0.mrr = 100
        }
        #expect(open(bench) == ["calls"])
        let effects = bench.tick(to: Self.day + Bench.fullDay)
        #expect(effects.endings == ["calls converted"])
        // The one profile tells one MRR, and not by how much it rose.
        #expect(effects.outcomes[0].amount == nil && effects.outcomes[0].toPlan == "pro")
    }

    @Test
    func offTheLadderHigherRevenueIsAnUpgrade() throws {
        let bench = Bench { $0.plans.append(Plan(name: "tailored", limits: $0.plans[2].limits, isCustom: true)) }
        bench.profile("big", at: Self.day) { $0.mrr = 500 }
        _ = try #require(bench.use("calls", 8500, at: Self.day).triggers.first)
        #expect(bench.profile("tailored", at: Self.day) { $0.mrr = 500 }.endings.isEmpty)
        let effects = bench.profile("tailored", at: Self.day) { $0.mrr = 800 }
        #expect(effects.endings == ["calls converted"] && effects.outcomes[0].amount == 300)
    }

    @Test
    func aTrialSellsWhenItEndsInAPurchase() throws {
        let bench = Bench()
        bench.profile("free", at: Self.day)
        _ = try use(bench, "calls")
        #expect(bench.profile("pro", at: Self.day) { $0.status = .trialing }.endings.isEmpty)
        #expect(bench.profile("pro", at: Self.day + 1).endings == ["calls converted"])
        let other = Bench()
        other.profile("pro", at: Self.day) { $0.status = .trialing }
        _ = try #require(other.use("calls", 850, at: Self.day).triggers.first)
        #expect(other.profile("free", at: Self.day + 1).endings.isEmpty)
    }

    @Test
    func anAddOnClosesOnlyWhatItLifts() throws {
        let bench = Bench()
        bench.profile(at: Self.day)
        _ = try use(bench, "calls")
        _ = try use(bench, "hits")
        _ = try use(bench, "disk")
        let effects = bench.profile(at: Self.day) { $0.addOns = [Profile.Holding(addOn: "pack", quantity: 1)] }
        #expect(effects.endings == ["calls converted"] && open(bench) == ["hits", "disk"])
        // The same again is nothing new; another one is.
        #expect(
            bench.profile(at: Self.day) { $0.addOns = [Profile.Holding(addOn: "pack", quantity: 1)] }.outcomes.isEmpty)
        let second = bench.profile(at: Self.day) {
            $0.addOns = [Profile.Holding(addOn: "pack", quantity: 1), Profile.Holding(addOn: "box", quantity: 1)]
        }
        #expect(second.endings == ["disk converted"])
    }

    // MARK: Reversals

    @Test
    func backToThePlanBeforeIsAReversal() throws {
        let bench = Bench()
        bench.profile("free", at: Self.day) { $0.mrr = 0 }
        let calls = try use(bench, "calls")
        bench.profile("pro", at: Self.day) { $0.mrr = 9900 }
        try bench.restart()
        let effects = bench.profile("free", at: Self.day + 5) { $0.mrr = 0 }
        #expect(effects.endings.first == "calls reverted")
        let reverted = try #require(effects.outcomes.first)
        #expect(reverted.amount == -9900 && reverted.trigger == calls)
        #expect(reverted.fromPlan == "pro" && reverted.toPlan == "free")
        // Once; the trigger that the fallen limit has brought is another.
        bench.profile("pro", at: Self.day + 6)
        bench.profile("free", at: Self.day + 7)
        #expect(bench.outcomes.filter { $0.trigger == calls && $0.kind == .reverted }.count == 1)
    }

    @Test
    func aStepDownThatStaysAboveIsNoReversal() throws {
        let bench = Bench()
        bench.profile("free", at: Self.day)
        _ = try use(bench, "calls")
        bench.profile("big", at: Self.day)
        #expect(bench.profile("pro", at: Self.day + 1).endings.isEmpty)
        #expect(bench.profile("free", at: Self.day + 2).endings == ["calls reverted"])
    }

    @Test
    func afterTheWindowNothingIsTakenBack() throws {
        let bench = Bench { $0.policy.attributionWindow = 5 * Bench.fullDay }
        bench.profile("free", at: Self.day)
        _ = try use(bench, "calls")
        bench.profile("pro", at: Self.day)
        bench.use("hits", 1, at: Self.day + 5 * Bench.fullDay + 1)
        #expect(bench.profile("free", at: Self.day + 6 * Bench.fullDay).endings.isEmpty)
    }

    @Test
    func aCancellationIsAReversal() throws {
        let bench = Bench()
        bench.profile("free", at: Self.day)
        _ = try use(bench, "calls")
        bench.profile("pro", at: Self.day)
        #expect(bench.profile("pro", at: Self.day) { $0.status = .cancelled }.endings == ["calls reverted"])
    }

    @Test
    func anAddOnThatIsGivenBackIsAReversalAndOneThatEndsIsNot() throws {
        for isGivenBack in [true, false] {
            let bench = Bench()
            bench.profile(at: Self.day)
            _ = try use(bench, "calls")
            let until = Self.day + 2 * Bench.fullDay
            let holding = Profile.Holding(addOn: "pack", quantity: 1, until: until)
            bench.profile(at: Self.day) { $0.addOns = [holding] }
            if isGivenBack {
                #expect(bench.profile(at: Self.day).endings.contains("calls reverted"))
            } else {
                let endings = bench.tick(to: until).endings
                #expect(!endings.contains("calls reverted"))
                // Nor is the profile that leaves it out afterwards.
                #expect(!bench.profile(at: until).endings.contains("calls reverted"))
            }
        }
    }

    // MARK: Holdout

    @Test
    func aGhostUsesUpCapAndCooldownAndConvertsInItsArm() throws {
        let bench = Bench { catalogue in
            catalogue.policy.holdout = Policy.Holdout(share: 10_000)
            catalogue.policy.caps = [Policy.Cap(per: .account, count: 1, window: Bench.fullDay)]
            catalogue.rules[0].cooldown = 2 * Bench.fullDay
        }
        bench.profile(at: Self.day)
        let effects = bench.use("calls", 85, at: Self.day)
        #expect(effects.reasons == [.holdout] && effects.held[0].until == nil && open(bench).isEmpty)
        #expect(effects.held[0].trigger.arm == .holdout && effects.held[0].trigger.channels == ["in_app"])
        #expect(bench.use("calls", 10, at: Self.day).reasons == [.cooldown])
        #expect(bench.use("hits", 85, at: Self.day).reasons == [.capped])
        #expect(bench.engine.statistics.ghosts == 1)
        #expect(bench.feedback(.shown, effects.held[0].trigger.id, at: Self.day).disposition == .unknownTrigger)
        let upgrade = bench.profile("pro", at: Self.day + 1)
        #expect(upgrade.endings == ["calls converted"] && upgrade.outcomes[0].arm == .holdout)
    }

    @Test
    func theTreatedArmSaysSo() throws {
        let bench = Bench {
            $0.policy.holdout = Policy.Holdout(share: 0)
            $0.rules[1].kind = .service
        }
        let effects = bench.use([("calls", 85), ("hits", 85)], at: Self.day)
        #expect(effects.triggers.map(\.arm) == [.treated, nil])
    }

    @Test
    func theShareOfTheAccountsIsHeldOut() {
        let bench = Bench { $0.policy.holdout = Policy.Holdout(share: 2_000, seed: "autumn") }
        for number in 0..<1000 {
            let name = "acct-\(number)"
            let effects = bench.use("calls", 85, name, at: Self.day)
            let isHeld = ExperimentHash.bucket(seed: "autumn", value: name) < 2_000
            #expect(effects.reasons == (isHeld ? [.holdout] : []))
        }
        #expect((150...250).contains(bench.engine.statistics.ghosts))
    }

    /// The cases that GrowthBook publishes with its SDKs for version 2 (`hash` in `cases.json`, specification 0.7.1).
    @Test(arguments: [
        ("seed", "a", Int64(505)), ("seed", "b", 2696), ("foo", "ab", 2575), ("foo", "def", 2019),
        ("89123klj", "8952klfjas09ujkasdf", 1240), ("90850943850283058242805", "123", 7516),
        ("()**(%$##$%#$#", "___)((*\":&", 128),
    ])
    func theHashIsGrowthBooks(_ seed: String, _ value: String, _ bucket: Int64) {
        #expect(ExperimentHash.bucket(seed: seed, value: value) == bucket)
    }
}
