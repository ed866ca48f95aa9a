internal import UpsellModel

/// The guide's example as `config/catalog.yaml` and `config/rules.yaml` have it, for a demo that must find no file.
///
/// A test loads those files and compares. One difference is meant: here `api_calls` adds up `data.requests` where the
/// files count events, so that one simulated event stands for the requests of an hour.
enum DemoCatalogue {
    /// Plan of accounts without profile.
    static let defaultPlan = "basic"
    /// CloudEvents type of the events that carry requests and bytes.
    static let requestType = "api.request"

    /// The catalogue of the simulated month.
    ///
    /// - Parameter limit: of `api_calls` in the default plan; nil: as in the file.
    static func simulation(limit: Int64? = nil) -> Catalogue {
        var catalogue = Catalogue(meters: meters, plans: plans, addOns: addOns, rules: rules)
        if let limit, let plan = catalogue.plan(named: defaultPlan), let meter = catalogue.meter(named: Tally.meter) {
            catalogue.plans[plan.index].limits[meter.index].limit = .of(limit)
        }
        return catalogue
    }

    /// The catalogue for an access log: `bandwidth` is unlimited.
    static func accessLog(limit: Int64?) -> Catalogue {
        var catalogue = simulation(limit: limit)
        guard let meter = catalogue.meter(named: "bandwidth") else { return catalogue }
        for plan in catalogue.plans.indices { catalogue.plans[plan].limits[meter.index] = .unlimited }
        return catalogue
    }

    static let meters = [
        Meter(
            name: "users", eventTypes: ["account.seats"], aggregation: .latest, value: FieldPath(dotted: "data.seats"),
            unit: "seats", window: .gauge),
        Meter(
            name: "storage", eventTypes: ["storage.measured"], aggregation: .latest,
            value: FieldPath(dotted: "data.bytes"), unit: "bytes", window: .gauge),
        Meter(
            name: "integrations", eventTypes: ["integration.connected", "integration.disconnected"], aggregation: .sum,
            value: FieldPath(dotted: "data.change"), unit: "integrations", window: .gauge),
        Meter(
            name: "api_calls", eventTypes: [requestType], aggregation: .sum,
            value: FieldPath(dotted: "data.requests"), unit: "requests", window: .period(Meter.Reset(.month))),
        Meter(
            name: "bandwidth", eventTypes: [requestType], aggregation: .sum, value: FieldPath(dotted: "data.bytes"),
            unit: "bytes", window: .period(Meter.Reset(.month))),
    ]

    private static let gigabyte: Int64 = 1_000_000_000
    private static let noPeople = "Further people cannot be invited."
    private static let noUploads = "Uploads are refused until space is freed."
    private static let noIntegrations = "Further integrations cannot be connected."
    private static let noRequests = "Requests are answered with status 429 until the month ends."
    private static let slow = "Downloads are slowed down until the month ends."

    static let plans = [
        Plan(
            name: "basic", title: "Basic",
            limits: [
                .init(.of(5), consequence: noPeople), .init(.of(10 * gigabyte), consequence: noUploads),
                .init(.of(3), consequence: noIntegrations), .init(.of(10_000), consequence: noRequests),
                .init(.of(50 * gigabyte), enforcement: .soft, consequence: slow),
            ],
            prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 2_900)],
            features: [.init(name: "reporting", level: "basic"), .init(name: "support", level: "e-mail")],
            benefits: ["The essentials for a small team"]),
        Plan(
            name: "pro", title: "Pro",
            limits: [
                .init(.of(25), consequence: noPeople), .init(.of(100 * gigabyte), consequence: noUploads),
                .init(.of(10), consequence: noIntegrations), .init(.of(100_000), consequence: noRequests),
                .init(.of(500 * gigabyte), enforcement: .soft, consequence: slow),
            ],
            prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 9_900)],
            features: [.init(name: "reporting", level: "advanced"), .init(name: "support", level: "priority")],
            benefits: [
                "Five times the seats and ten times the storage of Basic", "Advanced reporting", "Priority support",
            ]),
        Plan(
            name: "enterprise", title: "Enterprise",
            limits: [
                .unlimited,
                .init(.of(1_000 * gigabyte), enforcement: .soft, consequence: "Your account manager is told."),
                .unlimited, .unlimited, .unlimited,
            ],
            prices: [Price(currency: "USD", interval: .month, kind: .from, amount: 29_900)],
            features: [.init(name: "reporting", level: "customisable"), .init(name: "support", level: "dedicated")],
            benefits: ["Unlimited people and integrations", "Customisable reporting", "A dedicated contact"]),
    ]

    static let addOns = [
        AddOn(
            name: "storage-100", title: "100 GB more storage", adds: [0, 100 * gigabyte, 0, 0, 0],
            prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 1_500)]),
        AddOn(
            name: "seats-5", title: "Five more seats", adds: [5, 0, 0, 0, 0],
            prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 2_000)]),
    ]

    static let rules = [
        rule(
            "storage-nearly-full", 1, .percent, [8_000, 9_000, 10_000], band: 500,
            "Storage is nearly full; more space, or the next plan, solves it.",
            "Your storage is nearly full. The next plan gives you ten times the space."),
        rule(
            "users-limit", 0, .percent, [8_000, 10_000], band: 500,
            "Nearly every seat of the plan is taken.", "Your team is growing. The next plan has room for everybody."),
        rule(
            "integrations-last-one", 2, .remaining, [1, 0], band: 0,
            "One integration is left, then none.",
            "Connect everything you use. The next plan has room for more integrations."),
        rule(
            "api-calls-limit", 3, .percent, [8_000, 9_000, 10_000], band: 500,
            "Most of the month's API calls are used.",
            "Your integration is busy. The next plan allows ten times the requests."),
        rule(
            "bandwidth-limit", 4, .percent, [8_000, 9_000, 10_000, 12_000], band: 500,
            "Most of the month's bandwidth is used.",
            "Your downloads are popular. The next plan delivers ten times as much at full speed."),
    ]

    private static func rule(
        _ name: String, _ meter: Int, _ unit: ThresholdUnit, _ thresholds: [Int64], band: Int64, _ summary: String,
        _ message: String
    ) -> Rule {
        let signal = LimitSignal(meter: MeterID(meter), unit: unit, thresholds: thresholds, band: band)
        return Rule(name: name, signal: .limit(signal), summary: summary, message: message)
    }
}
