import Foundation
import Testing

@Suite(.timeLimit(.minutes(1))) struct ConfigurationCommandTests {
    @Test func theShippedConfigurationIsInOrder() async throws {
        let command = try await Command.run("check")
        #expect(command.status == 0, "\(command.complaints)")
        #expect(command.output.hasSuffix("in order\n"))
        #expect(command.complaints.isEmpty)
    }

    @Test func aMissingFileEndsWith78() async throws {
        for verb in ["check", "run"] {
            let command = try await Command.run(verb, "--config", "/nonexistent/upselld.yaml")
            #expect(command.status == 78)
            #expect(command.output.isEmpty)
            #expect(command.complaints.hasPrefix("/nonexistent/upselld.yaml: "))
        }
    }

    @Test func everyComplaintIsOneLineWithItsPlace() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "upselld-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "upselld.yaml")
        try Data("kafak:\n  bootstrap.servers: x\nnonsense: 1\n".utf8).write(to: file)
        let command = try await Command.run("check", "--config", file.path())
        #expect(command.status == 78)
        #expect(command.complaints.contains("\(file.path()):1: kafak: "))
        #expect(command.complaints.contains("\(file.path()):3: nonsense: "))
    }

    @Test func anUnknownKeyOfSetIsAComplaint() async throws {
        let command = try await Command.run("check", "--set", "no.such.key=1")
        #expect(command.status == 78)
        #expect(command.complaints.hasPrefix("--set: no: unknown key"))
    }

    @Test func aWrongKafkaSettingIsAComplaint() async throws {
        let command = try await Command.run("check", "--set", "kafka.no.such.setting=1")
        #expect(command.status == 78)
        #expect(command.complaints.contains("no.such.setting"))
    }
}
