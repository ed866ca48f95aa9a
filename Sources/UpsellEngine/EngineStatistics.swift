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
    public var triggers = 0
    public var held = 0
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
