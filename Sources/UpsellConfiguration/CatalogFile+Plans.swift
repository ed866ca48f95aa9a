import UpsellModel

/// Plans and add-ons.
extension CatalogFile {
    mutating func readPlans(_ value: Value) {
        let before = report.complaints.count
        let items = value.list("a list of plans, the lowest first", max: ConfigurationBounds.plansMax)
        if items.isEmpty, report.complaints.count == before {
            value.complain("no plans", expected: "at least one, the lowest first", at: value.keyMark)
        }
        var successors: [(Value, String)] = []
        for item in items {
            let section = Section(
                item, keys: ["name", "title", "custom", "prices", "limits", "features", "benefits", "successor"])
            guard let name = section.required("name", expected: "the plan's name")?.name() else {
                // Without it nobody knows which plans there are.
                knowsPlans = false
                continue
            }
            if plans.contains(where: { $0.name == name }) {
                section["name"]?.complain("plan \"\(quoted(name))\" repeated", expected: "each name once")
            }
            var plan = Plan(name: name, limits: Array(repeating: .unlimited, count: meters.count))
            var place = PlanPlace(plan: section["name"] ?? item)
            section.text("title", &plan.title)
            section.flag("custom", &plan.isCustom)
            if let value = section["prices"] { plan.prices = prices(value) }
            for (meter, limit) in section["limits"]?.entries("a map of meters and their limits") ?? [] {
                guard let index = index(ofMeter: meter) else {
                    complainAboutMeter(meter, limit, at: limit.keyMark)
                    continue
                }
                place.limits[index] = limit
                if let limit = planLimit(limit, of: meters[index]) { plan.limits[index] = limit }
            }
            for (name, level) in section["features"]?.entries("a map of features and their levels") ?? [] {
                if let feature = feature(name, level) { plan.features.append(feature) }
            }
            plan.benefits = (section["benefits"]?.list("a list of benefits in words") ?? []).compactMap { $0.text() }
            if let value = section["successor"], !value.node.isNull, let name = value.name() {
                plan.successor = name
                successors.append((value, name))
            }
            plans.append(plan)
            planPlaces.append(place)
        }
        if items.isEmpty { knowsPlans = false }
        for (value, name) in successors where !plans.contains(where: { $0.name == name }) {
            complainAboutPlan(name, value)
        }
        for (value, name) in successors where leadsToItself(name) {
            value.complain("plan \"\(quoted(name))\" succeeds itself in the end", expected: "a plan that is still sold")
        }
    }

    private func leadsToItself(_ name: String) -> Bool {
        var next = plans.first { $0.name == name }?.successor
        for _ in plans {
            guard let here = next else { return false }
            if here == name { return true }
            next = plans.first { $0.name == here }?.successor
        }
        return false
    }

    /// A level, or `{level: advanced, since: 2026-10-01T00:00:00Z}`.
    private func feature(_ name: String, _ value: Value) -> Plan.Feature? {
        guard value.isMap else { return value.text().map { Plan.Feature(name: name, level: $0) } }
        let section = Section(value, keys: ["level", "since"])
        let level = section.required("level", expected: "the feature's level in this plan")?.text()
        var since: Timestamp?
        if let value = section["since"], !value.node.isNull { since = value.instant() }
        return level.map { Plan.Feature(name: name, level: $0, since: since) }
    }

    private func planLimit(_ value: Value, of meter: Meter) -> Plan.PlanLimit? {
        guard case .mapping = value.node.content else {
            return limit(value, of: meter).map { $0 == .unlimited ? .unlimited : Plan.PlanLimit($0) }
        }
        let section = Section(value, keys: ["limit", "enforcement", "consequence", "overage"])
        let number = section.required("limit", expected: "a number or unlimited")
        guard let number, let limit = limit(number, of: meter) else { return nil }
        var result = limit == .unlimited ? Plan.PlanLimit.unlimited : Plan.PlanLimit(limit)
        section.choice("enforcement", &result.enforcement)
        if let value = section["consequence"], !value.node.isNull { result.consequence = value.text() }
        if let value = section["overage"], !value.node.isNull {
            if limit == .unlimited {
                value.complain(
                    "there is nothing beyond an unlimited limit", expected: "no overage", at: value.keyMark)
            }
            result.overage = overage(value, of: meter)
        }
        return result
    }

