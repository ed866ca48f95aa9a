import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Caps, arbitration, quiet hours, and what is judged again when they let go.
struct DealingsTimingTests {
    private typealias Bench = DealingsBench
    private static let day = Bench.day
    private static let hour = Bench.hour

    // MARK: Caps

    @Test
    func capsSlideWithTheClock() {
        let bench = Bench { $0.policy.caps = [Policy.Cap(per: .account, count: 2, window: 10 * Self.hour)] }
        bench.use("calls", 85, at: Self.day)
        bench.use("hits", 85, at: Self.day + 4 * Self.hour)
        let third = bench.use("seats", 85, at: Self.day + 5 * Self.hour)
        #expect(third.reasons == [.capped] && third.held[0].until == Self.day + 10 * Self.hour)
        let fourth = bench.use("disk", 85, at: Self.day + 6 * Self.hour)
        #expect(fourth.held.map(\.until) == [Self.day + 10 * Self.hour])
        #expect(bench.tick(to: Self.day + 10 * Self.hour - 1).triggers.isEmpty)
        // The oldest has left: one more, and the next place comes with the second oldest.
        #expect(bench.tick(to: Self.day + 10 * Self.hour).rules == ["seats"])
        #expect(bench.tick(to: Self.day + 14 * Self.hour - 1).triggers.isEmpty)
        #expect(bench.tick(to: Self.day + 14 * Self.hour).rules == ["disk"])
    }

    @Test
    func capsCountByRecipientAndLeaveServiceNoticesAlone() {
        let bench = Bench { catalogue in
            catalogue.policy.caps = [Policy.Cap(per: .recipient, count: 1, window: 10 * Self.hour)]
            catalogue.rules[1].recipient = .billing
            catalogue.rules[2].kind = .service
        }
        #expect(bench.use("seats", 85, at: Self.day).rules == ["seats"])
        #expect(bench.use("calls", 85, at: Self.day).rules == ["calls"])
        #expect(bench.use("hits", 85, at: Self.day).rules == ["hits"])
        #expect(bench.use("disk", 85, at: Self.day).reasons == [.capped])
        #expect(bench.use("seats", 10, at: Self.day).rules == ["seats"])
    }

    @Test
    func aCappedChannelIsLeftOutAndTheLastOneHolds() {
        let bench = Bench { catalogue in
            catalogue.policy.caps = [
                Policy.Cap(per: .channel, count: 1, window: 10 * Self.hour),
                Policy.Cap(per: .channel, count: 2, window: 30 * Self.hour),
            ]
            catalogue.rules[0].channels = [ChannelRoute("email")]
            catalogue.rules[1].channels = [ChannelRoute("email"), ChannelRoute("push")]
            catalogue.rules[2].channels = [ChannelRoute("push"), ChannelRoute("email")]
        }
        #expect(bench.use("calls", 85, at: Self.day).triggers.map(\.channels) == [["email"]])
        #expect(bench.use("hits", 85, at: Self.day + Self.hour).triggers.map(\.channels) == [["push"]])
        let held = bench.use("seats", 85, at: Self.day + 2 * Self.hour).held
        #expect(held.map(\.until) == [Self.day + 10 * Self.hour])
        #expect(bench.tick(to: Self.day + 10 * Self.hour).triggers.map(\.channels) == [["email"]])
        // Two e-mails in 30 hours.
        let again = bench.use("calls", 10, at: Self.day + 21 * Self.hour).held
        #expect(again.map(\.until) == [Self.day + 30 * Self.hour])
    }

    @Test
    func marksThatNoCapCanCountAreForgotten() {
        let caps = FrequencyCaps(caps: [
            Policy.Cap(per: .account, count: 2, window: 100), Policy.Cap(per: .channel, count: 1, window: 1000),
        ])
        var sent: [SentMark] = []
        for time in Int64(0)..<200 {
            sent.append(SentMark(time: time, recipient: .admin, channels: [time % 2 == 0 ? "email" : "push"]))
            sent = caps.needed(sent, at: time)
            #expect(sent.count <= 3)
        }
        #expect(sent.map(\.time) == [198, 199])
        #expect(caps.needed(sent, at: 300).map(\.time) == [198, 199])
        #expect(caps.needed(sent, at: 5000).isEmpty)
    }

