import Foundation
import Testing

/// `upselld run` without a broker: how it waits, gives up and stops. With brokers: BrokerTests.
@Suite(.timeLimit(.minutes(1))) struct RunCommandTests {
    /// A port of loopback where nothing listens.
    static let nobody = "kafka.bootstrap.servers=127.0.0.1:1"

    @Test func kafkaThatIsNotToBeHadInTimeEndsWith69() async throws {
        let command = try await Command.run("run", "--set", Self.nobody, "--set", "kafka.startTimeout=1s")
        #expect(command.status == 69)
        #expect(command.output.isEmpty)
        #expect(command.complaints.contains("Kafka was not to be had in time"))
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func aSignalEndsTheWaitForKafka(signal: Int32) async throws {
        let process = Process()
        process.executableURL = Command.binary
        process.arguments = ["run", "--set", Self.nobody, "--set", "runtime.stopTimeout=5s"]
        process.currentDirectoryURL = Command.root
        process.environment = ["PATH": "/usr/bin:/bin"]
        let complaints = Pipe()
        process.standardError = complaints
        process.standardInput = FileHandle.nullDevice
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
                // The first line says that it is up and its signals are handled.
                _ = try complaints.fileHandleForReading.read(upToCount: 1)
                kill(process.processIdentifier, signal)
            } catch {
                continuation.resume(throwing: error)
            }
        }
        #expect(status == 0)
        #expect(process.terminationReason == .exit)
    }

    @Test func aHangUpWhileItWaitsForKafkaEndsNothing() async throws {
        let process = Process()
        process.executableURL = Command.binary
        process.arguments = ["run", "--set", Self.nobody, "--set", "runtime.stopTimeout=5s"]
        process.currentDirectoryURL = Command.root
        process.environment = ["PATH": "/usr/bin:/bin"]
        let complaints = Pipe()
        process.standardError = complaints
        process.standardInput = FileHandle.nullDevice
        try process.run()
        _ = try complaints.fileHandleForReading.read(upToCount: 1)
        for _ in 0..<3 { kill(process.processIdentifier, SIGHUP) }
        try await Task.sleep(for: .milliseconds(300))
        #expect(process.isRunning)
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 0)
    }

    @Test(arguments: ["pause", "resume", "shadow"])
    func aCommandWithoutKafkaEndsWith69(name: String) async throws {
        let command = try await Command.run(
            name, "users-limit", "--set", Self.nobody, "--set", "kafka.startTimeout=1s")
        #expect(command.status == 69)
        #expect(command.output.isEmpty)
    }

    @Test func aWrongKafkaSettingEndsWith78BeforeAnythingIsConnected() async throws {
        let command = try await Command.run("run", "--set", "kafka.no.such.setting=1")
        #expect(command.status == 78)
        #expect(command.complaints.contains("no.such.setting"))
    }
}
