public import UpsellModel

/// Why and with what an evaluation happens.
struct Moment {
    var time: Int64
    var coordinates: InputCoordinates?
    var cause: Trigger.Cause
    /// Thresholds are spent, nothing fires.
    var silent: Bool
    /// The evaluation waits in `jump`.
    var deferred = false
    /// Of the event; 0 where none brought it about.
    var identity: UInt64 = 0
    /// The counter was set, not moved.
    var isSnapshot = false
}

enum ReadingOutcome { case counted, late, overflow }

extension PartitionEngine {
    /// Applies rows of a batch in their order.
    ///
    /// - Parameters:
    ///   - range: rows of `batch.events`; each is counted in exactly one disposition of `EngineStatistics`.
    ///   - mode: `.silent` spends the thresholds reached and fires nothing.
    ///   - wallTime: bounds record timestamps; nothing else is decided by it.
    ///
    /// Partition queue only. Admission order: record time, event time, age, identity, then the clock, timers, usage.
    public mutating func apply(
        _ batch: borrowing EventBatch, _ range: Range<Int>, mode: FiringMode, wallTime: Timestamp,
        into effects: inout Effects
    ) {
        let events = batch.events.span
        let readings = batch.readings.span
        let arena = unsafe batch.arena.span.bytes
        let latestRecord = wallTime + policy.futureTolerance
        let window = policy.dedupWindow
        let tolerance = policy.futureTolerance
        statisticsStored.rows += range.count
        var blockStart = range.lowerBound
        for row in range {
            if (row - range.lowerBound) % Self.blockRows == 0 {
                blockStart = row
                resolve(events, row..<min(row + Self.blockRows, range.upperBound), arena)
            }
            let event = events[row]
            if event.recordTime > latestRecord {
                statisticsStored.inFuture += 1
                effects.rejected.append(
                    RejectedEvent(row: row, rejection: Rejection(.inFuture, "record timestamp lies after wall time")))
                continue
            }
            if event.time > event.recordTime + tolerance {
                statisticsStored.inFuture += 1
                effects.rejected.append(
                    RejectedEvent(row: row, rejection: Rejection(.inFuture, "time lies after the record timestamp")))
                continue
            }
            if event.time < clock - window {
                statisticsStored.tooOld += 1
                effects.rejected.append(
                    RejectedEvent(row: row, rejection: Rejection(.tooOld, "time lies before clock − dedup.window")))
                continue
            }
            guard identities.insert(event.identity, at: clock.milliseconds) else {
                statisticsStored.duplicates += 1
                continue
            }
            let moved = min(event.time, event.recordTime)
            if moved > clock {
                if nextDue <= moved.milliseconds { runDue(to: moved, mode, into: &effects) }
                clock = moved
                lag = max(0, event.recordTime - event.time)
            }
            applyUsage(row, event, Int(resolved[row - blockStart]), readings, arena, mode, into: &effects)
        }
        if !leaving.isEmpty { forgetLeaving() }
    }

    /// Rows that are looked up together; their lines fit the second-level cache.
    static var blockRows: Int { 256 }

    /// Looks a block's accounts up in stages, each a loop of independent loads, so that cache misses overlap; the rows
    /// are then applied over warm lines.
    private mutating func resolve(_ events: borrowing Span<UsageEvent>, _ rows: Range<Int>, _ arena: borrowing RawSpan)
    {
        resolved.removeAll(keepingCapacity: true)
        var touched: UInt64 = 0
        for row in rows {
            resolved.append(Int32(truncatingIfNeeded: accounts.candidate(events[row].accountHash)))
            touched ^= UInt64(identities.slot(of: events[row].identity))
        }
        for number in resolved where number >= 0 {
            touched ^= accounts.touchEntry(Int(number))
            touched ^= UInt64(bitPattern: cells[Int(number) * meterCount].value)
            if groupCount > 0 { touched ^= UInt64(bitPattern: periods[Int(number) * groupCount].start) }
            touched ^= UInt64(flags[Int(number)]) ^ UInt64(bitPattern: Int64(termsIndex[Int(number)]))
        }
        for number in resolved where number >= 0 { touched ^= accounts.touchKey(Int(number)) }
        for row in rows {
            let event = events[row]
            let account = accounts.find(event.accountHash, arena.extracting(event.account.range))
            resolved[row - rows.lowerBound] = Int32(truncatingIfNeeded: account)
            if account >= 0 {
                // The cell of the first reading's meter may lie in another line than the row's first.
                touched ^= UInt64(bitPattern: cells[account * meterCount + meterCount - 1].value)
            }
        }
        warmth = touched
    }

