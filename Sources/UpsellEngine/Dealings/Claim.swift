internal import UpsellModel

/// A trigger on its way through the qualification: a signal that came true, one that is judged again, or a step.
struct Claim {
    /// As the signal raised it; what is owed keeps this and not what qualification adds.
    var trigger: Trigger
    /// With facts of the profile, remedy, routes and offer, as far as qualification has come.
    var presented: Trigger
    var account: Int
    /// Position in `Catalogue.rules`.
    var rule: Int
    /// Usage within grace of a period that is over.
    var isClosed = false
    /// The state in which it counted before; nil for one that is new.
    var standing: Standing?
    /// It counts as a signal already.
    var isCounted = false
    /// Temporary reasons that were published for it.
    var told: TemporaryReasons = []
    /// It was owed, and what is owed is no longer outside of the rule's audience without being so again.
    var isReleased = false
    /// The winner of a window, which has competed already.
    var hasCompeted = false

    var isStep: Bool { trigger.step != nil }

    /// What a raised signal claims.
    init(_ candidate: Candidate, rule: Int) {
        trigger = candidate.trigger
        presented = candidate.trigger
        account = candidate.account
        self.rule = rule
        isClosed = candidate.isClosed
    }

    init(step trigger: Trigger, account: Int, rule: Int) {
        self.trigger = trigger
        presented = trigger
        self.account = account
        self.rule = rule
    }

    /// What an entry claims when it is judged again.
    ///
    /// - Parameter trigger: its facts of now.
    init(_ entry: OwedTrigger, _ trigger: Trigger, account: Int, rule: Int) {
        self.trigger = trigger
        presented = trigger
        self.account = account
        self.rule = rule
        standing = entry.standing
        isCounted = entry.isCounted
        told = entry.told
        isReleased = true
    }
}
