internal import UpsellModel

/// Daily units of a meter and what was judged of them.
final class PaceState {
    var ring: DayRing
    /// First local day of the account's history.
    var firstDay: Int64
    /// The last local day that was judged after its close; `.min` for none.
    var closedDay = Int64.min
    /// Closed days in a row whose judgement was true; an event's judgement between them ends the row or leaves it.
    var row = 0
    /// Version of the limit that the row was judged under.
    var limitVersion: UInt64 = 0
    /// No event came since the last day was closed.
    var awaitsEvent = false
    /// Period and limit version that are spent.
    var spentEpisode = Int64.min
    var spentVersion: UInt64 = 0

    init(_ watch: SignalCode.Watch, firstDay: Int64) {
        ring = DayRing(length: watch.ringLength)
        self.firstDay = firstDay
    }

    func write(into out: inout StateWriter, isFull: Bool) {
        ring.write(into: &out, isFull: isFull)
        out.put(day: firstDay)
        out.put(optionalDay: closedDay == .min ? nil : closedDay)
        out.writer.put(count: row << 1 | (awaitsEvent ? 1 : 0))
        if row > 0 { out.writer.put(fixed64: limitVersion) }
        out.put(optional: spentEpisode == .min ? nil : spentEpisode)
        if spentEpisode > .min { out.writer.put(fixed64: spentVersion) }
    }

    init(from input: inout StateReader, _ watch: SignalCode.Watch) throws(BinaryCodingError) {
        ring = try DayRing(from: &input, length: watch.ringLength)
        firstDay = try input.day()
        closedDay = try input.optionalDay() ?? .min
        let bits = try input.reader.integer()
        guard bits < 1 << 32 else { throw input.malformed("\(bits >> 1) judgements") }
        row = bits >> 1
        awaitsEvent = bits & 1 == 1
        if row > 0 { limitVersion = try input.reader.fixed64() }
        spentEpisode = try input.optionalInstant() ?? .min
        if spentEpisode > .min { spentVersion = try input.reader.fixed64() }
    }
}

extension PartitionEngine {
    /// The first day of an account's history of a meter: that of the first event, or for an account that was there at the
    /// reload that brought the rule the first whole day after it.
    func firstDayOfHistory(_ account: Int, _ story: AccountStory, _ signal: Int, eventDay: Int64) -> Int64 {
        let adopted = program.signals[signal].adoptedAt
        guard adopted > .min, flags[account] & Self.reloadedFlag != 0 else { return eventDay }
        return zone(account).day(at: adopted).number + 1
    }

    mutating func observePace(
        _ account: Int, _ story: AccountStory, _ signal: Int, _ quantity: Int64, _ moment: Moment
    ) {
        guard !moment.isSnapshot else { return }
        let day = dayNumber(account, story, at: moment.time)
        var place = story.signals.place(signal)
        if place < 0 {
            let first = firstDayOfHistory(account, story, signal, eventDay: day)
            place = story.signals.insert(
                SignalEntry(
                    signal: signal, state: .pace(PaceState(program.signals[signal].watch, firstDay: first))))
        }
        guard case .pace(let state) = story.signals.entries[place].state else { return }
        story.signals.mark(place)
        state.ring.add(quantity, on: day)
        if day < state.firstDay, program.signals[signal].adoptedAt == .min { state.firstDay = day }
        if story.signals.entries[place].due == .max { story.signals.setDue(place, today(account, story).end) }
        if state.awaitsEvent {
            state.awaitsEvent = false
            if state.row > 0, projection(account, signal, state, story, at: clock.milliseconds) == nil { state.row = 0 }
        }
    }

