import UpsellModel

/// Reads what a rule watches for: one signal, or several under `all`, `any` or `score`.
struct SignalReader {
    let definitions: Definitions
    /// Name of the rule; nil where it has none.
    let rule: String?

    var catalog: CatalogFile { definitions.catalog }

    static let kinds = [
        "limit", "pace", "gate", "adoption", "trial", "event", "growth", "sustained", "absence", "digest", "all", "any",
        "score",
    ]

    /// The signal, or nil after a complaint (or where what it refers to could not be read).
    func read(_ value: Value, isPart: Bool = false) -> Signal? {
        let section = Section(value, keys: Self.kinds)
        let given = Self.kinds.filter { section[$0] != nil }
        guard let kind = given.first, let body = section[kind], given.count == 1 else {
            // An unknown signal is one mistake, not two.
            if given.count > 1 {
                value.complain(
                    "\(given.count) signals (\(given.joined(separator: ", ")))",
                    expected: "one; several together are the parts of all, any or score", at: value.keyMark)
            } else if !section.hasUnknown, value.isMap || value.node.isNull {
                value.complain("no signal", expected: Value.list(Self.kinds), at: value.keyMark)
            }
            return nil
        }
        let signal = signal(body, kind, isPart: isPart)
        if let signal { definitions.note(signal, at: body) }
        return signal
    }

    private func signal(_ body: Value, _ kind: String, isPart: Bool) -> Signal? {
        switch kind {
        case "limit": return limit(body).map(Signal.limit)
        case "pace": return pace(body).map(Signal.pace)
        case "gate": return gate(body).map(Signal.gate)
        case "adoption": return adoption(body).map(Signal.adoption)
        case "trial": return trial(body).map(Signal.trial)
        case "event": return event(body).map(Signal.event)
        case "growth": return growth(body).map(Signal.growth)
        case "sustained": return sustained(body).map(Signal.sustained)
        case "absence": return absence(body).map(Signal.absence)
        default:
            if isPart {
                body.complain(
                    "\(kind) cannot be a part", expected: "one of the other signals", at: body.keyMark)
                return nil
            }
            return kind == "digest" ? digest(body).map(Signal.digest) : combination(body, kind).map(Signal.combination)
        }
    }

    // MARK: What they share

    func meter(_ value: Value) -> (index: Int, meter: Meter)? {
        guard let name = value.name() else { return nil }
        guard let index = catalog.index(ofMeter: name) else {
            catalog.complainAboutMeter(name, value)
            return nil
        }
        return (index, catalog.meters[index])
    }

    func meter(of section: Section) -> (index: Int, meter: Meter)? {
        section.required("meter", expected: "the name of a meter").flatMap { meter($0) }
    }

    /// Complains where a signal cannot read a meter; silent where the meter itself was complained about.
    func requires(_ isRight: Bool, _ meter: Meter, _ section: Section, _ expected: String) -> Bool {
        if isRight { return true }
        if !catalog.doubtful.contains(meter.name) {
            section["meter"]?.complain(
                "meter \"\(quoted(meter.name))\" is \(Self.kind(meter))", expected: expected)
        }
        return false
    }

    private static func kind(_ meter: Meter) -> String {
        let window: String
        switch meter.window {
        case .period(let reset): window = "a period of a \(reset.unit.rawValue)"
        case .rolling(let days): window = "the last \(days) days"
        case .lifetime: window = "a lifetime"
        case .gauge: return "a gauge of \(meter.aggregation.rawValue)"
        }
        return "\(meter.aggregation.rawValue) over \(window)"
    }

    static let sourceKeys = ["on", "features"]

    /// `on:` and `features:`: a behaviour or meter by name, or a behaviour as it is.
    func source(_ section: Section) -> SignalSource? {
        let expected = "a behaviour, a meter, or {events: …}"
        guard let value = section.required("on", expected: expected) else { return nil }
        guard let (stream, hasFeatures) = stream(value, expected) else { return nil }
        guard let list = section["features"] else { return SignalSource(stream) }
        let features = list.texts("a feature or a list of them", max: ConfigurationBounds.signalFeaturesMax)
        if !hasFeatures {
            let remedy: String
            switch stream {
            case .meter: remedy = "a meter with a dimension"
            case .behaviour: remedy = "a behaviour with `feature`, the path of its name"
            }
            list.complain(
                "what it listens to tells no feature", expected: "no features, or \(remedy)", at: list.keyMark)
            return nil
        }
        return features.isEmpty ? nil : SignalSource(stream, features: features)
    }

    /// The stream, and whether its readings tell a feature.
    private func stream(_ value: Value, _ expected: String) -> (SignalSource.Stream, Bool)? {
        func ofMeter(_ index: Int) -> (SignalSource.Stream, Bool) {
            let meter = catalog.meters[index]
            // Of a meter with a complaint nothing is known for certain.
            return (.meter(MeterID(index)), meter.dimension != nil || catalog.doubtful.contains(meter.name))
        }
        if value.isMap {
            let section = Section(value, keys: ["meter"] + Definitions.behaviourKeys)
            guard let place = section["meter"] else {
                if section["events"] == nil, section.hasUnknown { return nil }
                let index = definitions.anonymousBehaviour(section)
                return (.behaviour(BehaviourID(index)), definitions.behaviours[index].feature != nil)
            }
            if let other = Definitions.behaviourKeys.compactMap({ section[$0] }).first {
                other.complain("a meter and events", expected: "one of them", at: other.keyMark)
                return nil
            }
            return meter(place).map { ofMeter($0.index) }
        }
        guard case .scalar = value.node.content, !value.node.isNull else {
            value.complain(notA: expected)
            return nil
        }
        guard let name = value.name() else { return nil }
        if let index = definitions.behaviours.firstIndex(where: { $0.name == name }) {
            return (.behaviour(BehaviourID(index)), definitions.behaviours[index].feature != nil)
        }
        if let index = catalog.index(ofMeter: name) { return ofMeter(index) }
        guard definitions.knowsBehaviours, catalog.knowsMeters else { return nil }
        let known = definitions.namedBehaviours + catalog.meters.map(\.name)
        value.complain(
            "unknown behaviour or meter \"\(quoted(name))\"\(didYouMean(name, among: known))",
            expected: known.count > 12 ? "a name of behaviours or meters" : Value.list(known))
        return nil
    }

    /// `uses:`, what is told of features.
    func uses(_ section: Section, key: String = "uses") -> (source: SignalSource?, isRight: Bool) {
        guard let value = section[key], !value.node.isNull else { return (nil, true) }
        let source = source(Section(value, keys: Self.sourceKeys, expected: "{on: …, features: […]}"))
        return (source, source != nil)
    }

    /// Reads a setting and says whether it was right; absent is right.
    func read<Setting>(_ value: Value?, _ setting: inout Setting, _ read: (Value) -> Setting?) -> Bool {
        guard let value else { return true }
        guard let result = read(value) else { return false }
        setting = result
        return true
    }
}
