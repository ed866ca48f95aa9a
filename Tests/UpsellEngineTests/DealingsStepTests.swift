import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Campaigns of several triggers, and what a trigger carries when it goes out.
struct DealingsStepTests {
    private typealias Bench = DealingsBench
    private static let day = Bench.day
    private static let fullDay = Bench.fullDay

    private static func bench(_ change: @escaping (inout Catalogue) -> Void = { _ in }) -> Bench {
        Bench { catalogue in
            catalogue.rules[0].steps = [
                RuleStep(name: "remind", delay: 2 * fullDay, condition: .notSeen),
                RuleStep(name: "call", delay: 4 * fullDay, channels: [ChannelRoute("csm")], condition: .notClicked),
            ]
            change(&catalogue)
        }
    }

    @Test
    func stepsComeAtTheirTimesWithTheCampaignOfTheFirst() throws {
        let bench = Self.bench()
        let first = try #require(bench.use("calls", 85, at: Self.day).triggers.first)
        #expect(first.campaign == first.id && first.step == nil)
        try bench.restart()
        #expect(bench.tick(to: Self.day + 2 * Self.fullDay - 1).isEmpty)
        let second = try #require(bench.tick(to: Self.day + 2 * Self.fullDay).triggers.first)
        #expect(second.campaign == first.id && second.step == "remind" && second.cause == .step)
        #expect(second.id == DerivedTriggerID.step("remind", of: first.id))
        #expect(second.channels == ["in_app"] && second.eventTime == Self.day + 2 * Self.fullDay)
        #expect(second.usage?.crossed == [8000])
        try bench.restart()
        let third = try #require(bench.tick(to: Self.day + 4 * Self.fullDay).triggers.first)
        #expect(third.step == "call" && third.channels == ["csm"])
        #expect(bench.engine.openTriggers(account: "acme").map(\.step) == [nil, "remind", "call"])
        // Since the last restart.
        #expect(bench.engine.statistics.signals == 1)
    }

    @Test(arguments: [
        (RuleStep.Condition.always, nil as Feedback.Kind?, true), (.always, .clicked, true),
        (.notDelivered, nil, true), (.notDelivered, .delivered, false), (.notSeen, .delivered, true),
        (.notSeen, .shown, false), (.notClicked, .shown, true), (.notClicked, .clicked, false), (.seen, nil, false),
        (.seen, .delivered, false), (.seen, .shown, true), (.seen, .clicked, true),
    ])
    func aStepAsksForTheOutcomeSoFar(_ condition: RuleStep.Condition, _ kind: Feedback.Kind?, _ comes: Bool) throws {
        let bench = Bench {
            $0.rules[0].steps = [RuleStep(name: "next", delay: Self.fullDay, condition: condition)]
        }
        let first = try #require(bench.use("calls", 85, at: Self.day).triggers.first)
        if let kind { bench.feedback(kind, first.id, at: Self.day) }
        #expect(bench.tick(to: Self.day + Self.fullDay).triggers.map(\.step) == (comes ? ["next"] : []))
        #expect(bench.engine.statistics.signals == (comes ? 2 : 1))
    }

    @Test
    func anyClosingOutcomeStopsTheCampaign() throws {
        for kind in [Feedback.Kind.dismissed, .declined, .noBudget] {
            let bench = Self.bench()
            let first = try #require(bench.use("calls", 85, at: Self.day).triggers.first)
            bench.feedback(kind, first.id, at: Self.day)
            #expect(bench.tick(to: Self.day + 9 * Self.fullDay).triggers.isEmpty)
        }
        let upgraded = Self.bench()
        upgraded.use("calls", 85, at: Self.day)
        upgraded.profile("pro", at: Self.day)
        #expect(upgraded.tick(to: Self.day + 9 * Self.fullDay).triggers.isEmpty)
        // Of a step too.
        let bench = Self.bench()
        bench.use("calls", 85, at: Self.day)
        let second = try #require(bench.tick(to: Self.day + 2 * Self.fullDay).triggers.first)
        bench.feedback(.dismissed, second.id, at: Self.day)
        #expect(bench.tick(to: Self.day + 9 * Self.fullDay).triggers.isEmpty)
    }

