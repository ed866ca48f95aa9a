extension Workload {
    enum Window { case day, month, lifetime }

    struct Meter: Sendable {
        var name: String
        var window: Window
        /// Adds up amounts; else counts events.
        var addsAmounts: Bool
    }

    struct Rule: Sendable {
        var name: String
        var meter: Int
        var isPercent: Bool
        /// Ascending; whole percents or whole units.
        var thresholds: [Int64]
    }

    static let meters = [
        Meter(name: "volume", window: .day, addsAmounts: true),
        Meter(name: "calls", window: .month, addsAmounts: false),
        Meter(name: "total", window: .lifetime, addsAmounts: true),
    ]

    /// Events of an account of the crowd in the whole run, at least 4.
    private var share: Int64 { Int64(max(4, events / accounts)) }

    /// By meter, for the basic plan times a factor: what the busy exceed, and some of the others.
    func limits(times factor: Int64) -> [Int64] {
        [max(30, share * 40 / Int64(days)) * factor, share * factor, share * 20 * factor]
    }

    var rules: [Rule] {
        [
            Rule(name: "day-volume", meter: 0, isPercent: true, thresholds: [80, 90, 100, 150]),
            Rule(name: "month-calls", meter: 1, isPercent: true, thresholds: [20, 40, 60, 80, 90, 100, 200]),
            Rule(name: "first-calls", meter: 1, isPercent: false, thresholds: [1, share / 2 + 1, share * 2]),
            Rule(
                name: "total-ever", meter: 2, isPercent: false,
                thresholds: [share, share * 5, share * 10, share * 20, share * 100]),
        ]
    }

    /// `catalog.yaml`
    var catalogueFile: String {
        let windows = [Window.day: "period\n    reset: { every: day }", .month: "period", .lifetime: "lifetime"]
        let meters = Self.meters.map { meter in
            """
              \(meter.name):
                events: \(Self.eventType)
                aggregation: \(meter.addsAmounts ? "sum\n    value: data.amount" : "count")
                unit: \(meter.addsAmounts ? "units" : "calls")
                window: \(windows[meter.window] ?? "")
            """
        }
        let plans = [("basic", Int64(1)), ("pro", 3)].map { name, factor in
            let limits = zip(Self.meters, limits(times: factor)).map { "\($0.name): \($1)" }
            return "  - { name: \(name), limits: { \(limits.joined(separator: ", ")) } }"
        }
        return (["meters:"] + meters + ["plans:"] + plans).joined(separator: "\n") + "\n"
    }

    /// `rules.yaml`
    var rulesFile: String {
        let lines = rules.map { rule in
            let thresholds = rule.thresholds.map(String.init).joined(separator: ", ")
            return "  - { name: \(rule.name), signal: { limit: { meter: \(Self.meters[rule.meter].name), thresholds: "
                + "{ \(rule.isPercent ? "percent" : "absolute"): [\(thresholds)] } } } }"
        }
        return (["rules:"] + lines).joined(separator: "\n") + "\n"
    }
}
