internal import UpsellModel

/// Further triggers of a campaign, at fixed times after the first.
extension PartitionEngine {
    /// - Parameter ghost: the first trigger of a campaign that nobody sees.
    mutating func beginCampaign(_ trigger: Trigger, _ rule: Rule, _ account: Int, ghost: Trigger?) {
        guard !rule.steps.isEmpty else { return }
        let story = story(of: account)
        story.dealings.campaigns.append(
            Campaign(
                id: trigger.id, rule: rule.name,
                pending: rule.steps.map {
                    Campaign.PendingStep(name: $0.name, time: clock.milliseconds + Swift.max($0.delay, 0))
                }, ghost: ghost))
        if story.dealings.campaigns.count > Dealings.campaignsMax { story.dealings.campaigns.removeFirst() }
        dealingsChanged(account)
    }

    /// Claims the steps that are due.
    ///
    /// A step that the catalogue does not know any more, or whose condition does not hold, is left out; it is no signal.
    mutating func startSteps(_ account: Int, at instant: Int64, into effects: inout Effects) {
        let story = story(of: account)
        var index = 0
        while index < story.dealings.campaigns.count {
            let campaign = story.dealings.campaigns[index]
            let due = campaign.pending.filter { $0.time <= instant }
            story.dealings.campaigns[index].pending.removeAll { $0.time <= instant }
            let first = campaign.ghost ?? story.dealings.open.first { $0.trigger.id == campaign.id }?.trigger
            let rule = program.catalogue.rules.firstIndex { $0.name == campaign.rule }
            if let first, let rule {
                for pending in due {
                    guard let step = program.catalogue.rules[rule].steps.first(where: { $0.name == pending.name }),
                        meets(step.condition, campaign.id, account)
                    else { continue }
                    let (trigger, isTrue) = self.step(step.name, of: first, rule, account)
                    var claim = Claim(step: trigger, account: account, rule: rule)
                    if isTrue {
                        claims.append(claim)
                    } else {
                        claim.presented = dressed(trigger, program.catalogue.rules[rule], account)
                        statisticsStored.signals += 1
                        hold(claim, .stale, into: &effects)
                    }
                }
            }
            if story.dealings.campaigns[index].pending.isEmpty {
                story.dealings.campaigns.remove(at: index)
            } else {
                index += 1
            }
        }
    }

    /// Whether a step's condition holds of all that its campaign has sent so far.
    func meets(_ condition: RuleStep.Condition, _ campaign: TriggerID, _ account: Int) -> Bool {
        var progress = Progress()
        for entry in stories[account]?.dealings.open ?? [] where entry.trigger.campaign == campaign {
            progress.delivered = progress.delivered ?? entry.progress.delivered
            progress.seen = progress.seen ?? entry.progress.seen
            progress.isClicked = progress.isClicked || entry.progress.isClicked
        }
        switch condition {
        case .always: return true
        case .notDelivered: return progress.delivered == nil && progress.seen == nil
        case .notSeen: return progress.seen == nil
        case .notClicked: return !progress.isClicked
        case .seen: return progress.seen != nil
        }
    }

    /// - Returns: the step's trigger, and whether what it says is still true.
    private mutating func step(
        _ name: String, of first: Trigger, _ rule: Int, _ account: Int
    ) -> (Trigger, isTrue: Bool) {
        let facts = stepFacts(first, rule, account)
        var trigger = facts ?? first
        trigger.id = DerivedTriggerID.step(name, of: first.id)
        trigger.cause = .step
        trigger.campaign = first.id
        trigger.step = name
        trigger.eventTime = clock
        trigger.coordinates = nil
        trigger.expires = nil
        trigger.arm = first.arm
        return (trigger, facts != nil)
    }

    /// A quota's numbers of now; of everything else the step repeats what happened.
    ///
    /// - Returns: nil where a quota's statement is no longer true.
    mutating func stepFacts(_ trigger: Trigger, _ rule: Int, _ account: Int) -> Trigger? {
        guard trigger.signal == .limit || trigger.signal == .pace else { return trigger }
        guard var fresh = judgeAgain(trigger, signal: program.ruleSignals[rule], account: account) else { return nil }
        fresh.id = trigger.id
        fresh.cause = trigger.cause
        fresh.campaign = trigger.campaign
        fresh.step = trigger.step
        fresh.eventTime = trigger.eventTime
        fresh.coordinates = trigger.coordinates
        fresh.arm = trigger.arm
        return fresh
    }

    /// Nothing of the campaign comes any more.
    mutating func stopCampaign(_ campaign: TriggerID, _ account: Int, into effects: inout Effects) {
        let story = story(of: account)
        story.dealings.campaigns.removeAll { $0.id == campaign }
        for index in story.dealings.owed.indices.reversed() {
            let trigger = story.dealings.owed[index].trigger
            if trigger.campaign == campaign, trigger.step != nil { end(index, of: account, .stale, into: &effects) }
        }
    }
}
