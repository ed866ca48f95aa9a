internal import UpsellModel

/// What was said to an account and what is owed to it.
struct OracleDealings {
    /// A signal that was refused for a time.
    struct Owed {
        var signal: OracleSignal
        var reason: HoldReason
        /// When it is judged again; nil: no instant is known.
        var until: Int64?
    }

    struct Heard: Equatable {
        var rule: String
        var recipient: EngineScene.RuleShape.Seat
        var episode: Int64
    }

    /// What caps and cooldowns count: what went out, and ghosts.
    struct Sent {
        var time: Int64
        var rule: String
        var isPromotional: Bool
        var recipient: EngineScene.RuleShape.Seat
        var channels: [String]
    }

    var owed: [Owed] = []
    var sent: [Sent] = []
    /// What went out, without ghosts: feedback is about it.
    var heard: [(about: Heard, time: Int64)] = []
    var snoozedUntil: [String: Int64] = [:]
    var dismissed: [Heard] = []
    var upgradedAt: Int64?
}

/// Contract §5, read from the top: a refusal ends the matter for good or for a time.
extension EngineOracle {
    mutating func qualify(_ raised: [OracleSignal], _ account: Int) {
        guard !raised.isEmpty else { return }
        let rules = scene.rules
        func severity(_ signal: OracleSignal) -> Int {
            signal.rule.thresholds.firstIndex(of: signal.crossed[signal.crossed.count - 1]) ?? 0
        }
        var claims: [OracleSignal] = []
        for signal in raised {
            // Of what was owed only the highest threshold of a rule is worth saying.
            let isLower =
                signal.isReleased && signal.isCounted
                && raised.contains { $0.rule.name == signal.rule.name && severity($0) > severity(signal) }
            if isLower { say(signal, account, held: .superseded) } else { claims.append(signal) }
        }
        guard scene.qualification.competes else {
            for claim in claims { if let admitted = admit(claim, account) { finish(admitted, account) } }
            return
        }
        for claim in claims where current(claim, rules).isService {
            if let admitted = admit(claim, account) { finish(admitted, account) }
        }
        var contenders: [OracleSignal] = []
        for claim in claims where !current(claim, rules).isService {
            if let admitted = admit(claim, account) { contenders.append(admitted) }
        }
        // Of equal priorities the rule that stands first, of one rule the higher threshold.
        var best: Int?
        for (index, claim) in contenders.enumerated() {
            guard let leader = best.map({ contenders[$0] }) else {
                best = index
                continue
            }
            let mine = (current(claim, rules).priority, -place(claim, rules), severity(claim))
            let others = (current(leader, rules).priority, -place(leader, rules), severity(leader))
            if mine > others { best = index }
        }
        for (index, claim) in contenders.enumerated() where index != best {
            owe(claim, account, .lostArbitration, until: accounts[account].now + scene.qualification.retry)
        }
        if let best { finish(contenders[best], account) }
    }

    /// The rule as it stands now: words, mode, priority and channels are not part of its version.
    private func current(_ signal: OracleSignal, _ rules: [EngineScene.RuleShape]) -> EngineScene.RuleShape {
        rules.first { $0.name == signal.rule.name } ?? signal.rule
    }

    private func place(_ signal: OracleSignal, _ rules: [EngineScene.RuleShape]) -> Int {
        rules.firstIndex { $0.name == signal.rule.name } ?? 0
    }

