internal import UpsellModel

/// Rolling windows: hourly buckets of UTC. A bucket leaves when its whole hour is older than the window, so that the
/// window never covers less than its N days.
extension PartitionEngine {
    static func hour(_ time: Int64) -> Int64 { time.flooredDivision(by: .millisecondsPerHour) }

    /// The nominal time at which an hour's bucket leaves a window of `span` milliseconds.
    static func bucketExpiry(_ hour: Int64, _ span: Int64) -> Int64 { (hour + 1) * .millisecondsPerHour + span }

    private func bucketExpiry(_ hour: Int64, _ span: Int64) -> Int64 {
        Self.bucketExpiry(hour, span) - (planted == .bucketLeavesEarly ? .millisecondsPerHour : 0)
    }

    /// - Returns: usage after the reading, or nil if it would leave 64 bits; nothing has changed then.
    mutating func countRolling(
        _ counter: CounterRef, _ code: MeterCode, _ quantity: Int64, _ time: Int64, _ snapshot: Bool
    ) -> Int64? {
        if !snapshot, rollingOverflows(counter, quantity, time) { return nil }
        let extra = extra(counter)
        var rolling = extra.rolling ?? RollingBuckets()
        extra.rolling = nil
        let hour = Self.hour(time)
        if snapshot, !code.keepsMembers {
            rolling.buckets.removeAll(keepingCapacity: true)
            rolling.total = 0
            rolling.dirtyHour = .min
        }
        rolling.dirtyHour = Swift.min(rolling.dirtyHour, hour)
        let (position, isNew) = rolling.position(of: hour)
        let value: Int64
        switch code.aggregation {
        case .count, .sum, .latest:
            rolling.buckets[position].value += quantity
            rolling.total += Int128(quantity)
            value = Int64(clamping: rolling.total)
        case .max:
            let bucket = rolling.buckets[position].value
            rolling.buckets[position].value = isNew ? quantity : Swift.max(bucket, quantity)
            value = rolling.buckets.reduce(Int64.min) { Swift.max($0, $1.value) }
        case .unique, .activeDays:
            let member = self.member(code, counter.account, quantity, time)
            if let last = rolling.members[member] {
                if last < hour {
                    rolling.members[member] = hour
                    rolling.fresh.append(member)
                }
            } else if rolling.members.count < code.uniqueMax || code.aggregation == .activeDays {
                rolling.members[member] = hour
                rolling.fresh.append(member)
            } else {
                statisticsStored.uniqueOverflow += 1
            }
            value = Int64(rolling.members.count)
        }
        schedule(counter, code, &rolling)
        extra.rolling = rolling
        return value
    }

    func rollingOverflows(_ counter: CounterRef, _ quantity: Int64, _ time: Int64) -> Bool {
        let code = program.meters[counter.meter]
        guard code.aggregation == .count || code.aggregation == .sum else { return false }
        guard let rolling = existingExtra(counter)?.rolling else { return false }
        let total = rolling.total + Int128(quantity)
        if total > Int128(Int64.max) || total < Int128(Int64.min) { return true }
        let hour = Self.hour(time)
        guard let bucket = rolling.buckets.last(where: { $0.hour == hour }) else { return false }
        return bucket.value.addingReportingOverflow(quantity).overflow
    }

    private mutating func schedule(_ counter: CounterRef, _ code: MeterCode, _ rolling: inout RollingBuckets) {
        guard let first = rolling.buckets.first else {
            rolling.scheduled = .max
            return
        }
        let due = bucketExpiry(first.hour, code.span)
        guard due < rolling.scheduled else { return }
        rolling.scheduled = due
        setTimer(
            EngineTimer(
                time: due, accountHash: accounts.hash(of: counter.account), kind: .bucket,
                account: Int32(counter.account), place: UInt16(counter.meter),
                dimension: counter.side >= 0 ? sides[Int(counter.side)].key.dimension : 0))
    }

    /// Takes out what has left the window at `timer.time`.
    mutating func expireBuckets(_ timer: EngineTimer, _ mode: FiringMode, into effects: inout Effects) {
        let meter = Int(timer.place)
        guard let side = sideIndex[sideKey(Int(timer.account), meter, dimension: timer.dimension)],
            let extra = sides[Int(side)].extra, var rolling = extra.rolling, rolling.scheduled == timer.time
        else { return }
        let code = program.meters[meter]
        extra.rolling = nil
        sides[Int(side)].cell.spent |= Cell.dirty
        // A plain counter's cell is in its row, the record beside it has only the buckets.
        let counter = CounterRef(
            account: Int(timer.account), meter: meter, side: timer.dimension == 0 ? -1 : side)
        rolling.scheduled = .max
        markChanged(counter.account)
        var gone = 0
        while gone < rolling.buckets.count, bucketExpiry(rolling.buckets[gone].hour, code.span) <= timer.time {
            rolling.total -= Int128(rolling.buckets[gone].value)
            gone += 1
        }
        if gone > 0 {
            let lastGone = rolling.buckets[gone - 1].hour
            rolling.buckets.removeFirst(gone)
            var cell = cell(counter)
            let previous = cell.value
            switch code.aggregation {
            case .count, .sum, .latest: cell.value = Int64(clamping: rolling.total)
            case .max:
                cell.value = rolling.buckets.isEmpty ? 0 : rolling.buckets.reduce(.min) { Swift.max($0, $1.value) }
            case .unique, .activeDays:
                rolling.members = rolling.members.filter { $0.value > lastGone }
                cell.value = Int64(rolling.members.count)
            }
            setCell(counter, cell)
            schedule(counter, code, &rolling)
            extra.rolling = rolling
            let moment = Moment(time: timer.time, coordinates: nil, cause: .windowMoved, silent: mode == .silent)
            settle(counter, previous: previous, closed: false, moment, into: &effects)
        } else {
            schedule(counter, code, &rolling)
            extra.rolling = rolling
        }
    }
}
