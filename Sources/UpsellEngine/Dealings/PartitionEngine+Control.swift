public import UpsellModel

/// Commands of the control topic, and tests.
extension PartitionEngine {
    /// Offset of the next control record to be applied; 0 before the first.
    public var nextControl: Int64 { safety.nextControl }

    /// Applies a control record; those at or before the last one applied do nothing.
    ///
    /// `pause` and `shadow` win over the rule's own mode until `resume`, which brings that back, and ends what the fuse
    /// has done. A rule that the catalogue does not have is passed over and counted.
    public mutating func apply(control: ControlCommand, into effects: inout Effects) {
        guard control.offset >= safety.nextControl else { return }
        safety.nextControl = control.offset + 1
        written.isExtensionDue = true
        statisticsStored.controls += 1
        guard let rule = program.catalogue.rule(named: control.rule) else {
            statisticsStored.controlsUnknown += 1
            return
        }
        let time = control.time.milliseconds
        switch control.action {
        case .pause: safety.set(.paused, of: control.rule, by: control.by, at: time)
        case .shadow: safety.set(.shadow, of: control.rule, by: control.by, at: time)
        case .resume:
            safety.set(nil, of: control.rule, by: control.by, at: time)
            // What blew the fuse would blow it again.
            safety.forgetFuse(of: control.rule)
        case .fireTest(let account): fireTest(rule.index, account, control, into: &effects)
        }
    }

    /// What control records and the fuse have set: rule, mode, who and when; in the order in which they came.
    public var ruleOverrides: [RuleOverride] {
        safety.overrides.map { entry in
            RuleOverride(
                rule: entry.rule, mode: entry.mode == .paused ? .paused : .shadow, isByFuse: entry.mode == .fused,
                by: entry.by, time: Timestamp(milliseconds: entry.time))
        }
    }

    /// A trigger of the rule for one account, with the facts of the moment, past every hold-back, cap and figure. Where
    /// the partition does not know the account nothing happens: another one does.
    private mutating func fireTest(
        _ rule: Int, _ account: String, _ control: ControlCommand, into effects: inout Effects
    ) {
        let key = unsafe account.utf8.span.bytes
        let number = accounts.find(xxh3(key), key)
        guard number >= 0 else { return }
        rollPeriods(number)
        let definition = program.catalogue.rules[rule]
        var trigger = Trigger(
            id: DerivedTriggerID.test(control: control.offset, rule: definition.name, account: account),
            account: account, rule: definition.name,
            ruleVersion: program.signals[program.ruleSignals[rule]].version, signal: definition.signal.kind,
            cause: .test, episode: control.time, eventTime: control.time, plan: "", status: .active)
        if let meter = definition.signal.meter {
            trigger.usage = usage(number, meter.index, definition.signal, rule)
        } else {
            trigger.activity = Trigger.Activity()
        }
        trigger.isTest = true
        trigger = dressed(trigger, definition, number)
        present(&trigger, definition, number)
        trigger.expires = control.time + definition.expiresAfter
        effects.triggers.append(trigger)
        statisticsStored.tests += 1
    }

    /// Usage of now; of a limit the thresholds that it has reached, or the first, so that there is something to say.
    private func usage(_ account: Int, _ meter: Int, _ signal: Signal, _ rule: Int) -> Trigger.Usage {
        let definition = program.catalogue.meters[meter]
        let cell = cells[account * meterCount + meter]
        let limit = limit(account, meter)
        let group = program.meters[meter].group
        let period = group < 0 ? Period.none : periods[account * groupCount + group]
        var usage = Trigger.Usage(
            meter: definition.name, unit: definition.unit, scale: definition.scale, previous: cell.value,
            current: cell.value, limit: limit,
            period: period.isNone
                ? nil
                : Trigger.Span(
                    start: Timestamp(milliseconds: period.start), end: Timestamp(milliseconds: period.end)),
            limitVersion: cell.limitVersion)
        guard case .limit(let own) = signal,
            let code = program.rules.first(where: { $0.rule == rule && program.signals[$0.signal].part < 0 })
        else { return usage }
        usage.thresholdUnit = own.unit
        usage.crossed = own.thresholds.filter { threshold in
            program.trip(code, threshold, limit).map { cell.value >= $0 } ?? false
        }
        if usage.crossed.isEmpty { usage.crossed = Array(own.thresholds.prefix(1)) }
        return usage
    }
}

/// A mode that a control record or the fuse has set.
public struct RuleOverride: Sendable, Equatable {
    public var rule: String
    public var mode: Rule.Mode
    public var isByFuse: Bool
    /// Who gave the command; empty for the fuse.
    public var by: String
    public var time: Timestamp
}

extension Signal {
    /// The meter that it is about; nil for signals of what an account does.
    fileprivate var meter: MeterID? {
        switch self {
        case .limit(let signal): signal.meter
        case .pace(let signal): signal.meter
        case .growth(let signal): signal.meter
        case .sustained(let signal): signal.meter
        case .gate, .adoption, .trial, .event, .absence, .digest, .combination: nil
        }
    }
}
