internal import UpsellModel

/// A catalogue compiled for the engine: flat tables of integers by meter and rule.
struct Program {
    let catalogue: Catalogue
    let meters: ContiguousArray<MeterCode>
    /// Sorted by meter.
    private(set) var rules: ContiguousArray<RuleCode>
    /// Distinct resets; a `MeterCode.group` is a position here.
    let resets: [Meter.Reset]
    /// Meters of each group.
    let groupMeters: [[Int]]
    let meterVersions: [UInt64]
    /// By meter, when a reload brought it or its present definition; `.min` for those of the start.
    private(set) var meterAdopted: ContiguousArray<Int64>
    /// All signals of all rules, those of combinations behind the combination they are parts of.
    private(set) var signals: ContiguousArray<SignalCode>
    /// By stream (meters, then behaviours): the signals that listen to it, in the order of `signals`.
    let watchers: [[Int]]
    /// Signals that need an account's profile or calendar and no event: trials, absences, digests.
    let calendarSignals: [Int]
    /// Rules look at an account's counters after what they raised: those that wait for an audience or tell `resolved`.
    let hasAlerts: Bool
    /// First signal of each rule.
    let ruleSignals: [Int]
    /// Some rule's thresholds depend on a condition, which may ask for counters of the same record.
    let hasChoices: Bool
    /// Plan of accounts without profile.
    let defaultPlan: Int?
    /// Fresh cells of an account without profile, one for each meter.
    private(set) var defaultCells: ContiguousArray<Cell> = []

    /// Thresholds of all rules on one meter; a cell has one bit for each.
    static let thresholdsMax = 62

    init(_ catalogue: Catalogue) {
        self.catalogue = catalogue
        var resets: [Meter.Reset] = []
        var groupMeters: [[Int]] = []
        var meters: ContiguousArray<MeterCode> = []
        for (index, meter) in catalogue.meters.enumerated() {
            var code = MeterCode(meter)
            if case .period(let reset) = meter.window {
                let group = resets.firstIndex(of: reset) ?? resets.count
                if group == resets.count {
                    resets.append(reset)
                    groupMeters.append([])
                }
                groupMeters[group].append(index)
                code.group = group
            }
            meters.append(code)
        }
        let signals = SignalCode.flatten(catalogue)
        var rules: ContiguousArray<RuleCode> = []
        for meter in catalogue.meters.indices {
            let first = rules.count
            var bit = 0
            for (index, code) in signals.enumerated() {
                guard case .limit(let signal) = code.signal, signal.meter.index == meter else { continue }
                precondition(
                    bit + signal.thresholds.count <= Self.thresholdsMax,
                    "more than \(Self.thresholdsMax) thresholds on meter \(catalogue.meters[meter].name)")
                rules.append(
                    RuleCode(
                        rule: code.rule, signal: index, unit: signal.unit, thresholds: signal.thresholds,
                        band: signal.band, firstBit: bit, version: code.version, goLive: code.goLive,
                        onChange: code.onChange, choice: signal.variants.isEmpty ? nil : ThresholdChoice(signal)))
                bit += signal.thresholds.count
            }
            meters[meter].rules = first..<rules.count
        }
        var watchers: [[Int]] = Array(repeating: [], count: catalogue.meters.count + catalogue.behaviours.count)
        for (index, code) in signals.enumerated() {
            for stream in code.streams(meterCount: catalogue.meters.count) where watchers[stream].last != index {
                watchers[stream].append(index)
            }
        }
        for meter in meters.indices { meters[meter].isWatched = !watchers[meter].isEmpty }
        self.signals = signals
        self.watchers = watchers
        calendarSignals = signals.indices.filter { signals[$0].isOfTheCalendar }
        hasAlerts = catalogue.rules.contains { $0.waits || $0.tellsResolved }
        ruleSignals = catalogue.rules.indices.map { rule in signals.firstIndex { $0.rule == rule } ?? 0 }
        self.meters = meters
        meterAdopted = ContiguousArray(repeating: .min, count: meters.count)
        self.rules = rules
        hasChoices = rules.contains { $0.choice != nil }
        self.resets = resets
        self.groupMeters = groupMeters
        meterVersions = catalogue.meters.map(KeyVersion.ofMeter)
        if case .defaultPlan(let plan) = catalogue.policy.unknownAccounts {
            defaultPlan = plan.index
        } else {
            defaultPlan = nil
        }
        defaultCells = ContiguousArray(
            catalogue.meters.indices.map { meter in
                let limit = limit(of: nil, meter: meter, at: 0)
                return Cell(
                    nextTrip: nextTrip(meter: meter, limit: limit, spent: 0),
                    limitVersion: KeyVersion.ofLimit(limit, since: Timestamp(milliseconds: 0)))
            })
    }

