internal import Foundation

/// One of two instances goes, in every way there is: how long until the other works off its partitions.
struct FailoverRun {
    let site: Site

    init(_ site: Site) { self.site = site }

    func callAsFunction() throws -> Report {
        let scene = try Scene(site)
        defer { scene.close() }
        let (first, second) = (try site.addInstance(), try site.addInstance())
        try scene.start(first)
        try scene.start(second)
        try scene.settle([first, second])
        for _ in 0..<Self.crashes { try crash(scene, first, second) }
        try crashBeforeCommit(scene, first, second)
        for _ in 0..<Self.handOvers { try handOver(scene, first, second) }
        _ = try first.stop(site.interruption)
        try scene.start(first)
        try scene.settle([first, second])
        try restart(scene, first, second)
        return try scene.finish()
    }

    /// Session timeout + 2 s is what the contract gives.
    private var bound: Double { Double(site.options.sessionTimeout) / 1_000 + 2 }

    /// A crash may meet a transaction in any of its states; one would show one of them.
    private static let crashes = 5
    private static let handOvers = 5

    private func crash(_ scene: Scene, _ first: Instance, _ second: Instance) throws {
        let (moving, staying) = (scene.partitions(of: first), scene.partitions(of: second))
        let before = scene.watch.places
        first.kill()
        var stalls = Stalls(staying, before)
        let seconds = try scene.waitForProgress(moving, seconds: 60) { stalls.look(at: $0) }
        let done = staying.reduce(0) { $0 + (scene.watch.places[$1]?.offset ?? 0) - (before[$1]?.offset ?? 0) }
        note(scene, "kill -9", seconds, bound: bound)
        scene.report.worst("longest stall of the partitions that stayed", stalls.longest)
        site.console.say(
            "the partitions that stayed: \(Int(Double(done) / seconds)) events/s of \(Int(scene.rate)) fed to all")
        try scene.start(first)
        try scene.settle([first, second])
    }

    private func crashBeforeCommit(_ scene: Scene, _ first: Instance, _ second: Instance) throws {
        _ = try first.stop(site.interruption)
        try scene.start(first, holding: true)
        try scene.settle([first, second])
        let moving = scene.partitions(of: first)
        guard first.killAtHold(seconds: 10) else { throw ChaosError("\(first.slot) did not come to a commit in 10 s") }
        let seconds = try scene.waitForProgress(moving, seconds: 60)
        note(scene, "kill -9 before a commit", seconds, bound: bound)
        try scene.start(first, settings: ["group.leaveOnStop=true"])
        try scene.settle([first, second])
    }

    private func handOver(_ scene: Scene, _ first: Instance, _ second: Instance) throws {
        let moving = scene.partitions(of: first)
        first.child?.send(SIGTERM)
        let toEnd = try scene.wait("a clean stop", seconds: 40) { !first.isRunning }
        first.kill()
        let rest = try scene.waitForProgress(moving, seconds: 60)
        scene.report.worst("clean stop with leaveOnStop: until its end", toEnd)
        note(scene, "clean stop with leaveOnStop: from its end", rest, bound: 1)
        try scene.start(first, settings: ["group.leaveOnStop=true"])
        try scene.settle([first, second])
    }

    /// A static member that comes back within its session gets what it had; nobody else notices.
    private func restart(_ scene: Scene, _ first: Instance, _ second: Instance) throws {
        let (before, kept) = (scene.partitions(of: first), scene.partitions(of: second))
        _ = second.newLines()
        let end = try first.stop(site.interruption)
        guard end == .status(0) else { throw ChaosError("the stop ended with \(end?.description ?? "a kill")") }
        try scene.start(first)
        scene.report.seconds["restart without leaveOnStop"] = try scene.waitForProgress(before, seconds: 60)
        try scene.go(seconds: bound)
        let lines = second.newLines().filter {
            $0.contains("assigned") || $0.contains("revoked") || $0.contains("lost")
        }
        if scene.partitions(of: first) != before || scene.partitions(of: second) != kept || !lines.isEmpty {
            site.violations.report("rebalanced", "a restart within the session moved partitions: \(lines)")
        }
    }

    private func note(_ scene: Scene, _ what: String, _ seconds: Double, bound: Double) {
        scene.report.worst(what, seconds)
        site.console.say(String(format: "%@: %.2f s", what, seconds))
        if seconds > bound {
            site.violations.report("slow", String(format: "%@: %.2f s instead of at most %.2f", what, seconds, bound))
        }
    }
}

/// The longest time without progress of any of some partitions.
struct Stalls {
    private let partitions: [Int]
    private var last: [(offset: Int64, at: ContinuousClock.Instant)]
    private(set) var longest = 0.0

    init(_ partitions: [Int], _ places: [Watch.Place?]) {
        self.partitions = partitions
        last = partitions.map { (places[$0]?.offset ?? 0, .now) }
    }

    mutating func look(at places: [Watch.Place?]) {
        let now = ContinuousClock.now
        for (index, partition) in partitions.enumerated() {
            let offset = places[partition]?.offset ?? 0
            longest = max(longest, (now - last[index].at) / .seconds(1))
            if offset > last[index].offset { last[index] = (offset, now) }
        }
    }
}
