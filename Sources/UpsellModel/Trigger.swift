/// What the engine decided to tell somebody; `UpsellWire` turns it into a CloudEvent.
public struct Trigger: Sendable, Equatable {
    public var id: TriggerID
    public var account: String
    public var rule: String
    public var ruleVersion: UInt64
    public var signal: SignalKind
    public var cause: Cause
    /// What is said of a meter; nil where the signal is about none.
    public var usage: Usage?
    public var projection: Projection?
    /// What the account did; nil where the signal is about usage alone.
    public var activity: Activity?
    /// Start of the episode that is part of the arming key.
    public var episode: Timestamp
    public var eventTime: Timestamp
    public var plan: String
    public var status: Profile.Status
    /// Names of the segments that hold.
    public var segments: [String]
    /// What happens at the limit, in words.
    public var consequence: String?
    public var coordinates: InputCoordinates?
    /// What armed the threshold anew; nil where it was armed for the first time.
    public var rearmed: Rearming?

    // What qualification adds.
    public var kind = Rule.Kind.promotional
    public var remedy: Remedy?
    public var offer: PresentedOffer?
    public var channels: [String] = []
    public var recipient = Recipient.admin
    public var notBefore: Timestamp?
    /// nil: never, as for what was held.
    public var expires: Timestamp?
    /// The first trigger of its campaign; nil for a rule without steps.
    public var campaign: TriggerID?
    public var step: String?
    /// Arm of the holdout, where there is one.
    public var arm: HoldoutArm?
    /// By `upselld fire --test`.
    public var isTest = false

    // What the words need of the profile.
    public var locale: String?
    public var timeZone: String?
    public var currency: String?
    public var owner: String?
    /// Attributes that the profile marks as shareable: name and compact JSON.
    public var attributes: [Profile.Attribute] = []

    public init(
        id: TriggerID, account: String, rule: String, ruleVersion: UInt64, signal: SignalKind, cause: Cause,
        usage: Usage? = nil, episode: Timestamp, eventTime: Timestamp, plan: String, status: Profile.Status,
        segments: [String] = [], consequence: String? = nil, coordinates: InputCoordinates? = nil,
        rearmed: Rearming? = nil
    ) {
        self.id = id
        self.account = account
        self.rule = rule
        self.ruleVersion = ruleVersion
        self.signal = signal
        self.cause = cause
        self.usage = usage
        self.episode = episode
        self.eventTime = eventTime
        self.plan = plan
        self.status = status
        self.segments = segments
        self.consequence = consequence
        self.coordinates = coordinates
        self.rearmed = rearmed
    }

    /// Usage of a meter and what of it crossed.
    public struct Usage: Sendable, Equatable {
        public var meter: String
        public var unit: String
        /// Scale of every quantity below.
        public var scale: Int
        public var dimension: Dimension?
        /// Before and after what caused the trigger; of `growth` the window before and this one.
        public var previous: Int64
        public var current: Int64
        public var limit: Limit
        /// nil for signals without thresholds.
        public var thresholdUnit: ThresholdUnit?
        /// Armed thresholds that were reached, mildest first; in the unit's integers (`LimitSignal.thresholds`).
        public var crossed: [Int64]
        /// Bounds of the counter's period; nil for rolling, lifetime and gauge.
        public var period: Span?
        public var limitVersion: UInt64

        public init(
            meter: String, unit: String, scale: Int, dimension: Dimension? = nil, previous: Int64, current: Int64,
            limit: Limit, thresholdUnit: ThresholdUnit? = nil, crossed: [Int64] = [], period: Span? = nil,
            limitVersion: UInt64
        ) {
            self.meter = meter
            self.unit = unit
            self.scale = scale
            self.dimension = dimension
            self.previous = previous
            self.current = current
            self.limit = limit
            self.thresholdUnit = thresholdUnit
            self.crossed = crossed
            self.period = period
            self.limitVersion = limitVersion
        }

        public var highest: Int64 { crossed.last ?? 0 }
    }

    public struct Dimension: Sendable, Equatable {
        public var name: String
        public var value: String
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// `start` included, `end` excluded.
    public struct Span: Sendable, Equatable {
        public var start: Timestamp
        public var end: Timestamp
        public init(start: Timestamp, end: Timestamp) {
            self.start = start
            self.end = end
        }
    }

    /// Where usage is heading, in the integers of `usage.scale`.
    public struct Projection: Sendable, Equatable {
        public var method: String
        /// Units a day, cut off.
        public var ratePerDay: Int64
        /// At the end of the period.
        public var projected: Int64
        /// When the limit is reached at this rate.
        public var exhaustion: Timestamp
        public init(method: String, ratePerDay: Int64, projected: Int64, exhaustion: Timestamp) {
            self.method = method
            self.ratePerDay = ratePerDay
            self.projected = projected
            self.exhaustion = exhaustion
        }
    }

    /// What the account did or did not, by signal: gate (attempts, feature, window), adoption (window, used), trial (end,
    /// daysLeft, used, unused), event (event, used, unused), sustained (since), absence (since), digest (window, used,
    /// unused, merged), combination (window, parts, score).
    public struct Activity: Sendable, Equatable {
        public var window: Span?
        public var since: Timestamp?
        /// Name of the meter or behaviour that was listened to.
        public var source: String?
        public var feature: String?
        public var attempts: Int64?
        public var used: [FeatureUse] = []
        public var unused: [String] = []
        public var trialEnd: Timestamp?
        /// Whole days from now to the trial's end, negative after it.
        public var daysLeft: Int64?
        /// Type of the outcome or identity of the event that came.
        public var event: String?
        public var parts: [Part] = []
        public var score: Int64?
        /// Triggers that lost an arbitration and are told here.
        public var merged: [Merged] = []
        public init() {}
    }

