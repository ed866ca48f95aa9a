import Testing
import UpsellModel

@testable import UpsellConfiguration
@testable import UpsellEngine

/// What a reload would change, as it is printed, and that the engine agrees on what is kept.
struct ConfigurationDifferenceTests {
    private static let catalog = """
        meters:
          calls: { events: a, aggregation: count, unit: calls }
          hours: { events: b, aggregation: sum, value: data.h, scale: 2 }
          disk: { events: c, aggregation: latest, value: data.n, window: gauge }
        behaviours:
          denied: { events: d, feature: data.f }
        plans:
          - { name: basic, limits: { calls: 100, hours: 2.50 }, features: { x: basic } }
          - { name: pro, limits: { calls: 1_000, hours: 10, disk: 5 }, prices: { USD: { month: 10 } } }
        addOns:
          - { name: more, adds: { calls: 100 } }
        segments:
          small: { usage: { meter: hours, atMost: 1 } }

        """
    private static let rules = """
        rules:
          - { name: calls, signal: { limit: { meter: calls, thresholds: { percent: [80, 100] } } }, message: Hello }
          - { name: denied, signal: { gate: { on: denied, within: 7d } }, where: { segment: small } }
          - name: both
            signal:
              all:
                within: 14d
                parts:
                  - { name: full, signal: { limit: { meter: disk, thresholds: { percent: [90] } } } }
                  - { name: pace, signal: { pace: { meter: hours } } }
            channels: [{ channel: csm, when: { usage: { meter: disk, atLeast: 1 } } }]

        """
    private static let main = "sequence: 3\n"

    private static let versions = ConfigurationDifference.Versions(
        ofRule: KeyVersion.ofRule, ofPart: KeyVersion.ofPart, ofMeter: KeyVersion.ofMeter)

    private static func load(_ texts: (main: String, catalog: String, rules: String)) throws -> Configuration {
        try Fixtures.load(
            main: Array(texts.main.utf8), catalog: Array(texts.catalog.utf8), rules: Array(texts.rules.utf8))
    }

    /// Edits as `old → new`, and the lines they cause beside the one about the sequence.
    private static let edits: [([(String, String)], [String])] = [
        ([], ["nothing changes"]),
        ([("message: Hello", "message: Hallo")], ["rule calls: message; nothing arms anew"]),
        (
            [("[80, 100]", "[70, 100]"), ("message: Hello", "priority: 5")],
            [
                "rule calls: new version (signal): arms anew, what is exceeded already counts as said; also priority, message"
            ]
        ),
        (
            [("[80, 100]", "[70, 100]"), ("message: Hello", "message: Hello, onChange: evaluate")],
            [
                "rule calls: new version (signal): arms anew, what is exceeded already fires (onChange: evaluate); also "
                    + "onChange"
            ]
        ),
        (
            [("where: { segment: small }", "where: { plan: pro }, while: true")],
            ["rule denied: new version (where, while): arms anew, what is exceeded already counts as said"]
        ),
        (
            [("meter: hours, atMost: 1", "meter: hours, atMost: 2")],
            [
                "rule denied: new version (a meter, behaviour or segment that it refers to): arms anew, what is exceeded "
                    + "already counts as said", "segment small: another condition",
            ]
        ),
        (
            [("events: d,", "events: [d, e],")],
            [
                "rule denied: new version (a meter, behaviour or segment that it refers to): arms anew, what is exceeded "
                    + "already counts as said"
            ]
        ),
        (
            [("percent: [90]", "percent: [95]")],
            [
                "rule both: new version (signal): arms anew, what is exceeded already counts as said; parts that keep their "
                    + "state: pace"
            ]
        ),
        (
            [("name: calls, signal", "name: kalls, signal")],
            [
                "rule kalls: new; what is exceeded already counts as said", "rule calls: gone",
            ]
        ),
        // Another position of a meter is no change of what refers to it.
        (
            [
                ("meters:\n", "meters:\n  first: { events: z, aggregation: count }\n")
            ], ["meter first: new"]
        ),
        (
            [("unit: calls", "unit: requests")], ["meter calls: unit; its counters stay"]
        ),
        (
            [("aggregation: latest, value: data.n", "aggregation: latest, value: data.m")],
            [
                "rule both: new version (a meter, behaviour or segment that it refers to): arms anew, what is exceeded "
                    + "already counts as said; parts that keep their state: pace",
                "meter disk: new definition; its counters start anew",
            ]
        ),
        (
            [("hours: 2.50", "hours: 0.05"), ("calls: 1_000", "calls: unlimited")],
            [
                "plan basic: limit of hours 2.5 → 0.05; what is exceeded fires",
                "plan pro: limit of calls 1000 → unlimited; what is reached under it counts as said, the rest arms anew",
            ]
        ),
        (
            [("features: { x: basic }", "features: { x: plus }"), ("month: 10", "month: 11")],
            ["plan basic: features; nothing arms anew", "plan pro: prices; nothing arms anew"]
        ),
        (
            [("name: pro, ", "name: plus, ")],
            ["plan plus: new", "plan pro: gone; accounts on it have no limits but their own"]
        ),
        (
            [("adds: { calls: 100 }", "adds: { calls: 50 }")],
            [
                "add-on more: adds something else; limits of those who hold it change"
            ]
        ),
        (
            [("name: more, ", "name: most, ")],
            [
                "add-on most: new", "add-on more: gone; who holds it has its limits no longer",
            ]
        ),
        (
            [("sequence: 3", "sequence: 3\nqualification: { caps: [{ per: account, count: 1, window: 1d }] }")],
            [
                "qualification.caps: changed"
            ]
        ),
    ]

