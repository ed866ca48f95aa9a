internal import UpsellModel

/// Uses of each stage by local day.
final class AdoptionState {
    var stages: ContiguousArray<Stage>
    /// First day that counts after the window that fired; `.min` for none.
    var quietUntil = Int64.min

    struct Stage {
        var ring: DayRing
        /// Event time of the use that completed it; `.min` while it is not complete.
        var completed = Int64.min
    }

    init(_ watch: SignalCode.Watch) {
        stages = ContiguousArray(
            repeating: Stage(ring: DayRing(length: watch.ringLength)), count: watch.stages.count)
    }

    func write(into out: inout StateWriter, isFull: Bool) {
        out.put(optionalDay: quietUntil == .min ? nil : quietUntil)
        for stage in stages {
            stage.ring.write(into: &out, isFull: isFull)
            out.put(optional: stage.completed == .min ? nil : stage.completed)
        }
    }

    init(from input: inout StateReader, _ watch: SignalCode.Watch) throws(BinaryCodingError) {
        stages = []
        quietUntil = try input.optionalDay() ?? .min
        for _ in watch.stages {
            stages.append(
                Stage(
                    ring: try DayRing(from: &input, length: watch.ringLength),
                    completed: try input.optionalInstant() ?? .min))
        }
    }

    /// Brings all stages to a window that ends with `day`. In a sequence a stage that its window no longer holds takes
    /// those after it with it, which counted from its completion on.
    func advance(to day: Int64, _ watch: SignalCode.Watch) {
        for place in stages.indices { stages[place].ring.advance(to: day) }
        for place in stages.indices where stages[place].completed > .min && !stages[place].isMet(watch.stages[place]) {
            stages[place].completed = .min
            guard watch.isOrdered else { continue }
            for later in stages.indices where later > place { stages[later].clear() }
        }
    }
}

extension AdoptionState.Stage {
    func isMet(_ code: SignalCode.Watch.Stage) -> Bool {
        ring.total >= Int128(code.uses) && ring.activeDays >= code.days
    }

    mutating func clear() {
        if !ring.isEmpty { ring.clear() }
        completed = .min
    }
}

extension PartitionEngine {
    mutating func observeAdoption(
        _ account: Int, _ story: AccountStory, _ signal: Int, stream: Int, feature: UInt64, _ moment: Moment
    ) {
        let stageCount = program.signals[signal].watch.stages.count
        var first = 0
        while first < stageCount, !isOfStage(first, signal, stream, feature) { first += 1 }
        guard first < stageCount else { return }
        var place = story.signals.place(signal)
        if place < 0 {
            place = story.signals.insert(
                SignalEntry(signal: signal, state: .adoption(AdoptionState(program.signals[signal].watch))))
        }
        guard case .adoption(let state) = story.signals.entries[place].state else { return }
        let day = dayNumber(account, story, at: moment.time)
        guard day >= state.quietUntil else { return }
        story.signals.mark(place)
        if day > state.stages[0].ring.newest { state.advance(to: day, program.signals[signal].watch) }
        let isOrdered = program.signals[signal].watch.isOrdered
        for stage in first..<stageCount where isOfStage(stage, signal, stream, feature) {
            if isOrdered, stage > 0 {
                let before = state.stages[stage - 1].completed
                guard before > .min, moment.time > before else { continue }
            }
            state.stages[stage].ring.add(1, on: day)
            if state.stages[stage].completed == .min,
                state.stages[stage].isMet(program.signals[signal].watch.stages[stage])
            {
                state.stages[stage].completed = moment.time
            }
        }
        for stage in 0..<stageCount where state.stages[stage].completed == .min { return }
        fireAdoption(account, signal, place, state, story, moment)
    }

    @inline(__always)
    private func isOfStage(_ stage: Int, _ signal: Int, _ stream: Int, _ feature: UInt64) -> Bool {
        program.signals[signal].watch.stages[stage].stream == stream
            && program.signals[signal].watch.stages[stage].features.admits(feature)
    }

    /// All stages are complete: the window begins with the first day that counted, and what comes before its end counts
    /// for no other.
    private mutating func fireAdoption(
        _ account: Int, _ signal: Int, _ place: Int, _ state: AdoptionState, _ story: AccountStory, _ moment: Moment
    ) {
        let watch = program.signals[signal].watch
        let zone = zone(account)
        let day = dayNumber(account, story, at: moment.time)
        let firstDay = state.stages.reduce(day) { Swift.min($0, $1.ring.firstUsed ?? day) }
        let end = firstDay + Int64(watch.ringLength)
        let lastEpisode = story.signals.entries[place].lastEpisode
        let episode = Swift.max(zone.midnight(firstDay), lastEpisode == .min ? .min : lastEpisode + 1)
        var used: [Trigger.FeatureUse] = []
        for (stage, code) in zip(state.stages, watch.stages) {
            used.append(
                Trigger.FeatureUse(
                    feature: code.features.names.count == 1 ? code.features.names[0] : program.streamName(code.stream),
                    uses: Int64(clamping: stage.ring.total), days: Int64(stage.ring.activeDays)))
        }
        for stage in state.stages.indices { state.stages[stage].clear() }
        state.quietUntil = end
        story.signals.noteEpisode(place, episode)
        guard speaks(signal, moment) else { return }
        var trigger = makeTrigger(account, signal, moment, episode: episode, lastEpisode: lastEpisode)
        var activity = Trigger.Activity()
        activity.window = Trigger.Span(
            start: Timestamp(milliseconds: zone.midnight(firstDay)), end: Timestamp(milliseconds: zone.midnight(end)))
        activity.source = watch.stages.count == 1 ? program.streamName(watch.stages[0].stream) : nil
        activity.used = used
        trigger.activity = activity
        complete(&trigger, account)
        raise(Candidate(signal: signal, account: account, trigger: trigger))
    }
}
