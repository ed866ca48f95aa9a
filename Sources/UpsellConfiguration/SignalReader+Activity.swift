import UpsellModel

/// Signals over what an account does or does not do: gate, adoption, trial, event, absence, digest.
extension SignalReader {
    private static let durationMax = 366 * Int64.millisecondsPerDay

    func gate(_ value: Value) -> GateSignal? {
        let section = Section(
            value, keys: Self.sourceKeys + ["count", "within", "withoutEntitlement"],
            expected: "{on: …, count: 3, within: 7d}")
        let source = source(section)
        var count = 1
        var isRight = read(section["count"], &count) { $0.integer(1...64) }
        let window = section.required("within", expected: "the time in which they count together, as 7d")
        let within = window?.duration(.millisecondsPerMinute...Self.durationMax)
        var only = false
        isRight = read(section["withoutEntitlement"], &only) { $0.flag() } && isRight
        guard let source, let within, isRight else { return nil }
        if only, case .behaviour = source.stream {
            section["withoutEntitlement"]?.complain(
                "a behaviour has no limit", expected: "it on a meter only, whose limit may be 0",
                at: section["withoutEntitlement"]?.keyMark)
            return nil
        }
        return GateSignal(source: source, count: count, window: within, onlyWithoutEntitlement: only)
    }

    func adoption(_ value: Value) -> AdoptionSignal? {
        let section = Section(
            value, keys: ["within", "ordered", "stages"] + Self.sourceKeys + ["uses", "days"],
            expected: "{on: …, uses: 5, days: 3, within: 14d} or {stages: […], within: 14d}")
        let window = section.required("within", expected: "whole days in which it happens, as 14d")
        let within = window?.days(1...366)
        var isOrdered = false
        guard read(section["ordered"], &isOrdered, { $0.flag() }) else { return nil }
        guard let list = section["stages"] else {
            if isOrdered, let value = section["ordered"] {
                value.complain("one stage has no order", expected: "stages: […]", at: value.keyMark)
                return nil
            }
            guard let stage = stage(section, within: within), let within else { return nil }
            return AdoptionSignal(stages: [stage], windowDays: within)
        }
        if let other = (Self.sourceKeys + ["uses", "days"]).compactMap({ section[$0] }).first {
            other.complain("a stage beside stages", expected: "one of them", at: other.keyMark)
            return nil
        }
        let before = catalog.report.complaints.count
        let items = list.list("a list of stages, as [{on: …, uses: 5}]", max: ConfigurationBounds.stagesMax)
        if items.isEmpty, catalog.report.complaints.count == before {
            list.complain("no stages", expected: "at least one, as [{on: …, uses: 5}]", at: list.keyMark)
        }
        let stages = items.compactMap { item -> AdoptionSignal.Stage? in
            let keys = Self.sourceKeys + ["uses", "days"]
            return stage(Section(item, keys: keys, expected: "{on: …, uses: 5}"), within: within)
        }
        if isOrdered, items.count == 1, let value = section["ordered"] {
            value.complain("one stage has no order", expected: "more stages, or no order", at: value.keyMark)
        }
        guard let within, stages.count == items.count, catalog.report.complaints.count == before else { return nil }
        return AdoptionSignal(stages: stages, windowDays: within, isOrdered: isOrdered)
    }

    private func stage(_ section: Section, within: Int?) -> AdoptionSignal.Stage? {
        let source = source(section)
        var days = 1
        guard read(section["days"], &days, { $0.integer(1...(within ?? 366)) }) else { return nil }
        // Days need a use each.
        var uses = days
        guard read(section["uses"], &uses, { $0.integer(days...1_000_000) }), let source else { return nil }
        return AdoptionSignal.Stage(source: source, uses: uses, days: days)
    }

