internal import UpsellModel

extension StateRow {
    mutating func read(
        _ input: inout StateReader, _ program: Program, zones: inout ZoneCache
    ) throws(BinaryCodingError) {
        self = StateRow(reusing: self)
        let head = try input.reader.unsigned()
        let meterCount = program.meters.count
        try readMeters(head >> 1, from: 0, meterCount, &input)
        var word = StateFormat.wordMeters
        while word < meterCount {
            try readMeters(input.reader.unsigned(), from: word, meterCount, &input)
            word += StateFormat.wordMeters
        }
        if head & 1 != 0 {
            facets = StateFacets(rawValue: try input.reader.unsigned())
            guard facets.isSubset(of: .all) else { throw input.malformed("facets \(facets.rawValue)") }
        }
        if facets.contains(.key) { key = try readKey(&input) }
        for index in cells.indices { try readCell(index, &input) }
        guard facets.rawValue >= StateFacets.periods.rawValue else { return }
        if facets.contains(.periods) { try readPeriods(program.resets.count, &input) }
        if facets.contains(.terms) { terms = try input.terms(meterCount: meterCount, &zones) }
        if facets.contains(.limits) { try readLimits(meterCount, &input) }
        if facets.contains(.sides) {
            for _ in 0..<(try input.reader.count()) { sides.append(try input.side(program)) }
        }
        if facets.contains(.waiting) { try readWaiting(meterCount + program.catalogue.behaviours.count, &input) }
        if facets.contains(.profile) {
            guard terms != nil else { throw input.malformed("facts of a profile without the profile") }
            terms?.facts = try input.profileFacts()
        }
        if facets.contains(.signals) { signals = try SignalStates(from: &input, program) }
        if facets.contains(.dealings) { dealings = try Dealings(from: &input, program) }
    }

    /// Empty, with the arrays of a row that was used.
    private init(reusing row: consuming StateRow) {
        self = row
        facets = []
        cells.removeAll(keepingCapacity: true)
        flags = 0
        periods.removeAll(keepingCapacity: true)
        terms = nil
        limits.removeAll(keepingCapacity: true)
        sides.removeAll(keepingCapacity: true)
        waitingCount = 0
        waiting.removeAll(keepingCapacity: true)
        signals = nil
        dealings = nil
    }

    private mutating func readMeters(
        _ bits: UInt64, from word: Int, _ meterCount: Int, _ input: inout StateReader
    ) throws(BinaryCodingError) {
        var rest = bits
        while rest != 0 {
            let meter = word + rest.trailingZeroBitCount
            guard meter < meterCount, meter < word + StateFormat.wordMeters else {
                throw input.malformed("meter \(meter) of \(meterCount)")
            }
            cells.append(CellImage(meter: meter, value: 0))
            rest &= rest - 1
        }
    }

    private func readKey(_ input: inout StateReader) throws(BinaryCodingError) -> ArraySlice<UInt8> {
        let key = try input.reader.run()
        guard !key.isEmpty, key.count < AccountTable.keyMax else {
            throw input.malformed("account id of \(key.count) bytes")
        }
        return key
    }

    private mutating func readCell(_ index: Int, _ input: inout StateReader) throws(BinaryCodingError) {
        if facets.contains(.signed) {
            cells[index].value = try input.reader.signed()
        } else {
            guard let value = Int64(exactly: try input.reader.unsigned()) else {
                throw input.malformed("usage over 63 bits")
            }
            cells[index].value = value
        }
        guard facets.contains(.spent) else { return }
        cells[index].spent = try input.spent(isTouched: nil)
    }

    private mutating func readPeriods(_ groupCount: Int, _ input: inout StateReader) throws(BinaryCodingError) {
        let value = try input.reader.unsigned()
        guard let flags = UInt32(exactly: value), flags & PartitionEngine.marks == 0 else {
            throw input.malformed("account flags \(value)")
        }
        self.flags = flags
        for _ in 0..<groupCount { periods.append((try input.period(), try input.period())) }
    }

    private mutating func readLimits(_ meterCount: Int, _ input: inout StateReader) throws(BinaryCodingError) {
        for word in stride(from: 0, to: meterCount, by: StateFormat.wordMeters) {
            let own = try input.reader.unsigned()
            let other = own == 0 ? 0 : try input.reader.unsigned()
            let count = Swift.min(StateFormat.wordMeters, meterCount - word)
            guard own >> UInt64(count) == 0, other & ~own == 0 else { throw input.malformed("limit versions \(own)") }
            for meter in 0..<count {
                let bit: UInt64 = 1 << UInt64(meter)
                if own & bit == 0 {
                    limits.append(.ofDefault)
                } else {
                    limits.append(other & bit == 0 ? .present : .other(try input.reader.fixed64()))
                }
            }
        }
    }

    private mutating func readWaiting(_ meterCount: Int, _ input: inout StateReader) throws(BinaryCodingError) {
        waitingCount = try input.reader.integer()
        guard waitingCount > 0 else { return }
        waitingFirst = try input.reader.unsigned()
        for _ in 0..<(try input.reader.count()) {
            let event = try input.waitingEvent(meterCount: meterCount)
            guard event.sequence >= waiting.last.map({ $0.sequence + 1 }) ?? waitingFirst else {
                throw input.malformed("waiting event \(event.sequence) out of turn")
            }
            waiting.append(event)
        }
    }
}

/// Time-zone tables by name, each asked for once.
struct ZoneCache {
    let table: @Sendable (String) -> TimeZoneTable?
    private var known: [String: TimeZoneTable?] = [:]

    init(_ table: @escaping @Sendable (String) -> TimeZoneTable?) { self.table = table }

    subscript(name: String) -> TimeZoneTable? {
        mutating get {
            if let known = known[name] { return known }
            let found = table(name)
            known[name] = .some(found)
            return found
        }
    }
}
