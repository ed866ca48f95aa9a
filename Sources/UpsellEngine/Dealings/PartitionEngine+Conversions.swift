internal import UpsellModel

/// Upgrades, add-ons and their reversals, and which trigger they are due to (contract §7).
extension PartitionEngine {
    /// What an account has, as far as sales are concerned.
    private struct Subscription {
        var plan: String
        /// Position on the ladder; nil off it: unknown plans and custom ones.
        var rank: Int?
        /// The same of the plan on trial; that of the plan itself where the trial names none.
        var triedRank: Int?
        var status: Profile.Status
        var mrr: Int64?
        var currency: String?
    }

    /// Compares what an account has with what it had.
    mutating func noteUpgrade(_ account: Int, from last: Terms?, _ moment: Moment, into effects: inout Effects) {
        guard termsIndex[account] >= 0, let own = terms[Int(termsIndex[account])] else { return }
        let isProfile = moment.coordinates != nil
        let now = standing(own)
        var known = defaultStanding
        if let last { known = standing(last) }
        guard let before = known else { return }
        takeBack(account, before, now, from: last, own, moment, isProfile, into: &effects)
        let amount = isProfile ? difference(before, now) : nil
        if isUpgrade(before, now) {
            let story = story(of: account)
            if policy.upgradePause > 0 {
                story.dealings.upgradedAt = clock == .earliest ? moment.time : clock.milliseconds
            }
            story.dealings.declinedUntil = .min
            story.dealings.notNowUntil = .min
            dealingsChanged(account)
            let conversion = Conversion(
                time: moment.time, fromPlan: before.plan, toPlan: now.plan, mrrBefore: before.mrr, amount: amount,
                currency: amount == nil ? nil : now.currency)
            convert(account, conversion, meters: nil, into: &effects)
            for index in story.dealings.owed.indices.reversed() where isPromotional(story.dealings.owed[index]) {
                end(index, of: account, .superseded, into: &effects)
            }
            story.dealings.campaigns.removeAll { $0.ghost != nil }
            return
        }
        guard isProfile, let last, now.status != .cancelled else { return }
        for holding in Self.held(own) {
            let had = Self.quantity(of: holding.addOn, last)
            guard Self.quantity(of: holding.addOn, own) > had,
                let addOn = program.catalogue.addOns.first(where: { $0.name == holding.addOn })
            else { continue }
            let meters = program.catalogue.meters.indices.filter { addOn.adds[$0] > 0 }
            let conversion = Conversion(
                time: moment.time, fromPlan: before.plan, toPlan: now.plan, addOn: addOn.name, quantityBefore: had,
                mrrBefore: before.mrr, amount: amount, currency: amount == nil ? nil : now.currency)
            convert(
                account, conversion, meters: meters.map { program.catalogue.meters[$0].name }, into: &effects)
        }
    }

    /// What waits for its audience is no signal yet, and the upgrade may be what it waits for.
    private func isPromotional(_ entry: OwedTrigger) -> Bool {
        entry.isCounted && program.catalogue.rules.first { $0.name == entry.trigger.rule }?.kind != .service
    }

    private func standing(_ own: Terms) -> Subscription {
        let plan = own.paidPlan(at: own.limitsAt)
        return Subscription(
            plan: plan, rank: rank(plan), triedRank: rank(own.facts.trial?.plan ?? plan),
            status: own.status(at: own.limitsAt), mrr: own.facts.mrr, currency: own.facts.currency)
    }

    /// What an account without profile has, where that is known.
    private var defaultStanding: Subscription? {
        program.defaultPlan.map { index in
            let plan = program.catalogue.plans[index].name
            return Subscription(plan: plan, rank: rank(plan), status: .active)
        }
    }

    private func rank(_ plan: String) -> Int? {
        program.catalogue.plans.firstIndex { $0.name == plan && !$0.isCustom }
    }

    /// Change of MRR where both tell it, in one currency.
    private func difference(_ before: Subscription, _ now: Subscription) -> Int64? {
        guard let old = before.mrr, let new = now.mrr, before.currency == now.currency else { return nil }
        let (difference, overflow) = new.subtractingReportingOverflow(old)
        return overflow ? nil : difference
    }

    /// Higher on the ladder, or off it with higher MRR.
    ///
    /// Trials are a kind of their own: their beginning sells nothing, and their end does if the account buys at least
    /// what it tried. Who leaves has bought nothing.
    private func isUpgrade(_ before: Subscription, _ now: Subscription) -> Bool {
        guard now.status != .trialing, now.status != .cancelled else { return false }
        guard let old = before.rank, let new = now.rank else { return (difference(before, now) ?? 0) > 0 }
        return new > old || (before.status == .trialing && new >= before.triedRank ?? .max)
    }

    // MARK: Attribution