    private mutating func applyUsage(
        _ row: Int, _ event: UsageEvent, _ resolved: Int, _ readings: borrowing Span<Reading>,
        _ arena: borrowing RawSpan, _ mode: FiringMode, into effects: inout Effects
    ) {
        var account = resolved
        if account < 0 {
            // Perhaps an earlier row of this batch added it.
            account = accounts.find(event.accountHash, arena.extracting(event.account.range))
        }
        if account < 0 || (termsIndex[account] < 0 && program.defaultPlan == nil) {
            if program.defaultPlan == nil {
                return wait(row, event, account, readings, arena, mode, into: &effects)
            }
            account = addAccount(event.accountHash, arena.extracting(event.account.range))
        }
        let first = Int(event.firstReading)
        let count = Int(event.readingCount)
        let silent = mode == .silent || event.flags.rawValue != 0
        let moment = Moment(
            time: event.time.milliseconds, coordinates: InputCoordinates(input: event.input, offset: event.offset),
            cause: .usage, silent: silent, identity: event.identity, isSnapshot: event.flags.contains(.snapshot))
        if count > 1 {
            for index in first..<first + count
            where wouldOverflow(
                account, readings[index].meter.index, readings[index].quantity,
                dimension: dimensionHash(readings[index], arena), moment.time, event.flags)
            {
                return refuseOverflow(row, readings[index], into: &effects)
            }
        }
        var counted = false
        isAmongReadings = count > 1 && program.hasChoices
        for index in first..<first + count {
            let reading = readings[index]
            switch apply(account, reading, arena, event.flags, moment, into: &effects) {
            case .counted: counted = true
            case .late: statisticsStored.lateReadings += 1
            case .overflow:
                // Of several readings all were asked before; two of one counter may still be too much together.
                if count > 1 { finishReadings(moment, into: &effects) }
                if !raised.isEmpty { qualifyRaised(into: &effects) }
                return refuseOverflow(row, reading, into: &effects)
            }
        }
        if count > 1 { finishReadings(moment, into: &effects) }
        if counted { statisticsStored.applied += 1 } else { statisticsStored.lateOnly += 1 }
        markChanged(account)
        if program.hasAlerts { lookAround(account, into: &effects) }
        if !raised.isEmpty || !claims.isEmpty { qualifyRaised(into: &effects) }
    }

    private mutating func refuseOverflow(_ row: Int, _ reading: Reading, into effects: inout Effects) {
        statisticsStored.overflow += 1
        let meter = program.catalogue.meters[reading.meter.index].name
        effects.rejected.append(
            RejectedEvent(row: row, rejection: Rejection(.overflow, "counter of \(meter) would leave 64 bits")))
    }

    /// The short path: a sum or count of the running period that reaches nothing. Everything else goes the long way.
    @inline(__always)
    private mutating func apply(
        _ account: Int, _ reading: Reading, _ arena: borrowing RawSpan, _ eventFlags: UsageEvent.Flags,
        _ moment: Moment, into effects: inout Effects
    ) -> ReadingOutcome {
        let meter = reading.meter.index
        guard meter < meterCount else {
            observe(
                account, stream: meter, reading.quantity, name: arena.extracting(reading.dimension.range), moment,
                into: &effects)
            return .counted
        }
        let code = program.meters[meter]
        if code.isPlain, !eventFlags.contains(.snapshot) {
            let period = periods[account * groupCount + code.group]
            if moment.time >= period.start, moment.time < period.end, clock.milliseconds < period.end {
                let index = account * meterCount + meter
                let (value, overflow) = cells[index].value.addingReportingOverflow(reading.quantity)
                if overflow { return .overflow }
                cells[index].value = value
                cells[index].spent |= Cell.touched | Cell.dirty
                if value >= cells[index].nextTrip {
                    evaluate(
                        CounterRef(account: account, meter: meter), previous: value - reading.quantity, closed: false,
                        moment, into: &effects)
                }
                if code.isWatched {
                    observe(
                        account, stream: meter, reading.quantity, name: arena.extracting(reading.dimension.range),
                        moment, into: &effects)
                }
                return .counted
            }
        }
        return count(
            account, meter, reading.quantity, eventFlags, moment, dimension: dimensionHash(reading, arena),
            name: arena.extracting(reading.dimension.range), into: &effects)
    }

