/// What the engine decided to tell somebody; `UpsellWire` turns it into a CloudEvent.
public struct Trigger: Sendable, Equatable {
    public var id: TriggerID
    public var account: String
    public var rule: String
    public var ruleVersion: UInt64
    public var signal: SignalKind
    public var cause: Cause
    public var meter: String
    public var meterUnit: String
    /// Scale of every quantity below.
    public var scale: Int
    public var dimension: (name: String, value: String)?
    /// Usage before and after the record that caused it.
    public var previous: Int64
    public var current: Int64
    public var limit: Limit
    public var thresholdUnit: ThresholdUnit
    /// Armed thresholds that were reached, mildest first; in the unit's integers (`LimitSignal.thresholds`).
    public var crossed: [Int64]
    public var highest: Int64 { crossed.last ?? 0 }
    /// Bounds of the counter's period; nil for rolling, lifetime and gauge.
    public var period: (start: Timestamp, end: Timestamp)?
    /// Start of the episode that is part of the arming key.
    public var episode: Timestamp
    public var limitVersion: UInt64
    public var eventTime: Timestamp
    public var plan: String
    public var status: Profile.Status
    public var consequence: String?
    public var coordinates: InputCoordinates?
    /// What armed the threshold anew; nil where it was armed for the first time.
    public var rearmed: Rearming?

    public init(
        id: TriggerID, account: String, rule: String, ruleVersion: UInt64, signal: SignalKind, cause: Cause,
        meter: String, meterUnit: String, scale: Int, dimension: (name: String, value: String)?, previous: Int64,
        current: Int64, limit: Limit, thresholdUnit: ThresholdUnit, crossed: [Int64],
        period: (start: Timestamp, end: Timestamp)?, episode: Timestamp, limitVersion: UInt64, eventTime: Timestamp,
        plan: String, status: Profile.Status, consequence: String?, coordinates: InputCoordinates?,
        rearmed: Rearming? = nil
    ) {
        self.id = id
        self.account = account
        self.rule = rule
        self.ruleVersion = ruleVersion
        self.signal = signal
        self.cause = cause
        self.meter = meter
        self.meterUnit = meterUnit
        self.scale = scale
        self.dimension = dimension
        self.previous = previous
        self.current = current
        self.limit = limit
        self.thresholdUnit = thresholdUnit
        self.crossed = crossed
        self.period = period
        self.episode = episode
        self.limitVersion = limitVersion
        self.eventTime = eventTime
        self.plan = plan
        self.status = status
        self.consequence = consequence
        self.coordinates = coordinates
        self.rearmed = rearmed
    }

    public static func == (a: Trigger, b: Trigger) -> Bool {
        a.id == b.id && a.account == b.account && a.rule == b.rule && a.cause == b.cause && a.previous == b.previous
            && a.current == b.current && a.limit == b.limit && a.crossed == b.crossed && a.eventTime == b.eventTime
            && a.plan == b.plan && a.coordinates == b.coordinates && a.rearmed == b.rearmed
    }

    /// Number in the arming key's canonical encoding; later signals only append.
    public enum SignalKind: UInt8, Sendable {
        case limit = 1
        public var name: String {
            switch self {
            case .limit: "limit"
            }
        }
    }

    /// The reasons for which a threshold is armed anew (contract §4); there are no others.
    public enum Rearming: String, Sendable, CaseIterable {
        /// Another period, or a gauge or rolling window that fell.
        case newEpisode = "new_episode"
        case ruleChanged = "rule_changed"
        case limitChanged = "limit_changed"
    }

    /// Why now.
    public enum Cause: String, Sendable, CaseIterable {
        /// A usage record reached the threshold.
        case usage
        /// The limit fell, or an upgrade armed it anew and usage stands above.
        case limitChanged = "limit_changed"
        /// The rule is new or changed and `onChange: evaluate` is set.
        case ruleChanged = "rule_changed"
        /// Usage that waited for its profile was evaluated.
        case profileArrived = "profile_arrived"
        /// Rolling windows: an expired bucket (a correction, say) lifted usage.
        case windowMoved = "window_moved"
    }
}

/// A trigger that qualified as a signal and was held back.
public struct HeldTrigger: Sendable, Equatable {
    public var trigger: Trigger
    public var reason: HoldReason
    public init(trigger: Trigger, reason: HoldReason) {
        self.trigger = trigger
        self.reason = reason
    }
}

/// Why a trigger is held; the raw value is the published reason code.
public enum HoldReason: String, Sendable, CaseIterable {
    /// Final: usage within grace reached a threshold of a period that is over.
    case periodClosed = "period_closed"
}
