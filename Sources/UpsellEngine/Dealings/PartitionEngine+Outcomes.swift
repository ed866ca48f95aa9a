public import UpsellModel

/// Why feedback changed something or nothing.
public enum FeedbackDisposition: Sendable, Equatable, CaseIterable {
    case applied
    /// Its id is known: nothing has changed.
    case duplicate
    /// Of no trigger that the partition knows: never sent, of an erased account, or closed and sent longer ago than the
    /// attribution window.
    case unknownTrigger
}

/// What brought an outcome about.
struct Closing {
    var time: Timestamp
    var feedback: Feedback?

    init(time: Timestamp) { self.time = time }

    init(_ feedback: Feedback) {
        time = feedback.time
        self.feedback = feedback
    }
}

extension PartitionEngine {
    /// A snooze or "not now" that names no end.
    static let snoozeDefault: Int64 = 7 * .millisecondsPerDay

    /// Applies what a channel or a customer-success manager reports.
    ///
    /// The first report of an id counts. A dismissal binds its recipient for the episode, a snooze its rule, a
    /// customer-success manager's verdict the account; late reports of triggers that are closed are told and bind too.
    @discardableResult
    public mutating func apply(
        feedback: Feedback, account: String, recordTime: Timestamp, into effects: inout Effects
    ) -> FeedbackDisposition {
        statisticsStored.feedback += 1
        guard identities.insert(Self.identity(of: feedback, account), at: clock.milliseconds) else {
            statisticsStored.feedbackRepeated += 1
            return .duplicate
        }
        let key = unsafe account.utf8.span.bytes
        let number = accounts.find(xxh3(key), key)
        guard number >= 0, let story = stories[number] else { return unknown() }
        if let index = story.dealings.open.firstIndex(where: { $0.trigger.id == feedback.trigger }) {
            story.dealings.open[index].progress.note(feedback)
            let trigger = story.dealings.open[index].trigger
            bind(feedback, trigger.rule, trigger.recipient, trigger.episode, story)
            let kind = feedback.kind.outcome
            if kind.closes {
                close(index, of: number, kind, Closing(feedback), into: &effects)
            } else {
                let emitted = story.dealings.open[index].emitted
                publish(Outcome(trigger, kind, feedback.time, emitted: emitted), number, feedback, into: &effects)
            }
        } else if let index = story.dealings.closed.firstIndex(where: {
            // What is kept longer (a conversion that may be taken back, what nobody has tidied up yet) is known no more.
            $0.id == feedback.trigger && $0.arm != .holdout
                && $0.emitted + policy.attributionWindow >= clock.milliseconds
        }) {
            story.dealings.closed[index].progress.note(feedback)
            let closed = story.dealings.closed[index]
            bind(feedback, closed.rule, closed.recipient, closed.episode, story)
            publish(
                Outcome(closed, account, feedback.kind.outcome, feedback.time), number, feedback, into: &effects)
        } else {
            return unknown()
        }
        dealingsChanged(number)
        qualifyRaised(into: &effects)
        return .applied
    }

    private mutating func unknown() -> FeedbackDisposition {
        statisticsStored.feedbackUnknown += 1
        return .unknownTrigger
    }

    /// Among the identities of events, under a name that no source has: a URI has no NUL.
    private static func identity(of feedback: Feedback, _ account: String) -> UInt64 {
        StableHash.of("\u{0}feedback\u{0}\(account)\u{0}\(feedback.id)")
    }

