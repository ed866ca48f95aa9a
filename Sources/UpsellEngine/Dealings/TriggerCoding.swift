internal import UpsellModel

/// Triggers as bytes of the state: every field, in the order of its declaration. Format: article "State", section
/// "Triggers".
extension StateWriter {
    mutating func put(_ id: TriggerID) {
        writer.put(fixed64: id.high)
        writer.put(fixed64: id.low)
    }

    mutating func put(optional id: TriggerID?) {
        writer.put(id != nil)
        if let id { put(id) }
    }

    mutating func put(_ span: Trigger.Span) {
        put(instant: span.start.milliseconds)
        writer.put(signed: span.end - span.start)
    }

    mutating func put(_ limit: Limit) {
        switch limit {
        case .unlimited: writer.put(false)
        case .of(let amount):
            writer.put(true)
            writer.put(signed: amount)
        }
    }

    mutating func put(_ merged: [Trigger.Merged]) {
        put(merged) { out, entry in
            out.put(entry.trigger)
            out.put(entry.rule)
        }
    }

    mutating func put(_ trigger: Trigger) {
        put(trigger.id)
        put(trigger.account)
        put(trigger.rule)
        writer.put(fixed64: trigger.ruleVersion)
        writer.put(byte: trigger.signal.rawValue)
        put(trigger.cause.rawValue)
        writer.put(trigger.usage != nil)
        if let usage = trigger.usage { put(usage) }
        writer.put(trigger.projection != nil)
        if let projection = trigger.projection {
            put(projection.method)
            writer.put(signed: projection.ratePerDay)
            writer.put(signed: projection.projected)
            put(instant: projection.exhaustion.milliseconds)
        }
        writer.put(trigger.activity != nil)
        if let activity = trigger.activity { put(activity) }
        put(instant: trigger.episode.milliseconds)
        put(instant: trigger.eventTime.milliseconds)
        put(trigger.plan)
        put(trigger.status.rawValue)
        put(trigger.segments)
        put(optional: trigger.consequence)
        writer.put(trigger.coordinates != nil)
        if let coordinates = trigger.coordinates {
            writer.put(byte: coordinates.input.rawValue)
            writer.put(signed: coordinates.offset)
        }
        put(optional: trigger.rearmed?.rawValue)
        put(trigger.kind.rawValue)
        writer.put(trigger.remedy != nil)
        if let remedy = trigger.remedy { put(remedy) }
        writer.put(trigger.offer != nil)
        if let offer = trigger.offer {
            put(offer.kind.rawValue)
            put(signedOptional: offer.value)
            put(optional: offer.expires?.milliseconds)
            put(optional: offer.link)
            put(offer.resources)
        }
        put(trigger.channels)
        put(trigger.recipient.rawValue)
        put(optional: trigger.notBefore?.milliseconds)
        put(optional: trigger.expires?.milliseconds)
        put(optional: trigger.campaign)
        put(optional: trigger.step)
        put(optional: trigger.arm?.rawValue)
        writer.put(trigger.isTest)
        put(optional: trigger.locale)
        put(optional: trigger.timeZone)
        put(optional: trigger.currency)
        put(optional: trigger.owner)
        put(trigger.attributes) { out, attribute in
            out.put(attribute.name)
            out.put(attribute.json)
            out.put(attribute.texts)
        }
    }

    private mutating func put(_ usage: Trigger.Usage) {
        put(usage.meter)
        put(usage.unit)
        writer.put(signed: Int64(usage.scale))
        put(optional: usage.dimension?.name)
        if let dimension = usage.dimension { put(dimension.value) }
        writer.put(signed: usage.previous)
        writer.put(signed: usage.current)
        put(usage.limit)
        put(optional: usage.thresholdUnit?.rawValue)
        put(usage.crossed) { out, threshold in out.writer.put(signed: threshold) }
        writer.put(usage.period != nil)
        if let period = usage.period { put(period) }
        writer.put(fixed64: usage.limitVersion)
    }

