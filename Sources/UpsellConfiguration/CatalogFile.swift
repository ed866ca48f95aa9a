import UpsellModel

/// The catalogue file: meters, plans, add-ons.
struct CatalogFile {
    private(set) var meters: [Meter] = []
    private(set) var plans: [Plan] = []
    private(set) var addOns: [AddOn] = []
    /// Meters with a complaint of their own: what refers to them is not judged by their scale and window.
    private(set) var doubtful: Set<String> = []
    /// Whether names of meters and plans can be judged: not when their lists could not be read.
    private(set) var knowsMeters = true
    private(set) var knowsPlans = true
    private let report: Report

    /// A catalogue that could not be read: every reference into it passes.
    init(unreadable report: Report) {
        self.report = report
        knowsMeters = false
        knowsPlans = false
    }

    init(_ root: Value) {
        report = root.report
        let file = Section(root, keys: ["meters", "plans", "addOns"])
        if let value = file.required("meters", expected: "at least one meter, as name: {events: …, aggregation: …}") {
            readMeters(value)
        } else {
            knowsMeters = false
        }
        if let value = file.required("plans", expected: "a list of plans, the lowest first") {
            readPlans(value)
        } else {
            knowsPlans = false
        }
        if let value = file["addOns"] { readAddOns(value) }
    }

    func index(ofMeter name: String) -> Int? { meters.firstIndex { $0.name == name } }

    /// Complains about a meter that is not there; silent where the meters could not be read.
    func complainAboutMeter(_ name: String, _ value: Value, at mark: YAMLMark? = nil) {
        guard knowsMeters else { return }
        let known = meters.map(\.name)
        value.complain(
            "unknown meter \"\(quoted(name))\"\(didYouMean(name, among: known))", expected: Value.list(known), at: mark)
    }

    /// Complains about a plan that is not there; silent where the plans could not be read.
    func complainAboutPlan(_ name: String, _ value: Value) {
        guard knowsPlans else { return }
        let known = plans.map(\.name)
        value.complain(
            "unknown plan \"\(quoted(name))\"\(didYouMean(name, among: known))", expected: Value.list(known))
    }

    /// A quantity of a meter, as an integer of its scale: `5`, `2.5`, and for meters in bytes `10 GB`.
    func quantity(_ value: Value, of meter: Meter, from lowest: Int64) -> Int64? {
        let inBytes = meter.unit == "bytes"
        let example = inBytes ? ", as 10_000_000_000, 10 GB or 10 GiB" : ", as 10_000"
        let expected = "a number of \(quoted(meter.unit)) from \(lowest)\(example)"
        guard let plain = value.plain else {
            value.complain(notA: expected)
            return nil
        }
        let (number, unit) = splitUnit(plain)
        guard let decimal = DecimalText(number) else {
            value.complain(notA: expected)
            return nil
        }
        var factor: Int64 = 1
        if !unit.isEmpty {
            guard inBytes, let known = byteUnits.first(where: { $0.name == unit }) else {
                let units = byteUnits.map(\.name)
                value.complain(
                    "unknown unit \"\(quoted(String(unit)))\"", expected: inBytes ? Value.list(units) : expected)
                return nil
            }
            factor = known.bytes
        }
        // Its scale is not known for certain, so the number is not judged.
        if doubtful.contains(meter.name) { return nil }
        do throws(DecimalText.ConversionError) {
            let integer = try decimal.integer(scale: meter.scale, times: factor)
            if (lowest...ConfigurationBounds.quantityMax).contains(integer) { return integer }
            value.complain("\(quoted(plain)) is out of range", expected: expected)
        } catch {
            switch error {
            case .tooManyDecimals:
                value.complain(
                    "\(quoted(plain)) has more decimals than meter \"\(quoted(meter.name))\" keeps",
                    expected: meter.scale == 0 ? "a whole number" : "at most \(meter.scale) (its scale)")
            case .overflow: value.complain("\(quoted(plain)) is out of range", expected: expected)
            }
        }
        return nil
    }