    public struct FeatureUse: Sendable, Equatable {
        public var feature: String
        public var uses: Int64
        /// Local days with a use; 0 where they are not counted.
        public var days: Int64
        public init(feature: String, uses: Int64, days: Int64 = 0) {
            self.feature = feature
            self.uses = uses
            self.days = days
        }
    }

    public struct Part: Sendable, Equatable {
        public var name: String
        public var signal: SignalKind
        public var time: Timestamp
        public init(name: String, signal: SignalKind, time: Timestamp) {
            self.name = name
            self.signal = signal
            self.time = time
        }
    }

    public struct Merged: Sendable, Equatable {
        public var trigger: TriggerID
        public var rule: String
        public init(trigger: TriggerID, rule: String) {
            self.trigger = trigger
            self.rule = rule
        }
    }

    /// An offer with its instants and links worked out.
    public struct PresentedOffer: Sendable, Equatable {
        public var kind: Offer.Kind
        public var value: Int64?
        public var expires: Timestamp?
        public var link: String?
        public var resources: [String]
        public init(kind: Offer.Kind, value: Int64?, expires: Timestamp?, link: String?, resources: [String]) {
            self.kind = kind
            self.value = value
            self.expires = expires
            self.link = link
            self.resources = resources
        }
    }

    public enum HoldoutArm: String, Sendable, CaseIterable { case treated, holdout }

    /// Number in the arming key's canonical encoding and in the state; later signals only append.
    public enum SignalKind: UInt8, Sendable, CaseIterable {
        case limit = 1, pace, gate, adoption, trial, event, growth, sustained, absence, digest, combination

        public var name: String {
            switch self {
            case .limit: "limit"
            case .pace: "pace"
            case .gate: "gate"
            case .adoption: "adoption"
            case .trial: "trial"
            case .event: "event"
            case .growth: "growth"
            case .sustained: "sustained"
            case .absence: "absence"
            case .digest: "digest"
            case .combination: "combination"
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
        /// A usage record reached the threshold, or an event came.
        case usage
        /// The limit fell, or an upgrade armed it anew and usage stands above.
        case limitChanged = "limit_changed"
        /// The rule is new or changed and `onChange: evaluate` is set.
        case ruleChanged = "rule_changed"
        /// Usage that waited for its profile was evaluated.
        case profileArrived = "profile_arrived"
        /// Rolling windows: an expired bucket (a correction, say) lifted usage.
        case windowMoved = "window_moved"
        /// An instant came: a trial's, a slot, the end of a day or of a stay.
        case timer
        /// What held it back has lapsed.
        case released
        /// A later step of its campaign.
        case step
        /// An outcome of another trigger.
        case outcome
        /// `upselld fire --test`.
        case test
    }
}

extension Signal {
    public var kind: Trigger.SignalKind {
        switch self {
        case .limit: .limit
        case .pace: .pace
        case .gate: .gate
        case .adoption: .adoption
        case .trial: .trial
        case .event: .event
        case .growth: .growth
        case .sustained: .sustained
        case .absence: .absence
        case .digest: .digest
        case .combination: .combination
        }
    }
}

/// A trigger that came true as a signal and was held back.
public struct HeldTrigger: Sendable, Equatable {
    public var trigger: Trigger
    public var reason: HoldReason
    /// Temporary reasons: when it is judged again.
    public var until: Timestamp?
    public init(trigger: Trigger, reason: HoldReason, until: Timestamp? = nil) {
        self.trigger = trigger
        self.reason = reason
        self.until = until
    }
}

/// Why a trigger is held; the raw value is the published reason code.
public enum HoldReason: String, Sendable, CaseIterable {
    /// The rule is in shadow: this is what it would have sent.
    case shadow
    /// The rule is paused.
    case paused
    /// The rule reached too many accounts and went to shadow.
    case fuse
    /// Usage within grace reached a threshold of a period that is over.
    case periodClosed = "period_closed"
    case cancelled, cancelling, inactive
    case pastDue = "past_due"
    /// Every channel that the rule would use is opted out of.
    case optedOut = "opted_out"
    /// The recipient has dismissed the rule in this episode.
    case dismissed
    /// A customer-success manager has said no for the account.
    case declined
    /// Owed until the audience holds (`while: true`).
    case audience
    case recentUpgrade = "recent_upgrade"
    case snoozed
    case cooldown
    case capped
    case lostArbitration = "lost_arbitration"
    /// Told in the account's next digest.
    case merged
    /// Parked until the quiet hours end.
    case quietHours = "quiet_hours"
    /// A ghost of the holdout.
    case holdout
    /// No longer true when it was judged again.
    case stale
    /// Its slot or offer was over before it could go out.
    case expired
    /// A higher threshold, another limit or an upgrade took its place while it was owed.
    case superseded

    /// Temporary: judged again at its lapse. All others spend the arming key.
    public var isTemporary: Bool {
        switch self {
        case .audience, .recentUpgrade, .snoozed, .cooldown, .capped, .lostArbitration, .quietHours: true
        default: false
        }
    }
}
