import Testing
import UpsellModel

@testable import UpsellEngine

/// What is offered, as a table: one situation a row, each the base with one thing changed.
struct RemedyTests {
    struct Case: Sendable, CustomStringConvertible {
        var description: String
        var wanted: String
        var change: @Sendable (inout Catalogue, inout RemedySituation) -> Void

        init(
            _ description: String, _ wanted: String,
            _ change: @escaping @Sendable (inout Catalogue, inout RemedySituation) -> Void
        ) {
            self.description = description
            self.wanted = wanted
            self.change = change
        }
    }

    static let seats = 0
    static let calls = 1
    static let hours = 2

    /// Seats, calls, hours (two decimals); basic $29, pro $99, enterprise from $299.
    static let base: Catalogue = {
        func price(_ amount: Int64, _ interval: Price.Interval = .month, _ kind: Price.Kind = .exact) -> Price {
            Price(currency: "USD", interval: interval, kind: kind, amount: amount)
        }
        func limits(_ seats: Int64?, _ calls: Int64?, _ hours: Int64?) -> [Plan.PlanLimit] {
            [seats, calls, hours].map { Plan.PlanLimit($0.map { .of($0) } ?? .unlimited) }
        }
        return Catalogue(
            meters: [
                Meter(name: "seats", eventTypes: ["s"], aggregation: .latest, unit: "seats", window: .gauge),
                Meter(name: "calls", eventTypes: ["c"], aggregation: .count, window: .period(.init(.month))),
                Meter(
                    name: "hours", eventTypes: ["h"], aggregation: .sum, unit: "hours", scale: 2,
                    window: .period(.init(.month))),
            ],
            plans: [
                Plan(
                    name: "basic", title: "Basic", limits: limits(5, 1000, 1000),
                    prices: [price(2900), price(29_000, .year)],
                    features: [Plan.Feature(name: "reporting", level: "basic")], benefits: ["mail"]),
                Plan(
                    name: "pro", title: "Pro", limits: limits(25, 10_000, 10_000),
                    prices: [price(9900), price(99_000, .year)],
                    features: [
                        Plan.Feature(name: "reporting", level: "advanced"), Plan.Feature(name: "export", level: "yes"),
                    ], benefits: ["mail", "priority"]),
                Plan(
                    name: "enterprise", title: "Enterprise", limits: limits(nil, nil, 100_000),
                    prices: [price(29_900, .month, .from)],
                    features: [
                        Plan.Feature(name: "reporting", level: "custom"), Plan.Feature(name: "export", level: "yes"),
                        Plan.Feature(name: "sso", level: "yes"),
                    ]),
            ])
    }()

