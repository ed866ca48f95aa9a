/// Everything a partition decides by: meters, plans, add-ons, rules and the policies of input. Immutable once loaded.
///
/// `UpsellConfiguration` compiles it from `catalogue.yaml` and `rules.yaml`; identifiers are positions in its arrays.
public struct Catalogue: Sendable, Codable, Equatable {
    public var meters: [Meter]
    /// The ladder, lowest plan first.
    public var plans: [Plan]
    public var addOns: [AddOn]
    public var rules: [Rule]
    public var policy: Policy
    /// Events that only rules watch.
    public var behaviours: [Behaviour]
    public var segments: [Segment]

    public init(
        meters: [Meter], plans: [Plan], addOns: [AddOn] = [], rules: [Rule] = [], policy: Policy = Policy(),
        behaviours: [Behaviour] = [], segments: [Segment] = []
    ) {
        self.meters = meters
        self.plans = plans
        self.addOns = addOns
        self.rules = rules
        self.policy = policy
        self.behaviours = behaviours
        self.segments = segments
    }

    /// What a log of an earlier version does not have is empty.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        meters = try values.decode([Meter].self, forKey: .meters)
        plans = try values.decode([Plan].self, forKey: .plans)
        addOns = try values.decode([AddOn].self, forKey: .addOns)
        rules = try values.decode([Rule].self, forKey: .rules)
        policy = try values.decode(Policy.self, forKey: .policy)
        behaviours = try values.decodeIfPresent([Behaviour].self, forKey: .behaviours) ?? []
        segments = try values.decodeIfPresent([Segment].self, forKey: .segments) ?? []
    }

    public func meter(named name: String) -> MeterID? { meters.firstIndex { $0.name == name }.map(MeterID.init(_:)) }
    public func plan(named name: String) -> PlanID? { plans.firstIndex { $0.name == name }.map(PlanID.init(_:)) }
    public func rule(named name: String) -> RuleID? { rules.firstIndex { $0.name == name }.map(RuleID.init(_:)) }

    public subscript(meter: MeterID) -> Meter { meters[meter.index] }
    public subscript(plan: PlanID) -> Plan { plans[plan.index] }
    public subscript(rule: RuleID) -> Rule { rules[rule.index] }
}

/// A named aggregation of usage events in a window.
public struct Meter: Sendable, Codable, Equatable {
    public var name: String
    /// CloudEvents types that feed it; at least one.
    public var eventTypes: [String]
    /// All must hold; empty admits every event of the types.
    public var filter: [FieldCondition]
    public var aggregation: Aggregation
    /// Where the quantity (`sum`, `max`, `latest`) or the counted value (`unique`) lies; for `count` what only a snapshot
    /// reads, or nil; nil for `active_days`.
    public var value: FieldPath?
    /// What one unit is called: `requests`, `bytes`, `seats`.
    public var unit: String
    /// Decimals: quantities are integers of 10⁻ˢᶜᵃˡᵉ units. `0...9`.
    public var scale: Int
    public var dimension: Dimension?
    public var window: Window
    /// `unique` only: distinct values kept for one counter; further ones are not counted, and that is (default 10,000).
    public var uniqueMax: Int

    public init(
        name: String, eventTypes: [String], filter: [FieldCondition] = [], aggregation: Aggregation,
        value: FieldPath? = nil, unit: String = "units", scale: Int = 0, dimension: Dimension? = nil, window: Window,
        uniqueMax: Int = 10_000
    ) {
        self.name = name
        self.eventTypes = eventTypes
        self.filter = filter
        self.aggregation = aggregation
        self.value = value
        self.unit = unit
        self.scale = scale
        self.dimension = dimension
        self.window = window
        self.uniqueMax = uniqueMax
    }

    public enum Aggregation: String, Sendable, Codable, Equatable, CaseIterable {
        case count, sum, max, latest, unique
        case activeDays = "active_days"
    }

    /// Which span of time a counter covers.
    public enum Window: Sendable, Codable, Equatable {
        /// Starts anew at each reset.
        case period(Reset)
        /// The last N days, in hourly buckets of UTC. `1...366`.
        case rolling(days: Int)
        case lifetime
        /// A level that rises and falls: seats taken, bytes stored. `sum` (of differences) or `latest` only.
        case gauge
    }

    /// When a `period` counter starts anew; independent of the plan's billing interval.
    public struct Reset: Sendable, Codable, Equatable, Hashable {
        public var unit: Unit
        public var alignment: Alignment

        public init(_ unit: Unit, _ alignment: Alignment = .calendar) {
            self.unit = unit
            self.alignment = alignment
        }

