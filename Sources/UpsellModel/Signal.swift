/// Events that only rules watch: no counter is kept for them.
///
/// A reading of one has the meter id `Catalogue.meters.count` + its position, quantity 1, and as dimension the feature.
public struct Behaviour: Sendable, Codable, Equatable {
    public var name: String
    /// CloudEvents types; at least one.
    public var eventTypes: [String]
    /// All must hold; empty admits every event of the types.
    public var filter: [FieldCondition]
    /// Where the name of the feature lies; nil: the behaviour as a whole.
    public var feature: FieldPath?

    public init(name: String, eventTypes: [String], filter: [FieldCondition] = [], feature: FieldPath? = nil) {
        self.name = name
        self.eventTypes = eventTypes
        self.filter = filter
        self.feature = feature
    }
}

/// Position of a behaviour in `Catalogue.behaviours`.
@frozen
public struct BehaviourID: RawRepresentable, Hashable, Sendable, Codable {
    public var rawValue: UInt16
    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    @inlinable
    public init(_ index: Int) { self.rawValue = UInt16(index) }
    @inlinable
    public var index: Int { Int(rawValue) }
}

/// What a signal listens to: readings of a meter or a behaviour, of some features (values of the dimension) or all.
public struct SignalSource: Sendable, Codable, Equatable {
    public var stream: Stream
    /// Empty: any, also none.
    public var features: [String]

    public init(_ stream: Stream, features: [String] = []) {
        self.stream = stream
        self.features = features
    }

    public enum Stream: Sendable, Codable, Equatable {
        case meter(MeterID)
        case behaviour(BehaviourID)
    }
}

/// What a rule watches for (contract §4). Durations are milliseconds of the partition's clock, days are local days.
public indirect enum Signal: Sendable, Codable, Equatable {
    case limit(LimitSignal)
    case pace(PaceSignal)
    case gate(GateSignal)
    case adoption(AdoptionSignal)
    case trial(TrialSignal)
    case event(EventSignal)
    case growth(GrowthSignal)
    case sustained(SustainedSignal)
    case absence(AbsenceSignal)
    case digest(DigestSignal)
    case combination(CombinationSignal)
}

/// Usage reaches a threshold (`usage >= threshold`).
public struct LimitSignal: Sendable, Codable, Equatable {
    public var meter: MeterID
    /// How the numbers of `thresholds` and `band` are read.
    public var unit: ThresholdUnit
    /// In the order of severity (for `remaining` descending, else ascending), without repetition, at least one.
    /// Percent: hundredths of a percent (8000 = 80 %). Absolute and remaining: integers of the meter's scale.
    /// With variants: all that occur in any of them.
    public var thresholds: [Int64]
    /// Gauge and rolling meters re-arm a threshold strictly below it by this much, in the threshold's unit; for
    /// `remaining`, when more than threshold + band remain.
    public var band: Int64
    /// Thresholds that only some accounts have: the first variant whose condition holds at the crossing counts, none
    /// of them: `base`. What is reached and not the account's is spent without a word. Empty: all have all.
    public var variants: [Variant]
    /// Thresholds of accounts for which no variant holds; all of `thresholds` where there are no variants.
    public var base: [Int64]

    public init(
        meter: MeterID, unit: ThresholdUnit, thresholds: [Int64], band: Int64, variants: [Variant] = [],
        base: [Int64]? = nil
    ) {
        self.meter = meter
        self.unit = unit
        self.thresholds = thresholds
        self.band = band
        self.variants = variants
        self.base = base ?? thresholds
    }

    public struct Variant: Sendable, Codable, Equatable {
        public var condition: Condition
        public var thresholds: [Int64]
        public init(condition: Condition, thresholds: [Int64]) {
            self.condition = condition
            self.thresholds = thresholds
        }
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let thresholds = try values.decode([Int64].self, forKey: .thresholds)
        self.init(
            meter: try values.decode(MeterID.self, forKey: .meter),
            unit: try values.decode(ThresholdUnit.self, forKey: .unit), thresholds: thresholds,
            band: try values.decode(Int64.self, forKey: .band),
            variants: try values.decodeIfPresent([Variant].self, forKey: .variants) ?? [],
            base: try values.decodeIfPresent([Int64].self, forKey: .base))
    }
}

public enum ThresholdUnit: String, Sendable, Codable, CaseIterable { case percent, absolute, remaining }

/// At the current rate the limit is reached before the period resets; `count` and `sum` meters of a period only.
///
/// rate = units over the last `days` complete local days (all complete days of the account's history if fewer, at
/// least `daysMin`, of which `activeDaysMin` with usage); projected = used + rate × time left; judged when a local day
/// closes and at the first event after. Fires at the `judgements`-th judgement in a row with projected ≥ `percent` of
/// the limit and exhaustion at least `lead` before the reset; never once usage has reached the limit.
public struct PaceSignal: Sendable, Codable, Equatable {
    public var meter: MeterID
    /// Hundredths of a percent of the limit.
    public var percent: Int64
    public var days: Int
    public var daysMin: Int
    public var activeDaysMin: Int
    public var judgements: Int
    public var lead: Int64

    public init(
        meter: MeterID, percent: Int64 = 10_500, days: Int = 7, daysMin: Int = 3, activeDaysMin: Int = 2,
        judgements: Int = 2, lead: Int64 = .millisecondsPerDay
    ) {
        self.meter = meter
        self.percent = percent
        self.days = days
        self.daysMin = daysMin
        self.activeDaysMin = activeDaysMin
        self.judgements = judgements
        self.lead = lead
    }

    /// Published as `projection.method`; another way to reckon gets another name.
    public static let method = "daily-mean-7"
}

