internal import UpsellModel

/// What was said to an account, what is owed to it, and what became of it.
///
/// Rules, meters and steps are named, not numbered, so that all of it outlives a reload. Every list has a bound: those
/// of the policy (`openMax`, `owedMax`), of `FrequencyCaps`, or one of the constants here.
struct Dealings {
    /// In the order of emission.
    var open: [OpenTrigger] = []
    /// In the order in which they were first owed.
    var owed: [OwedTrigger] = []
    /// In the order of closing, ghosts in the order of emission; at most `closedMax`, for the attribution window.
    var closed: [ClosedTrigger] = []
    /// Campaigns with steps to come, in the order of their beginning.
    var campaigns: [Campaign] = []
    /// When each rule last reached the account, where a cooldown or the fuse asks for it.
    var reached: [RuleInstant] = []
    /// What caps count, ascending in time.
    var sent: [SentMark] = []
    var dismissals: [Dismissal] = []
    /// Until when each rule is snoozed.
    var snoozes: [RuleInstant] = []
    /// What lost an arbitration since the last digest.
    var merged: [Trigger.Merged] = []
    /// A customer-success manager's "no"; `.max` until somebody takes it back.
    var declinedUntil = Int64.min
    /// A customer-success manager's "not now".
    var notNowUntil = Int64.min
    /// When the account last upgraded.
    var upgradedAt = Int64.min
    /// When the arbitration window ends that is open now; `.max` for none.
    var competitionEnd = Int64.max

    static let closedMax = 64
    static let campaignsMax = 32
    static let dismissalsMax = 64
    static let snoozesMax = 64
    static let mergedMax = 64

    init() {}

    /// The next instant at which something is due; `.max` for none.
    var due: Int64 {
        var due = competitionEnd
        for trigger in open { due = Swift.min(due, trigger.expires) }
        for entry in owed { due = Swift.min(due, entry.until) }
        for campaign in campaigns {
            for step in campaign.pending { due = Swift.min(due, step.time) }
        }
        return due
    }

    var isEmpty: Bool {
        open.isEmpty && owed.isEmpty && closed.isEmpty && campaigns.isEmpty && reached.isEmpty && sent.isEmpty
            && dismissals.isEmpty && snoozes.isEmpty && merged.isEmpty && declinedUntil == .min && notNowUntil == .min
            && upgradedAt == .min && competitionEnd == .max
    }

    /// Something of it depends on the account's counters: to be looked at after every record.
    var isAlert: Bool {
        owed.contains { $0.reason == .audience } || open.contains { $0.tellsResolved }
    }
}

/// How far a trigger has come on its way to the people.
struct Progress: Equatable {
    var delivered: Int64?
    /// When it was last seen.
    var seen: Int64?
    var isClicked = false
}

struct OpenTrigger {
    var trigger: Trigger
    var emitted: Int64
    var progress = Progress()
    /// Its rule tells when usage falls back, and it has not yet.
    var tellsResolved = false

    var expires: Int64 { trigger.expires?.milliseconds ?? .max }
}

/// A signal that is not decided: refused for a time, parked, or competing.
struct OwedTrigger {
    /// As it was raised, or last judged again.
    var trigger: Trigger
    /// nil: it competes until the arbitration window ends.
    var reason: HoldReason?
    /// When it is judged again; `.max` where no instant is known.
    var until: Int64
    /// Reasons that were published for its key.
    var told: TemporaryReasons
    /// It counts as a signal; what only waits for its audience does not.
    var isCounted: Bool

    var standing: Standing? {
        guard isCounted else { return nil }
        return reason == nil || reason == .quietHours ? .parked : .held
    }
}

/// The state that a signal is in; exactly one (contract §5).
enum Standing { case emitted, held, ghost, merged, parked, shadowed }

/// Temporary reasons as a set; the bits are part of the state's format.
struct TemporaryReasons: OptionSet {
    var rawValue: UInt8

    static let codes: [HoldReason] = [
        .audience, .recentUpgrade, .snoozed, .cooldown, .capped, .lostArbitration, .quietHours,
    ]

    static func of(_ reason: HoldReason) -> TemporaryReasons {
        guard let code = codes.firstIndex(of: reason) else { return [] }
        return TemporaryReasons(rawValue: 1 << UInt8(code))
    }
}

/// What attribution and late feedback need of a trigger that is not open any more, or of a ghost.
struct ClosedTrigger {
    var id: TriggerID
    var rule: String
    var signal: Trigger.SignalKind
    var meter: String?
    var recipient: Recipient
    var episode: Timestamp
    var emitted: Int64
    var progress: Progress
    var campaign: TriggerID?
    var step: String?
    var arm: Trigger.HoldoutArm?
    var ending: Ending
    var conversion: Conversion?

    enum Ending: UInt8 {
        /// Never sent, so that it may only be converted.
        case ghost
        case expired
        case converted
        /// Converted, and taken back.
        case reverted
        /// Every other outcome that closes; it converts no more.
        case other
    }

    var mayConvert: Bool { ending == .ghost || ending == .expired }

    init(_ trigger: Trigger, emitted: Int64, _ progress: Progress, _ ending: Ending) {
        id = trigger.id
        rule = trigger.rule
        signal = trigger.signal
        meter = trigger.usage?.meter
        recipient = trigger.recipient
        episode = trigger.episode
        self.emitted = emitted
        self.progress = progress
        campaign = trigger.campaign
        step = trigger.step
        arm = trigger.arm
        self.ending = ending
    }
}

/// What an upgrade or add-on brought, so that a reversal can take it back.
struct Conversion: Equatable {
    var time: Int64
    var fromPlan: String
    var toPlan: String
    /// Of an add-on: its name, and how many there were before.
    var addOn: String?
    var quantityBefore: Int64 = 0
    var mrrBefore: Int64?
    var amount: Int64?
    var currency: String?
}

struct Campaign {
    var id: TriggerID
    var rule: String
    /// In the order of the rule's steps.
    var pending: [PendingStep]
    /// The first trigger of a campaign that nobody sees; of others it is among the open ones.
    var ghost: Trigger?

    struct PendingStep: Equatable {
        var name: String
        var time: Int64
    }
}

struct RuleInstant: Equatable {
    var rule: String
    var time: Int64
}

/// A recipient wants no more of a rule in an episode.
struct Dismissal: Equatable {
    var rule: String
    var recipient: Recipient
    var episode: Timestamp
}

extension [RuleInstant] {
    subscript(rule: String) -> Int64? { first { $0.rule == rule }?.time }

    mutating func set(_ rule: String, _ time: Int64) {
        if let index = firstIndex(where: { $0.rule == rule }) {
            self[index].time = time
        } else {
            append(RuleInstant(rule: rule, time: time))
        }
    }
}