    /// Against counting all that was ever sent, for random caps and times.
    @Test
    func capsAreThoseOfTheWholeHistory() {
        var dice = SplitMix(state: 11)
        var refused = 0
        for _ in 0..<400 {
            var caps: [Policy.Cap] = []
            for per in Policy.Cap.Scope.allCases where Bool.random(using: &dice) {
                caps.append(
                    Policy.Cap(
                        per: per, count: Int.random(in: 1...3, using: &dice), window: .random(in: 1...60, using: &dice))
                )
            }
            let frequency = FrequencyCaps(caps: caps)
            var all: [SentMark] = []
            var kept: [SentMark] = []
            var now: Int64 = 0
            for _ in 0..<60 {
                now += .random(in: 0...9, using: &dice)
                let recipient = Recipient.allCases[Int.random(in: 0..<2, using: &dice)]
                let channels = [["email"], ["push"], ["email", "push"]][Int.random(in: 0..<3, using: &dice)]
                let answer = frequency.free(of: channels, recipient, kept, at: now)
                let truth = frequency.free(of: channels, recipient, all, at: now)
                #expect(answer == truth)
                if answer.channels.isEmpty {
                    refused += 1
                    // Free at that instant and not before.
                    #expect(!frequency.free(of: channels, recipient, all, at: answer.until).channels.isEmpty)
                    #expect(frequency.free(of: channels, recipient, all, at: answer.until - 1).channels.isEmpty)
                    continue
                }
                let mark = SentMark(time: now, recipient: recipient, channels: answer.channels)
                all.append(mark)
                kept = frequency.needed(kept + [mark], at: now)
            }
        }
        #expect(refused > 1000)
    }

    // MARK: Arbitration

    @Test
    func ofOneRecordTheBestGoesOut() {
        let bench = Bench { catalogue in
            catalogue.policy.arbitrationWindow = 0
            catalogue.policy.arbitrationRetry = 5 * Self.hour
            catalogue.rules[1].priority = 5
            catalogue.rules[2].kind = .service
        }
        let effects = bench.use([("calls", 85), ("hits", 85), ("seats", 85), ("disk", 85)], at: Self.day)
        #expect(effects.rules == ["seats", "hits"])
        #expect(effects.held.map(\.trigger.rule) == ["calls", "disk"])
        #expect(effects.reasons == [.lostArbitration, .lostArbitration])
        #expect(effects.held.allSatisfy { $0.until == Self.day + 5 * Self.hour })
        // Released together they compete again; of equals the first rule wins.
        let released = bench.tick(to: Self.day + 5 * Self.hour)
        #expect(released.rules == ["calls"] && released.triggers[0].cause == .released)
        #expect(released.held.isEmpty)
        #expect(bench.tick(to: Self.day + 10 * Self.hour).rules == ["disk"])
    }

    @Test
    func withoutAWindowNothingCompetes() {
        let bench = Bench()
        #expect(bench.use([("calls", 85), ("disk", 85)], at: Self.day).rules == ["calls", "disk"])
    }

    @Test
    func aWindowGathersRecordsAndTheBestGoesOutAtItsEnd() throws {
        let bench = Bench { catalogue in
            catalogue.policy.arbitrationWindow = 2 * Self.hour
            catalogue.policy.arbitrationRetry = 5 * Self.hour
            catalogue.rules[3].priority = 1
        }
        #expect(bench.use("calls", 85, at: Self.day).isEmpty)
        #expect(bench.engine.statistics.parked == 1)
        #expect(bench.use("disk", 85, at: Self.day + Self.hour).isEmpty)
        // A higher threshold takes the place of the one that competes.
        #expect(bench.use("calls", 10, at: Self.day + Self.hour).reasons == [.superseded])
        try bench.restart()
        #expect(bench.tick(to: Self.day + 2 * Self.hour - 1).isEmpty)
        let end = bench.tick(to: Self.day + 2 * Self.hour)
        #expect(end.rules == ["disk"] && end.triggers[0].cause == .usage)
        #expect(end.reasons == [.lostArbitration] && end.held[0].until == Self.day + 7 * Self.hour)
        #expect(bench.engine.statistics.parked == 0)
        // What is released opens a window of its own.
        #expect(bench.tick(to: Self.day + 9 * Self.hour - 1).isEmpty)
        let last = bench.tick(to: Self.day + 9 * Self.hour)
        #expect(last.triggers.map { $0.usage?.highest } == [9000])
    }