    // MARK: Meters

    private mutating func readMeters(_ value: Value) {
        let before = report.complaints.count
        let entries = value.entries("a map of meters by name", max: ConfigurationBounds.metersMax)
        if entries.isEmpty, report.complaints.count == before {
            value.complain(
                "no meters", expected: "at least one, as name: {events: …, aggregation: …}", at: value.keyMark)
        }
        knowsMeters = !entries.isEmpty
        for (name, entry) in entries {
            let before = report.complaints.count
            if !Value.isName(name, bytesMax: ConfigurationBounds.nameBytesMax) {
                entry.complain(
                    "\"\(quoted(name))\" is no name", expected: "letters, digits, _, - and ., 1 to 64 long",
                    at: entry.keyMark)
            }
            meters.append(meter(name, entry))
            if report.complaints.count > before { doubtful.insert(name) }
        }
    }

    private static let meterKeys = [
        "events", "filter", "aggregation", "value", "unit", "scale", "dimension", "window", "reset", "uniqueMax",
        "snapshotValue",
    ]

    private func meter(_ name: String, _ value: Value) -> Meter {
        let section = Section(value, keys: Self.meterKeys)
        var meter = Meter(name: name, eventTypes: [], aggregation: .count, window: .period(Meter.Reset(.month)))
        if let events = section.required("events", expected: "the CloudEvents types that feed the meter") {
            meter.eventTypes = texts(events, "an event type or a list of them")
        }
        for (path, condition) in section["filter"]?.entries("a map of paths and the values they may have") ?? [] {
            guard let field = fieldPath(path, condition, at: condition.keyMark) else { continue }
            let anyOf = texts(condition, "a value or a list of values")
            if !anyOf.isEmpty { meter.filter.append(FieldCondition(path: field, anyOf: anyOf)) }
        }
        let words = Meter.Aggregation.allCases.map(\.rawValue)
        let aggregation = section.required("aggregation", expected: Value.list(words))?.choice(Meter.Aggregation.self)
        if let aggregation {
            meter.aggregation = aggregation
            readValue(section, aggregation, &meter)
        }
        section.text("unit", &meter.unit)
        section.integer("scale", 0...9, &meter.scale)
        if let aggregation, let scale = section["scale"], meter.scale != 0, !Self.takesQuantity(aggregation) {
            scale.complain("\(aggregation.rawValue) counts in whole numbers", expected: "no scale, or 0")
        }
        if let value = section["dimension"] { meter.dimension = dimension(value) }
        if let window = window(section) {
            meter.window = window
            if let aggregation { checkWindow(aggregation, window, section) }
        }
        section.integer("uniqueMax", 1...1_000_000, &meter.uniqueMax)
        if let aggregation, aggregation != .unique, let value = section["uniqueMax"] {
            value.complain(
                "\(aggregation.rawValue) keeps no distinct values", expected: "uniqueMax on unique only",
                at: value.keyMark)
        }
        return meter
    }

    private static func takesQuantity(_ aggregation: Meter.Aggregation) -> Bool {
        switch aggregation {
        case .sum, .max, .latest: true
        case .count, .unique, .activeDays: false
        }
    }

    private func readValue(_ section: Section, _ aggregation: Meter.Aggregation, _ meter: inout Meter) {
        switch aggregation {
        case .sum, .max, .latest, .unique:
            let expected = "the path of what \(aggregation.rawValue) reads, as data.amount"
            guard let value = section.required("value", expected: expected), let text = value.text() else { return }
            meter.value = fieldPath(text, value)
        case .count, .activeDays:
            if let value = section["value"] {
                value.complain("\(aggregation.rawValue) reads no value", expected: "no value", at: value.keyMark)
            }
        }
        guard let value = section["snapshotValue"] else { return }
        if aggregation == .count {
            if let text = value.text() { meter.value = fieldPath(text, value) }
        } else {
            value.complain(
                "\(aggregation.rawValue) takes no snapshotValue",
                expected: "it on count only: others read a snapshot where they read value", at: value.keyMark)
        }
    }

