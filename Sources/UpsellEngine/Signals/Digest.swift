internal import UpsellModel

/// What was used since the last slot.
final class DigestState {
    /// Local day of the next slot; `.min` until the clock begins.
    var nextDay = Int64.min
    /// The last slot, else when the account was first seen.
    var from = Int64.min
    var tally: FeatureTally
    /// By position in the rule's meters: units of `count` and `sum` meters.
    var units: ContiguousArray<Int64>

    init(_ watch: SignalCode.Watch) {
        tally = FeatureTally(watch.usageFeatures)
        units = ContiguousArray(repeating: 0, count: watch.meters.count)
    }

    var isUsed: Bool { tally.isUsed || units.contains { $0 != 0 } }

    func reset() {
        tally.reset()
        for index in units.indices { units[index] = 0 }
    }

    func write(into out: inout StateWriter, _ watch: SignalCode.Watch) {
        out.put(optionalDay: nextDay == .min ? nil : nextDay)
        out.put(optional: from == .min ? nil : from)
        tally.write(into: &out, watch.usageFeatures)
        for amount in units { out.writer.put(signed: amount) }
    }

    init(from input: inout StateReader, _ watch: SignalCode.Watch) throws(BinaryCodingError) {
        nextDay = try input.optionalDay() ?? .min
        from = try input.optionalInstant() ?? .min
        tally = try FeatureTally(from: &input, watch.usageFeatures)
        units = []
        for _ in watch.meters { units.append(try input.reader.signed()) }
    }
}

extension Meter.Reset.Unit {
    /// The last day up to `day` that a slot lies on: Mondays, the 1st, 1 January.
    func slotDay(upTo day: Int64) -> Int64 {
        let civil = CivilDate(day: day)
        return switch self {
        case .day: day
        // 1970-01-01 was a Thursday.
        case .week: day - (day + 3 - (day + 3).flooredDivision(by: 7) * 7)
        case .month: CivilDate(year: civil.year, month: civil.month, day: 1).dayNumber
        case .year: CivilDate(year: civil.year, month: 1, day: 1).dayNumber
        }
    }

    /// The first slot day after one.
    func slotDay(after day: Int64) -> Int64 {
        let civil = CivilDate(day: slotDay(upTo: day))
        return switch self {
        case .day: day + 1
        case .week: slotDay(upTo: day) + 7
        case .month:
            CivilDate(
                year: civil.month == 12 ? civil.year + 1 : civil.year, month: civil.month % 12 + 1, day: 1
            ).dayNumber
        case .year: CivilDate(year: civil.year + 1, month: 1, day: 1).dayNumber
        }
    }
}

extension PartitionEngine {
    /// The nominal instant of a slot, by which its trigger is known.
    private func slot(_ account: Int, _ digest: DigestSignal, _ day: Int64) -> Int64 {
        let local = day * .millisecondsPerDay + Int64(digest.minuteOfDay) * .millisecondsPerMinute
        return zone(account).instant(ofLocal: local).milliseconds
    }

    /// Slots of all accounts are spread over an hour by hash.
    private func spread(_ account: Int) -> Int64 {
        Int64(accounts.hash(of: account) % UInt64(Int64.millisecondsPerHour))
    }

    /// An account was first seen, or a reload brought the rule.
    ///
    /// - Returns: its entry's place.
    @discardableResult
    mutating func beginDigest(_ account: Int, _ signal: Int) -> Int {
        let story = story(of: account)
        let known = story.signals.place(signal)
        guard known < 0 else { return known }
        let state = DigestState(program.signals[signal].watch)
        let place = story.signals.insert(SignalEntry(signal: signal, state: .digest(state)))
        if clock == .earliest {
            story.signals.setDue(place, Timestamp.earliest.milliseconds)
        } else {
            beginSlots(account, signal, place, state, at: clock.milliseconds)
        }
        return place
    }

    private mutating func beginSlots(
        _ account: Int, _ signal: Int, _ place: Int, _ state: DigestState, at now: Int64
    ) {
        guard case .digest(let digest) = program.signals[signal].signal else { return }
        let story = story(of: account)
        state.from = now
        state.nextDay = digest.every.slotDay(after: zone(account).day(at: now).number - 1)
        if slot(account, digest, state.nextDay) + spread(account) <= now {
            state.nextDay = digest.every.slotDay(after: state.nextDay)
        }
        story.signals.setDue(place, slot(account, digest, state.nextDay) + spread(account))
    }