    private func bind(
        _ feedback: Feedback, _ rule: String, _ recipient: Recipient, _ episode: Timestamp, _ story: AccountStory
    ) {
        let until = feedback.until?.milliseconds ?? clock.milliseconds + Self.snoozeDefault
        switch feedback.kind {
        case .delivered, .shown, .clicked, .answered: return
        case .dismissed, .wrongPerson: break
        case .snoozed: return snooze(rule, until, story)
        case .notNow:
            guard feedback.isVerdict else { return snooze(rule, until, story) }
            return story.dealings.notNowUntil = Swift.max(story.dealings.notNowUntil, until)
        case .declined, .noBudget:
            guard feedback.isVerdict else { break }
            return story.dealings.declinedUntil = feedback.until?.milliseconds ?? .max
        case .accepted, .qualified:
            guard feedback.isVerdict else { return }
            story.dealings.declinedUntil = .min
            story.dealings.notNowUntil = .min
            return
        }
        let who = feedback.recipient.flatMap(Recipient.init(rawValue:)) ?? recipient
        let dismissal = Dismissal(rule: rule, recipient: who, episode: episode)
        guard !story.dealings.dismissals.contains(dismissal) else { return }
        story.dealings.dismissals.append(dismissal)
        if story.dealings.dismissals.count > Dealings.dismissalsMax { story.dealings.dismissals.removeFirst() }
    }

    private func snooze(_ rule: String, _ until: Int64, _ story: AccountStory) {
        let now = clock.milliseconds
        story.dealings.snoozes.removeAll { $0.time <= now && $0.rule != rule }
        story.dealings.snoozes.set(rule, Swift.max(until, story.dealings.snoozes[rule] ?? .min))
        if story.dealings.snoozes.count > Dealings.snoozesMax { story.dealings.snoozes.removeFirst() }
    }

    // MARK: Closing

    /// Takes a trigger out of the open set and says why; its campaign is over.
    mutating func close(
        _ index: Int, of account: Int, _ kind: OutcomeKind, _ closing: Closing, into effects: inout Effects
    ) {
        let story = story(of: account)
        let entry = story.dealings.open.remove(at: index)
        effects.noteOpened(entry.trigger.account)
        remember(
            ClosedTrigger(entry.trigger, emitted: entry.emitted, entry.progress, kind == .expired ? .expired : .other),
            of: account)
        if let campaign = entry.trigger.campaign { stopCampaign(campaign, account, into: &effects) }
        publish(
            Outcome(entry.trigger, kind, closing.time, emitted: entry.emitted), account, closing.feedback,
            into: &effects)
        dealingsChanged(account)
    }

    /// Keeps what attribution and late feedback need, for the attribution window and within a bound.
    mutating func remember(_ closed: ClosedTrigger, of account: Int) {
        let story = story(of: account)
        let window = policy.attributionWindow
        let now = clock.milliseconds
        story.dealings.closed.append(closed)
        story.dealings.closed.removeAll {
            $0.emitted + window < now && ($0.conversion.map { $0.time + window < now } ?? true)
        }
        if story.dealings.closed.count > Dealings.closedMax { story.dealings.closed.removeFirst() }
        dealingsChanged(account)
    }

    mutating func expireOpen(_ account: Int, at instant: Int64, into effects: inout Effects) {
        let story = story(of: account)
        while let index = story.dealings.open.firstIndex(where: { $0.expires <= instant }) {
            let time = Timestamp(milliseconds: story.dealings.open[index].expires)
            close(index, of: account, .expired, Closing(time: time), into: &effects)
        }
    }

    /// Nobody sells to an account that has left.
    mutating func withdrawIfCancelled(_ account: Int, _ moment: Moment, into effects: inout Effects) {
        guard let story = stories[account], termsIndex[account] >= 0,
            terms[Int(termsIndex[account])]?.status(at: clock.milliseconds) == .cancelled
        else { return }
        while let index = story.dealings.open.firstIndex(where: { $0.trigger.kind == .promotional }) {
            close(
                index, of: account, .withdrawn, Closing(time: Timestamp(milliseconds: moment.time)), into: &effects)
        }
    }

