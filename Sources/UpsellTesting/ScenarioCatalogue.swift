public import UpsellModel

/// A catalogue as scenarios write it, one definition a line; a later line replaces an earlier one of the same name.
///
/// - `meter NAME AGGREGATION day|week|month|year[ anniversary] | rolling DAYS | lifetime | gauge [by DIMENSION MAX]
///   [unique MAX]`
/// - `plan NAME METER=LIMIT|unlimited…`: the ladder, lowest first
/// - `addon NAME METER=N…`
/// - `rule NAME METER percent|absolute|remaining T T… [band N] [evaluate] [golive TIME] [says WORDS…]`
/// - `accounts wait [SECONDS [CAPACITY]]|ignore|default PLAN`, `grace HOURS`, `dedup CAPACITY`, `golive TIME`
public struct ScenarioCatalogue {
    private var meters: [Meter] = []
    private var plans: [(name: String, limits: [String: Limit])] = []
    private var addOns: [(name: String, adds: [String: Int64])] = []
    private var rules: [(meter: String, rule: Rule)] = []
    private var policy = ScenarioCatalogue.everythingGoesOut
    private var defaultPlan: String?

    public init() {}

    /// Nothing competes and no upgrade pauses anything, so that scenarios about counting see every trigger.
    private static var everythingGoesOut: Policy {
        var policy = Policy()
        policy.arbitrationWindow = nil
        policy.upgradePause = 0
        return policy
    }

    /// - Returns: false if the line is not understood.
    public mutating func define(_ line: String) -> Bool {
        var words = line.split(separator: " ").map(String.init)
        guard words.count >= 2 else { return false }
        let kind = words.removeFirst()
        let name = words.removeFirst()
        switch kind {
        case "meter": return defineMeter(name, words)
        case "plan":
            var limits: [String: Limit] = [:]
            for (meter, amount) in Self.pairs(words) {
                limits[meter] = amount == "unlimited" ? .unlimited : .of(Int64(amount) ?? 0)
            }
            plans.replace((name, limits)) { $0.name == name }
        case "addon":
            var adds: [String: Int64] = [:]
            for (meter, amount) in Self.pairs(words) { adds[meter] = Int64(amount) }
            addOns.replace((name, adds)) { $0.name == name }
        case "rule": return defineRule(name, words)
        case "accounts":
            defaultPlan = nil
            switch name {
            case "wait":
                policy.unknownAccounts = .wait
                if let seconds = words.first.flatMap({ Int64($0) }) { policy.waitDuration = seconds * 1000 }
                if words.count > 1, let capacity = Int(words[1]) { policy.waitCapacity = capacity }
            case "ignore": policy.unknownAccounts = .ignore
            case "default": defaultPlan = words.first
            default: return false
            }
        case "grace": policy.grace = (Int64(name) ?? 24) * .millisecondsPerHour
        case "dedup": policy.dedupCapacity = Int(name) ?? 500_000
        case "golive": policy.goLive = ScenarioTime.parse(name)
        default: return false
        }
        return true
    }

    public var built: Catalogue {
        func position(_ name: String) -> Int? { meters.firstIndex { $0.name == name } }
        var policy = policy
        if let defaultPlan, let index = plans.firstIndex(where: { $0.name == defaultPlan }) {
            policy.unknownAccounts = .defaultPlan(PlanID(index))
        }
        return Catalogue(
            meters: meters,
            plans: plans.map { plan in
                Plan(name: plan.name, limits: meters.map { Plan.PlanLimit(plan.limits[$0.name] ?? .unlimited) })
            },
            addOns: addOns.map { addOn in
                AddOn(name: addOn.name, adds: meters.map { addOn.adds[$0.name] ?? 0 })
            },
            rules: rules.compactMap { entry in
                guard let meter = position(entry.meter), case .limit(var signal) = entry.rule.signal else { return nil }
                signal.meter = MeterID(meter)
                var rule = entry.rule
                rule.signal = .limit(signal)
                return rule
            },
            policy: policy)
    }

    private mutating func defineMeter(_ name: String, _ words: [String]) -> Bool {
        guard words.count >= 2, let aggregation = Meter.Aggregation(rawValue: words[0]) else { return false }
        var meter = Meter(name: name, eventTypes: [name], aggregation: aggregation, window: .lifetime)
        var index = 2
        switch words[1] {
        case "rolling":
            guard words.count > 2, let days = Int(words[2]) else { return false }
            meter.window = .rolling(days: days)
            index = 3
        case "lifetime": meter.window = .lifetime
        case "gauge": meter.window = .gauge
        default:
            guard let unit = Meter.Reset.Unit(rawValue: words[1]) else { return false }
            let anniversary = words.count > 2 && words[2] == "anniversary"
            meter.window = .period(Meter.Reset(unit, anniversary ? .anniversary : .calendar))
            if anniversary { index = 3 }
        }
        while index < words.count {
            switch words[index] {
            case "by":
                guard index + 2 < words.count, let max = Int(words[index + 2]) else { return false }
                meter.dimension = Meter.Dimension(
                    name: words[index + 1], path: FieldPath(dotted: "data." + words[index + 1]), max: max)
                index += 3
            case "unique":
                guard index + 1 < words.count, let max = Int(words[index + 1]) else { return false }
                meter.uniqueMax = max
                index += 2
            default: return false
            }
        }
        meters.replace(meter) { $0.name == name }
        return true
    }

    private mutating func defineRule(_ name: String, _ words: [String]) -> Bool {
        guard words.count >= 3, let unit = ThresholdUnit(rawValue: words[1]) else { return false }
        let scale = unit == .percent ? 2 : 0
        func number(_ text: String) -> Int64? {
            unsafe try? ExactDecimal.parse(text.utf8.span.bytes, scale: scale)
        }
        var thresholds: [Int64] = []
        var band: Int64 = unit == .percent ? 500 : 5
        var rule = Rule(name: name, signal: .limit(LimitSignal(meter: MeterID(0), unit: unit, thresholds: [], band: 0)))
        var index = 2
        scan: while index < words.count {
            switch words[index] {
            case "band":
                guard index + 1 < words.count, let number = number(words[index + 1]) else { return false }
                band = number
                index += 2
            case "evaluate":
                rule.onChange = .evaluate
                index += 1
            case "golive":
                guard index + 1 < words.count else { return false }
                rule.goLive = ScenarioTime.parse(words[index + 1])
                index += 2
            case "says":
                rule.message = words[(index + 1)...].joined(separator: " ")
                break scan
            default:
                guard let number = number(words[index]) else { return false }
                thresholds.append(number)
                index += 1
            }
        }
        rule.signal = .limit(LimitSignal(meter: MeterID(0), unit: unit, thresholds: thresholds, band: band))
        rules.replace((words[0], rule)) { $0.rule.name == name }
        return true
    }

    private static func pairs(_ words: [String]) -> [(String, String)] {
        words.compactMap { word in
            let pair = word.split(separator: "=").map(String.init)
            return pair.count == 2 ? (pair[0], pair[1]) : nil
        }
    }
}

extension Array {
    /// Puts `element` in the place of the first that matches, else at the end.
    fileprivate mutating func replace(_ element: Element, _ matches: (Element) -> Bool) {
        if let index = firstIndex(where: matches) { self[index] = element } else { append(element) }
    }
}