    /// The account has another time zone: the slot stays on its day.
    mutating func followZone(ofDigest signal: Int, _ account: Int, _ place: Int, _ state: DigestState) {
        guard case .digest(let digest) = program.signals[signal].signal, state.nextDay > .min else { return }
        let story = story(of: account)
        story.signals.setDue(place, slot(account, digest, state.nextDay) + spread(account))
    }

    mutating func observeDigest(
        _ account: Int, _ story: AccountStory, _ signal: Int, stream: Int, _ quantity: Int64, feature: UInt64,
        name: borrowing RawSpan,
        isUse: Bool, _ moment: Moment
    ) {
        guard !moment.isSnapshot else { return }
        let known = story.signals.place(signal)
        let place = known >= 0 ? known : beginDigest(account, signal)
        guard case .digest(let state) = story.signals.entries[place].state else { return }
        if isUse, stream == program.signals[signal].watch.usageStream,
            let position = state.tally.position(feature, program.signals[signal].watch.usageFeatures, name: name)
        {
            state.tally.add(at: position)
            story.signals.mark(place)
        }
        guard stream < meterCount, program.meters[stream].isSummed,
            let position = program.signals[signal].watch.meters.firstIndex(of: stream)
        else { return }
        let (sum, overflow) = state.units[position].addingReportingOverflow(quantity)
        state.units[position] = overflow ? (quantity > 0 ? .max : .min) : sum
        story.signals.mark(place)
    }

    /// A slot has come. Of several that were missed only the latest is told, at its own instant.
    mutating func runDigest(_ account: Int, _ signal: Int, _ place: Int, _ state: DigestState, _ moment: Moment) {
        guard case .digest(let digest) = program.signals[signal].signal else { return }
        let story = story(of: account)
        story.signals.mark(place)
        if state.nextDay == .min { return beginSlots(account, signal, place, state, at: runTarget) }
        var latest = digest.every.slotDay(upTo: zone(account).day(at: runTarget).number)
        if slot(account, digest, latest) + spread(account) > runTarget {
            latest = digest.every.slotDay(upTo: latest - 1)
        }
        if latest > state.nextDay {
            state.nextDay = latest
            return story.signals.setDue(place, slot(account, digest, latest) + spread(account))
        }
        let nominal = slot(account, digest, state.nextDay)
        state.nextDay = digest.every.slotDay(after: state.nextDay)
        story.signals.setDue(place, slot(account, digest, state.nextDay) + spread(account))
        fireDigest(account, signal, state, nominal: nominal, moment)
        state.from = moment.time
        state.reset()
    }

    /// An empty digest is none; it is not even counted as spent.
    private mutating func fireDigest(
        _ account: Int, _ signal: Int, _ state: DigestState, nominal: Int64, _ moment: Moment
    ) {
        let story = story(of: account)
        let place = story.signals.place(signal)
        let isSilent = moment.silent || clock.milliseconds < program.signals[signal].goLive
        let merged = isSilent ? [] : takeMerged(account)
        guard state.isUsed || !merged.isEmpty, place >= 0 else { return }
        let lastEpisode = story.signals.entries[place].lastEpisode
        let episode = Swift.max(nominal, lastEpisode == .min ? .min : lastEpisode + 1)
        story.signals.noteEpisode(place, episode)
        guard speaks(signal, moment) else { return }
        let watch = program.signals[signal].watch
        var trigger = makeTrigger(account, signal, moment, episode: episode, lastEpisode: lastEpisode)
        var activity = Trigger.Activity()
        activity.window = Trigger.Span(
            start: Timestamp(milliseconds: state.from), end: Timestamp(milliseconds: moment.time))
        if watch.usageStream >= 0 {
            activity.source = program.streamName(watch.usageStream)
            (activity.used, activity.unused) = state.tally.told(
                watch.usageFeatures, source: program.streamName(watch.usageStream), uses: state.tally.uses)
        }
        for (meter, units) in zip(watch.meters, state.units) where units != 0 {
            activity.used.append(Trigger.FeatureUse(feature: program.streamName(meter), uses: units))
        }
        activity.merged = merged
        trigger.activity = activity
        if let meter = watch.meters.first { trigger.usage = usage(account, meter) }
        complete(&trigger, account)
        raise(Candidate(signal: signal, account: account, trigger: trigger))
    }
}
