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
    /// What an event needs of it, flat.
    var watch = Watch()

    /// The signal's sources and numbers without the boxes of `Signal`.
    struct Watch {
        var kind = Trigger.SignalKind.limit
        /// Stream that brings the signal about (meter, or behaviour behind them); -1 for none or several.
        var stream = -1
        var features = FeatureSet()
        /// Stream whose uses it tells; -1 for none.
        var usageStream = -1
        var usageFeatures = FeatureSet()
        /// Milliseconds: window of gates and combinations, duration of stays and absences.
        var window: Int64 = 0
        /// Events that make a gate, parts of a combination.
        var count = 0
        /// Length of its day rings.
        var ringLength = 0
        var isOnlyWithoutEntitlement = false
        var isOrdered = false
        var stages: ContiguousArray<Stage> = []
        /// Meters of a digest.
        var meters: [Int] = []
        /// Place of a part's combination in `Program.signals`; -1 for what is no part.
        var combination = -1

        struct Stage {
            var stream: Int
            var features: FeatureSet
            var uses: Int
            var days: Int
        }
    }

    /// Combinations come before their parts, rules in their order.
    static func flatten(_ catalogue: Catalogue) -> ContiguousArray<SignalCode> {
        var codes: ContiguousArray<SignalCode> = []
        let meterCount = catalogue.meters.count
        for (index, rule) in catalogue.rules.enumerated() {
            let goLive = max(rule.goLive ?? .earliest, catalogue.policy.goLive ?? .earliest).milliseconds
            let own = codes.count
            codes.append(
                SignalCode(
                    rule: index, signal: rule.signal, version: KeyVersion.ofRule(rule, in: catalogue), goLive: goLive,
                    onChange: rule.onChange, watch: Watch(rule.signal, meterCount: meterCount)))
            guard case .combination(let combination) = rule.signal else { continue }
            for (place, part) in combination.parts.enumerated() {
                var watch = Watch(part.signal, meterCount: meterCount)
                watch.combination = own
                codes.append(
                    SignalCode(
                        rule: index, part: place, signal: part.signal,
                        version: KeyVersion.ofPart(part, in: catalogue), goLive: goLive, onChange: rule.onChange,
                        watch: watch))
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

extension SignalCode.Watch {
    init(_ signal: Signal, meterCount: Int) {
        self.init()
        kind = signal.kind
        func place(_ source: SignalSource) -> (Int, FeatureSet) {
            (source.stream.index(meterCount: meterCount), FeatureSet(source.features))
        }
        switch signal {
        case .limit: break
        case .pace(let signal):
            stream = signal.meter.index
            // The running day, and the next: an event may lie a little ahead of the clock.
            ringLength = signal.days + 2
        case .growth(let signal):
            stream = signal.meter.index
            ringLength = 2 * signal.windowDays + 2
        case .gate(let signal):
            (stream, features) = place(signal.source)
            count = signal.count
            window = signal.window
            isOnlyWithoutEntitlement = signal.onlyWithoutEntitlement
        case .adoption(let signal):
            ringLength = signal.windowDays
            isOrdered = signal.isOrdered
            for stage in signal.stages {
                let (stream, features) = place(stage.source)
                stages.append(Stage(stream: stream, features: features, uses: stage.uses, days: stage.days))
            }
        case .trial(let signal):
            if let usage = signal.usage { (usageStream, usageFeatures) = place(usage) }
        case .event(let signal):
            if case .source(let source) = signal.what { (stream, features) = place(source) }
            if let usage = signal.usage {
                (usageStream, usageFeatures) = place(usage)
                ringLength = signal.usageDays + 1
            }
        case .sustained(let signal):
            stream = signal.meter.index
            window = signal.duration
        case .absence(let signal):
            (stream, features) = place(signal.source)
            window = signal.duration
        case .digest(let signal):
            if let usage = signal.usage { (usageStream, usageFeatures) = place(usage) }
            meters = signal.meters.map(\.index)
        case .combination(let signal):
            window = signal.window
            count = signal.parts.count
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
