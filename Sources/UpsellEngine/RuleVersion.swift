public import UpsellModel

extension KeyVersion {
    /// Hash of what a rule decides by: signal, definition of its meters and behaviours, thresholds, windows, audience.
    /// No words, offer, priority or channels.
    public static func ofRule(_ rule: Rule, in catalogue: Catalogue) -> UInt64 {
        var encoder = RuleEncoder(catalogue: catalogue)
        encoder.bytes.put(UInt8(1))
        encoder.put(rule.signal)
        if let audience = rule.audience {
            encoder.bytes.put("where")
            encoder.put(audience)
            if rule.waits { encoder.bytes.put("while") }
        }
        return encoder.bytes.hash
    }

    /// Hash of a part of a combination, in the place of a rule's version.
    public static func ofPart(_ part: CombinationSignal.Part, in catalogue: Catalogue) -> UInt64 {
        var encoder = RuleEncoder(catalogue: catalogue)
        encoder.bytes.put(UInt8(2))
        encoder.put(part)
        return encoder.bytes.hash
    }

    static func ofBehaviour(_ behaviour: Behaviour) -> UInt64 {
        var encoder = CanonicalEncoder()
        encode(behaviour, into: &encoder)
        return encoder.hash
    }

    fileprivate static func encode(_ behaviour: Behaviour, into encoder: inout CanonicalEncoder) {
        encoder.put(behaviour.name)
        encoder.put(behaviour.eventTypes)
        encoder.put(UInt64(behaviour.filter.count))
        for condition in behaviour.filter {
            encoder.put(condition.path.names)
            encoder.put(condition.anyOf)
        }
        encoder.put(behaviour.feature?.names ?? [])
    }
}

/// Canonical encoding of signals and conditions: every case has a number of its own, names stand for positions.
private struct RuleEncoder {
    let catalogue: Catalogue
    var bytes = CanonicalEncoder()
    /// Segments on the way, against catalogues that were not checked.
    private var open: [String] = []

    init(catalogue: Catalogue) { self.catalogue = catalogue }

    mutating func put(_ signal: Signal) {
        bytes.put(signal.kind.rawValue)
        switch signal {
        case .limit(let signal):
            put(signal.meter)
            bytes.put(signal.unit.rawValue)
            put(signal.thresholds)
            bytes.put(signal.band)
            guard !signal.variants.isEmpty else { return }
            bytes.put("variants")
            put(signal.base)
            for variant in signal.variants {
                put(variant.condition)
                put(variant.thresholds)
            }
        case .pace(let signal):
            put(signal.meter)
            bytes.put(PaceSignal.method)
            for number in [
                signal.percent, Int64(signal.days), Int64(signal.daysMin), Int64(signal.activeDaysMin),
                Int64(signal.judgements), signal.lead,
            ] { bytes.put(number) }
        case .gate(let signal):
            put(signal.source)
            bytes.put(Int64(signal.count))
            bytes.put(signal.window)
            bytes.put(UInt8(signal.onlyWithoutEntitlement ? 1 : 0))
        case .adoption(let signal):
            bytes.put(UInt64(signal.stages.count))
            for stage in signal.stages {
                put(stage.source)
                bytes.put(Int64(stage.uses))
                bytes.put(Int64(stage.days))
            }
            bytes.put(Int64(signal.windowDays))
            bytes.put(UInt8(signal.isOrdered ? 1 : 0))
        case .trial(let signal):
            put(signal.offsetDays.map(Int64.init))
            put(signal.usage)
        case .event(let signal):
            switch signal.what {
            case .source(let source):
                bytes.put(UInt8(0))
                put(source)
            case .outcome(let kinds, let rules):
                bytes.put(UInt8(1))
                bytes.put(kinds.map(\.rawValue))
                bytes.put(rules)
            }
            put(signal.usage)
            bytes.put(Int64(signal.usageDays))
        case .growth(let signal):
            put(signal.meter)
            for number in [Int64(signal.windowDays), signal.percent, signal.floor] { bytes.put(number) }
        case .sustained(let signal):
            put(signal.meter)
            bytes.put(signal.unit.rawValue)
            bytes.put(signal.level)
            bytes.put(signal.duration)
        case .absence(let signal):
            put(signal.source)
            bytes.put(signal.duration)
        case .digest(let signal):
            bytes.put(signal.every.rawValue)
            bytes.put(Int64(signal.minuteOfDay))
            put(signal.usage)
            bytes.put(UInt64(signal.meters.count))
            for meter in signal.meters { put(meter) }
        case .combination(let signal):
            switch signal.mode {
            case .all: bytes.put(UInt8(0))
            case .any: bytes.put(UInt8(1))
            case .score(let least):
                bytes.put(UInt8(2))
                bytes.put(least)
            }
            bytes.put(signal.window)
            bytes.put(UInt64(signal.parts.count))
            for part in signal.parts { put(part) }
        }
    }

