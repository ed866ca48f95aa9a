/// An account's profile: the value of a record of `upselld.accounts` (contract §3), decoded and checked.
///
/// Names stay text, so that a profile outlives a reload of the catalogue; `plan` was known when the record was read.
public struct Profile: Sendable, Equatable {
    public var plan: String
    public var status: Status = .active
    /// Monthly recurring revenue in minor units of `currency`.
    public var mrr: Int64?
    public var currency: String?
    public var interval: Price.Interval?
    public var since: Timestamp?
    public var firstPurchase: Timestamp?
    public var period: PeriodBounds?
    /// IANA name and its rules; nil is UTC.
    public var timeZone: TimeZoneTable?
    public var locale: String?
    public var trial: Trial?
    public var addOns: [Holding] = []
    /// Meter name → limit that wins over plan and add-ons. Meters the catalogue does not know are kept and ignored.
    public var overrides: [Override] = []
    public var pendingPlan: String?
    public var effectiveAt: Timestamp?
    public var cancelAtPeriodEnd = false
    /// A plan change starts usage anew.
    public var resetUsage = false
    public var parent: String?
    public var owner: String?
    public var optOut: [String] = []
    /// Segment attributes: name and JSON text of the value, in the order of the record.
    public var attributes: [Attribute] = []
    public var shareable: [String] = []
    /// When the profile took effect at its source; the record timestamp where it says nothing.
    public var time: Timestamp

    public init(plan: String, time: Timestamp) {
        self.plan = plan
        self.time = time
    }

    public enum Status: String, Sendable, CaseIterable {
        case active, trialing, cancelled, paused
        case pastDue = "past_due"
        case cancelling
    }

    public struct PeriodBounds: Sendable, Equatable {
        public var start: Timestamp?
        public var end: Timestamp?
        public var anchor: Timestamp?
        public init(start: Timestamp? = nil, end: Timestamp? = nil, anchor: Timestamp? = nil) {
            self.start = start
            self.end = end
            self.anchor = anchor
        }
    }

    public struct Trial: Sendable, Equatable {
        public var plan: String?
        public var start: Timestamp?
        public var end: Timestamp?
        public init(plan: String?, start: Timestamp?, end: Timestamp?) {
            self.plan = plan
            self.start = start
            self.end = end
        }
    }

    public struct Holding: Sendable, Equatable {
        public var addOn: String
        public var quantity: Int64
        public var until: Timestamp?
        public init(addOn: String, quantity: Int64, until: Timestamp? = nil) {
            self.addOn = addOn
            self.quantity = quantity
            self.until = until
        }
    }

    /// A limit of the account's own, as exact decimal text (`"2.5"`), or nil for unlimited.
    public struct Override: Sendable, Equatable {
        public var meter: String
        public var limit: String?
        public init(meter: String, limit: String?) {
            self.meter = meter
            self.limit = limit
        }
    }

    public struct Attribute: Sendable, Equatable {
        public var name: String
        /// Compact JSON.
        public var json: String
        /// What conditions compare: a string unescaped, a number as written, `true`, `false`; of a list its elements,
        /// nothing of an object or null.
        public var texts: [String]
        public init(name: String, json: String, texts: [String] = []) {
            self.name = name
            self.json = json
            self.texts = texts
        }
    }
}

/// The offsets of one IANA time zone as a table, so that the engine needs neither Foundation nor a tz database.
public final class TimeZoneTable: Sendable, Equatable {
    public let name: String
    /// Sorted instants at which a new offset begins.
    public let transitions: [Timestamp]
    /// `offsets[0]` holds before the first transition, `offsets[i + 1]` from `transitions[i]` on; milliseconds east of
    /// UTC.
    public let offsets: [Int64]

    public init(name: String, transitions: [Timestamp], offsets: [Int64]) {
        precondition(offsets.count == transitions.count + 1, "one offset more than transitions")
        self.name = name
        self.transitions = transitions
        self.offsets = offsets
    }

    public static let utc = TimeZoneTable(name: "UTC", transitions: [], offsets: [0])

    public static func == (a: TimeZoneTable, b: TimeZoneTable) -> Bool {
        a === b || (a.name == b.name && a.transitions == b.transitions && a.offsets == b.offsets)
    }

    /// Milliseconds east of UTC that hold at `instant`.
    public func offset(at instant: Timestamp) -> Int64 {
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= instant { low = middle + 1 } else { high = middle }
        }
        return offsets[low]
    }

    /// The first instant whose local time is not before `local` (milliseconds since 1970 of the local clock).
    ///
    /// A local time that daylight saving skips gives the instant of the change; one that occurs twice, the first.
    public func instant(ofLocal local: Int64) -> Timestamp {
        // Candidates under the offsets around it: the earliest consistent one wins.
        let guess = Timestamp(milliseconds: local)
        let before = offset(at: guess - .millisecondsPerDay)
        let after = offset(at: guess + .millisecondsPerDay)
        let first = Timestamp(milliseconds: local - Swift.max(before, after))
        let second = Timestamp(milliseconds: local - Swift.min(before, after))
        if offset(at: first) == Swift.max(before, after) { return first }
        if offset(at: second) == Swift.min(before, after) { return second }
        // Skipped: the change lies between the two candidates.
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] < first { low = middle + 1 } else { high = middle }
        }
        return low < transitions.count ? transitions[low] : second
    }
}
