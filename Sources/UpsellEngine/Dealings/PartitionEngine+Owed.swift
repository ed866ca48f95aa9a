internal import UpsellModel

/// What is refused, for good or for a time, and what is judged again.
extension PartitionEngine {
    /// Holds a claim back and says so, once for each key and reason.
    ///
    /// - Parameter until: of a temporary reason: when it is judged again; `.max` where no instant is known.
    mutating func hold(_ claim: Claim, _ reason: HoldReason, until: Int64? = nil, into effects: inout Effects) {
        if reason.isTemporary, let until { return owe(claim, reason, until: until, into: &effects) }
        tell(claim.presented, reason, into: &effects)
        move(claim.standing, to: Self.standing(reason))
    }

    private static func standing(_ final: HoldReason) -> Standing {
        switch final {
        case .shadow, .fuse: .shadowed
        case .merged: .merged
        case .holdout: .ghost
        default: .held
        }
    }

    mutating func tell(_ trigger: Trigger, _ reason: HoldReason, until: Int64? = nil, into effects: inout Effects) {
        statisticsStored.refusals += 1
        effects.held.append(
            HeldTrigger(
                trigger: trigger, reason: reason,
                until: until.flatMap { $0 == .max ? nil : Timestamp(milliseconds: $0) }))
    }

    /// Keeps a claim until an instant.
    ///
    /// Of a rule's limit triggers the highest threshold stays; beyond `owedMax` the least goes: of the lowest priority
    /// the oldest.
    ///
    /// - Parameter reason: nil for what competes; nothing is said of it.
    mutating func owe(_ claim: Claim, _ reason: HoldReason?, until: Int64, into effects: inout Effects) {
        var claim = claim
        let story = story(of: claim.account)
        if let reason, planted == .toldAgain || !claim.told.contains(.of(reason)) {
            claim.told.insert(.of(reason))
            tell(claim.presented, reason, until: until, into: &effects)
        }
        let entry = OwedTrigger(
            trigger: claim.trigger, reason: reason, until: until, told: claim.told, isCounted: claim.isCounted)
        move(claim.standing, to: entry.standing)
        if !entry.isCounted { statisticsStored.awaitingAudience += 1 }
        supersedeLower(claim, into: &effects)
        let own = severity(claim.trigger)
        let isLower = story.dealings.owed.contains { other in
            isComparable(other.trigger, claim.trigger) && severity(other.trigger) > own
        }
        story.dealings.owed.append(entry)
        if isLower { end(story.dealings.owed.count - 1, of: claim.account, .superseded, into: &effects) }
        while story.dealings.owed.count > Swift.max(policy.owedMax, 1) {
            let priorities = story.dealings.owed.map { entry in
                program.catalogue.rules.first { $0.name == entry.trigger.rule }?.priority ?? .min
            }
            let least = priorities.indices.min { priorities[$0] < priorities[$1] } ?? 0
            end(least, of: claim.account, .superseded, into: &effects)
        }
        dealingsChanged(claim.account)
    }

    /// Ends what is owed for good.
    mutating func end(_ index: Int, of account: Int, _ reason: HoldReason, into effects: inout Effects) {
        let story = story(of: account)
        let entry = story.dealings.owed.remove(at: index)
        dealingsChanged(account)
        guard entry.isCounted else {
            // It never came to be a signal.
            statisticsStored.awaitingAudience -= 1
            statisticsStored.outOfAudience += 1
            return
        }
        let rule = program.catalogue.rules.first { $0.name == entry.trigger.rule }
        tell(rule.map { dressed(entry.trigger, $0, account) } ?? entry.trigger, reason, into: &effects)
        move(entry.standing, to: .held)
    }

    // MARK: Thresholds of one rule

    /// Whether of the two only the higher threshold is worth saying.
    func isComparable(_ one: Trigger, _ other: Trigger) -> Bool {
        one.rule == other.rule && one.id != other.id && one.signal == .limit && other.signal == .limit
            && one.step == nil && other.step == nil
    }

    /// Position of the highest crossed threshold in the rule's order of severity.
    func severity(_ trigger: Trigger) -> Int {
        guard let rule = program.catalogue.rules.first(where: { $0.name == trigger.rule }),
            case .limit(let signal) = rule.signal, let usage = trigger.usage
        else { return 0 }
        return signal.thresholds.firstIndex(of: usage.highest) ?? 0
    }

    /// A threshold goes out or is owed: lower ones of the rule that are still owed are worth nothing more.
    mutating func supersedeLower(_ claim: Claim, into effects: inout Effects) {
        guard claim.trigger.signal == .limit, !claim.isStep, planted != .lowerStaysOwed,
            let story = stories[claim.account]
        else { return }
        let own = severity(claim.trigger)
        for index in story.dealings.owed.indices.reversed() {
            let other = story.dealings.owed[index].trigger
            guard isComparable(other, claim.trigger), severity(other) < own else { continue }
            end(index, of: claim.account, .superseded, into: &effects)
        }
    }

