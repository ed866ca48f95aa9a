import Dispatch
import Foundation
import Synchronization
import UpsellEngine
import UpsellSimulation

/// Compares engine and oracle over many histories, or hunts planted bugs.
struct EngineRunner {
    let arguments: EngineArguments

    /// - Returns: the exit status: 0 where all agree and the histories have enough in them, 1 otherwise.
    func run() -> Int32 {
        let began = DispatchTime.now().uptimeNanoseconds
        defer {
            let seconds = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
            say("took \(Int(seconds * 10) / 10) s")
        }
        if let seed = arguments.seed { return one(seed) }
        return arguments.plants.isEmpty ? many() : hunt()
    }

    private func one(_ seed: UInt64) -> Int32 {
        let outcome = EngineCampaign.history(
            seed: seed, plant: arguments.plants.first, tracing: arguments.isTracing ? { say($0) } : nil)
        var summary = EngineCampaign.Summary()
        summary.add(outcome)
        for line in summary.lines { say(line) }
        if let failure = outcome.failure { say("seed \(seed): \(failure)") }
        return outcome.failure == nil ? 0 : 1
    }

    private func many() -> Int32 {
        struct Shared: Sendable {
            var next = 0
            var summary = EngineCampaign.Summary()
            var failure: (seed: UInt64, text: String)?
        }
        let shared = Mutex(Shared())
        DispatchQueue.concurrentPerform(iterations: arguments.jobs) { @Sendable _ in
            while true {
                let index = shared.withLock { shared -> Int? in
                    guard shared.failure == nil, shared.next < arguments.histories else { return nil }
                    defer { shared.next += 1 }
                    return shared.next
                }
                guard let index else { return }
                let seed = arguments.first + UInt64(index)
                let outcome = EngineCampaign.history(seed: seed)
                shared.withLock {
                    $0.summary.add(outcome)
                    // Of several the lowest, so that the same run says the same.
                    if let failure = outcome.failure, $0.failure.map({ seed < $0.seed }) ?? true {
                        $0.failure = (seed, failure)
                    }
                }
            }
        }
        let (summary, failure) = shared.withLock { ($0.summary, $0.failure) }
        for line in summary.lines { say(line) }
        if let failure {
            say("seed \(failure.seed): \(failure.text)")
            say("replay: upselld-sim --engine --seed \(failure.seed) --trace")
            return 1
        }
        let rare = EngineCampaign.Summary.names.filter { summary.share($0.traits) < 100 }
        for trait in rare { say("too few histories \(trait.name)") }
        return rare.isEmpty ? 0 : 1
    }

    private func hunt() -> Int32 {
        var escaped = 0
        for bug in arguments.plants {
            if let (histories, failure) = EngineCampaign.hunt(bug, from: arguments.first, most: arguments.histories) {
                say("\(bug.rawValue): noticed in history \(histories)")
                say("  \(failure)")
            } else {
                escaped += 1
                say("\(bug.rawValue): NOT NOTICED in \(arguments.histories) histories")
            }
        }
        return escaped == 0 ? 0 : 1
    }

    private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}

/// What `upselld-sim --engine` is asked for.
struct EngineArguments: Sendable {
    var histories = 2_000
    var first: UInt64 = 1
    var seed: UInt64?
    var jobs = 2
    var isTracing = false
    var plants: [PlantedEngineBug] = []

    static let usage = """
               upselld-sim --engine [--histories N] [--from SEED] [--jobs N]   engine against oracle
               upselld-sim --engine --seed SEED [--plant BUG] [--trace]        one history
               upselld-sim --engine --plant BUG|all [--histories N]            until a planted bug is noticed
        bugs: \(PlantedEngineBug.allCases.map(\.rawValue).joined(separator: " "))
        """

    /// - Parameter words: without `--engine`.
    /// - Returns: nil where the arguments make no sense.
    init?(_ words: ArraySlice<String>) {
        var words = words
        while let word = words.popFirst() {
            switch word {
            case "--histories":
                guard let value = words.popFirst().flatMap({ Int($0) }), value > 0 else { return nil }
                histories = value
            case "--from":
                guard let value = words.popFirst().flatMap({ UInt64($0) }) else { return nil }
                first = value
            case "--seed":
                guard let value = words.popFirst().flatMap({ UInt64($0) }) else { return nil }
                seed = value
            case "--jobs":
                guard let value = words.popFirst().flatMap({ Int($0) }), (1...64).contains(value) else { return nil }
                jobs = value
            case "--trace": isTracing = true
            case "--plant":
                guard let name = words.popFirst() else { return nil }
                if name == "all" {
                    plants = PlantedEngineBug.allCases
                } else {
                    guard let bug = PlantedEngineBug(rawValue: name) else { return nil }
                    plants = [bug]
                }
            default: return nil
            }
        }
    }
}
