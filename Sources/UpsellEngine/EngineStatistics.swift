public import UpsellModel

/// What a partition's engine has done and holds; sums since its start unless said otherwise.
///
/// `rows` = `applied` + `waited` + `ignored` + `duplicates` + `lateOnly` + `rejected`, at every moment.
public struct EngineStatistics: Sendable, Equatable {
    /// Rows given to `apply`.
    public var rows = 0
    /// At least one reading changed a counter of its own window.
    public var applied = 0
    /// Put into the waiting room until a profile comes.
    public var waited = 0
    /// Of accounts without profile under `unknownAccounts: ignore`.
    public var ignored = 0
    public var duplicates = 0
    /// After grace: no reading counted.
    public var lateOnly = 0
    public var inFuture = 0
    public var tooOld = 0
    public var overflow = 0
    /// Refused because the waiting room was full.
    public var noProfile = 0
    public var rejected: Int { inFuture + tooOld + overflow + noProfile }

    /// Readings (not rows) that came after grace.
    public var lateReadings = 0
    /// Readings in the waiting room now.
    public var waitingNow = 0
    /// Readings that left it because a profile came.
    public var waitingEvaluated = 0
    /// Readings that left it because time was up.
    public var waitingExpired = 0
    /// Readings that left it because their account was erased or their meter left the catalogue.
    public var waitingDropped = 0
    /// Thresholds spent without a trigger.
    public var silentSpent = 0
    /// Distinct values beyond `Meter.uniqueMax`, not counted.
    public var uniqueOverflow = 0
    /// Readings counted under `Meter.Dimension.other` because the account had `max` values.
    public var dimensionOverflow = 0

    // Signals, each in exactly one state: `signals` = `triggers` + `held` + `ghosts` + `merged` + `parked` + `shadowed`,
    // at every moment. After a restore they begin with what is owed and parked then.

    /// Signals of accounts within the rule's audience, and steps that were due.
    public var signals = 0
    /// Sent.
    public var triggers = 0
    /// Refused for good, or for a time and owed now.
    public var held = 0
    /// Of the holdout: never sent.
    public var ghosts = 0
    /// Told in a digest, or to be told in the next.
    public var merged = 0
    /// Now parked until quiet hours or an arbitration window end.
    public var parked = 0
    /// Refused because the rule is in shadow, by configuration, command or fuse.
    public var shadowed = 0

    /// Signals of accounts that are not in the rule's audience: counted here and nowhere else.
    public var outOfAudience = 0
    /// Now waiting for their audience (`while: true`); no signals yet.
    public var awaitingAudience = 0
    /// Held triggers told, one for each key and reason.
    public var refusals = 0
    public var outcomes = 0
    /// Reports given to `apply(feedback:)`.
    public var feedback = 0
    public var feedbackRepeated = 0
    public var feedbackUnknown = 0
    /// Control records applied.
    public var controls = 0
    /// Of these, about rules that the catalogue does not have.
    public var controlsUnknown = 0
    /// Triggers by `fireTest`, outside of every other figure.
    public var tests = 0
    public var profiles = 0
    public var removals = 0
    public var timers = 0
    public var periodRolls = 0

    /// Now held.
    public var accounts = 0
    /// Now held: accounts × meters, and counters of dimensions and closed periods.
    public var counters = 0
    public var identities = 0
    /// Identities back to this clock time are surely known; nil while none was forgotten. Exact to 1,024 identities.
    public var dedupHorizon: Timestamp?

    public init() {}
}
