import UpsellModel

/// Triggers with every member that their signal may have, beside the least that each may be; the fixtures under
/// `Tests/Fixtures/wire` are made of them.
enum SampleTriggers {
    struct Sample {
        var trigger: Trigger
        var message: Message?
    }

    static func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_795_410_000_000 + seconds * 1_000) }

    static func id(_ number: UInt64) -> TriggerID {
        TriggerID(high: 0x1122_3344_5566_7788 &* (number | 1), low: 0x99aa_bbcc_ddee_ff00 &+ number)
    }

    /// One of every kind with all that it may carry, in the order of the kinds.
    static var full: [Sample] { Trigger.SignalKind.allCases.map(full) }

    static func full(_ kind: Trigger.SignalKind) -> Sample {
        var trigger = plain(kind)
        trigger.rearmed = Trigger.Rearming.allCases[Int(kind.rawValue) % 3]
        trigger.segments = ["retail", "large \"key\" accounts"]
        trigger.consequence = "Uploads stop at the limit."
        trigger.coordinates = InputCoordinates(input: InputID(Int(kind.rawValue) % 3), offset: 42)
        if trigger.usage != nil { trigger.usage?.dimension = Trigger.Dimension(name: "region", value: "eu–1") }
        trigger.remedy = remedy(kind)
        trigger.offer = offer(kind)
        trigger.channels = ["in_app", "email", "csm"]
        trigger.recipient = Recipient.allCases[Int(kind.rawValue) % 4]
        trigger.notBefore = at(3_600)
        trigger.expires = at(14 * 86_400)
        trigger.campaign = id(1_000)
        trigger.step = "second reminder"
        trigger.arm = .treated
        trigger.locale = "nl-NL"
        trigger.timeZone = "Europe/Amsterdam"
        trigger.currency = "EUR"
        trigger.owner = "never published"
        trigger.attributes = [
            Profile.Attribute(name: "industry", json: "\"retail\"", texts: ["retail"]),
            Profile.Attribute(name: "size", json: "{\"seats\":40,\"sites\":[1,2]}"),
        ]
        let message = Message(
            key: kind.name, locale: "nl", title: "Bijna vol: 90 % \"gebruikt\"", body: "Nog 10 GB.\nDaarna stopt het.",
            callToAction: "Upgrade naar Pro", talkingPoints: ["Groeit 12 % per week.", "Gebruikt rapporten dagelijks."])
        return Sample(trigger: trigger, message: message)
    }

    /// One of every kind with nothing but what it must have.
    static var least: [Sample] { Trigger.SignalKind.allCases.map { Sample(trigger: plain($0), message: nil) } }

    /// Other shapes: a service notice, tests without facts, other remedies, an unlimited meter.
    static var variants: [Sample] {
        var service = full(.limit)
        service.trigger.id = id(200)
        service.trigger.kind = .service
        service.trigger.offer = nil
        service.trigger.arm = nil
        service.trigger.cause = .released
        service.message?.callToAction = nil
        service.message?.talkingPoints = []

        let tests = Trigger.SignalKind.allCases.map { kind in
            var trigger = Trigger(
                id: id(300 + UInt64(kind.rawValue)), account: "acct-test", rule: "try \(kind.name)", ruleVersion: 1,
                signal: kind, cause: .test, episode: at(0), eventTime: at(0), plan: "basic", status: .active)
            trigger.isTest = true
            trigger.channels = ["in_app"]
            return Sample(trigger: trigger, message: nil)
        }

        let none = Remedy.Reason.allCases.enumerated().map { place, reason in
            var sample = full(.limit)
            sample.trigger.id = id(400 + UInt64(place))
            var remedy = Remedy(.none, reason: reason)
            if reason == .fromPrice || reason == .contactPrice {
                remedy.target = "enterprise"
                remedy.title = "Enterprise"
                remedy.limits = [
                    Remedy.LimitGain(meter: "storage", unit: "GB", scale: 2, from: .of(10_000), to: .unlimited)
                ]
            }
            sample.trigger.remedy = remedy
            sample.trigger.offer = nil
            sample.trigger.channels = ["csm"]
            return sample
        }

        var unlimited = full(.limit)
        unlimited.trigger.id = id(500)
        unlimited.trigger.usage?.limit = .unlimited
        unlimited.trigger.usage?.thresholdUnit = .absolute
        unlimited.trigger.usage?.crossed = [5_000]
        unlimited.trigger.usage?.period = nil
        var left = full(.limit)
        left.trigger.id = id(501)
        left.trigger.usage?.thresholdUnit = .remaining
        left.trigger.usage?.crossed = [2_000, 1_000]
        return [service, unlimited, left] + tests + none
    }

    /// One for each reason, over all kinds of signal; temporary ones with the instant of their lapse.
    static var held: [(held: HeldTrigger, message: Message?)] {
        HoldReason.allCases.enumerated().map { place, reason in
            let kinds = Trigger.SignalKind.allCases
            var sample = place.isMultiple(of: 2) ? full[place % kinds.count] : least[place % kinds.count]
            sample.trigger.arm = reason == .holdout ? .holdout : nil
            // Only a ghost is held when all is decided, also until when it would have been open.
            sample.trigger.expires = reason == .holdout ? at(14 * 86_400) : nil
            let lapses = reason.isTemporary && reason != .audience
            return (
                HeldTrigger(trigger: sample.trigger, reason: reason, until: lapses ? at(86_400) : nil), sample.message
            )
        }
    }

    /// One of each kind.
    static var outcomes: [Outcome] {
        OutcomeKind.allCases.enumerated().map { place, kind in
            let signals = Trigger.SignalKind.allCases
            var outcome = Outcome(
                trigger: id(UInt64(place)), account: "acct-1", rule: "storage", signal: signals[place % signals.count],
                kind: kind, time: at(60), emitted: at(0))
            switch kind {
            case .converted, .reverted:
                outcome.fromPlan = kind == .converted ? "basic" : "pro"
                outcome.toPlan = kind == .converted ? "pro" : "basic"
                outcome.amount = kind == .converted ? 7_000 : -7_000
                outcome.currency = "USD"
                outcome.campaign = id(1_000)
                outcome.step = "second reminder"
            case .expired, .superseded, .withdrawn, .resolved: break
            default:
                outcome.feedback = "fb-\(place) / \"quoted\""
                outcome.recipient = "user-7"
                outcome.channel = "in_app"
                outcome.reason = kind == .answered ? "too_expensive" : nil
                outcome.until = kind == .snoozed || kind == .notNow ? at(86_400) : nil
            }
            return outcome
        }
    }

    // MARK: Parts

    private static func plain(_ kind: Trigger.SignalKind) -> Trigger {
        let causes: [Trigger.SignalKind: Trigger.Cause] = [
            .limit: .usage, .pace: .timer, .gate: .profileArrived, .adoption: .ruleChanged, .trial: .timer,
            .event: .outcome, .growth: .windowMoved, .sustained: .limitChanged, .absence: .released, .digest: .timer,
            .combination: .step,
        ]
        var trigger = Trigger(
            id: id(UInt64(kind.rawValue)), account: "acct-\(kind.rawValue)", rule: "rule of \(kind.name)",
            ruleVersion: 7, signal: kind, cause: causes[kind] ?? .usage, usage: usage(kind), episode: at(-86_400),
            eventTime: at(Int64(kind.rawValue)), plan: "basic",
            status: Profile.Status.allCases[Int(kind.rawValue) % Profile.Status.allCases.count])
        if kind == .pace {
            trigger.projection = Trigger.Projection(
                method: PaceSignal.method, ratePerDay: 1_234, projected: 12_345, exhaustion: at(5 * 86_400))
        }
        trigger.activity = activity(kind)
        return trigger
    }

    private static func usage(_ kind: Trigger.SignalKind) -> Trigger.Usage? {
        let period = Trigger.Span(start: at(-86_400), end: at(29 * 86_400))
        switch kind {
        case .limit:
            return Trigger.Usage(
                meter: "storage", unit: "GB", scale: 2, previous: 7_999, current: 9_001, limit: .of(10_000),
                thresholdUnit: .percent, crossed: [8_000, 9_000], period: period, limitVersion: 3)
        case .pace, .growth:
            return Trigger.Usage(
                meter: "storage", unit: "GB", scale: 2, previous: 4_000, current: 6_001, limit: .of(10_000),
                period: period, limitVersion: 3)
        case .sustained:
            return Trigger.Usage(
                meter: "users", unit: "users", scale: 0, previous: 24, current: 24, limit: .of(25),
                thresholdUnit: .percent, crossed: [9_000], limitVersion: 3)
        case .gate:
            return Trigger.Usage(
                meter: "boards", unit: "boards", scale: 0, previous: 0, current: 3, limit: .of(0), limitVersion: 3)
        case .adoption, .trial, .event, .absence, .digest, .combination: return nil
        }
    }

    private static func activity(_ kind: Trigger.SignalKind) -> Trigger.Activity? {
        var activity = Trigger.Activity()
        let window = Trigger.Span(start: at(-7 * 86_400), end: at(0))
        let used = [
            Trigger.FeatureUse(feature: "reports", uses: 31, days: 6), Trigger.FeatureUse(feature: "exports", uses: 2),
        ]
        switch kind {
        case .limit, .pace: return nil
        case .gate:
            activity.window = window
            activity.source = "denied"
            activity.feature = "sso"
            activity.attempts = 3
        case .adoption:
            activity.window = window
            activity.source = "feature-used"
            activity.used = used
        case .trial:
            activity.trialEnd = at(3 * 86_400)
            activity.daysLeft = 3
            activity.used = used
            activity.unused = ["audit log"]
        case .event:
            activity.source = "lifecycle"
            activity.event = "downgrade-77"
            activity.used = used
            activity.unused = ["audit log"]
        case .growth: activity.window = window
        case .sustained: activity.since = at(-3 * 86_400)
        case .absence:
            activity.source = "feature-used"
            activity.feature = "reports"
            activity.since = at(-30 * 86_400)
        case .digest:
            activity.window = window
            activity.source = "feature-used"
            activity.used = used
            activity.unused = ["audit log", "sso"]
            activity.merged = [Trigger.Merged(trigger: id(77), rule: "users-limit")]
        case .combination:
            activity.window = window
            activity.parts = [
                Trigger.Part(name: "met the gate", signal: .gate, time: at(-3_600)),
                Trigger.Part(name: "grows", signal: .growth, time: at(0)),
            ]
            activity.score = 5
        }
        return activity
    }

    private static func remedy(_ kind: Trigger.SignalKind) -> Remedy {
        switch kind {
        case .pace:
            var remedy = Remedy(.addOn)
            remedy.target = "storage-100"
            remedy.title = "100 GB more"
            remedy.quantity = 2
            remedy.further = [Remedy.Item(addOn: "seats-5", title: "Five seats", quantity: 1)]
            remedy.currency = "EUR"
            remedy.interval = .month
            remedy.price = 2_500
            remedy.difference = 2_500
            remedy.limits = [
                Remedy.LimitGain(meter: "storage", unit: "GB", scale: 2, from: .of(10_000), to: .of(30_000)),
                Remedy.LimitGain(meter: "users", unit: "users", scale: 0, from: .of(5), to: .of(10)),
            ]
            return remedy
        case .growth:
            var remedy = Remedy(.overage)
            remedy.target = "basic"
            remedy.title = "Basic"
            remedy.currency = "JPY"
            remedy.interval = .month
            remedy.price = 1_200
            remedy.difference = 1_200
            remedy.value = Remedy.ValueFigure(
                meter: "storage", unit: "GB", scale: 2, usage: 12_345, percentOfNewLimit: nil, avoided: nil)
            return remedy
        case .sustained:
            var remedy = Remedy(.plan)
            remedy.target = "pro"
            remedy.title = "Pro"
            remedy.priceReason = .noPriceInCurrency
            return remedy
        default:
            var remedy = Remedy(.plan)
            remedy.target = "pro"
            remedy.title = "Pro"
            remedy.currency = "EUR"
            remedy.interval = .year
            remedy.price = 99_000
            remedy.difference = 70_000
            remedy.limits = [
                Remedy.LimitGain(meter: "storage", unit: "GB", scale: 2, from: .of(10_000), to: .of(100_050)),
                Remedy.LimitGain(meter: "boards", unit: "boards", scale: 0, from: .of(3), to: .unlimited),
            ]
            remedy.features = [
                Remedy.FeatureGain(name: "reporting", from: "basic", to: "advanced"),
                Remedy.FeatureGain(name: "sso", from: nil, to: "included"),
            ]
            remedy.benefits = ["Priority support"]
            remedy.value = Remedy.ValueFigure(
                meter: "storage", unit: "GB", scale: 2, usage: 12_345, percentOfNewLimit: 1_233, avoided: 4_200)
            return remedy
        }
    }

    private static func offer(_ kind: Trigger.SignalKind) -> Trigger.PresentedOffer {
        let offers = Offer.Kind.allCases
        let chosen = offers[Int(kind.rawValue) % offers.count]
        let value: Int64? =
            switch chosen {
            case .discount: 1_250
            case .trial: 14
            default: nil
            }
        return Trigger.PresentedOffer(
            kind: chosen, value: value, expires: at(7 * 86_400), link: "https://example.com/upgrade?account=acct%201",
            resources: ["https://example.com/case-study"])
    }
}