    static let packs = [
        AddOn(
            name: "pack", title: "500 calls", adds: [0, 500, 0],
            prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 1500)]),
        AddOn(
            name: "seat", title: "A seat", adds: [1, 0, 0],
            prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 800)]),
    ]

    /// On basic, 900 of 1000 calls used, heading for 1100.
    static func situation(_ catalogue: Catalogue, plan: String = "basic") -> RemedySituation {
        var situation = RemedySituation(
            plan: plan, overrides: [nil, nil, nil], limits: [], used: [3, 900, 200], projected: [3, 1100, 200])
        situation.currency = "USD"
        situation.focus = .limit(meter: calls)
        put(plan, catalogue, &situation)
        return situation
    }

    /// The account has the plan, with its overrides and add-ons.
    static func put(_ plan: String, _ catalogue: Catalogue, _ situation: inout RemedySituation) {
        situation.plan = plan
        guard let index = catalogue.plans.firstIndex(where: { $0.name == plan }) else {
            situation.limits = catalogue.meters.map { _ in .unlimited }
            return
        }
        let finder = RemedyFinder(
            catalogue: catalogue,
            situation: {
                var bare = situation
                bare.limits = catalogue.meters.map { _ in .unlimited }
                return bare
            }())
        situation.limits = catalogue.meters.indices.map { finder.limit($0, plan: index) }
    }

    static func overage(_ amount: Int64, _ units: Int64, _ currency: String = "USD") -> [Plan.Overage] {
        [Plan.Overage(currency: currency, amount: amount, units: units)]
    }

    static let cases: [Case] = [
        Case("the next plan lifts it", "plan pro 9900 +7000") { _, _ in },
        Case("only an unlimited one lifts it", "none from_price enterprise") { _, s in s.projected[calls] = 50_000 },
        Case("unlimited with an exact price", "plan enterprise 29900 +27000") { c, s in
            c.plans[2].prices[0].kind = .exact
            s.projected[calls] = .max
        },
        Case("the price is on request", "none contact_price enterprise") { c, s in
            c.plans[2].prices[0].kind = .contact
            s.projected[calls] = 50_000
        },
        Case("on request in another currency", "none contact_price enterprise") { c, s in
            c.plans[2].prices[0].kind = .contact
            s.currency = "EUR"
            s.projected[calls] = 50_000
        },
        Case("an archived plan is replaced", "plan pro 9900 +7000") { c, s in
            var old = c.plans[1]
            old.name = "pro-2019"
            old.prices[0].amount = 5900
            old.successor = "pro"
            c.plans.insert(old, at: 1)
            put("basic", c, &s)
        },
        Case("an archived plan without a known successor is not offered", "none from_price enterprise") { c, _ in
            c.plans[1].successor = "gone"
        },
        Case("successors that go in a circle are not offered", "none from_price enterprise") { c, _ in
            c.plans[1].successor = "pro"
        },
        Case("a successor below the present plan is not offered", "none top_plan") { c, s in
            c.plans[2].successor = "basic"
            c.plans.remove(at: 1)
            put("basic", c, &s)
        },
        Case("a custom plan is nobody else's", "none from_price enterprise") { c, _ in c.plans[1].isCustom = true },
        Case("a custom plan is offered nothing", "none custom_plan") { c, _ in c.plans[0].isCustom = true },
        Case("an unknown plan", "none unknown_plan") { c, s in put("secret", c, &s) },
        Case("no plan at all", "none unknown_plan") { _, s in s.plan = nil },
        Case("the top plan", "none top_plan") { c, s in
            s.projected[hours] = 200_000
            s.focus = .limit(meter: hours)
            put("enterprise", c, &s)
        },
        Case("the top plan has an add-on", "add_on store 4x 4000 +4000") { c, s in
            c.addOns = [
                AddOn(
                    name: "store", adds: [0, 0, 50_000],
                    prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 1000)])
            ]
            s.projected[hours] = 250_000
            s.focus = .limit(meter: hours)
            put("enterprise", c, &s)
        },
        Case("a cheaper add-on", "add_on pack 1500 +1500") { c, _ in c.addOns = packs },
        Case("as many of the add-on as it takes", "add_on pack 4x 6000 +6000") { c, s in
            c.addOns = packs
            s.projected[calls] = 2500  // and 20 %: 3000
        },
        Case("more add-ons than the plan costs", "plan pro 9900 +7000") { c, s in
            c.addOns = packs
            s.projected[calls] = 2501
        },
        Case("at one price the plan", "plan pro 9900 +7000") { c, _ in
            c.addOns = packs
            c.addOns[0].prices[0].amount = 7000
        },
        Case("an add-on that is there already counts and stays", "add_on pack 1500 +1500") { c, s in
            c.addOns = packs
            s.holdings = [Profile.Holding(addOn: "pack", quantity: 2)]
            s.used[calls] = 1900
            s.projected[calls] = 2083  // and 20 %: 2500
            put("basic", c, &s)
        },
        Case("another limit would fall below its use", "none from_price enterprise") { c, s in
            c.plans[1].limits[seats] = .init(.of(3))
            s.used[seats] = 4
            s.projected[seats] = 4
        },
        Case("another limit falls and is not reached", "plan pro 9900 +7000") { c, s in
            c.plans[1].limits[seats] = .init(.of(3))
        },
        Case("an add-on is kept under the higher plan", "plan pro 9900 +7000") { c, s in
            c.addOns = [packs[1]]
            c.plans[1].limits[seats] = .init(.of(3))
            s.holdings = [Profile.Holding(addOn: "seat", quantity: 2)]
            s.used[seats] = 5
            s.projected[seats] = 5
            put("basic", c, &s)
        },
        Case("by the year", "plan pro 99000 +70000 year") { _, s in s.interval = .year },
        Case("by the year an add-on has no price", "plan pro 99000 +70000 year") { c, s in
            c.addOns = packs
            s.interval = .year
        },
        Case("no price in the currency", "plan pro no_price_in_currency") { _, s in s.currency = "JPY" },
        Case("no price for the interval", "plan pro no_price_for_interval year") { c, s in
            c.plans[1].prices.removeLast()
            s.interval = .year
        },
        Case("no currency", "plan pro currency_unknown") { _, s in s.currency = nil },
        Case("money without decimals", "plan pro 15000 +11000") { c, s in
            c.plans[0].prices = [Price(currency: "JPY", interval: .month, kind: .exact, amount: 4000)]
            c.plans[1].prices = [Price(currency: "JPY", interval: .month, kind: .exact, amount: 15_000)]
            s.currency = "JPY"
        },
        Case("overage is cheaper", "overage basic 320 +320") { c, _ in
            c.plans[0].limits[calls].overage = overage(1, 1)
        },
        Case("a begun unit of overage", "overage basic 400 +400") { c, _ in
            c.plans[0].limits[calls].overage = overage(100, 100)
        },
        Case("overage in another currency", "plan pro 9900 +7000") { c, _ in
            c.plans[0].limits[calls].overage = overage(1, 1, "EUR")
        },
        Case("overage of twelve months against a year", "overage basic 3840 +3840 year") { c, s in
            c.plans[0].limits[calls].overage = overage(1, 1)
            s.interval = .year
        },
        Case("overage of thirty days is dearer", "plan pro 9900 +7000") { c, _ in
            c.meters[calls].window = .period(.init(.day))
            c.plans[0].limits[calls].overage = overage(1, 1)
            c.plans[1].prices[0].amount = 9900
            c.plans[0].limits[calls].overage[0].amount = 2
            c.plans[1].limits[calls] = .init(.of(1320))
        },
        Case("the headroom is just enough", "plan pro 9900 +7000") { c, _ in
            c.plans[1].limits[calls] = .init(.of(1320))
        },
        Case("the headroom is one short", "none from_price enterprise") { c, _ in
            c.plans[1].limits[calls] = .init(.of(1319))
        },
        Case("no headroom asked for", "plan pro 9900 +7000") { c, _ in
            c.policy.headroom = 0
            c.plans[1].limits[calls] = .init(.of(1100))
        },
        Case("before the limit the limit counts", "none from_price enterprise") { c, s in
            s.projected[calls] = 900
            c.plans[1].limits[calls] = .init(.of(1199))
        },
        Case("two meters over, one plan", "plan pro 9900 +7000") { c, s in
            c.addOns = [packs[0]]
            s.projected[seats] = 8
        },
        Case("two meters over, two add-ons", "add_on pack + seat 3x 3900 +3900") { c, s in
            c.addOns = packs
            s.projected[seats] = 6  // and 20 %: 8
        },
        Case("two meters over, one add-on lifts both", "add_on bundle 2x 4000 +4000") { c, s in
            c.addOns =
                packs + [
                    AddOn(
                        name: "bundle", adds: [5, 200, 0],
                        prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 2000)])
                ]
            c.addOns[0].prices[0].amount = 3000
            s.projected[seats] = 6
        },
        Case("two meters over, overage of one is not enough", "plan pro 9900 +7000") { c, s in
            c.plans[0].limits[calls].overage = overage(1, 1)
            s.projected[seats] = 8
        },
        Case("an override wins under any plan", "none nothing_fits") { c, s in
            s.overrides[calls] = .of(1000)
        },
        Case("an override of another meter stays", "plan pro 9900 +7000") { c, s in
            s.overrides[seats] = .of(100)
            s.used[seats] = 90
            s.projected[seats] = 90
            put("basic", c, &s)
        },
        Case("the upgrade is decided on", "none already_entitled pro") { _, s in s.pendingPlan = "pro" },
        Case("the pending plan is too small", "none from_price enterprise") { _, s in
            s.pendingPlan = "pro"
            s.projected[calls] = 20_000
        },
        Case("the pending plan is lower", "none from_price enterprise") { c, s in
            s.pendingPlan = "basic"
            s.projected[calls] = 11_000
            put("pro", c, &s)
        },
        Case("no limit in sight", "none already_entitled") { c, s in put("enterprise", c, &s) },
        Case("what is sold does not lift it", "none nothing_fits") { _, s in
            s.projected[hours] = 200_000
        },
        Case("not in this plan", "plan pro 9900 +7000") { c, s in
            c.plans[0].limits[hours] = .init(.of(0))
            s.used[hours] = 0
            s.projected = [3, 900, 0]
            s.focus = .limit(meter: hours)
            put("basic", c, &s)
        },
        Case("not in this plan, an add-on brings it", "add_on hour 500 +500") { c, s in
            c.plans[0].limits[hours] = .init(.of(0))
            c.addOns = [
                AddOn(
                    name: "hour", adds: [0, 0, 100],
                    prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 500)])
            ]
            s.projected = [3, 900, 0]
            s.used = s.projected
            s.focus = .limit(meter: hours)
            put("basic", c, &s)
        },
        Case("decimals of the meter", "plan pro 9900 +7000") { c, s in
            s.projected = [3, 900, 8333]  // 83.33 hours and 20 %: 99.996 → 100.00
            s.focus = .limit(meter: hours)
        },
        Case("a hundredth of an hour too much", "none from_price enterprise") { c, s in
            s.projected = [3, 900, 8334]
            s.focus = .limit(meter: hours)
        },
        Case("numbers at the end of their range", "plan pro 9900 +7000") { c, s in
            c.addOns = packs
            c.addOns[0].prices[0].amount = .max
            c.addOns[0].adds[calls] = .max
            c.addOns[1].adds[calls] = 1
            c.addOns[1].prices[0].amount = .max
            c.plans[0].limits[calls].overage = overage(.max, 1)
            c.plans[1].limits[calls] = .init(.unlimited)
            s.holdings = [Profile.Holding(addOn: "seat", quantity: .max)]
            s.mrr = .max
            s.projected[calls] = .max
        },
        Case("no price now, but revenue", "plan pro 9900 +5500") { c, s in
            c.plans[0].prices = []
            s.mrr = 4400
        },
        Case("revenue without the add-ons, which stay", "plan pro 9900 +7000") { c, s in
            c.addOns = [packs[1]]
            c.plans[0].prices = []
            s.holdings = [Profile.Holding(addOn: "seat", quantity: 2)]
            s.mrr = 4500
        },
        Case("nothing to compare with", "plan pro 9900") { c, _ in c.plans[0].prices = [] },
        Case("what can be compared comes first", "add_on pack 1500 +1500") { c, _ in
            c.plans[0].prices = []
            c.plans[1].prices[0].amount = 100
            c.addOns = packs
        },
        Case("a feature: the next plan that has it", "none from_price enterprise") { _, s in
            s.focus = .feature("sso")
            s.projected[calls] = 900
        },
        Case("a feature: another level of it", "plan pro 9900 +7000") { _, s in
            s.focus = .feature("reporting")
            s.projected[calls] = 900
        },
        Case("a feature that is there", "none already_entitled") { c, s in
            s.focus = .feature("export")
            put("pro", c, &s)
        },
        Case("a feature that the catalogue does not know", "plan pro 9900 +7000") { _, s in
            s.focus = .feature("teleport")
            s.projected[calls] = 900
        },
        Case("a feature, and a meter over its limit", "none from_price enterprise") { _, s in
            s.focus = .feature("export")
            s.projected[calls] = 20_000
        },
        Case("growth: the next plan with more", "plan pro 9900 +7000") { _, s in
            s.focus = .growth(meter: calls)
            s.projected[calls] = 900
        },
        Case("growth without a limit", "none already_entitled") { c, s in
            s.focus = .growth(meter: calls)
            put("enterprise", c, &s)
        },
        Case("nothing particular: the next plan", "plan pro 9900 +7000") { _, s in
            s.focus = .nothing
            s.projected[calls] = 900
        },
        Case("nothing particular, nothing higher", "none top_plan") { c, s in
            s.focus = .nothing
            put("enterprise", c, &s)
        },
        Case("the trial's plan, not the next", "none from_price enterprise") { _, s in
            s.focus = .trial
            s.trialPlan = "enterprise"
            s.projected[calls] = 900
        },
        Case("the trial's plan, which the account has", "plan pro 9900 +9900") { c, s in
            s.focus = .trial
            s.isTrialing = true
            put("pro", c, &s)
        },
        Case("a trial runs, which is not had yet", "plan pro 9900 +7000") { c, s in
            put("pro", c, &s)
            s.plan = "basic"
            s.trialPlan = "pro"
            s.focus = .trial
        },
        Case("a trial runs, whose limits are reached", "none from_price enterprise") { c, s in
            put("pro", c, &s)
            s.plan = "basic"
            s.trialPlan = "pro"
            s.projected[calls] = 10_500
        },
        Case("tried beside a plan that is paid", "plan pro 9900 +7000") { _, s in
            s.focus = .trial
            s.isTrialing = true
            s.trialPlan = "pro"
            s.projected[calls] = 900
        },
    ]

    static func summary(_ remedy: Remedy) -> String {
        var words = [remedy.kind.rawValue]
        if let reason = remedy.reason { words.append(reason.rawValue) }
        if let target = remedy.target { words.append(target) }
        if remedy.quantity != 1 { words.append("\(remedy.quantity)x") }
        for item in remedy.further {
            words.append("+ \(item.addOn)")
            if item.quantity != 1 { words.append("\(item.quantity)x") }
        }
        if let price = remedy.price { words.append(String(price)) }
        if let difference = remedy.difference { words.append(difference < 0 ? "\(difference)" : "+\(difference)") }
        if let reason = remedy.priceReason { words.append(reason.rawValue) }
        if remedy.kind != .none, remedy.interval == .year { words.append("year") }
        return words.joined(separator: " ")
    }

    @Test(arguments: cases)
    func theCheapestThatLiftsEverything(_ entry: Case) {
        var catalogue = Self.base
        var situation = Self.situation(catalogue)
        // A change of the catalogue that the situation has to follow is part of the row.
        entry.change(&catalogue, &situation)
        let remedy = RemedyFinder(catalogue: catalogue, situation: situation).find()
        #expect(Self.summary(remedy) == entry.wanted)
    }

    @Test
    func gainsAreADifference() throws {
        var situation = Self.situation(Self.base)
        situation.overrides[Self.seats] = .of(7)
        Self.put("basic", Self.base, &situation)
        let remedy = RemedyFinder(catalogue: Self.base, situation: situation).find()
        #expect(remedy.title == "Pro" && remedy.currency == "USD" && remedy.interval == .month)
        // Seats are the account's own and stay.
        #expect(
            remedy.limits == [
                Remedy.LimitGain(meter: "calls", unit: "units", scale: 0, from: .of(1000), to: .of(10_000)),
                Remedy.LimitGain(meter: "hours", unit: "hours", scale: 2, from: .of(1000), to: .of(10_000)),
            ])
        #expect(
            remedy.features == [
                Remedy.FeatureGain(name: "reporting", from: "basic", to: "advanced"),
                Remedy.FeatureGain(name: "export", from: nil, to: "yes"),
            ])
        #expect(remedy.benefits == ["priority"])
        let value = try #require(remedy.value)
        #expect(value.meter == "calls" && value.usage == 1100 && value.percentOfNewLimit == 1100)
        #expect(value.avoided == nil)
    }

    @Test
    func whatThePlanSavesIsInTheFigure() throws {
        var catalogue = Self.base
        catalogue.plans[0].limits[Self.calls].overage = Self.overage(200, 1)
        let remedy = RemedyFinder(catalogue: catalogue, situation: Self.situation(catalogue)).find()
        #expect(remedy.kind == .plan)
        #expect(remedy.value?.avoided == 20_000)
    }

    /// What a trial gives for a time is a gain of the plan.
    @Test
    func gainsAreOverThePlanThatIsPaid() {
        var situation = Self.situation(Self.base)
        Self.put("pro", Self.base, &situation)
        situation.plan = "basic"
        situation.trialPlan = "pro"
        situation.focus = .trial
        let remedy = RemedyFinder(catalogue: Self.base, situation: situation).find()
        #expect(remedy.limits.map(\.from) == [.of(5), .of(1000), .of(1000)])
        #expect(remedy.limits.map(\.to) == [.of(25), .of(10_000), .of(10_000)])
        #expect(remedy.features.map(\.name) == ["reporting", "export"])
    }

    @Test
    func whoHasToTalkSeesWhatAbout() {
        var situation = Self.situation(Self.base)
        situation.projected[Self.calls] = 50_000
        let remedy = RemedyFinder(catalogue: Self.base, situation: situation).find()
        #expect(remedy.kind == .none && remedy.target == "enterprise" && remedy.title == "Enterprise")
        #expect(remedy.price == nil && remedy.difference == nil)
        #expect(remedy.limits.map(\.to) == [.unlimited, .unlimited, .of(100_000)])
        #expect(remedy.value?.percentOfNewLimit == nil)
    }

    /// More ways to combine add-ons than are looked at: the search ends, and what it finds fits.
    @Test
    func combinationsAreBounded() {
        let count = 12
        var catalogue = Self.base
        catalogue.meters = (0..<count).map {
            Meter(name: "m\($0)", eventTypes: ["e"], aggregation: .count, window: .period(.init(.month)))
        }
        catalogue.plans = [
            Plan(
                name: "basic", limits: (0..<count).map { _ in .init(.of(10)) },
                prices: [Price(currency: "USD", interval: .month, kind: .exact, amount: 100)])
        ]
        for number in 0..<30 {
            let price = Price(currency: "USD", interval: .month, kind: .exact, amount: Int64(10 + number))
            var addOn = AddOn(name: "a\(number)", adds: [], prices: [price])
            for meter in 0..<count { addOn.adds.append(Int64(1 + (number + meter) % 3)) }
            catalogue.addOns.append(addOn)
        }
        var situation = RemedySituation(
            plan: "basic", overrides: Array(repeating: nil, count: count),
            limits: Array(repeating: .of(10), count: count), used: Array(repeating: 20, count: count),
            projected: Array(repeating: 20, count: count))
        situation.currency = "USD"
        let remedy = RemedyFinder(catalogue: catalogue, situation: situation).find()
        #expect(remedy.kind == .addOn)
        for gain in remedy.limits { #expect(gain.to.isAbove(.of(23)), "\(gain.meter)") }
        #expect(remedy.limits.count == count)
    }
}