    @inline(__always)
    private func dimensionHash(_ reading: Reading, _ arena: borrowing RawSpan) -> UInt64 {
        reading.dimension.isEmpty ? 0 : Self.hash(ofDimension: arena.extracting(reading.dimension.range))
    }

    // MARK: Counting

    /// Counts one quantity, whatever the meter's window and aggregation.
    ///
    /// - Parameters:
    ///   - dimension: hash of the dimension's value, 0 for none.
    ///   - name: value of the dimension in UTF-8; empty for none.
    mutating func count(
        _ account: Int, _ meter: Int, _ quantity: Int64, _ eventFlags: UsageEvent.Flags, _ moment: Moment,
        dimension: UInt64, name: borrowing RawSpan, into effects: inout Effects
    ) -> ReadingOutcome {
        let code = program.meters[meter]
        var era = SideKey.Era.current
        var closed = false
        switch code.kind {
        case .period:
            switch locatePeriod(account, code.group, moment.time) {
            case .current: break
            case .previous(let isClosed):
                era = .previous
                closed = isClosed
            case .late: return .late
            }
        case .rolling:
            if Self.bucketExpiry(Self.hour(moment.time), code.span) <= clock.milliseconds { return .late }
        case .lifetime, .gauge: break
        }
        let counter = locate(account, meter, era, dimension, name)
        var cell = cell(counter)
        let previous = cell.value
        let snapshot = eventFlags.contains(.snapshot)
        if code.kind == .rolling {
            guard let value = countRolling(counter, code, quantity, moment.time, snapshot) else { return .overflow }
            cell = self.cell(counter)
            cell.value = value
        } else {
            switch code.aggregation {
            case .count, .sum:
                if snapshot {
                    cell.value = quantity
                } else {
                    let (sum, overflow) = cell.value.addingReportingOverflow(quantity)
                    if overflow { return .overflow }
                    cell.value = sum
                }
            case .max: cell.value = snapshot || !cell.isTouched ? quantity : Swift.max(cell.value, quantity)
            case .latest:
                let extra = extra(counter)
                if moment.time >= extra.latestTime || planted == .latestTakesOlder {
                    extra.latestTime = moment.time
                    cell.value = quantity
                }
            case .unique, .activeDays:
                let extra = extra(counter)
                let member = self.member(code, account, quantity, moment.time)
                if extra.members.count < code.uniqueMax || code.aggregation == .activeDays {
                    if extra.members.insert(member).inserted { extra.fresh.append(member) }
                } else if !extra.members.contains(member) {
                    statisticsStored.uniqueOverflow += 1
                }
                cell.value = Int64(extra.members.count)
            }
        }
        cell.spent |= Cell.touched
        setCell(counter, cell)
        if moment.deferred {
            if !jump.contains(where: { $0.counter == counter }) { jump.append((counter, previous, closed)) }
        } else {
            settle(counter, previous: previous, closed: closed, moment, into: &effects)
        }
        if code.isWatched { observe(account, stream: meter, quantity, name: name, moment, into: &effects) }
        return .counted
    }

    /// Evaluates a counter after its value changed.
    mutating func settle(
        _ counter: CounterRef, previous: Int64, closed: Bool, _ moment: Moment, into effects: inout Effects
    ) {
        let cell = cell(counter)
        if cell.value >= cell.nextTrip {
            evaluate(counter, previous: previous, closed: closed, moment, into: &effects)
        } else if cell.value < previous, cell.spentThresholds != 0,
            program.meters[counter.meter].rearms || planted == .correctionRearms
        {
            rearm(counter, at: moment.time)
        }
    }

