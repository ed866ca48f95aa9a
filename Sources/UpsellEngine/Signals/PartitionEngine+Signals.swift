internal import UpsellModel

/// A signal that came true and is not qualified yet.
struct Candidate {
    /// Position in `Program.signals`; never a part.
    var signal: Int
    var account: Int
    var trigger: Trigger
    /// `limit`: what is judged again when it is released.
    var counter: CounterRef?
    /// Usage within grace of a period that is over.
    var isClosed = false
}

extension PartitionEngine {
    /// Shows a reading to the signals that listen to its stream, after its counter has taken it in.
    ///
    /// - Parameters:
    ///   - stream: a meter, or `meterCount` + a behaviour.
    ///   - name: value of the dimension in UTF-8, empty for none.
    mutating func observe(
        _ account: Int, stream: Int, _ quantity: Int64, name: borrowing RawSpan, _ moment: Moment,
        into effects: inout Effects
    ) {
        let count = program.watchers[stream].count
        guard count > 0 else { return }
        // A correction is no use, and neither is a value that is set.
        let isUse = !moment.isSnapshot && (stream >= meterCount || quantity > 0 || !program.meters[stream].isSummed)
        let feature = name.byteCount == 0 ? 0 : Self.hash(ofDimension: name)
        let story = story(of: account)
        for index in 0..<count {
            let signal = program.watchers[stream][index]
            switch program.signals[signal].watch.kind {
            case .pace: observePace(account, story, signal, quantity, moment)
            case .growth: observeGrowth(account, story, signal, quantity, moment)
            case .sustained: followGauge(account, signal, at: moment.time)
            case .digest:
                observeDigest(
                    account, story, signal, stream: stream, quantity, feature: feature, name: name, isUse: isUse, moment
                )
            case .gate where isUse:
                observeGate(account, story, signal, stream: stream, feature: feature, name: name, moment)
            case .adoption where isUse:
                observeAdoption(account, story, signal, stream: stream, feature: feature, moment)
            case .trial where isUse: observeTrial(account, story, signal, feature: feature, name: name, moment)
            case .absence where isUse: observeAbsence(account, story, signal, feature: feature, moment)
            case .event where isUse:
                if stream == program.signals[signal].watch.usageStream {
                    observeUsage(ofEvent: signal, account, story, feature: feature, name: name, moment)
                }
                if stream == program.signals[signal].watch.stream,
                    program.signals[signal].watch.features.admits(feature)
                {
                    fireEvent(account, signal, stream: stream, name: name, moment)
                }
            case .limit, .combination, .gate, .adoption, .trial, .absence, .event: break
            }
        }
        signalsChanged(account)
    }

    /// An account has another profile, or its first (`last` is nil).
    mutating func observeProfile(_ account: Int, from last: Terms?, _ moment: Moment, into effects: inout Effects) {
        if let story = stories[account] {
            let zone = zone(account)
            if last?.zone ?? .utc != zone { followZone(account, story) }
        }
        for signal in program.signals.indices {
            switch program.signals[signal].watch.kind {
            case .trial: followTrial(account, signal)
            case .event: if program.signals[signal].watch.usageStream >= 0 { followTrial(ofEvent: signal, account) }
            case .absence: if last == nil { awaitOccurrence(account, signal) }
            case .digest: beginDigest(account, signal)
            case .sustained: followGauge(account, signal, at: clock.milliseconds)
            case .limit, .pace, .gate, .adoption, .growth, .combination: break
            }
        }
        signalsChanged(account)
    }

    /// Local days begin and end at other instants; the days of the past stay what they were.
    private mutating func followZone(_ account: Int, _ story: AccountStory) {
        story.signals.day = .none
        let end = today(account, story).end
        for place in story.signals.entries.indices where story.signals.entries[place].due < .max {
            switch story.signals.entries[place].state {
            case .pace, .growth: story.signals.setDue(place, end)
            case .digest(let state):
                followZone(ofDigest: story.signals.entries[place].signal, account, place, state)
            case .gate, .adoption, .trial, .event, .sustained, .absence, .combination: break
            }
        }
    }

    /// Limits of an account changed by themselves: levels in percent are others.
    mutating func observeLimits(_ account: Int) {
        for signal in program.signals.indices where program.signals[signal].watch.kind == .sustained {
            followGauge(account, signal, at: clock.milliseconds)
        }
        signalsChanged(account)
    }

