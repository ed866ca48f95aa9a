internal import UpsellModel

/// What the engine keeps of an account's profile.
struct Terms {
    var plan: String
    var status: Profile.Status
    var bounds: Profile.PeriodBounds?
    var zone: TimeZoneTable?
    var addOns: [Profile.Holding]
    var overrides: [Profile.Override]
    var pendingPlan: String?
    var effectiveAt: Timestamp?
    var time: Timestamp
    /// A plan change starts usage anew, the pending one too.
    var resetUsage: Bool
    /// The earliest timer that is set, so that a profile rewritten a thousand times has one.
    var scheduled = Int64.max
    /// By meter, the clock at which its limit last changed, `.min` for never; empty for an account without any change.
    var limitChanges: [Int64] = []
    /// What conditions, remedies and words ask for; see `Profile`.
    var facts: ProfileFacts
    /// Greatest time that was hashed into a limit version of this account; later ones lie after it.
    var versionTime: Int64
    /// The instant for which the limits hold that the counters were last armed under.
    var limitsAt: Int64

    init(_ profile: Profile, clock: Int64) {
        plan = profile.plan
        status = profile.status
        bounds = profile.period
        if bounds?.anchor == nil, bounds?.start == nil, let since = profile.since ?? profile.firstPurchase {
            bounds = bounds ?? Profile.PeriodBounds()
            bounds?.anchor = since
        }
        zone = profile.timeZone
        addOns = profile.addOns
        overrides = profile.overrides
        pendingPlan = profile.pendingPlan
        effectiveAt = profile.effectiveAt
        time = profile.time
        resetUsage = profile.resetUsage
        facts = ProfileFacts(profile)
        versionTime = profile.time.milliseconds
        limitsAt = clock
    }

    /// The plan whose limits hold at an instant of the partition's clock: while a trial runs, the plan on trial.
    func plan(at instant: Int64) -> String {
        guard let trial = facts.trial, let tried = trial.plan, (trial.start?.milliseconds ?? .min) <= instant,
            instant < trial.end?.milliseconds ?? .max
        else { return paidPlan(at: instant) }
        return tried
    }

    /// The plan the account has, trials apart: what upgrades and resets are about.
    func paidPlan(at instant: Int64) -> String {
        guard let pendingPlan, let effectiveAt, effectiveAt.milliseconds <= instant else { return plan }
        return pendingPlan
    }

    /// The status at an instant: a subscription that ends with its period is cancelling until then, cancelled after.
    func status(at instant: Int64) -> Profile.Status {
        guard facts.cancelAtPeriodEnd, status != .cancelled else { return status }
        guard let end = bounds?.end?.milliseconds, end <= instant else { return .cancelling }
        return .cancelled
    }

    /// The next instant after `instant` at which limits may change by themselves.
    func nextChange(after instant: Int64) -> Int64? {
        var next = Int64.max
        if pendingPlan != nil, let at = effectiveAt?.milliseconds, at > instant { next = at }
        if let trial = facts.trial, trial.plan != nil {
            for bound in [trial.start, trial.end] {
                if let at = bound?.milliseconds, at > instant { next = min(next, at) }
            }
        }
        if facts.cancelAtPeriodEnd, let end = bounds?.end?.milliseconds, end > instant { next = min(next, end) }
        for holding in addOns {
            if let until = holding.until?.milliseconds, until > instant { next = min(next, until) }
        }
        return next == .max ? nil : next
    }
}

/// The part of a profile that no counter depends on.
struct ProfileFacts: Equatable {
    var mrr: Int64?
    var currency: String?
    var interval: Price.Interval?
    var since: Timestamp?
    var firstPurchase: Timestamp?
    var locale: String?
    var trial: Profile.Trial?
    var cancelAtPeriodEnd = false
    var parent: String?
    var owner: String?
    var optOut: [String] = []
    var attributes: [Profile.Attribute] = []
    var shareable: [String] = []

    init() {}

    init(_ profile: Profile) {
        mrr = profile.mrr
        currency = profile.currency
        interval = profile.interval
        since = profile.since
        firstPurchase = profile.firstPurchase
        locale = profile.locale
        trial = profile.trial
        cancelAtPeriodEnd = profile.cancelAtPeriodEnd
        parent = profile.parent
        owner = profile.owner
        optOut = profile.optOut
        attributes = profile.attributes
        shareable = profile.shareable
    }
}
