import Foundation
import Testing

/// `upselld check` with warnings and with `--against`.
@Suite(.timeLimit(.minutes(1))) struct CheckCommandTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "upselld-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// A configuration in a folder of its own; returns the path of its main file.
    private func write(_ name: String, limit: Int, percent: Int, message: String = "Hello") throws -> String {
        let place = folder.appending(path: name)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let files = [
            "upselld.yaml": "rules: [rules.yaml]\n",
            "catalog.yaml": """
            meters: { calls: { events: a, aggregation: count } }
            plans: [{ name: a, limits: { calls: 100 } }, { name: b, limits: { calls: \(limit) } }]
            """,
            "rules.yaml": """
            rules:
              - name: calls
                signal: { limit: { meter: calls, thresholds: { percent: [\(percent)] } } }
                message: \(message)
            """,
        ]
        for (file, text) in files { try Data(text.utf8).write(to: place.appending(path: file)) }
        return place.appending(path: "upselld.yaml").path()
    }

    @Test func warningsEndWith0() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = try write("one", limit: 50, percent: 80)
        let command = try await Command.run("check", "--config", path)
        #expect(command.status == 0)
        #expect(command.output.hasSuffix(": all in order, with 2 warnings\n"))
        let lines = command.complaints.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.contains("catalog.yaml:2: plans[1].") && $0.contains(": warning: ") })
    }

    @Test func againstSaysWhatAReloadWouldChange() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let running = try write("running", limit: 500, percent: 80)
        let new = try write("new", limit: 1_000, percent: 90)
        let command = try await Command.run("check", "--config", new, "--against", running)
        #expect(command.status == 0, "\(command.complaints)")
        #expect(
            command.output.split(separator: "\n").dropFirst() == [
                "rule calls: new version (signal): arms anew, what is exceeded already counts as said",
                "plan b: limit of calls 500 → 1000; what is reached under it counts as said, the rest arms anew",
            ])
    }

    @Test func againstItselfNothingChanges() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = try write("one", limit: 500, percent: 80)
        let other = try write("two", limit: 500, percent: 80, message: "Hallo")
        let same = try await Command.run("check", "--config", path, "--against", path)
        #expect(same.output.hasSuffix("\nnothing changes\n"))
        let words = try await Command.run("check", "--config", other, "--against", path)
        #expect(words.output.hasSuffix("\nrule calls: message; nothing arms anew\n"))
    }

    @Test func whatAReloadCannotChangeIsNamed() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let running = try write("running", limit: 500, percent: 80)
        let new = try write("new", limit: 500, percent: 80)
        try Data("rules: [rules.yaml]\ntopics: { triggers: elsewhere }\nlog: { level: debug }\n".utf8)
            .write(to: folder.appending(path: "new/upselld.yaml"))
        let command = try await Command.run("check", "--config", new, "--against", running)
        #expect(
            command.output.split(separator: "\n").dropFirst() == [
                "topics.triggers: changed; only a restart brings it, and a reload with it is refused",
                "log.level: changed; only a restart brings it, and a reload with it is refused",
            ])
    }

    @Test func aBrokenRunningConfigurationEndsWith78() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = try write("one", limit: 500, percent: 80)
        let command = try await Command.run("check", "--config", path, "--against", "/nonexistent/upselld.yaml")
        #expect(command.status == 78)
        #expect(command.complaints.hasPrefix("/nonexistent/upselld.yaml: "))
    }
}