    /// - Returns: nil where it is refused.
    private mutating func admit(_ signal: OracleSignal, _ account: Int) -> OracleSignal? {
        var signal = signal
        let rule = current(signal, scene.rules)
        let now = accounts[account].now
        let profile = accounts[account].profile
        if let audience = rule.audience, !audience.contains(plan(account)) {
            if rule.waits {
                owe(signal, account, .audience, until: signal.periodEnd.flatMap { $0 > now ? $0 : nil })
            } else if signal.isCounted {
                say(signal, account, held: .stale)
            }
            return nil
        }
        signal.isCounted = true
        // Orders win over the rule's own mode, until it is resumed.
        switch (orders[rule.name], rule.mode) {
        case (.pause?, _): return refuse(signal, account, .paused)
        case (.shadow?, _): return refuse(signal, account, .shadow)
        case (_, .live): break
        case (_, .shadow): return refuse(signal, account, .shadow)
        case (_, .paused): return refuse(signal, account, .paused)
        }
        if signal.isClosed { return refuse(signal, account, .periodClosed) }
        switch profile?.status ?? .active {
        case .active, .trialing: break
        case .cancelled: return refuse(signal, account, .cancelled)
        case .cancelling: return refuse(signal, account, .cancelling)
        case .pastDue: return refuse(signal, account, .pastDue)
        case .paused: return refuse(signal, account, .inactive)
        }
        signal.channels = rule.channels.isEmpty ? ["in_app"] : rule.channels
        if !rule.isService {
            signal.channels.removeAll { profile?.optOut.contains($0) ?? false }
            if signal.channels.isEmpty { return refuse(signal, account, .optedOut) }
        }
        let heard = OracleDealings.Heard(rule: rule.name, recipient: rule.recipient, episode: signal.episode)
        if accounts[account].dealings.dismissed.contains(heard) { return refuse(signal, account, .dismissed) }
        if !rule.isService {
            if let upgraded = accounts[account].dealings.upgradedAt,
                now < upgraded + scene.qualification.upgradePause
            {
                owe(signal, account, .recentUpgrade, until: upgraded + scene.qualification.upgradePause)
                return nil
            }
        }
        if let snoozed = accounts[account].dealings.snoozedUntil[rule.name], now < snoozed {
            owe(signal, account, .snoozed, until: snoozed)
            return nil
        }
        let last = accounts[account].dealings.sent.last { $0.rule == rule.name }
        if rule.cooldown > 0, let last, now < last.time + rule.cooldown {
            owe(signal, account, .cooldown, until: last.time + rule.cooldown)
            return nil
        }
        if !rule.isService {
            let free = channels(of: signal, rule, account, at: now)
            if free.isEmpty {
                owe(signal, account, .capped, until: capsLapse(signal, rule, account))
                return nil
            }
            signal.channels = free
        }
        return signal
    }

    /// Channels that no cap forbids at an instant, if nothing more is sent before it.
    private func channels(
        of signal: OracleSignal, _ rule: EngineScene.RuleShape, _ account: Int, at instant: Int64
    ) -> [String] {
        var free = signal.channels
        for cap in scene.qualification.caps {
            let counted = accounts[account].dealings.sent.filter {
                $0.isPromotional && $0.time <= instant && $0.time > instant - cap.window
            }
            switch cap.scope {
            case .account: if counted.count >= cap.count { return [] }
            case .recipient: if counted.filter({ $0.recipient == rule.recipient }).count >= cap.count { return [] }
            case .channel:
                free.removeAll { channel in counted.filter { $0.channels.contains(channel) }.count >= cap.count }
            }
        }
        return free
    }

    /// The first instant at which the caps let it through.
    private func capsLapse(_ signal: OracleSignal, _ rule: EngineScene.RuleShape, _ account: Int) -> Int64? {
        var instants: [Int64] = []
        for cap in scene.qualification.caps {
            for sent in accounts[account].dealings.sent { instants.append(sent.time + cap.window) }
        }
        let now = accounts[account].now
        return instants.filter { $0 > now }.sorted().first { !channels(of: signal, rule, account, at: $0).isEmpty }
    }

    /// Quiet hours, then the holdout, last.
    private mutating func finish(_ signal: OracleSignal, _ account: Int) {
        let rule = current(signal, scene.rules)
        let now = accounts[account].now
        if !rule.isService, let end = quietEnd(account, at: now) {
            owe(signal, account, .quietHours, until: end)
            return
        }
        // On the way to an instant at which it would be over, so that nobody could have seen it.
        if now + rule.expiresAfter <= target, now < target {
            say(signal, account, held: .expired)
            return
        }
        accounts[account].dealings.sent.append(
            OracleDealings.Sent(
                time: now, rule: rule.name, isPromotional: !rule.isService, recipient: rule.recipient,
                channels: signal.channels))
        supersedeLower(signal, account)
        if !rule.isService, let share = scene.qualification.holdout,
            Self.bucket(of: scene.accounts[account].name) < share
        {
            say(signal, account, held: .holdout)
        } else {
            say(signal, account, held: nil)
            accounts[account].dealings.heard.append(
                (
                    OracleDealings.Heard(rule: rule.name, recipient: rule.recipient, episode: signal.episode), now
                ))
        }
    }

