internal import UpsellModel

extension PartitionEngine {
    /// Fires or spends what the counter's usage reaches, and sets its next trip.
    mutating func evaluate(
        _ counter: CounterRef, previous: Int64, closed: Bool, _ moment: Moment, into effects: inout Effects
    ) {
        let limit = limit(counter.account, counter.meter)
        for rule in program.meters[counter.meter].rules {
            fire(counter, rule, limit, previous: previous, closed: closed, moment, into: &effects)
        }
        setNextTrip(counter, limit)
    }

    mutating func setNextTrip(_ counter: CounterRef, _ limit: Limit) {
        var cell = cell(counter)
        cell.nextTrip = program.nextTrip(meter: counter.meter, limit: limit, spent: cell.spent)
        setCell(counter, cell)
    }

    /// Spends the armed thresholds of one rule that usage reaches; one trigger for all of them, keyed by the highest.
    ///
    /// Cases: silent (first start, backfill, snapshot, before `goLive`) spends without a word, and so is what is reached
    /// and not among the account's thresholds; a closed period is held; otherwise the trigger goes out.
    mutating func fire(
        _ counter: CounterRef, _ ruleIndex: Int, _ limit: Limit, previous: Int64, closed: Bool, _ moment: Moment,
        into effects: inout Effects
    ) {
        let rule = program.rules[ruleIndex]
        if isAmongReadings {
            // Conditions are judged once all meters have taken the record in; the other rules keep their place.
            choosing.append((counter, ruleIndex, previous, closed))
            return
        }
        var cell = cell(counter)
        var crossed: [Int64] = []
        var highest = 0
        for (position, threshold) in rule.thresholds.enumerated() where cell.spent & rule.bit(position) == 0 {
            guard let trip = program.trip(rule, threshold, limit), cell.value >= trip else { continue }
            if planted == .strictThreshold, cell.value == trip { continue }
            cell.spent |= rule.bit(position)
            crossed.append(threshold)
            highest = rule.firstBit + position
        }
        guard !crossed.isEmpty else { return }
        if planted == .jumpLeavesLower { cell.spent &= ~(rule.mask & ((1 << UInt64(highest)) - 1)) }
        setCell(counter, cell)
        if (moment.silent && planted != .backfillFires) || clock.milliseconds < rule.goLive {
            statisticsStored.silentSpent += crossed.count
            return
        }
        if let choice = rule.choice {
            let own = thresholds(of: choice, counter.account)
            let reached = crossed.count
            crossed.removeAll { !own.contains($0) }
            statisticsStored.silentSpent += reached - crossed.count
            if planted == .variantLeavesOthers, crossed.isEmpty { leaveArmed(counter, rule) }
            guard let last = crossed.last, let position = rule.thresholds.firstIndex(of: last) else { return }
            highest = rule.firstBit + position
        }
        let trigger = trigger(
            counter, rule, limit, previous: previous, current: cell.value, crossed: crossed, highestBit: highest,
            moment)
        raise(
            Candidate(
                signal: rule.signal, account: counter.account, trigger: trigger, counter: counter,
                isClosed: closed && planted != .closedPeriodFires))
    }

    /// What the planted bug `variantLeavesOthers` does.
    private mutating func leaveArmed(_ counter: CounterRef, _ rule: RuleCode) {
        var cell = cell(counter)
        cell.spent &= ~rule.mask
        setCell(counter, cell)
    }

