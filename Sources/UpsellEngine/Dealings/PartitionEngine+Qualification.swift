internal import UpsellModel

/// The contract's order (§5): audience, mode, closed period, status, opt-out, verdict, dismissal, recent upgrade, snooze,
/// cooldown, caps, arbitration, quiet hours, expiry, fuse, holdout.
extension PartitionEngine {
    /// Decides what was raised or is judged again with one record, timer or profile.
    mutating func settle(_ claims: ArraySlice<Claim>, _ account: Int, into effects: inout Effects) {
        let claims = dropLower(claims, into: &effects)
        let window = policy.arbitrationWindow
        var contenders: [Claim] = []
        // What does not compete goes first where others do, so that it has used up its part of the caps by then.
        for claim in claims where window == nil || isUncontested(claim) {
            var claim = claim
            if admit(&claim, into: &effects) { finish(claim, into: &effects) }
        }
        if window != nil {
            for claim in claims where !isUncontested(claim) {
                var claim = claim
                if admit(&claim, into: &effects) { contenders.append(claim) }
            }
        }
        if let window, !contenders.isEmpty {
            // What is released at the very end of a window competes with what was in it.
            if window == 0 || contenders.contains(where: \.hasCompeted) {
                compete(contenders, into: &effects)
            } else {
                let story = story(of: account)
                if story.dealings.competitionEnd == .max {
                    story.dealings.competitionEnd = clock.milliseconds + window
                }
                let end = story.dealings.competitionEnd
                for claim in contenders { owe(claim, nil, until: end, into: &effects) }
            }
        }
    }

    /// What was owed ends where a higher threshold of its rule comes with the same record.
    private mutating func dropLower(_ claims: ArraySlice<Claim>, into effects: inout Effects) -> [Claim] {
        var kept: [Claim] = []
        for claim in claims {
            let isLower =
                claim.isReleased && claim.isCounted
                && claims.contains {
                    isComparable($0.trigger, claim.trigger) && severity($0.trigger) > severity(claim.trigger)
                }
            if isLower { hold(claim, .superseded, into: &effects) } else { kept.append(claim) }
        }
        return kept
    }

    private func isUncontested(_ claim: Claim) -> Bool {
        claim.isStep || program.catalogue.rules[claim.rule].kind == .service
    }

    /// The best goes on, the rest is merged into a digest or judged again later.
    private mutating func compete(_ contenders: [Claim], into effects: inout Effects) {
        func priority(_ claim: Claim) -> Int { program.catalogue.rules[claim.rule].priority }
        // Of equal priorities the first in the order of the rules, of one rule the highest threshold, then the first.
        guard
            let best = contenders.indices.min(by: { a, b in
                let (one, other) = (contenders[a], contenders[b])
                if priority(one) != priority(other), planted != .priorityIgnored {
                    return priority(one) > priority(other)
                }
                if one.rule != other.rule { return one.rule < other.rule }
                let (mine, others) = (severity(one.trigger), severity(other.trigger))
                return mine != others ? mine > others : a < b
            })
        else { return }
        let hasDigest = program.catalogue.rules.contains { if case .digest = $0.signal { true } else { false } }
        for (index, claim) in contenders.enumerated() where index != best {
            if program.catalogue.rules[claim.rule].mergesIntoDigest, hasDigest {
                hold(claim, .merged, into: &effects)
                let story = story(of: claim.account)
                story.dealings.merged.append(
                    Trigger.Merged(trigger: claim.trigger.id, rule: claim.trigger.rule))
                if story.dealings.merged.count > Dealings.mergedMax { story.dealings.merged.removeFirst() }
                dealingsChanged(claim.account)
            } else {
                hold(
                    claim, .lostArbitration, until: clock.milliseconds + Swift.max(policy.arbitrationRetry, 1),
                    into: &effects)
            }
        }
        finish(contenders[best], into: &effects)
    }

    /// Judges a claim up to the caps.
    ///
    /// - Returns: false where it is refused, or not meant for the account.
    private mutating func admit(_ claim: inout Claim, into effects: inout Effects) -> Bool {
        let account = claim.account
        let rule = program.catalogue.rules[claim.rule]
        let now = clock.milliseconds
        claim.presented = dressed(claim.trigger, rule, account)
        if !claim.isStep, let audience = rule.audience, !holds(audience, account) {
            leaveOut(claim, rule, into: &effects)
            return false
        }
        if !claim.isCounted {
            claim.isCounted = true
            statisticsStored.signals += 1
        }
        switch safety.mode(of: rule.name) {
        case .paused where planted == .pauseIgnored: break
        case .paused: return refuse(claim, .paused, into: &effects)
        case .shadow, .fused:
            present(&claim.presented, rule, account)
            let isFused = safety.mode(of: rule.name) == .fused
            return refuse(claim, isFused ? .fuse : .shadow, into: &effects)
        case nil:
            switch rule.mode {
            case .live: break
            case .paused: return refuse(claim, .paused, into: &effects)
            case .shadow where planted == .shadowSends: break
            case .shadow:
                present(&claim.presented, rule, account)
                return refuse(claim, .shadow, into: &effects)
            }
        }
        if claim.isClosed { return refuse(claim, .periodClosed, into: &effects) }
        if planted != .statusIgnored, let reason = statusReason(account) {
            return refuse(claim, reason, into: &effects)
        }
        present(&claim.presented, rule, account)
        guard !claim.presented.channels.isEmpty else { return refuse(claim, .optedOut, into: &effects) }
        guard let dealings = stories[account]?.dealings else { return true }
        let isPromotional = rule.kind == .promotional
        if isPromotional, dealings.declinedUntil > now { return refuse(claim, .declined, into: &effects) }
        let dismissal = Dismissal(
            rule: rule.name, recipient: claim.presented.recipient, episode: claim.trigger.episode)
        if dealings.dismissals.contains(dismissal), planted != .dismissalForgotten {
            return refuse(claim, .dismissed, into: &effects)
        }
        if isPromotional, !claim.isStep, dealings.upgradedAt != .min, planted != .upgradeForgotten {
            let until = dealings.upgradedAt + policy.upgradePause
            if until > now { return refuse(claim, .recentUpgrade, until: until, into: &effects) }
        }
        let snoozed = Swift.max(
            dealings.snoozes[rule.name] ?? .min, isPromotional ? dealings.notNowUntil : .min)
        if snoozed > now, planted != .snoozeForgotten { return refuse(claim, .snoozed, until: snoozed, into: &effects) }
        if rule.cooldown > 0, !claim.isStep, planted != .cooldownForgotten, let last = dealings.reached[rule.name],
            last + rule.cooldown > now
        {
            return refuse(claim, .cooldown, until: last + rule.cooldown, into: &effects)
        }
        if isPromotional, !policy.caps.isEmpty {
            let (free, until) = FrequencyCaps(caps: policy.caps).free(
                of: claim.presented.channels, claim.presented.recipient, dealings.sent, at: now)
            guard !free.isEmpty else { return refuse(claim, .capped, until: until, into: &effects) }
            claim.presented.channels = free
        }
        return true
    }

