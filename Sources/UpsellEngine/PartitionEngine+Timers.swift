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
        while true {
            let previous = previousQueue.first?.until ?? .max
            let waiting = waitingQueue.first?.until ?? .max
            let due = Swift.min(timers.firstTime, previous, waiting)
            nextDue = due
            guard due <= target.milliseconds else { return }
            clock = Swift.max(clock, Timestamp(milliseconds: due))
            if timers.firstTime == due {
                statisticsStored.timers += 1
                run(timers.pop(), mode, into: &effects)
            } else if previous == due {
                endGrace()
            } else {
                endWaiting(into: &effects)
            }
        }
    }

    private mutating func run(_ timer: EngineTimer, _ mode: FiringMode, into effects: inout Effects) {
        switch timer.kind {
        case .bucket: expireBuckets(timer, mode, into: &effects)
        case .terms: changeTerms(Int(timer.account), at: timer.time, mode, into: &effects)
        }
    }

    private mutating func endGrace() {
        guard let entry = previousQueue.first else { return }
        previousQueue.removeFirst()
        guard entry.group < groupCount,
            let period = previousPeriods[entry.account * groupCount + entry.group]
        else { return }
        let until = period.end + policy.grace
        if until <= clock.milliseconds {
            forgetPrevious(entry.account, entry.group)
        } else if period.identity == entry.period.identity {
            // A profile moved its end, or the number belongs to another account now.
            previousQueue.append(
                PreviousEntry(account: entry.account, group: entry.group, period: period, until: until))
        }
    }
}
