public import UpsellModel

/// Writes triggers, held and open triggers and outcomes as CloudEvents 1.0 JSON (contract §6 and §7;
/// `config/schemas/*.schema.json`).
///
/// Equal triggers with equal words give equal bytes but for `detectionTime`: members have one order and numbers one
/// form. Quantities are exact decimals of the meter's unit, money is whole minor units beside its currency, instants
/// are RFC 3339 in UTC with milliseconds. Of the account's profile goes out what is named here and the attributes that
/// it marks as shareable, nothing else.
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

    /// Value of the record on the triggers topic: type `upselld.trigger.<signal>.v1`, id the trigger's.
    ///
    /// - Parameter message: its words; nil where the rule has none.
    public func encode(
        _ trigger: Trigger, message: Message?, partition: PartitionID, detectionTime: Timestamp
    ) -> [UInt8] {
        var json = begin(
            id: trigger.id.description, type: "upselld.trigger.\(trigger.signal.name).v1", account: trigger.account,
            time: trigger.eventTime)
        writeMembers(trigger, message, partition, detectionTime, to: &json)
        return end(json)
    }

    /// Value of the record on the held topic: type `upselld.held.<signal>.v1`. Its id is the trigger's and the reason:
    /// one for each of both.
    ///
    /// - Parameter message: what it would have said; nil where the rule has no words.
    public func encode(
        held: HeldTrigger, message: Message?, partition: PartitionID, detectionTime: Timestamp
    ) -> [UInt8] {
        let trigger = held.trigger
        var json = begin(
            id: "\(trigger.id)-\(held.reason.rawValue)", type: "upselld.held.\(trigger.signal.name).v1",
            account: trigger.account, time: trigger.eventTime)
        json.member("reason", held.reason.rawValue)
        json.member("disposition", held.reason.isTemporary ? "temporary" : "final")
        if let until = held.until { json.member("until", until) }
        json.member("trigger", trigger.id.description)
        writeMembers(trigger, message, partition, detectionTime, to: &json)
        return end(json)
    }

    /// Value of the record on the outcomes topic: type `upselld.outcome.<kind>.v1`, id `Outcome.id`.
    public func encode(outcome: Outcome, partition: PartitionID, detectionTime: Timestamp) -> [UInt8] {
        var json = begin(
            id: outcome.id, type: "upselld.outcome.\(outcome.kind.rawValue).v1", account: outcome.account,
            time: outcome.time)
        writeMembers(outcome, partition, detectionTime, to: &json)
        return end(json)
    }

    /// Value of an account's record on the open topic: type `upselld.open.v1`, each trigger with its id and everything
    /// its own event had but the detection time, which nobody keeps.
    ///
    /// The event's id is a hash of the account and of what is open, so that the same set has the same id.
    ///
    /// - Parameters:
    ///   - triggers: what is open, in the order of emission; at least one, since none is a record without value.
    ///   - time: of the change, on the partition's clock or of an event, never of the wall: it is part of the bytes that
    ///     a replay repeats.
    public func encodeOpen(
        account: String, triggers: [(trigger: Trigger, message: Message?)], partition: PartitionID, time: Timestamp
    ) -> [UInt8] {
        var json = begin(
            id: Self.openID(account: account, triggers.map(\.trigger.id)), type: "upselld.open.v1", account: account,
            time: time)
        json.key("triggers")
        json.beginArray()
        for (trigger, message) in triggers {
            json.element()
            json.beginObject()
            json.member("id", trigger.id.description)
            writeMembers(trigger, message, partition, nil, to: &json)
            json.endObject()
        }
        json.endArray()
        return end(json)
    }

    /// Headers of a trigger's record by which a channel can choose without reading the value; they stand behind
    /// `content-type`, which every output has alike.
    ///
    /// `upselld-channels` is a list with commas, in the order of preference; `upselld-test` is there only on tests.
    public func headers(for trigger: Trigger) -> [(name: String, value: [UInt8])] {
        var headers = [
            ("upselld-rule", trigger.rule),
            ("upselld-signal", trigger.signal.name),
            ("upselld-class", trigger.kind.rawValue),
            ("upselld-channels", trigger.channels.joined(separator: ",")),
            ("upselld-recipient", trigger.recipient.rawValue),
        ]
        if trigger.isTest { headers.append(("upselld-test", "true")) }
        return headers.map { (name: $0.0, value: Array($0.1.utf8)) }
    }

    // MARK: Envelope

    /// Begins an event and its data.
    private func begin(id: String, type: String, account: String, time: Timestamp) -> JSONWriter {
        var json = JSONWriter(reserving: 2_048)
        json.beginObject()
        json.member("specversion", "1.0")
        json.member("id", id)
        json.member("source", source)
        json.member("type", type)
        json.member("subject", account)
        json.member("time", time)
        json.member("datacontenttype", "application/json")
        json.key("data")
        json.beginObject()
        json.member("schemaVersion", integer: Self.schemaVersion)
        return json
    }

    private func end(_ json: consuming JSONWriter) -> [UInt8] {
        json.endObject()
        json.endObject()
        return json.bytes
    }

    // MARK: Data

    private func writeMembers(
        _ trigger: Trigger, _ message: Message?, _ partition: PartitionID, _ detectionTime: Timestamp?,
        to json: inout JSONWriter
    ) {
        json.member("signal", trigger.signal.name)
        json.member("rule", trigger.rule)
        json.member("cause", trigger.cause.rawValue)
        if let rearmed = trigger.rearmed { json.member("rearmed", rearmed.rawValue) }
        if let usage = trigger.usage { UsageWriter(usage).writeMembers(to: &json) }
        json.member("episode", trigger.episode)
        json.member("eventTime", trigger.eventTime)
        if let detectionTime { json.member("detectionTime", detectionTime) }
        json.member("plan", trigger.plan)
        json.member("status", trigger.status.rawValue)
        if let consequence = trigger.consequence { json.member("consequence", consequence) }
        json.member("class", trigger.kind.rawValue)
        if let projection = trigger.projection {
            json.key("projection")
            json.write(projection, scale: trigger.usage?.scale ?? 0)
        }
        if let activity = trigger.activity {
            json.key("activity")
            json.write(activity, of: trigger.signal)
        }
        writeQualification(trigger, message, to: &json)
        if let coordinates = trigger.coordinates {
            json.key("input")
            json.beginObject()
            json.member("topic", inputTopics[coordinates.input.index])
            json.member("partition", integer: Int64(partition.rawValue))
            json.member("offset", integer: coordinates.offset)
            json.endObject()
        }
        json.key("evidence")
        json.beginArray()
        json.writeEvidence(of: trigger)
        json.endArray()
    }

    /// What is offered, to whom, where and when, and in which words.
    private func writeQualification(_ trigger: Trigger, _ message: Message?, to json: inout JSONWriter) {
        if let remedy = trigger.remedy {
            json.key("remedy")
            json.write(remedy)
        }
        if let offer = trigger.offer {
            json.key("offer")
            json.write(offer)
        }
        if let arm = trigger.arm {
            json.key("experiment")
            json.beginObject()
            json.member("id", Self.holdoutExperiment)
            json.member("arm", arm.rawValue)
            json.endObject()
        }
        if let campaign = trigger.campaign { json.member("campaign", campaign.description) }
        if let step = trigger.step { json.member("step", step) }
        json.member("channels", texts: trigger.channels)
        json.member("recipient", trigger.recipient.rawValue)
        if let notBefore = trigger.notBefore { json.member("notBefore", notBefore) }
        if let expires = trigger.expires { json.member("expires", expires) }
        json.member("segments", texts: trigger.segments)
        if let message {
            json.key("message")
            json.write(message)
            if !message.talkingPoints.isEmpty { json.member("talkingPoints", texts: message.talkingPoints) }
        }
        if let locale = trigger.locale { json.member("locale", locale) }
        if let timeZone = trigger.timeZone { json.member("timeZone", timeZone) }
        if !trigger.attributes.isEmpty {
            json.key("attributes")
            json.beginObject()
            for attribute in trigger.attributes { json.member(attribute.name, raw: attribute.json) }
            json.endObject()
        }
        if trigger.isTest { json.member("test", flag: true) }
    }

    private func writeMembers(
        _ outcome: Outcome, _ partition: PartitionID, _ detectionTime: Timestamp, to json: inout JSONWriter
    ) {
        json.member("kind", outcome.kind.rawValue)
        json.member("closes", flag: outcome.kind.closes)
        json.member("trigger", outcome.trigger.description)
        json.member("rule", outcome.rule)
        json.member("signal", outcome.signal.name)
        json.member("eventTime", outcome.time)
        json.member("detectionTime", detectionTime)
        json.member("emitted", outcome.emitted)
        json.member("partition", integer: Int64(partition.rawValue))
        if let recipient = outcome.recipient { json.member("recipient", recipient) }
        if let channel = outcome.channel { json.member("channel", channel) }
        if let reason = outcome.reason { json.member("reason", reason) }
        if let until = outcome.until { json.member("until", until) }
        if let feedback = outcome.feedback { json.member("feedback", feedback) }
        if let plan = outcome.fromPlan { json.member("fromPlan", plan) }
        if let plan = outcome.toPlan { json.member("toPlan", plan) }
        if let amount = outcome.amount, let currency = outcome.currency {
            json.member("mrrChange", amount: amount, currency: currency)
        }
        if let campaign = outcome.campaign { json.member("campaign", campaign.description) }
        if let step = outcome.step { json.member("step", step) }
    }

    /// The one experiment that there is today: nothing promotional at all.
    private static let holdoutExperiment = "holdout"
}
