internal import UpsellModel

/// What a remedy depends on, taken from an account and the trigger that asks for it. Limits and uses by meter, in the
/// meter's integers.
struct RemedySituation {
    /// Name of the plan that the account has, a trial apart; nil: none is known.
    var plan: String?
    /// A plan that is already decided on and not in effect yet.
    var pendingPlan: String?
    /// The plan that is tried, or was.
    var trialPlan: String?
    /// Nothing is paid for the plan yet.
    var isTrialing = false
    /// Add-ons that raise limits now.
    var holdings: [Profile.Holding] = []
    /// Limits of the account's own; they win over plan and add-ons, under any plan. nil where it has none.
    var overrides: [Limit?]
    /// Effective limits now, those of a trial that runs.
    var limits: [Limit]
    var used: [Int64]
    /// Where use is heading within the period, at least `used`.
    var projected: [Int64]
    var currency: String?
    /// Prices are compared for a whole one of these.
    var interval = Price.Interval.month
    /// Minor units of `currency` a month.
    var mrr: Int64?
    /// What the trigger is about.
    var focus = Focus.nothing

    enum Focus: Equatable {
        /// Its limit is (being) reached: it counts as reached even where no projection says so.
        case limit(meter: Int)
        /// More of it is wanted, and no limit is in sight.
        case growth(meter: Int)
        case feature(String)
        /// The trial's plan is to be bought.
        case trial
        case nothing
    }
}

extension PartitionEngine {
    /// What would lift the account over its limits, or why nothing is offered; see `RemedyFinder`.
    func remedy(for account: Int, trigger: Trigger) -> Remedy {
        let finder = RemedyFinder(catalogue: program.catalogue, situation: situation(of: account, trigger))
        return finder.find()
    }

    /// The limit that is paid for: what a trial lends does not count as what the account has.
    private func paidLimit(_ own: Terms?, _ meter: Int) -> Limit {
        var paid = own
        paid?.facts.trial = nil
        return program.limit(of: paid, meter: meter, at: own?.limitsAt ?? 0)
    }

    private func situation(of account: Int, _ trigger: Trigger) -> RemedySituation {
        let own = terms(of: account)
        let meters = program.catalogue.meters
        var situation = RemedySituation(
            plan: paidPlanName(of: account),
            overrides: meters.indices.map { meter in own.flatMap { program.override($0, meter) } },
            limits: meters.indices.map { paidLimit(own, $0) }, used: meters.indices.map { used(account, $0) },
            projected: [])
        situation.projected = situation.used
        // The trigger's own counter may be one of a dimension; what it says of the future counts for its meter.
        let usageMeter = trigger.usage.flatMap { usage in meters.firstIndex { $0.name == usage.meter } }
        if let usageMeter, let projection = trigger.projection {
            situation.projected[usageMeter] = max(situation.projected[usageMeter], projection.projected)
        }
        situation.focus = focus(of: trigger, usageMeter: usageMeter)
        guard let own else { return situation }
        situation.holdings = own.addOns.filter { $0.isHeld(at: own.limitsAt) }
        if own.effectiveAt.map({ $0.milliseconds > own.limitsAt }) ?? true { situation.pendingPlan = own.pendingPlan }
        situation.trialPlan = own.facts.trial?.plan
        situation.isTrialing = own.status(at: clock.milliseconds) == .trialing
        situation.currency = own.facts.currency
        situation.interval = own.facts.interval ?? .month
        situation.mrr = own.facts.mrr
        return situation
    }

    private func focus(of trigger: Trigger, usageMeter: Int?) -> RemedySituation.Focus {
        let source = trigger.activity?.source.flatMap { name in
            program.catalogue.meters.firstIndex { $0.name == name }
        }
        switch trigger.signal {
        case .limit, .pace, .sustained: return usageMeter.map { .limit(meter: $0) } ?? .nothing
        case .growth: return usageMeter.map { .growth(meter: $0) } ?? .nothing
        case .gate:
            if let meter = usageMeter ?? source { return .limit(meter: meter) }
            return trigger.activity?.feature.map { .feature($0) } ?? .nothing
        case .trial: return .trial
        case .adoption, .event, .absence, .digest, .combination:
            if let feature = trigger.activity?.feature { return .feature(feature) }
            return (usageMeter ?? source).map { .growth(meter: $0) } ?? .nothing
        }
    }
}
