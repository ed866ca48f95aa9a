internal import UpsellModel

/// Images of accounts; `StateRow` reads them.
extension PartitionEngine {
    /// Appends an account's image.
    ///
    /// - Parameter isFull: everything, as for a reader that knows nothing of the account; else what the marks say.
    func writeRow(_ number: Int, isFull: Bool, into out: inout StateWriter) {
        let first = number * meterCount
        let marks = flags[number]
        var facets: StateFacets = isFull ? .key : []
        if marks & Self.spentMark != 0, !isFull { facets.insert(.spent) }
        var bits: UInt64 = 0
        for meter in 0..<meterCount {
            let cell = cells[first + meter]
            guard isFull ? cell.isTouched || cell.spentThresholds != 0 : cell.isDirty else { continue }
            if meter < StateFormat.wordMeters { bits |= 1 << UInt64(meter) }
            if cell.value < 0 { facets.insert(.signed) }
            if !cell.isTouched || (isFull && cell.spentThresholds != 0) { facets.insert(.spent) }
        }
        if marks & ~(Self.dirtyFlag | Self.spentMark) != 0 || isFull {
            insertRareFacets(number, isFull: isFull, into: &facets)
        }
        out.sides.removeAll(keepingCapacity: true)
        if sideHeads[number] >= 0 {
            collectSides(number, all: isFull || facets.contains(.rest), into: &out.sides)
            if !out.sides.isEmpty { facets.insert(.sides) }
        }
        if !waiting.isEmpty, waiting[number] != nil { facets.insert(.waiting) }

        out.writer.put(bits << 1 | (facets.isEmpty ? 0 : 1))
        var word = StateFormat.wordMeters
        while word < meterCount {
            out.writer.put(bitmap(number, from: word, isFull: isFull))
            word += StateFormat.wordMeters
        }
        if !facets.isEmpty { out.writer.put(facets.rawValue) }
        if facets.contains(.key) { accounts.writeKey(of: number, into: &out.writer) }
        for meter in 0..<meterCount {
            let cell = cells[first + meter]
            guard isFull ? cell.isTouched || cell.spentThresholds != 0 : cell.isDirty else { continue }
            if facets.contains(.signed) {
                out.writer.put(signed: cell.value)
            } else {
                out.writer.put(UInt64(cell.value))
            }
            if facets.contains(.spent) { out.writer.put(cell.spentThresholds << 1 | (cell.isTouched ? 1 : 0)) }
        }
        guard facets.rawValue >= StateFacets.periods.rawValue else { return }
        if facets.contains(.periods) { writePeriods(number, into: &out) }
        if facets.contains(.terms), let own = terms[Int(termsIndex[number])] { out.put(own) }
        if facets.contains(.limits) { writeLimits(number, into: &out) }
        if facets.contains(.sides) { writeSides(isFull: isFull || facets.contains(.rest), into: &out) }
        if facets.contains(.waiting) { writeWaiting(number, all: isFull || facets.contains(.rest), into: &out) }
        if facets.contains(.profile), let own = terms[Int(termsIndex[number])] { out.put(own.facts) }
        if facets.contains(.signals) {
            (stories[number]?.signals ?? SignalStates()).write(into: &out, program, isFull: isFull)
        }
        if facets.contains(.dealings) { (stories[number]?.dealings ?? Dealings()).write(into: &out) }
    }

