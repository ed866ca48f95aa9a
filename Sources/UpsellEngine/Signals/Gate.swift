internal import UpsellModel

/// The last events of each feature.
final class GateState {
    var features: ContiguousArray<Feature> = []

    struct Feature {
        /// Of its name; 0 for none.
        var hash: UInt64
        var name: String
        /// Event times, ascending, all within one window; fewer than the rule counts.
        var times: ContiguousArray<Int64> = []
        /// End of the window that fired; events before it do not count.
        var quietUntil = Int64.min
        var lastEpisode = Int64.min
    }

    /// Events that a rule may count.
    static let countMax = 64

    init() {}

    func write(into out: inout StateWriter) {
        out.writer.put(count: features.count)
        for feature in features {
            out.put(feature.name)
            out.put(optional: feature.quietUntil == .min ? nil : feature.quietUntil)
            if feature.quietUntil > .min { out.put(instant: feature.lastEpisode) }
            out.writer.put(count: feature.times.count)
            var before = out.clock
            for time in feature.times {
                out.writer.put(signed: time - before)
                before = time
            }
        }
    }

    init(from input: inout StateReader, _ watch: SignalCode.Watch) throws(BinaryCodingError) {
        let count = try input.reader.count()
        guard count <= FeatureTally.featuresMax + 1 else { throw input.malformed("\(count) features") }
        for _ in 0..<count {
            let name = try input.text()
            var feature = Feature(
                hash: name.isEmpty ? 0 : unsafe PartitionEngine.hash(ofDimension: name.utf8.span.bytes), name: name)
            guard !features.contains(where: { $0.hash == feature.hash }) else { throw input.malformed("feature twice") }
            if let until = try input.optionalInstant() {
                feature.quietUntil = until
                feature.lastEpisode = try input.instant()
            }
            let times = try input.reader.count()
            guard times < Swift.max(watch.count, 1) else { throw input.malformed("\(times) attempts") }
            var before = input.clock
            for place in 0..<times {
                let time = try input.check(before &+ input.reader.signed())
                guard place == 0 || time >= before else { throw input.malformed("attempts out of order") }
                feature.times.append(time)
                before = time
            }
            features.append(feature)
        }
    }
}

extension PartitionEngine {
    /// An attempt at a feature, or a use of what the account's limit of 0 does not give.
    ///
    /// Attempts older than the window do not count, whatever they meet: what is long past helps nobody, and so no window
    /// of a feature that was forgotten can fire again.
    mutating func observeGate(
        _ account: Int, _ story: AccountStory, _ signal: Int, stream: Int, feature: UInt64, name: borrowing RawSpan,
        _ moment: Moment
    ) {
        let window = program.signals[signal].watch.window
        guard program.signals[signal].watch.features.admits(feature), moment.time > clock.milliseconds - window else {
            return
        }
        if program.signals[signal].watch.isOnlyWithoutEntitlement, stream < meterCount,
            limit(account, stream) != .of(0)
        {
            return
        }
        var place = story.signals.place(signal)
        if place < 0 { place = story.signals.insert(SignalEntry(signal: signal, state: .gate(GateState()))) }
        guard case .gate(let state) = story.signals.entries[place].state else { return }
        let index = gate(state, feature, name, window: window)
        guard moment.time >= state.features[index].quietUntil else { return }
        story.signals.mark(place)
        let count = program.signals[signal].watch.count
        guard let start = state.features[index].attempt(at: moment.time, count: count, window: window) else { return }
        let lastEpisode = state.features[index].lastEpisode
        state.features[index].lastEpisode = start
        state.features[index].quietUntil = start + window
        guard speaks(signal, moment) else { return }
        let feature = state.features[index].name
        let isOfMeter = stream < meterCount
        var trigger = makeTrigger(
            account, signal, moment, meter: isOfMeter ? stream : -1, dimension: feature, episode: start,
            lastEpisode: lastEpisode)
        if isOfMeter { trigger.usage = usage(account, stream, dimension: feature.isEmpty ? nil : feature) }
        var activity = Trigger.Activity()
        activity.window = Trigger.Span(
            start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: start + window))
        activity.source = program.streamName(stream)
        activity.feature = feature.isEmpty ? nil : feature
        activity.attempts = Int64(count)
        trigger.activity = activity
        complete(&trigger, account)
        raise(Candidate(signal: signal, account: account, trigger: trigger))
    }

    /// Position of a feature, which is made where it is missing. At the bound, features whose window is over go; where none
    /// is, further ones count together.
    private func gate(_ state: GateState, _ feature: UInt64, _ name: borrowing RawSpan, window: Int64) -> Int {
        if let known = state.features.firstIndex(where: { $0.hash == feature }) { return known }
        if state.features.count >= FeatureTally.featuresMax {
            let now = clock.milliseconds
            state.features.removeAll { $0.quietUntil <= now && ($0.times.last ?? .min) <= now - window }
        }
        if state.features.count < FeatureTally.featuresMax {
            state.features.append(GateState.Feature(hash: feature, name: name.withText { $0 }))
        } else {
            let other = Self.otherDimension
            if let known = state.features.firstIndex(where: { $0.hash == other }) { return known }
            state.features.append(GateState.Feature(hash: other, name: Meter.Dimension.other))
        }
        return state.features.count - 1
    }
}

extension GateState.Feature {
    /// Takes an attempt in, in the order of event time.
    ///
    /// - Returns: the time of the oldest of `count` attempts within a window, if this one makes them up; they are spent.
    mutating func attempt(at time: Int64, count: Int, window: Int64) -> Int64? {
        var index = times.count
        while index > 0, times[index - 1] > time { index -= 1 }
        times.insert(time, at: index)
        let newest = times[times.count - 1]
        var gone = 0
        while times[gone] <= newest - window { gone += 1 }
        if gone > 0 { times.removeFirst(gone) }
        guard times.count >= count else { return nil }
        let start = times[0]
        times.removeAll(keepingCapacity: true)
        return start
    }
}
