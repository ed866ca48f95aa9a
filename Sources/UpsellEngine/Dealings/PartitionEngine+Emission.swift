internal import UpsellModel

/// What qualification adds to a trigger, and its going out.
extension PartitionEngine {
    /// Facts of the profile, for words and for those who read why something was held.
    func dressed(_ trigger: Trigger, _ rule: Rule, _ account: Int) -> Trigger {
        var trigger = trigger
        trigger.kind = rule.kind
        trigger.recipient = rule.recipient
        trigger.segments = segments(of: account)
        complete(&trigger, account)
        return trigger
    }

    /// Remedy, offer, channels and recipient; opted-out channels are dropped, and so may all be.
    func present(_ trigger: inout Trigger, _ rule: Rule, _ account: Int) {
        let remedy = rule.kind == .service ? nil : remedy(for: account, trigger: trigger)
        let optOut = termsIndex[account] >= 0 ? terms[Int(termsIndex[account])]?.facts.optOut ?? [] : []
        let routes = rule.steps.first { $0.name == trigger.step && !$0.channels.isEmpty }?.channels ?? rule.channels
        let open = routes.filter { route in route.condition.map { holds($0, account) } ?? true }
        trigger.present(
            rule, remedy, open, optOut: rule.kind == .service || planted == .optOutIgnored ? [] : optOut, at: clock)
    }

    /// Publishes a trigger, opens it, and begins its campaign.
    mutating func emit(_ claim: Claim, _ rule: Rule, into effects: inout Effects) {
        let account = claim.account
        let now = clock.milliseconds
        var trigger = claim.presented
        trigger.expires = clock + rule.expiresAfter
        if !claim.isStep, !rule.steps.isEmpty { trigger.campaign = trigger.id }
        effects.triggers.append(trigger)
        move(claim.standing, to: .emitted)
        let story = story(of: account)
        story.dealings.open.append(
            OpenTrigger(
                trigger: trigger, emitted: now,
                tellsResolved: rule.tellsResolved && trigger.signal == .limit && !claim.isStep))
        effects.noteOpened(trigger.account)
        if !claim.isStep { beginCampaign(trigger, rule, account, ghost: nil) }
        while story.dealings.open.count > Swift.max(policy.openMax, 1) {
            close(0, of: account, .withdrawn, Closing(time: clock), into: &effects)
        }
        dealingsChanged(account)
    }

    /// Remembers what would have gone out, had the account not been held out.
    mutating func keepGhost(_ claim: Claim, _ rule: Rule, into effects: inout Effects) {
        let account = claim.account
        var claim = claim
        claim.presented.expires = clock + rule.expiresAfter
        if !claim.isStep, !rule.steps.isEmpty { claim.presented.campaign = claim.presented.id }
        hold(claim, .holdout, into: &effects)
        remember(
            ClosedTrigger(claim.presented, emitted: clock.milliseconds, Progress(), .ghost), of: account)
        if !claim.isStep { beginCampaign(claim.presented, rule, account, ghost: claim.presented) }
    }

    /// Whether one more account is one too many for the rule's fuse; it is in shadow then.
    ///
    /// - Parameter last: when the rule last reached the account.
    mutating func blowsFuse(_ rule: String, _ last: Int64?, into effects: inout Effects) -> Bool {
        guard let fuse = policy.fuse else { return false }
        let now = clock.milliseconds
        if let last, FuseWindow.isRecent(last, at: now) { return false }
        let reached = safety.reached(rule, at: now) + 1
        // Each partition has its share of the accounts, rounded up, and at least one.
        let byCount = fuse.accounts.map { (Swift.max($0, 0) + partitionCount - 1) / partitionCount } ?? .max
        let byShare =
            fuse.share.map { share in
                Int((Int128(accounts.count) * Int128(Swift.max(share, 0)) + 9_999) / 10_000)
            } ?? .max
        guard reached > Swift.max(1, Swift.min(byCount, byShare)) else { return false }
        safety.set(.fused, of: rule, by: "", at: now)
        written.isExtensionDue = true
        effects.fused.append(FusedRule(rule: rule, accounts: reached, time: clock))
        return true
    }
}

extension Trigger {
    /// Remedies without offer, by their reason: people have to talk, or there is nothing to sell.
    private static let unsold: [Remedy.Reason] = [.topPlan, .customPlan, .fromPrice, .contactPrice, .alreadyEntitled]

    /// Adds what a rule says of recipient, channels and offer.
    ///
    /// - Parameters:
    ///   - remedy: nil for a service notice, which offers nothing.
    ///   - routes: those whose condition holds.
    mutating func present(
        _ rule: Rule, _ remedy: Remedy?, _ routes: [ChannelRoute], optOut: [String], at now: Timestamp
    ) {
        self.remedy = remedy
        recipient = rule.recipient
        channels = []
        offer = nil
        if let remedy, remedy.kind == .none, let reason = remedy.reason, Self.unsold.contains(reason),
            !(rule.offer?.stands(without: reason, signal) ?? false)
        {
            recipient = .csm
            channels = ["csm"].filter { !optOut.contains($0) }
            return
        }
        for route in routes where !channels.contains(route.channel) {
            if let least = route.gainMin, (remedy?.difference ?? .min) < least { continue }
            channels.append(route.channel)
        }
        // A rule without a route for this account still says what it has to say, in the product itself.
        if channels.isEmpty { channels = ["in_app"] }
        channels.removeAll { optOut.contains($0) }
        guard let remedy, let offer = rule.offer else { return }
        // An upgrade that an add-on makes unnecessary is no upgrade.
        let kind = offer.kind == .upgrade && remedy.kind == .addOn ? .addOn : offer.kind
        self.offer = PresentedOffer(
            kind: kind, value: offer.value, expires: offer.validFor.map { now + $0 },
            link: offer.link.map {
                OfferLink.expand($0, account: account, plan: remedy.target ?? plan, trigger: id.description)
            }, resources: offer.resources)
    }
}

extension Offer {
    /// Whether it is no offer of more: asking why, talking where a price is to be talked about, paying by the year, or less
    /// for staying (a life-cycle event is about the plan that the account has). Everything else sells what the remedy names.
    fileprivate func stands(without reason: Remedy.Reason, _ signal: Trigger.SignalKind) -> Bool {
        switch kind {
        case .survey, .annualSwitch: true
        case .demo, .call: reason == .fromPrice || reason == .contactPrice
        case .discount: signal == .event
        case .upgrade, .trial, .addOn: false
        }
    }
}