    /// An outcome of one of the account's triggers, for signals that listen to them.
    mutating func observe(_ outcome: Outcome, _ account: Int, _ moment: Moment, into effects: inout Effects) {
        for signal in program.signals.indices {
            guard case .event(let event) = program.signals[signal].signal,
                case .outcome(let kinds, let rules) = event.what, kinds.contains(outcome.kind)
            else { continue }
            let own = program.catalogue.rules[program.signals[signal].rule].name
            guard rules.isEmpty ? outcome.rule != own : rules.contains(outcome.rule) else { continue }
            fireOutcome(account, signal, outcome, moment)
        }
    }

    /// Judges what is due at `instant`, and sets the next timer.
    mutating func runSignals(_ account: Int, at instant: Int64, _ mode: FiringMode, into effects: inout Effects) {
        guard let story = stories[account] else { return }
        story.signalsScheduled = .max
        let moment = Moment(time: instant, coordinates: nil, cause: .timer, silent: mode == .silent)
        // By signal, since what fires may add an entry.
        var next = 0
        while let place = story.signals.entries.firstIndex(where: { $0.signal >= next }) {
            let entry = story.signals.entries[place]
            next = entry.signal + 1
            guard entry.due <= instant else { continue }
            switch entry.state {
            case .pace(let state): closeDayOfPace(account, entry.signal, place, state, moment)
            case .growth(let state): closeDayOfGrowth(account, entry.signal, place, state, moment)
            case .trial(let state): runTrial(account, entry.signal, state, moment)
            case .sustained(let state): runSustained(account, entry.signal, place, state, moment)
            case .absence(let state): runAbsence(account, entry.signal, place, state, moment)
            case .digest(let state): runDigest(account, entry.signal, place, state, moment)
            case .gate, .adoption, .event, .combination: story.signals.setDue(place, .max)
            }
        }
        story.signals.findEarliest()
        signalsChanged(account)
    }

    /// Whether a signal that came true may say so; where not, what came true is spent.
    mutating func speaks(_ signal: Int, _ moment: Moment) -> Bool {
        guard moment.silent || clock.milliseconds < program.signals[signal].goLive else { return true }
        statisticsStored.silentSpent += 1
        return false
    }

    /// A signal came true: a part of a combination counts for it, anything else is to be qualified.
    mutating func raise(_ candidate: Candidate) {
        let combination = program.signals[candidate.signal].watch.combination
        guard combination >= 0 else { return raised.append(candidate) }
        // What would be held as closed makes nothing up.
        guard !candidate.isClosed else { return }
        mark(candidate, part: program.signals[candidate.signal].part, of: combination)
    }

    // MARK: Reload

    /// Puts an account's states under the positions of the new catalogue, before anything of it is judged.
    mutating func remapSignals(_ account: Int, _ change: CatalogueChange) {
        guard let story = stories[account] else { return }
        story.signals.remap(change.newSignal)
    }

    /// Begins the signals that a reload brought, and looks at those again that the new limits concern.
    ///
    /// What is true already is spent without a word, or fires under `onChange: evaluate`: a stay is there before the rule,
    /// an instant of a trial has passed. What needs a history has none yet.
    mutating func adoptSignals(_ account: Int, _ old: Program, _ change: CatalogueChange) {
        for signal in program.signals.indices {
            let isNew = change.oldSignal[signal] == nil
            let isSilent = program.signals[signal].onChange == .silent
            switch program.signals[signal].watch.kind {
            case .sustained: followGauge(account, signal, at: clock.milliseconds, isSpent: isNew && isSilent)
            case .absence: if isNew, termsIndex[account] >= 0 { awaitOccurrence(account, signal) }
            case .digest: if isNew, termsIndex[account] >= 0 { beginDigest(account, signal) }
            case .trial:
                guard isNew else { break }
                followTrial(account, signal)
                if !isSilent { fireLatestInstant(account, signal) }
            case .limit, .pace, .gate, .adoption, .event, .growth, .combination: break
            }
        }
        signalsChanged(account)
    }
}

extension MeterCode {
    /// Its quantities add up: units of a day are a sum of readings.
    var isSummed: Bool { aggregation == .count || aggregation == .sum }
}
