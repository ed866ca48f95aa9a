internal import UpsellModel

/// A stay of a gauge at or above a level.
final class SustainedState {
    /// When it began; `.min`: the gauge is below the level.
    var since = Int64.min
    /// The stay has fired or was spent.
    var isSpent = false
    /// The latest begin of a stay; a later stay begins later, so that no key returns.
    var lastSince = Int64.min

    init() {}

    func write(into out: inout StateWriter) {
        out.put(optional: since == .min ? nil : since)
        out.writer.put(isSpent)
        out.put(optional: lastSince == .min ? nil : lastSince)
    }

    init(from input: inout StateReader) throws(BinaryCodingError) {
        since = try input.optionalInstant() ?? .min
        isSpent = try input.reader.flag()
        lastSince = try input.optionalInstant() ?? .min
    }
}

extension PartitionEngine {
    /// Usage at which the level is reached; nil where there is none, as under no limit or a limit of 0.
    private func level(_ account: Int, _ sustained: SustainedSignal) -> Int64? {
        switch (sustained.unit, limit(account, sustained.meter.index)) {
        case (.absolute, _): return sustained.level
        case (.percent, .of(let limit)) where limit > 0:
            // Rounded up, as for thresholds.
            let product = Int128(sustained.level) * Int128(limit) + 9_999
            return Int64(clamping: product / 10_000)
        default: return nil
        }
    }

    /// Compares the gauge with its level: after a reading, another limit or a reload.
    ///
    /// - Parameters:
    ///   - instant: begin of a stay that begins now.
    ///   - isSpent: such a stay fires nothing: it was there before the rule.
    mutating func followGauge(_ account: Int, _ signal: Int, at instant: Int64, isSpent: Bool = false) {
        guard case .sustained(let sustained) = program.signals[signal].signal else { return }
        let meter = sustained.meter.index
        let value = cells[account * meterCount + meter].value
        let isAbove =
            cells[account * meterCount + meter].isTouched && (level(account, sustained).map { value >= $0 } ?? false)
        let known = stories[account]?.signals.place(signal) ?? -1
        if known < 0, !isAbove { return }
        let story = story(of: account)
        let place =
            known >= 0
            ? known : story.signals.insert(SignalEntry(signal: signal, state: .sustained(SustainedState())))
        guard case .sustained(let state) = story.signals.entries[place].state, isAbove != (state.since > .min) else {
            return
        }
        story.signals.mark(place)
        guard isAbove else {
            state.since = .min
            state.isSpent = false
            return story.signals.setDue(place, .max)
        }
        state.since = Swift.max(instant, state.lastSince == .min ? .min : state.lastSince + 1)
        state.lastSince = state.since
        state.isSpent = isSpent
        if isSpent { statisticsStored.silentSpent += 1 }
        story.signals.setDue(place, isSpent ? .max : state.since + sustained.duration)
    }

    mutating func runSustained(
        _ account: Int, _ signal: Int, _ place: Int, _ state: SustainedState, _ moment: Moment
    ) {
        guard case .sustained(let sustained) = program.signals[signal].signal else { return }
        let story = story(of: account)
        story.signals.mark(place)
        story.signals.setDue(place, .max)
        guard state.since > .min, !state.isSpent else { return }
        state.isSpent = true
        let lastEpisode = story.signals.entries[place].lastEpisode
        story.signals.noteEpisode(place, state.since)
        guard speaks(signal, moment) else { return }
        let meter = sustained.meter.index
        let version = sustained.unit == .percent ? cells[account * meterCount + meter].limitVersion : 0
        var trigger = makeTrigger(
            account, signal, moment, meter: meter, limitVersion: version, episode: state.since,
            threshold: sustained.level, lastEpisode: lastEpisode)
        tellStay(&trigger, account, sustained, state)
        raise(Candidate(signal: signal, account: account, trigger: trigger))
    }

    func tellStay(_ trigger: inout Trigger, _ account: Int, _ sustained: SustainedSignal, _ state: SustainedState) {
        trigger.usage = usage(account, sustained.meter.index)
        trigger.usage?.thresholdUnit = sustained.unit
        trigger.usage?.crossed = [sustained.level]
        var activity = Trigger.Activity()
        activity.since = Timestamp(milliseconds: state.since)
        trigger.activity = activity
        complete(&trigger, account)
    }
}
