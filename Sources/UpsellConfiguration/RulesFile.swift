import UpsellModel

/// The rules file: a list of rules over the meters of a catalogue.
struct RulesFile {
    private(set) var rules: [Rule] = []
    private let catalog: CatalogFile
    /// Thresholds on each meter so far, by its position.
    private var thresholdsOfMeter: [Int: Int] = [:]

    init(_ root: Value, catalog: CatalogFile) {
        self.catalog = catalog
        let file = Section(root, keys: ["rules"])
        var names: Set<String> = []
        for item in file["rules"]?.list("a list of rules", max: ConfigurationBounds.rulesMax) ?? [] {
            let section = Section(item, keys: ["name", "signal", "onChange", "goLive", "summary", "message"])
            let name = section.required("name", expected: "the rule's name")?.name()
            if let name, !names.insert(name).inserted {
                section["name"]?.complain("rule \"\(quoted(name))\" repeated", expected: "each name once")
            }
            let expected = "what the rule watches for, as {limit: {meter: …, thresholds: …}}"
            let signal = section.required("signal", expected: expected).flatMap { readSignal($0) }
            var onChange = Rule.OnChange.silent
            section.choice("onChange", &onChange)
            var goLive: Timestamp?
            if let value = section["goLive"], !value.node.isNull { goLive = value.instant() }
            var summary = ""
            section.text("summary", &summary)
            var message: String?
            if let value = section["message"], !value.node.isNull { message = value.text() }
            guard let name, let signal else { continue }
            rules.append(
                Rule(
                    name: name, signal: signal, onChange: onChange, goLive: goLive, summary: summary, message: message))
        }
    }

    private mutating func readSignal(_ value: Value) -> Signal? {
        let section = Section(value, keys: ["limit"])
        let expected = "{meter: …, thresholds: …}"
        // An unknown signal is one mistake, not two.
        if section["limit"] == nil, section.hasUnknown { return nil }
        return section.required("limit", expected: expected).flatMap { readLimit($0) }.map(Signal.limit)
    }

    private mutating func readLimit(_ value: Value) -> LimitSignal? {
        let section = Section(value, keys: ["meter", "thresholds", "band"])
        let meter = section.required("meter", expected: "the name of a meter").flatMap { readMeter($0) }
        let shape = "thresholds of one kind, as {percent: [80, 90, 100]}"
        guard let thresholds = section.required("thresholds", expected: shape) else { return nil }
        guard case .mapping = thresholds.node.content else {
            thresholds.complain(notA: shape)
            return nil
        }
        let kinds = Section(thresholds, keys: ThresholdUnit.allCases.map(\.rawValue))
        let given = ThresholdUnit.allCases.filter { kinds[$0.rawValue] != nil }
        guard let unit = given.first, given.count == 1, let list = kinds[unit.rawValue] else {
            let problem = given.isEmpty ? "no thresholds" : "thresholds of \(given.count) kinds"
            // An unknown kind has been complained about.
            if given.count > 1 || thresholds.node.count == 1 {
                thresholds.complain(problem, expected: shape + "; a rule each", at: thresholds.keyMark)
            }
            return nil
        }
        guard let (index, meter) = meter, let numbers = readThresholds(list, unit, meter) else { return nil }
        countThresholds(numbers.count, of: meter, index, list)
        guard let band = readBand(section["band"], unit, meter, numbers) else { return nil }
        return LimitSignal(meter: MeterID(index), unit: unit, thresholds: numbers, band: band)
    }

    private func readMeter(_ value: Value) -> (Int, Meter)? {
        guard let name = value.name() else { return nil }
        guard let index = catalog.index(ofMeter: name) else {
            catalog.complainAboutMeter(name, value)
            return nil
        }
        return (index, catalog.meters[index])
    }

    private func readThresholds(_ list: Value, _ unit: ThresholdUnit, _ meter: Meter) -> [Int64]? {
        guard let items = list.items("a list of thresholds, as [80, 90, 100]") else { return nil }
        guard !items.isEmpty else {
            list.complain("an empty list", expected: "at least one threshold", at: list.keyMark)
            return nil
        }
        var numbers: [Int64] = []
        var whole = true
        for item in items {
            guard let number = number(item, unit, meter, from: unit == .remaining ? 0 : 1) else {
                whole = false
                continue
            }
            if let last = numbers.last, last == number {
                item.complain("\(item.found) repeated", expected: "each threshold once")
                whole = false
            } else if let last = numbers.last, (number < last) != (unit == .remaining) {
                item.complain(
                    "\(item.found) out of order",
                    expected: unit == .remaining ? "descending: less remains later" : "ascending thresholds")
                whole = false
            }
            numbers.append(number)
        }
        return whole ? numbers : nil
    }

    /// A threshold or band: hundredths of a percent, or integers of the meter's scale.
    private func number(_ value: Value, _ unit: ThresholdUnit, _ meter: Meter, from lowest: Int64) -> Int64? {
        guard unit == .percent else { return catalog.quantity(value, of: meter, from: lowest) }
        let expected =
            "a percentage from \(lowest == 0 ? "0" : "0.01") to 100_000 with at most 2 decimals, as 80 or 99.5"
        guard var text = value.plain else {
            value.complain(notA: expected)
            return nil
        }
        if text.hasSuffix("%") { text.removeLast() }
        guard let decimal = DecimalText(text[...]) else {
            value.complain(notA: expected)
            return nil
        }
        do throws(DecimalText.ConversionError) {
            let hundredths = try decimal.integer(scale: 2)
            if (lowest...ConfigurationBounds.percentMax).contains(hundredths) { return hundredths }
            value.complain("\(quoted(text)) is out of range", expected: expected)
        } catch {
            switch error {
            case .tooManyDecimals: value.complain("\(quoted(text)) has more than 2 decimals", expected: expected)
            case .overflow: value.complain("\(quoted(text)) is out of range", expected: expected)
            }
        }
        return nil
    }

    private mutating func countThresholds(_ count: Int, of meter: Meter, _ index: Int, _ list: Value) {
        let before = thresholdsOfMeter[index, default: 0]
        thresholdsOfMeter[index] = before + count
        let most = ConfigurationBounds.thresholdsOfMeterMax
        if before <= most, before + count > most {
            list.complain(
                "\(before + count) thresholds on meter \"\(quoted(meter.name))\" in sum over its rules",
                expected: "at most \(most)", at: list.keyMark)
        }
    }

    /// 5 points, in the threshold's unit, where nothing is written; on gauges and rolling windows a threshold needs
    /// room below it, else it would never arm again.
    private func readBand(_ value: Value?, _ unit: ThresholdUnit, _ meter: Meter, _ thresholds: [Int64]) -> Int64? {
        var band = unit == .percent ? 500 : Self.defaultBand(meter)
        if let value {
            guard let read = number(value, unit, meter, from: 0) else { return nil }
            band = read
        }
        guard unit != .remaining, let lowest = thresholds.first, band >= lowest else { return band }
        switch meter.window {
        case .period, .lifetime: return band
        case .gauge, .rolling:
            guard let value else {
                // The default shrinks to what leaves room.
                return max(0, lowest - 1)
            }
            value.complain(
                "a band as large as the lowest threshold, which so never arms again", expected: "a smaller band")
            return nil
        }
    }

    private static func defaultBand(_ meter: Meter) -> Int64 {
        var band: Int64 = 5
        for _ in 0..<meter.scale { band *= 10 }
        return band
    }
}
