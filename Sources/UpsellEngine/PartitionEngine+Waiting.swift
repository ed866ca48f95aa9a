internal import UpsellModel

/// Usage of accounts without profile: kept raw, within a bound of readings and of time.
extension PartitionEngine {
    mutating func wait(
        _ row: Int, _ event: UsageEvent, _ known: Int, _ readings: borrowing Span<Reading>,
        _ arena: borrowing RawSpan, _ mode: FiringMode, into effects: inout Effects
    ) {
        guard policy.unknownAccounts == .wait else {
            statisticsStored.ignored += 1
            return
        }
        let count = Int(event.readingCount)
        guard statisticsStored.waitingNow + count <= policy.waitCapacity else {
            statisticsStored.noProfile += 1
            let detail = "\(policy.waitCapacity) readings wait for profiles already (accounts.wait.capacity)"
            effects.rejected.append(RejectedEvent(row: row, rejection: Rejection(.noProfile, detail)))
            return
        }
        let account = known >= 0 ? known : addAccount(event.accountHash, arena.extracting(event.account.range))
        var kept: [WaitingReading] = []
        for index in Int(event.firstReading)..<Int(event.firstReading) + count {
            let reading = readings[index]
            kept.append(
                WaitingReading(
                    meter: reading.meter.index,
                    quantity: reading.meter.index < meterCount
                        ? reading.quantity : Int64(bitPattern: event.identity),
                    dimension: reading.dimension.isEmpty
                        ? nil : arena.extracting(reading.dimension.range).withText { $0 }))
        }
        let until = clock.milliseconds + policy.waitDuration
        waiting[account, default: FIFO()].append(
            WaitingEvent(
                sequence: waitingNext, time: event.time.milliseconds, until: until, flags: event.flags, mode: mode,
                coordinates: InputCoordinates(input: event.input, offset: event.offset), readings: kept))
        waitingQueue.append(WaitingEntry(account: account, sequence: waitingNext, until: until))
        waitingNext += 1
        if waitingQueue.count > 2 * policy.waitCapacity + 1024 { tidyWaitingQueue() }
        nextDue = Swift.min(nextDue, until)
        statisticsStored.waited += 1
        statisticsStored.waitingNow += count
        markChanged(account)
    }

    /// Counts what waited, then judges each counter once, as one jump.
    mutating func evaluateWaiting(
        _ account: Int, _ coordinates: InputCoordinates?, _ mode: FiringMode, into effects: inout Effects
    ) {
        guard let events = waiting.removeValue(forKey: account) else { return }
        // Periods roll first, so that no counter changes its place while its evaluation waits.
        let newest = events.reduce(Int64.min) { Swift.max($0, $1.time) }
        for group in 0..<groupCount { _ = locatePeriod(account, group, newest) }
        jump.removeAll(keepingCapacity: true)
        let spoken = Moment(
            time: newest, coordinates: coordinates, cause: .profileArrived, silent: mode == .silent)
        for event in events.rest {
            statisticsStored.waitingNow -= event.readings.count
            let silent = mode == .silent || event.mode == .silent || event.flags.rawValue != 0
            if silent { judgeJump(spoken, into: &effects) }
            var moment = Moment(
                time: event.time, coordinates: event.coordinates, cause: .profileArrived, silent: silent,
                deferred: !silent, isSnapshot: event.flags.contains(.snapshot))
            let overflows = event.readings.contains {
                wouldOverflow(
                    account, $0.meter, $0.quantity, dimension: Self.hash(of: $0), event.time, event.flags)
            }
            if overflows {
                expire(account, event, .overflow, into: &effects)
                continue
            }
            for reading in event.readings {
                statisticsStored.waitingEvaluated += 1
                let name = reading.dimension ?? ""
                guard reading.meter < meterCount else {
                    moment.identity = UInt64(bitPattern: reading.quantity)
                    unsafe observe(
                        account, stream: reading.meter, 1, name: name.utf8.span.bytes, moment, into: &effects)
                    moment.identity = 0
                    continue
                }
                let outcome = unsafe count(
                    account, reading.meter, reading.quantity, event.flags, moment, dimension: Self.hash(of: reading),
                    name: name.utf8.span.bytes, into: &effects)
                if outcome == .late { statisticsStored.lateReadings += 1 }
            }
        }
        judgeJump(spoken, into: &effects)
        markChanged(account)
    }

    private static func hash(of reading: WaitingReading) -> UInt64 {
        guard let dimension = reading.dimension else { return 0 }
        return unsafe hash(ofDimension: dimension.utf8.span.bytes)
    }

    private mutating func judgeJump(_ moment: Moment, into effects: inout Effects) {
        let due = jump
        jump.removeAll(keepingCapacity: true)
        for (counter, previous, closed) in due {
            settle(counter, previous: previous, closed: closed, moment, into: &effects)
        }
    }

    /// The front of the waiting room has waited its time.
    mutating func endWaiting(into effects: inout Effects) {
        guard let entry = waitingQueue.first, let event = waiting[entry.account]?.first else { return }
        waitingQueue.removeFirst()
        // In place: an account may have the whole room, which must not be copied for each of its events.
        waiting[entry.account]?.removeFirst()
        let isLast = waiting[entry.account]?.first == nil
        if isLast { waiting[entry.account] = nil }
        statisticsStored.waitingNow -= event.readings.count
        statisticsStored.waitingExpired += event.readings.count
        expire(entry.account, event, .noProfile, into: &effects)
        markChanged(entry.account, isLast ? Self.restMark : 0)
        if isLast { leaving.append(entry.account) }
    }

    /// Takes out entries whose event waits no more, so that the queue is bounded by the room and not by time.
    private mutating func tidyWaitingQueue() {
        var kept = FIFO<WaitingEntry>()
        for entry in waitingQueue.rest where isWaiting(entry) { kept.append(entry) }
        waitingQueue = kept
    }

    /// An account's events leave from the front, so those from its first on still wait.
    private func isWaiting(_ entry: WaitingEntry) -> Bool {
        guard let first = waiting[entry.account]?.first else { return false }
        return first.sequence <= entry.sequence
    }

    /// When the front of the waiting room has waited its time, `.max` where nobody waits; entries before it that do
    /// nothing are taken out, so that they hold nobody up.
    var firstWaiting: Int64 {
        mutating get {
            while let entry = waitingQueue.first {
                if isWaiting(entry) { return entry.until }
                waitingQueue.removeFirst()
            }
            return .max
        }
    }

    private func expire(
        _ account: Int, _ event: WaitingEvent, _ reason: RejectionReason, into effects: inout Effects
    ) {
        let name = accounts.name(of: account)
        for reading in event.readings {
            effects.expired.append(
                ExpiredReading(
                    coordinates: event.coordinates, account: name,
                    meter: program.streamName(reading.meter), dimension: reading.dimension,
                    quantity: reading.meter < meterCount ? reading.quantity : 1,
                    time: Timestamp(milliseconds: event.time), reason: reason))
        }
    }
}