    private mutating func refuse(
        _ claim: Claim, _ reason: HoldReason, until: Int64? = nil, into effects: inout Effects
    ) -> Bool {
        hold(claim, reason, until: until, into: &effects)
        return false
    }

    /// The account is not in the rule's audience.
    ///
    /// Cases: the rule waits for it; a signal that counted already is no longer true; else it never was one.
    private mutating func leaveOut(_ claim: Claim, _ rule: Rule, into effects: inout Effects) {
        if rule.waits {
            let end = claim.trigger.usage?.period?.end.milliseconds ?? .max
            hold(claim, .audience, until: end > clock.milliseconds ? end : .max, into: &effects)
        } else if claim.isCounted {
            hold(claim, .stale, into: &effects)
        } else {
            statisticsStored.outOfAudience += 1
        }
    }

    private func statusReason(_ account: Int) -> HoldReason? {
        guard termsIndex[account] >= 0, let own = terms[Int(termsIndex[account])] else { return nil }
        switch own.status(at: clock.milliseconds) {
        case .cancelled: return .cancelled
        case .cancelling: return .cancelling
        case .pastDue: return .pastDue
        case .paused: return .inactive
        case .active, .trialing: return nil
        }
    }

    // MARK: The last steps

    /// Quiet hours, expiry, fuse and holdout; what passes them goes out.
    mutating func finish(_ claim: Claim, into effects: inout Effects) {
        let account = claim.account
        let rule = program.catalogue.rules[claim.rule]
        let now = clock.milliseconds
        let own = termsIndex[account] >= 0 ? terms[Int(termsIndex[account])] : nil
        if rule.kind == .promotional, let end = policy.quietHours?.end(around: now, quietZone(own)) {
            return hold(claim, .quietHours, until: end, into: &effects)
        }
        // The clock is on its way to an instant at which it would be over: nobody was there to see it.
        if now < runTarget, now + rule.expiresAfter <= runTarget {
            return hold(claim, .expired, into: &effects)
        }
        let last = stories[account]?.dealings.reached[rule.name]
        if !claim.isStep, blowsFuse(rule.name, last, into: &effects) { return hold(claim, .fuse, into: &effects) }
        var claim = claim
        if claim.isStep {
            claim.presented.arm = claim.trigger.arm
        } else if rule.kind == .promotional, let holdout = policy.holdout {
            let bucket = ExperimentHash.bucket(seed: holdout.seed, value: claim.presented.account)
            claim.presented.arm = bucket < holdout.share ? .holdout : .treated
        }
        if planted != .ghostNotCounted || claim.presented.arm != .holdout { noteReach(claim, rule, last) }
        supersedeLower(claim, into: &effects)
        if claim.presented.arm == .holdout {
            keepGhost(claim, rule, into: &effects)
        } else {
            emit(claim, rule, into: &effects)
        }
    }

    private func quietZone(_ own: Terms?) -> TimeZoneTable { planted == .quietInUTC ? .utc : own?.zone ?? .utc }

    /// What cooldown, caps and fuse count; of ghosts too. Steps are part of what their first trigger reached, and count
    /// for the caps only.
    private mutating func noteReach(_ claim: Claim, _ rule: Rule, _ last: Int64?) {
        let now = clock.milliseconds
        let hasFuse = policy.fuse != nil
        let story = story(of: claim.account)
        if !claim.isStep, hasFuse {
            safety.count(rule.name, from: last, at: now)
            written.isExtensionDue = true
        }
        if !claim.isStep, hasFuse || rule.cooldown > 0 {
            let rules = program.catalogue.rules
            story.dealings.reached.set(rule.name, now)
            story.dealings.reached.removeAll { mark in
                let cooldown = rules.first { $0.name == mark.rule }?.cooldown ?? 0
                return mark.time + cooldown <= now && !(hasFuse && FuseWindow.isRecent(mark.time, at: now))
            }
        }
        guard rule.kind == .promotional || planted == .serviceCounts, !policy.caps.isEmpty else { return }
        story.dealings.sent.append(
            SentMark(time: now, recipient: claim.presented.recipient, channels: claim.presented.channels))
        story.dealings.sent = FrequencyCaps(caps: policy.caps).needed(story.dealings.sent, at: now)
    }
}
