internal import UpsellModel

/// What an engine must decide: a fold of the whole history that adds up everything again for every question.
///
/// It keeps what happened (readings, profiles, what was said) and sets of what is spent, and shares no code with the
/// engine for periods, arming or qualification. Accounts have nothing to do with each other but the clock.
struct EngineOracle {
    static let margin: Int64 = 5_000
    static let tolerance: Int64 = 300_000
    static let dedupWindow: Int64 = 32 * 86_400_000
    static let hour: Int64 = 3_600_000
    static let attributionWindow: Int64 = 30 * 86_400_000

    var scene: EngineScene
    /// nil before the first usage record.
    private(set) var clock: Int64?
    private var lag: Int64 = 0
    /// Where the clock goes.
    private(set) var target = Int64.min
    private var identities: Set<Int> = []
    /// The last order for each rule.
    private(set) var orders: [String: EngineStep.Order] = [:]
    var accounts: [OracleAccount]
    /// What the present step had to say, by account.
    var said: [[EngineSaid]]
    /// What the history has had in it.
    var traits = EngineTraits()

    init(_ scene: EngineScene) {
        self.scene = scene
        accounts = scene.accounts.map { _ in OracleAccount(scene) }
        said = scene.accounts.map { _ in [] }
    }

    /// - Parameter isSilent: the step lay in the topics before the first start.
    mutating func play(_ step: EngineStep, isSilent: Bool) {
        for account in said.indices { said[account] = [] }
        switch step {
        case .usage(let usage): use(usage, isSilent)
        case .profile(let account, let profile): change(account, profile, isSilent)
        case .tick(let wall):
            guard let clock, wall - lag - Self.margin > clock else { return }
            advance(to: wall - lag - Self.margin, false)
        case .reload(let scene): reload(scene)
        case .control(let rule, let order):
            guard scene.rules.contains(where: { $0.name == rule }) else { return }
            orders[rule] = order
        case .feedback(let feedback): note(feedback)
        }
    }

    // MARK: Usage

    private mutating func use(_ usage: EngineUsage, _ isSilent: Bool) {
        guard usage.time <= usage.record + Self.tolerance else { return }
        if let clock, usage.time < clock - Self.dedupWindow { return }
        guard identities.insert(usage.identity).inserted else { return }
        let moved = min(usage.time, usage.record)
        if clock.map({ moved > $0 }) ?? true {
            advance(to: moved, isSilent)
            lag = max(0, usage.record - usage.time)
        }
        let account = usage.account
        guard scene.hasDefaultPlan || accounts[account].profile != nil else { return }
        if !accounts[account].isKnown {
            accounts[account].isKnown = true
            accounts[account].limits = scene.meters.indices.map { limit(account, $0) }
        }
        let silent = isSilent || usage.flag != .none
        var raised: [OracleSignal] = []
        for (meter, quantity) in usage.readings {
            raised += count(account, meter, quantity, usage, silent: silent)
        }
        qualify(raised, account)
    }

    private mutating func count(
        _ account: Int, _ meter: Int, _ quantity: Int64, _ usage: EngineUsage, silent: Bool
    ) -> [OracleSignal] {
        guard let clock else { return [] }
        let shape = scene.meters[meter]
        var isClosed = false
        if let period = bounds(account, meter, usage.time) {
            guard clock < period.end + scene.grace else { return [] }
            // Two periods of an account stay open, the clock's and the one before it.
            if let running = bounds(account, meter, clock), usage.time < running.start,
                let before = bounds(account, meter, running.start - 1), usage.time < before.start
            {
                return []
            }
            isClosed = clock >= period.end
            if accounts[account].entries[meter].contains(where: { $0.time < period.start }) { traits.insert(.rolls) }
        } else if case .rolling(let days) = shape.window, Self.expiry(usage.time, days) <= clock {
            return []
        }
        if quantity < 0, shape.aggregation == .sum { traits.insert(.corrects) }
        let before = value(account, meter, usage.time)
        accounts[account].entries[meter].append(
            OracleAccount.Entry(time: usage.time, quantity: quantity, isSnapshot: usage.flag == .snapshot))
        return settle(
            account, meter, from: before,
            OracleMoment(time: usage.time, cause: .usage, isSilent: silent, isClosed: isClosed))
    }

    // MARK: What counts

    func bounds(_ account: Int, _ meter: Int, _ instant: Int64) -> (start: Int64, end: Int64)? {
        OracleCalendar.bounds(scene.meters[meter].window, scene.accounts[account], around: instant)
    }

    /// When the hour that an instant lies in is older than a rolling window as a whole.
    static func expiry(_ instant: Int64, _ days: Int64) -> Int64 {
        instant - instant % hour + hour + days * 86_400_000
    }

