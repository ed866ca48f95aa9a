public import UpsellModel

/// What a reload would change: one configuration against the one that is running.
///
/// Compares only; what a version is, the engine says, so that both agree on what is kept.
public struct ConfigurationDifference: Sendable, Equatable {
    /// In the order of the new rules, then those that are gone.
    public var rules: [RuleChange] = []
    public var meters: [MeterChange] = []
    public var plans: [PlanChange] = []
    public var addOns: [AddOnChange] = []
    /// Named conditions; rules that ask them have new versions, channels that ask them do not.
    public var segments: [SegmentChange] = []
    /// Keys of the main file that a reload brings to the partitions, as `qualification.caps`.
    public var policy: [String] = []
    /// Keys of the main file that only a restart changes, as `topics.triggers`: a reload with them is refused.
    public var restart: [String]
    /// Templates of messages differ.
    public var hasOtherWords = false
    /// Rules that both have stand in another order.
    public var isReordered = false
    /// Plans that both have stand in another order: upgrades become downgrades.
    public var isLadderReordered = false
    /// The new sequence, where a reload is refused for it: it is lower, or the same for another catalogue.
    public var staleSequence: UInt64?

    /// How the engine tells definitions apart.
    public struct Versions: Sendable {
        public var ofRule: @Sendable (Rule, Catalogue) -> UInt64
        public var ofPart: @Sendable (CombinationSignal.Part, Catalogue) -> UInt64
        public var ofMeter: @Sendable (Meter) -> UInt64

        public init(
            ofRule: @escaping @Sendable (Rule, Catalogue) -> UInt64,
            ofPart: @escaping @Sendable (CombinationSignal.Part, Catalogue) -> UInt64,
            ofMeter: @escaping @Sendable (Meter) -> UInt64
        ) {
            self.ofRule = ofRule
            self.ofPart = ofPart
            self.ofMeter = ofMeter
        }
    }

    public struct RuleChange: Sendable, Equatable {
        public var name: String
        public var what: What

        public enum What: Sendable, Equatable {
            case new(Rule.OnChange)
            case gone
            /// Keys that make it another version (a meter or segment it refers to among them), parts of a combination
            /// that keep their state, and keys that are not part of the version.
            case version(of: [String], Rule.OnChange, keptParts: [String], others: [String])
            /// Keys that are not part of the version: nothing arms anew.
            case words([String])
        }
    }

    public struct MeterChange: Sendable, Equatable {
        public var name: String
        public var what: What
        /// `restart`: another definition, counters begin anew.
        public enum What: Sendable, Equatable { case new, gone, restart, unit }
    }

    public struct PlanChange: Sendable, Equatable {
        public var name: String
        public var what: What

        public enum What: Sendable, Equatable {
            case new
            case gone
            /// Limits that change, as they are written, and other keys.
            case changed(limits: [LimitChange], others: [String])
        }
    }

    public struct LimitChange: Sendable, Equatable {
        public var meter: String
        public var from: String
        public var to: String
        public var isRaised: Bool
    }

    public struct AddOnChange: Sendable, Equatable {
        public var name: String
        public var what: What
        /// `adds`: limits of those who hold it change.
        public enum What: Sendable, Equatable { case new, gone, adds, words }
    }

    public struct SegmentChange: Sendable, Equatable {
        public var name: String
        public var what: What
        public enum What: Sendable, Equatable { case new, gone, changed }
    }

    /// - Parameter restart: keys that differ and that the runtime cannot change while it runs.
    public init(from running: Configuration, to new: Configuration, versions: Versions, restart: [String] = []) {
        self.restart = restart
        let (old, next) = (running.catalogue, new.catalogue)
        compareRules(old, next, versions)
        compareMeters(old, next, versions)
        comparePlans(old, next)
        compareAddOns(old, next)
        compareSegments(old, next)
        policy = Self.changedKeys(old.policy, next.policy, old, next)
        hasOtherWords = Said(running.words) != Said(new.words)
        let isSame = new.sequence == running.sequence && new.sequence > 0
        if new.sequence < running.sequence || isSame && old != next { staleSequence = new.sequence }
    }

    /// Whether a reload would change nothing.
    public var isEmpty: Bool {
        rules.isEmpty && meters.isEmpty && plans.isEmpty && addOns.isEmpty && segments.isEmpty && policy.isEmpty
            && restart.isEmpty && !hasOtherWords && !isReordered && !isLadderReordered
    }

    /// What words say, wherever they stand.
    private struct Said: Equatable {
        var defaultLocale: String
        /// By template and locale.
        var templates: [String: [String: [String?]]]
        var partials: [String: [String: String]]

