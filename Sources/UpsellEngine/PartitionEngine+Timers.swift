public import UpsellModel

extension PartitionEngine {
    /// Moves the clock while nothing arrives: to wall time less lag and margin, so that a log of 2015 stays in 2015.
    ///
    /// Called when all inputs are read to their end. Before the first usage record there is no clock and no tick. At most
    /// `Policy.timersPerTick` timers run; the clock then stands at the last of them.
    ///
    /// - Returns: whether more is due: the caller ticks again, with the same wall time or a later one.
    @discardableResult
    public mutating func tick(wallTime: Timestamp, into effects: inout Effects) -> Bool {
        guard clock != .earliest else { return false }
        let target = wallTime - lag - policy.tickMargin
        // What the last slice left may be due at the very instant that the clock stands at.
        guard target > clock || (target == clock && nextDue <= target.milliseconds) else { return false }
        var isMoreDue = false
        if nextDue <= target.milliseconds {
            isMoreDue = runDue(to: target, .live, atMost: Swift.max(1, policy.timersPerTick), into: &effects)
        }
        if !isMoreDue { clock = target }
        if !leaving.isEmpty { forgetLeaving() }
        return isMoreDue
    }

    mutating func setTimer(_ timer: EngineTimer) {
        timers.push(timer)
        nextDue = Swift.min(nextDue, timer.time)
    }

    /// Runs what is due up to `target`; the clock stands at each item's time while it runs.
    ///
    /// - Parameters:
    ///   - mode: of the record that moves the clock: what history brings about is as silent as history.
    ///   - most: timers that may run. Entries of the queue that do nothing do not count, since a restored engine has none
    ///     of them.
    /// - Returns: whether more is due.
    @discardableResult
    mutating func runDue(
        to target: Timestamp, _ mode: FiringMode, atMost most: Int = .max, into effects: inout Effects
    ) -> Bool {
        runTarget = target.milliseconds
        // A restored engine is on no way.
        defer { runTarget = .min }
        var left = most
        while true {
            let waiting = firstWaiting
            dropIdleTimers(upTo: Swift.min(target.milliseconds, waiting))
            let due = Swift.min(timers.firstTime, waiting)
            nextDue = due
            guard due <= target.milliseconds else { return false }
            guard left > 0 else { return true }
            left -= 1
            clock = Swift.max(clock, Timestamp(milliseconds: due))
            if timers.firstTime == due, let timer = timers.pop() {
                statisticsStored.timers += 1
                run(timer, mode, into: &effects)
            } else {
                endWaiting(into: &effects)
            }
        }
    }

    /// Takes entries from the front of the queue that do nothing; they move no clock.
    private mutating func dropIdleTimers(upTo instant: Int64) {
        while let timer = timers.first, timer.time <= instant, !isDue(timer) {
            _ = timers.pop()
            postpone(timer)
        }
    }

    /// Whether a timer has something to do. One of an account that is gone has not, whoever has its number now.
    private func isDue(_ timer: EngineTimer) -> Bool {
        let account = Int(timer.account)
        guard accounts.isInUse(account), accounts.hash(of: account) == timer.accountHash else { return false }
        switch timer.kind {
        case .bucket:
            guard let side = sideIndex[sideKey(account, Int(timer.place), dimension: timer.dimension)] else {
                return false
            }
            return sides[Int(side)].extra?.rolling?.scheduled == timer.time
        case .terms: return termsIndex[account] >= 0 && terms[Int(termsIndex[account])]?.scheduled == timer.time
        case .grace:
            guard let previous = previousPeriods[account * groupCount + Int(timer.place)] else { return false }
            return previous.scheduled == timer.time && previous.period.end + policy.grace <= timer.time
        case .signals:
            guard let story = stories[account] else { return false }
            return story.signalsScheduled == timer.time && story.signals.due <= timer.time
        case .dealings:
            guard let story = stories[account] else { return false }
            return story.dealingsScheduled == timer.time && story.dealings.due <= timer.time
        }
    }

    /// Sets another timer for one that came before what it is about is due.
    private mutating func postpone(_ timer: EngineTimer) {
        let account = Int(timer.account)
        guard accounts.isInUse(account), accounts.hash(of: account) == timer.accountHash else { return }
        switch timer.kind {
        case .bucket, .terms: break
        case .grace: endGrace(timer)
        case .signals:
            guard let story = stories[account], story.signalsScheduled == timer.time else { return }
            story.signalsScheduled = .max
            story.signals.findEarliest()
            signalsChanged(account)
        case .dealings:
            guard let story = stories[account], story.dealingsScheduled == timer.time else { return }
            story.dealingsScheduled = .max
            let due = story.dealings.due
            guard due < .max else { return }
            story.dealingsScheduled = due
            setTimer(
                EngineTimer(
                    time: due, accountHash: timer.accountHash, kind: .dealings, account: timer.account))
        }
    }

    private mutating func run(_ timer: EngineTimer, _ mode: FiringMode, into effects: inout Effects) {
        let account = Int(timer.account)
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
