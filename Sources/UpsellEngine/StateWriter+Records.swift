internal import UpsellModel

extension StateWriter {
    // MARK: Side records

    mutating func put(_ record: SideRecord, code: MeterCode, isFull: Bool) {
        var facets: SideFacets = []
        let extra = record.extra
        if record.key.era == .previous { facets.insert(.previous) }
        if record.key.dimension != 0 { facets.insert(.dimension) }
        if record.cell.isTouched { facets.insert(.touched) }
        if let extra {
            if extra.latestTime != .min { facets.insert(.latest) }
            if !(isFull ? extra.members.isEmpty : extra.fresh.isEmpty) { facets.insert(.members) }
            if extra.rolling?.buckets.isEmpty == false { facets.insert(.rolling) }
            if !extra.episodes.isEmpty { facets.insert(.episodes) }
        }
        writer.put(byte: facets.rawValue)
        writer.put(UInt64(record.key.meter))
        if facets.contains(.dimension) { put(extra?.name ?? "") }
        writer.put(signed: record.cell.value)
        writer.put(record.cell.spentThresholds)
        guard let extra else { return }
        if facets.contains(.latest) { put(instant: extra.latestTime) }
        if facets.contains(.members) {
            let members = isFull ? extra.members.sorted() : extra.fresh
            writer.put(count: members.count)
            for member in members { writer.put(fixed64: member) }
        }
        if facets.contains(.rolling), let rolling = extra.rolling { put(rolling, span: code.span, isFull: isFull) }
        if facets.contains(.episodes) {
            writer.put(count: extra.episodes.count)
            for episode in extra.episodes { writer.put(signed: episode) }
        }
    }

    /// First hour, the hour from which buckets are told anew, those buckets, the timer, members that changed.
    private mutating func put(_ rolling: RollingBuckets, span: Int64, isFull: Bool) {
        guard let first = rolling.buckets.first?.hour, let last = rolling.buckets.last?.hour else {
            return
        }
        writer.put(signed: first &- clock / .millisecondsPerHour)
        let from = isFull ? first : Swift.min(Swift.max(rolling.dirtyHour, first), last + 1)
        writer.put(count: Int(from - first))
        let buckets = rolling.buckets.drop { $0.hour < from }
        writer.put(count: buckets.count)
        var next = from
        for bucket in buckets {
            writer.put(count: Int(bucket.hour - next))
            writer.put(signed: bucket.value)
            next = bucket.hour + 1
        }
        let expiry = PartitionEngine.bucketExpiry(first, span)
        writer.put(rolling.scheduled == expiry)
        if rolling.scheduled != expiry { put(optional: rolling.scheduled == .max ? nil : rolling.scheduled) }
        let members = (isFull ? Array(rolling.members.keys) : Array(Set(rolling.fresh))).sorted()
        let hours = members.map { rolling.members[$0] }
        writer.put(count: hours.reduce(0) { $0 + ($1 == nil ? 0 : 1) })
        for (member, hour) in zip(members, hours) {
            guard let hour else { continue }
            writer.put(fixed64: member)
            writer.put(count: Int(hour - first))
        }
    }

    // MARK: Profiles

    mutating func put(_ terms: Terms) {
        put(terms.plan)
        put(terms.status.rawValue)
        writer.put(terms.bounds != nil)
        if let bounds = terms.bounds {
            put(optional: bounds.start?.milliseconds)
            put(optional: bounds.end?.milliseconds)
            put(optional: bounds.anchor?.milliseconds)
        }
        put(optional: terms.zone?.name)
        writer.put(count: terms.addOns.count)
        for holding in terms.addOns {
            put(holding.addOn)
            writer.put(signed: holding.quantity)
            put(optional: holding.until?.milliseconds)
        }
        writer.put(count: terms.overrides.count)
        for override in terms.overrides {
            put(override.meter)
            put(optional: override.limit)
        }
        put(optional: terms.pendingPlan)
        put(optional: terms.effectiveAt?.milliseconds)
        put(instant: terms.time.milliseconds)
        writer.put(terms.resetUsage)
        put(optional: terms.scheduled == .max ? nil : terms.scheduled)
        writer.put(count: terms.limitChanges.count)
        for change in terms.limitChanges { put(optional: change == .min ? nil : change) }
        writer.put(signed: terms.versionTime &- terms.time.milliseconds)
        put(instant: terms.limitsAt)
    }

    mutating func put(_ facts: ProfileFacts) {
        put(signedOptional: facts.mrr)
        put(optional: facts.currency)
        put(optional: facts.interval?.rawValue)
        put(optional: facts.since?.milliseconds)
        put(optional: facts.firstPurchase?.milliseconds)
        put(optional: facts.locale)
        writer.put(facts.trial != nil)
        if let trial = facts.trial {
            put(optional: trial.plan)
            put(optional: trial.start?.milliseconds)
            put(optional: trial.end?.milliseconds)
        }
        writer.put(facts.cancelAtPeriodEnd)
        put(optional: facts.parent)
        put(optional: facts.owner)
        put(facts.optOut)
        writer.put(count: facts.attributes.count)
        for attribute in facts.attributes {
            put(attribute.name)
            put(attribute.json)
            put(attribute.texts)
        }
        put(facts.shareable)
    }

    mutating func put(signedOptional value: Int64?) {
        writer.put(value != nil)
        if let value { writer.put(signed: value) }
    }

    mutating func put(_ texts: [String]) {
        writer.put(count: texts.count)
        for text in texts { put(text) }
    }

    // MARK: Waiting room

    mutating func put(_ event: WaitingEvent) {
        writer.put(event.sequence)
        put(instant: event.time)
        put(instant: event.until)
        writer.put(byte: event.flags.rawValue)
        writer.put(event.mode == .silent)
        writer.put(byte: event.coordinates.input.rawValue)
        writer.put(signed: event.coordinates.offset)
        writer.put(count: event.readings.count)
        for reading in event.readings {
            writer.put(count: reading.meter)
            writer.put(signed: reading.quantity)
            put(optional: reading.dimension)
        }
    }
}
