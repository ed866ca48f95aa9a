public import UpsellModel

extension PartitionEngine {
    /// Moves the clock while nothing arrives: to wall time less lag and margin, so that a log of 2015 stays in 2015.
    ///
    /// Called when all inputs are read to their end. Before the first usage record there is no clock and no tick.
    public mutating func tick(wallTime: Timestamp, into effects: inout Effects) {
        guard clock != .earliest else { return }
        let target = wallTime - lag - policy.tickMargin
        guard target > clock else { return }
        if nextDue <= target.milliseconds { runDue(to: target, .live, into: &effects) }
        clock = target
        if !leaving.isEmpty { forgetLeaving() }
    }

    mutating func setTimer(_ timer: EngineTimer) {
        timers.push(timer)
        nextDue = Swift.min(nextDue, timer.time)
    }

    /// Runs what is due up to `target`; the clock stands at each item's time while it runs.
    ///
    /// - Parameter mode: of the record that moves the clock: what history brings about is as silent as history.
    mutating func runDue(to target: Timestamp, _ mode: FiringMode, into effects: inout Effects) {
        horizon = Swift.max(horizon, target)
        while true {
            let waiting = firstWaiting
            let due = Swift.min(timers.firstTime, waiting)
            nextDue = due
            guard due <= target.milliseconds else { return }
            clock = Swift.max(clock, Timestamp(milliseconds: due))
            if timers.firstTime == due, let timer = timers.pop() {
                statisticsStored.timers += 1
                run(timer, mode, into: &effects)
            } else {
                endWaiting(into: &effects)
            }
        }
    }

    /// A timer of an account that is gone does nothing, whoever has its number now.
    private mutating func run(_ timer: EngineTimer, _ mode: FiringMode, into effects: inout Effects) {
        let account = Int(timer.account)
        guard accounts.isInUse(account), accounts.hash(of: account) == timer.accountHash else { return }
        switch timer.kind {
        case .bucket: expireBuckets(timer, mode, into: &effects)
        case .terms: changeTerms(account, at: timer.time, mode, into: &effects)
        case .grace: endGrace(timer)
        case .signals: runSignals(account, at: timer.time, mode, into: &effects)
        case .dealings: runDealings(account, at: timer.time, mode, into: &effects)
        }
        if program.hasAlerts { lookAround(account, into: &effects) }
        qualifyRaised(into: &effects)
    }

    /// Sets all timers that the state calls for and no other: after a restore, or once meters have other positions.
    mutating func rebuildTimers() {
        timers.removeAll()
        for account in 0..<accounts.numbers where accounts.isInUse(account) {
            let index = termsIndex[account]
            let hasPrevious =
                !previousPeriods.isEmpty
                && (0..<groupCount).contains { previousPeriods[account * groupCount + $0] != nil }
            let story = stories[account]
            guard index >= 0 || sideHeads[account] >= 0 || hasPrevious || story != nil else { continue }
            var timer = EngineTimer(
                time: .max, accountHash: accounts.hash(of: account), kind: .terms, account: Int32(account))
            if index >= 0, let own = terms[Int(index)], own.scheduled < .max {
                timer.time = own.scheduled
                timers.push(timer)
            }
            if let story {
                timer.kind = .signals
                timer.time = story.signals.due
                story.signalsScheduled = timer.time
                if timer.time < .max { timers.push(timer) }
                timer.kind = .dealings
                timer.time = story.dealings.due
                story.dealingsScheduled = timer.time
                if timer.time < .max { timers.push(timer) }
            }
            timer.kind = .grace
            for group in 0..<(hasPrevious ? groupCount : 0) {
                guard let previous = previousPeriods[account * groupCount + group] else { continue }
                timer.time = previous.period.end + policy.grace
                timer.place = UInt16(group)
                previousPeriods[account * groupCount + group]?.scheduled = timer.time
                timers.push(timer)
            }
            timer.kind = .bucket
            var side = sideHeads[account]
            while side >= 0 {
                let record = sides[Int(side)]
                if let rolling = record.extra?.rolling, rolling.scheduled < .max {
                    timer.time = rolling.scheduled
                    timer.place = record.key.meter
                    timer.dimension = record.key.dimension
                    timers.push(timer)
                }
                side = record.next
            }
        }
        nextDue = Swift.min(timers.firstTime, firstWaiting)
    }
}