    private func trigger(
        _ counter: CounterRef, _ rule: RuleCode, _ limit: Limit, previous: Int64, current: Int64, crossed: [Int64],
        highestBit: Int, _ moment: Moment
    ) -> Trigger {
        let meter = program.catalogue.meters[counter.meter]
        let code = program.meters[counter.meter]
        let name = program.catalogue.rules[rule.rule].name
        let account = accounts.name(of: counter.account)
        var period: Period?
        if code.group >= 0 {
            let index = counter.account * groupCount + code.group
            let isPrevious = counter.side >= 0 && sides[Int(counter.side)].key.era == .previous
            period = isPrevious ? previousPeriods[index]?.period : periods[index]
        }
        let episode =
            switch code.kind {
            case .period: period?.identity ?? 0
            case .lifetime: Int64(0)
            case .rolling, .gauge: existingExtra(counter)?.episode(highestBit) ?? 0
            }
        let dimension = meter.dimension.flatMap { own in
            counter.side < 0
                ? nil : Trigger.Dimension(name: own.name, value: sides[Int(counter.side)].extra?.name ?? "")
        }
        let limitVersion = cells[counter.account * meterCount + counter.meter].limitVersion
        let key = ArmingKey(
            signal: .limit, rule: name, ruleVersion: rule.version, account: account, meter: meter.name,
            dimension: dimension?.value, limitVersion: limitVersion, episode: Timestamp(milliseconds: episode),
            threshold: crossed[crossed.count - 1])
        var trigger = Trigger(
            id: key.id, account: account, rule: name, ruleVersion: rule.version, signal: .limit, cause: moment.cause,
            usage: Trigger.Usage(
                meter: meter.name, unit: meter.unit, scale: meter.scale, dimension: dimension, previous: previous,
                current: current, limit: limit, thresholdUnit: rule.unit, crossed: crossed,
                period: period.map {
                    Trigger.Span(start: Timestamp(milliseconds: $0.start), end: Timestamp(milliseconds: $0.end))
                }, limitVersion: limitVersion),
            episode: key.episode, eventTime: Timestamp(milliseconds: moment.time), plan: "", status: .active,
            coordinates: moment.coordinates,
            rearmed: rearmed(counter, rule, limit, period, episode: episode, moment))
        complete(&trigger, counter.account)
        return trigger
    }

    // MARK: Arming anew

    mutating func noteLimitChange(_ account: Int, _ meter: Int) {
        guard termsIndex[account] >= 0 else { return }
        let index = Int(termsIndex[account])
        var changes = terms[index]?.limitChanges ?? []
        if changes.isEmpty { changes = Array(repeating: .min, count: meterCount) }
        changes[meter] = clock.milliseconds
        terms[index]?.limitChanges = changes
    }

    /// What last armed a threshold anew; nil where it is armed for the first time.
    ///
    /// Of several reasons the latest counts, of equally late ones limit, then rule, then episode.
    private func rearmed(
        _ counter: CounterRef, _ rule: RuleCode, _ limit: Limit, _ period: Period?, episode: Int64, _ moment: Moment
    ) -> Trigger.Rearming? {
        switch moment.cause {
        case .limitChanged: return .limitChanged
        case .ruleChanged: return .ruleChanged
        case .usage, .profileArrived, .windowMoved, .timer, .released, .step, .outcome, .test: break
        }
        let code = program.meters[counter.meter]
        var latest = Int64.min
        var reason: Trigger.Rearming?
        if let period {
            if flags[counter.account] & Self.rolledFlag(code.group) != 0 {
                (latest, reason) = (period.start, .newEpisode)
            }
        } else if episode != 0 {
            (latest, reason) = (episode, .newEpisode)
        }
        if rule.adoptedAt > .min, flags[counter.account] & Self.reloadedFlag != 0, rule.adoptedAt >= latest {
            (latest, reason) = (rule.adoptedAt, .ruleChanged)
        }
        var change = Int64.min
        if termsIndex[counter.account] >= 0 {
            let changes = terms[Int(termsIndex[counter.account])]?.limitChanges ?? []
            if !changes.isEmpty { change = changes[counter.meter] }
        } else if cells[counter.account * meterCount + counter.meter].limitVersion
            != KeyVersion.ofLimit(limit, since: Timestamp(milliseconds: 0))
        {
            change = lastReload
        }
        return change > .min && change >= latest ? .limitChanged : reason
    }

