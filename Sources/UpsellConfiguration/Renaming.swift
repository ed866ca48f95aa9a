import UpsellModel

/// Brings signals and conditions of one catalogue to the positions of another, by names, so that they can be compared.
///
/// What the other does not have gets a position that nothing has.
struct Renaming {
    private var meters: [MeterID]
    private var behaviours: [BehaviourID]

    init(from old: Catalogue, to new: Catalogue) {
        meters = old.meters.map { new.meter(named: $0.name) ?? MeterID(rawValue: .max) }
        behaviours = old.behaviours.map { behaviour in
            new.behaviours.firstIndex { $0.name == behaviour.name }.map(BehaviourID.init(_:))
                ?? BehaviourID(rawValue: .max)
        }
    }

    func signal(_ signal: Signal) -> Signal {
        switch signal {
        case .limit(var signal):
            signal.meter = meter(signal.meter)
            for index in signal.variants.indices {
                signal.variants[index].condition = condition(signal.variants[index].condition)
            }
            return .limit(signal)
        case .pace(var signal):
            signal.meter = meter(signal.meter)
            return .pace(signal)
        case .gate(var signal):
            signal.source = source(signal.source)
            return .gate(signal)
        case .adoption(var signal):
            for index in signal.stages.indices { signal.stages[index].source = source(signal.stages[index].source) }
            return .adoption(signal)
        case .trial(var signal):
            signal.usage = signal.usage.map(source)
            return .trial(signal)
        case .event(var signal):
            if case .source(let listened) = signal.what { signal.what = .source(source(listened)) }
            signal.usage = signal.usage.map(source)
            return .event(signal)
        case .growth(var signal):
            signal.meter = meter(signal.meter)
            return .growth(signal)
        case .sustained(var signal):
            signal.meter = meter(signal.meter)
            return .sustained(signal)
        case .absence(var signal):
            signal.source = source(signal.source)
            return .absence(signal)
        case .digest(var signal):
            signal.usage = signal.usage.map(source)
            signal.meters = signal.meters.map(meter)
            return .digest(signal)
        case .combination(var combination):
            for index in combination.parts.indices {
                combination.parts[index].signal = self.signal(combination.parts[index].signal)
            }
            return .combination(combination)
        }
    }

    func condition(_ condition: Condition) -> Condition {
        switch condition {
        case .all(let parts): .all(parts.map(self.condition))
        case .any(let parts): .any(parts.map(self.condition))
        case .not(let part): .not(self.condition(part))
        case .number(.usage(let id), let test): .number(.usage(meter(id)), test)
        case .number(.percent(let id), let test): .number(.percent(meter(id)), test)
        case .number(.limit(let id), let test): .number(.limit(meter(id)), test)
        case .segment, .text, .number, .exists: condition
        }
    }

    func routes(_ routes: [ChannelRoute]) -> [ChannelRoute] {
        routes.map { ChannelRoute($0.channel, condition: $0.condition.map(condition), gainMin: $0.gainMin) }
    }

    func steps(_ steps: [RuleStep]) -> [RuleStep] {
        steps.map { step in
            var step = step
            step.channels = routes(step.channels)
            return step
        }
    }

    private func meter(_ id: MeterID) -> MeterID { meters[id.index] }

    private func source(_ source: SignalSource) -> SignalSource {
        switch source.stream {
        case .meter(let id): SignalSource(.meter(meter(id)), features: source.features)
        case .behaviour(let id): SignalSource(.behaviour(behaviours[id.index]), features: source.features)
        }
    }
}