        init(_ words: WordsSource) {
            defaultLocale = words.defaultLocale
            templates = words.templates.mapValues { template in
                template.locales.mapValues { fields in
                    [fields.title.text, fields.body.text, fields.callToAction?.text]
                        + fields.talkingPoints.map(\.text)
                }
            }
            partials = words.partials.mapValues { $0.mapValues(\.text) }
        }
    }

    // MARK: Rules

    private mutating func compareRules(_ old: Catalogue, _ new: Catalogue, _ versions: Versions) {
        let renaming = Renaming(from: old, to: new)
        for rule in new.rules {
            guard let index = old.rule(named: rule.name)?.index else {
                rules.append(RuleChange(name: rule.name, what: .new(rule.onChange)))
                continue
            }
            let before = old.rules[index]
            let others = Self.unversionedKeys(before, rule, renaming)
            if versions.ofRule(before, old) == versions.ofRule(rule, new) {
                if !others.isEmpty { rules.append(RuleChange(name: rule.name, what: .words(others))) }
                continue
            }
            var keys: [String] = []
            if renaming.signal(before.signal) != rule.signal { keys.append("signal") }
            if before.audience.map(renaming.condition) != rule.audience { keys.append("where") }
            if before.waits != rule.waits { keys.append("while") }
            if keys.isEmpty { keys = ["a meter, behaviour or segment that it refers to"] }
            rules.append(
                RuleChange(
                    name: rule.name,
                    what: .version(
                        of: keys, rule.onChange, keptParts: Self.keptParts(before, old, rule, new, versions),
                        others: others)))
        }
        for rule in old.rules where new.rule(named: rule.name) == nil {
            rules.append(RuleChange(name: rule.name, what: .gone))
        }
        isReordered = Self.isReordered(old.rules.map(\.name), new.rules.map(\.name))
    }

    /// Parts at the same place with the same version, as the engine matches them.
    private static func keptParts(
        _ before: Rule, _ old: Catalogue, _ after: Rule, _ new: Catalogue, _ versions: Versions
    ) -> [String] {
        guard case .combination(let one) = before.signal, case .combination(let other) = after.signal else { return [] }
        return zip(one.parts, other.parts)
            .filter { versions.ofPart($0, old) == versions.ofPart($1, new) }.map(\.1.name)
    }

    private static func unversionedKeys(_ old: Rule, _ new: Rule, _ renaming: Renaming) -> [String] {
        var keys: [String] = []
        func compare<Member: Equatable>(_ key: String, _ before: Member, _ after: Member) {
            if before != after { keys.append(key) }
        }
        compare("kind", old.kind, new.kind)
        compare("mode", old.mode, new.mode)
        compare("priority", old.priority, new.priority)
        compare("cooldown", old.cooldown, new.cooldown)
        compare("channels", renaming.routes(old.channels), new.channels)
        compare("recipient", old.recipient, new.recipient)
        compare("expiresAfter", old.expiresAfter, new.expiresAfter)
        compare("offer", old.offer, new.offer)
        compare("template", old.template, new.template)
        compare("steps", renaming.steps(old.steps), new.steps)
        compare("resolved", old.tellsResolved, new.tellsResolved)
        compare("digest", old.mergesIntoDigest, new.mergesIntoDigest)
        compare("onChange", old.onChange, new.onChange)
        compare("goLive", old.goLive, new.goLive)
        compare("summary", old.summary, new.summary)
        compare("message", old.message, new.message)
        return keys
    }

    // MARK: What is sold

    private mutating func compareMeters(_ old: Catalogue, _ new: Catalogue, _ versions: Versions) {
        for meter in new.meters {
            guard let before = old.meters.first(where: { $0.name == meter.name }) else {
                meters.append(MeterChange(name: meter.name, what: .new))
                continue
            }
            if versions.ofMeter(before) != versions.ofMeter(meter) {
                meters.append(MeterChange(name: meter.name, what: .restart))
            } else if before.unit != meter.unit {
                meters.append(MeterChange(name: meter.name, what: .unit))
            }
        }
        for meter in old.meters where new.meter(named: meter.name) == nil {
            meters.append(MeterChange(name: meter.name, what: .gone))
        }
    }

