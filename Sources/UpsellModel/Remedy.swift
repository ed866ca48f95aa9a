/// What would lift an account over its limits, or why nothing is offered (contract §5).
public struct Remedy: Sendable, Codable, Equatable {
    public var kind: Kind
    /// `none`: why nothing is offered.
    public var reason: Reason?
    /// Plan or add-on; also of `none` where one exists that cannot simply be bought.
    public var target: String?
    public var title: String?
    /// Units of the add-on; 1 otherwise.
    public var quantity: Int64 = 1
    /// Add-ons to be bought beside the target, where one kind does not lift every meter.
    public var further: [Item] = []
    public var currency: String?
    public var interval: Price.Interval?
    /// Of the target in its quantity and what is bought beside it, a whole interval, minor units; of overage what use
    /// with headroom would cost; nil with `priceReason`.
    public var price: Int64?
    /// What the account pays more for an interval, minor units.
    public var difference: Int64?
    /// Why there is no amount.
    public var priceReason: Reason?
    /// What becomes more, by meter.
    public var limits: [LimitGain] = []
    public var features: [FeatureGain] = []
    public var benefits: [String] = []
    /// A figure from the account's own use, nil where there is none.
    public var value: ValueFigure?

    public init(_ kind: Kind, reason: Reason? = nil) {
        self.kind = kind
        self.reason = reason
    }

    public enum Kind: String, Sendable, Codable, CaseIterable {
        case plan, overage, none
        case addOn = "add_on"
    }

    public enum Reason: String, Sendable, Codable, CaseIterable {
        /// Nothing higher is sold.
        case topPlan = "top_plan"
        /// A plan made for this account.
        case customPlan = "custom_plan"
        /// The next price is a starting price, or on request: people have to talk.
        case fromPrice = "from_price"
        case contactPrice = "contact_price"
        /// The account has what it needs already (such as a pending upgrade).
        case alreadyEntitled = "already_entitled"
        /// What is sold would not lift every meter that needs it, or would lower another one below its use.
        case nothingFits = "nothing_fits"
        /// No price in the account's currency, or none is known.
        case noPriceInCurrency = "no_price_in_currency"
        case noPriceForInterval = "no_price_for_interval"
        case currencyUnknown = "currency_unknown"
        /// The account's plan is unknown to the catalogue.
        case unknownPlan = "unknown_plan"
    }

    public struct Item: Sendable, Codable, Equatable {
        public var addOn: String
        public var title: String
        public var quantity: Int64
        public init(addOn: String, title: String, quantity: Int64) {
            self.addOn = addOn
            self.title = title
            self.quantity = quantity
        }
    }

    public struct LimitGain: Sendable, Codable, Equatable {
        public var meter: String
        public var unit: String
        public var scale: Int
        public var from: Limit
        public var to: Limit
        public init(meter: String, unit: String, scale: Int, from: Limit, to: Limit) {
            self.meter = meter
            self.unit = unit
            self.scale = scale
            self.from = from
            self.to = to
        }
    }

    public struct FeatureGain: Sendable, Codable, Equatable {
        public var name: String
        public var from: String?
        public var to: String
        public init(name: String, from: String?, to: String) {
            self.name = name
            self.from = from
            self.to = to
        }
    }

    /// `usage` of `meter` is what the account is heading for, `avoided` what this use would cost as overage of the present
    /// plan in one period, minor units; nil where it cannot be bought so.
    public struct ValueFigure: Sendable, Codable, Equatable {
        public var meter: String
        public var unit: String
        public var scale: Int
        public var usage: Int64
        /// Hundredths of a percent of the new limit that this use takes; nil where unlimited.
        public var percentOfNewLimit: Int64?
        public var avoided: Int64?
        public init(
            meter: String, unit: String, scale: Int, usage: Int64, percentOfNewLimit: Int64?, avoided: Int64?
        ) {
            self.meter = meter
            self.unit = unit
            self.scale = scale
            self.usage = usage
            self.percentOfNewLimit = percentOfNewLimit
            self.avoided = avoided
        }
    }
}
