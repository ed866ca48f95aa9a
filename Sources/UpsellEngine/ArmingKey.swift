public import UpsellModel

/// What a trigger is about; at most one trigger for each key, for ever. Its hash is the trigger's id.
///
/// Encoding (article "ArmingKeys", golden vectors in the tests): byte 1 (format), byte signal kind, rule name, rule
/// version, account, meter name, dimension value or nil, limit version, episode in milliseconds, threshold. Integers
/// are 64 bits little-endian, texts UTF-8 behind a 32-bit length, an optional text behind a byte 0 or 1. Later signal
/// kinds append fields of their own after these and never change those.
public struct ArmingKey: Sendable, Equatable {
    public var signal: Trigger.SignalKind
    public var rule: String
    public var ruleVersion: UInt64
    public var account: String
    public var meter: String
    public var dimension: String?
    public var limitVersion: UInt64
    public var episode: Timestamp
    /// The highest threshold crossed, in the integers of `LimitSignal.thresholds`.
    public var threshold: Int64

    public init(
        signal: Trigger.SignalKind, rule: String, ruleVersion: UInt64, account: String, meter: String,
        dimension: String?,
        limitVersion: UInt64, episode: Timestamp, threshold: Int64
    ) {
        self.signal = signal
        self.rule = rule
        self.ruleVersion = ruleVersion
        self.account = account
        self.meter = meter
        self.dimension = dimension
        self.limitVersion = limitVersion
        self.episode = episode
        self.threshold = threshold
    }

    /// The bytes that are hashed.
    public var canonicalBytes: [UInt8] { encoded.bytes }

    /// XXH3-128 of the canonical bytes, seed 0.
    public var id: TriggerID {
        let (high, low) = encoded.wideHash
        return TriggerID(high: high, low: low)
    }

    private var encoded: CanonicalEncoder {
        var encoder = CanonicalEncoder()
        encoder.put(UInt8(1))
        encoder.put(signal.rawValue)
        encoder.put(rule)
        encoder.put(ruleVersion)
        encoder.put(account)
        encoder.put(meter)
        encoder.put(dimension)
        encoder.put(limitVersion)
        encoder.put(episode.milliseconds)
        encoder.put(threshold)
        return encoder
    }
}

/// The versions that are part of arming keys.
public enum KeyVersion {
    /// Hash of an effective limit and the time at which it took effect.
    ///
    /// - Parameter time: the profile's; 0 under the default plan.
    public static func ofLimit(_ limit: Limit, since time: Timestamp) -> UInt64 {
        var encoder = CanonicalEncoder()
        encoder.put(UInt8(1))
        switch limit {
        case .of(let amount):
            encoder.put(UInt8(0))
            encoder.put(amount)
        case .unlimited:
            encoder.put(UInt8(1))
            encoder.put(Int64(0))
        }
        encoder.put(time.milliseconds)
        return encoder.hash
    }

    /// Hash of a meter's definition; its unit is a word and not part of it.
    public static func ofMeter(_ meter: Meter) -> UInt64 {
        var encoder = CanonicalEncoder()
        encode(meter, into: &encoder)
        return encoder.hash
    }

    static func encode(_ meter: Meter, into encoder: inout CanonicalEncoder) {
        encoder.put(meter.name)
        encoder.put(meter.eventTypes)
        encoder.put(UInt64(meter.filter.count))
        for condition in meter.filter {
            encoder.put(condition.path.names)
            encoder.put(condition.anyOf)
        }
        encoder.put(meter.aggregation.rawValue)
        encoder.put(meter.value?.names ?? [])
        encoder.put(Int64(meter.scale))
        encoder.put(meter.dimension?.path.names ?? [])
        encoder.put(Int64(meter.dimension?.max ?? 0))
        encoder.put(Int64(meter.uniqueMax))
        switch meter.window {
        case .period(let reset):
            encoder.put("period")
            encoder.put(reset.unit.rawValue)
            encoder.put(reset.alignment.rawValue)
        case .rolling(let days):
            encoder.put("rolling")
            encoder.put(Int64(days))
        case .lifetime: encoder.put("lifetime")
        case .gauge: encoder.put("gauge")
        }
    }
}