        public enum Unit: String, Sendable, Codable, CaseIterable { case day, week, month, year }
        /// `calendar`: midnight, Monday, the 1st, 1 January, in the account's time zone.
        /// `anniversary`: counted from the account's anchor; a 31st becomes the last day of a short month.
        public enum Alignment: String, Sendable, Codable, CaseIterable { case calendar, anniversary }
    }

    /// A field that splits the meter into one counter for each of its values.
    public struct Dimension: Sendable, Codable, Equatable {
        public var name: String
        public var path: FieldPath
        /// Values kept apart for one account; later ones count under `Dimension.other`.
        public var max: Int

        public init(name: String, path: FieldPath, max: Int = 50) {
            self.name = name
            self.path = path
            self.max = max
        }

        /// Name of the counter that takes values beyond `max`.
        public static let other = "~other"
    }
}

/// Names of nested objects, outermost first: `data.bytes` is `["data", "bytes"]`. Never empty.
public struct FieldPath: Sendable, Codable, Equatable, Hashable, CustomStringConvertible {
    public var names: [String]
    public init(_ names: [String]) { self.names = names }
    /// Splits at dots.
    public init(dotted text: String) { self.names = text.split(separator: ".").map(String.init) }
    public var description: String { names.joined(separator: ".") }
}

/// A condition on a field of the event: the field's text (string, number as written, `true`, `false`) is one of
/// `anyOf`.
public struct FieldCondition: Sendable, Codable, Equatable {
    public var path: FieldPath
    public var anyOf: [String]
    public init(path: FieldPath, anyOf: [String]) {
        self.path = path
        self.anyOf = anyOf
    }
}

/// What an account may use of a meter. 0 means "not in this plan".
@frozen
public enum Limit: Sendable, Codable, Equatable, Hashable {
    /// In integers of the meter's scale, `0...`.
    case of(Int64)
    case unlimited
}

/// A rung of the ladder.
public struct Plan: Sendable, Codable, Equatable {
    public var name: String
    public var title: String
    /// Limit of each meter, by position in `Catalogue.meters`. A meter that the plan does not mention is unlimited.
    public var limits: [PlanLimit]
    public var prices: [Price]
    /// Features and their levels, as written: `reporting: advanced`.
    public var features: [Feature]
    public var benefits: [String]
    /// Name of the plan that replaces this archived one.
    public var successor: String?
    /// Made for one customer: never recommended, and who has it is offered nothing.
    public var isCustom: Bool

    public init(
        name: String, title: String? = nil, limits: [PlanLimit], prices: [Price] = [], features: [Feature] = [],
        benefits: [String] = [], successor: String? = nil, isCustom: Bool = false
    ) {
        self.name = name
        self.title = title ?? name
        self.limits = limits
        self.prices = prices
        self.features = features
        self.benefits = benefits
        self.successor = successor
        self.isCustom = isCustom
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        title = try values.decode(String.self, forKey: .title)
        limits = try values.decode([PlanLimit].self, forKey: .limits)
        prices = try values.decode([Price].self, forKey: .prices)
        features = try values.decode([Feature].self, forKey: .features)
        benefits = try values.decode([String].self, forKey: .benefits)
        successor = try values.decodeIfPresent(String.self, forKey: .successor)
        isCustom = try values.decodeIfPresent(Bool.self, forKey: .isCustom) ?? false
    }

    public struct PlanLimit: Sendable, Codable, Equatable {
        public var limit: Limit
        public var enforcement: Enforcement
        /// What happens at the limit, in words.
        public var consequence: String?
        /// What use beyond the limit costs; empty: it cannot be bought piecewise.
        public var overage: [Overage]

        public init(
            _ limit: Limit, enforcement: Enforcement = .hard, consequence: String? = nil, overage: [Overage] = []
        ) {
            self.limit = limit
            self.enforcement = enforcement
            self.consequence = consequence
            self.overage = overage
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            limit = try values.decode(Limit.self, forKey: .limit)
            enforcement = try values.decode(Enforcement.self, forKey: .enforcement)
            consequence = try values.decodeIfPresent(String.self, forKey: .consequence)
            overage = try values.decodeIfPresent([Overage].self, forKey: .overage) ?? []
        }

        public static let unlimited = PlanLimit(.unlimited, enforcement: .soft)
    }

    public enum Enforcement: String, Sendable, Codable, CaseIterable { case hard, soft }

    /// A price of use beyond the limit: `amount` minor units for each begun `units` (the meter's integers) of a period.
    public struct Overage: Sendable, Codable, Equatable {
        public var currency: String
        public var amount: Int64
        public var units: Int64
        public init(currency: String, amount: Int64, units: Int64) {
            self.currency = currency
            self.amount = amount
            self.units = units
        }
    }