    mutating func put(_ part: CombinationSignal.Part) {
        bytes.put(part.name)
        put(part.signal)
        bytes.put(part.weight)
    }

    private mutating func put(_ meter: MeterID) { KeyVersion.encode(catalogue[meter], into: &bytes) }

    private mutating func put(_ numbers: [Int64]) {
        bytes.put(UInt64(numbers.count))
        for number in numbers { bytes.put(number) }
    }

    private mutating func put(_ source: SignalSource?) {
        bytes.put(UInt8(source == nil ? 0 : 1))
        if let source { put(source) }
    }

    private mutating func put(_ source: SignalSource) {
        switch source.stream {
        case .meter(let meter):
            bytes.put(UInt8(0))
            put(meter)
        case .behaviour(let behaviour):
            bytes.put(UInt8(1))
            KeyVersion.encode(catalogue.behaviours[behaviour.index], into: &bytes)
        }
        bytes.put(source.features)
    }

    mutating func put(_ condition: Condition) {
        switch condition {
        case .all(let parts), .any(let parts):
            if case .all = condition { bytes.put(UInt8(0)) } else { bytes.put(UInt8(1)) }
            bytes.put(UInt64(parts.count))
            for part in parts { put(part) }
        case .not(let part):
            bytes.put(UInt8(2))
            put(part)
        case .segment(let name):
            // What it means, so that a changed segment is a changed rule.
            bytes.put(UInt8(3))
            bytes.put(name)
            guard !open.contains(name), let segment = catalogue.segments.first(where: { $0.name == name }) else {
                return
            }
            open.append(name)
            put(segment.condition)
            open.removeLast()
        case .text(let operand, let anyOf):
            bytes.put(UInt8(4))
            put(operand)
            bytes.put(anyOf)
        case .number(let operand, let test):
            bytes.put(UInt8(5))
            put(operand)
            put([test.atLeast, test.atMost].compactMap(\.self))
            bytes.put(UInt8((test.atLeast == nil ? 0 : 1) + (test.atMost == nil ? 0 : 2)))
        case .exists(let operand):
            bytes.put(UInt8(6))
            put(operand)
        }
    }

    private mutating func put(_ operand: Condition.TextOperand) {
        switch operand {
        case .account: bytes.put(UInt8(0))
        case .plan: bytes.put(UInt8(1))
        case .status: bytes.put(UInt8(2))
        case .locale: bytes.put(UInt8(3))
        case .currency: bytes.put(UInt8(4))
        case .interval: bytes.put(UInt8(5))
        case .owner: bytes.put(UInt8(6))
        case .parent: bytes.put(UInt8(7))
        case .trialPlan: bytes.put(UInt8(8))
        case .language: bytes.put(UInt8(9))
        case .attribute(let name):
            bytes.put(UInt8(10))
            bytes.put(name)
        case .feature(let name):
            bytes.put(UInt8(11))
            bytes.put(name)
        case .addOn: bytes.put(UInt8(12))
        }
    }

    private mutating func put(_ operand: Condition.NumberOperand) {
        switch operand {
        case .attribute(let name):
            bytes.put(UInt8(0))
            bytes.put(name)
        case .mrr: bytes.put(UInt8(1))
        case .tenure: bytes.put(UInt8(2))
        case .sincePurchase: bytes.put(UInt8(3))
        case .usage(let meter):
            bytes.put(UInt8(4))
            put(meter)
        case .percent(let meter):
            bytes.put(UInt8(5))
            put(meter)
        case .limit(let meter):
            bytes.put(UInt8(6))
            put(meter)
        }
    }
}
