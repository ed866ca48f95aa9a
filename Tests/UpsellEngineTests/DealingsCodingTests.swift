import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Dealings, triggers and rule safety as bytes.
struct DealingsCodingTests {
    static let clock = ScenarioTime.at("2026-03-01")

    /// A trigger in which every member has a value that nothing has by default.
    static var full: Trigger {
        var usage = Trigger.Usage(
            meter: "calls", unit: "requests", scale: 3, dimension: Trigger.Dimension(name: "part", value: "mail"),
            previous: -5, current: 91_000, limit: .of(100_000), thresholdUnit: .percent, crossed: [8000, 9000],
            period: Trigger.Span(start: clock - 5000, end: clock + 7000), limitVersion: 0xfedc_ba98_7654_3210)
        usage.limit = .of(100_000)
        var trigger = Trigger(
            id: TriggerID(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10), account: "acme", rule: "limits",
            ruleVersion: 0x1111_2222_3333_4444, signal: .pace, cause: .released, usage: usage, episode: clock - 5000,
            eventTime: clock - 9, plan: "free", status: .pastDue, consequence: "It stops.",
            coordinates: InputCoordinates(input: InputID(2), offset: 77), rearmed: .limitChanged)
        trigger.projection = Trigger.Projection(
            method: PaceSignal.method, ratePerDay: 12, projected: 345, exhaustion: clock + 99)
        var activity = Trigger.Activity()
        activity.window = Trigger.Span(start: clock - 50, end: clock - 40)
        activity.since = clock - 60
        activity.source = "exports"
        activity.feature = "pdf"
        activity.attempts = 3
        activity.used = [Trigger.FeatureUse(feature: "a", uses: 4, days: 2)]
        activity.unused = ["b", "c"]
        activity.trialEnd = clock + 1000
        activity.daysLeft = -2
        activity.event = "cancellation"
        activity.parts = [Trigger.Part(name: "first", signal: .gate, time: clock - 1)]
        activity.score = 7
        activity.merged = [Trigger.Merged(trigger: TriggerID(high: 5, low: 6), rule: "other")]
        trigger.activity = activity
        trigger.segments = ["large", "young"]
        trigger.kind = .service
        var remedy = Remedy(.addOn, reason: .fromPrice)
        remedy.target = "pack"
        remedy.title = "Pack"
        remedy.quantity = 2
        remedy.currency = "EUR"
        remedy.interval = .year
        remedy.price = 9900
        remedy.difference = 7000
        remedy.priceReason = .noPriceInCurrency
        remedy.limits = [
            Remedy.LimitGain(meter: "calls", unit: "requests", scale: 3, from: .of(1), to: .unlimited)
        ]
        remedy.features = [
            Remedy.FeatureGain(name: "reports", from: nil, to: "all"),
            Remedy.FeatureGain(name: "help", from: "mail", to: "phone"),
        ]
        remedy.benefits = ["More."]
        remedy.value = Remedy.ValueFigure(
            meter: "calls", unit: "requests", scale: 3, usage: 120, percentOfNewLimit: 6000, avoided: 12)
        trigger.remedy = remedy
        trigger.offer = Trigger.PresentedOffer(
            kind: .annualSwitch, value: 1500, expires: clock + 5, link: "https://x.test", resources: ["case"])
        trigger.channels = ["email", "csm"]
        trigger.recipient = .billing
        trigger.notBefore = clock + 1
        trigger.expires = clock + 2
        trigger.campaign = TriggerID(high: 7, low: 8)
        trigger.step = "remind"
        trigger.arm = .holdout
        trigger.isTest = true
        trigger.locale = "uk-UA"
        trigger.timeZone = "Europe/Kyiv"
        trigger.currency = "UAH"
        trigger.owner = "ann"
        trigger.attributes = [Profile.Attribute(name: "size", json: "[1,2]", texts: ["1", "2"])]
        return trigger
    }