    private func dimension(_ value: Value) -> Meter.Dimension? {
        let section = Section(value, keys: ["name", "path", "max"])
        let name = section.required("name", expected: "what the dimension is called, as feature")?.name()
        let place = section.required("path", expected: "where it lies in the event, as data.feature")
        let path = place.flatMap { place in place.text().flatMap { fieldPath($0, place) } }
        var max = Meter.Dimension(name: "", path: FieldPath([])).max
        section.integer("max", 1...10_000, &max)
        guard let name, let path else { return nil }
        return Meter.Dimension(name: name, path: path, max: max)
    }

    private func window(_ section: Section) -> Meter.Window? {
        let expected = "period, lifetime, gauge or {rolling: 30d}"
        let reset = section["reset"]
        func refuseReset() {
            reset?.complain(
                "only a period window has a reset", expected: "window: period, or no reset", at: reset?.keyMark)
        }
        guard let value = section["window"] else { return .period(self.reset(reset)) }
        if case .mapping = value.node.content {
            let rolling = Section(value, keys: ["rolling"])
            refuseReset()
            guard let days = rolling.required("rolling", expected: "a number of days, as 30d") else { return nil }
            guard let length = days.duration(.millisecondsPerDay...366 * .millisecondsPerDay) else { return nil }
            guard length % .millisecondsPerDay == 0 else {
                days.complain("\(days.found) is not a whole number of days", expected: "days, as 30d")
                return nil
            }
            return .rolling(days: Int(length / .millisecondsPerDay))
        }
        switch value.plain {
        case "period": return .period(self.reset(reset))
        case "lifetime":
            refuseReset()
            return .lifetime
        case "gauge":
            refuseReset()
            return .gauge
        default:
            value.complain(notA: expected)
            return nil
        }
    }

    private func reset(_ value: Value?) -> Meter.Reset {
        var reset = Meter.Reset(.month)
        guard let value else { return reset }
        let section = Section(value, keys: ["every", "align"])
        section.choice("every", &reset.unit)
        section.choice("align", &reset.alignment)
        return reset
    }

    /// count, sum, max, unique, active_days × period, rolling, lifetime; latest × period, lifetime, gauge; sum × gauge.
    private func checkWindow(_ aggregation: Meter.Aggregation, _ window: Meter.Window, _ section: Section) {
        let name: String
        switch window {
        case .period: name = "period"
        case .rolling: name = "rolling"
        case .lifetime: name = "lifetime"
        case .gauge: name = "gauge"
        }
        let allowed: [String]
        switch aggregation {
        case .sum: allowed = ["period", "rolling", "lifetime", "gauge"]
        case .latest: allowed = ["period", "lifetime", "gauge"]
        case .count, .max, .unique, .activeDays: allowed = ["period", "rolling", "lifetime"]
        }
        guard !allowed.contains(name), let value = section["window"] else { return }
        value.complain(
            "\(aggregation.rawValue) over a \(name) window has no meaning",
            expected: "\(Value.list(allowed)) with \(aggregation.rawValue)")
    }

