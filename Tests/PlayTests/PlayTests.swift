import Foundation
import Testing
import UpsellConfiguration
import UpsellModel
import UpsellTesting

/// Every play of `config/plays` tells its story, under its own names and under others, without Kafka. The same tables go
/// through a real broker in `PlaysOnKafkaTests`.
struct PlayTests {
    @Test(arguments: PlayTables.names)
    func tellsItsStory(_ name: String) throws {
        try expectNothing(of: #require(Self.told[name]).get(), .none)
    }

    @Test(arguments: PlayTables.names)
    func tellsItUnderOtherNames(_ name: String) throws {
        try expectNothing(of: run(name, .renamed), .renamed)
    }

    @Test(arguments: PlayTables.plays)
    func tellsItUnderAnotherCatalogue(_ name: String) throws {
        try expectNothing(of: run(name, .otherCatalogue), .otherCatalogue)
    }

    @Test func everyPlayOfTheGuideIsThereAndHasItsStory() {
        let guide = [
            "airtable", "canva", "clickup", "dropbox", "grammarly", "intercom", "loom", "miro", "pendo", "zapier",
        ]
        #expect(PlayTables.plays == guide)
        #expect(Set(guide).isSubset(of: PlayTables.names))
    }

    /// Each story lasts at least three weeks and has an account that gets a trigger, one that is held back, and one that
    /// converts or answers.
    @Test(arguments: PlayTables.plays)
    func lastsThreeWeeksAndHasItsNegativeTwin(_ name: String) throws {
        let site = try PlaySite(file: PlayTables.file(name))
        let times = site.scenario.rows.flatMap(\.times)
        let first = try #require(times.min())
        let last = try #require(times.max())
        #expect(last - first >= 21 * .millisecondsPerDay, "\((last - first) / .millisecondsPerDay) days")
        let outputs = try Self.told[name]?.get().outputs ?? []
        func accounts(_ topic: PlayOutput.Topic) -> Set<String> {
            Set(outputs.filter { $0.topic == topic }.map(\.key))
        }
        #expect(accounts(.triggers).count >= 2, "more than one account gets it")
        #expect(!accounts(.held).isEmpty, "one must not get it")
        #expect(!accounts(.outcomes).isEmpty, "something becomes of it")
    }

    @Test func everyReasonArises() throws {
        var reasons: Set<String> = []
        for name in PlayTables.names { reasons.formUnion(try #require(Self.told[name]).get().reasons) }
        let missing = Set(HoldReason.allCases.map(\.rawValue)).subtracting(reasons)
        #expect(missing.isEmpty, "\(missing.sorted())")
    }

    /// All plays in one configuration, as somebody begins with them: names clash with nothing.
    @Test func allPlaysLoadTogether() throws {
        let path = TestPaths.package.appendingPathComponent("config/upselld.yaml").path
        let files = ["rules.yaml"] + PlayTables.plays.map { "plays/\($0).yaml" }
        let configuration = try ConfigurationLoader.load(
            path: path, overrides: [(key: "rules", value: "[\(files.joined(separator: ", "))]")])
        for name in PlayTables.plays {
            #expect(configuration.catalogue.rules.contains { $0.name.hasPrefix("\(name)-") }, "\(name)")
        }
    }

    /// Each file says at its top when to use it, what events it needs and what to change.
    @Test(arguments: PlayTables.plays)
    func saysWhenToUseIt(_ name: String) throws {
        let file = TestPaths.package.appendingPathComponent("config/plays/\(name).yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        let top = text.split(separator: "\n", omittingEmptySubsequences: false).prefix { $0.hasPrefix("#") }.joined()
        for phrase in ["When to use it:", "Events it needs:", "What to change:"] {
            #expect(top.contains(phrase), "\(name) does not say: \(phrase)")
        }
    }

    // MARK: The runner itself

    /// A wrong expectation, an output that is not expected, and rows that are none are complaints.
    @Test(arguments: [
        ("2025-03-04T09:00 | a | event board.created change=1 | trigger r crossed=9", "crossed is 1"),
        ("2025-03-04T09:00 | a | event board.created change=1 | -", "unexpected [@a trigger r]"),
        ("2025-03-04T09:00 | a | event board.created change=1 | trigger r; held r paused", "expected [held r paused]"),
        ("2025-03-04T09:00 | a | clock | trigger r", "expected [trigger r] did not come"),
        ("2025-03-04T09:00 | a | leap | -", "not understood: leap"),
        ("2025-03-04T09:00 | a | feedback shown r | -", "no trigger of r to report about"),
        ("2025-03-04T09:00 | a | event board.created change={half boards} | -", "not understood"),
    ])
    func complains(_ row: String, _ complaint: String) throws {
        let complaints = try report(of: row).complaints
        #expect(complaints.contains { $0.contains(complaint) }, "\(complaints)")
    }

    @Test(arguments: [
        "2025-03-04 | a | clock", "2025-03-04 | a | clock | maybe", "someday | a | clock | -",
        "2025-03-02 | a | clock | -",
        "play dropbox",
    ])
    func refusesWhatIsNoTable(_ row: String) {
        #expect(throws: PlayScenario.Unreadable.self) { try report(of: row) }
    }

    private func report(of row: String) throws -> PlayReport {
        let text = """
            clock api.request bytes=0
            rules
              rules:
                - { name: r, signal: { limit: { meter: boards, thresholds: { absolute: [1] }, band: 0 } } }

            2025-03-03T09:00 | a | profile plan=basic currency=USD | -
            \(row)
            """
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).play")
        try text.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        return try Self.run(PlaySite(file: file))
    }

    // MARK: Playing

    /// Every table under its own names, played once for all tests that look at it.
    private static let told = Dictionary(
        uniqueKeysWithValues: PlayTables.names.map { name in
            (name, Result { try run(PlaySite(file: PlayTables.file(name))) })
        })

    private func run(_ name: String, _ renaming: PlayRenaming) throws -> PlayReport {
        try Self.run(PlaySite(file: PlayTables.file(name), renaming: renaming))
    }

    private static func run(_ site: PlaySite) throws -> PlayReport {
        let configuration = try site.configuration()
        var runner = PlayRunner(site.scenario, catalogue: configuration.catalogue)
        try runner.play(PurePlayDriver(configuration))
        return runner.report
    }

    private func expectNothing(of report: PlayReport, _ renaming: PlayRenaming) {
        #expect(report.complaints.isEmpty, "\(renaming.title):\n\(report.complaints.joined(separator: "\n"))")
    }
}