    /// The limit that an owed trigger is about has another version.
    mutating func supersedeByLimits(_ account: Int, into effects: inout Effects) {
        guard let story = stories[account] else { return }
        for index in story.dealings.owed.indices.reversed() where isOutdated(story.dealings.owed[index], account) {
            end(index, of: account, .superseded, into: &effects)
        }
    }

    private func isOutdated(_ entry: OwedTrigger, _ account: Int) -> Bool {
        guard entry.trigger.signal == .limit || entry.trigger.signal == .pace, let usage = entry.trigger.usage,
            let meter = program.catalogue.meter(named: usage.meter)
        else {
            return false
        }
        return cells[account * meterCount + meter.index].limitVersion != usage.limitVersion
    }

    // MARK: Judging again

    /// The arbitration window is over: all that competed are judged again and the best of them goes on.
    mutating func endCompetition(_ account: Int, into effects: inout Effects) {
        let story = story(of: account)
        story.dealings.competitionEnd = .max
        claimAgain(account, into: &effects) { $0.reason == nil }
    }

    /// What lapses at `instant`.
    mutating func releaseOwed(_ account: Int, at instant: Int64, into effects: inout Effects) {
        claimAgain(account, into: &effects) { $0.until <= instant }
    }

    /// Who waits for the audience is claimed once it holds.
    ///
    /// - Parameter endsEpisodes: looks too whether those that go on waiting are still true.
    mutating func askAudiences(_ account: Int, endsEpisodes: Bool, into effects: inout Effects) {
        guard let story = stories[account] else { return }
        var met: [TriggerID] = []
        for entry in story.dealings.owed where entry.reason == .audience {
            guard let rule = program.catalogue.rules.first(where: { $0.name == entry.trigger.rule }) else {
                met.append(entry.trigger.id)
                continue
            }
            if rule.audience.map({ holds($0, account) }) ?? true { met.append(entry.trigger.id) }
        }
        if endsEpisodes {
            for entry in story.dealings.owed
            where entry.reason == .audience && !met.contains(entry.trigger.id)
                && isOver(entry, account)
            {
                met.append(entry.trigger.id)
            }
        }
        guard !met.isEmpty else { return }
        claimAgain(account, into: &effects) { met.contains($0.trigger.id) }
    }

    private mutating func isOver(_ entry: OwedTrigger, _ account: Int) -> Bool {
        guard let rule = ruleInForce(of: entry.trigger) else { return true }
        return judgeAgain(entry.trigger, signal: program.ruleSignals[rule], account: account) == nil
    }

    /// Takes entries out and puts what is still true of them among the claims.
    private mutating func claimAgain(
        _ account: Int, into effects: inout Effects, where isDue: (OwedTrigger) -> Bool
    ) {
        let story = story(of: account)
        var index = 0
        while index < story.dealings.owed.count {
            guard isDue(story.dealings.owed[index]) else {
                index += 1
                continue
            }
            let entry = story.dealings.owed[index]
            if isOutdated(entry, account) {
                end(index, of: account, .superseded, into: &effects)
                continue
            }
            guard let rule = ruleInForce(of: entry.trigger), var trigger = again(entry.trigger, rule, account) else {
                end(index, of: account, .stale, into: &effects)
                continue
            }
            story.dealings.owed.remove(at: index)
            if !entry.isCounted { statisticsStored.awaitingAudience -= 1 }
            trigger.id = entry.trigger.id
            // Nothing held back what only competed.
            trigger.cause =
                entry.reason == nil || entry.trigger.step != nil ? entry.trigger.cause : .released
            var claim = Claim(entry, trigger, account: account, rule: rule)
            claim.hasCompeted = entry.reason == nil
            claims.append(claim)
        }
        dealingsChanged(account)
    }

    /// The rule in the catalogue that decides by what the trigger was decided by; nil where there is none any more.
    func ruleInForce(of trigger: Trigger) -> Int? {
        guard let rule = program.catalogue.rules.firstIndex(where: { $0.name == trigger.rule }) else { return nil }
        return program.signals[program.ruleSignals[rule]].version == trigger.ruleVersion ? rule : nil
    }

    /// Facts of now; nil where it is no longer true.
    private mutating func again(_ trigger: Trigger, _ rule: Int, _ account: Int) -> Trigger? {
        if planted == .releasedUnjudged { return trigger }
        guard let step = trigger.step else {
            return judgeAgain(trigger, signal: program.ruleSignals[rule], account: account)
        }
        guard let definition = program.catalogue.rules[rule].steps.first(where: { $0.name == step }),
            let campaign = trigger.campaign, meets(definition.condition, campaign, account)
        else { return nil }
        return stepFacts(trigger, rule, account)
    }
}