    /// A dismissal binds the trigger's recipient for the episode, a snooze its rule; the longest one counts.
    mutating func note(_ feedback: EngineFeedback) {
        let heard = accounts[feedback.account].dealings.heard
        guard feedback.back < heard.count else { return }
        // What has expired is remembered for the attribution window, what is open expires long before its end.
        let (about, time) = heard[heard.count - 1 - feedback.back]
        guard time + Self.attributionWindow >= accounts[feedback.account].now else { return }
        guard let until = feedback.snoozedUntil else {
            accounts[feedback.account].dealings.dismissed.append(about)
            return
        }
        let last = accounts[feedback.account].dealings.snoozedUntil[about.rule] ?? .min
        accounts[feedback.account].dealings.snoozedUntil[about.rule] = max(last, until)
    }

    private func quietEnd(_ account: Int, at instant: Int64) -> Int64? {
        guard let quiet = scene.qualification.quiet else { return nil }
        func isQuiet(_ instant: Int64) -> Bool {
            // An account without profile lives in UTC.
            let local = instant + (accounts[account].profile == nil ? 0 : scene.accounts[account].offset)
            let minute = local % 86_400_000 / 60_000
            // Day 0 was a Thursday.
            let weekday = (local / 86_400_000 + 3) % 7
            if quiet.weekends, weekday >= 5 { return true }
            return quiet.from <= quiet.to
                ? minute >= quiet.from && minute < quiet.to : minute >= quiet.from || minute < quiet.to
        }
        guard isQuiet(instant) else { return nil }
        var end = instant - instant % 60_000
        while isQuiet(end) { end += 60_000 }
        return end
    }

    /// GrowthBook's hash, version 2, as its documentation has it.
    static func bucket(of account: String) -> Int64 {
        func fnv(_ text: String) -> UInt32 {
            text.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
        }
        return Int64(fnv("\(fnv("holdout" + account))") % 10_000)
    }

    // MARK: Refusals

    private mutating func refuse(_ signal: OracleSignal, _ account: Int, _ reason: HoldReason) -> OracleSignal? {
        say(signal, account, held: reason)
        return nil
    }

    /// Refused for a time; said once for each key and reason.
    private mutating func owe(_ signal: OracleSignal, _ account: Int, _ reason: HoldReason, until: Int64?) {
        var signal = signal
        if !signal.told.contains(reason) {
            say(signal, account, held: reason, until: until)
            signal.told.append(reason)
        }
        supersedeLower(signal, account)
        let isLower = accounts[account].dealings.owed.contains {
            isSame($0.signal, signal) && severity($0) > severity(signal)
        }
        if isLower {
            if signal.isCounted { say(signal, account, held: .superseded) }
        } else {
            accounts[account].dealings.owed.append(OracleDealings.Owed(signal: signal, reason: reason, until: until))
        }
    }

    private func severity(_ owed: OracleDealings.Owed) -> Int { severity(owed.signal) }
    private func severity(_ signal: OracleSignal) -> Int {
        signal.rule.thresholds.firstIndex(of: signal.crossed[signal.crossed.count - 1]) ?? 0
    }

    private func isSame(_ one: OracleSignal, _ other: OracleSignal) -> Bool { one.rule.name == other.rule.name }

    /// Lower thresholds of the rule that are still owed are worth nothing more.
    private mutating func supersedeLower(_ signal: OracleSignal, _ account: Int) {
        let owed = accounts[account].dealings.owed
        end(account, .superseded, owed.map { isSame($0.signal, signal) && severity($0) < severity(signal) })
    }

    /// - Parameter isOver: of each that is owed.
    private mutating func end(_ account: Int, _ reason: HoldReason, _ isOver: [Bool]) {
        let owed = accounts[account].dealings.owed
        accounts[account].dealings.owed = zip(owed, isOver).filter { !$1 }.map(\.0)
        for (entry, isOver) in zip(owed, isOver) where isOver && entry.signal.isCounted {
            say(entry.signal, account, held: reason)
        }
    }