    static var bare: Trigger {
        Trigger(
            id: TriggerID(high: 0, low: 1), account: "a", rule: "r", ruleVersion: 0, signal: .digest, cause: .timer,
            episode: Timestamp(milliseconds: 0), eventTime: clock, plan: "", status: .active)
    }

    /// Dealings in which nothing is empty.
    static var dealings: Dealings {
        var dealings = Dealings()
        var ghost = bare
        ghost.arm = .holdout
        dealings.open = [
            OpenTrigger(
                trigger: full, emitted: clock.milliseconds - 4,
                progress: Progress(delivered: clock.milliseconds - 3, seen: clock.milliseconds - 2, isClicked: true),
                tellsResolved: true),
            OpenTrigger(trigger: bare, emitted: clock.milliseconds),
        ]
        dealings.owed = [
            OwedTrigger(
                trigger: full, reason: .capped, until: clock.milliseconds + 50,
                told: [.of(.capped), .of(.quietHours)], isCounted: true),
            OwedTrigger(trigger: bare, reason: .audience, until: .max, told: .of(.audience), isCounted: false),
            OwedTrigger(trigger: bare, reason: nil, until: clock.milliseconds + 9, told: [], isCounted: true),
        ]
        var converted = ClosedTrigger(full, emitted: clock.milliseconds - 99, Progress(), .converted)
        converted.conversion = Conversion(
            time: clock.milliseconds - 5, fromPlan: "free", toPlan: "pro", addOn: "pack", quantityBefore: 1,
            mrrBefore: 100, amount: -7, currency: "EUR")
        dealings.closed = [converted, ClosedTrigger(ghost, emitted: clock.milliseconds - 1, Progress(), .ghost)]
        dealings.campaigns = [
            Campaign(
                id: full.id, rule: "limits",
                pending: [Campaign.PendingStep(name: "remind", time: clock.milliseconds + 60)], ghost: ghost)
        ]
        dealings.reached = [RuleInstant(rule: "limits", time: clock.milliseconds - 3)]
        dealings.sent = [SentMark(time: clock.milliseconds - 2, recipient: .csm, channels: ["email"])]
        dealings.dismissals = [Dismissal(rule: "limits", recipient: .actor, episode: clock - 7)]
        dealings.snoozes = [RuleInstant(rule: "limits", time: clock.milliseconds + 8)]
        dealings.merged = [Trigger.Merged(trigger: TriggerID(high: 9, low: 9), rule: "hits")]
        dealings.declinedUntil = .max
        dealings.notNowUntil = clock.milliseconds + 4
        dealings.upgradedAt = clock.milliseconds - 6
        dealings.competitionEnd = clock.milliseconds + 9
        return dealings
    }

    static func bytes(_ body: (inout StateWriter) -> Void) -> [UInt8] {
        var out = StateWriter(BinaryWriter(), clock: clock)
        body(&out)
        return out.writer.bytes
    }

    static func reader(_ bytes: [UInt8]) -> StateReader { StateReader(BinaryReader(bytes), clock: clock) }

