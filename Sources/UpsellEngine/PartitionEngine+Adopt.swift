public import UpsellModel

extension PartitionEngine {
    /// Puts a new configuration over the existing state, matched by names.
    ///
    /// A meter whose definition changed starts anew. A rule of the same name and version keeps what it has spent; a new
    /// one or a new version spends what is exceeded, or fires it under `onChange: evaluate` (cause `rule_changed`).
    /// Changed limits act as with a profile.
    ///
    /// - Complexity: O(accounts × meters).
    public mutating func adopt(_ catalogue: Catalogue, into effects: inout Effects) {
        let old = program
        let new = Program(catalogue)
        var change = CatalogueChange(from: old, to: new)
        if planted == .wordsRearm { change.mistakeWords(from: old, to: new) }
        let oldLimits = rebuild(old, new, change)
        program = new
        safety.keep(catalogue.rules)
        // An account's clock and default plan may be the same at two reloads, their limit versions must not.
        lastReload = Swift.max(clock.milliseconds, lastReload == .min ? .min : lastReload + 1)
        program.noteAdoption(
            ofSignalsAt: change.oldSignal.map { source in
                source.map { old.signals[$0].adoptedAt } ?? clock.milliseconds
            })
        program.noteAdoption(
            ofMetersAt: change.oldMeter.map { source in
                source.map { old.meterAdopted[$0] } ?? clock.milliseconds
            })
        program.noteAdoption(
            at: change.oldRule.map { source in source.map { old.rules[$0].adoptedAt } ?? clock.milliseconds })
        if new.catalogue.policy.dedupCapacity != old.catalogue.policy.dedupCapacity {
            identities = identities.resized(to: new.catalogue.policy.dedupCapacity, at: clock.milliseconds)
        }
        rebuildTimers()
        for account in accountsInOrder {
            remapSignals(account, change)
            rearmAdopted(account, old, oldLimits, change, into: &effects)
            dealWithReload(account, into: &effects)
            adoptSignals(account, old, change)
            qualifyRaised(into: &effects)
        }
        written.isCompleteDue = true
        guard new.defaultPlan != nil else { return }
        for account in accountsInOrder where waiting[account] != nil {
            evaluateWaiting(account, nil, .live, into: &effects)
            qualifyRaised(into: &effects)
        }
    }

    /// By hash, since numbers depend on the order in which accounts came.
    private var accountsInOrder: [Int] {
        let hashed = (0..<accounts.numbers).filter { accounts.isInUse($0) }.map { (accounts.hash(of: $0), $0) }
        return hashed.sorted { $0 < $1 }.map(\.1)
    }

    /// Brings rows and side records into the new shape.
    ///
    /// - Returns: limits by account and new meter under the old catalogue; nil for meters that start anew.
    private mutating func rebuild(_ old: Program, _ new: Program, _ change: CatalogueChange) -> [Limit?] {
        let oldCount = old.meters.count
        let oldGroups = old.resets.count
        var rows: ContiguousArray<Cell> = []
        var newPeriods: ContiguousArray<Period> = []
        var limits: [Limit?] = []
        rows.reserveCapacity(accounts.numbers * new.meters.count)
        for account in 0..<accounts.numbers {
            let isInUse = accounts.isInUse(account)
            for meter in new.meters.indices {
                guard isInUse, let source = change.oldMeter[meter] else {
                    rows.append(Cell())
                    limits.append(nil)
                    continue
                }
                rows.append(cells[account * oldCount + source])
                limits.append(limit(account, source))
            }
            let before = flags[account]
            flags[account] = before & (Self.marks | Self.reloadedFlag)
            if let index = isInUse && termsIndex[account] >= 0 ? Int(termsIndex[account]) : nil,
                let changes = terms[index]?.limitChanges, !changes.isEmpty
            {
                terms[index]?.limitChanges = change.oldMeter.map { $0.map { changes[$0] } ?? .min }
            }
            for group in new.resets.indices {
                if let source = change.oldGroup[group], before & Self.rolledFlag(source) != 0 {
                    flags[account] |= Self.rolledFlag(group)
                }
                newPeriods.append(change.oldGroup[group].map { periods[account * oldGroups + $0] } ?? .none)
            }
        }
        cells = rows
        periods = newPeriods
        var kept: [Int: PreviousPeriod] = [:]
        for (index, period) in previousPeriods {
            guard let group = change.oldGroup.firstIndex(of: index % oldGroups) else { continue }
            kept[index / oldGroups * new.resets.count + group] = period
        }
        previousPeriods = kept
        for account in 0..<accounts.numbers where accounts.isInUse(account) {
            removeSides(of: account) { change.newMeter[Int($0.meter)] == nil }
        }
        sideIndex.removeAll(keepingCapacity: true)
        for index in sides.indices where sides[index].isInUse {
            sides[index].key.meter = UInt16(change.newMeter[Int(sides[index].key.meter)] ?? 0)
            sideIndex[sides[index].key] = Int32(index)
        }
        for (account, events) in waiting {
            // Events that lose all readings keep their place, which their entries in the queue count on.
            var kept = FIFO<WaitingEvent>()
            for event in events.rest {
                var event = event
                let before = event.readings.count
                event.readings = event.readings.compactMap { reading in
                    change.newStream(reading.meter).map {
                        WaitingReading(meter: $0, quantity: reading.quantity, dimension: reading.dimension)
                    }
                }
                statisticsStored.waitingNow -= before - event.readings.count
                statisticsStored.waitingDropped += before - event.readings.count
                kept.append(event)
            }
            waiting[account] = kept
        }
        return limits
    }

