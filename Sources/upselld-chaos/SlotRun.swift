internal import Foundation

/// Two processes in one slot: one of them ends with status 77 within 30 s, the other goes on.
struct SlotRun {
    let site: Site

    init(_ site: Site) { self.site = site }

    func callAsFunction() throws -> Report {
        let scene = try Scene(site)
        defer { scene.close() }
        let first = try site.addInstance(slot: "shared")
        try scene.start(first)
        try scene.settle([first])
        let second = try site.addInstance(slot: "shared")
        try scene.start(second)
        let seconds = try scene.wait("one of two in a slot ends", seconds: 60) { !first.isRunning || !second.isRunning }
        let (ended, other) = first.isRunning ? (second, first) : (first, second)
        let end = ended.end
        scene.report.ends[end?.description ?? "", default: 0] += 1
        scene.report.seconds["until one ended"] = seconds
        scene.report.notes["ended"] = ended === first ? "the first" : "the second"
        for line in ended.lastWords() { site.console.say("    \(line)") }
        if end != .status(77) { site.violations.report("status", "\(end?.description ?? "nothing") instead of 77") }
        if seconds > 30 { site.violations.report("slow", "one of two in a slot ended after \(seconds) s, not 30") }
        ended.kill()
        scene.report.seconds["until every partition goes on"] = try scene.waitForProgress(
            Array(0..<site.options.partitions), seconds: 60)
        try scene.go(seconds: 15)
        if !other.isRunning { site.violations.report("ended", "the other one too: \(other.end?.description ?? "")") }
        return try scene.finish()
    }
}
