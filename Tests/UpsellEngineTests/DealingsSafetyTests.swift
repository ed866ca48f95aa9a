import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Control records, tests, and the fuse.
struct DealingsSafetyTests {
    private typealias Bench = DealingsBench
    private static let day = Bench.day
    private static let hour = Bench.hour

    @Test
    func commandsAreAppliedOnceAndInOrder() throws {
        let bench = Bench()
        bench.use("seats", 1, at: Self.day)
        bench.control(.pause, "calls", offset: 7)
        #expect(bench.engine.nextControl == 8 && bench.engine.hasChanges)
        #expect(
            bench.engine.ruleOverrides == [
                RuleOverride(rule: "calls", mode: .paused, isByFuse: false, by: "ann", time: Self.day)
            ])
        // Read again after a restart, and an older one: nothing.
        bench.control(.resume, "calls", offset: 7)
        bench.control(.resume, "calls", offset: 3)
        try bench.restart()
        #expect(bench.engine.nextControl == 8)
        #expect(bench.use("calls", 85, at: Self.day).reasons == [.paused])
        bench.control(.shadow, "calls", offset: 8)
        #expect(bench.use("calls", 6, at: Self.day).reasons == [.shadow])
        bench.control(.resume, "calls", offset: 20)
        #expect(bench.engine.nextControl == 21 && bench.engine.ruleOverrides.isEmpty)
        #expect(bench.use("calls", 10, at: Self.day).rules == ["calls"])
        bench.control(.pause, "nobody", offset: 21)
        #expect(bench.engine.statistics.controlsUnknown == 1 && bench.engine.nextControl == 22)
    }

    @Test
    func resumeBringsTheRulesOwnModeBack() {
        let bench = Bench { $0.rules[0].mode = .shadow }
        bench.control(.pause, "calls")
        #expect(bench.use("calls", 85, at: Self.day).reasons == [.paused])
        bench.control(.resume, "calls")
        #expect(bench.use("calls", 6, at: Self.day).reasons == [.shadow])
    }

    @Test
    func aTestPassesEverythingAndCountsNowhere() throws {
        let bench = Bench { catalogue in
            catalogue.rules[0].mode = .paused
            catalogue.policy.holdout = Policy.Holdout(share: 10_000)
            catalogue.policy.caps = [Policy.Cap(per: .account, count: 1, window: Self.hour)]
        }
        bench.profile(at: Self.day) { $0.status = .pastDue }
        bench.use("calls", 30, at: Self.day)
        let before = bench.engine.statistics
        let effects = bench.control(.fireTest(account: "acme"), "calls", offset: 42)
        let trigger = try #require(effects.triggers.first)
        #expect(trigger.isTest && trigger.cause == .test && trigger.rule == "calls" && trigger.account == "acme")
        #expect(trigger.id == DerivedTriggerID.test(control: 42, rule: "calls", account: "acme"))
        #expect(trigger.usage?.current == 30 && trigger.usage?.limit == .of(100) && trigger.usage?.crossed == [8000])
        #expect(trigger.usage?.period?.start == ScenarioTime.at("2026-01-01"))
        #expect(trigger.channels == ["in_app"] && trigger.status == .pastDue && trigger.expires != nil)
        #expect(bench.engine.openTriggers(account: "acme").isEmpty && effects.opened.isEmpty)
        var after = bench.engine.statistics
        #expect(after.tests == 1)
        after.tests = 0
        after.controls = 0
        #expect(after == before)
        // Another partition knows the account; the record again gives nothing.
        #expect(bench.control(.fireTest(account: "other"), "calls").isEmpty)
        #expect(bench.control(.fireTest(account: "acme"), "calls", offset: 42).isEmpty)
    }

    @Test
    func aTestOfEveryKindOfSignal() throws {
        let source = SignalSource(.meter(MeterID(0)))
        let signals: [Signal] = [
            .pace(PaceSignal(meter: MeterID(0))), .gate(GateSignal(source: source, count: 3, window: 1000)),
            .adoption(AdoptionSignal(stages: [.init(source: source, uses: 1)], windowDays: 7)),
            .trial(TrialSignal(offsetDays: [0])), .event(EventSignal(.source(source))),
            .growth(GrowthSignal(meter: MeterID(0), windowDays: 7, percent: 5000, floor: 1)),
            .sustained(SustainedSignal(meter: MeterID(2), unit: .percent, level: 1, duration: 1)),
            .absence(AbsenceSignal(source: source, duration: 1)), .digest(DigestSignal(every: .week)),
            .combination(
                CombinationSignal(
                    parts: [.init(name: "a", signal: .trial(TrialSignal(offsetDays: [0])))], mode: .any, window: 1)),
        ]
        let bench = Bench { catalogue in
            catalogue.rules += signals.map { Rule(name: "\($0.kind.name)", signal: $0) }
        }
        bench.profile(at: Self.day)
        for signal in signals {
            let trigger = try #require(
                bench.control(.fireTest(account: "acme"), signal.kind.name).triggers.first)
            #expect(trigger.signal == signal.kind && trigger.isTest)
            #expect((trigger.usage == nil) == (trigger.activity != nil))
        }
    }

    // MARK: Fuse

    @Test
    func aRuleThatReachesTooManyGoesToShadow() throws {
        let bench = Bench { $0.policy.fuse = Policy.Fuse(accounts: 3, share: nil) }
        for number in 1...3 { #expect(bench.use("calls", 85, "acct-\(number)", at: Self.day).rules == ["calls"]) }
        // The same account again is no other one.
        #expect(bench.use("calls", 6, "acct-1", at: Self.day).rules == ["calls"])
        try bench.restart()
        let effects = bench.use("calls", 85, "acct-4", at: Self.day)
        #expect(effects.reasons == [.fuse] && effects.fused.map(\.rule) == ["calls"])
        #expect(effects.fused[0].accounts == 4 && effects.fused[0].time == Self.day)
        try bench.restart()
        // Alarmed once; other rules go on.
        let later = bench.use([("calls", 85), ("hits", 85)], "acct-5", at: Self.day)
        #expect(later.reasons == [.fuse] && later.fused.isEmpty && later.rules == ["hits"])
        #expect(bench.engine.ruleOverrides.map(\.isByFuse) == [true])
        #expect(bench.engine.statistics.shadowed == 1)
        bench.control(.resume, "calls")
        #expect(bench.use("calls", 85, "acct-6", at: Self.day).rules == ["calls"])
    }

    @Test
    func theHourSlides() {
        let bench = Bench { $0.policy.fuse = Policy.Fuse(accounts: 2, share: nil) }
        bench.use("calls", 85, "acct-1", at: Self.day)
        bench.use("calls", 85, "acct-2", at: Self.day + 30 * .millisecondsPerMinute)
        #expect(bench.use("calls", 85, "acct-3", at: Self.day + 60 * .millisecondsPerMinute).rules == ["calls"])
        // Reached again: it counts from now on.
        #expect(bench.use("calls", 6, "acct-3", at: Self.day + 89 * .millisecondsPerMinute).rules == ["calls"])
        #expect(bench.use("calls", 85, "acct-4", at: Self.day + 90 * .millisecondsPerMinute).rules == ["calls"])
        #expect(bench.use("calls", 85, "acct-5", at: Self.day + 100 * .millisecondsPerMinute).reasons == [.fuse])
    }

    @Test
    func thePartitionHasItsShare() {
        let bench = Bench(partitionCount: 4) { $0.policy.fuse = Policy.Fuse(accounts: 5, share: nil) }
        #expect(bench.use("calls", 85, "acct-1", at: Self.day).rules == ["calls"])
        #expect(bench.use("calls", 85, "acct-2", at: Self.day).rules == ["calls"])
        // 5 of 4 partitions: two each.
        #expect(bench.use("calls", 85, "acct-3", at: Self.day).reasons == [.fuse])
    }

    @Test
    func aShareOfTheAccountsBlowsItToo() {
        let bench = Bench { $0.policy.fuse = Policy.Fuse(accounts: 1000, share: 1000) }
        for number in 0..<30 { bench.use("hits", 1, "acct-\(number)", at: Self.day) }
        var sent = 0
        for number in 0..<30 { sent += bench.use("calls", 85, "acct-\(number)", at: Self.day).triggers.count }
        #expect(sent == 3)
        // A tenth of two accounts is still one of them.
        let small = Bench { $0.policy.fuse = Policy.Fuse(accounts: nil, share: 1000) }
        small.use("hits", 1, "beta", at: Self.day)
        #expect(small.use("calls", 85, at: Self.day).rules == ["calls"])
    }

    /// Against the set of accounts that were reached in the 60 minutes up to now.
    @Test
    func theFuseCountsDistinctAccounts() {
        var dice = SplitMix(state: 5)
        for _ in 0..<50 {
            var window = FuseWindow(rule: "calls")
            var last: [Int: Int64] = [:]
            var now: Int64 = 1_767_000_000_000
            for _ in 0..<200 {
                now += .random(in: 0...400_000, using: &dice)
                let account = Int.random(in: 0..<20, using: &dice)
                window.count(from: last[account], at: now)
                last[account] = now
                let distinct = last.values.filter { $0 / 60_000 > now / 60_000 - 60 }.count
                #expect(window.accounts(at: now) == distinct)
                #expect(window.buckets.count <= 60)
            }
        }
    }

    @Test
    func rulesThatLeaveTheCatalogueLeaveTheSafetyToo() {
        let bench = Bench { $0.policy.fuse = Policy.Fuse(accounts: 10, share: nil) }
        bench.control(.pause, "calls")
        bench.use("hits", 85, at: Self.day)
        #expect(bench.engine.safety.fuses.count == 1)
        bench.reload { $0.rules.removeFirst(2) }
        #expect(bench.engine.safety.overrides.isEmpty && bench.engine.safety.fuses.isEmpty)
    }
}
