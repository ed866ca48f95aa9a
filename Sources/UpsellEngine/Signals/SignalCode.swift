internal import UpsellModel

/// A signal of a rule, or a part of its combination, as the engine evaluates it.
struct SignalCode {
    /// Position in `Catalogue.rules`.
    var rule: Int
    /// Place among the parts of the rule's combination; -1 for the rule's own signal.
    var part = -1
    var signal: Signal
    /// Of the rule; of a part its own.
    var version: UInt64
    /// Of rule and catalogue, the later one.
    var goLive: Int64
    var onChange: Rule.OnChange
    /// When a reload brought this version; `.min` for those of the start.
    var adoptedAt = Int64.min

    /// Combinations come before their parts, rules in their order.
    static func flatten(_ catalogue: Catalogue) -> ContiguousArray<SignalCode> {
        var codes: ContiguousArray<SignalCode> = []
        for (index, rule) in catalogue.rules.enumerated() {
            let goLive = max(rule.goLive ?? .earliest, catalogue.policy.goLive ?? .earliest).milliseconds
            codes.append(
                SignalCode(
                    rule: index, signal: rule.signal, version: KeyVersion.ofRule(rule, in: catalogue), goLive: goLive,
                    onChange: rule.onChange))
            guard case .combination(let combination) = rule.signal else { continue }
            for (place, part) in combination.parts.enumerated() {
                codes.append(
                    SignalCode(
                        rule: index, part: place, signal: part.signal,
                        version: KeyVersion.ofPart(part, in: catalogue), goLive: goLive, onChange: rule.onChange))
            }
        }
        return codes
    }

    /// Streams whose readings it wants to see; limits are judged by the counters themselves.
    func streams(meterCount: Int) -> [Int] {
        func stream(_ source: SignalSource?) -> [Int] { source.map { [$0.stream.index(meterCount: meterCount)] } ?? [] }
        switch signal {
        case .limit, .combination: return []
        case .pace(let signal): return [signal.meter.index]
        case .growth(let signal): return [signal.meter.index]
        case .sustained(let signal): return [signal.meter.index]
        case .gate(let signal): return stream(signal.source)
        case .adoption(let signal): return signal.stages.flatMap { stream($0.source) }
        case .trial(let signal): return stream(signal.usage)
        case .event(let signal):
            guard case .source(let source) = signal.what else { return stream(signal.usage) }
            return stream(source) + stream(signal.usage)
        case .absence(let signal): return stream(signal.source)
        case .digest(let signal): return stream(signal.usage) + signal.meters.map(\.index)
        }
    }

    /// A rule's own limit, which its counters judge; its adoption is noted with `Program.rules`.
    var isOfCounters: Bool {
        if case .limit = signal, part < 0 { true } else { false }
    }

    var isOfTheCalendar: Bool {
        switch signal {
        case .trial, .absence, .digest: true
        default: false
        }
    }
}

extension SignalSource.Stream {
    func index(meterCount: Int) -> Int {
        switch self {
        case .meter(let meter): meter.index
        case .behaviour(let behaviour): meterCount + behaviour.index
        }
    }
}
