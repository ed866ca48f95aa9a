internal import UpsellModel

/// Owed triggers, looked at again.
extension PartitionEngine {
    /// Looks at an owed trigger again.
    ///
    /// - Returns: its facts as they are now; nil where it is no longer true, its limit version does not hold any more, or
    ///   its episode is over.
    mutating func judgeAgain(_ trigger: Trigger, signal: Int, account: Int) -> Trigger? {
        let code = program.signals[signal]
        let now = clock.milliseconds
        var trigger = trigger
        let place = stories[account]?.signals.place(signal) ?? -1
        let entry = place >= 0 ? stories[account]?.signals.entries[place] : nil
        switch (code.signal, entry?.state) {
        case (.limit(let limit), _):
            guard judgeLimit(&trigger, limit, signal, account) else { return nil }
        case (.pace(let pace), .pace(let state)?):
            guard let story = stories[account] else { return nil }
            rollPeriods(account)
            let meter = pace.meter.index
            guard program.meters[meter].group >= 0,
                cells[account * meterCount + meter].limitVersion == trigger.usage?.limitVersion,
                periods[account * groupCount + program.meters[meter].group].identity == trigger.episode.milliseconds,
                let projection = projection(account, signal, state, story, at: now)
            else { return nil }
            trigger.usage = usage(account, meter)
            trigger.projection = projection
        case (.growth(let growth), .growth(let state)?):
            guard entry?.lastEpisode == trigger.episode.milliseconds,
                let (before, units) = growthNow(account, signal, state, zone(account).day(at: now).number)
            else { return nil }
            trigger.usage = usage(account, growth.meter.index, previous: before, current: units)
        case (.gate(let gate), .gate):
            guard isOpen(trigger, at: now) else { return nil }
            guard case .meter(let meter) = gate.source.stream else { break }
            if gate.onlyWithoutEntitlement, limit(account, meter.index) != .of(0) { return nil }
            trigger.usage = usage(account, meter.index, dimension: trigger.activity?.feature)
        case (.adoption, .adoption), (.combination, .combination):
            guard isOpen(trigger, at: now) else { return nil }
        case (.trial, .trial(let state)?):
            guard let trial = trial(account), trial.end == trigger.episode.milliseconds else { return nil }
            trigger.activity = activity(state, signal, at: now)
        case (.event, _): tellUsage(&trigger, account, signal, at: now)
        case (.sustained(let sustained), .sustained(let state)?):
            guard state.since == trigger.episode.milliseconds else { return nil }
            let version = cells[account * meterCount + sustained.meter.index].limitVersion
            if sustained.unit == .percent, version != trigger.usage?.limitVersion { return nil }
            tellStay(&trigger, account, sustained, state)
        case (.absence, .absence(let state)?):
            guard state.last == trigger.episode.milliseconds else { return nil }
        case (.digest, .digest):
            // The next slot tells anew.
            guard entry?.lastEpisode == trigger.episode.milliseconds else { return nil }
        default: return nil
        }
        complete(&trigger, account)
        return trigger
    }

    private func isOpen(_ trigger: Trigger, at now: Int64) -> Bool {
        trigger.activity?.window.map { now < $0.end.milliseconds } ?? false
    }

    /// Brings a threshold's trigger to the usage of now: it lists what is still reached, and is true while its highest
    /// threshold is.
    private mutating func judgeLimit(
        _ trigger: inout Trigger, _ limitSignal: LimitSignal, _ signal: Int, _ account: Int
    ) -> Bool {
        guard let told = trigger.usage else { return false }
        rollPeriods(account)
        let meter = limitSignal.meter.index
        let code = program.meters[meter]
        guard let index = code.rules.first(where: { program.rules[$0].signal == signal }),
            cells[account * meterCount + meter].limitVersion == told.limitVersion
        else { return false }
        let rule = program.rules[index]
        var counter = CounterRef(account: account, meter: meter)
        if let dimension = told.dimension?.value {
            let hash = unsafe Self.hash(ofDimension: dimension.utf8.span.bytes)
            guard let side = sideIndex[sideKey(account, meter, dimension: hash)] else { return false }
            counter.side = side
        }
        guard let position = rule.thresholds.firstIndex(of: told.highest) else { return false }
        let episode =
            switch code.kind {
            case .period: periods[account * groupCount + code.group].identity
            case .lifetime: Int64(0)
            case .rolling, .gauge: existingExtra(counter)?.episode(rule.firstBit + position) ?? 0
            }
        let cell = cell(counter)
        let limit = limit(account, meter)
        let crossed = told.crossed.filter { program.trip(rule, $0, limit).map { cell.value >= $0 } ?? false }
        guard episode == trigger.episode.milliseconds, cell.spent & rule.bit(position) != 0,
            crossed.last == told.highest
        else { return false }
        trigger.usage?.previous = told.current
        trigger.usage?.current = cell.value
        trigger.usage?.limit = limit
        trigger.usage?.crossed = crossed
        return true
    }
}