    /// What a `unique` or `active_days` counter collects: the value's hash, or the account's local day.
    func member(_ code: MeterCode, _ account: Int, _ quantity: Int64, _ time: Int64) -> UInt64 {
        guard code.aggregation == .activeDays else { return UInt64(bitPattern: quantity) }
        let zone = termsIndex[account] >= 0 ? terms[Int(termsIndex[account])]?.zone : nil
        let local = time + (zone?.offset(at: Timestamp(milliseconds: time)) ?? 0)
        return UInt64(bitPattern: local.flooredDivision(by: .millisecondsPerDay))
    }

    /// Finds or makes the counter that takes a reading.
    mutating func locate(
        _ account: Int, _ meter: Int, _ era: SideKey.Era, _ dimension: UInt64, _ name: borrowing RawSpan
    ) -> CounterRef {
        if dimension == 0, era == .current { return CounterRef(account: account, meter: meter) }
        let key = sideKey(account, meter, era: era, dimension: dimension)
        if let side = sideIndex[key] { return CounterRef(account: account, meter: meter, side: side) }
        guard dimension != 0 else { return addCounter(key, name: "") }
        if dimensionCount(account, meter, era) < program.meters[meter].dimensionMax {
            return addCounter(key, name: name.withText { $0 })
        }
        statisticsStored.dimensionOverflow += 1
        let other = sideKey(account, meter, era: era, dimension: Self.otherDimension)
        if let side = sideIndex[other] { return CounterRef(account: account, meter: meter, side: side) }
        return addCounter(other, name: Meter.Dimension.other)
    }

    static var otherDimension: UInt64 { unsafe hash(ofDimension: Meter.Dimension.other.utf8.span.bytes) }

    private mutating func addCounter(_ key: SideKey, name: String) -> CounterRef {
        let side = addSide(key)
        let account = Int(key.account)
        let meter = Int(key.meter)
        sides[Int(side)].cell.nextTrip = program.nextTrip(meter: meter, limit: limit(account, meter), spent: 0)
        if !name.isEmpty {
            let extra = CounterExtra()
            extra.name = name
            sides[Int(side)].extra = extra
        }
        return CounterRef(account: account, meter: meter, side: side)
    }

    private func dimensionCount(_ account: Int, _ meter: Int, _ era: SideKey.Era) -> Int {
        let other = Self.otherDimension
        var count = 0
        var side = sideHeads[account]
        while side >= 0 {
            let key = sides[Int(side)].key
            if Int(key.meter) == meter, key.era == era, key.dimension != 0, key.dimension != other { count += 1 }
            side = sides[Int(side)].next
        }
        return count
    }

    /// Whether a reading cannot be taken; asked before any reading of an event is, so that all are or none.
    mutating func wouldOverflow(
        _ account: Int, _ meter: Int, _ quantity: Int64, dimension: UInt64, _ time: Int64,
        _ eventFlags: UsageEvent.Flags
    ) -> Bool {
        guard meter < meterCount else { return false }
        let code = program.meters[meter]
        guard code.aggregation == .count || code.aggregation == .sum, !eventFlags.contains(.snapshot) else {
            return false
        }
        var era = SideKey.Era.current
        if code.kind == .period {
            switch locatePeriod(account, code.group, time) {
            case .current: break
            case .previous: era = .previous
            case .late: return false
            }
        }
        var counter = CounterRef(account: account, meter: meter)
        if dimension != 0 || era == .previous {
            var side = sideIndex[sideKey(account, meter, era: era, dimension: dimension)]
            if side == nil, dimension != 0, dimensionCount(account, meter, era) >= code.dimensionMax {
                side = sideIndex[sideKey(account, meter, era: era, dimension: Self.otherDimension)]
            }
            guard let side else { return false }
            counter.side = side
        }
        if code.kind == .rolling { return rollingOverflows(counter, quantity, time) }
        return cell(counter).value.addingReportingOverflow(quantity).overflow
    }
}

extension RawSpan {
    func withText<Result>(_ body: (String) -> Result) -> Result {
        unsafe withUnsafeBytes { unsafe body(String(decoding: $0, as: UTF8.self)) }
    }
}
