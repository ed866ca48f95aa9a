internal import UpsellModel

extension JSONWriter {
    /// What the account did or did not. Lists that belong to the signal are written even when they are empty.
    mutating func write(_ activity: Trigger.Activity, of signal: Trigger.SignalKind) {
        beginObject()
        if let window = activity.window {
            key("window")
            write(window)
        }
        if let since = activity.since { member("since", since) }
        if let source = activity.source { member("source", source) }
        if let feature = activity.feature { member("feature", feature) }
        if let attempts = activity.attempts { member("attempts", integer: attempts) }
        let tellsUse = signal == .adoption || signal == .trial || signal == .event || signal == .digest
        if tellsUse || !activity.used.isEmpty {
            key("used")
            beginArray()
            for use in activity.used {
                element()
                beginObject()
                write(use)
                endObject()
            }
            endArray()
        }
        if tellsUse || !activity.unused.isEmpty { member("unused", texts: activity.unused) }
        if let end = activity.trialEnd { member("trialEnd", end) }
        if let days = activity.daysLeft { member("daysLeft", integer: days) }
        if let event = activity.event { member("event", event) }
        if signal == .combination || !activity.parts.isEmpty {
            key("parts")
            beginArray()
            for part in activity.parts {
                element()
                beginObject()
                write(part)
                endObject()
            }
            endArray()
        }
        if let score = activity.score { member("score", integer: score) }
        if signal == .digest || !activity.merged.isEmpty {
            key("merged")
            beginArray()
            for merged in activity.merged {
                element()
                beginObject()
                member("trigger", merged.trigger.description)
                member("rule", merged.rule)
                endObject()
            }
            endArray()
        }
        endObject()
    }

    // MARK: Evidence

    /// "Why this account, why now": one object for each fact, usage first, then what the account did.
    mutating func writeEvidence(of trigger: Trigger) {
        if let usage = trigger.usage {
            let writer = UsageWriter(usage)
            writer.writeEvidence(to: &self)
            if trigger.signal == .growth, let growth = writer.growth {
                evidence("growth") { json in
                    json.key("percent")
                    json.raw(growth)
                }
            }
        }
        if let projection = trigger.projection {
            let scale = trigger.usage?.scale ?? 0
            evidence("projection") { json in
                json.member("ratePerDay", projection.ratePerDay, scale: scale)
                json.member("projected", projection.projected, scale: scale)
                json.member("exhaustion", projection.exhaustion)
            }
        }
        if let activity = trigger.activity { writeEvidence(activity, of: trigger.signal) }
        evidence("plan") { json in
            json.member("plan", trigger.plan)
            json.member("status", trigger.status.rawValue)
        }
    }

    private mutating func writeEvidence(_ activity: Trigger.Activity, of signal: Trigger.SignalKind) {
        if let attempts = activity.attempts {
            evidence("attempts") { json in
                json.member("count", integer: attempts)
                if let feature = activity.feature { json.member("feature", feature) }
                if let window = activity.window { json.member("since", window.start) }
            }
        }
        if let end = activity.trialEnd {
            evidence("trial") { json in
                json.member("end", end)
                if let days = activity.daysLeft { json.member("daysLeft", integer: days) }
            }
        }
        if let event = activity.event { evidence("event") { json in json.member("event", event) } }
        if let since = activity.since {
            evidence(signal == .absence ? "absence" : "stay") { json in json.member("since", since) }
        }
        for use in activity.used.prefix(Self.evidenceFeaturesMax) { evidence("use") { json in json.write(use) } }
        for feature in activity.unused.prefix(Self.evidenceFeaturesMax) {
            evidence("unused") { json in json.member("feature", feature) }
        }
        for part in activity.parts { evidence("part") { json in json.write(part) } }
        if let score = activity.score { evidence("score") { json in json.member("score", integer: score) } }
        if !activity.merged.isEmpty {
            evidence("merged") { json in json.member("count", integer: Int64(activity.merged.count)) }
        }
    }

    mutating func evidence(_ kind: StaticString, _ members: (inout JSONWriter) -> Void) {
        element()
        beginObject()
        key("kind")
        string(kind.bytes)
        members(&self)
        endObject()
    }

    private mutating func write(_ use: Trigger.FeatureUse) {
        member("feature", use.feature)
        member("uses", integer: use.uses)
        // Where days are not counted there are none to tell.
        if use.days > 0 { member("days", integer: use.days) }
    }

    private mutating func write(_ part: Trigger.Part) {
        member("name", part.name)
        member("signal", part.signal.name)
        member("time", part.time)
    }

    /// Features told as evidence, used and unused apart; `activity` has them all.
    private static var evidenceFeaturesMax: Int { 10 }
}