    @Test
    func whatLosesIsMergedIntoADigestWhereThereIsOne() {
        func bench(digest: Bool) -> Bench {
            Bench { catalogue in
                catalogue.policy.arbitrationWindow = 0
                catalogue.rules[1].mergesIntoDigest = true
                if digest {
                    catalogue.rules.append(Rule(name: "weekly", signal: .digest(DigestSignal(every: .week))))
                }
            }
        }
        let merging = bench(digest: true)
        let effects = merging.use([("calls", 85), ("hits", 85)], at: Self.day)
        #expect(effects.reasons == [.merged] && effects.held[0].until == nil)
        #expect(merging.engine.statistics.merged == 1)
        let told = merging.engine.takeMerged(0)
        #expect(told.map(\.rule) == ["hits"] && told.map(\.trigger) == effects.held.map(\.trigger.id))
        #expect(merging.engine.takeMerged(0).isEmpty)
        #expect(bench(digest: false).use([("calls", 85), ("hits", 85)], at: Self.day).reasons == [.lostArbitration])
    }

    @Test
    func aStepDoesNotUseACapTwice() {
        let bench = Bench { catalogue in
            catalogue.policy.arbitrationWindow = 0
            catalogue.policy.caps = [Policy.Cap(per: .account, count: 2, window: 48 * Self.hour)]
            catalogue.rules[0].steps = [RuleStep(name: "later", delay: 24 * Self.hour)]
            catalogue.policy.arbitrationRetry = 24 * Self.hour
        }
        bench.use([("calls", 85), ("hits", 85)], at: Self.day)
        // Step and release fall due together: the cap has room for one.
        let effects = bench.tick(to: Self.day + 24 * Self.hour)
        #expect(effects.triggers.map(\.step) == ["later"])
        #expect(effects.reasons == [.capped])
    }

    // MARK: Quiet hours

    /// Against looking at every minute of the local clock.
    @Test(arguments: [ScenarioTime.berlin, .utc], [(1320, 480), (60, 180), (120, 150), (0, 1440), (600, 600)])
    func quietHoursEndWhenTheLocalClockSaysSo(_ zone: TimeZoneTable, _ times: (Int, Int)) throws {
        for weekends in [false, true] {
            let quiet = Policy.QuietHours(from: times.0, to: times.1, weekends: weekends)
            // Around both changes of the clock, a Sunday each.
            for start in ["2026-03-27", "2026-10-23"].map(ScenarioTime.at) {
                for step in Int64(0)..<500 {
                    let instant = (start + step * 13 * .millisecondsPerMinute).milliseconds + 777
                    let end = quiet.end(around: instant, zone)
                    guard Self.isQuiet(quiet, instant, zone) else {
                        #expect(end == nil)
                        continue
                    }
                    var minute = instant - instant % .millisecondsPerMinute
                    var steps = 0
                    while Self.isQuiet(quiet, minute, zone), steps < 5 * 1440 {
                        minute += .millisecondsPerMinute
                        steps += 1
                    }
                    if times == (0, 1440) { continue }
                    #expect(end == minute, "\(zone.name) \(times) \(weekends) \(instant)")
                }
            }
        }
    }

    /// Weekday and minute of the local clock, counted in another way than the engine's.
    private static func isQuiet(_ quiet: Policy.QuietHours, _ instant: Int64, _ zone: TimeZoneTable) -> Bool {
        let local = instant + zone.offset(at: Timestamp(milliseconds: instant))
        let minutes = local / 60_000
        let weekday = (minutes / 1440 + 4) % 7  // 0 is Sunday
        let minute = Int(minutes % 1440)
        if quiet.weekends, weekday == 0 || weekday == 6 { return true }
        return quiet.from < quiet.to
            ? (quiet.from..<quiet.to).contains(minute)
            : quiet.from > quiet.to && !(quiet.to..<quiet.from).contains(minute)
    }

    @Test
    func whatFallsIntoQuietHoursIsParked() throws {
        let bench = Bench { catalogue in
            catalogue.policy.quietHours = Policy.QuietHours(from: 1320, to: 480)
            catalogue.rules[1].kind = .service
        }
        // Berlin loses the hour from two to three in the night of 29 March 2026.
        let night = ScenarioTime.at("2026-03-28T22:30")
        bench.profile(at: Self.day) { $0.timeZone = ScenarioTime.berlin }
        let effects = bench.use([("calls", 85), ("hits", 85)], at: night)
        #expect(effects.rules == ["hits"] && effects.reasons == [.quietHours])
        let morning = ScenarioTime.at("2026-03-29T06:00")
        #expect(effects.held[0].until == morning)
        #expect(bench.engine.statistics.parked == 1)
        try bench.restart()
        #expect(bench.tick(to: morning - 1).isEmpty)
        #expect(bench.tick(to: morning).triggers.map(\.cause) == [.released])
        #expect(bench.engine.statistics.parked == 0)
    }

    // MARK: Judging again

