import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Every reason for which a trigger is held, and which of them counts where several would.
struct DealingsReasonTests {
    private typealias Bench = DealingsBench
    private static let day = Bench.day

    private static func rule(_ name: String, _ change: @escaping (inout Rule) -> Void) -> (inout Catalogue) -> Void {
        { catalogue in
            for index in catalogue.rules.indices where catalogue.rules[index].name == name {
                change(&catalogue.rules[index])
            }
        }
    }

    @Test(arguments: [Rule.Mode.paused, .shadow])
    func aRuleThatIsNotLiveHoldsForGood(_ mode: Rule.Mode) {
        let bench = Bench { catalogue in for index in catalogue.rules.indices { catalogue.rules[index].mode = mode } }
        let effects = bench.use("calls", 85, at: Self.day)
        #expect(effects.reasons == [mode == .paused ? .paused : .shadow])
        #expect(effects.triggers.isEmpty && effects.held[0].until == nil)
        // The key is spent: the rule comes back and says nothing of what was crossed.
        bench.reload { catalogue in for index in catalogue.rules.indices { catalogue.rules[index].mode = .live } }
        #expect(bench.use("calls", 1, at: Self.day).triggers.isEmpty)
        #expect(bench.use("calls", 5, at: Self.day).triggers.map { $0.usage?.crossed } == [[9000]])
        let statistics = bench.engine.statistics
        #expect(statistics.shadowed == (mode == .shadow ? 1 : 0) && statistics.held == (mode == .paused ? 1 : 0))
    }

    @Test
    func shadowSaysWhatItWouldHaveSent() {
        let bench = Bench(
            Self.rule("calls") {
                $0.mode = .shadow
                $0.channels = [ChannelRoute("email")]
                $0.offer = Offer(kind: .discount, value: 1000)
            })
        let held = bench.use("calls", 85, at: Self.day).held
        #expect(held.map(\.trigger.channels) == [["email"]])
        #expect(held.first?.trigger.offer?.kind == .discount)
    }

    @Test
    func usageOfAClosedPeriodIsHeld() {
        let bench = Bench()
        bench.use("calls", 70, at: ScenarioTime.at("2026-01-31T23:00"))
        bench.use("hits", 1, at: ScenarioTime.at("2026-02-01T01:00"))
        let effects = bench.use("calls", 15, at: ScenarioTime.at("2026-01-31T23:30"))
        #expect(effects.reasons == [.periodClosed])
    }

    @Test(arguments: [
        (Profile.Status.cancelled, HoldReason.cancelled), (.cancelling, .cancelling), (.pastDue, .pastDue),
        (.paused, .inactive),
    ])
    func theStateOfTheAccountHolds(_ status: Profile.Status, _ reason: HoldReason) {
        let bench = Bench(Self.rule("hits") { $0.kind = .service })
        bench.profile(at: Self.day) { $0.status = status }
        // Service notices too.
        #expect(bench.use([("calls", 85), ("hits", 85)], at: Self.day).reasons == [reason, reason])
        // For good: a status that changes brings nothing back.
        bench.profile(at: Self.day + 1)
        #expect(bench.tick(to: Self.day + 40 * Bench.fullDay).triggers.isEmpty)
    }

    @Test
    func aCancellationForLaterHolds() {
        let bench = Bench()
        bench.profile(at: Self.day) { $0.cancelAtPeriodEnd = true }
        #expect(bench.use("calls", 85, at: Self.day).reasons == [.cancelling])
    }

    @Test
    func whoOptedOutOfEveryChannelIsLeftAlone() {
        let bench = Bench { catalogue in
            catalogue.rules[0].channels = [ChannelRoute("email"), ChannelRoute("push")]
            catalogue.rules[1].channels = [ChannelRoute("email")]
            catalogue.rules[2].kind = .service
            catalogue.rules[2].channels = [ChannelRoute("email")]
        }
        bench.profile(at: Self.day) { $0.optOut = ["email"] }
        #expect(bench.use("calls", 85, at: Self.day).triggers.map(\.channels) == [["push"]])
        #expect(bench.use("hits", 85, at: Self.day).reasons == [.optedOut])
        #expect(bench.use("seats", 85, at: Self.day).triggers.map(\.channels) == [["email"]])
    }

    @Test
    func aDismissalBindsItsRecipientForTheEpisode() throws {
        let bench = Bench()
        let trigger = try #require(bench.use("calls", 85, at: Self.day).triggers.first)
        bench.feedback(.dismissed, trigger.id, at: Self.day)
        #expect(bench.use("calls", 10, at: Self.day).reasons == [.dismissed])
        #expect(bench.use("hits", 85, at: Self.day).rules == ["hits"])
        // Another period is another episode.
        #expect(bench.use("calls", 85, at: ScenarioTime.at("2026-02-03")).rules == ["calls"])
    }

