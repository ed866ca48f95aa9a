internal import UpsellModel

extension EngineRestorer {
    mutating func read(delta reader: inout BinaryReader) throws(BinaryCodingError) {
        let isComplete = try reader.flag()
        let clock = try readClock(&reader)
        let lag = try reader.signed()
        guard (0...StateFormat.instantMax).contains(lag) else { throw .malformed(at: reader.position, "lag \(lag)") }
        let waitingNext = try reader.unsigned()
        guard waitingNext < 1 << 62 else { throw .malformed(at: reader.position, "waiting events \(waitingNext)") }
        var input = StateReader(reader, clock: clock)
        engine.clock = clock
        engine.lag = lag
        engine.waitingNext = waitingNext
        if isComplete {
            try readPartition(&input)
            for index in 0..<slices { clear(index) }
            based = Array(repeating: true, count: slices)
            try readRows(0, of: 1, isSlice: true, &input)
            try identities.readPart(0, of: 1, &input)
        } else {
            try readErased(&input)
            try readRows(0, of: 1, isSlice: false, &input)
            try identities.readDelta(&input)
        }
        if !input.reader.isAtEnd { try readExtension(&input) }
        reader = input.reader
    }

    mutating func read(slice index: Int, _ reader: inout BinaryReader) throws(BinaryCodingError) {
        let start = reader.position
        let own = try reader.integer()
        let count = try reader.integer()
        guard own == index, count == slices, own < count else {
            throw .malformed(at: start, "slice \(own) of \(count), \(index) of \(slices) expected")
        }
        let clock = try readClock(&reader)
        var input = StateReader(reader, clock: clock)
        engine.clock = clock
        if index == 0 { try readPartition(&input) }
        let before = mergesSlices ? values(index) : [:]
        clear(index)
        based[index] = true
        try readRows(index, of: slices, isSlice: true, &input)
        for (position, value) in before where position < engine.cells.count { engine.cells[position].value += value }
        try identities.readPart(index, of: slices, &input)
        if index == 0, !input.reader.isAtEnd { try readExtension(&input) }
        reader = input.reader
    }

    private func readClock(_ reader: inout BinaryReader) throws(BinaryCodingError) -> Timestamp {
        let start = reader.position
        let clock = Timestamp(milliseconds: try reader.signed())
        guard (Timestamp.earliest...Timestamp.latest).contains(clock) else {
            throw .malformed(at: start, "clock \(clock.milliseconds)")
        }
        return clock
    }

    private mutating func readPartition(_ input: inout StateReader) throws(BinaryCodingError) {
        // What an extension would say, if there were one.
        engine.safety = RuleSafety()
        engine.program.noteAdoption(ofSignalsAt: engine.program.signals.map { _ in .min })
        engine.program.noteAdoption(ofMetersAt: engine.program.meters.map { _ in .min })
        engine.lastReload = try input.optionalInstant() ?? .min
        let count = try input.reader.count()
        guard count == engine.program.rules.count else {
            throw input.malformed("\(count) rules, \(engine.program.rules.count) expected")
        }
        var adopted: [Int64] = []
        for _ in 0..<count { adopted.append(try input.optionalInstant() ?? .min) }
        engine.program.noteAdoption(at: adopted)
    }

    private mutating func readExtension(_ input: inout StateReader) throws(BinaryCodingError) {
        let count = try input.reader.count()
        guard count == engine.program.signals.count else {
            throw input.malformed("\(count) signals, \(engine.program.signals.count) expected")
        }
        var adopted: [Int64] = []
        for _ in 0..<count { adopted.append(try input.optionalInstant() ?? .min) }
        engine.program.noteAdoption(ofSignalsAt: adopted)
        adopted.removeAll()
        for _ in 0..<engine.meterCount { adopted.append(try input.optionalInstant() ?? .min) }
        engine.program.noteAdoption(ofMetersAt: adopted)
        engine.safety = try RuleSafety(from: &input, engine.program)
    }

    private mutating func readErased(_ input: inout StateReader) throws(BinaryCodingError) {
        var next = 0
        for _ in 0..<(try input.reader.count()) {
            let number = try number(next, &input)
            next = number + 1
            // Those that came and went between two deltas were never written.
            if based[number % slices], number < engine.accounts.numbers, engine.accounts.isInUse(number) {
                engine.erase(number)
            }
        }
    }

    private mutating func readRows(
        _ index: Int, of count: Int, isSlice: Bool, _ input: inout StateReader
    ) throws(BinaryCodingError) {
        var next = 0
        for _ in 0..<(try input.reader.count()) {
            let position = try number(next, &input)
            next = position + 1
            let number = position * count + index
            guard number < numbersMax else { throw input.malformed("account number \(number)") }
            try row.read(&input, engine.program, zones: &zones)
            guard !isSlice || row.facets.contains(.key) else { throw input.malformed("account without id") }
            if based[number % slices] { try store(number, &input) }
        }
    }

    /// The next number of an ascending list.
    private func number(_ least: Int, _ input: inout StateReader) throws(BinaryCodingError) -> Int {
        let gap = try input.reader.integer()
        guard gap < numbersMax - least else { throw input.malformed("account number \(least) + \(gap)") }
        return least + gap
    }

    /// Counters of a class by their position.
    private func values(_ index: Int) -> [Int: Int64] {
        var values: [Int: Int64] = [:]
        for number in stride(from: index, to: engine.accounts.numbers, by: slices) {
            for position in number * engine.meterCount..<(number + 1) * engine.meterCount {
                values[position] = engine.cells[position].value
            }
        }
        return values
    }

    /// Erases the accounts of a class.
    private mutating func clear(_ index: Int) {
        for number in stride(from: index, to: engine.accounts.numbers, by: slices)
        where engine.accounts.isInUse(number) {
            engine.erase(number)
        }
    }
}
