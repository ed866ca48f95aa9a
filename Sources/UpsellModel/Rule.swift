/// A rule: a signal, who may get it, and what is offered. Words, offer, priority, channels are not part of its version.
public struct Rule: Sendable, Codable, Equatable {
    public var name: String
    public var signal: Signal
    /// Who is meant; nil: everybody. Part of the version.
    public var audience: Condition?
    /// `while: true`: where the audience does not hold at the signal the trigger stays owed until it does or the
    /// episode ends.
    public var waits = false
    public var kind = Kind.promotional
    public var mode = Mode.live
    /// Of what competes the highest goes out; equal ones in the order of the rules.
    public var priority = 0
    /// Between two triggers of the rule for one account, milliseconds.
    public var cooldown: Int64 = 0
    /// In the order of preference; empty: `in_app`.
    public var channels: [ChannelRoute] = []
    public var recipient = Recipient.admin
    /// How long a trigger is open, milliseconds.
    public var expiresAfter: Int64 = 14 * .millisecondsPerDay
    public var offer: Offer?
    /// Name of its words; nil: those named like the signal, if there are any.
    public var template: String?
    /// Further triggers of the same campaign, in order.
    public var steps: [RuleStep] = []
    /// An outcome `resolved` when usage has fallen back below what was crossed.
    public var tellsResolved = false
    /// What loses the arbitration is told in the account's next digest, if a digest rule is there, and not released.
    public var mergesIntoDigest = false
    /// What a new rule or a new version does with thresholds that are already exceeded.
    public var onChange: OnChange
    /// Before it, the rule's state moves and nothing fires.
    public var goLive: Timestamp?
    public var summary: String
    /// Words of the rule where it has no template; an edit messages nobody.
    public var message: String?

    public init(
        name: String, signal: Signal, onChange: OnChange = .silent, goLive: Timestamp? = nil, summary: String = "",
        message: String? = nil
    ) {
        self.name = name
        self.signal = signal
        self.onChange = onChange
        self.goLive = goLive
        self.summary = summary
        self.message = message
    }

    public enum OnChange: String, Sendable, Codable, CaseIterable { case silent, evaluate }

    /// `service` notices skip opt-out, holdout, caps, arbitration and quiet hours, use up no cap, and carry no offer.
    public enum Kind: String, Sendable, Codable, CaseIterable { case promotional, service }

    public enum Mode: String, Sendable, Codable, CaseIterable { case live, shadow, paused }

    /// A member that a log of an earlier version does not have has its default.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func optional<Member: Decodable>(_ key: CodingKeys, _ member: inout Member) throws {
            if let value = try values.decodeIfPresent(Member.self, forKey: key) { member = value }
        }
        self.init(
            name: try values.decode(String.self, forKey: .name),
            signal: try values.decode(Signal.self, forKey: .signal),
            onChange: try values.decode(OnChange.self, forKey: .onChange),
            goLive: try values.decodeIfPresent(Timestamp.self, forKey: .goLive),
            summary: try values.decode(String.self, forKey: .summary),
            message: try values.decodeIfPresent(String.self, forKey: .message))
        audience = try values.decodeIfPresent(Condition.self, forKey: .audience)
        offer = try values.decodeIfPresent(Offer.self, forKey: .offer)
        template = try values.decodeIfPresent(String.self, forKey: .template)
        try optional(.waits, &waits)
        try optional(.kind, &kind)
        try optional(.mode, &mode)
        try optional(.priority, &priority)
        try optional(.cooldown, &cooldown)
        try optional(.channels, &channels)
        try optional(.recipient, &recipient)
        try optional(.expiresAfter, &expiresAfter)
        try optional(.steps, &steps)
        try optional(.tellsResolved, &tellsResolved)
        try optional(.mergesIntoDigest, &mergesIntoDigest)
    }
}

/// A channel that a trigger goes to, and when.
public struct ChannelRoute: Sendable, Codable, Equatable {
    /// An open set: `in_app`, `email`, `push`, `csm`, …
    public var channel: String
    /// nil: always.
    public var condition: Condition?
    /// Least gain of the remedy (its price difference), minor units of the account's currency; nil: any, also none.
    public var gainMin: Int64?

    public init(_ channel: String, condition: Condition? = nil, gainMin: Int64? = nil) {
        self.channel = channel
        self.condition = condition
        self.gainMin = gainMin
    }
}

/// Who of the account is meant.
public enum Recipient: String, Sendable, Codable, CaseIterable { case actor, admin, billing, csm }

/// What is offered beside the remedy.
public struct Offer: Sendable, Codable, Equatable {
    public var kind: Kind
    /// Discount in hundredths of a percent, or days of a trial; by kind.
    public var value: Int64?
    /// How long it holds, milliseconds from emission.
    public var validFor: Int64?
    /// A template of a link; `{account}`, `{plan}` and `{trigger}` are replaced, percent-encoded.
    public var link: String?
    /// Case studies and the like.
    public var resources: [String]

    public init(kind: Kind, value: Int64? = nil, validFor: Int64? = nil, link: String? = nil, resources: [String] = [])
    {
        self.kind = kind
        self.value = value
        self.validFor = validFor
        self.link = link
        self.resources = resources
    }

    public enum Kind: String, Sendable, Codable, CaseIterable {
        case upgrade, trial, discount, demo, survey, call
        case addOn = "add_on"
        case annualSwitch = "annual_switch"
    }
}

/// A further trigger of a campaign.
public struct RuleStep: Sendable, Codable, Equatable {
    public var name: String
    /// After the first trigger of the campaign, milliseconds.
    public var delay: Int64
    /// Empty: the rule's.
    public var channels: [ChannelRoute]
    public var condition: Condition
    public var template: String?

    public init(
        name: String, delay: Int64, channels: [ChannelRoute] = [], condition: Condition = .always,
        template: String? = nil
    ) {
        self.name = name
        self.delay = delay
        self.channels = channels
        self.condition = condition
        self.template = template
    }

    /// Of the campaign's outcome so far; any closing outcome stops it whatever stands here.
    public enum Condition: String, Sendable, Codable, CaseIterable {
        case always
        case notDelivered = "not_delivered"
        case notSeen = "not_seen"
        case notClicked = "not_clicked"
        case seen
    }
}