    /// Usage of the period around an instant; of other windows usage now.
    func value(_ account: Int, _ meter: Int, _ instant: Int64) -> Int64 {
        let shape = scene.meters[meter]
        let period = bounds(account, meter, instant)
        var value: Int64 = 0
        var isFirst = true
        var newest = Int64.min
        for entry in accounts[account].entries[meter] {
            if let period, entry.time < period.start || entry.time >= period.end { continue }
            if case .rolling(let days) = shape.window {
                // What a snapshot replaces is gone for good, what has left the window counts no more.
                if entry.isSnapshot { (value, isFirst) = (0, true) }
                if Self.expiry(entry.time, days) <= accounts[account].now { continue }
            }
            switch shape.aggregation {
            case .sum, .count: value = entry.isSnapshot ? entry.quantity : value + entry.quantity
            case .max: value = entry.isSnapshot || isFirst ? entry.quantity : max(value, entry.quantity)
            case .latest:
                if entry.time >= newest { (value, newest) = (entry.quantity, entry.time) }
            }
            isFirst = false
        }
        return value
    }

    /// Usage as anybody may ask for it now; nil before there is a clock.
    func usage(_ account: Int, _ meter: Int) -> Int64? { clock.map { value(account, meter, $0) } }

    // MARK: Time

    /// Moves the clock; what is due on the way comes first, in its order.
    private mutating func advance(to target: Int64, _ isSilent: Bool) {
        self.target = max(self.target, target)
        for account in accounts.indices where accounts[account].isKnown {
            while let instant = nextDue(account, until: target) {
                accounts[account].now = instant
                expireBuckets(account, at: instant, isSilent)
                changeTerms(account, at: instant, isSilent)
                release(account, at: instant)
            }
        }
        for account in accounts.indices { accounts[account].now = target }
        clock = target
    }

    private func nextDue(_ account: Int, until target: Int64) -> Int64? {
        let now = accounts[account].now
        var due: [Int64] = releases(account)
        for meter in scene.meters.indices {
            guard case .rolling(let days) = scene.meters[meter].window else { continue }
            due += accounts[account].entries[meter].map { Self.expiry($0.time, days) }
        }
        if let profile = accounts[account].profile {
            if let until = profile.packsUntil { due.append(until) }
            if profile.pendingPlan != nil { due.append(profile.effectiveAt) }
        }
        return due.filter { $0 > now && $0 <= target }.min()
    }

    private mutating func expireBuckets(_ account: Int, at instant: Int64, _ isSilent: Bool) {
        for meter in scene.meters.indices {
            guard case .rolling(let days) = scene.meters[meter].window,
                accounts[account].entries[meter].contains(where: { Self.expiry($0.time, days) == instant })
            else { continue }
            accounts[account].now = instant - 1
            let before = value(account, meter, instant)
            accounts[account].now = instant
            let moment = OracleMoment(time: instant, cause: .windowMoved, isSilent: isSilent)
            qualify(settle(account, meter, from: before, moment), account)
        }
    }

    /// A pending plan begins, or an add-on ends.
    private mutating func changeTerms(_ account: Int, at instant: Int64, _ isSilent: Bool) {
        guard let profile = accounts[account].profile,
            profile.packsUntil == instant || (profile.pendingPlan != nil && profile.effectiveAt == instant)
        else { return }
        accounts[account].now = instant - 1
        let old = (plan(account), profile.status)
        accounts[account].now = instant
        let raised = relimit(account, OracleMoment(time: instant, cause: .limitChanged, isSilent: isSilent))
        let released = noteTerms(account, from: old)
        qualify(released + raised, account)
    }

    // MARK: Profiles

    private mutating func change(_ account: Int, _ profile: EngineProfile, _ isSilent: Bool) {
        let isFirst = accounts[account].profile == nil && !(scene.hasDefaultPlan && accounts[account].isKnown)
        let old = accounts[account].isKnown ? (plan(account), accounts[account].profile?.status ?? .active) : nil
        accounts[account].profile = profile
        accounts[account].isKnown = true
        var raised: [OracleSignal] = []
        if isFirst {
            accounts[account].limits = scene.meters.indices.map { limit(account, $0) }
        } else {
            raised = relimit(account, OracleMoment(time: profile.time, cause: .limitChanged, isSilent: isSilent))
        }
        let released = noteTerms(account, from: old)
        qualify(released + raised, account)
    }

    /// The plan whose limits hold now.
    func plan(_ account: Int) -> Int {
        guard let profile = accounts[account].profile else { return 0 }
        guard let pending = profile.pendingPlan, profile.effectiveAt <= accounts[account].now else {
            return profile.plan
        }
        return pending
    }

