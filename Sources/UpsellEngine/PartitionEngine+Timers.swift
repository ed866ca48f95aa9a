public import UpsellModel

extension PartitionEngine {
    /// Moves the clock while nothing arrives: to wall time less lag and margin, so that a log of 2015 stays in 2015.
    ///
    /// Called when all inputs are read to their end. Before the first usage record there is no clock and no tick.
    public mutating func tick(wallTime: Timestamp, into effects: inout Effects) {
        guard clock != .earliest else { return }
        let target = wallTime - lag - policy.tickMargin
        guard target > clock else { return }
        if nextDue <= target.milliseconds { runDue(to: target, into: &effects) }
        clock = target
        if !leaving.isEmpty { forgetLeaving() }
    }

    mutating func setTimer(_ timer: EngineTimer) {
        timers.push(timer)
        nextDue = Swift.min(nextDue, timer.time)
    }

    /// Runs what is due up to `target`; the clock stands at each item's time while it runs.
    mutating func runDue(to target: Timestamp, into effects: inout Effects) {
        while true {
            let previous = previousQueue.first?.until ?? .max
            let waiting = waitingQueue.first?.until ?? .max
            let due = Swift.min(timers.firstTime, previous, waiting)
            nextDue = due
            guard due <= target.milliseconds else { return }
            clock = Swift.max(clock, Timestamp(milliseconds: due))
            if timers.firstTime == due {
                statisticsStored.timers += 1
                run(timers.pop(), into: &effects)
            } else if previous == due {
                endGrace()
            } else {
                endWaiting(into: &effects)
            }
        }
    }

    private mutating func run(_ timer: EngineTimer, into effects: inout Effects) {
        switch timer.kind {
        case .bucket: expireBuckets(timer, into: &effects)
        case .terms: changeTerms(Int(timer.account), at: timer.time, into: &effects)
        }
    }

    private mutating func endGrace() {
        guard let entry = previousQueue.first else { return }
        previousQueue.removeFirst()
        guard entry.group < groupCount else { return }
        let index = entry.account * groupCount + entry.group
        if previousPeriods[index]?.identity == entry.period.identity { forgetPrevious(entry.account, entry.group) }
    }
}
