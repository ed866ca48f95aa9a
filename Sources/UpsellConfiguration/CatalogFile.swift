import UpsellModel

/// The catalogue file: meters, plans, add-ons; behaviours and segments as they are written, for `Definitions`.
struct CatalogFile {
    private(set) var meters: [Meter] = []
    var plans: [Plan] = []
    var addOns: [AddOn] = []
    /// Meters with a complaint of their own: what refers to them is not judged by their scale and window.
    private(set) var doubtful: Set<String> = []
    /// Whether names of meters, plans and add-ons can be judged: not when their lists could not be read.
    private(set) var knowsMeters = true
    var knowsPlans = true
    var knowsAddOns = true
    /// Where each plan and each of its limits (by meter's position) is written, by position of the plan.
    var planPlaces: [PlanPlace] = []
    private(set) var behaviours: Value?
    private(set) var segments: Value?
    let report: Report

    struct PlanPlace {
        var plan: Value
        var limits: [Int: Value] = [:]
    }

    /// A catalogue that could not be read: every reference into it passes.
    init(unreadable report: Report) {
        self.report = report
        knowsMeters = false
        knowsPlans = false
        knowsAddOns = false
    }

    init(_ root: Value) {
        report = root.report
        let file = Section(root, keys: ["meters", "behaviours", "plans", "addOns", "segments"])
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
        // A misspelt `addOns` has been complained about.
        if file.hasUnknown { knowsAddOns = false }
        behaviours = file["behaviours"]
        segments = file["segments"]
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

    /// Complains about an add-on that is not there; silent where the add-ons could not be read.
    func complainAboutAddOn(_ name: String, _ value: Value) {
        guard knowsAddOns else { return }
        let known = addOns.map(\.name)
        value.complain(
            "unknown add-on \"\(quoted(name))\"\(didYouMean(name, among: known))", expected: Value.list(known))
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
            meter.eventTypes = events.texts("an event type or a list of them")
        }
        meter.filter = section["filter"]?.filter() ?? []
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
            meter.value = value.fieldPath(text)
        case .count, .activeDays:
            if let value = section["value"] {
                value.complain("\(aggregation.rawValue) reads no value", expected: "no value", at: value.keyMark)
            }
        }
        guard let value = section["snapshotValue"] else { return }
        if aggregation == .count {
            meter.value = value.text().flatMap { value.fieldPath($0) }
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
        let path = place.flatMap { place in place.text().flatMap { place.fieldPath($0) } }
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
}