    /// Exactly one trigger converts: the latest seen, else the latest delivered, else the latest sent, else the latest
    /// ghost; the other open ones are superseded.
    ///
    /// - Parameter meters: names of those that an add-on lifts; nil: an upgrade lifts everything.
    private mutating func convert(
        _ account: Int, _ conversion: Conversion, meters: [String]?, into effects: inout Effects
    ) {
        guard let story = stories[account] else { return }
        let earliest = clock.milliseconds - policy.attributionWindow
        func concerns(_ meter: String?) -> Bool {
            guard let meters else { return true }
            return meter.map { meters.contains($0) } ?? false
        }
        var best: (score: (Int, Int64, Int64), id: TriggerID)?
        func consider(_ id: TriggerID, _ emitted: Int64, _ progress: Progress, isGhost: Bool) {
            guard emitted >= earliest else { return }
            let score =
                if isGhost {
                    (0, emitted, emitted)
                } else if let seen = progress.seen {
                    (3, seen, emitted)
                } else if let delivered = progress.delivered {
                    (2, delivered, emitted)
                } else {
                    (1, emitted, emitted)
                }
            if best.map({ score >= $0.score }) ?? true { best = (score, id) }
        }
        for entry in story.dealings.closed where entry.mayConvert && concerns(entry.meter) {
            consider(entry.id, entry.emitted, entry.progress, isGhost: entry.ending == .ghost)
        }
        for entry in story.dealings.open where concerns(entry.trigger.usage?.meter) {
            consider(entry.trigger.id, entry.emitted, entry.progress, isGhost: false)
        }
        if let best { markConverted(best.id, account, conversion, into: &effects) }
        while let index = story.dealings.open.firstIndex(where: { concerns($0.trigger.usage?.meter) }) {
            close(
                index, of: account, .superseded, Closing(time: Timestamp(milliseconds: conversion.time)),
                into: &effects)
        }
    }

    private mutating func markConverted(
        _ id: TriggerID, _ account: Int, _ conversion: Conversion, into effects: inout Effects
    ) {
        let story = story(of: account)
        if let index = story.dealings.open.firstIndex(where: { $0.trigger.id == id }) {
            let entry = story.dealings.open.remove(at: index)
            effects.noteOpened(entry.trigger.account)
            remember(ClosedTrigger(entry.trigger, emitted: entry.emitted, entry.progress, .converted), of: account)
            if let campaign = entry.trigger.campaign { stopCampaign(campaign, account, into: &effects) }
        }
        guard let index = story.dealings.closed.lastIndex(where: { $0.id == id }) else { return }
        story.dealings.closed[index].ending = .converted
        story.dealings.closed[index].conversion = conversion
        publish(
            outcome(story.dealings.closed[index], .converted, account, conversion, at: conversion.time),
            account, into: &effects)
        dealingsChanged(account)
    }

    private func outcome(
        _ closed: ClosedTrigger, _ kind: OutcomeKind, _ account: Int, _ conversion: Conversion, at time: Int64
    ) -> Outcome {
        var outcome = Outcome(closed, accounts.name(of: account), kind, Timestamp(milliseconds: time))
        outcome.fromPlan = conversion.fromPlan
        outcome.toPlan = conversion.toPlan
        outcome.amount = conversion.amount
        outcome.currency = conversion.currency
        return outcome
    }

    // MARK: Reversals

    /// Takes conversions back whose account is where it was before them, or lower.
    ///
    /// An add-on that ends by itself was bought for that long; only a profile without it is a reversal.
    private mutating func takeBack(
        _ account: Int, _ before: Subscription, _ now: Subscription, from last: Terms?, _ own: Terms, _ moment: Moment,
        _ isProfile: Bool, into effects: inout Effects
    ) {
        guard let story = stories[account] else { return }
        let window = policy.attributionWindow
        let clock = clock.milliseconds
        for index in story.dealings.closed.indices {
            guard story.dealings.closed[index].ending == .converted,
                let conversion = story.dealings.closed[index].conversion,
                clock <= conversion.time || clock - conversion.time <= window
            else { continue }
            let isBack: Bool
            if let addOn = conversion.addOn {
                isBack =
                    isProfile && (last.map { Self.quantity(of: addOn, $0) } ?? 0) > conversion.quantityBefore
                    && (Self.quantity(of: addOn, own) <= conversion.quantityBefore || now.status == .cancelled)
            } else if now.status == .cancelled {
                isBack = before.status != .cancelled
            } else if let old = rank(conversion.fromPlan), let new = now.rank {
                isBack = new <= old && now.plan != conversion.toPlan
            } else {
                let isLower = conversion.mrrBefore.flatMap { old in now.mrr.map { $0 <= old } } ?? false
                isBack = isLower || (now.plan == conversion.fromPlan && now.plan != conversion.toPlan)
            }
            guard isBack else { continue }
            story.dealings.closed[index].ending = .reverted
            var reverted = outcome(story.dealings.closed[index], .reverted, account, conversion, at: moment.time)
            reverted.fromPlan = before.plan
            reverted.toPlan = now.plan
            reverted.amount = conversion.amount.map { $0 == .min ? .max : -$0 }
            publish(reverted, account, into: &effects)
            dealingsChanged(account)
        }
    }

    /// Add-ons that hold now, each name once, in the order of the profile.
    private static func held(_ own: Terms) -> [Profile.Holding] {
        var held: [Profile.Holding] = []
        for holding in own.addOns where !held.contains(where: { $0.addOn == holding.addOn }) { held.append(holding) }
        return held
    }

    /// Units that hold, of all entries of the name.
    private static func quantity(of addOn: String, _ own: Terms) -> Int64 {
        var sum = Int128(0)
        for holding in own.addOns where holding.addOn == addOn {
            if let until = holding.until?.milliseconds, until <= own.limitsAt { continue }
            sum += Int128(holding.quantity)
        }
        return Int64(clamping: sum)
    }
}
