internal import UpsellModel

extension StateReader {
    /// - Parameter isTouched: where the bit lies elsewhere; nil where it is the lowest.
    mutating func spent(isTouched: Bool?) throws(BinaryCodingError) -> UInt64 {
        let value = try reader.unsigned()
        let thresholds = isTouched == nil ? value >> 1 : value
        guard thresholds < Cell.dirty else { throw malformed("spent thresholds beyond \(Program.thresholdsMax)") }
        return thresholds | (isTouched ?? (value & 1 == 1) ? Cell.touched : 0)
    }

    // MARK: Side records

    mutating func side(_ program: Program) throws(BinaryCodingError) -> StateRow.SideImage {
        let facets = SideFacets(rawValue: try reader.byte())
        var image = StateRow.SideImage()
        image.meter = try reader.integer()
        guard facets.isSubset(of: .all), image.meter < program.meters.count else {
            throw malformed("side record of meter \(image.meter), facets \(facets.rawValue)")
        }
        let code = program.meters[image.meter]
        image.era = facets.contains(.previous) ? .previous : .current
        guard image.era == .current || code.kind == .period else { throw malformed("closed period of another window") }
        if facets.contains(.dimension) {
            image.name = try text()
            guard code.hasDimension, !image.name.isEmpty else { throw malformed("dimension of meter \(image.meter)") }
        }
        image.cell.value = try reader.signed()
        image.cell.spent = try spent(isTouched: facets.contains(.touched))
        if facets.contains(.latest) { image.latestTime = try instant() }
        if facets.contains(.members) {
            for _ in 0..<(try reader.count()) { image.members.append(try reader.fixed64()) }
        }
        if facets.contains(.rolling) {
            guard code.kind == .rolling else { throw malformed("buckets of another window") }
            image.rolling = try rolling(span: code.span)
        }
        if facets.contains(.episodes) {
            let count = try reader.count()
            guard count <= Program.thresholdsMax else { throw malformed("\(count) episodes") }
            for _ in 0..<count { image.episodes.append(try check(reader.signed())) }
        }
        return image
    }

    private mutating func rolling(span: Int64) throws(BinaryCodingError) -> StateRow.RollingImage {
        let first = try hour(clock / .millisecondsPerHour, reader.signed())
        var image = StateRow.RollingImage(first: first, from: try hour(first, Int64(reader.integer())))
        var next = image.from
        for _ in 0..<(try reader.count()) {
            let hour = try hour(next, Int64(reader.integer()))
            image.buckets.append((hour, try reader.signed()))
            next = hour + 1
        }
        if try reader.flag() {
            image.scheduled = PartitionEngine.bucketExpiry(first, span)
        } else {
            image.scheduled = try optionalInstant() ?? .max
        }
        for _ in 0..<(try reader.count()) {
            image.members.append((try reader.fixed64(), try hour(first, Int64(reader.integer()))))
        }
        return image
    }

    private func hour(_ base: Int64, _ distance: Int64) throws(BinaryCodingError) -> Int64 {
        let hour = base &+ distance
        guard hour.magnitude <= UInt64(StateFormat.instantMax / .millisecondsPerHour) else {
            throw malformed("hour \(hour)")
        }
        return hour
    }

    // MARK: Profiles

    mutating func terms(meterCount: Int, _ zones: inout ZoneCache) throws(BinaryCodingError) -> Terms {
        var profile = Profile(plan: try text(), time: Timestamp(milliseconds: 0))
        let status = try text()
        guard let known = Profile.Status(rawValue: status) else { throw malformed("status \(status)") }
        profile.status = known
        if try reader.flag() {
            profile.period = Profile.PeriodBounds(
                start: try optionalTimestamp(), end: try optionalTimestamp(), anchor: try optionalTimestamp())
        }
        if let name = try optionalText() {
            guard let zone = zones[name] else { throw malformed("time zone \(name), which is not known here") }
            profile.timeZone = zone
        }
        for _ in 0..<(try reader.count()) {
            profile.addOns.append(
                Profile.Holding(addOn: try text(), quantity: try reader.signed(), until: try optionalTimestamp()))
        }
        for _ in 0..<(try reader.count()) {
            profile.overrides.append(Profile.Override(meter: try text(), limit: try optionalText()))
        }
        profile.pendingPlan = try optionalText()
        profile.effectiveAt = try optionalTimestamp()
        profile.time = Timestamp(milliseconds: try instant())
        profile.resetUsage = try reader.flag()
        var terms = Terms(profile, clock: 0)
        terms.scheduled = try optionalInstant() ?? .max
        let changes = try reader.count()
        guard changes == 0 || changes == meterCount else { throw malformed("limit changes of \(changes) meters") }
        for _ in 0..<changes { terms.limitChanges.append(try optionalInstant() ?? .min) }
        terms.versionTime = try check(profile.time.milliseconds &+ reader.signed())
        terms.limitsAt = try instant()
        return terms
    }

    mutating func profileFacts() throws(BinaryCodingError) -> ProfileFacts {
        var facts = ProfileFacts()
        facts.mrr = try optionalSigned()
        facts.currency = try optionalText()
        if let interval = try optionalText() {
            guard let known = Price.Interval(rawValue: interval) else { throw malformed("interval \(interval)") }
            facts.interval = known
        }
        facts.since = try optionalTimestamp()
        facts.firstPurchase = try optionalTimestamp()
        facts.locale = try optionalText()
        if try reader.flag() {
            facts.trial = Profile.Trial(
                plan: try optionalText(), start: try optionalTimestamp(), end: try optionalTimestamp())
        }
        facts.cancelAtPeriodEnd = try reader.flag()
        facts.parent = try optionalText()
        facts.owner = try optionalText()
        facts.optOut = try listOfTexts()
        for _ in 0..<(try reader.count()) {
            facts.attributes.append(
                Profile.Attribute(name: try text(), json: try text(), texts: try listOfTexts()))
        }
        facts.shareable = try listOfTexts()
        return facts
    }

    mutating func optionalSigned() throws(BinaryCodingError) -> Int64? { try reader.flag() ? reader.signed() : nil }

    mutating func listOfTexts() throws(BinaryCodingError) -> [String] {
        var texts: [String] = []
        for _ in 0..<(try reader.count()) { texts.append(try text()) }
        return texts
    }

    mutating func optionalTimestamp() throws(BinaryCodingError) -> Timestamp? {
        guard let instant = try optionalInstant() else { return nil }
        return Timestamp(milliseconds: instant)
    }

    // MARK: Waiting room

    mutating func waitingEvent(meterCount: Int) throws(BinaryCodingError) -> WaitingEvent {
        let sequence = try reader.unsigned()
        guard sequence < 1 << 62 else { throw malformed("waiting event \(sequence)") }
        let time = try instant()
        let until = try instant()
        let flags = UsageEvent.Flags(rawValue: try reader.byte())
        let mode: FiringMode = try reader.flag() ? .silent : .live
        let input = InputID(rawValue: try reader.byte())
        let coordinates = InputCoordinates(input: input, offset: try reader.signed())
        var readings: [WaitingReading] = []
        for _ in 0..<(try reader.count()) {
            let meter = try reader.integer()
            guard meter < meterCount else { throw malformed("reading of meter \(meter)") }
            readings.append(
                WaitingReading(meter: meter, quantity: try reader.signed(), dimension: try optionalText()))
        }
        return WaitingEvent(
            sequence: sequence, time: time, until: until, flags: flags, mode: mode, coordinates: coordinates,
            readings: readings)
    }
}
