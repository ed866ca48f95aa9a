public import Foundation
internal import Synchronization

/// A child process of a test: what it printed, how it ended, and never one left behind.
public final class Subprocess: Sendable {
    public struct Result: Sendable {
        public var status: Int32
        public var output: String
        public var errors: String
    }

    private let process: Process
    private let output: URL
    private let errors: URL

    /// Starts a program found on the path or named by its own.
    ///
    /// - Parameters:
    ///   - input: a file that becomes standard input.
    ///   - environment: added to this process's.
    public init(
        _ program: String, _ arguments: [String], input: URL? = nil, environment: [String: String] = [:],
        directory: URL? = nil
    ) throws {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("upselld-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        output = scratch.appendingPathComponent("out")
        errors = scratch.appendingPathComponent("err")
        // Files, not pipes: a child that prints more than a pipe holds would wait for a reader for ever.
        try Data().write(to: output)
        try Data().write(to: errors)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program.contains("/") ? program : "/usr/bin/env")
        process.arguments = program.contains("/") ? arguments : [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        process.standardInput = try input.map { try FileHandle(forReadingFrom: $0) } ?? FileHandle.nullDevice
        if let directory { process.currentDirectoryURL = directory }
        self.process = process
        try process.run()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: output.deletingLastPathComponent())
    }

    public var isRunning: Bool { process.isRunning }
    public var processIdentifier: Int32 { process.processIdentifier }
    public var outputSoFar: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }
    public var errorsSoFar: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

    public func terminate() { process.terminate() }
    public func kill() { if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) } }

    /// Waits for its end; kills it, and gives its status as -1, when that does not come within the bound.
    public func wait(seconds: Int = 120) -> Result {
        let ended = eventually(seconds: seconds) { !process.isRunning }
        if !ended {
            kill()
            process.waitUntilExit()
        }
        return Result(status: ended ? process.terminationStatus : -1, output: outputSoFar, errors: errorsSoFar)
    }

    /// Runs a program to its end.
    public static func run(
        _ program: String, _ arguments: [String], input: URL? = nil, environment: [String: String] = [:],
        directory: URL? = nil, seconds: Int = 120
    ) throws -> Result {
        try Subprocess(program, arguments, input: input, environment: environment, directory: directory)
            .wait(seconds: seconds)
    }
}

/// Places a test needs.
public enum TestPaths {
    /// Root of the package.
    public static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// An executable of this package: it lies beside the test binary.
    public static func executable(_ name: String) -> String {
        let link = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: link).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// A file of `Tests/Fixtures`.
    public static func fixture(_ path: String) -> String {
        package.appendingPathComponent("Tests/Fixtures").appendingPathComponent(path).path
    }

    /// The recorded web access log, where the shared data lies beside the package.
    public static var accessLog: String? {
        let path = package.appendingPathComponent("../shared/data/web-access/access.log").standardizedFileURL.path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    /// Brokers for tests against a real Kafka.
    public static var brokers: String? { ProcessInfo.processInfo.environment["UPSELLD_TEST_BROKERS"] }
}
