import UpsellModel

/// Signals over the usage of a meter: pace, growth, sustained.
extension SignalReader {
    /// Days of history that an account keeps for `pace` and `growth`.
    private static let historyDaysMax = 92
    private static let durationMax = 366 * Int64.millisecondsPerDay

    func pace(_ value: Value) -> PaceSignal? {
        let section = Section(
            value, keys: ["meter", "percent", "days", "daysMin", "activeDaysMin", "judgements", "lead"],
            expected: "{meter: …}")
        let meter = meter(of: section)
        var signal = PaceSignal(meter: MeterID(0))
        // At less than the whole limit exhaustion cannot come before the reset.
        var isRight = read(section["percent"], &signal.percent) { $0.percent(from: 10_000, as: "105") }
        isRight = read(section["days"], &signal.days) { $0.integer(1...Self.historyDaysMax) } && isRight
        signal.daysMin = min(signal.daysMin, signal.days)
        isRight = read(section["daysMin"], &signal.daysMin) { $0.integer(1...signal.days) } && isRight
        signal.activeDaysMin = min(signal.activeDaysMin, signal.daysMin)
        isRight = read(section["activeDaysMin"], &signal.activeDaysMin) { $0.integer(1...signal.daysMin) } && isRight
        isRight = read(section["judgements"], &signal.judgements) { $0.integer(1...14) } && isRight
        isRight = read(section["lead"], &signal.lead) { $0.duration(0...Self.durationMax) } && isRight
        guard let (index, meter) = meter else { return nil }
        let counts = meter.aggregation == .count || meter.aggregation == .sum
        let expected = "a meter that counts or sums over a period"
        guard case .period(let reset) = meter.window, counts else {
            return requires(false, meter, section, expected) ? signal : nil
        }
        if signal.lead >= reset.shortest, isRight {
            let place = section["lead"] ?? section["meter"] ?? value
            place.complain(
                "the limit cannot be reached \(durationText(signal.lead)) before a reset that comes every "
                    + reset.unit.rawValue, expected: "a lead shorter than \(durationText(reset.shortest))")
            return nil
        }
        signal.meter = MeterID(index)
        return isRight ? signal : nil
    }

    func growth(_ value: Value) -> GrowthSignal? {
        let section = Section(
            value, keys: ["meter", "window", "percent", "floor"],
            expected: "{meter: …, window: 28d, percent: 50, floor: …}")
        let meter = meter(of: section)
        let window = section.required("window", expected: "whole days to compare with those before, as 28d")
        let days = window?.days(1...Self.historyDaysMax)
        let growth = section.required("percent", expected: "how much more than before, as 50: half as much again")
        let percent = growth?.percent(from: 1, as: "50")
        let place = section.required("floor", expected: "the least usage in the window that counts as growth")
        guard let (index, meter) = meter else { return nil }
        let counts = meter.aggregation == .count || meter.aggregation == .sum
        guard requires(counts && meter.window != .gauge, meter, section, "a meter that counts or sums, and no gauge")
        else { return nil }
        guard let days, let percent, let floor = place.flatMap({ catalog.quantity($0, of: meter, from: 1) }) else {
            return nil
        }
        return GrowthSignal(meter: MeterID(index), windowDays: days, percent: percent, floor: floor)
    }

    func sustained(_ value: Value) -> SustainedSignal? {
        let section = Section(
            value, keys: ["meter", "percent", "absolute", "for"], expected: "{meter: …, percent: 90, for: 5d}")
        let meter = meter(of: section)
        let time = section.required("for", expected: "how long the level is held, as 5d")
        let duration = time?.duration(.millisecondsPerMinute...Self.durationMax)
        let units = [ThresholdUnit.percent, .absolute].filter { section[$0.rawValue] != nil }
        guard let unit = units.first, let level = section[unit.rawValue], units.count == 1 else {
            if units.count > 1 || !section.hasUnknown && value.isMap {
                value.complain(
                    units.isEmpty ? "no level" : "two levels",
                    expected: "percent of the limit or absolute", at: value.keyMark)
            }
            return nil
        }
        guard let (index, meter) = meter else { return nil }
        guard requires(meter.window == .gauge, meter, section, "a gauge") else { return nil }
        guard let number = number(level, unit, meter, from: 1), let duration else { return nil }
        return SustainedSignal(meter: MeterID(index), unit: unit, level: number, duration: duration)
    }
}

extension Meter.Reset {
    /// Length of the shortest period, in milliseconds.
    var shortest: Int64 {
        switch unit {
        case .day: .millisecondsPerDay
        case .week: 7 * .millisecondsPerDay
        case .month: 28 * .millisecondsPerDay
        case .year: 365 * .millisecondsPerDay
        }
    }
}
