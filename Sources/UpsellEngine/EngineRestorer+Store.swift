internal import UpsellModel

extension EngineRestorer {
    /// Puts the row that was read into the engine.
    mutating func store(_ number: Int, _ input: inout StateReader) throws(BinaryCodingError) {
        if row.facets.contains(.key) {
            try add(number, &input)
        } else {
            guard number < engine.accounts.numbers, engine.accounts.isInUse(number) else {
                throw input.malformed("change of account \(number), which is not there")
            }
        }
        let first = number * engine.meterCount
        for image in row.cells {
            let before = engine.cells[first + image.meter].spentThresholds
            engine.cells[first + image.meter].value = image.value
            engine.cells[first + image.meter].spent = image.spent ?? before | Cell.touched
        }
        guard row.facets.rawValue >= StateFacets.periods.rawValue else { return }
        if row.facets.contains(.periods) { storePeriods(number) }
        if let terms = row.terms {
            engine.put(terms, number)
            // A profile has what waited for it counted.
            engine.waiting[number] = nil
        }
        if row.facets.contains(.limits) { storeLimits(number) }
        if row.facets.contains(.rest) {
            engine.removeSides(of: number) { _ in true }
            engine.waiting[number] = nil
        }
        for index in row.sides.indices { store(number, row.sides[index]) }
        if row.facets.contains(.waiting) { try storeWaiting(number, &input) }
        if let signals = row.signals, !engine.story(of: number).signals.take(signals) {
            throw input.malformed("a part of a state of account \(number) that is not there")
        }
        if let dealings = row.dealings { engine.story(of: number).dealings = dealings }
    }

    private mutating func add(_ number: Int, _ input: inout StateReader) throws(BinaryCodingError) {
        if number < engine.accounts.numbers, engine.accounts.isInUse(number) {
            throw input.malformed("account number \(number) twice")
        }
        guard engine.addRestored(row.key, as: number) else {
            throw input.malformed("account \(number) has another number")
        }
    }

    private mutating func storePeriods(_ number: Int) {
        engine.flags[number] = engine.flags[number] & PartitionEngine.marks | row.flags
        for (group, image) in row.periods.enumerated() {
            let index = number * engine.groupCount + group
            engine.periods[index] = image.running
            engine.previousPeriods[index] =
                image.closed.isNone ? nil : PreviousPeriod(period: image.closed, scheduled: .max)
        }
    }

    private mutating func storeLimits(_ number: Int) {
        for (meter, image) in row.limits.enumerated() {
            let version: UInt64
            switch image {
            case .other(let hash): version = hash
            case .present:
                version = engine.presentLimitVersion(number, meter) ?? engine.program.defaultCells[meter].limitVersion
            case .ofDefault: version = engine.program.defaultCells[meter].limitVersion
            }
            engine.cells[number * engine.meterCount + meter].limitVersion = version
        }
    }

    private mutating func store(_ number: Int, _ image: StateRow.SideImage) {
        let key = engine.sideKey(number, image.meter, era: image.era, dimension: image.dimension)
        let side = Int(engine.sideIndex[key] ?? engine.addSide(key))
        engine.sides[side].cell = image.cell
        let code = engine.program.meters[image.meter]
        guard image.hasExtra else {
            engine.sides[side].extra?.rolling = nil
            return
        }
        let extra = engine.sides[side].extra ?? CounterExtra()
        engine.sides[side].extra = extra
        extra.name = image.name
        if let time = image.latestTime { extra.latestTime = time }
        extra.members.formUnion(image.members)
        if !image.episodes.isEmpty { extra.episodes = image.episodes }
        extra.rolling = image.rolling.map { (extra.rolling ?? RollingBuckets()).applying($0, code) }
    }

    private mutating func storeWaiting(_ number: Int, _ input: inout StateReader) throws(BinaryCodingError) {
        var events = FIFO<WaitingEvent>()
        var last: UInt64?
        for event in (engine.waiting[number]?.rest ?? []) + row.waiting where event.sequence >= row.waitingFirst {
            guard last.map({ $0 < event.sequence }) ?? true else { continue }
            events.append(event)
            last = event.sequence
        }
        guard events.count == row.waitingCount else {
            throw input.malformed("\(events.count) events wait, \(row.waitingCount) expected")
        }
        engine.waiting[number] = events.count > 0 ? events : nil
    }
}

extension RollingBuckets {
    /// These buckets after a change: what lies before the first or from the first told on is replaced.
    func applying(_ image: StateRow.RollingImage, _ code: MeterCode) -> RollingBuckets {
        var after = self
        after.buckets.removeAll { $0.hour < image.first || $0.hour >= image.from }
        after.buckets.append(contentsOf: image.buckets)
        after.total = 0
        if code.aggregation != .max { after.total = after.buckets.reduce(0) { $0 + Int128($1.value) } }
        after.scheduled = image.scheduled
        if !after.members.isEmpty { after.members = after.members.filter { $0.value >= image.first } }
        for (member, hour) in image.members { after.members[member] = hour }
        return after
    }
}