    @Test
    func stepsAreQualified() throws {
        let quiet = Self.bench { $0.policy.quietHours = Policy.QuietHours(from: 700, to: 780) }
        quiet.use("calls", 85, at: Self.day - 2 * Bench.hour)
        quiet.tick(to: Self.day + 2 * Self.fullDay - 2 * Bench.hour)
        #expect(quiet.triggers.count == 2)

        let parked = Self.bench { $0.policy.quietHours = Policy.QuietHours(from: 0, to: 700) }
        parked.use("calls", 85, at: Self.day)
        parked.reload { $0.policy.quietHours = Policy.QuietHours(from: 700, to: 780) }
        let effects = parked.tick(to: Self.day + 2 * Self.fullDay)
        #expect(effects.reasons == [.quietHours] && effects.held[0].trigger.step == "remind")
        let released = parked.tick(to: Self.day + 2 * Self.fullDay + Bench.hour)
        #expect(released.triggers.map(\.cause) == [.step])

        let owed = Self.bench()
        let first = try #require(owed.use("calls", 85, at: Self.day).triggers.first)
        owed.feedback(.notNow, first.id, at: Self.day) { $0.until = Self.day + 3 * Self.fullDay }
        #expect(owed.tick(to: Self.day + 2 * Self.fullDay).triggers.count == 0)
        #expect(owed.held.last?.reason == nil, "seen: the reminder is not due")

        let snoozed = Self.bench { $0.rules[0].steps[0].condition = .always }
        let one = try #require(snoozed.use("calls", 85, at: Self.day).triggers.first)
        snoozed.feedback(.snoozed, one.id, at: Self.day) { $0.until = Self.day + 3 * Self.fullDay }
        #expect(snoozed.tick(to: Self.day + 2 * Self.fullDay).reasons == [.snoozed])
        // Its campaign ends while it is owed.
        #expect(snoozed.feedback(.dismissed, one.id, at: Self.day).effects.reasons == [.stale])

        let cancelled = Self.bench()
        cancelled.use("calls", 85, at: Self.day)
        cancelled.profile(at: Self.day) { $0.status = .pastDue }
        #expect(cancelled.tick(to: Self.day + 2 * Self.fullDay).reasons == [.pastDue])

        let paused = Self.bench()
        paused.use("calls", 85, at: Self.day)
        paused.control(.pause, "calls")
        #expect(paused.tick(to: Self.day + 2 * Self.fullDay).reasons == [.paused])

        let silent = Self.bench()
        silent.use("calls", 85, at: Self.day)
        silent.profile(at: Self.day) { $0.optOut = ["in_app"] }
        #expect(silent.tick(to: Self.day + 2 * Self.fullDay).reasons == [.optedOut])

        let capped = Self.bench { $0.policy.caps = [Policy.Cap(per: .account, count: 1, window: 3 * Self.fullDay)] }
        capped.use("calls", 85, at: Self.day)
        #expect(capped.tick(to: Self.day + 2 * Self.fullDay).reasons == [.capped])
        #expect(capped.tick(to: Self.day + 3 * Self.fullDay).triggers.map(\.step) == ["remind"])
    }

    @Test
    func stepsOfAGhostAreGhosts() throws {
        let bench = Self.bench { $0.policy.holdout = Policy.Holdout(share: 10_000) }
        bench.use("calls", 85, at: Self.day)
        // Whatever becomes of the holdout meanwhile.
        bench.reload { $0.policy.holdout = nil }
        try bench.restart()
        let effects = bench.tick(to: Self.day + 2 * Self.fullDay)
        #expect(effects.reasons == [.holdout] && effects.held[0].trigger.step == "remind")
        #expect(bench.engine.statistics.ghosts == 1)
        bench.profile("pro", at: Self.day)
        #expect(bench.tick(to: Self.day + 9 * Self.fullDay).held.isEmpty)
    }

    @Test
    func aStepThatLeftTheCatalogueIsLeftOut() {
        let bench = Self.bench()
        bench.use("calls", 85, at: Self.day)
        bench.reload { $0.rules[0].steps.removeFirst() }
        #expect(bench.tick(to: Self.day + 4 * Self.fullDay).triggers.map(\.step) == ["call"])
    }

    // MARK: Ids

