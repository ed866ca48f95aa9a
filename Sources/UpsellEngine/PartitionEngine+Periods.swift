internal import UpsellModel

enum PeriodLocation: Equatable {
    case current
    /// The period before the running one, within grace; `closed` from its end on.
    case previous(closed: Bool)
    case late
}

/// Periods roll when an account is next touched: nothing can fire at a roll, so that this cannot be told from timers.
extension PartitionEngine {
    func calendar(_ account: Int, _ group: Int) -> PeriodCalendar {
        calendar(termsIndex[account] >= 0 ? terms[Int(termsIndex[account])] : nil, group)
    }

    private func calendar(_ own: Terms?, _ group: Int) -> PeriodCalendar {
        PeriodCalendar(program.resets[group], zone: planted == .zoneIgnored ? nil : own?.zone, bounds: own?.bounds)
    }

    /// Finds the period in which an event counts; rolls the account to the period of clock or event before.
    mutating func locatePeriod(_ account: Int, _ group: Int, _ time: Int64) -> PeriodLocation {
        let index = account * groupCount + group
        let now = Swift.max(time, clock.milliseconds)
        if periods[index].isNone || now >= periods[index].end {
            close(account, group, openingNext: calendar(account, group).period(containing: now))
        }
        let current = periods[index]
        if time >= current.start { return .current }
        if let previous = previousPeriods[index]?.period {
            guard time >= previous.start, time < previous.end else { return .late }
            guard clock.milliseconds < previous.end + lateness else { return .late }
            return .previous(closed: clock.milliseconds >= previous.end)
        }
        var previous = calendar(account, group).period(containing: current.start - 1)
        previous.end = current.start
        guard time >= previous.start, clock.milliseconds < previous.end + lateness else { return .late }
        keepPrevious(account, group, previous)
        return .previous(closed: clock.milliseconds >= previous.end)
    }

    private var lateness: Int64 { planted == .graceForgotten ? 366 * .millisecondsPerDay : policy.grace }

    private mutating func keepPrevious(_ account: Int, _ group: Int, _ period: Period) {
        previousPeriods[account * groupCount + group] = PreviousPeriod(period: period, scheduled: .max)
        markChanged(account, Self.periodsMark)
        scheduleGrace(account, group)
    }

    /// Sets the timer that ends the grace of a closed period, unless an earlier one is set.
    private mutating func scheduleGrace(_ account: Int, _ group: Int) {
        let index = account * groupCount + group
        guard let previous = previousPeriods[index] else { return }
        let until = previous.period.end + policy.grace
        guard until < previous.scheduled else { return }
        previousPeriods[index]?.scheduled = until
        setTimer(
            EngineTimer(
                time: until, accountHash: accounts.hash(of: account), kind: .grace, account: Int32(account),
                place: UInt16(group)))
    }

    mutating func endGrace(_ timer: EngineTimer) {
        let account = Int(timer.account)
        let group = Int(timer.place)
        guard let previous = previousPeriods[account * groupCount + group], previous.scheduled == timer.time else {
            return
        }
        if previous.period.end + policy.grace <= timer.time { return forgetPrevious(account, group) }
        // A profile moved its end.
        previousPeriods[account * groupCount + group]?.scheduled = .max
        scheduleGrace(account, group)
    }

    /// Ends the running period and opens another; the counters of the ended one stay for its grace.
    mutating func close(_ account: Int, _ group: Int, openingNext next: Period) {
        let index = account * groupCount + group
        let ended = periods[index]
        periods[index] = next
        markChanged(account, Self.periodsMark | Self.spentMark)
        guard !ended.isNone else { return }
        flags[account] |= Self.rolledFlag(group)
        // An identity never returns, whatever bounds a profile gives, and so no arming key does.
        if next.identity <= ended.identity { periods[index].identity = ended.identity + 1 }
        statisticsStored.periodRolls += 1
        let isKept = ended.end == next.start && clock.milliseconds < ended.end + policy.grace
        forgetPrevious(account, group)
        if isKept { keepPrevious(account, group, ended) }
        if sideHeads[account] >= 0 { closeSides(account, group, isKept: isKept) }
        for meter in program.groupMeters[group] {
            let cell = cells[account * meterCount + meter]
            guard cell.isTouched || cell.spentThresholds != 0 else { continue }
            if isKept {
                let key = sideKey(account, meter, era: .previous)
                let side = sideIndex[key] ?? addSide(key)
                sides[Int(side)].cell = cell
                sides[Int(side)].cell.spent |= Cell.dirty
            }
            var fresh = Cell(spent: Cell.dirty, limitVersion: cell.limitVersion)
            fresh.nextTrip =
                cell.spentThresholds == 0
                ? cell.nextTrip : program.nextTrip(meter: meter, limit: limit(account, meter), spent: 0)
            cells[account * meterCount + meter] = fresh
        }
    }

