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
        json.member("meter", trigger.meter)
        json.member("unit", trigger.meterUnit)
        if let dimension = trigger.dimension {
            json.key("dimension")
            json.beginObject()
            json.member("name", dimension.name)
            json.member("value", dimension.value)
            json.endObject()
        }
        json.member("previous", trigger.previous, scale: trigger.scale)
        json.member("current", trigger.current, scale: trigger.scale)
        writeLimit(trigger, to: &json)
        writePercent(trigger, to: &json)
        json.member("thresholdUnit", trigger.thresholdUnit.rawValue)
        // Percent thresholds are hundredths of a percent, the others quantities of the meter.
        let thresholdScale = trigger.thresholdUnit == .percent ? 2 : trigger.scale
        json.key("crossed")
        json.beginArray()
        for threshold in trigger.crossed {
            json.element()
            json.raw(ExactDecimal.format(threshold, scale: thresholdScale))
        }
        json.endArray()
        json.member("highest", trigger.highest, scale: thresholdScale)
        if let remaining = Self.remaining(trigger) { json.member("remaining", remaining, scale: trigger.scale) }
        if let period = trigger.period {
            json.key("period")
            json.beginObject()
            json.member("start", period.start)
            json.member("end", period.end)
            // The counter starts anew where its period ends.
            json.member("reset", period.end)
            json.endObject()
        }
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
        writeEvidence(trigger, thresholdScale, to: &json)
        json.endObject()
        json.endObject()
        return json.bytes
    }

    private func writeLimit(_ trigger: Trigger, to json: inout JSONWriter) {
        switch trigger.limit {
        case .of(let limit): json.member("limit", limit, scale: trigger.scale)
        case .unlimited:
            json.key("limit")
            json.raw("null")
        }
    }

    private func writePercent(_ trigger: Trigger, to json: inout JSONWriter) {
        guard let percent = Self.percent(trigger) else { return }
        json.key("percent")
        json.raw(percent)
    }

    /// "Why this account, why now": one object for each fact.
    private func writeEvidence(_ trigger: Trigger, _ thresholdScale: Int, to json: inout JSONWriter) {
        json.key("evidence")
        json.beginArray()
        json.element()
        json.beginObject()
        json.member("kind", "usage")
        json.member("previous", trigger.previous, scale: trigger.scale)
        json.member("current", trigger.current, scale: trigger.scale)
        json.endObject()
        json.element()
        json.beginObject()
        json.member("kind", "limit")
        writeLimit(trigger, to: &json)
        writePercent(trigger, to: &json)
        json.endObject()
        for threshold in trigger.crossed {
            json.element()
            json.beginObject()
            json.member("kind", "threshold")
            json.member("unit", trigger.thresholdUnit.rawValue)
            json.member("value", threshold, scale: thresholdScale)
            if let amount = Self.amount(of: threshold, trigger) {
                json.key("reachedAt")
                json.raw(amount)
            }
            json.endObject()
        }
        json.endArray()
    }

    /// Usage as a share of the limit in percent, two decimals, cut off: 79.999 % reads as 79.99, never as 80.
    private static func percent(_ trigger: Trigger) -> String? {
        guard case .of(let limit) = trigger.limit, limit > 0 else { return nil }
        // 128 bits hold 2⁶³ × 10⁴.
        let hundredths = Int128(trigger.current) * 10_000 / Int128(limit)
        return decimal(hundredths, scale: 2)
    }

    /// What is left of the limit, never below 0; nil where nothing limits or it does not fit.
    private static func remaining(_ trigger: Trigger) -> Int64? {
        guard case .of(let limit) = trigger.limit else { return nil }
        let (left, overflow) = limit.subtractingReportingOverflow(trigger.current)
        return overflow ? nil : max(0, left)
    }

    /// The usage at which a threshold is reached, in the meter's unit; rounded up to what the meter can count.
    private static func amount(of threshold: Int64, _ trigger: Trigger) -> String? {
        switch (trigger.thresholdUnit, trigger.limit) {
        case (.absolute, _): return ExactDecimal.format(threshold, scale: trigger.scale)
        case (_, .unlimited): return nil
        case (.percent, .of(let limit)):
            let parts = Int128(threshold) * Int128(limit)
            return decimal((parts + 9_999) / 10_000, scale: trigger.scale)
        case (.remaining, .of(let limit)): return decimal(Int128(limit) - Int128(threshold), scale: trigger.scale)
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
