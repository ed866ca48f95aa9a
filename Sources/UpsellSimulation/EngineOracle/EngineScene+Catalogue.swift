internal import UpsellModel

extension EngineScene {
    static func planName(_ plan: Int) -> String { "plan-\(plan)" }
    static let packName = "pack"
    static let currency = "EUR"

    /// The catalogue that says the same.
    var catalogue: Catalogue {
        func price(_ amount: Int64) -> Price {
            Price(currency: Self.currency, interval: .month, kind: .exact, amount: amount)
        }
        var plans = limits.enumerated().map { index, limits in
            Plan(
                name: Self.planName(index), limits: limits.map { Plan.PlanLimit($0.map { .of($0) } ?? .unlimited) },
                prices: [price(Int64(index) * 1_000)])
        }
        plans.append(
            Plan(name: "apex", limits: meters.map { _ in .unlimited }, prices: [price(1_000_000)]))
        var policy = Policy()
        policy.unknownAccounts = hasDefaultPlan ? .defaultPlan(PlanID(0)) : .ignore
        policy.grace = grace
        policy.goLive = goLive.map(Timestamp.init(milliseconds:))
        policy.dedupCapacity = 4_096
        policy.tickMargin = EngineOracle.margin
        policy.upgradePause = qualification.upgradePause
        policy.caps = qualification.caps.map { cap in
            let scope: Policy.Cap.Scope =
                switch cap.scope {
                case .account: .account
                case .recipient: .recipient
                case .channel: .channel
                }
            return Policy.Cap(per: scope, count: cap.count, window: cap.window)
        }
        policy.arbitrationWindow = qualification.competes ? 0 : nil
        policy.arbitrationRetry = qualification.retry
        policy.quietHours = qualification.quiet.map {
            Policy.QuietHours(from: Int($0.from), to: Int($0.to), weekends: $0.weekends)
        }
        policy.holdout = qualification.holdout.map { Policy.Holdout(share: $0) }
        return Catalogue(
            meters: meters.enumerated().map { Self.meter($0.offset, $0.element) }, plans: plans,
            addOns: [AddOn(name: Self.packName, adds: pack, prices: [price(500_000)])], rules: rules.map(Self.rule),
            policy: policy)
    }

    private static func meter(_ index: Int, _ shape: MeterShape) -> Meter {
        let aggregation: Meter.Aggregation =
            switch shape.aggregation {
            case .sum: .sum
            case .count: .count
            case .latest: .latest
            case .max: .max
            }
        let window: Meter.Window =
            switch shape.window {
            case .day: .period(Meter.Reset(.day))
            case .week: .period(Meter.Reset(.week))
            case .month: .period(Meter.Reset(.month))
            case .anniversary: .period(Meter.Reset(.month, .anniversary))
            case .lifetime: .lifetime
            case .gauge: .gauge
            case .rolling(let days): .rolling(days: Int(days))
            }
        return Meter(name: "meter-\(index)", eventTypes: ["used.\(index)"], aggregation: aggregation, window: window)
    }

    private static func rule(_ shape: RuleShape) -> Rule {
        let unit: ThresholdUnit =
            switch shape.unit {
            case .percent: .percent
            case .absolute: .absolute
            case .remaining: .remaining
            }
        let variants = shape.variants.map { variant in
            LimitSignal.Variant(
                condition: .text(.plan, anyOf: variant.plans.map(planName)), thresholds: variant.thresholds)
        }
        var rule = Rule(
            name: shape.name,
            signal: .limit(
                LimitSignal(
                    meter: MeterID(shape.meter), unit: unit, thresholds: shape.thresholds, band: shape.band,
                    variants: variants, base: shape.base)),
            onChange: shape.evaluates ? .evaluate : .silent, goLive: shape.goLive.map(Timestamp.init(milliseconds:)),
            summary: "words \(shape.words)", message: "words \(shape.words)")
        rule.audience = shape.audience.map { .text(.plan, anyOf: $0.map(planName)) }
        rule.waits = shape.waits
        rule.kind = shape.isService ? .service : .promotional
        rule.mode =
            switch shape.mode {
            case .live: .live
            case .shadow: .shadow
            case .paused: .paused
            }
        rule.priority = shape.priority
        rule.cooldown = shape.cooldown
        rule.channels = shape.channels.map { ChannelRoute($0) }
        rule.recipient =
            switch shape.recipient {
            case .actor: .actor
            case .admin: .admin
            case .billing: .billing
            }
        rule.expiresAfter = shape.expiresAfter
        return rule
    }
}

extension EngineProfile {
    func profile(of account: EngineScene.AccountShape, _ scene: EngineScene) -> Profile {
        var profile = Profile(plan: EngineScene.planName(plan), time: Timestamp(milliseconds: time))
        profile.status =
            switch status {
            case .active: .active
            case .trialing: .trialing
            case .cancelled: .cancelled
            case .cancelling: .cancelling
            case .pastDue: .pastDue
            case .paused: .paused
            }
        profile.currency = EngineScene.currency
        profile.interval = .month
        profile.since = Timestamp(milliseconds: account.anchor)
        if account.offset != 0 {
            profile.timeZone = TimeZoneTable(name: "Test/\(account.offset)", transitions: [], offsets: [account.offset])
        }
        profile.overrides = overrides.enumerated().compactMap { meter, limit in
            limit.map { Profile.Override(meter: "meter-\(meter)", limit: String($0)) }
        }
        if packs > 0 {
            profile.addOns = [
                Profile.Holding(
                    addOn: EngineScene.packName, quantity: packs, until: packsUntil.map(Timestamp.init(milliseconds:)))
            ]
        }
        if let pendingPlan {
            profile.pendingPlan = EngineScene.planName(pendingPlan)
            profile.effectiveAt = Timestamp(milliseconds: effectiveAt)
        }
        profile.optOut = optOut
        return profile
    }
}