    private mutating func put(_ activity: Trigger.Activity) {
        writer.put(activity.window != nil)
        if let window = activity.window { put(window) }
        put(optional: activity.since?.milliseconds)
        put(optional: activity.source)
        put(optional: activity.feature)
        put(signedOptional: activity.attempts)
        put(activity.used) { out, use in
            out.put(use.feature)
            out.writer.put(signed: use.uses)
            out.writer.put(signed: use.days)
        }
        put(activity.unused)
        put(optional: activity.trialEnd?.milliseconds)
        put(signedOptional: activity.daysLeft)
        put(optional: activity.event)
        put(activity.parts) { out, part in
            out.put(part.name)
            out.writer.put(byte: part.signal.rawValue)
            out.put(instant: part.time.milliseconds)
        }
        put(signedOptional: activity.score)
        put(activity.merged)
    }

    private mutating func put(_ remedy: Remedy) {
        put(remedy.kind.rawValue)
        put(optional: remedy.reason?.rawValue)
        put(optional: remedy.target)
        put(optional: remedy.title)
        writer.put(signed: remedy.quantity)
        put(optional: remedy.currency)
        put(optional: remedy.interval?.rawValue)
        put(signedOptional: remedy.price)
        put(signedOptional: remedy.difference)
        put(optional: remedy.priceReason?.rawValue)
        put(remedy.limits) { out, gain in
            out.put(gain.meter)
            out.put(gain.unit)
            out.writer.put(signed: Int64(gain.scale))
            out.put(gain.from)
            out.put(gain.to)
        }
        put(remedy.features) { out, gain in
            out.put(gain.name)
            out.put(optional: gain.from)
            out.put(gain.to)
        }
        put(remedy.benefits)
        writer.put(remedy.value != nil)
        guard let value = remedy.value else { return }
        put(value.meter)
        put(value.unit)
        writer.put(signed: Int64(value.scale))
        writer.put(signed: value.usage)
        put(signedOptional: value.percentOfNewLimit)
        put(signedOptional: value.avoided)
    }
}

extension StateReader {
    mutating func triggerID() throws(BinaryCodingError) -> TriggerID {
        TriggerID(high: try reader.fixed64(), low: try reader.fixed64())
    }

    mutating func optionalTriggerID() throws(BinaryCodingError) -> TriggerID? {
        try reader.flag() ? triggerID() : nil
    }

    mutating func signalKind() throws(BinaryCodingError) -> Trigger.SignalKind {
        let byte = try reader.byte()
        guard let kind = Trigger.SignalKind(rawValue: byte) else { throw malformed("signal \(byte)") }
        return kind
    }

    mutating func timestamp() throws(BinaryCodingError) -> Timestamp { Timestamp(milliseconds: try instant()) }

