/// The oracle: what a partition should hold and have said after its inputs were applied in a given order.
///
/// A fold with dictionaries and sets that shares no code with the engine for sums, periods, arming or identities. It knows
/// the meaning of records from their writer (`InputHistory`) and the order from the committed journal.
package struct NaiveModel: Sendable {
    package let catalogue: SimulationCatalogue
    /// nil before the first usage record.
    package private(set) var clock: Int64?
    private var lag: Int64 = 0
    /// Oldest first.
    private var identities: [String] = []
    private var known: Set<String> = []
    package private(set) var accounts: [String: NaiveAccount] = [:]
    /// How often an account was erased: nothing of it is known afterwards, so that what it said before it may say again.
    package private(set) var erasures: [String: Int] = [:]
    /// What control records have made of rules, by name.
    package private(set) var modes: [String: ControlIntent.Action] = [:]
    /// Ids under which triggers of the steps at hand were published.
    package var published: [NaiveTrigger: String] = [:]
    /// Triggers that an account was sent, and those who have said no for good.
    private var sent: [String: Set<String>] = [:]
    private var declined: Set<String> = []
    private var said = NaiveOutputs()

    package init(_ catalogue: SimulationCatalogue) { self.catalogue = catalogue }

    /// Applies steps of the journal.
    ///
    /// - Returns: what the steps had to say.
    package mutating func apply(_ steps: [AppliedStep], of history: InputHistory) -> NaiveOutputs {
        said = NaiveOutputs()
        for step in steps {
            switch step {
            case .tick(let wallTime): tick(wallTime)
            case .control(let intent): modes[intent.rule] = intent.action
            case .run(let input, let first, let next):
                for offset in first..<next {
                    guard let intent = history[input, offset] else { continue }
                    said.records += 1
                    apply(intent, input: input, offset: offset)
                }
            }
        }
        return said
    }

    private mutating func tick(_ wallTime: Int64) {
        guard let clock else { return }
        self.clock = max(clock, wallTime - lag - catalogue.margin)
    }

    private mutating func apply(_ intent: InputIntent, input: Int, offset: Int64) {
        switch intent {
        case .poison: said.deadLetters.append(NaiveDeadLetter(input: input, offset: offset))
        case .tombstone(let account):
            if accounts.removeValue(forKey: account) != nil { erasures[account, default: 0] += 1 }
            sent[account] = nil
            declined.remove(account)
        case .profile(let account, let plan, let overrides):
            let limits = catalogue.meters.indices.map { overrides[$0] ?? catalogue.meters[$0].limits[plan] }
            // Who buys has changed their mind.
            if plan > accounts[account]?.plan ?? 0 { declined.remove(account) }
            defer { accounts[account]?.plan = plan }
            guard accounts[account] != nil else {
                accounts[account] = NaiveAccount(limits)
                said.touched.insert(account)
                return
            }
            change(account, to: limits, input: input, offset: offset)
        case .usage(let usage): count(usage, input: input, offset: offset)
        case .feedback(let feedback): hear(feedback, input: input, offset: offset)
        }
        switch intent {
        case .tombstone(let account), .profile(let account, _, _): said.touched.insert(account)
        case .poison, .usage, .feedback: break
        }
    }

    // MARK: Usage

    private mutating func count(_ usage: UsageIntent, input: Int, offset: Int64) {
        let isTooOld = clock.map { usage.time < $0 - catalogue.window } ?? false
        if usage.time > usage.recordTime + catalogue.tolerance || isTooOld {
            said.deadLetters.append(NaiveDeadLetter(input: input, offset: offset))
            return
        }
        guard isNew(usage.id) else { return }
        let moved = min(usage.time, usage.recordTime)
        if clock.map({ moved > $0 }) ?? true {
            clock = moved
            lag = max(0, usage.recordTime - usage.time)
        }
        said.touched.insert(usage.account)
        var account = accounts[usage.account] ?? NaiveAccount(catalogue.meters.map { $0.limits[0] })
        for (meter, line) in catalogue.meters.enumerated() where line.types.contains(usage.type) {
            guard let (key, isClosed) = place(&account, meter, usage.time) else { continue }
            var counter = account.counters[key] ?? NaiveCounter()
            let previous = counter.value
            switch line.span {
            case .gauge:
                if usage.time >= counter.latest {
                    counter.latest = usage.time
                    counter.value = usage.quantity
                }
            case .day, .month, .lifetime: counter.value += line.hasValue ? usage.quantity : 1
            }
            let limit = account.limits[meter]
            let fired = reach(
                &counter, usage.account, meter, limit, previous: previous, start: key.start, cause: "usage",
                input: input, offset: offset)
            if !usage.isBackfill {
                say(fired, isClosed: isClosed)
            }
            if fired.isEmpty, counter.value < previous, line.span == .gauge { rearm(&counter, meter) }
            account.counters[key] = counter
        }
        accounts[usage.account] = account
    }

    /// Finds the counter in which an event counts; nil where it comes too late for its period.
    private func place(
        _ account: inout NaiveAccount, _ meter: Int, _ time: Int64
    ) -> (key: NaiveAccount.CounterKey, isClosed: Bool)? {
        let span = catalogue.meters[meter].span
        let clock = clock ?? .min
        guard let newest = NaiveCalendar.bounds(span, around: max(time, clock)),
            let own = NaiveCalendar.bounds(span, around: time)
        else { return (NaiveAccount.CounterKey(meter: meter, start: 0), false) }
        let open = max(account.opened[meter] ?? .min, newest.start)
        account.opened[meter] = open
        let key = NaiveAccount.CounterKey(meter: meter, start: own.start)
        if own.start == open { return (key, false) }
        guard own.end == open, clock < own.end + catalogue.grace else { return nil }
        return (key, clock >= own.end)
    }

    /// Identities of events and reports are remembered in one row.
    private mutating func isNew(_ identity: String) -> Bool {
        guard known.insert(identity).inserted else {
            said.duplicates += 1
            return false
        }
        identities.append(identity)
        if identities.count > catalogue.identities { known.remove(identities.removeFirst()) }
        return true
    }

    // MARK: Feedback

    private mutating func hear(_ feedback: FeedbackIntent, input: Int, offset: Int64) {
        guard isNew("report \(feedback.account) \(feedback.id)") else { return }
        guard sent[feedback.account]?.contains(feedback.trigger) == true else {
            said.deadLetters.append(NaiveDeadLetter(input: input, offset: offset))
            return
        }
        said.outcomes.append(
            NaiveOutcome(
                account: feedback.account, trigger: feedback.trigger,
                kind: feedback.kind == "shown" ? "seen" : feedback.kind, feedback: feedback.id))
        // A customer-success manager's word is for the account.
        if feedback.kind == "declined" { declined.insert(feedback.account) }
        if feedback.kind == "accepted" { declined.remove(feedback.account) }
    }

    // MARK: Arming

    /// Spends the armed thresholds that usage has reached; one trigger for all of them that are one rule's.
    private func reach(
        _ counter: inout NaiveCounter, _ account: String, _ meter: Int, _ limit: Int64?, previous: Int64, start: Int64,
        cause: String, input: Int, offset: Int64
    ) -> [NaiveTrigger] {
        var fired: [NaiveTrigger] = []
        for (rule, line) in catalogue.rules.enumerated() where line.meter == meter {
            var crossed: [Int64] = []
            for (place, threshold) in line.thresholds.enumerated() {
                let mark = NaiveCounter.Mark(rule: rule, threshold: place)
                guard !counter.spent.contains(mark), isReached(line, threshold, by: counter.value, of: limit) else {
                    continue
                }
                counter.spent.insert(mark)
                crossed.append(threshold)
            }
            guard !crossed.isEmpty else { continue }
            let isPeriod = NaiveCalendar.bounds(catalogue.meters[meter].span, around: NaiveCalendar.origin) != nil
            fired.append(
                NaiveTrigger(
                    account: account, rule: line.name, meter: catalogue.meters[meter].name,
                    periodStart: isPeriod ? start : nil, crossed: crossed, previous: previous, current: counter.value,
                    cause: cause, input: input, offset: offset))
        }
        return fired
    }

    private func isReached(
        _ rule: SimulationCatalogue.RuleLine, _ threshold: Int64, by value: Int64, of limit: Int64?
    ) -> Bool {
        switch rule.unit {
        case .absolute: value >= threshold
        case .percent: limit.map { value * 10_000 >= threshold * $0 } ?? false
        }
    }

    /// A gauge that fell strictly below a threshold by its band arms it anew.
    private func rearm(_ counter: inout NaiveCounter, _ meter: Int) {
        for (rule, line) in catalogue.rules.enumerated() where line.meter == meter {
            for (place, threshold) in line.thresholds.enumerated() where counter.value < threshold - line.band {
                counter.spent.remove(NaiveCounter.Mark(rule: rule, threshold: place))
            }
        }
    }

    /// What a rule's mode and a closed period make of triggers that came true.
    private mutating func say(_ fired: [NaiveTrigger], isClosed: Bool) {
        for var trigger in fired {
            switch modes[trigger.rule] {
            case .pause: trigger.reason = "paused"
            case .shadow: trigger.reason = "shadow"
            case .resume, nil:
                if isClosed {
                    trigger.reason = "period_closed"
                } else if declined.contains(trigger.account) {
                    trigger.reason = "declined"
                }
            }
            guard trigger.reason == nil else {
                said.held.append(trigger)
                continue
            }
            said.triggers.append(trigger)
            if let id = published[trigger] { sent[trigger.account, default: []].insert(id) }
        }
    }

    // MARK: Limits

    /// A profile gives an account other limits: a higher one spends what is reached under it, a lower one fires it.
    private mutating func change(_ name: String, to limits: [Int64?], input: Int, offset: Int64) {
        guard var account = accounts[name] else { return }
        for (meter, line) in catalogue.meters.enumerated() {
            if let open = account.opened[meter], let clock,
                let bounds = NaiveCalendar.bounds(line.span, around: open), bounds.end <= clock
            {
                account.opened[meter] = NaiveCalendar.bounds(line.span, around: clock)?.start
            }
            let old = account.limits[meter]
            guard old != limits[meter] else { continue }
            let isHigher = limits[meter].map { new in old.map { new > $0 } ?? false } ?? true
            for (key, before) in account.counters where key.meter == meter {
                var counter = before
                for (rule, line) in catalogue.rules.enumerated() where line.meter == meter && line.unit != .absolute {
                    counter.spent = counter.spent.filter { $0.rule != rule }
                }
                let fired = reach(
                    &counter, name, meter, limits[meter], previous: counter.value, start: key.start,
                    cause: "limit_changed", input: input, offset: offset)
                let isOpen = key.start == (account.opened[meter] ?? 0)
                if isOpen && !isHigher { say(fired, isClosed: false) }
                account.counters[key] = counter
            }
        }
        account.limits = limits
        accounts[name] = account
    }

    // MARK: Looks

    /// Usage of the current window; 0 where nothing was counted, nil for an account that is not known.
    package func usage(_ name: String, meter: Int) -> Int64? {
        guard let account = accounts[name] else { return nil }
        let span = catalogue.meters[meter].span
        guard span == .day || span == .month else {
            return account.counters[NaiveAccount.CounterKey(meter: meter, start: 0)]?.value ?? 0
        }
        guard let open = account.opened[meter], let bounds = NaiveCalendar.bounds(span, around: open),
            (clock ?? .min) < bounds.end
        else { return 0 }
        return account.counters[NaiveAccount.CounterKey(meter: meter, start: open)]?.value ?? 0
    }
}

/// An account in the naive model.
package struct NaiveAccount: Sendable, Equatable {
    /// By meter, nil for unlimited.
    package var limits: [Int64?]
    /// Place of the plan; accounts without profile have the first.
    package var plan = 0
    /// Start of the newest period seen, by meter.
    package var opened: [Int64?]
    var counters: [CounterKey: NaiveCounter] = [:]

    struct CounterKey: Hashable, Sendable {
        var meter: Int
        /// Start of the period, 0 for a counter without one.
        var start: Int64
    }

    init(_ limits: [Int64?]) {
        self.limits = limits
        opened = limits.map { _ in nil }
    }
}

/// A counter in the naive model.
package struct NaiveCounter: Sendable, Equatable {
    package var value: Int64 = 0
    /// Event time of a gauge's value.
    var latest = Int64.min
    var spent: Set<Mark> = []

    struct Mark: Hashable, Sendable {
        var rule: Int
        var threshold: Int
    }
}