    /// Notes when rules came to accounts that were there.
    mutating func noteAdoption(at instants: [Int64]) {
        for index in rules.indices {
            rules[index].adoptedAt = instants[index]
            signals[rules[index].signal].adoptedAt = instants[index]
        }
    }

    mutating func noteAdoption(ofMetersAt instants: [Int64]) { meterAdopted = ContiguousArray(instants) }

    mutating func noteAdoption(ofSignalsAt instants: [Int64]) {
        for index in signals.indices { signals[index].adoptedAt = instants[index] }
    }

    /// Stream of a source: a meter, or a behaviour behind all meters.
    func stream(_ source: SignalSource) -> Int { source.stream.index(meterCount: meters.count) }

    func streamName(_ stream: Int) -> String {
        stream < meters.count ? catalogue.meters[stream].name : catalogue.behaviours[stream - meters.count].name
    }

    // MARK: Limits

    /// Override, else plan limit plus add-ons, as they hold at `instant` of the partition's clock.
    func limit(of terms: Terms?, meter: Int, at instant: Int64) -> Limit {
        guard let terms else {
            guard let defaultPlan else { return .unlimited }
            return catalogue.plans[defaultPlan].limits[meter].limit
        }
        if !terms.overrides.isEmpty, let override = override(terms, meter) { return override }
        guard let plan = catalogue.plans.first(where: { $0.name == terms.plan(at: instant) }) else { return .unlimited }
        guard case .of(let amount) = plan.limits[meter].limit, !terms.addOns.isEmpty else {
            return plan.limits[meter].limit
        }
        var sum = Int128(amount)
        for holding in terms.addOns {
            if let until = holding.until?.milliseconds, until <= instant { continue }
            guard let addOn = catalogue.addOns.first(where: { $0.name == holding.addOn }) else { continue }
            sum += Int128(addOn.adds[meter]) * Int128(holding.quantity)
            sum = Swift.min(Swift.max(sum, 0), Int128(Int64.max))
        }
        return .of(Int64(sum))
    }

    /// The last override of the meter; one that is no amount of its scale is ignored like one of an unknown meter.
    func override(_ terms: Terms, _ meter: Int) -> Limit? {
        for override in terms.overrides.reversed() where override.meter == catalogue.meters[meter].name {
            guard let text = override.limit else { return .unlimited }
            guard
                let amount = unsafe try? ExactDecimal.parse(text.utf8.span.bytes, scale: catalogue.meters[meter].scale),
                amount >= 0
            else { continue }
            return .of(amount)
        }
        return nil
    }

    // MARK: Thresholds

    /// The usage at which a threshold is reached, or nil where it cannot fire under this limit: limit 0; unlimited with
    /// percent or remaining; a threshold that usage 0 reaches already.
    func trip(_ rule: RuleCode, _ threshold: Int64, _ limit: Limit) -> Int64? {
        let trip: Int128
        switch (limit, rule.unit) {
        case (.of(0), _): return nil
        case (_, .absolute): trip = Int128(threshold)
        case (.unlimited, _): return nil
        case (.of(let amount), .percent): trip = Self.percent(threshold, of: amount)
        case (.of(let amount), .remaining): trip = Int128(amount) - Int128(threshold)
        }
        return trip > 0 ? Int64(exactly: trip) : nil
    }

