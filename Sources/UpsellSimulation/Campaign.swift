/// Many histories: sums of what they hit, and the first that went wrong.
package struct Campaign: Sendable {
    /// What a campaign's histories came to.
    package struct Summary: Sendable, Equatable {
        package var histories = 0
        package var events = 0
        package var lives = 0
        package var commits = 0
        package var rebalances = 0
        /// Virtual time of all histories together.
        package var milliseconds: Int64 = 0
        package var counts = FaultCounts()
        /// Histories below what a history should have: 300 events, 3 lives, 5 faults, 2 rebalances.
        package var thin = 0

        package init() {}

        package mutating func add(_ outcome: Simulation.Outcome) {
            histories += 1
            events += outcome.events
            lives += outcome.lives
            commits += outcome.commits
            rebalances += outcome.rebalances
            milliseconds += outcome.milliseconds
            counts.add(outcome.counts)
            if outcome.events < 300 || outcome.lives < 3 || outcome.counts.planted < 5 || outcome.rebalances < 2 {
                thin += 1
            }
        }

        package mutating func add(_ other: Summary) {
            histories += other.histories
            events += other.events
            lives += other.lives
            commits += other.commits
            rebalances += other.rebalances
            milliseconds += other.milliseconds
            counts.add(other.counts)
            thin += other.thin
        }

        /// For people: totals, then each fault and how often it hit.
        package var lines: [String] {
            var lines = [
                "\(histories) histories, \(events) events, \(commits) committed transactions, \(lives) lives of "
                    + "instances, \(rebalances) rebalances, \(milliseconds / 1_000) s of virtual time"
            ]
            for fault in FaultCounts.Fault.allCases { lines.append("  \(fault.name): \(counts[fault])") }
            return lines
        }
    }

    /// A history that went wrong, and how to see it again.
    package struct Failure: Sendable, Equatable {
        package var seed: UInt64
        package var crashAt: Int?
        package var step: Int
        package var text: String
        package var plant: PlantedBug?

        package var replay: String {
            "upselld-sim --seed \(seed)" + (crashAt.map { " --exhaustive --crash-at \($0)" } ?? "")
                + (plant.map { " --plant \($0.rawValue)" } ?? "") + " --trace"
        }

        package var description: String { "seed \(seed), step \(step): \(text)\nreplay: \(replay)" }
    }

    /// Runs one long history.
    package static func history(seed: UInt64, plant: PlantedBug? = nil, tracing: ((String) -> Void)? = nil)
        -> (outcome: Simulation.Outcome, failure: Failure?)
    {
        var options = Simulation.Options(seed: seed)
        options.plant = plant
        return run(options, tracing)
    }

    /// Runs one short history with a crash at a place of its I/O; nil for none.
    package static func short(
        seed: UInt64, crashAt: Int?, plant: PlantedBug? = nil, tracing: ((String) -> Void)? = nil
    ) -> (outcome: Simulation.Outcome, failure: Failure?) {
        var options = Simulation.Options(seed: seed)
        options.plant = plant
        options.shape = .short
        options.crashAt = crashAt
        return run(options, tracing)
    }

    private static func run(
        _ options: Simulation.Options, _ tracing: ((String) -> Void)?
    ) -> (outcome: Simulation.Outcome, failure: Failure?) {
        let outcome = Simulation(options, tracing: tracing).run()
        let failure = outcome.violation.map {
            Failure(
                seed: options.seed, crashAt: options.shape == .short ? options.crashAt ?? 0 : nil,
                step: outcome.step, text: $0, plant: options.plant)
        }
        return (outcome, failure)
    }

    /// Histories from `first` on until a planted bug is noticed.
    ///
    /// - Returns: how many it took, and what was noticed; nil if none of `most` did.
    package static func hunt(
        _ bug: PlantedBug, from first: UInt64, most: Int
    ) -> (histories: Int, failure: Failure)? {
        for index in 0..<most {
            if let failure = history(seed: first + UInt64(index), plant: bug).failure { return (index + 1, failure) }
        }
        return nil
    }
}
