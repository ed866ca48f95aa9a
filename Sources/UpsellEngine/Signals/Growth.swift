internal import UpsellModel

/// Daily units of a meter over two windows.
final class GrowthState {
    var ring: DayRing
    /// First local day of the account's history.
    var firstDay: Int64
    /// The last local day that was judged after its close; `.min` for none.
    var closedDay = Int64.min
    /// First day that a window may begin with: windows of two triggers do not overlap.
    var quietUntil = Int64.min

    init(_ watch: SignalCode.Watch, firstDay: Int64) {
        ring = DayRing(length: watch.ringLength)
        self.firstDay = firstDay
    }

    func write(into out: inout StateWriter, isFull: Bool) {
        ring.write(into: &out, isFull: isFull)
        out.put(day: firstDay)
        out.put(optionalDay: closedDay == .min ? nil : closedDay)
        out.put(optionalDay: quietUntil == .min ? nil : quietUntil)
    }

    init(from input: inout StateReader, _ watch: SignalCode.Watch) throws(BinaryCodingError) {
        ring = try DayRing(from: &input, length: watch.ringLength)
        firstDay = try input.day()
        closedDay = try input.optionalDay() ?? .min
        quietUntil = try input.optionalDay() ?? .min
    }
}

extension PartitionEngine {
    mutating func observeGrowth(
        _ account: Int, _ story: AccountStory, _ signal: Int, _ quantity: Int64, _ moment: Moment
    ) {
        guard !moment.isSnapshot else { return }
        let day = dayNumber(account, story, at: moment.time)
        var place = story.signals.place(signal)
        if place < 0 {
            let first = firstDayOfHistory(account, story, signal, eventDay: day)
            place = story.signals.insert(
                SignalEntry(
                    signal: signal, state: .growth(GrowthState(program.signals[signal].watch, firstDay: first))))
        }
        guard case .growth(let state) = story.signals.entries[place].state else { return }
        story.signals.mark(place)
        state.ring.add(quantity, on: day)
        if day < state.firstDay, program.signals[signal].adoptedAt == .min { state.firstDay = day }
        if story.signals.entries[place].due == .max { story.signals.setDue(place, today(account, story).end) }
    }

    mutating func closeDayOfGrowth(
        _ account: Int, _ signal: Int, _ place: Int, _ state: GrowthState, _ moment: Moment
    ) {
        guard case .growth(let growth) = program.signals[signal].signal else { return }
        let story = story(of: account)
        let today = zone(account).day(at: moment.time)
        let days = Int64(growth.windowDays)
        story.signals.mark(place)
        // Once the newer window is empty nothing can have grown until the next event.
        let isUsed = state.ring.sum(today.number - days, .max).active > 0
        story.signals.setDue(place, isUsed ? today.end : .max)
        guard today.number - 1 > state.closedDay else { return }
        state.closedDay = today.number - 1
        let first = today.number - days
        guard first >= state.quietUntil, let (before, units) = growthNow(account, signal, state, today.number) else {
            return
        }
        state.quietUntil = today.number
        let lastEpisode = story.signals.entries[place].lastEpisode
        let episode = Swift.max(zone(account).midnight(first), lastEpisode == .min ? .min : lastEpisode + 1)
        story.signals.noteEpisode(place, episode)
        guard speaks(signal, moment) else { return }
        let meter = growth.meter.index
        var trigger = makeTrigger(
            account, signal, moment, meter: meter, episode: episode, lastEpisode: lastEpisode)
        trigger.usage = usage(account, meter, previous: before, current: units)
        var activity = Trigger.Activity()
        activity.window = Trigger.Span(
            start: Timestamp(milliseconds: zone(account).midnight(first)), end: Timestamp(milliseconds: today.start))
        trigger.activity = activity
        complete(&trigger, account)
        raise(Candidate(signal: signal, account: account, trigger: trigger))
    }

    /// Units of the last complete days and of as many before them, where they grew as the rule says.
    ///
    /// Growth from nothing has no percentage and is none. A meter that came with a reload is not judged before a period of
    /// it began.
    func growthNow(_ account: Int, _ signal: Int, _ state: GrowthState, _ today: Int64) -> (Int64, Int64)? {
        guard case .growth(let growth) = program.signals[signal].signal else { return nil }
        let meter = growth.meter.index
        let group = program.meters[meter].group
        let days = Int64(growth.windowDays)
        guard today - 2 * days >= state.firstDay else { return nil }
        if group >= 0, program.meterAdopted[meter] > .min {
            let period = periods[account * groupCount + group]
            guard !period.isNone, period.start >= program.meterAdopted[meter] else { return nil }
        }
        let before = state.ring.sum(today - 2 * days, today - days - 1).total
        let units = state.ring.sum(today - days, today - 1).total
        guard before > 0, units >= Int128(growth.floor) else { return nil }
        let (scaled, tooLarge) = units.multipliedReportingOverflow(by: 10_000)
        let (bound, boundTooLarge) = before.multipliedReportingOverflow(by: 10_000 + Int128(growth.percent))
        guard !tooLarge, !boundTooLarge, scaled >= bound else { return nil }
        return (Int64(clamping: before), Int64(clamping: units))
    }
}
