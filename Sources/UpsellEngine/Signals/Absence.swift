internal import UpsellModel

/// When something last happened.
final class AbsenceState {
    /// The last occurrence, else when the account was first seen; `.min`: seen before the clock began.
    var last: Int64
    /// Its absence has fired or was spent.
    var isSpent = false

    init(last: Int64) { self.last = last }

    func write(into out: inout StateWriter) {
        out.put(optional: last == .min ? nil : last)
        out.writer.put(isSpent)
    }

    init(from input: inout StateReader) throws(BinaryCodingError) {
        last = try input.optionalInstant() ?? .min
        isSpent = try input.reader.flag()
    }
}

extension PartitionEngine {
    /// An account's profile was seen for the first time, or a reload brought the rule.
    mutating func awaitOccurrence(_ account: Int, _ signal: Int) {
        let story = story(of: account)
        guard story.signals.place(signal) < 0 else { return }
        let isEarly = clock == .earliest
        let last = isEarly ? .min : clock.milliseconds
        let due = isEarly ? Timestamp.earliest.milliseconds : last + program.signals[signal].watch.window
        _ = story.signals.insert(
            SignalEntry(signal: signal, due: due, state: .absence(AbsenceState(last: last))))
    }

    mutating func observeAbsence(
        _ account: Int, _ story: AccountStory, _ signal: Int, feature: UInt64, _ moment: Moment
    ) {
        guard program.signals[signal].watch.features.admits(feature) else { return }
        let place = story.signals.place(signal)
        let due = moment.time + program.signals[signal].watch.window
        if place < 0 {
            _ = story.signals.insert(
                SignalEntry(signal: signal, due: due, state: .absence(AbsenceState(last: moment.time))))
            return
        }
        guard case .absence(let state) = story.signals.entries[place].state, moment.time > state.last else { return }
        state.last = moment.time
        state.isSpent = false
        story.signals.mark(place)
        story.signals.setDue(place, due)
    }

    mutating func runAbsence(_ account: Int, _ signal: Int, _ place: Int, _ state: AbsenceState, _ moment: Moment) {
        let story = story(of: account)
        story.signals.mark(place)
        if state.last == .min {
            // The clock begins with the record that is about to move it.
            state.last = runTarget
            return story.signals.setDue(place, state.last + program.signals[signal].watch.window)
        }
        story.signals.setDue(place, .max)
        guard !state.isSpent else { return }
        state.isSpent = true
        let lastEpisode = story.signals.entries[place].lastEpisode
        story.signals.noteEpisode(place, state.last)
        guard speaks(signal, moment) else { return }
        let watch = program.signals[signal].watch
        var trigger = makeTrigger(
            account, signal, moment, meter: watch.stream < meterCount ? watch.stream : -1, episode: state.last,
            lastEpisode: lastEpisode)
        var activity = Trigger.Activity()
        activity.since = Timestamp(milliseconds: state.last)
        activity.source = program.streamName(watch.stream)
        if watch.features.names.count == 1 { activity.feature = watch.features.names[0] }
        activity.unused = watch.features.names
        trigger.activity = activity
        complete(&trigger, account)
        raise(Candidate(signal: signal, account: account, trigger: trigger))
    }
}