    /// A spent threshold re-arms when usage lies strictly below this; nil where it cannot fire under any usage.
    ///
    /// An absolute one does not depend on the limit, so that it re-arms under limit 0 too.
    func release(_ rule: RuleCode, _ threshold: Int64, _ limit: Limit) -> Int64? {
        guard rule.unit == .absolute || trip(rule, threshold, limit) != nil else { return nil }
        let release: Int128
        switch (limit, rule.unit) {
        case (_, .absolute): release = Int128(threshold) - Int128(rule.band)
        case (.of(let amount), .percent): release = Self.percent(threshold - rule.band, of: amount)
        case (.of(let amount), .remaining): release = Int128(amount) - Int128(threshold) - Int128(rule.band)
        case (.unlimited, _): return nil
        }
        return Int64(clamping: release)
    }

    /// The least usage u with u ≥ hundredths × amount / 10,000, so that comparing integers is exact.
    private static func percent(_ hundredths: Int64, of amount: Int64) -> Int128 {
        let product = Int128(hundredths) * Int128(amount)
        let (quotient, remainder) = product.quotientAndRemainder(dividingBy: 10_000)
        return remainder > 0 ? quotient + 1 : quotient
    }

    /// The least usage at which an armed threshold of the meter is reached.
    func nextTrip(meter: Int, limit: Limit, spent: UInt64) -> Int64 {
        var next = Int64.max
        for index in meters[meter].rules {
            let rule = rules[index]
            for (position, threshold) in rule.thresholds.enumerated() where spent & rule.bit(position) == 0 {
                if let trip = trip(rule, threshold, limit) { next = Swift.min(next, trip) }
            }
        }
        return next
    }
}

/// A meter as the hot path sees it.
struct MeterCode {
    var aggregation: Meter.Aggregation
    var kind: WindowKind
    /// Position in `Program.resets`; -1 outside `period`.
    var group = -1
    var hasDimension: Bool
    /// A plain sum or count of a period: the short path.
    var isPlain: Bool
    /// Rolling: length of the window in milliseconds.
    var span: Int64 = 0
    var uniqueMax: Int
    var dimensionMax: Int
    var rules = 0..<0
    /// Signals other than `limit` listen to it.
    var isWatched = false

    enum WindowKind: UInt8 { case period, rolling, lifetime, gauge }

    init(_ meter: Meter) {
        aggregation = meter.aggregation
        hasDimension = meter.dimension != nil
        uniqueMax = meter.uniqueMax
        dimensionMax = meter.dimension?.max ?? 0
        switch meter.window {
        case .period: kind = .period
        case .rolling(let days):
            kind = .rolling
            span = Int64(days) * .millisecondsPerDay
        case .lifetime: kind = .lifetime
        case .gauge: kind = .gauge
        }
        isPlain = kind == .period && !hasDimension && (aggregation == .count || aggregation == .sum)
    }

    /// Thresholds re-arm when usage falls.
    var rearms: Bool { kind == .rolling || kind == .gauge }
    var keepsMembers: Bool { aggregation == .unique || aggregation == .activeDays }
}

/// A rule as the engine evaluates it.
struct RuleCode {
    /// Position in `Catalogue.rules`.
    var rule: Int
    /// Position in `Program.signals`.
    var signal: Int
    var unit: ThresholdUnit
    var thresholds: [Int64]
    var band: Int64
    /// Bit of the first threshold in `Cell.spent`.
    var firstBit: Int
    var version: UInt64
    /// When a reload brought the rule or this version of it; `.min` for those of the start.
    var adoptedAt = Int64.min
    /// Of rule and catalogue, the later one.
    var goLive: Int64
    var onChange: Rule.OnChange
    /// Which thresholds are an account's own; nil: all.
    var choice: ThresholdChoice?

    func bit(_ position: Int) -> UInt64 { 1 << UInt64(firstBit + position) }
    var mask: UInt64 { ((1 << UInt64(thresholds.count)) - 1) << UInt64(firstBit) }
}
