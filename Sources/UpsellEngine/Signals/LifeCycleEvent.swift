internal import UpsellModel

/// Uses of features that a life-cycle event's trigger tells: by day, and in the trial.
final class EventState {
    /// Names the features; its uses are those of the trial.
    var tally: FeatureTally
    /// By position in `tally`.
    var rings: ContiguousArray<DayRing>
    /// Of the trial that `tally` counts; `.max` and `.min` for none.
    var trialStart = Int64.max
    var trialEnd = Int64.min

    init(_ watch: SignalCode.Watch) {
        tally = FeatureTally(watch.usageFeatures)
        rings = ContiguousArray(
            repeating: DayRing(length: watch.ringLength), count: watch.usageFeatures.names.count)
    }

    func write(into out: inout StateWriter, _ watch: SignalCode.Watch, isFull: Bool) {
        tally.write(into: &out, watch.usageFeatures)
        for ring in rings { ring.write(into: &out, isFull: isFull) }
        out.put(optional: trialEnd == .min ? nil : trialEnd)
        if trialEnd > .min { out.put(optional: trialStart == .min ? nil : trialStart) }
    }

    init(from input: inout StateReader, _ watch: SignalCode.Watch) throws(BinaryCodingError) {
        guard watch.usageStream >= 0 else { throw input.malformed("state of a signal that keeps none") }
        tally = try FeatureTally(from: &input, watch.usageFeatures)
        rings = []
        for _ in tally.uses { rings.append(try DayRing(from: &input, length: watch.ringLength)) }
        trialEnd = try input.optionalInstant() ?? .min
        if trialEnd > .min { trialStart = try input.optionalInstant() ?? .min }
    }
}

extension PartitionEngine {
    /// A use that the trigger would tell.
    mutating func observeUsage(
        ofEvent signal: Int, _ account: Int, _ story: AccountStory, feature: UInt64, name: borrowing RawSpan,
        _ moment: Moment
    ) {
        var place = story.signals.place(signal)
        if place < 0 {
            guard program.signals[signal].watch.usageFeatures.admits(feature) else { return }
            let state = EventState(program.signals[signal].watch)
            if let trial = trial(account) { (state.trialStart, state.trialEnd) = trial }
            place = story.signals.insert(SignalEntry(signal: signal, state: .event(state)))
        }
        guard case .event(let state) = story.signals.entries[place].state,
            let position = state.tally.position(feature, program.signals[signal].watch.usageFeatures, name: name)
        else { return }
        if position == state.rings.count {
            state.rings.append(DayRing(length: program.signals[signal].watch.ringLength))
        }
        story.signals.mark(place)
        state.rings[position].add(1, on: dayNumber(account, story, at: moment.time))
        if moment.time >= state.trialStart, moment.time < state.trialEnd { state.tally.add(at: position) }
    }

    /// A profile came: uses in its trial count from now on; a new trial begins at nothing.
    mutating func followTrial(ofEvent signal: Int, _ account: Int) {
        guard let story = stories[account] else { return }
        let place = story.signals.place(signal)
        guard place >= 0, case .event(let state) = story.signals.entries[place].state else { return }
        let trial = trial(account) ?? (.max, .min)
        guard trial != (state.trialStart, state.trialEnd) else { return }
        if trial.1 > .min, trial.0 >= state.trialEnd { state.tally.reset() }
        (state.trialStart, state.trialEnd) = trial
        story.signals.mark(place)
    }

    /// An event of the source: each is an episode of its own.
    mutating func fireEvent(
        _ account: Int, _ signal: Int, stream: Int, name: borrowing RawSpan, _ moment: Moment
    ) {
        guard speaks(signal, moment) else { return }
        let feature = name.withText { $0 }
        var activity = Trigger.Activity()
        let identity = moment.identity == 0 ? Self.identity(of: moment) : moment.identity
        activity.event = Self.digits(identity)
        activity.source = program.streamName(stream)
        activity.feature = feature.isEmpty ? nil : feature
        let isOfMeter = stream < meterCount
        var trigger = makeTrigger(
            account, signal, moment, meter: isOfMeter ? stream : -1, dimension: Self.digits(identity),
            episode: moment.time, lastEpisode: .min)
        if isOfMeter { trigger.usage = usage(account, stream, dimension: feature.isEmpty ? nil : feature) }
        raiseEvent(&trigger, activity, account, signal, at: moment.time)
    }

    /// An outcome of one of the account's triggers.
    mutating func fireOutcome(_ account: Int, _ signal: Int, _ outcome: Outcome, _ moment: Moment) {
        guard speaks(signal, moment) else { return }
        var activity = Trigger.Activity()
        activity.event = outcome.kind.rawValue
        activity.source = outcome.rule
        var moment = moment
        moment.cause = .outcome
        moment.time = outcome.time.milliseconds
        var trigger = makeTrigger(
            account, signal, moment, dimension: Self.digits(StableHash.of(outcome.id)), episode: moment.time,
            lastEpisode: .min)
        raiseEvent(&trigger, activity, account, signal, at: moment.time)
    }

    private mutating func raiseEvent(
        _ trigger: inout Trigger, _ activity: Trigger.Activity, _ account: Int, _ signal: Int, at instant: Int64
    ) {
        trigger.activity = activity
        tellUsage(&trigger, account, signal, at: instant)
        complete(&trigger, account)
        raise(Candidate(signal: signal, account: account, trigger: trigger))
    }

    /// Uses in the trial while it runs, else of the last days, the running one among them.
    func tellUsage(_ trigger: inout Trigger, _ account: Int, _ signal: Int, at instant: Int64) {
        let watch = program.signals[signal].watch
        guard watch.usageStream >= 0, case .event(let event) = program.signals[signal].signal else { return }
        guard let story = stories[account], let place = Optional(story.signals.place(signal)), place >= 0,
            case .event(let state) = story.signals.entries[place].state
        else {
            trigger.activity?.unused = watch.usageFeatures.names
            return
        }
        var uses = state.tally.uses
        var days: ContiguousArray<Int64> = []
        if instant < state.trialStart || instant >= state.trialEnd {
            let today = dayNumber(account, story, at: instant)
            for position in uses.indices {
                let (total, active) = state.rings[position].sum(today - Int64(event.usageDays) + 1, today)
                uses[position] = Int64(clamping: total)
                days.append(Int64(active))
            }
        }
        let told = state.tally.told(
            watch.usageFeatures, source: program.streamName(watch.usageStream), uses: uses, days: days)
        trigger.activity?.used = told.used
        trigger.activity?.unused = told.unused
    }

    /// Identity of an event that waited for its profile as a reading of a meter: where its record lies.
    private static func identity(of moment: Moment) -> UInt64 {
        var encoder = CanonicalEncoder()
        encoder.put(moment.coordinates?.input.rawValue ?? 0)
        encoder.put(moment.coordinates?.offset ?? 0)
        return encoder.hash
    }

    /// Sixteen hexadecimal digits.
    static func digits(_ identity: UInt64) -> String {
        let text = String(identity, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}
