internal import UpsellModel

/// Members and evidence about a meter. Numbers are exact decimals of the meter's unit.
struct UsageWriter {
    private let usage: Trigger.Usage

    init(_ usage: Trigger.Usage) { self.usage = usage }

    func writeMembers(to json: inout JSONWriter) {
        json.member("meter", usage.meter)
        json.member("unit", usage.unit)
        if let dimension = usage.dimension {
            json.key("dimension")
            json.beginObject()
            json.member("name", dimension.name)
            json.member("value", dimension.value)
            json.endObject()
        }
        json.member("previous", usage.previous, scale: usage.scale)
        json.member("current", usage.current, scale: usage.scale)
        writeLimit(to: &json)
        writePercent(to: &json)
        if let unit = usage.thresholdUnit {
            json.member("thresholdUnit", unit.rawValue)
            json.key("crossed")
            json.beginArray()
            for threshold in usage.crossed {
                json.element()
                json.raw(ExactDecimal.format(threshold, scale: thresholdScale))
            }
            json.endArray()
            json.member("highest", usage.highest, scale: thresholdScale)
        }
        if let remaining { json.member("remaining", remaining, scale: usage.scale) }
        if let period = usage.period {
            json.key("period")
            json.beginObject()
            json.member("start", period.start)
            json.member("end", period.end)
            // The counter starts anew where its period ends.
            json.member("reset", period.end)
            json.endObject()
        }
    }

    /// Usage, limit, and each threshold with the usage at which it is reached.
    func writeEvidence(to json: inout JSONWriter) {
        json.evidence("usage") { json in
            json.member("previous", usage.previous, scale: usage.scale)
            json.member("current", usage.current, scale: usage.scale)
        }
        json.evidence("limit") { json in
            writeLimit(to: &json)
            writePercent(to: &json)
        }
        guard let unit = usage.thresholdUnit else { return }
        for threshold in usage.crossed {
            json.evidence("threshold") { json in
                json.member("unit", unit.rawValue)
                json.member("value", threshold, scale: thresholdScale)
                if let amount = amount(of: threshold, unit) {
                    json.key("reachedAt")
                    json.raw(amount)
                }
            }
        }
    }

    /// Of the window before, in percent, two decimals, cut off towards 0; nil where there was nothing to grow from.
    var growth: String? {
        guard usage.previous > 0 else { return nil }
        let more = Int128(usage.current) - Int128(usage.previous)
        return Self.decimal(more * 10_000 / Int128(usage.previous), scale: 2)
    }

    /// Percent thresholds are hundredths of a percent, the others quantities of the meter.
    private var thresholdScale: Int { usage.thresholdUnit == .percent ? 2 : usage.scale }

    private func writeLimit(to json: inout JSONWriter) {
        json.key("limit")
        json.write(usage.limit, scale: usage.scale)
    }

    private func writePercent(to json: inout JSONWriter) {
        guard let percent else { return }
        json.key("percent")
        json.raw(percent)
    }

    /// Usage as a share of the limit in percent, two decimals, cut off: 79.999 % reads as 79.99, never as 80.
    private var percent: String? {
        guard case .of(let limit) = usage.limit, limit > 0 else { return nil }
        // 128 bits hold 2⁶³ × 10⁴.
        let hundredths = Int128(usage.current) * 10_000 / Int128(limit)
        return Self.decimal(hundredths, scale: 2)
    }

    /// What is left of the limit, never below 0; nil where nothing limits or it does not fit.
    private var remaining: Int64? {
        guard case .of(let limit) = usage.limit else { return nil }
        let (left, overflow) = limit.subtractingReportingOverflow(usage.current)
        return overflow ? nil : max(0, left)
    }

    /// The usage at which a threshold is reached, in the meter's unit; rounded up to what the meter can count.
    private func amount(of threshold: Int64, _ unit: ThresholdUnit) -> String? {
        switch (unit, usage.limit) {
        case (.absolute, _): return ExactDecimal.format(threshold, scale: usage.scale)
        case (_, .unlimited): return nil
        case (.percent, .of(let limit)):
            let parts = Int128(threshold) * Int128(limit)
            return Self.decimal((parts + 9_999) / 10_000, scale: usage.scale)
        case (.remaining, .of(let limit)): return Self.decimal(Int128(limit) - Int128(threshold), scale: usage.scale)
        }
    }

    private static func decimal(_ value: Int128, scale: Int) -> String {
        if let narrow = Int64(exactly: value) { return ExactDecimal.format(narrow, scale: scale) }
        var unit = Int128(1)
        for _ in 0..<scale { unit *= 10 }
        var fraction = String((value % unit).magnitude)
        fraction = String(repeating: "0", count: max(0, scale - fraction.count)) + fraction
        while fraction.last == "0" { fraction.removeLast() }
        // Too wide for 64 bits, so the whole part is never 0 and carries the sign.
        return String(value / unit) + (fraction.isEmpty ? "" : "." + fraction)
    }
}

extension JSONWriter {
    /// `null` is unlimited.
    mutating func write(_ limit: Limit, scale: Int) {
        switch limit {
        case .of(let limit): raw(ExactDecimal.format(limit, scale: scale))
        case .unlimited: raw("null")
        }
    }

    mutating func write(_ projection: Trigger.Projection, scale: Int) {
        beginObject()
        member("method", projection.method)
        member("ratePerDay", projection.ratePerDay, scale: scale)
        member("projected", projection.projected, scale: scale)
        member("exhaustion", projection.exhaustion)
        endObject()
    }

    mutating func write(_ span: Trigger.Span) {
        beginObject()
        member("start", span.start)
        member("end", span.end)
        endObject()
    }
}
