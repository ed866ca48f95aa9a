internal import Foundation

/// One slot of the group: the daemon process that runs in it now, and what is being done to it.
final class Instance {
    enum Condition: Equatable {
        case running
        /// Not running, to be started again at a due time, or never.
        case down
        /// SIGSTOP.
        case stopped
    }

    let slot: String
    /// Number of its way to the brokers, from 1.
    let view: Int
    private let executable: String
    private let directory: URL
    private(set) var child: Child?
    private(set) var starts = 0
    private(set) var holdsCommits = false
    var condition = Condition.down
    /// Its network is disturbed.
    var isCutOff = false
    private var logOffset = 0

    init(slot: String, view: Int, executable: String, directory: URL) {
        self.slot = slot
        self.view = view
        self.executable = executable
        self.directory = directory
    }

    /// Milliseconds that a process started for it waits between its offsets and the commit.
    static let commitHold = 150
    static let holdLine = "holding before commit"

    /// - Parameter holding: the daemon waits before every commit, and says so, so that it can be killed right there.
    func start(holding: Bool = false, settings: [String] = []) throws {
        starts += 1
        holdsCommits = holding
        logOffset = 0
        var arguments = ["run", "--config", "upselld.yaml"]
        for setting in settings + (holding ? ["runtime.commitHold=\(Self.commitHold)ms"] : []) {
            arguments += ["--set", setting]
        }
        child = try Child(
            executable, arguments, directory: directory,
            log: directory.appendingPathComponent(String(format: "%04d.log", starts)))
        condition = .running
    }

    /// How the process ended without being asked to; nil while it runs.
    var end: Child.End? { child?.end }
    var isRunning: Bool { child?.isRunning ?? false }

    func kill() {
        child?.kill()
        condition = .down
    }

    /// Asks for a clean stop and waits for it.
    ///
    /// - Returns: how it ended; nil when it did not within the bound, and was killed.
    func stop(seconds: Double = 40, _ interruption: Interruption) throws -> Child.End? {
        defer { kill() }
        guard let child else { return nil }
        child.send(SIGTERM)
        let ended = try interruption.wait(seconds: seconds, stepMilliseconds: 10) { !child.isRunning }
        return ended ? child.end : nil
    }

    /// Whether a SIGTERM ended it as it should: with status 0, or by the signal itself where it came before the process
    /// had said its first word and set its handlers.
    func wasStopped(_ end: Child.End?) -> Bool {
        end == .status(0) || (end == .signal(SIGTERM) && lastWords().isEmpty)
    }

    /// Lines of the log since the last call.
    func newLines() -> [String] { child?.lines(from: &logOffset) ?? [] }

    /// Kills the process right when it says that it waits before a commit.
    ///
    /// - Returns: whether it did within the bound.
    func killAtHold(seconds: Double) -> Bool {
        guard let child else { return false }
        _ = newLines()
        let end = ContinuousClock.now + .milliseconds(Int(seconds * 1_000))
        while ContinuousClock.now < end, child.isRunning {
            if newLines().contains(where: { $0.contains(Self.holdLine) }) {
                kill()
                return true
            }
            usleep(500)
        }
        return false
    }

    /// The last lines of every process that ran in the slot, for a report of what went wrong.
    func lastWords(_ count: Int = 5) -> [String] {
        var offset = 0
        return Array((child?.lines(from: &offset) ?? []).suffix(count))
    }
}
