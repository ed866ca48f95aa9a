internal import UpsellModel

/// A threshold was reached, and somebody might be told.
struct OracleSignal {
    var rule: EngineScene.RuleShape
    var crossed: [Int64]
    var current: Int64
    var limit: Int64?
    var version: Int
    /// Of the highest threshold.
    var episode: Int64
    var cause: Trigger.Cause
    var isClosed: Bool
    /// End of the counter's period.
    var periodEnd: Int64?
    // What the qualification has found out so far.
    var channels: [String] = []
    /// Refusals for a time that were said of it.
    var told: [HoldReason] = []
    /// It was within the rule's audience once.
    var isCounted = false
    /// It was owed.
    var isReleased = false
}

extension EngineOracle {
    /// A counter went from one value to another: fires, spends or arms anew.
    mutating func settle(
        _ account: Int, _ meter: Int, from before: Int64, _ moment: OracleMoment
    ) -> [OracleSignal] {
        let after = value(account, meter, moment.time)
        let raised = reach(account, meter, scene.rules, moment, from: before, in: moment.time)
        switch scene.meters[meter].window {
        case .gauge, .rolling:
            guard after < before else { return raised }
            for rule in scene.rules where rule.meter == meter {
                for threshold in rule.thresholds where hasFallen(account, rule, threshold, after) {
                    let key = armingKey(account, rule, threshold, around: moment.time)
                    guard accounts[account].spent.contains(key) else { continue }
                    let last = accounts[account].falls[fallKey(rule, threshold)] ?? 0
                    accounts[account].falls[fallKey(rule, threshold)] = max(moment.time, last + 1)
                }
            }
        case .day, .week, .month, .anniversary, .lifetime: break
        }
        return raised
    }

    /// Spends what is armed and reached of some rules in their order; what is to be said of it.
    ///
    /// - Parameter instant: lies in the period that is looked at; nil: the clock's.
    mutating func reach(
        _ account: Int, _ meter: Int, _ rules: [EngineScene.RuleShape], _ moment: OracleMoment, from before: Int64,
        in instant: Int64? = nil
    ) -> [OracleSignal] {
        guard clock != nil else { return [] }
        let instant = instant ?? accounts[account].now
        let value = value(account, meter, instant)
        var raised: [OracleSignal] = []
        for rule in rules where rule.meter == meter {
            var crossed: [Int64] = []
            for threshold in rule.thresholds where isReached(account, rule, threshold, value) {
                let key = armingKey(account, rule, threshold, around: instant)
                guard accounts[account].spent.insert(key).inserted else { continue }
                crossed.append(threshold)
            }
            if moment.isSilent || isBeforeGoLive(rule, account) { continue }
            let own = rule.variants.first { $0.plans.contains(plan(account)) }?.thresholds ?? rule.base
            crossed.removeAll { !own.contains($0) }
            guard let highest = crossed.last else { continue }
            let key = armingKey(account, rule, highest, around: instant)
            noteRearming(account, rule, highest, key)
            raised.append(
                OracleSignal(
                    rule: rule, crossed: crossed, current: value, limit: accounts[account].limits[meter],
                    version: accounts[account].versions[meter], episode: key.episode, cause: moment.cause,
                    isClosed: moment.isClosed, periodEnd: bounds(account, meter, instant)?.end))
        }
        return raised
    }

    private func isBeforeGoLive(_ rule: EngineScene.RuleShape, _ account: Int) -> Bool {
        accounts[account].now < max(rule.goLive ?? .min, scene.goLive ?? .min)
    }

    /// Limit 0 means "not in this plan"; percent and remaining of no limit mean nothing, nor does a threshold that is
    /// reached before anything is used.
    func isReached(_ account: Int, _ rule: EngineScene.RuleShape, _ threshold: Int64, _ value: Int64) -> Bool {
        let limit = accounts[account].limits[rule.meter]
        guard limit != 0 else { return false }
        switch rule.unit {
        case .absolute: return threshold > 0 && value >= threshold
        case .percent: return limit.map { threshold > 0 && value * 10_000 >= threshold * $0 } ?? false
        case .remaining: return limit.map { $0 > threshold && $0 - value <= threshold } ?? false
        }
    }

    /// Usage lies strictly below threshold − band.
    private func hasFallen(_ account: Int, _ rule: EngineScene.RuleShape, _ threshold: Int64, _ value: Int64) -> Bool {
        let limit = accounts[account].limits[rule.meter]
        switch rule.unit {
        case .absolute: return value < threshold - rule.band
        case .percent:
            return limit.map { $0 != 0 && threshold > 0 && value * 10_000 < (threshold - rule.band) * $0 } ?? false
        case .remaining: return limit.map { $0 != 0 && $0 > threshold && $0 - value > threshold + rule.band } ?? false
        }
    }

    private func fallKey(_ rule: EngineScene.RuleShape, _ threshold: Int64) -> OracleAccount.FallKey {
        OracleAccount.FallKey(era: rule.era, rule: rule.name, threshold: threshold)
    }

    func armingKey(
        _ account: Int, _ rule: EngineScene.RuleShape, _ threshold: Int64, around instant: Int64
    ) -> OracleAccount.ArmingKey {
        var episode = Int64(0)
        switch scene.meters[rule.meter].window {
        case .gauge, .rolling: episode = accounts[account].falls[fallKey(rule, threshold)] ?? 0
        case .lifetime: episode = 0
        case .day, .week, .month, .anniversary: episode = bounds(account, rule.meter, instant)?.start ?? 0
        }
        // An absolute threshold is about no limit.
        return OracleAccount.ArmingKey(
            era: rule.era, rule: rule.name, threshold: threshold,
            version: rule.unit == .absolute ? 0 : accounts[account].versions[rule.meter], episode: episode)
    }

    /// The threshold was spent under another key before.
    private mutating func noteRearming(
        _ account: Int, _ rule: EngineScene.RuleShape, _ threshold: Int64, _ key: OracleAccount.ArmingKey
    ) {
        let isAgain = accounts[account].spent.contains {
            $0.rule == rule.name && $0.threshold == threshold && $0 != key
        }
        if isAgain { traits.insert(.rearms) }
    }
}