    @Test(arguments: edits.indices)
    func differenceSaysWhatChanges(index: Int) throws {
        let (edits, expected) = Self.edits[index]
        var texts = (Self.main, Self.catalog, Self.rules)
        for (from, to) in edits {
            let before = texts.0 + texts.1 + texts.2
            texts.0 = texts.0.replacing(from, with: to)
            texts.1 = texts.1.replacing(from, with: to)
            texts.2 = texts.2.replacing(from, with: to)
            #expect(before != texts.0 + texts.1 + texts.2, "\(from) is not there")
        }
        let running = try Self.load((Self.main, Self.catalog, Self.rules))
        let new = try Self.load(texts)
        let difference = ConfigurationDifference(from: running, to: new, versions: Self.versions)
        let stale = "sequence: 3 is not above the running one, so that a reload is refused"
        let lines = difference.description.split(separator: "\n").map(String.init)
        #expect(lines.filter { $0 != stale } == expected)
        #expect(lines.contains(stale) == (running.catalogue != new.catalogue))
        #expect(difference.isEmpty == (expected == ["nothing changes"]))
        try agreesWithTheEngine(difference, running.catalogue, new.catalogue)
        var raised = new
        raised.sequence = 2
        #expect(ConfigurationDifference(from: running, to: raised, versions: Self.versions).staleSequence == 2)
        raised.sequence = 4
        #expect(ConfigurationDifference(from: running, to: raised, versions: Self.versions).staleSequence == nil)
    }

    /// Kept is what the engine matches at `adopt`.
    private func agreesWithTheEngine(
        _ difference: ConfigurationDifference, _ running: Catalogue, _ new: Catalogue
    ) throws {
        let (before, after) = (Program(running), Program(new))
        let change = CatalogueChange(from: before, to: after)
        for (index, code) in after.signals.enumerated() {
            let rule = new.rules[code.rule]
            let what = difference.rules.first { $0.name == rule.name }?.what
            let isKept: Bool
            switch what {
            case nil, .words: isKept = true
            case .new, .gone: isKept = false
            case .version(_, _, let parts, _):
                guard code.part >= 0, case .combination(let combination) = rule.signal else {
                    isKept = false
                    break
                }
                isKept = parts.contains(combination.parts[code.part].name)
            }
            #expect((change.oldSignal[index] != nil) == isKept, "\(rule.name), part \(code.part)")
        }
        for (index, meter) in new.meters.enumerated() {
            let what = difference.meters.first { $0.name == meter.name }?.what
            let isKept = what == nil || what == .unit
            #expect((change.oldMeter[index] != nil) == isKept, "\(meter.name)")
        }
    }