    /// Gauge and rolling: each spent threshold below which usage fell by its band begins a new episode.
    mutating func rearm(_ counter: CounterRef, at instant: Int64) {
        let limit = limit(counter.account, counter.meter)
        var cell = cell(counter)
        var released = false
        for index in program.meters[counter.meter].rules {
            let rule = program.rules[index]
            for (position, threshold) in rule.thresholds.enumerated() where cell.spent & rule.bit(position) != 0 {
                let release =
                    planted == .bandIgnored
                    ? program.trip(rule, threshold, limit) : program.release(rule, threshold, limit)
                guard let release, cell.value < release else { continue }
                cell.spent &= ~(planted == .bandOfAll ? rule.mask : rule.bit(position))
                extra(counter).beginEpisode(rule.firstBit + position, at: instant)
                released = true
            }
        }
        guard released else { return }
        setCell(counter, cell)
        setNextTrip(counter, limit)
    }

    /// Puts one rule's thresholds under another limit.
    ///
    /// Cases: absolute thresholds do not depend on the limit: what is spent stays spent, the rest stays armed. Others:
    /// a limit that rises spends what is reached under it and arms the rest; one that falls arms all, and what is
    /// exceeded fires next. Counters of closed periods only spend, and so do absolute thresholds passed under limit 0.
    mutating func rearm(_ counter: CounterRef, _ ruleIndex: Int, from old: Limit, to new: Limit) {
        let rule = program.rules[ruleIndex]
        if rule.unit != .absolute {
            var cell = cell(counter)
            cell.spent &= ~rule.mask
            setCell(counter, cell)
        }
        let isPrevious = counter.side >= 0 && sides[Int(counter.side)].key.era == .previous
        let spends = (new.isAbove(old) && planted != .riseFires) || planted == .fallSpends
        if spends || isPrevious { spendReached(counter, ruleIndex, new) }
    }

    /// Spends without a word what usage reaches.
    mutating func spendReached(_ counter: CounterRef, _ ruleIndex: Int, _ limit: Limit) {
        let rule = program.rules[ruleIndex]
        var cell = cell(counter)
        for (position, threshold) in rule.thresholds.enumerated() where cell.spent & rule.bit(position) == 0 {
            guard let trip = program.trip(rule, threshold, limit), cell.value >= trip else { continue }
            cell.spent |= rule.bit(position)
            statisticsStored.silentSpent += 1
        }
        setCell(counter, cell)
    }

    /// All counters of an account and meter: the dense one, then those of dimensions and closed periods.
    func counters(_ account: Int, _ meter: Int) -> [CounterRef] {
        var counters = [CounterRef(account: account, meter: meter)]
        var side = sideHeads[account]
        while side >= 0 {
            let key = sides[Int(side)].key
            if Int(key.meter) == meter, key.era == .previous || key.dimension != 0 {
                counters.append(CounterRef(account: account, meter: meter, side: side))
            }
            side = sides[Int(side)].next
        }
        // The list has the newest first; triggers come out in the order in which the counters were made.
        counters[1...].reverse()
        return counters
    }

    /// Brings the counters of an account under its present limits.
    ///
    /// - Parameters:
    ///   - old: limits by meter under which they were armed.
    ///   - versionTime: hashed into the versions of the limits that differ.
    /// - Returns: whether a limit differs.
    @discardableResult
    mutating func relimit(
        _ account: Int, from old: [Limit], versionTime: Int64, _ moment: Moment, into effects: inout Effects
    ) -> Bool {
        var differs = false
        for meter in 0..<meterCount {
            let new = limit(account, meter)
            guard new != old[meter] else { continue }
            differs = true
            cells[account * meterCount + meter].limitVersion =
                KeyVersion.ofLimit(new, since: Timestamp(milliseconds: versionTime))
            noteLimitChange(account, meter)
            for counter in counters(account, meter) {
                for rule in program.meters[meter].rules { rearm(counter, rule, from: old[meter], to: new) }
                evaluate(counter, previous: cell(counter).value, closed: false, moment, into: &effects)
            }
        }
        return differs
    }
}

extension Limit {
    func isAbove(_ other: Limit) -> Bool {
        switch (self, other) {
        case (.of(let a), .of(let b)): a > b
        case (.unlimited, .of): true
        case (_, .unlimited): false
        }
    }
}