    /// Side records of the group's running period become those of the ended one, or go.
    private mutating func closeSides(_ account: Int, _ group: Int, isKept: Bool) {
        guard isKept else {
            let meters = program.meters
            removeSides(of: account) { meters[Int($0.meter)].group == group }
            return
        }
        var side = sideHeads[account]
        while side >= 0 {
            let key = sides[Int(side)].key
            if key.era == .current, program.meters[Int(key.meter)].group == group {
                let moved = sideKey(account, Int(key.meter), era: .previous, dimension: key.dimension)
                sideIndex[key] = nil
                sideIndex[moved] = side
                sides[Int(side)].key = moved
                markChanged(account, Self.restMark)
            }
            side = sides[Int(side)].next
        }
    }

    mutating func forgetPrevious(_ account: Int, _ group: Int) {
        guard previousPeriods.removeValue(forKey: account * groupCount + group) != nil else { return }
        let meters = program.meters
        removeSides(of: account) { $0.era == .previous && meters[Int($0.meter)].group == group }
        markChanged(account, Self.periodsMark)
    }

    /// Rolls periods that are over, so that nothing is judged in a closed one.
    mutating func rollPeriods(_ account: Int) {
        for group in 0..<groupCount {
            let running = periods[account * groupCount + group]
            guard !running.isNone, running.end <= clock.milliseconds else { continue }
            close(account, group, openingNext: calendar(account, group).period(containing: clock.milliseconds))
        }
    }

    /// Brings running periods under a new profile.
    ///
    /// Cases: the new bounds are those of the running period, moved by less than a day (or a time zone): it stays and
    /// keeps its identity; other bounds (a new anchor) begin a new period; `resetUsage` begins one at `instant`. A period
    /// that `resetUsage` began stays what it is until its end, whatever profiles follow.
    mutating func adjustPeriods(_ account: Int, from last: Terms?, resettingAt instant: Int64?) {
        for group in 0..<groupCount {
            let index = account * groupCount + group
            let running = periods[index]
            guard !running.isNone else { continue }
            markChanged(account, Self.periodsMark)
            let calendar = calendar(account, group)
            let now = Swift.max(clock.milliseconds, running.start)
            // Looked up from its middle, since the clock may stand between the old bound and the new.
            let middle = running.start + (running.end - running.start) / 2
            var next = calendar.period(containing: middle)
            // What the running period would be, had nothing cut it.
            let whole = self.calendar(last, group).period(containing: middle)
            let isSame =
                Swift.abs(next.start - whole.start) <= calendar.tolerance
                || Swift.abs(next.identity - whole.identity) <= calendar.tolerance
            if isSame {
                if running.start == whole.start {
                    periods[index].start = next.start
                    previousPeriods[index]?.period.end = next.start
                    scheduleGrace(account, group)
                }
                periods[index].end = Swift.max(next.end, periods[index].start + 1)
            } else if running.end > clock.milliseconds {
                next = calendar.period(containing: now)
                if next.start > running.start { periods[index].end = Swift.min(running.end, next.start) }
                close(account, group, openingNext: next)
            }
            guard let instant, periods[index].end > clock.milliseconds else { continue }
            next = periods[index]
            next.start = Swift.min(Swift.max(instant, next.start), now)
            next.identity = Swift.max(next.start, periods[index].identity + 1)
            periods[index].end = next.start
            close(account, group, openingNext: next)
        }
    }
}