    func trial(_ value: Value) -> TrialSignal? {
        let section = Section(value, keys: ["days", "uses"], expected: "{days: [-7, -3, -1, 0, 3]}")
        let usage = uses(section)
        let expected = "days from the trial's end, as [-7, -3, -1, 0, 3]"
        guard let list = section.required("days", expected: expected), let items = list.items(expected) else {
            return nil
        }
        if items.isEmpty { list.complain("an empty list", expected: expected, at: list.keyMark) }
        if items.count > ConfigurationBounds.trialDaysMax {
            list.complain("\(items.count) items", expected: "at most \(ConfigurationBounds.trialDaysMax)")
        }
        var days: [Int] = []
        var isWhole = !items.isEmpty && items.count <= ConfigurationBounds.trialDaysMax
        for item in items {
            guard let day = item.integer(-365...365) else {
                isWhole = false
                continue
            }
            if let last = days.last, day <= last {
                item.complain(
                    "\(item.found) \(day == last ? "repeated" : "out of order")", expected: "ascending days, each once")
                isWhole = false
            }
            days.append(day)
        }
        return isWhole && usage.isRight ? TrialSignal(offsetDays: days, usage: usage.source) : nil
    }

    func event(_ value: Value) -> EventSignal? {
        let section = Section(
            value, keys: Self.sourceKeys + ["outcome", "rules", "uses", "usesWithin"],
            expected: "{on: …} or {outcome: […]}")
        let usage = uses(section)
        var signal = EventSignal(.outcome([], rules: []), usage: usage.source)
        var isRight = read(section["usesWithin"], &signal.usageDays) { $0.days(1...366) } && usage.isRight
        if let value = section["usesWithin"], section["uses"] == nil {
            value.complain("the time of no uses", expected: "uses: {on: …} beside it", at: value.keyMark)
            isRight = false
        }
        guard let outcome = section["outcome"] else {
            if let rules = section["rules"] {
                rules.complain("rules of no outcome", expected: "outcome: […] beside it", at: rules.keyMark)
                return nil
            }
            guard let source = source(section), isRight else { return nil }
            signal.what = .source(source)
            return signal
        }
        if let other = Self.sourceKeys.compactMap({ section[$0] }).first {
            other.complain("an event beside an outcome", expected: "one of them", at: other.keyMark)
            return nil
        }
        let before = catalog.report.complaints.count
        let words = OutcomeKind.allCases.map(\.rawValue)
        let kinds = outcome.texts("an outcome or a list of them, as converted") { $0.word(among: words) }
            .compactMap(OutcomeKind.init(rawValue:))
        let rules = section["rules"]?.texts("a rule or a list of them") { item in
            guard let name = item.name() else { return nil }
            definitions.noteRule(name, referredToBy: rule, at: item)
            return name
        }
        guard isRight, catalog.report.complaints.count == before else { return nil }
        signal.what = .outcome(kinds, rules: rules ?? [])
        return signal
    }

    func absence(_ value: Value) -> AbsenceSignal? {
        let section = Section(value, keys: Self.sourceKeys + ["for"], expected: "{on: …, for: 30d}")
        let source = source(section)
        let time = section.required("for", expected: "how long it does not happen, as 30d")
        let duration = time?.duration(.millisecondsPerHour...Self.durationMax)
        guard let source, let duration else { return nil }
        return AbsenceSignal(source: source, duration: duration)
    }

    func digest(_ value: Value) -> DigestSignal? {
        let section = Section(value, keys: ["every", "at", "uses", "meters"], expected: "{every: week, at: \"09:00\"}")
        let words = Meter.Reset.Unit.allCases.map(\.rawValue)
        let every = section.required("every", expected: Value.list(words))?.choice(Meter.Reset.Unit.self)
        let usage = uses(section)
        var signal = DigestSignal(every: every ?? .week, usage: usage.source)
        let isRight = read(section["at"], &signal.minuteOfDay) { $0.minuteOfDay() } && usage.isRight
        let before = catalog.report.complaints.count
        var seen: [String] = []
        if let value = section["meters"], !value.node.isNull {
            seen = value.texts("a meter or a list of them") { meter($0)?.meter.name }
        }
        signal.meters = seen.compactMap { catalog.index(ofMeter: $0).map(MeterID.init(_:)) }
        return every != nil && isRight && catalog.report.complaints.count == before ? signal : nil
    }
}
