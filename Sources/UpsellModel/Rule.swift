/// A rule: a signal and what follows from it. Words, priority and channels are not part of its version.
public struct Rule: Sendable, Codable, Equatable {
    public var name: String
    public var signal: Signal
    /// What a new rule or a new version does with thresholds that are already exceeded.
    public var onChange: OnChange
    /// Before it, the rule's state moves and nothing fires.
    public var goLive: Timestamp?
    public var summary: String
    /// Words of the rule; an edit messages nobody.
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

    public enum Signal: Sendable, Codable, Equatable {
        case limit(LimitSignal)
    }
}

/// Usage reaches a threshold (`usage >= threshold`).
public struct LimitSignal: Sendable, Codable, Equatable {
    public var meter: MeterID
    /// How the numbers of `thresholds` and `band` are read.
    public var unit: ThresholdUnit
    /// In the order of severity (for `remaining` descending, else ascending), without repetition, at least one.
    /// Percent: hundredths of a percent (8000 = 80 %). Absolute and remaining: integers of the meter's scale.
    public var thresholds: [Int64]
    /// Gauge and rolling meters re-arm a threshold strictly below it by this much, in the threshold's unit; for
    /// `remaining`, when more than threshold + band remain.
    public var band: Int64

    public init(meter: MeterID, unit: ThresholdUnit, thresholds: [Int64], band: Int64) {
        self.meter = meter
        self.unit = unit
        self.thresholds = thresholds
        self.band = band
    }
}

public enum ThresholdUnit: String, Sendable, Codable, CaseIterable { case percent, absolute, remaining }