    mutating func span() throws(BinaryCodingError) -> Trigger.Span {
        let start = try instant()
        return Trigger.Span(
            start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: try check(start &+ reader.signed())))
    }

    mutating func limit() throws(BinaryCodingError) -> Limit { try reader.flag() ? .of(reader.signed()) : .unlimited }

    /// Decimals of a meter.
    mutating func scale() throws(BinaryCodingError) -> Int {
        let scale = try reader.signed()
        guard (0...9).contains(scale) else { throw malformed("scale \(scale)") }
        return Int(scale)
    }

    mutating func mergedTriggers() throws(BinaryCodingError) -> [Trigger.Merged] {
        var merged: [Trigger.Merged] = []
        for _ in 0..<(try reader.count()) {
            merged.append(Trigger.Merged(trigger: try triggerID(), rule: try text()))
        }
        return merged
    }

    mutating func trigger() throws(BinaryCodingError) -> Trigger {
        var trigger = Trigger(
            id: try triggerID(), account: try text(), rule: try text(), ruleVersion: try reader.fixed64(),
            signal: try signalKind(), cause: try named(Trigger.Cause.self, "cause"),
            episode: Timestamp(milliseconds: 0), eventTime: Timestamp(milliseconds: 0), plan: "", status: .active)
        if try reader.flag() { trigger.usage = try usage() }
        if try reader.flag() {
            trigger.projection = Trigger.Projection(
                method: try text(), ratePerDay: try reader.signed(), projected: try reader.signed(),
                exhaustion: try timestamp())
        }
        if try reader.flag() { trigger.activity = try activity() }
        trigger.episode = try timestamp()
        trigger.eventTime = try timestamp()
        trigger.plan = try text()
        trigger.status = try named(Profile.Status.self, "status")
        trigger.segments = try listOfTexts()
        trigger.consequence = try optionalText()
        if try reader.flag() {
            trigger.coordinates = InputCoordinates(
                input: InputID(rawValue: try reader.byte()), offset: try reader.signed())
        }
        trigger.rearmed = try optionalNamed(Trigger.Rearming.self, "rearming")
        trigger.kind = try named(Rule.Kind.self, "kind of rule")
        if try reader.flag() { trigger.remedy = try remedy() }
        if try reader.flag() {
            trigger.offer = Trigger.PresentedOffer(
                kind: try named(Offer.Kind.self, "kind of offer"), value: try optionalSigned(),
                expires: try optionalTimestamp(), link: try optionalText(), resources: try listOfTexts())
        }
        trigger.channels = try listOfTexts()
        trigger.recipient = try recipient()
        trigger.notBefore = try optionalTimestamp()
        trigger.expires = try optionalTimestamp()
        trigger.campaign = try optionalTriggerID()
        trigger.step = try optionalText()
        trigger.arm = try optionalNamed(Trigger.HoldoutArm.self, "arm")
        trigger.isTest = try reader.flag()
        trigger.locale = try optionalText()
        trigger.timeZone = try optionalText()
        trigger.currency = try optionalText()
        trigger.owner = try optionalText()
        for _ in 0..<(try reader.count()) {
            trigger.attributes.append(
                Profile.Attribute(name: try text(), json: try text(), texts: try listOfTexts()))
        }
        return trigger
    }

    private mutating func usage() throws(BinaryCodingError) -> Trigger.Usage {
        let meter = try text()
        let unit = try text()
        let scale = try scale()
        var dimension: Trigger.Dimension?
        if let name = try optionalText() { dimension = Trigger.Dimension(name: name, value: try text()) }
        var usage = Trigger.Usage(
            meter: meter, unit: unit, scale: scale, dimension: dimension, previous: try reader.signed(),
            current: try reader.signed(), limit: try limit(),
            thresholdUnit: try optionalNamed(ThresholdUnit.self, "unit of thresholds"), limitVersion: 0)
        for _ in 0..<(try reader.count()) { usage.crossed.append(try reader.signed()) }
        if try reader.flag() { usage.period = try span() }
        usage.limitVersion = try reader.fixed64()
        return usage
    }

    private mutating func activity() throws(BinaryCodingError) -> Trigger.Activity {
        var activity = Trigger.Activity()
        if try reader.flag() { activity.window = try span() }
        activity.since = try optionalTimestamp()
        activity.source = try optionalText()
        activity.feature = try optionalText()
        activity.attempts = try optionalSigned()
        for _ in 0..<(try reader.count()) {
            activity.used.append(
                Trigger.FeatureUse(feature: try text(), uses: try reader.signed(), days: try reader.signed()))
        }
        activity.unused = try listOfTexts()
        activity.trialEnd = try optionalTimestamp()
        activity.daysLeft = try optionalSigned()
        activity.event = try optionalText()
        for _ in 0..<(try reader.count()) {
            activity.parts.append(Trigger.Part(name: try text(), signal: try signalKind(), time: try timestamp()))
        }
        activity.score = try optionalSigned()
        activity.merged = try mergedTriggers()
        return activity
    }

    private mutating func remedy() throws(BinaryCodingError) -> Remedy {
        var remedy = Remedy(
            try named(Remedy.Kind.self, "remedy"), reason: try optionalNamed(Remedy.Reason.self, "reason"))
        remedy.target = try optionalText()
        remedy.title = try optionalText()
        remedy.quantity = try reader.signed()
        remedy.currency = try optionalText()
        remedy.interval = try optionalNamed(Price.Interval.self, "interval")
        remedy.price = try optionalSigned()
        remedy.difference = try optionalSigned()
        remedy.priceReason = try optionalNamed(Remedy.Reason.self, "reason")
        for _ in 0..<(try reader.count()) {
            remedy.limits.append(
                Remedy.LimitGain(
                    meter: try text(), unit: try text(), scale: try scale(), from: try limit(), to: try limit()))
        }
        for _ in 0..<(try reader.count()) {
            remedy.features.append(Remedy.FeatureGain(name: try text(), from: try optionalText(), to: try text()))
        }
        remedy.benefits = try listOfTexts()
        guard try reader.flag() else { return remedy }
        remedy.value = Remedy.ValueFigure(
            meter: try text(), unit: try text(), scale: try scale(), usage: try reader.signed(),
            percentOfNewLimit: try optionalSigned(), avoided: try optionalSigned())
        return remedy
    }
}
