import Testing
import UpsellSimulation

/// The production logic under the simulated broker; `upselld-sim` runs the same with many more seeds.
@Suite struct CampaignTests {
    @Test(arguments: 1...12)
    func aHistoryIsCleanAndRich(seed: UInt64) {
        let (outcome, failure) = Campaign.history(seed: seed)
        #expect(failure == nil, "\(failure?.description ?? "")")
        #expect(outcome.events >= 300)
        #expect(outcome.lives >= 3)
        #expect(outcome.rebalances >= 2)
        #expect(outcome.counts.planted >= 5)
        #expect(outcome.commits > 10)
    }

    @Test func aSeedIsAHistory() {
        var first: [String] = []
        var second: [String] = []
        _ = Campaign.history(seed: 77, tracing: { first.append($0) })
        _ = Campaign.history(seed: 77, tracing: { second.append($0) })
        #expect(first.count > 100)
        #expect(first == second)
    }

    @Test func someHistoriesTogetherMeetMostFaults() {
        var summary = Campaign.Summary()
        for seed in UInt64(100)..<120 { summary.add(Campaign.history(seed: seed).outcome) }
        let rare: Set<FaultCounts.Fault> = [.unknownOutcomeCommitted, .unknownOutcomeAborted, .deadOwnerFenced]
        #expect(summary.counts.missing.filter { !rare.contains($0) } == [])
        #expect(summary.counts[.trigger] > 100)
        #expect(summary.thin == 0)
    }

    /// Every fifth place of one short history; `upselld-sim --exhaustive` kills at each of many.
    @Test func aShortHistorySurvivesACrashAtAnyPlaceOfItsIO() {
        let (plain, failure) = Campaign.short(seed: 3, crashAt: nil)
        #expect(failure == nil, "\(failure?.description ?? "")")
        #expect(plain.ioSteps > 100)
        var crashes = 0
        for place in stride(from: 1, through: plain.ioSteps, by: 5) {
            let (outcome, failure) = Campaign.short(seed: 3, crashAt: place)
            #expect(failure == nil, "\(failure?.description ?? "")")
            crashes += outcome.counts[.crash]
        }
        #expect(crashes == (plain.ioSteps + 4) / 5)
    }

    @Test(arguments: PlantedBug.allCases)
    func aPlantedBugIsNoticed(bug: PlantedBug) throws {
        let found = try #require(Campaign.hunt(bug, from: 1, most: 60), "\(bug) was not noticed")
        #expect(found.failure.plant == bug)
        #expect(found.failure.replay.contains("--plant \(bug.rawValue)"))
    }

    @Test func aFailureTellsHowToSeeItAgain() throws {
        let found = try #require(Campaign.hunt(.doubledTriggers, from: 1, most: 20))
        let again = Campaign.history(seed: found.failure.seed, plant: .doubledTriggers).failure
        #expect(again == found.failure)
    }

    @Test func countsSurviveTheirLine() throws {
        let counts = Campaign.history(seed: 5).outcome.counts
        #expect(FaultCounts(line: counts.line) == counts)
        #expect(FaultCounts(line: "1 2 x") == nil)
    }
}