    @Test
    func whatOnlyARestartBringsIsTold() throws {
        let running = try Self.load((Self.main, Self.catalog, Self.rules))
        let difference = ConfigurationDifference(
            from: running, to: running, versions: Self.versions, restart: ["log.level"])
        #expect(!difference.isEmpty)
        #expect(
            difference.description == "log.level: changed; only a restart brings it, and a reload with it is refused")
    }

    /// What is said counts, not where it stands.
    @Test
    func otherWordsAreTold() throws {
        let running = try Self.load((Self.main, Self.catalog, Self.rules))
        func source(_ text: String, line: Int) -> TemplateSource {
            TemplateSource(text: text, file: "words.yaml", line: line, column: 1)
        }
        func configuration(_ body: String, call: String?, line: Int) -> Configuration {
            var configuration = running
            let fields = WordsSource.Fields(
                title: source("Title", line: line), body: source(body, line: line),
                callToAction: call.map { source($0, line: line) })
            configuration.words.templates["limit"] = WordsSource.Template(
                name: source("limit", line: line), locales: ["en": fields])
            return configuration
        }
        let old = configuration("Body", call: nil, line: 1)
        func difference(to new: Configuration) -> ConfigurationDifference {
            ConfigurationDifference(from: old, to: new, versions: Self.versions)
        }
        #expect(difference(to: configuration("Body", call: nil, line: 9)).isEmpty)
        for other in [configuration("Bodies", call: nil, line: 1), configuration("Body", call: "Go", line: 1), running]
        {
            #expect(difference(to: other).description == "words: changed; nothing arms anew")
            #expect(!difference(to: other).isEmpty)
        }
    }

    @Test
    func anotherOrderIsTold() throws {
        let swapped = Self.rules.split(separator: "\n").map(String.init)
        let rules = ([swapped[0], swapped[2], swapped[1]] + swapped[3...]).joined(separator: "\n")
        let plans = Self.catalog.split(separator: "\n").map(String.init)
        let at = try #require(plans.firstIndex { $0.contains("name: basic") })
        var lines = plans
        lines.swapAt(at, at + 1)
        let running = try Self.load((Self.main, Self.catalog, Self.rules))
        let new = try Self.load((Self.main, lines.joined(separator: "\n"), rules))
        let difference = ConfigurationDifference(from: running, to: new, versions: Self.versions)
        #expect(difference.isReordered)
        #expect(difference.isLadderReordered)
        #expect(!difference.isEmpty)
        #expect(difference.rules.isEmpty)
    }

    /// Every key of the policy that has another value is named.
    @Test
    func everyKeyOfThePolicyIsCompared() throws {
        let running = try Fixtures.load()
        let every = try Fixtures.load(main: try Fixtures.bytes("every-qualification.upselld.good.yaml"))
        let other = try Fixtures.load(main: try Fixtures.bytes("every-key.upselld.good.yaml"))
        var policy = every.catalogue.policy
        let most = other.catalogue.policy
        policy.unknownAccounts = most.unknownAccounts
        policy.waitDuration = most.waitDuration
        policy.waitCapacity = most.waitCapacity
        policy.dedupWindow = most.dedupWindow
        policy.dedupCapacity = most.dedupCapacity
        policy.grace = most.grace
        policy.futureTolerance = most.futureTolerance
        policy.firstStart = most.firstStart
        policy.goLive = most.goLive
        policy.tickMargin = most.tickMargin
        var new = running
        new.catalogue.policy = policy
        let difference = ConfigurationDifference(from: running, to: new, versions: Self.versions)
        // As many keys as the policy has members.
        #expect(difference.policy.count == Mirror(reflecting: policy).children.count)
        #expect(Set(difference.policy).isSubset(of: Set(MainFile.leaves)))
    }
}