    public struct Feature: Sendable, Codable, Equatable {
        public var name: String
        public var level: String
        /// When the plan got it, to announce new ones.
        public var since: Timestamp?
        public init(name: String, level: String, since: Timestamp? = nil) {
            self.name = name
            self.level = level
            self.since = since
        }
    }
}

/// A price of a plan or add-on.
public struct Price: Sendable, Codable, Equatable {
    /// ISO 4217, upper case.
    public var currency: String
    public var interval: Interval
    public var kind: Kind
    /// In minor units of the currency (cents); 0 for `contact`.
    public var amount: Int64

    public init(currency: String, interval: Interval, kind: Kind, amount: Int64) {
        self.currency = currency
        self.interval = interval
        self.kind = kind
        self.amount = amount
    }

    public enum Interval: String, Sendable, Codable, CaseIterable { case month, year }
    public enum Kind: String, Sendable, Codable, CaseIterable { case exact, from, contact }
}

/// Something bought beside the plan that raises limits.
public struct AddOn: Sendable, Codable, Equatable {
    public var name: String
    public var title: String
    /// What one unit adds to a meter's limit, in integers of its scale; by position in `Catalogue.meters`, 0 for none.
    public var adds: [Int64]
    public var prices: [Price]

    public init(name: String, title: String? = nil, adds: [Int64], prices: [Price] = []) {
        self.name = name
        self.title = title ?? name
        self.adds = adds
        self.prices = prices
    }
}

/// How input is judged: the bounds and choices of contract §2. Durations in milliseconds.
public struct Policy: Sendable, Codable, Equatable {
    /// What becomes of usage whose account has no profile.
    public var unknownAccounts: UnknownAccounts = .wait
    /// `wait`: how long, and how many readings a partition keeps.
    public var waitDuration: Int64 = 7 * .millisecondsPerDay
    public var waitCapacity: Int = 100_000
    /// Events older than clock − window are dead-lettered `too_old`.
    public var dedupWindow: Int64 = 32 * .millisecondsPerDay
    /// Identities kept for one partition.
    public var dedupCapacity: Int = 500_000
    /// How long a closed period still counts.
    public var grace: Int64 = .millisecondsPerDay
    /// How far event time may lie after record time, and record time after wall time.
    public var futureTolerance: Int64 = 5 * .millisecondsPerMinute
    /// What usage found in a topic at the first start without state does.
    public var firstStart: FirstStart = .silent
    /// Before it, state moves and nothing fires.
    public var goLive: Timestamp?
    /// Ticks stay this far behind wall time.
    public var tickMargin: Int64 = 5 * .millisecondsPerSecond

    // MARK: Qualification

    /// No promotional trigger for so long after an upgrade; temporary.
    public var upgradePause: Int64 = 14 * .millisecondsPerDay
    /// Promotional triggers of all rules, in sliding windows. Default: none.
    public var caps: [Cap] = []
    /// What competes within so many milliseconds of the clock: the best goes out. 0: one input record. nil: nothing
    /// competes.
    public var arbitrationWindow: Int64? = 0
    /// When what lost is judged again.
    public var arbitrationRetry: Int64 = .millisecondsPerDay
    public var quietHours: QuietHours?
    public var holdout: Holdout?
    /// A rule that reaches more goes to shadow; nil: no fuse.
    public var fuse: Fuse?
    /// How long after an emission an upgrade counts as its conversion.
    public var attributionWindow: Int64 = 30 * .millisecondsPerDay
    /// What a remedy leaves free, hundredths of a percent of the projected use.
    public var headroom: Int64 = 2_000
    /// Triggers of one account that are open at once; beyond it the oldest is withdrawn.
    public var openMax: Int = 32
    /// Triggers that one account may owe; beyond it the least is held as `superseded`.
    public var owedMax: Int = 64
    /// Timers that one tick runs; the rest runs with the next.
    public var timersPerTick: Int = 20_000

    public init() {}