    /// Usage has fallen back strictly below the lowest threshold that was crossed, by the band: said once a trigger.
    mutating func tellResolved(_ account: Int, into effects: inout Effects) {
        let story = story(of: account)
        for index in story.dealings.open.indices where story.dealings.open[index].tellsResolved {
            let entry = story.dealings.open[index]
            guard isResolved(entry.trigger, account) else { continue }
            story.dealings.open[index].tellsResolved = false
            publish(
                Outcome(entry.trigger, .resolved, clock, emitted: entry.emitted), account, nil, into: &effects)
            dealingsChanged(account)
        }
    }

    /// Under the limit and in the period that the trigger was about; a new period resolves nothing.
    private func isResolved(_ trigger: Trigger, _ account: Int) -> Bool {
        guard let usage = trigger.usage, let lowest = usage.crossed.first,
            let meter = program.catalogue.meter(named: usage.meter),
            let rule = program.rules.first(where: {
                program.catalogue.rules[$0.rule].name == trigger.rule && program.signals[$0.signal].part < 0
            }),
            cells[account * meterCount + meter.index].limitVersion == usage.limitVersion,
            let release = program.release(rule, lowest, limit(account, meter.index))
        else { return false }
        let code = program.meters[meter.index]
        if code.group >= 0, let period = usage.period {
            guard periods[account * groupCount + code.group].start == period.start.milliseconds else { return false }
        }
        guard let dimension = usage.dimension?.value else {
            return cells[account * meterCount + meter.index].value < release
        }
        let side = sideKey(account, meter.index, dimension: unsafe Self.hash(ofDimension: dimension.utf8.span.bytes))
        return sideIndex[side].map { sides[Int($0)].cell.value < release } ?? false
    }

    // MARK: Saying

    /// Publishes an outcome and shows it to the signals that listen to outcomes.
    mutating func publish(
        _ outcome: Outcome, _ account: Int, _ feedback: Feedback? = nil, into effects: inout Effects
    ) {
        var outcome = outcome
        outcome.recipient = feedback?.recipient
        outcome.channel = feedback?.channel
        outcome.reason = feedback?.reason
        outcome.until = feedback?.until
        outcome.feedback = feedback?.id
        effects.outcomes.append(outcome)
        statisticsStored.outcomes += 1
        guard outcomeDepth <= Self.outcomeDepthMax else { return }
        let moment = Moment(
            time: outcome.time.milliseconds, coordinates: nil, cause: .outcome, silent: false,
            identity: StableHash.of(outcome.id))
        observe(outcome, account, moment, into: &effects)
    }
}

extension Feedback {
    /// A customer-success manager speaks for the account, everybody else for himself.
    var isVerdict: Bool { recipient == Recipient.csm.rawValue || channel == Recipient.csm.rawValue }
}

extension Progress {
    /// Whatever somebody answers was seen, and what was seen was delivered.
    mutating func note(_ feedback: Feedback) {
        let time = feedback.time.milliseconds
        delivered = Swift.max(delivered ?? .min, time)
        switch feedback.kind {
        case .delivered, .wrongPerson: break
        case .clicked:
            isClicked = true
            seen = Swift.max(seen ?? .min, time)
        case .shown, .dismissed, .snoozed, .accepted, .declined, .qualified, .answered, .notNow, .noBudget:
            seen = Swift.max(seen ?? .min, time)
        }
    }
}

extension Outcome {
    init(_ trigger: Trigger, _ kind: OutcomeKind, _ time: Timestamp, emitted: Int64) {
        self.init(
            trigger: trigger.id, account: trigger.account, rule: trigger.rule, signal: trigger.signal, kind: kind,
            time: time, emitted: Timestamp(milliseconds: emitted))
        campaign = trigger.campaign
        step = trigger.step
        arm = trigger.arm
    }

    init(_ closed: ClosedTrigger, _ account: String, _ kind: OutcomeKind, _ time: Timestamp) {
        self.init(
            trigger: closed.id, account: account, rule: closed.rule, signal: closed.signal, kind: kind, time: time,
            emitted: Timestamp(milliseconds: closed.emitted))
        campaign = closed.campaign
        step = closed.step
        arm = closed.arm
    }
}
