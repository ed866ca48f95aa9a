import Testing

@testable import UpsellConfiguration

/// What is right and of doubtful use.
struct WarningTests {
    private func warnings(_ catalog: String, _ rules: String = "rules: []") throws -> [String] {
        try Fixtures.review(catalog: Array(catalog.utf8), rules: Array(rules.utf8)).warnings.map(\.description)
    }

    private let meters = """
        meters:
          calls: { events: a, aggregation: count }
          disk: { events: b, aggregation: latest, value: data.n, window: gauge }

        """

    @Test
    func plansThatHardlyDifferAreTold() throws {
        let found = try warnings(
            meters + """
                plans:
                  - { name: a, limits: { calls: 100, disk: 1_000_000_000_000_000_000 }, features: { x: basic } }
                  - { name: b, limits: { calls: 109, disk: 1_000_000_000_000_000_000 }, features: { x: basic } }
                """)
        #expect(
            found == [
                "catalog.yaml:6: plans[1].name: warning: \"b\" hardly differs from \"a\": no limit is 10 % higher and the "
                    + "features are the same; expected something to upgrade for"
            ])
    }

    /// A tenth more, another feature or level, no limit any more: each is worth an upgrade.
    @Test(arguments: [
        "{ name: b, limits: { calls: 110, disk: 1 }, features: { x: basic } }",
        "{ name: b, limits: { calls: 100, disk: 1 }, features: { x: advanced } }",
        "{ name: b, limits: { calls: 100, disk: 1 }, features: { x: basic, y: basic } }",
        "{ name: b, limits: { calls: 100 }, features: { x: basic } }",
        // Nobody's next plan:
        "{ name: b, limits: { calls: 100, disk: 1 }, features: { x: basic }, custom: true }",
        "{ name: b, limits: { calls: 1, disk: 1 }, features: { x: basic }, successor: a }",
    ])
    func plansThatDifferAreNot(plan: String) throws {
        let found = try warnings(
            meters + "plans:\n  - { name: a, limits: { calls: 100, disk: 1 }, features: { x: basic } }\n  - \(plan)")
        #expect(found == [])
    }

    @Test
    func higherPlanWithALowerLimitIsTold() throws {
        let found = try warnings(
            meters + """
                plans:
                  - { name: a, limits: { calls: 100 } }
                  - name: b
                    limits:
                      calls: 99
                      disk: 5
                  - { name: c, limits: { calls: 1_000, disk: { limit: 4 } } }
                """)
        #expect(
            found == [
                "catalog.yaml:6: plans[1].name: warning: \"b\" hardly differs from \"a\": no limit is 10 % higher and the "
                    + "features are the same; expected something to upgrade for",
                "catalog.yaml:8: plans[1].limits.calls: warning: the lower plan \"a\" has more; expected at least as much in "
                    + "a higher plan",
                "catalog.yaml:9: plans[1].limits.disk: warning: the lower plan \"a\" has unlimited; expected at least as much "
                    + "in a higher plan",
                "catalog.yaml:10: plans[2].limits.disk: warning: the lower plan \"b\" has more; expected at least as much in a "
                    + "higher plan",
            ])
    }

    private let unlimited = "plans: [{ name: a, limits: { disk: 5 } }, { name: b, limits: { disk: 10 } }]\n"

    @Test(arguments: [
        ("limit: { meter: calls, thresholds: { percent: [80] } }", true),
        ("limit: { meter: calls, thresholds: { remaining: [5] } }", true),
        ("limit: { meter: calls, thresholds: { absolute: [80] } }", false),
        ("limit: { meter: disk, thresholds: { percent: [80] } }", false),
        ("pace: { meter: calls }", true),
        ("sustained: { meter: disk, percent: 90, for: 1d }", false),
        ("gate: { on: disk, within: 1d, withoutEntitlement: true }", true),
        ("gate: { on: disk, within: 1d }", false),
        // 10 is left of 10 before anything is used, and 9 only in the higher plan.
        ("limit: { meter: disk, thresholds: { remaining: [10] } }", true),
        ("limit: { meter: disk, thresholds: { remaining: [9] } }", false),
        // A part that never comes true is as useless.
        (
            "all: { within: 1d, parts: [{ name: a, signal: { pace: { meter: calls } } }, "
                + "{ name: b, signal: { trial: { days: 0 } } }] }", true
        ),
    ])
    func signalThatNoPlanLetsFireIsTold(signal: String, isTold: Bool) throws {
        let found = try warnings(meters + unlimited, "rules:\n  - { name: x, signal: { \(signal) } }")
        #expect(found.count == (isTold ? 1 : 0), "\(found)")
        #expect(found.allSatisfy { $0.hasPrefix("rules.yaml:2: rules[0].signal.") && $0.contains(": warning: ") })
    }

    /// An add-on gives a limit where the plans have none.
    @Test
    func addOnsRaiseLimits() throws {
        let plans =
            "plans: [{ name: a, limits: { calls: 0, disk: 5 } }]\naddOns: [{ name: m, adds: { calls: 5, disk: 9 } }]"
        let rules = """
            rules:
              - { name: x, signal: { limit: { meter: calls, thresholds: { percent: [80] } } } }
              - { name: y, signal: { limit: { meter: disk, thresholds: { remaining: [6] } } } }
            """
        #expect(try warnings(meters + plans, rules) == [])
    }

    @Test
    func mergingIntoNoDigestIsTold() throws {
        let merging = "rules:\n  - { name: x, signal: { trial: { days: 0 } }, digest: merge }\n"
        #expect(
            try warnings(meters + unlimited, merging) == [
                "rules.yaml:2: rules[0].digest: warning: no rule is a digest, so that what loses is judged again; expected a "
                    + "rule with the signal digest, or digest: release"
            ])
        #expect(
            try warnings(meters + unlimited, merging + "  - { name: y, signal: { digest: { every: week } } }") == [])
    }

    @Test
    func complaintsComeWithoutWarnings() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try warnings(meters + "plans: [{ name: a, limits: { calls: 5 } }, { name: a }]")
        }
        #expect(error.complaints.map(\.severity) == [.error])
    }
}