    /// A local day has ended.
    mutating func closeDayOfPace(_ account: Int, _ signal: Int, _ place: Int, _ state: PaceState, _ moment: Moment) {
        let story = story(of: account)
        let today = zone(account).day(at: moment.time)
        guard case .pace(let signalOfPace) = program.signals[signal].signal else { return }
        story.signals.mark(place)
        let isUsed = state.ring.sum(today.number - Int64(signalOfPace.days), .max).active > 0
        story.signals.setDue(place, isUsed ? today.end : .max)
        // After a change of the time zone a day may end twice.
        guard today.number - 1 > state.closedDay else { return }
        state.closedDay = today.number - 1
        state.awaitsEvent = isUsed
        rollPeriods(account)
        guard let projection = projection(account, signal, state, story, at: moment.time) else {
            state.row = 0
            return
        }
        let meter = signalOfPace.meter.index
        let version = cells[account * meterCount + meter].limitVersion
        state.row = state.limitVersion == version ? Swift.min(state.row + 1, 1 << 16) : 1
        state.limitVersion = version
        let episode = periods[account * groupCount + program.meters[meter].group].identity
        guard state.row >= signalOfPace.judgements, state.spentEpisode != episode || state.spentVersion != version
        else { return }
        let isSameEpisode = state.spentEpisode == episode
        let lastEpisode = story.signals.entries[place].lastEpisode
        state.spentEpisode = episode
        state.spentVersion = version
        story.signals.noteEpisode(place, episode)
        guard speaks(signal, moment) else { return }
        var trigger = makeTrigger(
            account, signal, moment, meter: meter, limitVersion: version, episode: episode,
            threshold: signalOfPace.percent, lastEpisode: lastEpisode)
        if isSameEpisode { trigger.rearmed = .limitChanged }
        trigger.usage = usage(account, meter)
        trigger.projection = projection
        complete(&trigger, account)
        raise(Candidate(signal: signal, account: account, trigger: trigger))
    }

    /// Where usage is heading, if a judgement at `instant` is true; nil if it is not, or nothing can be said.
    ///
    /// rate = units of the last n complete local days ÷ n, n the days of the rule or of the history if it is shorter;
    /// a day counts 24 hours, whatever its length. Nothing can be said of a meter without a limit above 0, with too short
    /// a history or too few active days, one that came with a reload while the period ran, and after 100 %.
    func projection(
        _ account: Int, _ signal: Int, _ state: PaceState, _ story: AccountStory, at instant: Int64
    ) -> Trigger.Projection? {
        guard case .pace(let pace) = program.signals[signal].signal else { return nil }
        let meter = pace.meter.index
        let code = program.meters[meter]
        guard code.isPlain, case .of(let limit) = limit(account, meter), limit > 0 else { return nil }
        let period = periods[account * groupCount + code.group]
        guard !period.isNone, instant < period.end, period.start >= program.meterAdopted[meter] else { return nil }
        let used = cells[account * meterCount + meter].value
        guard used < limit else { return nil }
        let today = dayNumber(account, story, at: instant)
        let days = Swift.min(Int64(pace.days), today - state.firstDay)
        guard days >= Int64(pace.daysMin), days > 0 else { return nil }
        let (units, active) = state.ring.sum(today - days, today - 1)
        guard active >= pace.activeDaysMin, units > 0 else { return nil }
        // units / (days × day) a millisecond. Units of a ring are below 2⁷⁴, times below 2⁶¹: all fits 128 bits but for
        // amounts that no meter has, which give no projection.
        let span = Int128(days) * Int128(Int64.millisecondsPerDay)
        let (growth, overflow) = units.multipliedReportingOverflow(by: Int128(period.end - instant))
        guard !overflow else { return nil }
        let projected = Int128(used) + growth / span
        let (scaled, tooLarge) = projected.multipliedReportingOverflow(by: 10_000)
        guard !tooLarge, scaled >= Int128(pace.percent) * Int128(limit) else { return nil }
        let (missing, isFar) = (Int128(limit) - Int128(used)).multipliedReportingOverflow(by: span)
        guard !isFar else { return nil }
        let left = (missing + units - 1) / units
        guard left <= Int128(period.end - instant) - Int128(pace.lead) else { return nil }
        return Trigger.Projection(
            method: PaceSignal.method, ratePerDay: Int64(clamping: units / Int128(days)),
            projected: Int64(clamping: projected), exhaustion: Timestamp(milliseconds: instant + Int64(left)))
    }
}
