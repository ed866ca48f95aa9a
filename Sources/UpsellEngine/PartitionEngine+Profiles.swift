public import UpsellModel

extension PartitionEngine {
    /// Applies a profile when its turn comes, whatever the clock.
    ///
    /// Periods follow its bounds, counters its limits (cause `limit_changed`), and what waited for it is evaluated as
    /// one jump (cause `profile_arrived`).
    ///
    /// - Parameters:
    ///   - recordTime: of the profile's record; `profile.time` already falls back to it, and it moves no clock.
    ///   - mode: `.silent` spends what would fire.
    public mutating func apply(
        profile: Profile, account: String, recordTime: Timestamp, coordinates: InputCoordinates, mode: FiringMode,
        into effects: inout Effects
    ) {
        statisticsStored.profiles += 1
        let key = unsafe account.utf8.span.bytes
        let hash = xxh3(key)
        var number = accounts.find(hash, key)
        let isNew = number < 0
        if isNew { number = addAccount(hash, key) }
        markChanged(number, Self.termsMark)
        var next = Terms(profile, clock: clock.milliseconds)
        let index = termsIndex[number]
        let last = index >= 0 ? terms[Int(index)] : nil
        // Without profile and default plan nothing was ever armed, so there is no version to keep.
        let isFirst = last == nil && (isNew || (program.defaultPlan == nil && !isCounted(number)))
        let oldLimits = (0..<meterCount).map { limit(number, $0) }
        let oldPlan =
            last.map { $0.paidPlan(at: $0.limitsAt) } ?? program.defaultPlan.map { program.catalogue.plans[$0].name }
        if let last {
            next.versionTime = last.versionTime
            next.scheduled = last.scheduled
            next.limitChanges = last.limitChanges
        }
        put(next, number)
        let moment = Moment(
            time: profile.time.milliseconds, coordinates: coordinates, cause: .limitChanged, silent: mode == .silent)
        if isFirst {
            for meter in 0..<meterCount {
                let limit = limit(number, meter)
                let index = number * meterCount + meter
                cells[index].limitVersion = KeyVersion.ofLimit(limit, since: profile.time)
                cells[index].nextTrip = program.nextTrip(meter: meter, limit: limit, spent: cells[index].spent)
            }
        } else {
            let isReset = profile.resetUsage && oldPlan != nil && oldPlan != next.paidPlan(at: clock.milliseconds)
            adjustPeriods(number, from: last, resettingAt: isReset ? profile.time.milliseconds : nil)
            rollPeriods(number)
            // Strictly later than any version before, so that a limit that returns is not the one that was.
            let versionTime =
                last.map { Swift.max(profile.time.milliseconds, $0.versionTime + 1) } ?? profile.time.milliseconds
            if relimit(number, from: oldLimits, versionTime: versionTime, moment, into: &effects) {
                terms[Int(termsIndex[number])]?.versionTime = versionTime
            }
        }
        scheduleTerms(number, after: clock.milliseconds)
        observeProfile(number, from: last, moment, into: &effects)
        dealWithProfile(number, from: last, isNew: isNew, moment, into: &effects)
        if waiting[number] != nil { evaluateWaiting(number, coordinates, mode, into: &effects) }
        qualifyRaised(into: &effects)
    }

    mutating func put(_ next: Terms, _ number: Int) {
        if termsIndex[number] >= 0 {
            terms[Int(termsIndex[number])] = next
        } else if let reused = freeTerms.popLast() {
            terms[Int(reused)] = next
            termsIndex[number] = reused
        } else {
            termsIndex[number] = Int32(terms.count)
            terms.append(next)
        }
    }

    private mutating func scheduleTerms(_ number: Int, after instant: Int64) {
        let index = Int(termsIndex[number])
        guard let own = terms[index], let change = own.nextChange(after: instant), change < own.scheduled else {
            return
        }
        terms[index]?.scheduled = change
        setTimer(
            EngineTimer(
                time: change, accountHash: accounts.hash(of: number), kind: .terms, account: Int32(number)))
    }

    /// An add-on has ended or a pending plan begins: limits as they hold at `instant`.
    mutating func changeTerms(_ number: Int, at instant: Int64, _ mode: FiringMode, into effects: inout Effects) {
        guard termsIndex[number] >= 0, let own = terms[Int(termsIndex[number])],
            own.scheduled == instant
        else { return }
        rollPeriods(number)
        let index = Int(termsIndex[number])
        let oldLimits = (0..<meterCount).map { limit(number, $0) }
        terms[index]?.scheduled = .max
        terms[index]?.limitsAt = instant
        if own.resetUsage, own.paidPlan(at: own.limitsAt) != own.paidPlan(at: instant) {
            adjustPeriods(number, from: own, resettingAt: instant)
        }
        let versionTime = Swift.max(instant, own.versionTime + 1)
        let moment = Moment(time: instant, coordinates: nil, cause: .limitChanged, silent: mode == .silent)
        if relimit(number, from: oldLimits, versionTime: versionTime, moment, into: &effects) {
            terms[index]?.versionTime = versionTime
        }
        markChanged(number, Self.termsMark)
        observeLimits(number)
        scheduleTerms(number, after: instant)
        dealWithProfile(number, from: own, isNew: false, moment, into: &effects)
    }
}
