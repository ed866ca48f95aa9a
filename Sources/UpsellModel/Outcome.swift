/// What became of a trigger (contract §7), as published on the outcomes topic.
public enum OutcomeKind: String, Sendable, Codable, CaseIterable {
    case delivered, seen, clicked, converted, dismissed, snoozed, expired, superseded, withdrawn, reverted, resolved
    case accepted, declined, qualified, answered
    case notNow = "not_now"
    case noBudget = "no_budget"
    case wrongPerson = "wrong_person"

    /// After it the trigger is no longer open.
    public var closes: Bool {
        switch self {
        case .converted, .dismissed, .expired, .superseded, .withdrawn, .declined, .noBudget: true
        case .delivered, .seen, .clicked, .snoozed, .reverted, .resolved, .accepted, .qualified, .answered, .notNow,
            .wrongPerson:
            false
        }
    }
}

/// An outcome of one trigger; the engine decides it, `UpsellWire` publishes it.
public struct Outcome: Sendable, Equatable {
    public var trigger: TriggerID
    public var account: String
    public var rule: String
    public var signal: Trigger.SignalKind
    public var kind: OutcomeKind
    /// Event time of what brought it about.
    public var time: Timestamp
    public var recipient: String?
    public var channel: String?
    /// Reason code of an answer or verdict.
    public var reason: String?
    /// Until when a snooze or verdict holds.
    public var until: Timestamp?
    /// Id of the feedback, nil where none brought it about.
    public var feedback: String?
    /// Conversions and reversals.
    public var fromPlan: String?
    public var toPlan: String?
    /// Change of MRR in minor units of `currency`; negative for a reversal.
    public var amount: Int64?
    public var currency: String?
    public var campaign: TriggerID?
    public var step: String?
    /// Arm of the holdout; a ghost of the `holdout` arm was never sent and may only be converted or reverted.
    public var arm: Trigger.HoldoutArm?
    public var emitted: Timestamp

    public init(
        trigger: TriggerID, account: String, rule: String, signal: Trigger.SignalKind, kind: OutcomeKind,
        time: Timestamp, emitted: Timestamp
    ) {
        self.trigger = trigger
        self.account = account
        self.rule = rule
        self.signal = signal
        self.kind = kind
        self.time = time
        self.emitted = emitted
    }

    /// One for each trigger, kind and cause: feedback by its id, else by time.
    public var id: String {
        "\(trigger)-\(kind.rawValue)-" + (feedback ?? String(time.milliseconds))
    }
}

/// What a channel or a customer-success manager reports back: a record of `upselld.feedback`, decoded and checked.
public struct Feedback: Sendable, Equatable {
    /// Its own; a repeated one changes nothing.
    public var id: String
    public var trigger: TriggerID
    public var recipient: String?
    public var channel: String?
    public var kind: Kind
    /// Snoozes and `not_now`.
    public var until: Timestamp?
    public var reason: String?
    /// The record timestamp where it names none.
    public var time: Timestamp

    public init(id: String, trigger: TriggerID, kind: Kind, time: Timestamp) {
        self.id = id
        self.trigger = trigger
        self.kind = kind
        self.time = time
    }

    public enum Kind: String, Sendable, CaseIterable {
        case delivered, shown, clicked, dismissed, snoozed, accepted, declined, qualified, answered
        case notNow = "not_now"
        case noBudget = "no_budget"
        case wrongPerson = "wrong_person"

        public var outcome: OutcomeKind {
            switch self {
            case .delivered: .delivered
            case .shown: .seen
            case .clicked: .clicked
            case .dismissed: .dismissed
            case .snoozed: .snoozed
            case .accepted: .accepted
            case .declined: .declined
            case .qualified: .qualified
            case .answered: .answered
            case .notNow: .notNow
            case .noBudget: .noBudget
            case .wrongPerson: .wrongPerson
            }
        }
    }
}

/// A record of the control topic, which every partition applies once, in the order of its offsets.
public struct ControlCommand: Sendable, Equatable {
    public var offset: Int64
    public var action: Action
    public var rule: String
    /// Who gave it, as written.
    public var by: String
    public var time: Timestamp

    public init(offset: Int64, action: Action, rule: String, by: String, time: Timestamp) {
        self.offset = offset
        self.action = action
        self.rule = rule
        self.by = by
        self.time = time
    }

    public enum Action: Sendable, Equatable {
        case pause, resume, shadow
        /// A trigger with `test: true` for one account, outside caps and figures.
        case fireTest(account: String)
    }
}
