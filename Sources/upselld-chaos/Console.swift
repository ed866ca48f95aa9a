internal import Foundation
internal import Synchronization

/// What people read: lines with the seconds since the start, on standard error.
final class Console: Sendable {
    private let start = ContinuousClock.now

    var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

    func say(_ text: String) {
        FileHandle.standardError.write(Data((String(format: "%8.2f  ", seconds) + text + "\n").utf8))
    }
}

/// Broken promises, each kind counted, the first of each printed.
final class Violations: Sendable {
    private static let shownMax = 20
    private let console: Console
    private let counts = Mutex<[String: Int]>([:])

    init(_ console: Console) { self.console = console }

    /// - Parameter kind: a word of the summary: `doubled`, `missing`.
    func report(_ kind: String, _ text: @autoclosure () -> String) {
        let count = counts.withLock { counts in
            counts[kind, default: 0] += 1
            return counts[kind, default: 0]
        }
        if count <= Self.shownMax { console.say("VIOLATION \(kind): \(text())") }
        if count == Self.shownMax { console.say("VIOLATION \(kind): further ones are only counted") }
    }

    var all: [String: Int] { counts.withLock { $0 } }
}

extension Duration {
    static func / (a: Duration, b: Duration) -> Double {
        let (x, y) = (a.components, b.components)
        return (Double(x.seconds) + Double(x.attoseconds) / 1e18) / (Double(y.seconds) + Double(y.attoseconds) / 1e18)
    }
}

/// Whether the user asked for the end; every wait looks.
final class Interruption: Sendable {
    private let flag = Atomic<Bool>(false)

    func raise() { flag.store(true, ordering: .releasing) }
    var isRaised: Bool { flag.load(ordering: .acquiring) }

    func check() throws(ChaosError) {
        if isRaised { throw ChaosError("interrupted") }
    }

    /// Waits, in steps, until something holds.
    ///
    /// - Returns: false when the bound passed first.
    func wait(
        seconds: Double, stepMilliseconds: Int = 50, until isDone: () throws -> Bool
    ) throws -> Bool {
        let end = ContinuousClock.now + .milliseconds(Int(seconds * 1_000))
        while true {
            try check()
            if try isDone() { return true }
            guard ContinuousClock.now < end else { return false }
            usleep(UInt32(stepMilliseconds) * 1_000)
        }
    }
}
