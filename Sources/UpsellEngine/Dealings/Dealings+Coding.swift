internal import UpsellModel

/// Format: article "State", section "Dealings".
extension Dealings {
    private struct Facets: OptionSet {
        var rawValue: UInt64
        static let open = Facets(rawValue: 1)
        static let owed = Facets(rawValue: 1 << 1)
        static let closed = Facets(rawValue: 1 << 2)
        static let campaigns = Facets(rawValue: 1 << 3)
        static let reached = Facets(rawValue: 1 << 4)
        static let sent = Facets(rawValue: 1 << 5)
        static let dismissals = Facets(rawValue: 1 << 6)
        static let snoozes = Facets(rawValue: 1 << 7)
        static let merged = Facets(rawValue: 1 << 8)
        static let declined = Facets(rawValue: 1 << 9)
        static let notNow = Facets(rawValue: 1 << 10)
        static let upgraded = Facets(rawValue: 1 << 11)
        static let competition = Facets(rawValue: 1 << 12)
        static let all = Facets(rawValue: 1 << 13 - 1)
    }

    private var facets: Facets {
        var facets: Facets = []
        if !open.isEmpty { facets.insert(.open) }
        if !owed.isEmpty { facets.insert(.owed) }
        if !closed.isEmpty { facets.insert(.closed) }
        if !campaigns.isEmpty { facets.insert(.campaigns) }
        if !reached.isEmpty { facets.insert(.reached) }
        if !sent.isEmpty { facets.insert(.sent) }
        if !dismissals.isEmpty { facets.insert(.dismissals) }
        if !snoozes.isEmpty { facets.insert(.snoozes) }
        if !merged.isEmpty { facets.insert(.merged) }
        if declinedUntil != .min { facets.insert(.declined) }
        if notNowUntil != .min { facets.insert(.notNow) }
        if upgradedAt != .min { facets.insert(.upgraded) }
        if competitionEnd != .max { facets.insert(.competition) }
        return facets
    }

    func write(into out: inout StateWriter) {
        let facets = facets
        out.writer.put(facets.rawValue)
        if facets.contains(.open) { out.put(open) { out, entry in out.put(entry) } }
        if facets.contains(.owed) { out.put(owed) { out, entry in out.put(entry) } }
        if facets.contains(.closed) { out.put(closed) { out, entry in out.put(entry) } }
        if facets.contains(.campaigns) { out.put(campaigns) { out, entry in out.put(entry) } }
        if facets.contains(.reached) { out.put(reached) }
        if facets.contains(.sent) {
            out.put(sent) { out, mark in
                out.put(instant: mark.time)
                out.put(mark.recipient.rawValue)
                out.put(mark.channels)
            }
        }
        if facets.contains(.dismissals) {
            out.put(dismissals) { out, dismissal in
                out.put(dismissal.rule)
                out.put(dismissal.recipient.rawValue)
                out.put(instant: dismissal.episode.milliseconds)
            }
        }
        if facets.contains(.snoozes) { out.put(snoozes) }
        if facets.contains(.merged) { out.put(merged) }
        if facets.contains(.declined) { out.put(until: declinedUntil) }
        if facets.contains(.notNow) { out.put(until: notNowUntil) }
        if facets.contains(.upgraded) { out.put(instant: upgradedAt) }
        if facets.contains(.competition) { out.put(instant: competitionEnd) }
    }