    @Test
    func aDismissalByAnotherRecipientBindsThatOne() throws {
        let bench = Bench()
        let trigger = try #require(bench.use("calls", 85, at: Self.day).triggers.first)
        bench.feedback(.dismissed, trigger.id, at: Self.day) { $0.recipient = "billing" }
        #expect(bench.use("calls", 10, at: Self.day).rules == ["calls"])
        let other = try #require(bench.use("hits", 85, at: Self.day).triggers.first)
        bench.feedback(.dismissed, other.id, at: Self.day) { $0.recipient = "user-17" }
        #expect(bench.use("hits", 10, at: Self.day).reasons == [.dismissed])
    }

    @Test(arguments: [Feedback.Kind.declined, .noBudget])
    func aVerdictBindsTheAccountUntilItIsTakenBack(_ kind: Feedback.Kind) throws {
        let bench = Bench(Self.rule("seats") { $0.kind = .service })
        let trigger = try #require(bench.use("calls", 85, at: Self.day).triggers.first)
        bench.use("disk", 85, at: Self.day)
        let seen = try #require(bench.triggers.last)
        bench.feedback(kind, trigger.id, at: Self.day) { $0.recipient = "csm" }
        #expect(bench.use("hits", 85, at: Self.day).reasons == [.declined])
        #expect(bench.use("seats", 85, at: Self.day).rules == ["seats"])
        bench.feedback(.qualified, seen.id, at: Self.day) { $0.channel = "csm" }
        #expect(bench.use("hits", 10, at: Self.day).rules == ["hits"])
    }

    @Test(arguments: [Feedback.Kind.declined, .noBudget])
    func aNoOfSomebodyElseBindsLikeADismissal(_ kind: Feedback.Kind) throws {
        let bench = Bench()
        let trigger = try #require(bench.use("calls", 85, at: Self.day).triggers.first)
        bench.feedback(kind, trigger.id, at: Self.day)
        #expect(bench.use("hits", 85, at: Self.day).rules == ["hits"])
        #expect(bench.use("calls", 10, at: Self.day).reasons == [.dismissed])
    }

    @Test
    func whoIsOutsideOfTheAudienceIsOnlyCounted() {
        let bench = Bench { catalogue in
            catalogue.rules[0].audience = .text(.plan, anyOf: ["pro"])
            catalogue.rules[0].mode = .paused
        }
        let effects = bench.use("calls", 85, at: Self.day)
        #expect(effects.isEmpty)
        #expect(bench.engine.statistics.outOfAudience == 1 && bench.engine.statistics.signals == 0)
    }

    @Test
    func whoWaitsForTheAudienceIsToldOnceItHolds() throws {
        let bench = Bench { catalogue in
            catalogue.rules[2].audience = .text(.plan, anyOf: ["pro"])
            catalogue.rules[2].waits = true
            // Lifted limits would end what is owed.
            catalogue.plans[1].limits[2] = catalogue.plans[0].limits[2]
        }
        let effects = bench.use("seats", 85, at: Self.day)
        #expect(effects.reasons == [.audience] && effects.held[0].until == nil)
        #expect(bench.engine.statistics.signals == 0 && bench.engine.statistics.awaitingAudience == 1)
        bench.use("seats", 1, at: Self.day)
        try bench.restart()
        #expect(bench.engine.statistics.awaitingAudience == 1)
        let released = bench.profile("pro", at: Self.day)
        #expect(released.triggers.map(\.cause) == [.released])
        #expect(released.triggers.map(\.id) == effects.held.map(\.trigger.id))
        #expect(bench.engine.statistics.awaitingAudience == 0)
    }

    @Test
    func afterAnUpgradeItIsQuietForATime() {
        let bench = Bench { catalogue in
            catalogue.policy.upgradePause = 14 * Bench.fullDay
            catalogue.rules[1].kind = .service
        }
        bench.use("calls", 1, at: Self.day)
        bench.profile("pro", at: Self.day)
        let effects = bench.use("calls", 850, at: Self.day + Bench.hour)
        #expect(effects.reasons == [.recentUpgrade])
        #expect(effects.held[0].until == Self.day + 14 * Bench.fullDay)
        #expect(bench.use("hits", 850, at: Self.day + Bench.hour).rules == ["hits"])
        #expect(bench.tick(to: Self.day + 14 * Bench.fullDay - 1).triggers.isEmpty)
        #expect(bench.tick(to: Self.day + 14 * Bench.fullDay).triggers.map(\.cause) == [.released])
    }

    @Test
    func aSnoozeBindsTheRuleUntilItEnds() throws {
        let bench = Bench()
        let trigger = try #require(bench.use("calls", 85, at: Self.day).triggers.first)
        bench.feedback(.snoozed, trigger.id, at: Self.day) { $0.until = Self.day + 3 * Bench.fullDay }
        let effects = bench.use("calls", 10, at: Self.day)
        #expect(effects.reasons == [.snoozed] && effects.held[0].until == Self.day + 3 * Bench.fullDay)
        #expect(bench.use("hits", 85, at: Self.day).rules == ["hits"])
        #expect(bench.tick(to: Self.day + 3 * Bench.fullDay).rules == ["calls"])
    }

