internal import UpsellModel

/// What follows from the state and is not written.
extension PartitionEngine {
    /// Adds an account under a free number.
    ///
    /// - Returns: false if there is one of this key.
    mutating func addRestored(_ key: ArraySlice<UInt8>, as number: Int) -> Bool {
        let bytes = unsafe key.span.bytes
        let hash = xxh3(bytes)
        guard accounts.find(hash, bytes) < 0 else { return false }
        accounts.insert(hash, bytes, as: number)
        growRows()
        clearRow(number)
        return true
    }

    /// Gives every account number a row.
    private mutating func growRows() {
        while sideHeads.count < accounts.numbers {
            sideHeads.append(-1)
            termsIndex.append(-1)
            flags.append(0)
            stories.append(nil)
            cells.append(contentsOf: program.defaultCells)
            for _ in 0..<groupCount { periods.append(.none) }
        }
    }

    /// Everything was read: trips, free numbers, queues and timers as they follow from it; nothing is left to write.
    mutating func becomeRestored() {
        accounts.findFreeNumbers()
        for account in 0..<accounts.numbers where accounts.isInUse(account) { setTrips(account) }
        var entries: [WaitingEntry] = []
        var readings = 0
        for (account, events) in waiting {
            for event in events.rest {
                entries.append(WaitingEntry(account: account, sequence: event.sequence, until: event.until))
                readings += event.readings.count
            }
        }
        entries.sort { $0.sequence < $1.sequence }
        if let last = entries.last { waitingNext = Swift.max(waitingNext, last.sequence + 1) }
        waitingQueue = FIFO()
        for entry in entries { waitingQueue.append(entry) }
        statisticsStored = EngineStatistics()
        statisticsStored.waitingNow = readings
        recountOwed()
        rebuildTimers()
        clearMarks()
    }

    private mutating func setTrips(_ account: Int) {
        for meter in 0..<meterCount {
            let index = account * meterCount + meter
            cells[index].nextTrip = program.nextTrip(
                meter: meter, limit: limit(account, meter), spent: cells[index].spent)
        }
        var side = sideHeads[account]
        while side >= 0 {
            let key = sides[Int(side)].key
            // The record beside a dense counter has no trip of its own.
            if key.era == .previous || key.dimension != 0 {
                sides[Int(side)].cell.nextTrip = program.nextTrip(
                    meter: Int(key.meter), limit: limit(account, Int(key.meter)), spent: sides[Int(side)].cell.spent)
            }
            side = sides[Int(side)].next
        }
    }
}
