internal import UpsellModel

/// When the parts of a combination fired.
final class CombinationState {
    /// By place of the part; `.min` for one that did not, or whose firing was told.
    var marks: ContiguousArray<Int64>
    /// End of the window that fired.
    var quietUntil = Int64.min

    init(parts: Int) { marks = ContiguousArray(repeating: .min, count: parts) }

    func write(into out: inout StateWriter) {
        for mark in marks { out.put(optional: mark == .min ? nil : mark) }
        out.put(optional: quietUntil == .min ? nil : quietUntil)
    }

    init(from input: inout StateReader, parts: Int) throws(BinaryCodingError) {
        marks = []
        for _ in 0..<parts { marks.append(try input.optionalInstant() ?? .min) }
        quietUntil = try input.optionalInstant() ?? .min
    }
}

extension PartitionEngine {
    /// A part fired: it counts for the length of the window. The combination fires once for a window, which begins with
    /// the oldest part that counts; what was told then counts no more.
    mutating func mark(_ candidate: Candidate, part: Int, of combination: Int) {
        guard case .combination(let signal) = program.signals[combination].signal else { return }
        let account = candidate.account
        let story = story(of: account)
        var place = story.signals.place(combination)
        if place < 0 {
            let state = CombinationState(parts: signal.parts.count)
            place = story.signals.insert(SignalEntry(signal: combination, state: .combination(state)))
        }
        guard case .combination(let state) = story.signals.entries[place].state else { return }
        let time = candidate.trigger.eventTime.milliseconds
        story.signals.mark(place)
        state.marks[part] = Swift.max(state.marks[part], time)
        signalsChanged(account)
        let now = state.marks.reduce(clock.milliseconds) { Swift.max($0, $1) }
        guard now >= state.quietUntil else { return }
        let counting = state.marks.indices.filter { state.marks[$0] > .min && state.marks[$0] > now - signal.window }
        let score = counting.reduce(Int128(0)) { $0 + Int128(signal.parts[$1].weight) }
        let isMet =
            switch signal.mode {
            case .all: counting.count == state.marks.count
            case .any: !counting.isEmpty
            case .score(let least): !counting.isEmpty && score >= Int128(least)
            }
        guard isMet, let start = counting.map({ state.marks[$0] }).min() else { return }
        let lastEpisode = story.signals.entries[place].lastEpisode
        let episode = Swift.max(start, lastEpisode == .min ? .min : lastEpisode + 1)
        var activity = Trigger.Activity()
        activity.window = Trigger.Span(
            start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: start + signal.window))
        activity.parts = counting.map {
            Trigger.Part(
                name: signal.parts[$0].name, signal: signal.parts[$0].signal.kind,
                time: Timestamp(milliseconds: state.marks[$0]))
        }
        if case .score = signal.mode { activity.score = Int64(clamping: score) }
        for part in counting { state.marks[part] = .min }
        state.quietUntil = start + signal.window
        story.signals.noteEpisode(place, episode)
        let moment = Moment(
            time: time, coordinates: candidate.trigger.coordinates, cause: candidate.trigger.cause, silent: false)
        var trigger = makeTrigger(account, combination, moment, episode: episode, lastEpisode: lastEpisode)
        trigger.activity = activity
        // What the part that made it up says of a meter.
        trigger.usage = candidate.trigger.usage
        trigger.projection = candidate.trigger.projection
        complete(&trigger, account)
        raise(Candidate(signal: combination, account: account, trigger: trigger))
    }
}

extension CombinationState {
    convenience init(from input: inout StateReader, _ watch: SignalCode.Watch) throws(BinaryCodingError) {
        try self.init(from: &input, parts: watch.count)
    }
}