    private func insertRareFacets(_ number: Int, isFull: Bool, into facets: inout StateFacets) {
        let marks = flags[number]
        let hasPeriods =
            marks & ~Self.marks != 0
            || (0..<groupCount).contains {
                !periods[number * groupCount + $0].isNone || previousPeriods[number * groupCount + $0] != nil
            }
        if isFull ? hasPeriods : marks & Self.periodsMark != 0 { facets.insert(.periods) }
        if isFull || marks & Self.termsMark != 0 {
            if termsIndex[number] >= 0 {
                facets.insert(.terms)
                if terms[Int(termsIndex[number])]?.facts != ProfileFacts() { facets.insert(.profile) }
            }
            let isDefault = (0..<meterCount).allSatisfy {
                cells[number * meterCount + $0].limitVersion == program.defaultCells[$0].limitVersion
            }
            if !isFull || !isDefault { facets.insert(.limits) }
        }
        if !isFull, marks & Self.restMark != 0 { facets.insert(.rest) }
        if isFull ? stories[number]?.signals.isEmpty == false : marks & Self.signalsMark != 0 {
            facets.insert(.signals)
        }
        if isFull ? stories[number]?.dealings.isEmpty == false : marks & Self.dealingsMark != 0 {
            facets.insert(.dealings)
        }
    }

    private func bitmap(_ number: Int, from word: Int, isFull: Bool) -> UInt64 {
        var bits: UInt64 = 0
        for meter in word..<Swift.min(word + StateFormat.wordMeters, meterCount) {
            let cell = cells[number * meterCount + meter]
            guard isFull ? cell.isTouched || cell.spentThresholds != 0 : cell.isDirty else { continue }
            bits |= 1 << UInt64(meter - word)
        }
        return bits
    }

    private func writePeriods(_ number: Int, into out: inout StateWriter) {
        out.writer.put(UInt64(flags[number] & ~Self.marks))
        for group in 0..<groupCount {
            out.put(periods[number * groupCount + group])
            out.put(previousPeriods[number * groupCount + group]?.period ?? .none)
        }
    }

    /// By word of meters: whose version is not that of accounts without profile; where there are any, which of these are
    /// not that of the present limit since the account's last version time; those in full.
    private func writeLimits(_ number: Int, into out: inout StateWriter) {
        for word in stride(from: 0, to: meterCount, by: StateFormat.wordMeters) {
            var own: UInt64 = 0
            var other: UInt64 = 0
            let meters = word..<Swift.min(word + StateFormat.wordMeters, meterCount)
            for meter in meters {
                let version = cells[number * meterCount + meter].limitVersion
                guard version != program.defaultCells[meter].limitVersion else { continue }
                own |= 1 << UInt64(meter - word)
                if version != presentLimitVersion(number, meter) { other |= 1 << UInt64(meter - word) }
            }
            out.writer.put(own)
            guard own != 0 else { continue }
            out.writer.put(other)
            for meter in meters where other & 1 << UInt64(meter - word) != 0 {
                out.writer.put(fixed64: cells[number * meterCount + meter].limitVersion)
            }
        }
    }

    /// What the limit version of an account is that has had one profile; nil without any.
    func presentLimitVersion(_ number: Int, _ meter: Int) -> UInt64? {
        guard termsIndex[number] >= 0, let own = terms[Int(termsIndex[number])] else { return nil }
        return KeyVersion.ofLimit(limit(number, meter), since: Timestamp(milliseconds: own.versionTime))
    }

    /// In the order in which they were made.
    private func collectSides(_ number: Int, all: Bool, into list: inout [Int32]) {
        var side = sideHeads[number]
        while side >= 0 {
            if all || sides[Int(side)].cell.isDirty { list.append(side) }
            side = sides[Int(side)].next
        }
        list.reverse()
    }

    private func writeSides(isFull: Bool, into out: inout StateWriter) {
        out.writer.put(count: out.sides.count)
        for side in out.sides {
            let record = sides[Int(side)]
            out.put(record, code: program.meters[Int(record.key.meter)], isFull: isFull)
        }
    }

    /// How many wait, the first one's number, and the events since the last delta or all.
    private func writeWaiting(_ number: Int, all: Bool, into out: inout StateWriter) {
        guard let events = waiting[number], let first = events.first else { return out.writer.put(count: 0) }
        out.writer.put(count: events.count)
        out.writer.put(first.sequence)
        let news = all ? events.rest : events.rest.drop { $0.sequence < written.waiting }
        out.writer.put(count: news.count)
        for event in news { out.put(event) }
    }
}
