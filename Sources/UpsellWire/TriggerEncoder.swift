public import UpsellModel

/// Writes triggers and held triggers as CloudEvents 1.0 JSON (contract §6; `config/schemas/*.schema.json`).
///
/// Equal triggers give equal bytes but for `detectionTime`: members have one order and numbers one form.
public struct TriggerEncoder: Sendable {
    private let source: String
    private let inputTopics: [String]

    /// Version of `data`; a member that goes or changes its meaning raises it, a new one does not.
    public static let schemaVersion: Int64 = 1

    /// - Parameters:
    ///   - source: CloudEvents `source` of everything this daemon says.
    ///   - inputTopics: names by `InputID`.
    public init(source: String, inputTopics: [String]) {
        self.source = source
        self.inputTopics = inputTopics
    }

    /// Value of the record on the triggers topic.
    public func encode(_ trigger: Trigger, partition: PartitionID, detectionTime: Timestamp) -> [UInt8] {
        encode(trigger, id: trigger.id.description, held: nil, partition, detectionTime)
    }

    /// Value of the record on the held topic. Its id is the trigger's and the reason: one for each of both.
    public func encode(held: HeldTrigger, partition: PartitionID, detectionTime: Timestamp) -> [UInt8] {
        let id = held.trigger.id.description + "-" + held.reason.rawValue
        return encode(held.trigger, id: id, held: held.reason, partition, detectionTime)
    }

    private func encode(
        _ trigger: Trigger, id: String, held: HoldReason?, _ partition: PartitionID, _ detectionTime: Timestamp
    ) -> [UInt8] {
        var json = JSONWriter(reserving: 1_024)
        json.beginObject()
        json.member("specversion", "1.0")
        json.member("id", id)
        json.member("source", source)
        json.member("type", "upselld.\(held == nil ? "trigger" : "held").\(trigger.signal.name).v1")
        json.member("subject", trigger.account)
        json.member("time", trigger.eventTime)
        json.member("datacontenttype", "application/json")
        json.key("data")
        json.beginObject()
        json.member("schemaVersion", integer: Self.schemaVersion)
        if let held {
            json.member("reason", held.rawValue)
            json.member("trigger", trigger.id.description)
        }
        json.member("signal", trigger.signal.name)
        json.member("rule", trigger.rule)
        json.member("cause", trigger.cause.rawValue)
        if let rearmed = trigger.rearmed { json.member("rearmed", rearmed.rawValue) }
        if let usage = trigger.usage { writeUsage(usage, to: &json) }
        json.member("episode", trigger.episode)
        json.member("eventTime", trigger.eventTime)
        json.member("detectionTime", detectionTime)
        json.member("plan", trigger.plan)
        json.member("status", trigger.status.rawValue)
        if let consequence = trigger.consequence { json.member("consequence", consequence) }
        if let coordinates = trigger.coordinates {
            json.key("input")
            json.beginObject()
            json.member("topic", inputTopics[coordinates.input.index])
            json.member("partition", integer: Int64(partition.rawValue))
            json.member("offset", integer: coordinates.offset)
            json.endObject()
        }
        if let usage = trigger.usage { writeEvidence(usage, to: &json) }
        json.endObject()
        json.endObject()
        return json.bytes
    }

    private func writeUsage(_ usage: Trigger.Usage, to json: inout JSONWriter) {
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
        writeLimit(usage, to: &json)
        writePercent(usage, to: &json)
        if let unit = usage.thresholdUnit {
            json.member("thresholdUnit", unit.rawValue)
            json.key("crossed")
            json.beginArray()
            for threshold in usage.crossed {
                json.element()
                json.raw(ExactDecimal.format(threshold, scale: Self.thresholdScale(usage)))
            }
            json.endArray()
            json.member("highest", usage.highest, scale: Self.thresholdScale(usage))
        }
        if let remaining = Self.remaining(usage) { json.member("remaining", remaining, scale: usage.scale) }
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

    /// Percent thresholds are hundredths of a percent, the others quantities of the meter.
    private static func thresholdScale(_ usage: Trigger.Usage) -> Int {
        usage.thresholdUnit == .percent ? 2 : usage.scale
    }

    private func writeLimit(_ usage: Trigger.Usage, to json: inout JSONWriter) {
        switch usage.limit {
        case .of(let limit): json.member("limit", limit, scale: usage.scale)
        case .unlimited:
            json.key("limit")
            json.raw("null")
        }
    }

    private func writePercent(_ usage: Trigger.Usage, to json: inout JSONWriter) {
        guard let percent = Self.percent(usage) else { return }
        json.key("percent")
        json.raw(percent)
    }

    /// "Why this account, why now": one object for each fact.
    private func writeEvidence(_ usage: Trigger.Usage, to json: inout JSONWriter) {
        json.key("evidence")
        json.beginArray()
        json.element()
        json.beginObject()
        json.member("kind", "usage")
        json.member("previous", usage.previous, scale: usage.scale)
        json.member("current", usage.current, scale: usage.scale)
        json.endObject()
        json.element()
        json.beginObject()
        json.member("kind", "limit")
        writeLimit(usage, to: &json)
        writePercent(usage, to: &json)
        json.endObject()
        for threshold in usage.crossed {
            json.element()
            json.beginObject()
            json.member("kind", "threshold")
            if let unit = usage.thresholdUnit { json.member("unit", unit.rawValue) }
            json.member("value", threshold, scale: Self.thresholdScale(usage))
            if let amount = Self.amount(of: threshold, usage) {
                json.key("reachedAt")
                json.raw(amount)
            }
            json.endObject()
        }
        json.endArray()
    }

    /// Usage as a share of the limit in percent, two decimals, cut off: 79.999 % reads as 79.99, never as 80.
    private static func percent(_ usage: Trigger.Usage) -> String? {
        guard case .of(let limit) = usage.limit, limit > 0 else { return nil }
        // 128 bits hold 2⁶³ × 10⁴.
        let hundredths = Int128(usage.current) * 10_000 / Int128(limit)
        return decimal(hundredths, scale: 2)
    }

    /// What is left of the limit, never below 0; nil where nothing limits or it does not fit.
    private static func remaining(_ usage: Trigger.Usage) -> Int64? {
        guard case .of(let limit) = usage.limit else { return nil }
        let (left, overflow) = limit.subtractingReportingOverflow(usage.current)
        return overflow ? nil : max(0, left)
    }

    /// The usage at which a threshold is reached, in the meter's unit; rounded up to what the meter can count.
    private static func amount(of threshold: Int64, _ usage: Trigger.Usage) -> String? {
        switch (usage.thresholdUnit, usage.limit) {
        case (nil, _): return nil
        case (.absolute, _): return ExactDecimal.format(threshold, scale: usage.scale)
        case (_, .unlimited): return nil
        case (.percent, .of(let limit)):
            let parts = Int128(threshold) * Int128(limit)
            return decimal((parts + 9_999) / 10_000, scale: usage.scale)
        case (.remaining, .of(let limit)): return decimal(Int128(limit) - Int128(threshold), scale: usage.scale)
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
