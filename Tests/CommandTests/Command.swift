import Foundation
import Testing

/// Runs the built `upselld`, which lies beside the test binary.
struct Command {
    var status: Int32
    var output: String
    var complaints: String

    static var binary: URL {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "upselld")
    }

    /// - Parameters:
    ///   - folder: working directory; default is the repository's root.
    ///   - environment: instead of the test's own, apart from PATH.
    static func run(
        _ arguments: String..., folder: URL? = nil, environment: [String: String] = [:]
    ) async throws -> Command {
        let process = Process()
        process.executableURL = binary
        process.arguments = arguments
        process.currentDirectoryURL = folder ?? root
        process.environment = environment.merging(["PATH": "/usr/bin:/bin"]) { mine, _ in mine }
        process.standardInput = FileHandle.nullDevice
        // Files instead of pipes: nobody has to empty them while the command runs.
        let files = FileManager.default.temporaryDirectory.appending(path: "upselld-\(UUID())")
        try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: files) }
        let (output, complaints) = (files.appending(path: "out"), files.appending(path: "err"))
        for file in [output, complaints] { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: complaints)
        let status = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return Command(
            status: status, output: try String(contentsOf: output, encoding: .utf8),
            complaints: try String(contentsOf: complaints, encoding: .utf8))
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
}