    /// Computed by a separate script over libxxhash, as those of arming keys.
    @Test
    func idsOfStepsAndTestsAreThoseOfTheArticle() {
        let campaign = TriggerID(high: 0x4583_024f_03f9_65d3, low: 0x891d_d769_8780_535f)
        #expect(DerivedTriggerID.step("remind", of: campaign).description == "a10a0410c84a692ae5d9082bb0ec9ee4")
        #expect(DerivedTriggerID.step("", of: campaign).description == "6461724f2a5481fbb4257c0970303d53")
        #expect(
            DerivedTriggerID.test(control: 42, rule: "api-limit", account: "acct-000123").description
                == "b5f212ac06377edbd89307ee384fa3a9")
    }

    // MARK: What goes out

    @Test
    func aTriggerSaysWhereItGoesAndWhatItOffers() throws {
        let bench = Bench { catalogue in
            catalogue.rules[0].channels = [
                ChannelRoute("email", condition: .text(.plan, anyOf: ["pro"])),
                ChannelRoute("push", condition: .text(.plan, anyOf: ["free"])), ChannelRoute("push"),
            ]
            catalogue.rules[0].recipient = .billing
            catalogue.rules[0].expiresAfter = 3 * Self.fullDay
            catalogue.rules[0].offer = Offer(
                kind: .discount, value: 1500, validFor: Self.fullDay,
                link: "https://x.test/{account}?p={plan}&t={trigger}&{other}", resources: ["case-1"])
        }
        bench.profile("free", "a b/ü", at: Self.day) {
            $0.locale = "de-AT"
            $0.timeZone = ScenarioTime.berlin
            $0.currency = "EUR"
            $0.owner = "ann"
            $0.attributes = [
                Profile.Attribute(name: "size", json: "12", texts: ["12"]),
                Profile.Attribute(name: "name", json: "\"X\"", texts: ["X"]),
            ]
            $0.shareable = ["size"]
        }
        let trigger = try #require(bench.use("calls", 85, "a b/ü", at: Self.day).triggers.first)
        #expect(trigger.channels == ["push"] && trigger.recipient == .billing && trigger.kind == .promotional)
        #expect(trigger.expires == Self.day + 3 * Self.fullDay && trigger.notBefore == nil)
        let offer = try #require(trigger.offer)
        #expect(offer.kind == .discount && offer.value == 1500 && offer.expires == Self.day + Self.fullDay)
        #expect(offer.link?.hasPrefix("https://x.test/a%20b%2F%C3%BC?p=") == true)
        #expect(offer.link?.hasSuffix("&t=\(trigger.id)&{other}") == true)
        #expect(offer.resources == ["case-1"])
        #expect(trigger.locale == "de-AT" && trigger.timeZone == "Europe/Berlin" && trigger.currency == "EUR")
        #expect(trigger.owner == "ann" && trigger.attributes.map(\.name) == ["size"])
    }

    @Test
    func aServiceNoticeOffersNothing() throws {
        let bench = Bench {
            $0.rules[0].kind = .service
            $0.rules[0].offer = Offer(kind: .upgrade)
        }
        let trigger = try #require(bench.use("calls", 85, at: Self.day).triggers.first)
        #expect(trigger.kind == .service && trigger.offer == nil && trigger.remedy == nil)
    }

    @Test(arguments: Remedy.Reason.allCases)
    func whatCannotBeBoughtGoesToTheManager(_ reason: Remedy.Reason) {
        var rule = Rule(name: "calls", signal: .digest(DigestSignal(every: .week)))
        rule.offer = Offer(kind: .upgrade)
        var trigger = Trigger(
            id: TriggerID(high: 0, low: 0), account: "acme", rule: "calls", ruleVersion: 0, signal: .limit,
            cause: .usage, episode: Self.day, eventTime: Self.day, plan: "free", status: .active)
        trigger.present(rule, Remedy(.none, reason: reason), [], optOut: [], at: Self.day)
        let isUnsold = [.topPlan, .customPlan, .fromPrice, .contactPrice, .alreadyEntitled].contains(reason)
        #expect(trigger.channels == (isUnsold ? ["csm"] : ["in_app"]))
        #expect(trigger.recipient == (isUnsold ? .csm : .admin) && (trigger.offer == nil) == isUnsold)
        trigger.present(rule, Remedy(.none, reason: reason), [], optOut: ["csm"], at: Self.day)
        #expect(trigger.channels == (isUnsold ? [] : ["in_app"]))
    }

    @Test
    func aRouteMayAskForAGain() {
        let rule = Rule(name: "calls", signal: .digest(DigestSignal(every: .week)))
        func channels(_ difference: Int64?) -> [String] {
            var trigger = Trigger(
                id: TriggerID(high: 0, low: 0), account: "acme", rule: "calls", ruleVersion: 0, signal: .limit,
                cause: .usage, episode: Self.day, eventTime: Self.day, plan: "free", status: .active)
            var remedy = Remedy(.plan)
            remedy.target = "pro"
            remedy.difference = difference
            let routes = [ChannelRoute("csm", gainMin: 5000), ChannelRoute("email", gainMin: 1)]
            trigger.present(rule, remedy, routes, optOut: [], at: Self.day)
            return trigger.channels
        }
        #expect(channels(5000) == ["csm", "email"])
        #expect(channels(4999) == ["email"])
        #expect(channels(0) == ["in_app"])
        #expect(channels(nil) == ["in_app"])
    }
}