    private mutating func say(_ signal: OracleSignal, _ account: Int, held: HoldReason?, until: Int64? = nil) {
        traits.insert(held == nil ? .crosses : .holds)
        said[account].append(
            EngineSaid(
                rule: signal.rule.name, held: held, crossed: signal.crossed, current: signal.current,
                cause: signal.cause, limit: signal.limit, episode: signal.episode, until: until))
    }

    // MARK: Judging again

    func releases(_ account: Int) -> [Int64] { accounts[account].dealings.owed.compactMap(\.until) }

    mutating func release(_ account: Int, at instant: Int64) {
        let isDue = accounts[account].dealings.owed.map { $0.until.map { $0 <= instant } ?? false }
        qualify(take(account, isDue), account)
    }

    /// Takes out of what is owed what is due, and says of it what is still true.
    private mutating func take(_ account: Int, _ isDue: [Bool]) -> [OracleSignal] {
        let owed = accounts[account].dealings.owed
        accounts[account].dealings.owed = zip(owed, isDue).filter { !$1 }.map(\.0)
        var released: [OracleSignal] = []
        for (entry, isDue) in zip(owed, isDue) where isDue {
            guard let signal = again(entry.signal, account) else {
                if entry.signal.isCounted { say(entry.signal, account, held: .stale) }
                continue
            }
            if entry.signal.isCounted { traits.insert(.releases) }
            released.append(signal)
        }
        return released
    }

    /// What was reached is reached still, in the same episode and under the same limit.
    private func again(_ signal: OracleSignal, _ account: Int) -> OracleSignal? {
        let meter = signal.rule.meter
        guard let highest = signal.crossed.last, accounts[account].versions[meter] == signal.version,
            scene.rules.contains(where: { $0.name == signal.rule.name && $0.era == signal.rule.era })
        else { return nil }
        let now = accounts[account].now
        let value = value(account, meter, now)
        let crossed = signal.crossed.filter { isReached(account, signal.rule, $0, value) }
        guard crossed.last == highest,
            armingKey(account, signal.rule, highest, around: now).episode == signal.episode
        else { return nil }
        var again = signal
        again.crossed = crossed
        again.current = value
        again.cause = .released
        again.isReleased = true
        return again
    }

    // MARK: Profiles and reloads

    /// Another profile: an upgrade ends what is owed and pauses the rest, another limit ends what was about the old one.
    ///
    /// - Returns: what waited for its audience and has it now.
    mutating func noteTerms(_ account: Int, from old: (plan: Int, status: EngineProfile.Status)?) -> [OracleSignal] {
        let plan = plan(account)
        let status = accounts[account].profile?.status ?? .active
        if let old, status != .trialing, status != .cancelled,
            old.status == .trialing ? plan >= old.plan : plan > old.plan
        {
            if scene.qualification.upgradePause > 0 {
                let now = accounts[account].now
                accounts[account].dealings.upgradedAt = now == .min ? accounts[account].profile?.time : now
            }
            // What waits for its audience is no signal yet.
            let isPromotional = accounts[account].dealings.owed.map {
                $0.signal.isCounted && !current($0.signal, scene.rules).isService
            }
            end(account, .superseded, isPromotional)
        }
        endOutdated(account)
        let isDue = accounts[account].dealings.owed.map { entry in
            guard entry.reason == .audience else { return false }
            let audience = current(entry.signal, scene.rules).audience
            return (audience?.contains(plan) ?? true) || again(entry.signal, account) == nil
        }
        return take(account, isDue)
    }

    /// What is owed under a limit or rule that is no more.
    mutating func endOutdated(_ account: Int) {
        let dealings = accounts[account].dealings
        end(
            account, .superseded,
            dealings.owed.map { $0.signal.version != accounts[account].versions[$0.signal.rule.meter] })
    }

    mutating func endChangedRules(_ account: Int) {
        let isChanged = accounts[account].dealings.owed.map { entry in
            !scene.rules.contains { $0.name == entry.signal.rule.name && $0.era == entry.signal.rule.era }
        }
        end(account, .stale, isChanged)
    }
}