    /// nil: unlimited.
    func limit(_ account: Int, _ meter: Int) -> Int64? {
        let profile = accounts[account].profile
        if let override = profile?.overrides[meter] { return override }
        guard var limit = scene.limits[plan(account)][meter] else { return nil }
        if let profile, profile.packs > 0, profile.packsUntil.map({ $0 > accounts[account].now }) ?? true {
            limit += profile.packs * scene.pack[meter]
        }
        return limit
    }

    /// Puts an account under the limits that hold now: another number is another version.
    private mutating func relimit(_ account: Int, _ moment: OracleMoment) -> [OracleSignal] {
        var raised: [OracleSignal] = []
        for meter in scene.meters.indices {
            let old = accounts[account].limits[meter]
            let new = limit(account, meter)
            guard new != old else { continue }
            accounts[account].limits[meter] = new
            accounts[account].versions[meter] += 1
            let rises = (new ?? .max) > (old ?? .max)
            spendPrevious(account, meter, scene.rules)
            if rises { _ = reach(account, meter, scene.rules, moment.silenced, from: 0) }
            let value = clock == nil ? 0 : self.value(account, meter, accounts[account].now)
            raised += reach(account, meter, scene.rules, moment, from: value)
        }
        return raised
    }

    /// A closed period only spends: nobody is told anew about it.
    private mutating func spendPrevious(_ account: Int, _ meter: Int, _ rules: [EngineScene.RuleShape]) {
        guard clock != nil, let running = bounds(account, meter, accounts[account].now) else { return }
        let moment = OracleMoment(time: running.start - 1, cause: .limitChanged, isSilent: true)
        _ = reach(account, meter, rules, moment, from: 0, in: running.start - 1)
    }

    // MARK: Reloads

    private mutating func reload(_ next: EngineScene) {
        let last = scene.rules
        scene = next
        for account in accounts.indices where accounts[account].isKnown {
            var raised: [OracleSignal] = []
            for meter in scene.meters.indices {
                let old = accounts[account].limits[meter]
                let new = limit(account, meter)
                if new != old {
                    accounts[account].limits[meter] = new
                    accounts[account].versions[meter] += 1
                }
                for rule in scene.rules where rule.meter == meter {
                    let isNew = !last.contains { $0.name == rule.name && $0.era == rule.era }
                    guard isNew || new != old else { continue }
                    var moment = OracleMoment(time: accounts[account].now, cause: .limitChanged, isSilent: false)
                    moment.cause = isNew ? .ruleChanged : .limitChanged
                    spendPrevious(account, meter, [rule])
                    let rises = (new ?? .max) > (old ?? .max)
                    if isNew ? !rule.evaluates : rises {
                        _ = reach(account, meter, [rule], moment.silenced, from: 0)
                    }
                    let value = clock == nil ? 0 : self.value(account, meter, accounts[account].now)
                    raised += reach(account, meter, [rule], moment, from: value)
                }
            }
            endOutdated(account)
            endChangedRules(account)
            qualify(raised, account)
        }
    }
}

/// Why and when something is judged.
struct OracleMoment {
    var time: Int64
    var cause: Trigger.Cause
    var isSilent: Bool
    /// Of a period that is over.
    var isClosed = false

    var silenced: OracleMoment {
        var silent = self
        silent.isSilent = true
        return silent
    }
}

/// What happened to one account.
struct OracleAccount {
    struct Entry {
        var time: Int64
        var quantity: Int64
        var isSnapshot: Bool
    }

    /// A threshold of a rule; what is spent is spent for ever.
    struct ArmingKey: Hashable {
        var era: Int
        var rule: String
        var threshold: Int64
        var version: Int
        var episode: Int64
    }

    struct FallKey: Hashable {
        var era: Int
        var rule: String
        var threshold: Int64
    }

    var isKnown = false
    var profile: EngineProfile?
    /// By meter, in order of arrival.
    var entries: [[Entry]]
    /// Limits under which the counters were last armed.
    var limits: [Int64?]
    var versions: [Int]
    var spent: Set<ArmingKey> = []
    /// When usage last fell below a threshold's band; each later than the one before.
    var falls: [FallKey: Int64] = [:]
    /// The clock, or the instant that is being dealt with on its way.
    var now = Int64.min
    var dealings = OracleDealings()

    init(_ scene: EngineScene) {
        entries = scene.meters.map { _ in [] }
        limits = scene.limits[0]
        versions = scene.meters.map { _ in 0 }
    }
}

/// What a history has had in it.
package struct EngineTraits: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let crosses = EngineTraits(rawValue: 1)
    package static let holds = EngineTraits(rawValue: 2)
    package static let rearms = EngineTraits(rawValue: 4)
    package static let rolls = EngineTraits(rawValue: 8)
    package static let corrects = EngineTraits(rawValue: 16)
    package static let releases = EngineTraits(rawValue: 32)
    package static let reloads = EngineTraits(rawValue: 64)
}
