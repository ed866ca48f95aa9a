import UpsellModel

extension SignalReader {
    func limit(_ value: Value) -> LimitSignal? {
        let section = Section(value, keys: ["meter", "thresholds", "variants", "band"])
        let meter = meter(of: section)
        guard let list = section.required("thresholds", expected: Self.shape), let (unit, values) = kind(list) else {
            return nil
        }
        guard let (index, meter) = meter, let base = thresholds(values, unit, meter) else { return nil }
        guard let variants = variants(section["variants"], unit, meter) else { return nil }
        var union = base
        for variant in variants { union += variant.thresholds.filter { !union.contains($0) } }
        if !variants.isEmpty { union.sort(by: unit == .remaining ? (>) : (<)) }
        definitions.countThresholds(union.count, ofMeter: index, at: values)
        guard let band = band(section["band"], unit, meter, union) else { return nil }
        return LimitSignal(
            meter: MeterID(index), unit: unit, thresholds: union, band: band, variants: variants, base: base)
    }

    private static let shape = "thresholds of one kind, as {percent: [80, 90, 100]}"

    /// The one kind of threshold and its list.
    private func kind(_ value: Value) -> (ThresholdUnit, Value)? {
        guard value.isMap else {
            value.complain(notA: Self.shape)
            return nil
        }
        let kinds = Section(value, keys: ThresholdUnit.allCases.map(\.rawValue))
        let given = ThresholdUnit.allCases.filter { kinds[$0.rawValue] != nil }
        if let unit = given.first, given.count == 1, let list = kinds[unit.rawValue] { return (unit, list) }
        let problem = given.isEmpty ? "no thresholds" : "thresholds of \(given.count) kinds"
        // An unknown kind has been complained about.
        if given.count > 1 || value.node.count == 1 {
            value.complain(problem, expected: Self.shape + "; a rule each", at: value.keyMark)
        }
        return nil
    }

    private func thresholds(_ list: Value, _ unit: ThresholdUnit, _ meter: Meter) -> [Int64]? {
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

    /// Thresholds that some accounts have in place of the rule's, of the same kind; nil after a complaint.
    private func variants(_ value: Value?, _ unit: ThresholdUnit, _ meter: Meter) -> [LimitSignal.Variant]? {
        guard let value else { return [] }
        let before = catalog.report.complaints.count
        let expected = "a list, as [{when: {segment: …}, thresholds: {percent: [90, 100]}}]"
        let items = value.list(expected, max: ConfigurationBounds.variantsMax)
        var isWhole = true
        let variants = items.compactMap { item -> LimitSignal.Variant? in
            let section = Section(item, keys: ["when", "thresholds"])
            let when = section.required("when", expected: "whose thresholds they are, as {segment: …}")
            let condition = when.flatMap { ConditionReader(definitions).read($0) }
            let list = section.required("thresholds", expected: Self.shape)
            guard let list, let (kind, values) = self.kind(list) else {
                isWhole = false
                return nil
            }
            guard kind == unit else {
                values.complain(
                    "thresholds of another kind than the rule's", expected: unit.rawValue, at: values.keyMark)
                return nil
            }
            guard let condition, let numbers = thresholds(values, unit, meter) else {
                isWhole = false
                return nil
            }
            return LimitSignal.Variant(condition: condition, thresholds: numbers)
        }
        return isWhole && catalog.report.complaints.count == before ? variants : nil
    }

    /// A threshold or band: hundredths of a percent, or integers of the meter's scale.
    func number(_ value: Value, _ unit: ThresholdUnit, _ meter: Meter, from lowest: Int64) -> Int64? {
        unit == .percent ? value.percent(from: lowest) : catalog.quantity(value, of: meter, from: lowest)
    }

    /// 5 points, in the threshold's unit, where nothing is written; on gauges and rolling windows a threshold needs
    /// room below it, else it would never arm again.
    private func band(_ value: Value?, _ unit: ThresholdUnit, _ meter: Meter, _ thresholds: [Int64]) -> Int64? {
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
