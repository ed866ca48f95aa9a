import UpsellModel

extension MainFile {
    /// Who is told how much, and when: contract §5. What may be null is off by default.
    mutating func readQualification(_ section: Section, arbitration: Section) {
        section.duration("upgradePause", 0...366 * .millisecondsPerDay, &policy.upgradePause)
        if let value = section["caps"] { policy.caps = Self.caps(value) }
        if let value = arbitration["window"] {
            if value.plain == "off" {
                policy.arbitrationWindow = nil
            } else if let window = Self.window(value) {
                policy.arbitrationWindow = window
            }
        }
        arbitration.duration(
            "retry", .millisecondsPerMinute...366 * .millisecondsPerDay, &policy.arbitrationRetry)
        if let value = section["quietHours"], !value.node.isNull { policy.quietHours = Self.quietHours(value) }
        if let value = section["holdout"], !value.node.isNull { policy.holdout = Self.holdout(value) }
        if let value = section["fuse"], !value.node.isNull { policy.fuse = Self.fuse(value) }
        section.duration("attribution", 0...366 * .millisecondsPerDay, &policy.attributionWindow)
        if let value = section["headroom"], let headroom = value.percent(from: 0, to: 100_000, as: "20") {
            policy.headroom = headroom
        }
        section.integer("openMax", 1...1_024, &policy.openMax)
        section.integer("owedMax", 1...1_024, &policy.owedMax)
    }

    private static func caps(_ value: Value) -> [Policy.Cap] {
        let shape = "[{per: account, count: 3, window: 7d}]"
        var caps: [Policy.Cap] = []
        for item in value.list("a list of caps, as \(shape)", max: ConfigurationBounds.capsMax) {
            let section = Section(
                item, keys: ["per", "count", "window"], expected: "{per: account, count: 3, window: 7d}")
            let scopes = Value.list(Policy.Cap.Scope.allCases.map(\.rawValue))
            let per = section.required("per", expected: scopes)?.choice(Policy.Cap.Scope.self)
            let count = section.required("count", expected: "how many at most, as 3")?
                .integer(1...ConfigurationBounds.capCountMax)
            let window = section.required("window", expected: "in which time, as 7d")?
                .duration(.millisecondsPerMinute...366 * .millisecondsPerDay)
            guard let per, let count, let window else { continue }
            if caps.contains(where: { $0.per == per && $0.window == window }) {
                item.complain(
                    "a second cap per \(per.rawValue) in \(durationText(window))", expected: "one of them")
            }
            caps.append(Policy.Cap(per: per, count: count, window: window))
        }
        return caps
    }

    private static func window(_ value: Value) -> Int64? {
        let most = 7 * Int64.millisecondsPerDay
        guard let plain = value.plain, let window = durationMilliseconds(plain), (0...most).contains(window) else {
            value.complain(notA: "a duration from 0ms to \(durationText(most)), as 10m, or off")
            return nil
        }
        return window
    }

    private static func quietHours(_ value: Value) -> Policy.QuietHours? {
        let section = Section(
            value, keys: ["from", "to", "weekends"], expected: "{from: \"20:00\", to: \"08:00\"} or {weekends: true}")
        var weekends = false
        section.flag("weekends", &weekends)
        // Weekends alone are no hours and all of Saturday and Sunday.
        if weekends, section["from"] == nil, section["to"] == nil, !section.hasUnknown {
            return Policy.QuietHours(from: 0, to: 0, weekends: true)
        }
        let from = section.required("from", expected: "when they begin, as \"20:00\"")?.minuteOfDay()
        let to = section.required("to", expected: "when they end, as \"08:00\"")?.minuteOfDay()
        guard let from, let to else { return nil }
        if from == to {
            section["to"]?.complain("quiet hours that end when they begin", expected: "another time of day")
        }
        return Policy.QuietHours(from: from, to: to, weekends: weekends)
    }

    private static func holdout(_ value: Value) -> Policy.Holdout? {
        let section = Section(value, keys: ["percent", "seed"], expected: "{percent: 5, seed: …}")
        let share = section.required("percent", expected: "the share of the accounts, as 5")?
            .percent(from: 1, to: 10_000, as: "5")
        guard let share else { return nil }
        var holdout = Policy.Holdout(share: share)
        section.text("seed", &holdout.seed)
        return holdout
    }

    private static func fuse(_ value: Value) -> Policy.Fuse? {
        let section = Section(value, keys: ["accounts", "percent"], expected: "{accounts: 1000, percent: 5}")
        let accounts = section["accounts"]?.integer(1...1_000_000_000)
        let share = section["percent"]?.percent(from: 1, to: 10_000, as: "5")
        if section["accounts"] == nil, section["percent"] == nil, !section.hasUnknown, value.isMap {
            value.complain("a fuse that never blows", expected: "accounts, percent or both", at: value.keyMark)
        }
        return Policy.Fuse(accounts: accounts, share: share)
    }
}