    private mutating func rearmAdopted(
        _ account: Int, _ old: Program, _ oldLimits: [Limit?], _ change: CatalogueChange, into effects: inout Effects
    ) {
        rollPeriods(account)
        let index = termsIndex[account]
        flags[account] |= Self.reloadedFlag
        let own = index >= 0 ? terms[Int(index)] : nil
        let versionTime = own.map { Swift.max(lastReload, $0.versionTime + 1) } ?? lastReload
        var usedVersionTime = false
        for meter in 0..<meterCount {
            let limit = limit(account, meter)
            let oldLimit = oldLimits[account * meterCount + meter]
            if limit != oldLimit {
                cells[account * meterCount + meter].limitVersion =
                    KeyVersion.ofLimit(limit, since: Timestamp(milliseconds: versionTime))
                usedVersionTime = true
                if oldLimit != nil { noteLimitChange(account, meter) }
            }
            for counter in counters(account, meter) {
                remapBits(counter, change)
                let isPrevious = counter.side >= 0 && sides[Int(counter.side)].key.era == .previous
                for rule in program.meters[meter].rules {
                    var cause = Trigger.Cause.limitChanged
                    if change.oldRule[rule] == nil {
                        cause = .ruleChanged
                        let spends = program.rules[rule].onChange == .silent && planted != .changeEvaluates
                        if spends || isPrevious { spendReached(counter, rule, limit) }
                    } else if let oldLimit, limit != oldLimit {
                        rearm(counter, rule, from: oldLimit, to: limit)
                    }
                    let moment = Moment(
                        time: clock.milliseconds, coordinates: nil, cause: cause, silent: isPrevious)
                    fire(
                        counter, rule, limit, previous: cell(counter).value, closed: false, moment, into: &effects)
                }
                setNextTrip(counter, limit)
            }
        }
        if usedVersionTime, index >= 0 { terms[Int(index)]?.versionTime = versionTime }
        markChanged(account)
    }

    /// Moves spent bits and episodes of rules that stay to where the new catalogue has them.
    private mutating func remapBits(_ counter: CounterRef, _ change: CatalogueChange) {
        var cell = cell(counter)
        let before = cell.spent
        let extra = existingExtra(counter)
        let episodes = extra?.episodes ?? []
        cell.spent &= Cell.touched | Cell.dirty
        extra?.episodes = []
        for index in program.meters[counter.meter].rules {
            let rule = program.rules[index]
            guard let first = change.oldFirstBit[index] else { continue }
            for position in rule.thresholds.indices {
                if before & (1 << UInt64(first + position)) != 0 { cell.spent |= rule.bit(position) }
                if first + position < episodes.count, episodes[first + position] != 0 {
                    extra?.beginEpisode(rule.firstBit + position, at: episodes[first + position])
                }
            }
        }
        setCell(counter, cell)
    }
}

/// How two catalogues correspond, by names and versions.
struct CatalogueChange {
    /// By new meter: the old one with the same definition.
    var oldMeter: [Int?]
    /// By old meter.
    var newMeter: [Int?]
    /// By old behaviour: the new one with the same definition.
    var newBehaviour: [Int?]
    /// By position in the new `Program.signals`: the old one of the same rule name, part and version.
    var oldSignal: [Int?]
    /// By position in the old `Program.signals`.
    var newSignal: [Int?]
    private var newMeterCount: Int
    /// By new group of resets.
    var oldGroup: [Int?]
    /// By position in the new `Program.rules`: the old rule of the same name and version.
    var oldRule: [Int?]
    /// Its first bit.
    var oldFirstBit: [Int?]

    init(from old: Program, to new: Program) {
        let oldMeter = new.meters.indices.map { meter in
            old.meterVersions.firstIndex(of: new.meterVersions[meter])
        }
        self.oldMeter = oldMeter
        newMeter = old.meters.indices.map { meter in oldMeter.firstIndex(of: meter) }
        newMeterCount = new.meters.count
        let behaviours = new.catalogue.behaviours.map(KeyVersion.ofBehaviour)
        newBehaviour = old.catalogue.behaviours.map { behaviours.firstIndex(of: KeyVersion.ofBehaviour($0)) }
        let oldSignal = new.signals.map { signal in
            old.signals.firstIndex {
                $0.version == signal.version && $0.part == signal.part
                    && old.catalogue.rules[$0.rule].name == new.catalogue.rules[signal.rule].name
            }
        }
        self.oldSignal = oldSignal
        newSignal = old.signals.indices.map { signal in oldSignal.firstIndex(of: signal) }
        oldGroup = new.resets.map { old.resets.firstIndex(of: $0) }
        let oldRule = new.rules.map { rule in
            old.rules.firstIndex {
                $0.version == rule.version
                    && old.signals[$0.signal].part == new.signals[rule.signal].part
                    && old.catalogue.rules[$0.rule].name == new.catalogue.rules[rule.rule].name
            }
        }
        self.oldRule = oldRule
        oldFirstBit = oldRule.map { $0.map { old.rules[$0].firstBit } }
    }

    /// What the planted bug `wordsRearm` does: other words make another rule.
    mutating func mistakeWords(from old: Program, to new: Program) {
        for (index, source) in oldRule.enumerated() {
            guard let source else { continue }
            let words = old.catalogue.rules[old.rules[source].rule].message
            guard new.catalogue.rules[new.rules[index].rule].message != words else { continue }
            oldRule[index] = nil
            oldFirstBit[index] = nil
        }
    }

    /// Where a stream of the old catalogue (a meter, or a behaviour behind them) is in the new one.
    func newStream(_ stream: Int) -> Int? {
        guard stream >= newMeter.count else { return newMeter[stream] }
        return newBehaviour[stream - newMeter.count].map { newMeterCount + $0 }
    }
}