    private mutating func comparePlans(_ old: Catalogue, _ new: Catalogue) {
        for plan in new.plans {
            guard let before = old.plans.first(where: { $0.name == plan.name }) else {
                plans.append(PlanChange(name: plan.name, what: .new))
                continue
            }
            var limits: [LimitChange] = []
            var hasOtherWords = false
            for (index, meter) in new.meters.enumerated() {
                guard let source = old.meter(named: meter.name)?.index else { continue }
                let (from, to) = (before.limits[source], plan.limits[index])
                let scale = old.meters[source].scale
                if Self.amount(from.limit, scale) != Self.amount(to.limit, meter.scale) {
                    limits.append(
                        LimitChange(
                            meter: meter.name, from: Self.text(from.limit, scale), to: Self.text(to.limit, meter.scale),
                            isRaised: Self.amount(from.limit, scale) < Self.amount(to.limit, meter.scale)))
                }
                // Nothing happens at an unlimited one.
                let isEnforced = from.limit != .unlimited && to.limit != .unlimited
                hasOtherWords =
                    hasOtherWords || isEnforced && from.enforcement != to.enforcement
                    || from.consequence != to.consequence || from.overage != to.overage
            }
            var others: [String] = []
            if hasOtherWords { others.append("words or overage of limits") }
            if before.title != plan.title { others.append("title") }
            if before.prices != plan.prices { others.append("prices") }
            if before.features != plan.features { others.append("features") }
            if before.benefits != plan.benefits { others.append("benefits") }
            if before.successor != plan.successor { others.append("successor") }
            if before.isCustom != plan.isCustom { others.append("custom") }
            if limits.isEmpty && others.isEmpty { continue }
            plans.append(PlanChange(name: plan.name, what: .changed(limits: limits, others: others)))
        }
        for plan in old.plans where new.plan(named: plan.name) == nil {
            plans.append(PlanChange(name: plan.name, what: .gone))
        }
        isLadderReordered = Self.isReordered(old.plans.map(\.name), new.plans.map(\.name))
    }

    private mutating func compareAddOns(_ old: Catalogue, _ new: Catalogue) {
        for addOn in new.addOns {
            guard let before = old.addOns.first(where: { $0.name == addOn.name }) else {
                addOns.append(AddOnChange(name: addOn.name, what: .new))
                continue
            }
            let adds = new.meters.indices.contains { index in
                guard let source = old.meter(named: new.meters[index].name)?.index else { return false }
                let scales = (old.meters[source].scale, new.meters[index].scale)
                return Self.amount(.of(before.adds[source]), scales.0) != Self.amount(.of(addOn.adds[index]), scales.1)
            }
            if adds {
                addOns.append(AddOnChange(name: addOn.name, what: .adds))
            } else if before.title != addOn.title || before.prices != addOn.prices {
                addOns.append(AddOnChange(name: addOn.name, what: .words))
            }
        }
        for addOn in old.addOns where !new.addOns.contains(where: { $0.name == addOn.name }) {
            addOns.append(AddOnChange(name: addOn.name, what: .gone))
        }
    }

    private mutating func compareSegments(_ old: Catalogue, _ new: Catalogue) {
        let renaming = Renaming(from: old, to: new)
        for segment in new.segments {
            guard let before = old.segments.first(where: { $0.name == segment.name }) else {
                segments.append(SegmentChange(name: segment.name, what: .new))
                continue
            }
            if renaming.condition(before.condition) != segment.condition {
                segments.append(SegmentChange(name: segment.name, what: .changed))
            }
        }
        for segment in old.segments where !new.segments.contains(where: { $0.name == segment.name }) {
            segments.append(SegmentChange(name: segment.name, what: .gone))
        }
    }

    /// Comparable over scales: billionths of a unit, the most that a scale can have; unlimited is above everything.
    private static func amount(_ limit: Limit, _ scale: Int) -> Int128 {
        guard case .of(let amount) = limit else { return .max }
        return (0..<(9 - scale)).reduce(Int128(amount)) { sum, _ in sum * 10 }
    }

    private static func text(_ limit: Limit, _ scale: Int) -> String {
        guard case .of(let amount) = limit else { return "unlimited" }
        guard scale > 0 else { return String(amount) }
        let digits = String(amount)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        let fraction = padded.suffix(scale)
        let trimmed = String(fraction.reversed().drop { $0 == "0" }.reversed())
        return padded.dropLast(scale) + (trimmed.isEmpty ? "" : ".\(trimmed)")
    }

    private static func isReordered(_ old: [String], _ new: [String]) -> Bool {
        old.filter(new.contains) != new.filter(old.contains)
    }

    // MARK: The main file

