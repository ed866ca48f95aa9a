import Dispatch
import Foundation
import Synchronization
import UpsellSimulation

/// Runs histories on some threads and says what they came to.
struct Runner {
    let arguments: Arguments

    /// - Returns: the exit status: 0 for clean histories that met every fault, 1 otherwise.
    func run() -> Int32 {
        let began = DispatchTime.now().uptimeNanoseconds
        defer {
            let seconds = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
            say("took \(Int(seconds * 10) / 10) s")
        }
        if !arguments.plants.isEmpty, arguments.seed == nil { return hunt() }
        if arguments.isExhaustive { return exhaust() }
        if let seed = arguments.seed { return one(seed) }
        return many()
    }

    private func one(_ seed: UInt64) -> Int32 {
        let tracing: ((String) -> Void)? = arguments.isTracing ? { say($0) } : nil
        let (outcome, failure) = Campaign.history(seed: seed, plant: arguments.plants.first, tracing: tracing)
        var summary = Campaign.Summary()
        summary.add(outcome)
        for line in summary.lines { say(line) }
        if let failure { say(failure.description) }
        return failure == nil ? 0 : 1
    }

    private func many() -> Int32 {
        var (summary, failure) = spread(arguments.seeds) { index in
            Campaign.history(seed: arguments.first + UInt64(index))
        }
        // Chance leaves one in some thousands with too little in it: others take their places.
        var others = 0
        while failure == nil, summary.histories - summary.thin < arguments.seeds, others < arguments.seeds {
            let seed = arguments.first + UInt64(arguments.seeds + others)
            let (outcome, found) = Campaign.history(seed: seed)
            summary.add(outcome)
            failure = found
            others += 1
        }
        for line in summary.lines { say(line) }
        if let failure {
            say(failure.description)
            return 1
        }
        if summary.thin > 0 {
            say("\(summary.thin) of them have too little in them and do not count; \(others) others were run")
        }
        let missing = summary.counts.missing
        if !missing.isEmpty { say("never hit: " + missing.map(\.name).joined(separator: ", ")) }
        return missing.isEmpty && summary.histories - summary.thin >= arguments.seeds ? 0 : 1
    }

    /// Short histories, each killed once at each place of its I/O.
    private func exhaust() -> Int32 {
        if let place = arguments.crashAt, let seed = arguments.seed {
            let tracing: ((String) -> Void)? = arguments.isTracing ? { say($0) } : nil
            let failure = Campaign.short(
                seed: seed, crashAt: place, plant: arguments.plants.first, tracing: tracing
            ).failure
            if let failure { say(failure.description) }
            return failure == nil ? 0 : 1
        }
        var total = Campaign.Summary()
        for index in 0..<arguments.seeds {
            let seed = (arguments.seed ?? arguments.first) + UInt64(index)
            let (plain, failure) = Campaign.short(seed: seed, crashAt: nil)
            if let failure {
                say(failure.description)
                return 1
            }
            let (summary, found) = spread(plain.ioSteps) { place in
                Campaign.short(seed: seed, crashAt: place + 1)
            }
            total.add(summary)
            if let found {
                say(found.description)
                return 1
            }
            say("seed \(seed): killed at each of \(plain.ioSteps) places")
        }
        say(
            "\(total.histories) histories, \(total.counts[.crash]) crashes, "
                + "\(total.counts[.crashInTransaction]) of them in a transaction")
        return total.histories == total.counts[.crash] ? 0 : 1
    }

    private func hunt() -> Int32 {
        var escaped: [PlantedBug] = []
        for bug in arguments.plants {
            guard let (histories, failure) = Campaign.hunt(bug, from: arguments.first, most: arguments.seeds) else {
                escaped.append(bug)
                say("\(bug.rawValue): NOT NOTICED in \(arguments.seeds) histories")
                continue
            }
            say("\(bug.rawValue): noticed in history \(histories)")
            say("  \(failure.text)")
            say("  \(failure.replay)")
        }
        return escaped.isEmpty ? 0 : 1
    }

    /// Runs `count` histories on `jobs` threads, and stops at the first failure.
    private func spread(
        _ count: Int, _ history: @escaping @Sendable (Int) -> (outcome: Simulation.Outcome, failure: Campaign.Failure?)
    ) -> (Campaign.Summary, Campaign.Failure?) {
        struct Shared: Sendable {
            var next = 0
            var summary = Campaign.Summary()
            var failure: Campaign.Failure?
        }
        let shared = Mutex(Shared())
        DispatchQueue.concurrentPerform(iterations: arguments.jobs) { @Sendable _ in
            while true {
                let index = shared.withLock { shared -> Int? in
                    guard shared.failure == nil, shared.next < count else { return nil }
                    defer { shared.next += 1 }
                    return shared.next
                }
                guard let index else { return }
                let (outcome, failure) = history(index)
                shared.withLock {
                    $0.summary.add(outcome)
                    // Of several the lowest, so that the same run says the same.
                    if let failure, $0.failure.map({ failure.seed < $0.seed }) ?? true { $0.failure = failure }
                }
            }
        }
        return shared.withLock { ($0.summary, $0.failure) }
    }

    private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