    @Test
    func notNowOfAManagerBindsTheAccount() throws {
        let bench = Bench()
        let trigger = try #require(bench.use("calls", 85, at: Self.day).triggers.first)
        bench.feedback(.notNow, trigger.id, at: Self.day) { $0.recipient = "csm" }
        let effects = bench.use("hits", 85, at: Self.day)
        #expect(effects.reasons == [.snoozed])
        #expect(effects.held[0].until == Self.day + PartitionEngine.snoozeDefault)
    }

    @Test
    func aRuleRestsForItsCooldown() {
        let bench = Bench(Self.rule("calls") { $0.cooldown = 2 * Bench.fullDay })
        bench.use("calls", 85, at: Self.day)
        let effects = bench.use("calls", 10, at: Self.day + Bench.hour)
        #expect(effects.reasons == [.cooldown] && effects.held[0].until == Self.day + 2 * Bench.fullDay)
        #expect(bench.use("hits", 85, at: Self.day + Bench.hour).rules == ["hits"])
        #expect(bench.tick(to: Self.day + 2 * Bench.fullDay - 1).triggers.isEmpty)
        let released = bench.tick(to: Self.day + 2 * Bench.fullDay)
        #expect(released.triggers.map(\.cause) == [.released])
        #expect(released.triggers.map { $0.usage?.highest } == [9000])
    }

    @Test
    func ownRefusalsAreNotRepeated() {
        let bench = Bench(Self.rule("calls") { $0.cooldown = 2 * Bench.fullDay })
        bench.use("calls", 85, at: Self.day)
        #expect(bench.use("calls", 6, at: Self.day + Bench.hour).reasons == [.cooldown])
        // A second refusal for the same reason waits again and is not told again; 80 and 90 are the same rule's.
        bench.reload { $0.rules[0].cooldown = 4 * Bench.fullDay }
        #expect(bench.tick(to: Self.day + 3 * Bench.fullDay).isEmpty)
        #expect(bench.tick(to: Self.day + 4 * Bench.fullDay).triggers.map { $0.usage?.highest } == [9000])
    }

    @Test
    func ofSeveralReasonsTheFirstInTheOrderCounts() throws {
        let bench = Bench { catalogue in
            catalogue.policy.upgradePause = 30 * Bench.fullDay
            catalogue.policy.caps = [Policy.Cap(per: .account, count: 1, window: 60 * Bench.fullDay)]
            catalogue.policy.quietHours = Policy.QuietHours(from: 0, to: 1440)
            catalogue.policy.holdout = Policy.Holdout(share: 10_000)
            catalogue.rules[0].cooldown = 60 * Bench.fullDay
            catalogue.rules[1].kind = .service
        }
        // Something to dismiss and to snooze: a service notice goes out in quiet hours and to the holdout.
        let notice = try #require(bench.use("hits", 85, at: Self.day).triggers.first)
        #expect(notice.arm == nil)
        var used: Int64 = 0
        bench.profile(at: Self.day) { $0.overrides = [Profile.Override(meter: "calls", limit: "1000")] }
        bench.use("calls", 1500, at: Self.day)
        bench.control(.pause, "calls")
        #expect(bench.held.last?.reason == .quietHours)
        // Falling limits raise again at once, by the profile itself; each change ends what was owed under the last.
        func lower(_ change: (inout Profile) -> Void) -> [HoldReason] {
            used += 1
            let effects = bench.profile(at: Self.day) {
                $0.overrides = [Profile.Override(meter: "calls", limit: "\(1000 - used)")]
                change(&$0)
            }
            return effects.reasons.filter { $0 != .superseded }
        }
        #expect(lower { $0.status = .pastDue } == [.paused])
        bench.control(.shadow, "calls")
        #expect(lower { $0.status = .pastDue } == [.shadow])
        bench.control(.resume, "calls")
        #expect(
            lower {
                $0.status = .pastDue
                $0.optOut = ["in_app"]
            } == [.pastDue])
        bench.feedback(.noBudget, notice.id, at: Self.day) { $0.recipient = "csm" }
        #expect(lower { $0.optOut = ["in_app"] } == [.optedOut])
        #expect(lower { _ in } == [.declined])
        // An upgrade lifts the verdict, and pauses.
        bench.profile("pro", at: Self.day) {
            $0.overrides = [Profile.Override(meter: "calls", limit: "\(1000 - used)")]
        }
        func lowerOnPro() -> [HoldReason] {
            used += 1
            return bench.profile("pro", at: Self.day) {
                $0.overrides = [Profile.Override(meter: "calls", limit: "\(1000 - used)")]
            }.reasons.filter { $0 != .superseded }
        }
        #expect(lowerOnPro() == [.recentUpgrade])
        bench.reload { $0.policy.upgradePause = 0 }
        #expect(lowerOnPro() == [.quietHours])
        bench.reload { $0.policy.quietHours = nil }
        #expect(lowerOnPro() == [.holdout])
        // The ghost has used up cooldown and cap; cooldown comes first.
        #expect(lowerOnPro() == [.cooldown])
        bench.reload { $0.rules[0].cooldown = 0 }
        #expect(lowerOnPro() == [.capped])
    }
}