    private static func changedKeys(
        _ old: Policy, _ new: Policy, _ oldCatalogue: Catalogue, _ newCatalogue: Catalogue
    ) -> [String] {
        var keys: [String] = []
        func compare<Member: Equatable>(_ key: String, _ before: Member, _ after: Member) {
            if before != after { keys.append(key) }
        }
        func plan(_ policy: Policy, _ catalogue: Catalogue) -> String {
            switch policy.unknownAccounts {
            case .wait: "wait"
            case .ignore: "ignore"
            case .defaultPlan(let plan): "plan \(catalogue[plan].name)"
            }
        }
        compare("firstStart", old.firstStart, new.firstStart)
        compare("goLive", old.goLive, new.goLive)
        compare("accounts.unknown", plan(old, oldCatalogue), plan(new, newCatalogue))
        compare("accounts.wait.duration", old.waitDuration, new.waitDuration)
        compare("accounts.wait.capacity", old.waitCapacity, new.waitCapacity)
        compare("dedup.window", old.dedupWindow, new.dedupWindow)
        compare("dedup.capacity", old.dedupCapacity, new.dedupCapacity)
        compare("late.grace", old.grace, new.grace)
        compare("clock.futureTolerance", old.futureTolerance, new.futureTolerance)
        compare("clock.tickMargin", old.tickMargin, new.tickMargin)
        compare("clock.timersPerTick", old.timersPerTick, new.timersPerTick)
        compare("qualification.upgradePause", old.upgradePause, new.upgradePause)
        compare("qualification.caps", old.caps, new.caps)
        compare("qualification.arbitration.window", old.arbitrationWindow, new.arbitrationWindow)
        compare("qualification.arbitration.retry", old.arbitrationRetry, new.arbitrationRetry)
        compare("qualification.quietHours", old.quietHours, new.quietHours)
        compare("qualification.holdout", old.holdout, new.holdout)
        compare("qualification.fuse", old.fuse, new.fuse)
        compare("qualification.attribution", old.attributionWindow, new.attributionWindow)
        compare("qualification.headroom", old.headroom, new.headroom)
        compare("qualification.openMax", old.openMax, new.openMax)
        compare("qualification.owedMax", old.owedMax, new.owedMax)
        return keys
    }
}

extension ConfigurationDifference: CustomStringConvertible {
    /// One change a line.
    public var description: String {
        var lines: [String] = []
        for rule in rules { lines.append("rule \(quoted(rule.name)): \(Self.text(rule.what))") }
        if isReordered { lines.append("rules: another order; of equal priorities the first goes out") }
        for meter in meters { lines.append("meter \(quoted(meter.name)): \(Self.text(meter.what))") }
        for plan in plans {
            switch plan.what {
            case .new: lines.append("plan \(quoted(plan.name)): new")
            case .gone: lines.append("plan \(quoted(plan.name)): gone; accounts on it have no limits but their own")
            case .changed(let limits, let others):
                for limit in limits {
                    lines.append(
                        "plan \(quoted(plan.name)): limit of \(quoted(limit.meter)) \(limit.from) → \(limit.to); "
                            + (limit.isRaised
                                ? "what is reached under it counts as said, the rest arms anew"
                                : "what is exceeded fires"))
                }
                if !others.isEmpty {
                    lines.append("plan \(quoted(plan.name)): \(others.joined(separator: ", ")); nothing arms anew")
                }
            }
        }
        if isLadderReordered { lines.append("plans: another order; what is an upgrade changes") }
        for addOn in addOns { lines.append("add-on \(quoted(addOn.name)): \(Self.text(addOn.what))") }
        for segment in segments { lines.append("segment \(quoted(segment.name)): \(Self.text(segment.what))") }
        if hasOtherWords { lines.append("words: changed; nothing arms anew") }
        for key in policy { lines.append("\(key): changed") }
        for key in restart {
            lines.append("\(key): changed; only a restart brings it, and a reload with it is refused")
        }
        if let staleSequence {
            lines.append("sequence: \(staleSequence) is not above the running one, so that a reload is refused")
        }
        return lines.isEmpty ? "nothing changes" : lines.joined(separator: "\n")
    }

    private static func text(_ onChange: Rule.OnChange) -> String {
        switch onChange {
        case .silent: "what is exceeded already counts as said"
        case .evaluate: "what is exceeded already fires (onChange: evaluate)"
        }
    }

    private static func text(_ what: RuleChange.What) -> String {
        switch what {
        case .new(let onChange): return "new; \(text(onChange))"
        case .gone: return "gone"
        case .version(let keys, let onChange, let parts, let others):
            let kept = parts.isEmpty ? "" : "; parts that keep their state: \(parts.joined(separator: ", "))"
            let rest = others.isEmpty ? "" : "; also \(others.joined(separator: ", "))"
            return "new version (\(keys.joined(separator: ", "))): arms anew, \(text(onChange))\(kept)\(rest)"
        case .words(let keys): return "\(keys.joined(separator: ", ")); nothing arms anew"
        }
    }

    private static func text(_ what: MeterChange.What) -> String {
        switch what {
        case .new: "new"
        case .gone: "gone, with its counters"
        case .restart: "new definition; its counters start anew"
        case .unit: "unit; its counters stay"
        }
    }

    private static func text(_ what: SegmentChange.What) -> String {
        switch what {
        case .new: "new"
        case .gone: "gone"
        case .changed: "another condition"
        }
    }

    private static func text(_ what: AddOnChange.What) -> String {
        switch what {
        case .new: "new"
        case .gone: "gone; who holds it has its limits no longer"
        case .adds: "adds something else; limits of those who hold it change"
        case .words: "title or prices; nothing arms anew"
        }
    }
}