/// The `count`-th event of the source within `window`: denied attempts, or (`onlyWithoutEntitlement`) readings of a
/// meter whose limit is 0. Counted apart for each feature of the source.
///
/// The window slides: it begins with the oldest of the last `count` events, and no further trigger comes until it ends.
public struct GateSignal: Sendable, Codable, Equatable {
    public var source: SignalSource
    /// `1...64`.
    public var count: Int
    public var window: Int64
    public var onlyWithoutEntitlement: Bool

    public init(source: SignalSource, count: Int, window: Int64, onlyWithoutEntitlement: Bool = false) {
        self.source = source
        self.count = count
        self.window = window
        self.onlyWithoutEntitlement = onlyWithoutEntitlement
    }
}

/// Consistent use: each stage has at least `uses` events on at least `days` local days, all within the last
/// `windowDays` local days; `isOrdered`: a stage counts only what comes after the one before it was complete.
public struct AdoptionSignal: Sendable, Codable, Equatable {
    /// `1...8`.
    public var stages: [Stage]
    /// `1...366`.
    public var windowDays: Int
    public var isOrdered: Bool

    public init(stages: [Stage], windowDays: Int, isOrdered: Bool = false) {
        self.stages = stages
        self.windowDays = windowDays
        self.isOrdered = isOrdered
    }

    public struct Stage: Sendable, Codable, Equatable {
        public var source: SignalSource
        public var uses: Int
        public var days: Int
        public init(source: SignalSource, uses: Int, days: Int = 1) {
            self.source = source
            self.uses = uses
            self.days = days
        }
    }
}

/// Instants around the end of a trial: −7 is seven days before, 0 the end, 3 three days after; ascending.
public struct TrialSignal: Sendable, Codable, Equatable {
    public var offsetDays: [Int]
    /// Uses of premium features, told in the trigger: those of `features` that were used during the trial, and those
    /// that were not.
    public var usage: SignalSource?

    public init(offsetDays: [Int], usage: SignalSource? = nil) {
        self.offsetDays = offsetDays
        self.usage = usage
    }
}

/// A life-cycle event arrives: an event of the source, or an outcome of a trigger.
public struct EventSignal: Sendable, Codable, Equatable {
    public var what: What
    /// Uses of features so far (in the trial, else in the last `usageDays`), told in the trigger.
    public var usage: SignalSource?
    public var usageDays: Int

    public init(_ what: What, usage: SignalSource? = nil, usageDays: Int = 30) {
        self.what = what
        self.usage = usage
        self.usageDays = usageDays
    }

    public enum What: Sendable, Codable, Equatable {
        case source(SignalSource)
        /// Of triggers of the named rules; empty: of any but the rule itself.
        case outcome([OutcomeKind], rules: [String])
    }
}

/// Usage of the last `windowDays` complete local days grew by `percent` or more against the window before it, and is
/// at least `floor`; judged when a local day closes. `count` and `sum` meters.
public struct GrowthSignal: Sendable, Codable, Equatable {
    public var meter: MeterID
    /// `1...92`.
    public var windowDays: Int
    /// Hundredths of a percent of growth: 5000 is half as much again.
    public var percent: Int64
    /// In the meter's integers.
    public var floor: Int64

    public init(meter: MeterID, windowDays: Int, percent: Int64, floor: Int64) {
        self.meter = meter
        self.windowDays = windowDays
        self.percent = percent
        self.floor = floor
    }
}

/// A gauge stayed at or above a level for a time.
public struct SustainedSignal: Sendable, Codable, Equatable {
    public var meter: MeterID
    /// `percent` or `absolute`.
    public var unit: ThresholdUnit
    public var level: Int64
    public var duration: Int64

    public init(meter: MeterID, unit: ThresholdUnit, level: Int64, duration: Int64) {
        self.meter = meter
        self.unit = unit
        self.level = level
        self.duration = duration
    }
}

/// Nothing of the source happened for a time, counted from the last occurrence, else from when the account's profile
/// was first seen.
public struct AbsenceSignal: Sendable, Codable, Equatable {
    public var source: SignalSource
    public var duration: Int64

    public init(source: SignalSource, duration: Int64) {
        self.source = source
        self.duration = duration
    }
}

/// A recurring summary at a local time of day, spread over an hour by the account's hash.
///
/// It tells the uses of `usage.features` since the last slot, the features not used, the usage of `meters`, and what
/// lost the arbitration meanwhile. Nothing used and nothing merged: it is not sent.
public struct DigestSignal: Sendable, Codable, Equatable {
    public var every: Meter.Reset.Unit
    /// Minutes after local midnight.
    public var minuteOfDay: Int
    public var usage: SignalSource?
    public var meters: [MeterID]

    public init(every: Meter.Reset.Unit, minuteOfDay: Int = 540, usage: SignalSource? = nil, meters: [MeterID] = []) {
        self.every = every
        self.minuteOfDay = minuteOfDay
        self.usage = usage
        self.meters = meters
    }
}

/// Several signals together within a window: a part counts from its firing for `window`, whichever else fire.
public struct CombinationSignal: Sendable, Codable, Equatable {
    public var parts: [Part]
    public var mode: Mode
    public var window: Int64

    public init(parts: [Part], mode: Mode, window: Int64) {
        self.parts = parts
        self.mode = mode
        self.window = window
    }

    public struct Part: Sendable, Codable, Equatable {
        public var name: String
        /// Never a combination or digest.
        public var signal: Signal
        /// `score` only.
        public var weight: Int64
        public init(name: String, signal: Signal, weight: Int64 = 1) {
            self.name = name
            self.signal = signal
            self.weight = weight
        }
    }

    public enum Mode: Sendable, Codable, Equatable {
        case all, any
        /// The weights of the parts that count add up to at least this.
        case score(Int64)
    }
}