    private func fieldPath(_ text: String, _ value: Value, at mark: YAMLMark? = nil) -> FieldPath? {
        let names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let isAttribute =
            names.count == 1 && names[0] != "data"
            && text.utf8.allSatisfy {
                ($0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z"))
                    || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9"))
            }
        let isData = names.count > 1 && names[0] == "data" && names.count <= 16
        guard text.utf8.count <= 512, !names.contains(""), isAttribute || isData else {
            value.complain(
                "\"\(quoted(text))\" is no path into an event",
                expected: "data.NAME, data.NAME.NAME… or the bare name of a CloudEvents attribute", at: mark)
            return nil
        }
        return FieldPath(names)
    }

    /// One text or a list of different ones; complains about an empty list.
    private func texts(_ value: Value, _ expected: String) -> [String] {
        guard let items = value.items(expected) else { return [] }
        if items.isEmpty { value.complain("an empty list", expected: expected, at: value.keyMark) }
        var seen: [String] = []
        for item in items {
            guard let text = item.text(bytesMax: 256) else { continue }
            if seen.contains(text) {
                item.complain("\"\(quoted(text))\" repeated", expected: "each once")
            } else {
                seen.append(text)
            }
        }
        return seen
    }

    // MARK: Plans and add-ons

    private mutating func readPlans(_ value: Value) {
        let before = report.complaints.count
        let items = value.list("a list of plans, the lowest first", max: ConfigurationBounds.plansMax)
        if items.isEmpty, report.complaints.count == before {
            value.complain("no plans", expected: "at least one, the lowest first", at: value.keyMark)
        }
        var successors: [(Value, String)] = []
        for item in items {
            let section = Section(
                item, keys: ["name", "title", "prices", "limits", "features", "benefits", "successor"])
            guard let name = section.required("name", expected: "the plan's name")?.name() else {
                // Without it nobody knows which plans there are.
                knowsPlans = false
                continue
            }
            if plans.contains(where: { $0.name == name }) {
                section["name"]?.complain("plan \"\(quoted(name))\" repeated", expected: "each name once")
            }
            var plan = Plan(name: name, limits: Array(repeating: .unlimited, count: meters.count))
            section.text("title", &plan.title)
            if let value = section["prices"] { plan.prices = prices(value) }
            for (meter, limit) in section["limits"]?.entries("a map of meters and their limits") ?? [] {
                guard let index = index(ofMeter: meter) else {
                    complainAboutMeter(meter, limit, at: limit.keyMark)
                    continue
                }
                if let limit = planLimit(limit, of: meters[index]) { plan.limits[index] = limit }
            }
            for (feature, level) in section["features"]?.entries("a map of features and their levels") ?? [] {
                if let level = level.text() { plan.features.append(Plan.Feature(name: feature, level: level)) }
            }
            plan.benefits = (section["benefits"]?.list("a list of benefits in words") ?? []).compactMap { $0.text() }
            if let value = section["successor"], !value.node.isNull, let name = value.name() {
                plan.successor = name
                successors.append((value, name))
            }
            plans.append(plan)
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

    private func planLimit(_ value: Value, of meter: Meter) -> Plan.PlanLimit? {
        guard case .mapping = value.node.content else {
            return limit(value, of: meter).map { $0 == .unlimited ? .unlimited : Plan.PlanLimit($0) }
        }
        let section = Section(value, keys: ["limit", "enforcement", "consequence"])
        let number = section.required("limit", expected: "a number or unlimited")
        guard let number, let limit = limit(number, of: meter) else { return nil }
        var result = limit == .unlimited ? Plan.PlanLimit.unlimited : Plan.PlanLimit(limit)
        section.choice("enforcement", &result.enforcement)
        if let value = section["consequence"], !value.node.isNull { result.consequence = value.text() }
        return result
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

    private mutating func readAddOns(_ value: Value) {
        for item in value.list("a list of add-ons", max: ConfigurationBounds.addOnsMax) {
            let section = Section(item, keys: ["name", "title", "adds", "prices"])
            guard let name = section.required("name", expected: "the add-on's name")?.name() else { continue }
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
        for (currency, byInterval) in value.entries("a map of currencies, as {USD: {month: 29}}") {
            guard currency.utf8.count == 3,
                currency.utf8.allSatisfy({ $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") })
            else {
                byInterval.complain(
                    "\"\(quoted(currency))\" is no currency", expected: "a code of ISO 4217, as USD",
                    at: byInterval.keyMark)
                continue
            }
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
