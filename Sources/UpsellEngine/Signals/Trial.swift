internal import UpsellModel

/// A trial's instants and what was used in it.
final class TrialState {
    /// Uses from here on count; `.min`: from the first.
    var start: Int64
    var end: Int64
    /// Position of the next offset; all before it are spent. -1 until the clock begins.
    var next = -1
    var tally: FeatureTally

    init(_ watch: SignalCode.Watch, start: Int64, end: Int64) {
        self.start = start
        self.end = end
        tally = FeatureTally(watch.usageFeatures)
    }

    func write(into out: inout StateWriter, _ watch: SignalCode.Watch) {
        out.put(optional: start == .min ? nil : start)
        out.put(instant: end)
        out.writer.put(count: next + 1)
        tally.write(into: &out, watch.usageFeatures)
    }

    init(from input: inout StateReader, _ watch: SignalCode.Watch) throws(BinaryCodingError) {
        start = try input.optionalInstant() ?? .min
        end = try input.instant()
        let position = try input.reader.integer()
        guard position <= 1 << 16 else { throw input.malformed("instant \(position) of a trial") }
        next = position - 1
        tally = try FeatureTally(from: &input, watch.usageFeatures)
    }
}

extension PartitionEngine {
    /// The account's trial as its profile tells it; nil without an end.
    func trial(_ account: Int) -> (start: Int64, end: Int64)? {
        let index = termsIndex[account]
        guard index >= 0, let end = terms[Int(index)]?.facts.trial?.end?.milliseconds else { return nil }
        return (terms[Int(index)]?.facts.trial?.start?.milliseconds ?? .min, end)
    }

    /// A profile came: its trial is new, another, moved or gone.
    ///
    /// Instants that have passed are spent. A trial that begins after the end of the one before counts its uses anew.
    mutating func followTrial(_ account: Int, _ signal: Int) {
        let story = story(of: account)
        var place = story.signals.place(signal)
        guard let trial = trial(account) else {
            // What was fired is known by its end, which cannot come again before its instants have passed.
            if place >= 0 { story.signals.setDue(place, .max) }
            return
        }
        if place < 0 {
            let state = TrialState(program.signals[signal].watch, start: trial.start, end: trial.end)
            place = story.signals.insert(SignalEntry(signal: signal, state: .trial(state)))
            armTrial(account, signal, place, state, at: clock == .earliest ? nil : clock.milliseconds)
            return
        }
        guard case .trial(let state) = story.signals.entries[place].state else { return }
        let isGone = story.signals.entries[place].due == .max
        guard trial.end != state.end || trial.start != state.start || isGone else { return }
        story.signals.mark(place)
        let isAnother = trial.start == .min ? state.end <= clock.milliseconds : trial.start >= state.end
        if isAnother, trial.end > state.end { state.tally.reset() }
        state.start = trial.start
        guard trial.end != state.end || isGone else { return }
        state.end = trial.end
        armTrial(account, signal, place, state, at: clock == .earliest ? nil : clock.milliseconds)
    }

    /// Spends the instants up to `now`; before the clock begins all wait for it.
    ///
    /// - Parameter now: nil before the clock begins.
    private mutating func armTrial(_ account: Int, _ signal: Int, _ place: Int, _ state: TrialState, at now: Int64?) {
        let story = story(of: account)
        guard let now else {
            state.next = -1
            return story.signals.setDue(place, Timestamp.earliest.milliseconds)
        }
        guard case .trial(let trial) = program.signals[signal].signal else { return }
        let next = trial.offsetDays.firstIndex { instant(state, $0) > now } ?? trial.offsetDays.count
        state.next = next
        story.signals.setDue(place, next < trial.offsetDays.count ? instant(state, trial.offsetDays[next]) : .max)
    }

    private func instant(_ state: TrialState, _ offsetDays: Int) -> Int64 {
        state.end + Int64(offsetDays) * .millisecondsPerDay
    }

    mutating func runTrial(_ account: Int, _ signal: Int, _ state: TrialState, _ moment: Moment) {
        guard case .trial(let trial) = program.signals[signal].signal else { return }
        let story = story(of: account)
        let place = story.signals.place(signal)
        story.signals.mark(place)
        if state.next < 0 { return armTrial(account, signal, place, state, at: runTarget) }
        let first = state.next
        while state.next < trial.offsetDays.count, instant(state, trial.offsetDays[state.next]) <= moment.time {
            state.next += 1
        }
        let isOver = state.next >= trial.offsetDays.count
        story.signals.setDue(place, isOver ? .max : instant(state, trial.offsetDays[state.next]))
        for position in Swift.min(first, state.next)..<state.next {
            fireTrial(account, signal, state, offset: trial.offsetDays[position], moment)
        }
    }

    private mutating func fireTrial(
        _ account: Int, _ signal: Int, _ state: TrialState, offset: Int, _ moment: Moment
    ) {
        let story = story(of: account)
        let place = story.signals.place(signal)
        let lastEpisode = story.signals.entries[place].lastEpisode
        story.signals.noteEpisode(place, state.end)
        guard speaks(signal, moment) else { return }
        var trigger = makeTrigger(
            account, signal, moment, episode: state.end, threshold: Int64(offset), lastEpisode: lastEpisode)
        trigger.activity = activity(state, signal, at: moment.time)
        complete(&trigger, account)
        raise(Candidate(signal: signal, account: account, trigger: trigger))
    }

    /// A reload brought the rule under `onChange: evaluate`: of the instants that have passed the latest fires.
    mutating func fireLatestInstant(_ account: Int, _ signal: Int) {
        guard case .trial(let trial) = program.signals[signal].signal, let story = stories[account] else { return }
        let place = story.signals.place(signal)
        guard place >= 0, case .trial(let state) = story.signals.entries[place].state, state.next > 0,
            state.next <= trial.offsetDays.count
        else { return }
        let moment = Moment(time: clock.milliseconds, coordinates: nil, cause: .ruleChanged, silent: false)
        fireTrial(account, signal, state, offset: trial.offsetDays[state.next - 1], moment)
    }

    func activity(_ state: TrialState, _ signal: Int, at instant: Int64) -> Trigger.Activity {
        let watch = program.signals[signal].watch
        var activity = Trigger.Activity()
        activity.trialEnd = Timestamp(milliseconds: state.end)
        activity.daysLeft = (state.end - instant).flooredDivision(by: .millisecondsPerDay)
        if watch.usageStream >= 0 {
            activity.source = program.streamName(watch.usageStream)
            (activity.used, activity.unused) = state.tally.told(
                watch.usageFeatures, source: program.streamName(watch.usageStream), uses: state.tally.uses)
        }
        return activity
    }

    /// A use of a feature; it counts for a trial that it lies in.
    mutating func observeTrial(
        _ account: Int, _ story: AccountStory, _ signal: Int, feature: UInt64, name: borrowing RawSpan, _ moment: Moment
    ) {
        let place = story.signals.place(signal)
        guard place >= 0, case .trial(let state) = story.signals.entries[place].state, moment.time >= state.start,
            moment.time < state.end,
            let position = state.tally.position(feature, program.signals[signal].watch.usageFeatures, name: name)
        else { return }
        state.tally.add(at: position)
        story.signals.mark(place)
    }
}