    /// `{USD: {price: 1.00, per: 1_000}}`
    private func overage(_ value: Value, of meter: Meter) -> [Plan.Overage] {
        value.currencies("a map of currencies, as {USD: {price: 1.00, per: 1_000}}").compactMap { currency, value in
            let section = Section(value, keys: ["price", "per"])
            let price = section.required("price", expected: "what `per` units cost, as 1.00")?.money(currency, from: 1)
            let per = section.required("per", expected: "how many \(quoted(meter.unit)) the price is for")
            let units = per.flatMap { quantity($0, of: meter, from: 1) }
            guard let price, let units else { return nil }
            return Plan.Overage(currency: currency, amount: price, units: units)
        }
    }

    private func limit(_ value: Value, of meter: Meter) -> Limit? {
        if value.plain == "unlimited" { return .unlimited }
        if let word = value.plain, word.utf8.allSatisfy({ $0 >= UInt8(ascii: "A") }),
            suggestion(for: word, among: ["unlimited"]) != nil
        {
            value.complain("\"\(quoted(word))\", did you mean \"unlimited\"?", expected: "a number or unlimited")
            return nil
        }
        return quantity(value, of: meter, from: 0).map(Limit.of)
    }

    mutating func readAddOns(_ value: Value) {
        if !value.node.isNull {
            guard case .sequence = value.node.content else {
                knowsAddOns = false
                value.complain(notA: "a list of add-ons")
                return
            }
        }
        for item in value.list("a list of add-ons", max: ConfigurationBounds.addOnsMax) {
            let section = Section(item, keys: ["name", "title", "adds", "prices"])
            guard let name = section.required("name", expected: "the add-on's name")?.name() else {
                knowsAddOns = false
                continue
            }
            if addOns.contains(where: { $0.name == name }) {
                section["name"]?.complain("add-on \"\(quoted(name))\" repeated", expected: "each name once")
            }
            var addOn = AddOn(name: name, adds: Array(repeating: 0, count: meters.count))
            section.text("title", &addOn.title)
            let adds = section.required("adds", expected: "a map of meters and what one unit adds to their limits")
            for (meter, amount) in adds?.entries("a map of meters and what one unit adds to their limits") ?? [] {
                guard let index = index(ofMeter: meter) else {
                    complainAboutMeter(meter, amount, at: amount.keyMark)
                    continue
                }
                if let amount = quantity(amount, of: meters[index], from: 1) { addOn.adds[index] = amount }
            }
            if let value = section["prices"] { addOn.prices = prices(value) }
            addOns.append(addOn)
        }
    }

    /// `{USD: {month: 29, year: from 290}}`; `contact` where there is no figure.
    private func prices(_ value: Value) -> [Price] {
        var prices: [Price] = []
        for (currency, byInterval) in value.currencies("a map of currencies, as {USD: {month: 29}}") {
            let section = Section(byInterval, keys: Price.Interval.allCases.map(\.rawValue))
            for interval in Price.Interval.allCases {
                guard let value = section[interval.rawValue] else { continue }
                if let (kind, amount) = price(value, currency) {
                    prices.append(Price(currency: currency, interval: interval, kind: kind, amount: amount))
                }
            }
        }
        return prices
    }

    private func price(_ value: Value, _ currency: String) -> (Price.Kind, Int64)? {
        let digits = Currency.minorDigits(of: currency)
        let expected = "an amount in \(currency) with at most \(digits) decimals, \"from\" and an amount, or contact"
        guard let plain = value.plain else {
            value.complain(notA: expected)
            return nil
        }
        if plain == "contact" { return (.contact, 0) }
        let isFrom = plain.hasPrefix("from ")
        let text = isFrom ? plain.dropFirst(5).drop { $0 == " " } : plain[...]
        guard let decimal = DecimalText(text), decimal.value >= 0, let amount = try? decimal.integer(scale: digits),
            amount <= ConfigurationBounds.quantityMax
        else {
            value.complain(notA: expected)
            return nil
        }
        return (isFrom ? .from : .exact, amount)
    }
}
