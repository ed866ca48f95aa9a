import Testing
import UpsellEngine
import UpsellSimulation

/// Engine against oracle, in small; `upselld-sim --engine --histories 100000` is the large one.
@Suite struct EngineOracleTests {
    @Test(arguments: 0..<4)
    func histories(_ lot: Int) {
        var summary = EngineCampaign.Summary()
        for number in 0..<250 {
            let seed = UInt64(1_000_000 + lot * 250 + number)
            let outcome = EngineCampaign.history(seed: seed)
            summary.add(outcome)
            #expect(outcome.failure == nil, "upselld-sim --engine --seed \(seed) --trace")
            if outcome.failure != nil { return }
        }
        // A generator that has lost a habit proves less than it says.
        for (traits, name) in EngineCampaign.Summary.names {
            let share = summary.share(traits)
            #expect(share >= 100, "\(name): \(share) in 1,000")
        }
    }

    /// Every planted bug is noticed: a proof that finds nothing must be known to look.
    @Test(arguments: PlantedEngineBug.allCases)
    func everyPlantedBugIsNoticed(_ bug: PlantedEngineBug) {
        let found = EngineCampaign.hunt(bug, from: 1, most: 2_000)
        #expect(found != nil)
    }
}
