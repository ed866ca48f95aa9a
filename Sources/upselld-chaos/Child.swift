internal import Foundation

/// A process of this command's own: its standard error goes to a file, its end is ours.
final class Child: Sendable {
    enum End: Equatable, CustomStringConvertible {
        case status(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .status(let status): "status \(status)"
            case .signal(let signal): "signal \(signal)"
            }
        }
    }

    private let process: Process
    /// A file, not a pipe: a reader that is slow must not hold the daemon up.
    let log: URL

    /// - Parameter log: receives both outputs.
    init(_ program: String, _ arguments: [String], directory: URL, log: URL) throws {
        try Data().write(to: log)
        let output = try FileHandle(forWritingTo: log)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.currentDirectoryURL = directory
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        self.process = process
        self.log = log
        try process.run()
        try output.close()
    }

    deinit { kill() }

    var identifier: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    /// How it ended; nil while it runs.
    var end: End? {
        guard !process.isRunning else { return nil }
        return process.terminationReason == .uncaughtSignal
            ? .signal(process.terminationStatus) : .status(process.terminationStatus)
    }

    /// Sends a signal, unless it has ended.
    func send(_ signal: Int32) {
        if process.isRunning { _ = Foundation.kill(process.processIdentifier, signal) }
    }

    func kill() {
        guard process.isRunning else { return }
        send(SIGKILL)
        process.waitUntilExit()
    }

    /// What it wrote, from a byte of its log on; complete lines only.
    func lines(from offset: inout Int) -> [String] {
        guard let file = try? FileHandle(forReadingFrom: log) else { return [] }
        defer { try? file.close() }
        guard (try? file.seek(toOffset: UInt64(offset))) != nil, let data = try? file.readToEnd(),
            let last = data.lastIndex(of: 0x0A)
        else { return [] }
        let complete = data[data.startIndex...last]
        offset += complete.count
        return complete.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Runs a program to its end and gives what it wrote.
    ///
    /// - Throws: when it ends with another status than 0, with its last words.
    static func run(_ program: String, _ arguments: [String], directory: URL, seconds: Double = 120) throws -> String {
        let log = directory.appendingPathComponent("run-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: log) }
        let child = try Child(program, arguments, directory: directory, log: log)
        let end = ContinuousClock.now + .milliseconds(Int(seconds * 1_000))
        while child.isRunning, ContinuousClock.now < end { usleep(2_000) }
        let output = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        guard child.end == .status(0) else {
            let how = child.end?.description ?? "no end within \(Int(seconds)) s"
            throw ChaosError("\(program) \(arguments.joined(separator: " ")): \(how): \(output.suffix(500))")
        }
        return output
    }
}
