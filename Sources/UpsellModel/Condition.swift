/// What has to hold of an account: over its profile, its plan and its counters. Pure, without side effects; what is
/// absent or of another kind holds nothing (`exists` apart).
public indirect enum Condition: Sendable, Codable, Equatable {
    case all([Condition])
    case any([Condition])
    case not(Condition)
    /// A named condition of the catalogue; a segment never refers back to itself.
    case segment(String)
    case text(TextOperand, anyOf: [String])
    case number(NumberOperand, NumberTest)
    case exists(TextOperand)

    /// What is compared as text, exactly and with case.
    public enum TextOperand: Sendable, Codable, Equatable {
        case account, plan, status, locale, currency, interval, owner, parent, trialPlan
        /// Primary language of the locale: `zh` of `zh-Hant-TW`, lower case.
        case language
        /// An attribute of the profile: a string, a number as written, `true` or `false`; of a list any element.
        case attribute(String)
        /// Level of a feature in the account's plan.
        case feature(String)
        /// An add-on that the account holds now; its name.
        case addOn
    }

    /// What is compared as a number.
    public enum NumberOperand: Sendable, Codable, Equatable {
        /// An attribute of the profile, in millionths.
        case attribute(String)
        /// Minor units of the account's currency.
        case mrr
        /// Milliseconds since `since` (else `firstPurchase`) on the partition's clock.
        case tenure
        /// Milliseconds since the first purchase.
        case sincePurchase
        /// Usage of the meter's current window, in its integers.
        case usage(MeterID)
        /// Usage as a share of the effective limit, hundredths of a percent, cut off; absent where unlimited or 0.
        case percent(MeterID)
        /// The effective limit, in the meter's integers; absent where unlimited.
        case limit(MeterID)
    }

    /// Bounds, both included.
    public struct NumberTest: Sendable, Codable, Equatable {
        public var atLeast: Int64?
        public var atMost: Int64?
        public init(atLeast: Int64? = nil, atMost: Int64? = nil) {
            self.atLeast = atLeast
            self.atMost = atMost
        }
        public func holds(_ value: Int64) -> Bool {
            (atLeast.map { value >= $0 } ?? true) && (atMost.map { value <= $0 } ?? true)
        }
    }
}

/// A named condition, for rules, routes and thresholds; triggers say which hold.
public struct Segment: Sendable, Codable, Equatable {
    public var name: String
    public var condition: Condition
    public init(name: String, condition: Condition) {
        self.name = name
        self.condition = condition
    }
}