    init(from input: inout StateReader, _ program: Program) throws(BinaryCodingError) {
        let facets = Facets(rawValue: try input.reader.unsigned())
        guard facets.isSubset(of: .all) else { throw input.malformed("dealings \(facets.rawValue)") }
        if facets.contains(.open) {
            for _ in 0..<(try input.reader.count()) { open.append(try input.openTrigger()) }
        }
        if facets.contains(.owed) {
            for _ in 0..<(try input.reader.count()) { owed.append(try input.owedTrigger()) }
        }
        if facets.contains(.closed) {
            for _ in 0..<(try input.reader.count()) { closed.append(try input.closedTrigger()) }
        }
        if facets.contains(.campaigns) {
            for _ in 0..<(try input.reader.count()) { campaigns.append(try input.campaign()) }
        }
        if facets.contains(.reached) { reached = try input.ruleInstants() }
        if facets.contains(.sent) {
            for _ in 0..<(try input.reader.count()) {
                sent.append(
                    SentMark(
                        time: try input.instant(), recipient: try input.recipient(),
                        channels: try input.listOfTexts()))
            }
        }
        if facets.contains(.dismissals) {
            for _ in 0..<(try input.reader.count()) {
                dismissals.append(
                    Dismissal(
                        rule: try input.text(), recipient: try input.recipient(),
                        episode: Timestamp(milliseconds: try input.instant())))
            }
        }
        if facets.contains(.snoozes) { snoozes = try input.ruleInstants() }
        if facets.contains(.merged) { merged = try input.mergedTriggers() }
        if facets.contains(.declined) { declinedUntil = try input.until() }
        if facets.contains(.notNow) { notNowUntil = try input.until() }
        if facets.contains(.upgraded) { upgradedAt = try input.instant() }
        if facets.contains(.competition) { competitionEnd = try input.instant() }
    }
}

extension StateWriter {
    mutating func put<Element>(_ list: [Element], _ body: (inout StateWriter, Element) -> Void) {
        writer.put(count: list.count)
        for element in list { body(&self, element) }
    }

    /// An instant, or `.max` for none.
    mutating func put(until instant: Int64) { put(optional: instant == .max ? nil : instant) }

    mutating func put(_ list: [RuleInstant]) {
        put(list) { out, entry in
            out.put(entry.rule)
            out.put(until: entry.time)
        }
    }

    mutating func put(_ progress: Progress) {
        put(optional: progress.delivered)
        put(optional: progress.seen)
        writer.put(progress.isClicked)
    }

    mutating func put(_ entry: OpenTrigger) {
        put(entry.trigger)
        put(instant: entry.emitted)
        put(entry.progress)
        writer.put(entry.tellsResolved)
    }

    mutating func put(_ entry: OwedTrigger) {
        put(entry.trigger)
        let code = entry.reason.flatMap { TemporaryReasons.codes.firstIndex(of: $0) }
        writer.put(byte: code.map { UInt8($0) + 1 } ?? 0)
        put(until: entry.until)
        writer.put(byte: entry.told.rawValue)
        writer.put(entry.isCounted)
    }

    mutating func put(_ entry: ClosedTrigger) {
        put(entry.id)
        put(entry.rule)
        writer.put(byte: entry.signal.rawValue)
        put(optional: entry.meter)
        put(entry.recipient.rawValue)
        put(instant: entry.episode.milliseconds)
        put(instant: entry.emitted)
        put(entry.progress)
        put(optional: entry.campaign)
        put(optional: entry.step)
        put(optional: entry.arm?.rawValue)
        writer.put(byte: entry.ending.rawValue)
        writer.put(entry.conversion != nil)
        guard let conversion = entry.conversion else { return }
        put(instant: conversion.time)
        put(conversion.fromPlan)
        put(conversion.toPlan)
        put(optional: conversion.addOn)
        writer.put(signed: conversion.quantityBefore)
        put(signedOptional: conversion.mrrBefore)
        put(signedOptional: conversion.amount)
        put(optional: conversion.currency)
    }

    mutating func put(_ campaign: Campaign) {
        put(campaign.id)
        put(campaign.rule)
        put(campaign.pending) { out, step in
            out.put(step.name)
            out.put(instant: step.time)
        }
        writer.put(campaign.ghost != nil)
        if let ghost = campaign.ghost { put(ghost) }
    }
}

