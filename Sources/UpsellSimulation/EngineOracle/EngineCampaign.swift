package import UpsellEngine
internal import UpsellModel

/// Many random histories, in which the engine has to decide what the oracle decides.
package struct EngineCampaign {
    package struct Outcome: Sendable {
        package var events = 0
        package var triggers = 0
        package var held = 0
        package var traits = EngineTraits()
        /// Step and difference of the first that went wrong.
        package var failure: String?
    }

    package struct Summary: Sendable {
        package private(set) var histories = 0
        package private(set) var events = 0
        package private(set) var triggers = 0
        package private(set) var held = 0
        private var counts: [UInt8: Int] = [:]

        package init() {}

        package static let names: [(traits: EngineTraits, name: String)] = [
            (.crosses, "cross"), (.holds, "hold"), (.rearms, "re-arm"), (.rolls, "roll a period"),
            (.corrects, "correct"), (.releases, "release"), (.reloads, "reload"),
        ]

        package mutating func add(_ outcome: Outcome) {
            histories += 1
            events += outcome.events
            triggers += outcome.triggers
            held += outcome.held
            for (traits, _) in Self.names where outcome.traits.contains(traits) {
                counts[traits.rawValue, default: 0] += 1
            }
        }

        /// Share of the histories that have had it, thousandths.
        package func share(_ traits: EngineTraits) -> Int {
            histories == 0 ? 0 : counts[traits.rawValue, default: 0] * 1_000 / histories
        }

        package var lines: [String] {
            ["\(histories) histories, \(events) events, \(triggers) triggers, \(held) held"]
                + Self.names.map { traits, name in
                    let share = share(traits)
                    return "  \(name): \(share / 10).\(share % 10) % of the histories"
                }
        }
    }

    /// Plays one history.
    ///
    /// - Parameter tracing: is told each step and what was said of it.
    package static func history(
        seed: UInt64, plant: PlantedEngineBug? = nil, tracing: ((String) -> Void)? = nil
    ) -> Outcome {
        let history = EngineHistory(seed: seed)
        var oracle = EngineOracle(history.scene)
        var player = EnginePlayer(history.scene, plant: plant)
        var outcome = Outcome()
        if let tracing { tracing("\(history.scene)") }
        for (number, step) in history.steps.enumerated() {
            let isSilent = number < history.silentUntil
            let found = player.play(step, isSilent: isSilent)
            oracle.play(step, isSilent: isSilent)
            if case .usage = step { outcome.events += 1 }
            if case .reload = step { oracle.traits.insert(.reloads) }
            if let tracing {
                tracing("\(number)\(isSilent ? " silent" : ""): \(step)")
                for (account, lines) in oracle.said.enumerated() {
                    for line in lines { tracing("  \(account): \(line)") }
                }
            }
            outcome.failure = difference(found, oracle) ?? difference(of: step, player, oracle)
            if let failure = outcome.failure {
                outcome.failure = "step \(number): \(failure)"
                break
            }
        }
        outcome.traits = oracle.traits
        outcome.triggers = player.record.triggers.count
        outcome.held = player.record.held.count
        if outcome.failure == nil { outcome.failure = differenceOfIdentities(player.record) }
        if outcome.failure == nil { outcome.failure = differenceOfReplay(history, player.record, plant) }
        return outcome
    }

    private static func difference(_ found: [[EngineSaid]], _ oracle: EngineOracle) -> String? {
        for account in found.indices {
            // What went out and what was held are two topics; the order of the latter within a record means nothing.
            let wanted = inOrder(oracle.said[account])
            let found = inOrder(found[account])
            if found != wanted {
                return "account \(account): said \(found), expected \(wanted)"
            }
        }
        return nil
    }

    private static func inOrder(_ said: [EngineSaid]) -> [EngineSaid] {
        said.filter { $0.held == nil }
            + said.filter { $0.held != nil }.sorted { $0.description < $1.description }
    }

    private static func difference(
        of step: EngineStep, _ player: borrowing EnginePlayer, _ oracle: EngineOracle
    ) -> String? {
        let statistics = player.engine.statistics
        let standing =
            statistics.triggers + statistics.held + statistics.ghosts + statistics.merged + statistics.parked
            + statistics.shadowed
        if statistics.signals != standing { return "\(statistics.signals) signals, but \(standing) in some state" }
        guard case .usage(let usage) = step, oracle.accounts[usage.account].isKnown else { return nil }
        for meter in oracle.scene.meters.indices {
            let found = player.usage(usage.account, meter) ?? 0
            let wanted = oracle.usage(usage.account, meter) ?? 0
            if found != wanted { return "meter \(meter) is \(found), expected \(wanted)" }
        }
        return nil
    }

    /// At most one trigger a key, for ever.
    private static func differenceOfIdentities(_ record: EngineRecord) -> String? {
        var seen: Set<TriggerID> = []
        for trigger in record.triggers where !seen.insert(trigger.id).inserted {
            return "trigger \(trigger.id) went out twice"
        }
        return nil
    }

    /// The same order gives the same triggers, also where an engine is replaced in between.
    private static func differenceOfReplay(
        _ history: EngineHistory, _ record: EngineRecord, _ plant: PlantedEngineBug?
    ) -> String? {
        var player = EnginePlayer(history.scene, plant: plant)
        for (number, step) in history.steps.enumerated() {
            if number == history.restoreAt {
                do { try player.restore(plant: plant) } catch { return "state before step \(number): \(error)" }
            }
            _ = player.play(step, isSilent: number < history.silentUntil)
        }
        return player.record == record ? nil : "a replay with a restore before step \(history.restoreAt) differs"
    }

    /// Histories from `first` on until a planted bug is noticed.
    ///
    /// - Returns: how many it took, and what was noticed; nil if none of `most` did.
    package static func hunt(
        _ bug: PlantedEngineBug, from first: UInt64, most: Int
    ) -> (histories: Int, failure: String)? {
        for index in 0..<most {
            if let failure = history(seed: first + UInt64(index), plant: bug).failure { return (index + 1, failure) }
        }
        return nil
    }
}