    /// Every member differs from that of a bare trigger, so that none can be forgotten and none is written twice.
    @Test
    func everyMemberOfATriggerComesBack() throws {
        let full = Self.full
        let members = Mirror(reflecting: full).children.map { ($0.label ?? "", String(describing: $0.value)) }
        let defaults = Mirror(reflecting: Self.bare).children.map { String(describing: $0.value) }
        #expect(members.count == 33)
        for (member, other) in zip(members, defaults) { #expect(member.1 != other, "\(member.0) is as by default") }
        for nested in [full.usage as Any, full.projection as Any, full.activity as Any, full.remedy as Any] {
            for child in Mirror(reflecting: nested).children { #expect("\(child.value)" != "nil") }
        }
        for trigger in [full, Self.bare] {
            let bytes = Self.bytes { $0.put(trigger) }
            var input = Self.reader(bytes)
            #expect(try input.trigger() == trigger)
            #expect(input.reader.isAtEnd)
        }
    }

    @Test
    func dealingsComeBack() throws {
        let bytes = Self.bytes { Self.dealings.write(into: &$0) }
        var input = Self.reader(bytes)
        let read = try Dealings(from: &input, Program(DealingsBench.catalogue()))
        #expect(input.reader.isAtEnd)
        #expect(Self.bytes { read.write(into: &$0) } == bytes)
        #expect(read.owed.map(\.reason) == [.capped, .audience, nil])
        #expect(read.closed[0].conversion == Self.dealings.closed[0].conversion)
        #expect(read.declinedUntil == .max && read.competitionEnd == Self.clock.milliseconds + 9)
        #expect(!read.isEmpty && read.due == Self.dealings.due)
        for child in Mirror(reflecting: read).children where child.value is [Any] {
            #expect((child.value as? [Any])?.isEmpty == false, "\(child.label ?? "") is empty")
        }
        #expect(Self.bytes { Dealings().write(into: &$0) } == [0])
    }

    /// Bytes of the format's first version; a change that moves them is another one.
    @Test
    func bytesAreThoseOfTheFirstVersion() {
        func hex(_ bytes: [UInt8]) -> String { bytes.map(StateGoldenTests.hex).joined() }
        let trigger = hex(Self.bytes { $0.put(Self.full) })
        #expect(trigger == GoldenDealings.trigger, "\(trigger)")
        let dealings = hex(Self.bytes { Self.dealings.write(into: &$0) })
        #expect(dealings == GoldenDealings.dealings, "\(dealings)")
        let safety = hex(Self.bytes { Self.safety.write(into: &$0) })
        #expect(safety == GoldenDealings.safety, "\(safety)")
    }

    static var safety: RuleSafety {
        var safety = RuleSafety()
        safety.set(.paused, of: "calls", by: "ann", at: clock.milliseconds - 5)
        safety.set(.fused, of: "hits", by: "", at: clock.milliseconds)
        safety.count("hits", from: nil, at: clock.milliseconds - 120_000)
        safety.count("hits", from: nil, at: clock.milliseconds)
        safety.count("hits", from: nil, at: clock.milliseconds)
        safety.nextControl = 42
        return safety
    }

    @Test
    func ruleSafetyComesBack() throws {
        let bytes = Self.bytes { Self.safety.write(into: &$0) }
        var input = Self.reader(bytes)
        let read = try RuleSafety(from: &input, Program(DealingsBench.catalogue()))
        #expect(input.reader.isAtEnd)
        #expect(read.overrides == Self.safety.overrides && read.fuses == Self.safety.fuses && read.nextControl == 42)
        #expect(read.fuses[0].buckets.map(\.count) == [1, 2])
    }

    @Test
    func foreignBytesAreErrorsAndNeverTrap() {
        let program = Program(DealingsBench.catalogue())
        let dealings = Self.bytes { Self.dealings.write(into: &$0) }
        let safety = Self.bytes { Self.safety.write(into: &$0) }
        func reads(_ bytes: [UInt8], safety isSafety: Bool) -> Bool {
            var input = Self.reader(bytes)
            if isSafety { return (try? RuleSafety(from: &input, program)) != nil && input.reader.isAtEnd }
            guard let read = try? Dealings(from: &input, program), input.reader.isAtEnd else { return false }
            // What is accepted can be asked and written.
            _ = read.due
            _ = read.isAlert
            return !Self.bytes { read.write(into: &$0) }.isEmpty
        }
        for (whole, isSafety) in [(dealings, false), (safety, true)] {
            #expect(reads(whole, safety: isSafety))
            for length in 0..<whole.count { #expect(!reads(Array(whole[..<length]), safety: isSafety)) }
            var dice = SplitMix(state: 99)
            var outcomes = (refused: 0, accepted: 0)
            for _ in 0..<4000 {
                var bytes = whole
                StateFuzzTests.mutate(&bytes, &dice)
                if reads(bytes, safety: isSafety) { outcomes.accepted += 1 } else { outcomes.refused += 1 }
            }
            #expect(outcomes.refused > 100 && outcomes.accepted > 10, "\(outcomes)")
        }
    }
}
