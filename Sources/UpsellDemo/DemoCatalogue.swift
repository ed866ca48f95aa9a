internal import UpsellModel

/// The guide's example as `config/catalog.yaml` and `config/rules.yaml` have it, for a demo that must find no file.
///
/// A test loads those files and compares.
enum DemoCatalogue {
    /// Plan of accounts without profile.
    static let defaultPlan = "basic"

    /// - Parameter limit: of `api_calls` in the default plan; nil: as in the file.
    static func make(limit: Int64?) -> Catalogue {
        var plans = self.plans
        let calls = meters.firstIndex { $0.name == Tally.meter }
        let basic = plans.firstIndex { $0.name == defaultPlan }
        if let limit, let calls, let basic { plans[basic].limits[calls].limit = .of(limit) }
        return Catalogue(meters: meters, plans: plans, rules: rules)
    }

    private static let month = Meter.Window.period(Meter.Reset(.month))

    static let meters = [
        Meter(
            name: "users", eventTypes: ["user.changed"], aggregation: .sum, value: FieldPath(dotted: "data.change"),
            unit: "users", window: .gauge),
        Meter(
            name: "storage", eventTypes: ["storage.measured"], aggregation: .latest,
            value: FieldPath(dotted: "data.bytes"), unit: "bytes", window: .gauge),
        Meter(
            name: "integrations", eventTypes: ["integration.changed"], aggregation: .sum,
            value: FieldPath(dotted: "data.change"), unit: "integrations", window: .gauge),
        Meter(
            name: "api_calls", eventTypes: [AccessLogFeed.eventType], aggregation: .sum,
            value: FieldPath(dotted: "data.requests"), unit: "requests", window: month),
        Meter(
            name: "bandwidth", eventTypes: [AccessLogFeed.eventType], aggregation: .sum,
            value: FieldPath(dotted: "data.bytes"), unit: "bytes", window: month),
    ]

    private static let gigabyte: Int64 = 1_000_000_000

    static let plans = [
        Plan(
            name: "basic", title: "Basic",
            limits: [
                .init(.of(5)), .init(.of(10 * gigabyte)), .init(.of(3)), .init(.of(10_000)), .unlimited,
            ],
            prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 2_900)]),
        Plan(
            name: "pro", title: "Pro",
            limits: [
                .init(.of(25)), .init(.of(100 * gigabyte)), .init(.of(10)), .init(.of(100_000)), .unlimited,
            ],
            prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 9_900)]),
        Plan(
            name: "enterprise", title: "Enterprise",
            limits: [.unlimited, .init(.of(1_000 * gigabyte)), .unlimited, .unlimited, .unlimited],
            prices: [Price(currency: "USD", interval: .month, kind: .from, amount: 29_900)]),
    ]

    static let rules = ["users", "storage", "integrations", "api_calls"].enumerated().map { index, name in
        Rule(
            name: "\(name)-limit",
            signal: .limit(
                LimitSignal(meter: MeterID(index), unit: .percent, thresholds: [8_000, 9_000, 10_000], band: 500)))
    }
}