extension StateReader {
    mutating func until() throws(BinaryCodingError) -> Int64 { try optionalInstant() ?? .max }

    mutating func recipient() throws(BinaryCodingError) -> Recipient { try named(Recipient.self, "recipient") }

    /// A text that is a case's raw value.
    mutating func named<Value: RawRepresentable<String>>(
        _: Value.Type, _ what: String
    ) throws(BinaryCodingError) -> Value {
        let name = try text()
        guard let value = Value(rawValue: name) else { throw malformed("\(what) \(name)") }
        return value
    }

    mutating func optionalNamed<Value: RawRepresentable<String>>(
        _ type: Value.Type, _ what: String
    ) throws(BinaryCodingError) -> Value? {
        try reader.flag() ? named(type, what) : nil
    }

    mutating func ruleInstants() throws(BinaryCodingError) -> [RuleInstant] {
        var list: [RuleInstant] = []
        for _ in 0..<(try reader.count()) { list.append(RuleInstant(rule: try text(), time: try until())) }
        return list
    }

    mutating func progress() throws(BinaryCodingError) -> Progress {
        Progress(delivered: try optionalInstant(), seen: try optionalInstant(), isClicked: try reader.flag())
    }

    mutating func openTrigger() throws(BinaryCodingError) -> OpenTrigger {
        OpenTrigger(
            trigger: try trigger(), emitted: try instant(), progress: try progress(), tellsResolved: try reader.flag())
    }

    mutating func owedTrigger() throws(BinaryCodingError) -> OwedTrigger {
        let trigger = try trigger()
        let code = Int(try reader.byte())
        guard code <= TemporaryReasons.codes.count else { throw malformed("temporary reason \(code)") }
        let until = try until()
        let told = TemporaryReasons(rawValue: try reader.byte())
        guard told.rawValue >> UInt8(TemporaryReasons.codes.count) == 0 else {
            throw malformed("temporary reasons \(told.rawValue)")
        }
        return OwedTrigger(
            trigger: trigger, reason: code == 0 ? nil : TemporaryReasons.codes[code - 1], until: until, told: told,
            isCounted: try reader.flag())
    }

    mutating func closedTrigger() throws(BinaryCodingError) -> ClosedTrigger {
        var trigger = Trigger(
            id: try triggerID(), account: "", rule: try text(), ruleVersion: 0, signal: try signalKind(),
            cause: .usage, episode: Timestamp(milliseconds: 0), eventTime: Timestamp(milliseconds: 0), plan: "",
            status: .active)
        let meter = try optionalText()
        trigger.recipient = try recipient()
        trigger.episode = Timestamp(milliseconds: try instant())
        let emitted = try instant()
        let progress = try progress()
        trigger.campaign = try optionalTriggerID()
        trigger.step = try optionalText()
        trigger.arm = try optionalNamed(Trigger.HoldoutArm.self, "arm")
        let byte = try reader.byte()
        guard let ending = ClosedTrigger.Ending(rawValue: byte) else { throw malformed("ending \(byte)") }
        var entry = ClosedTrigger(trigger, emitted: emitted, progress, ending)
        entry.meter = meter
        guard try reader.flag() else { return entry }
        var conversion = Conversion(time: try instant(), fromPlan: try text(), toPlan: try text())
        conversion.addOn = try optionalText()
        conversion.quantityBefore = try reader.signed()
        conversion.mrrBefore = try optionalSigned()
        conversion.amount = try optionalSigned()
        conversion.currency = try optionalText()
        entry.conversion = conversion
        return entry
    }

    mutating func campaign() throws(BinaryCodingError) -> Campaign {
        var campaign = Campaign(id: try triggerID(), rule: try text(), pending: [])
        for _ in 0..<(try reader.count()) {
            campaign.pending.append(Campaign.PendingStep(name: try text(), time: try instant()))
        }
        if try reader.flag() { campaign.ghost = try trigger() }
        return campaign
    }
}