    @Test
    func aHigherThresholdTakesThePlaceOfTheOneThatIsParked() {
        let bench = Bench { $0.policy.quietHours = Policy.QuietHours(from: 0, to: 1380) }
        bench.use("calls", 85, at: Self.day)
        let effects = bench.use("calls", 10, at: Self.day)
        #expect(
            effects.held.map { "\($0.trigger.usage?.highest ?? 0) \($0.reason)" } == [
                "9000 quietHours", "8000 superseded",
            ])
        #expect(bench.tick(to: Self.day + Bench.fullDay).triggers.map { $0.usage?.highest } == [9000])
    }

    @Test
    func anotherLimitEndsWhatIsOwed() {
        let bench = Bench(Self.cooldown)
        bench.use("calls", 85, at: Self.day)
        bench.use("calls", 10, at: Self.day)
        let effects = bench.profile("pro", at: Self.day)
        #expect(effects.reasons == [.superseded])
        #expect(bench.tick(to: Self.day + 9 * Bench.fullDay).isEmpty)
    }

    @Test
    func anotherLimitByReloadEndsWhatIsOwedToo() {
        let bench = Bench(Self.cooldown)
        bench.use("calls", 85, at: Self.day)
        bench.use("calls", 10, at: Self.day)
        #expect(bench.reload { $0.plans[0].limits[0].limit = .of(1000) }.reasons == [.superseded])
        #expect(bench.tick(to: Self.day + 9 * Bench.fullDay).isEmpty)
    }

    @Test
    func whatARuleOwesIsStaleUnderAnother() {
        let bench = Bench(Self.cooldown)
        bench.use("calls", 85, at: Self.day)
        bench.use("calls", 10, at: Self.day)
        let effects = bench.reload { catalogue in
            guard case .limit(var signal) = catalogue.rules[0].signal else { return }
            signal.thresholds = [8000, 9500]
            signal.base = signal.thresholds
            catalogue.rules[0].signal = .limit(signal)
        }
        #expect(effects.reasons == [.stale])
        #expect(bench.tick(to: Self.day + 9 * Bench.fullDay).isEmpty)
    }

    private static func cooldown(_ catalogue: inout Catalogue) { catalogue.rules[0].cooldown = 2 * Bench.fullDay }

    /// Needs signals to judge again: a seat is given back while the trigger waits for the morning.
    @Test
    func whatIsParkedIsJudgedAgainstTheUsageOfThen() {
        let bench = Bench { $0.policy.quietHours = Policy.QuietHours(from: 0, to: 1380) }
        bench.use("seats", 85, at: Self.day)
        bench.use("seats", -40, at: Self.day + 1)
        #expect(bench.tick(to: Self.day + Bench.fullDay).reasons == [.stale])
    }

    @Test
    func whatWouldBeOverBeforeAnybodySeesItIsHeld() {
        let bench = Bench { catalogue in
            catalogue.rules[0].cooldown = 2 * Bench.fullDay
            catalogue.rules[0].expiresAfter = Bench.fullDay
        }
        bench.use("calls", 85, at: Self.day)
        bench.use("calls", 10, at: Self.day)
        // Nothing arrived for four days: the release of the second would have expired on the third.
        let effects = bench.tick(to: Self.day + 4 * Bench.fullDay)
        #expect(effects.reasons == [.expired] && effects.triggers.isEmpty)
    }

    @Test
    func whatIsOwedHasABound() {
        let bench = Bench { catalogue in
            catalogue.policy.owedMax = 2
            catalogue.policy.quietHours = Policy.QuietHours(from: 0, to: 1380)
            catalogue.rules[0].priority = 3
            catalogue.rules[1].priority = 1
            catalogue.rules[2].priority = 2
        }
        bench.use("calls", 85, at: Self.day)
        bench.use("hits", 85, at: Self.day)
        let effects = bench.use("seats", 85, at: Self.day)
        #expect(effects.held.map { "\($0.trigger.rule) \($0.reason)" } == ["seats quietHours", "hits superseded"])
        #expect(bench.tick(to: Self.day + Bench.fullDay).rules == ["calls", "seats"])
    }

    @Test
    func whatIsOwedGoesWithTheAccount() {
        let bench = Bench { $0.policy.quietHours = Policy.QuietHours(from: 0, to: 1380) }
        bench.use("calls", 85, at: Self.day)
        #expect(bench.remove().isEmpty)
        #expect(bench.engine.statistics.held == 1 && bench.engine.statistics.parked == 0)
        #expect(bench.tick(to: Self.day + 9 * Bench.fullDay).isEmpty)
    }
}