    /// What a log of an earlier version does not have has its default.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func read<Member: Decodable>(_ key: CodingKeys, _ member: inout Member) throws {
            if let value = try values.decodeIfPresent(Member.self, forKey: key) { member = value }
        }
        try read(.unknownAccounts, &unknownAccounts)
        try read(.waitDuration, &waitDuration)
        try read(.waitCapacity, &waitCapacity)
        try read(.dedupWindow, &dedupWindow)
        try read(.dedupCapacity, &dedupCapacity)
        try read(.grace, &grace)
        try read(.futureTolerance, &futureTolerance)
        try read(.firstStart, &firstStart)
        goLive = try values.decodeIfPresent(Timestamp.self, forKey: .goLive)
        try read(.tickMargin, &tickMargin)
        try read(.upgradePause, &upgradePause)
        try read(.caps, &caps)
        if let window = try values.decodeIfPresent(Int64.self, forKey: .arbitrationWindow) {
            arbitrationWindow = window < 0 ? nil : window
        }
        try read(.arbitrationRetry, &arbitrationRetry)
        quietHours = try values.decodeIfPresent(QuietHours.self, forKey: .quietHours)
        holdout = try values.decodeIfPresent(Holdout.self, forKey: .holdout)
        fuse = try values.decodeIfPresent(Fuse.self, forKey: .fuse)
        try read(.attributionWindow, &attributionWindow)
        try read(.headroom, &headroom)
        try read(.openMax, &openMax)
        try read(.owedMax, &owedMax)
        try read(.timersPerTick, &timersPerTick)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(unknownAccounts, forKey: .unknownAccounts)
        try values.encode(waitDuration, forKey: .waitDuration)
        try values.encode(waitCapacity, forKey: .waitCapacity)
        try values.encode(dedupWindow, forKey: .dedupWindow)
        try values.encode(dedupCapacity, forKey: .dedupCapacity)
        try values.encode(grace, forKey: .grace)
        try values.encode(futureTolerance, forKey: .futureTolerance)
        try values.encode(firstStart, forKey: .firstStart)
        try values.encodeIfPresent(goLive, forKey: .goLive)
        try values.encode(tickMargin, forKey: .tickMargin)
        try values.encode(upgradePause, forKey: .upgradePause)
        try values.encode(caps, forKey: .caps)
        // -1 is "nothing competes", since an absent one means the default.
        try values.encode(arbitrationWindow ?? -1, forKey: .arbitrationWindow)
        try values.encode(arbitrationRetry, forKey: .arbitrationRetry)
        try values.encodeIfPresent(quietHours, forKey: .quietHours)
        try values.encodeIfPresent(holdout, forKey: .holdout)
        try values.encodeIfPresent(fuse, forKey: .fuse)
        try values.encode(attributionWindow, forKey: .attributionWindow)
        try values.encode(headroom, forKey: .headroom)
        try values.encode(openMax, forKey: .openMax)
        try values.encode(owedMax, forKey: .owedMax)
        try values.encode(timersPerTick, forKey: .timersPerTick)
    }

    private enum CodingKeys: String, CodingKey {
        case unknownAccounts, waitDuration, waitCapacity, dedupWindow, dedupCapacity, grace, futureTolerance
        case firstStart, goLive, tickMargin, upgradePause, caps, arbitrationWindow, arbitrationRetry, quietHours
        case holdout, fuse, attributionWindow, headroom, openMax, owedMax, timersPerTick
    }

    public enum UnknownAccounts: Sendable, Codable, Equatable {
        case wait
        case defaultPlan(PlanID)
        case ignore
    }

    public enum FirstStart: String, Sendable, Codable, CaseIterable { case silent, fire }

    /// At most `count` promotional triggers in any `window` milliseconds.
    public struct Cap: Sendable, Codable, Equatable {
        public var per: Scope
        public var count: Int
        public var window: Int64
        public init(per: Scope, count: Int, window: Int64) {
            self.per = per
            self.count = count
            self.window = window
        }
        public enum Scope: String, Sendable, Codable, CaseIterable { case account, recipient, channel }
    }

    /// Local time of day in which nothing promotional goes out, as minutes after midnight; `from` may lie after `to`,
    /// and where they are equal only weekends are quiet.
    public struct QuietHours: Sendable, Codable, Equatable {
        public var from: Int
        public var to: Int
        /// Saturdays and Sundays as a whole too.
        public var weekends: Bool
        public init(from: Int, to: Int, weekends: Bool = false) {
            self.from = from
            self.to = to
            self.weekends = weekends
        }
    }

    /// A share of the accounts that gets nothing promotional, so that the effect of all triggers can be told.
    public struct Holdout: Sendable, Codable, Equatable {
        /// Hundredths of a percent of the accounts.
        public var share: Int64
        public var seed: String
        public init(share: Int64, seed: String = "holdout") {
            self.share = share
            self.seed = seed
        }
    }

    /// More accounts in an hour than this, of all partitions together; or a share of the partition's accounts.
    public struct Fuse: Sendable, Codable, Equatable {
        public var accounts: Int?
        /// Hundredths of a percent.
        public var share: Int64?
        public init(accounts: Int?, share: Int64?) {
            self.accounts = accounts
            self.share = share
        }
    }
}
