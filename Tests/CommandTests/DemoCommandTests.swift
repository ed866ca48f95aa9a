import Foundation
import Testing

/// `upselld demo` as a user runs it: the whole pipeline over the embedded broker, judged by what it prints.
@Suite(.serialized, .timeLimit(.minutes(3))) struct DemoCommandTests {
    /// A folder of its own, removed afterwards.
    func withFolder<R>(_ body: (URL) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appending(path: "upselld-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    struct Event: Decodable {
        struct Data: Decodable {
            var meter: String
            var crossed: [Double]
            var current: Int
            var plan: String
        }
        var id: String
        var subject: String
        var data: Data
    }

    struct LastLine: Decodable {
        struct Summary: Decodable, Equatable {
            var events: Int
            var accounts: Int
            var duplicates: Int
            var deadLetters: Int
            var triggers: [String: Int]
        }
        var summary: Summary
    }

    /// Splits `--json` output into triggers and the summary.
    func read(_ output: String) throws -> (triggers: [Event], summary: LastLine.Summary) {
        #expect(output.hasSuffix("\n"))
        let lines = output.split(separator: "\n")
        let last = try #require(lines.last)
        let decoder = JSONDecoder()
        return (
            try lines.dropLast().map { try decoder.decode(Event.self, from: Data($0.utf8)) },
            try decoder.decode(LastLine.self, from: Data(last.utf8)).summary
        )
    }

    static func line(_ account: String, second: Int = 0) -> String {
        let clock = String(format: "%02d:%02d:%02d", second / 3600 % 24, second / 60 % 60, second % 60)
        return #"\#(account) - - [17/May/2015:\#(clock) +0000] "GET / HTTP/1.1" 200 1000 "-" "agent""# + "\n"
    }

    @Test func aSmallLogGivesATriggerForEachThresholdThatWasReached() async throws {
        try await withFolder { folder in
            let requests = ["10.0.0.1": 7, "10.0.0.2": 8, "10.0.0.3": 9, "10.0.0.4": 25]
            var text = requests.sorted { $0.key < $1.key }
                .map { account, count in (0..<count).map { Self.line(account, second: $0) }.joined() }.joined()
            text += "no access log\n"
            try Data(text.utf8).write(to: folder.appending(path: "small.log"))
            let command = try await Command.run(
                "demo", "--access-log", "small.log", "--limit", "10", "--json", folder: folder)
            #expect(command.status == 0, "\(command.complaints)")
            #expect(command.complaints.contains("small.log:50: passed over: "))
            let (triggers, summary) = try read(command.output)
            #expect(summary.events == 49)
            #expect(summary.accounts == 4)
            #expect(summary.duplicates == 0)
            #expect(summary.deadLetters == 0)
            #expect(summary.triggers == ["80": 3, "90": 2, "100": 1])
            #expect(triggers.count == 6)
            #expect(Set(triggers.map(\.id)).count == 6)
            let said = triggers.filter { $0.subject == "10.0.0.4" }.map { "\($0.data.crossed) at \($0.data.current)" }
            #expect(Set(said) == ["[80.0] at 8", "[90.0] at 9", "[100.0] at 10"])
        }
    }

    @Test func identicalLinesAreDifferentEvents() async throws {
        try await withFolder { folder in
            let text = String(repeating: Self.line("10.0.0.1"), count: 10)
            try Data(text.utf8).write(to: folder.appending(path: "same.log"))
            let command = try await Command.run(
                "demo", "--access-log", "same.log", "--limit", "10", "--json", folder: folder)
            let summary = try read(command.output).summary
            #expect(summary.events == 10)
            #expect(summary.triggers == ["80": 1, "90": 1, "100": 1])
        }
    }

    /// What `expect.py` prints of a log.
    struct Expectation: Decodable {
        var events: Int
        var accounts: Int
        var triggers: [String: Int]
        var bandwidth: Int
        var busiest: [String: Int]
        var heaviest: [String: Int]
    }

    /// Runs a script of Tests/Fixtures/access-log and gives its standard output.
    func script(_ name: String, _ arguments: String..., to output: URL) throws {
        let process = Process()
        process.executableURL = Self.python
        process.arguments = ["\(Command.root.path())Tests/Fixtures/access-log/\(name)"] + arguments
        try Data().write(to: output)
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(name)")
    }

    static let python = URL(filePath: "/usr/bin/python3")

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: python.path()), "python3 is not installed"))
    func aHundredThousandLinesAgreeWithASeparateCount() async throws {
        try await withFolder { folder in
            let log = folder.appending(path: "generated.log")
            let figures = folder.appending(path: "expected.json")
            try script("generate.py", "100000", "7", to: log)
            try script("expect.py", log.path(), "1000", to: figures)
            let expected = try JSONDecoder().decode(Expectation.self, from: Data(contentsOf: figures))
            #expect(expected.events == 100_000)
            #expect(expected.triggers.values.allSatisfy { $0 > 0 })

            let command = try await Command.run(
                "demo", "--access-log", "generated.log", "--limit", "1000", "--json", folder: folder)
            #expect(command.status == 0, "\(command.complaints.suffix(500))")
            let (triggers, summary) = try read(command.output)
            #expect(
                summary
                    == .init(
                        events: expected.events, accounts: expected.accounts, duplicates: 0, deadLetters: 0,
                        triggers: expected.triggers))
            #expect(triggers.count == expected.triggers.values.reduce(0, +))
            #expect(Set(triggers.map(\.id)).count == triggers.count)
            let requests = try ranking("api_calls", in: command.complaints)
            #expect(requests.total == expected.events)
            #expect(requests.accounts == expected.busiest)
            let bandwidth = try ranking("bandwidth", in: command.complaints)
            #expect(bandwidth.total == expected.bandwidth)
            #expect(bandwidth.accounts.merging(expected.heaviest) { mine, _ in mine } == bandwidth.accounts)
            #expect(expected.heaviest.allSatisfy { bandwidth.accounts[$0.key] == $0.value })
        }
    }

    /// Reads one of the tables that end people's output of an access log.
    func ranking(_ meter: String, in output: String) throws -> (total: Int, accounts: [String: Int]) {
        func number(_ text: Substring) throws -> Int { try #require(Int(text.replacing(",", with: ""))) }
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix("Most \(meter), of ") })
        let heading = lines[start].split(separator: " ")
        var accounts: [String: Int] = [:]
        for line in lines[(start + 1)...].prefix(while: { $0.hasPrefix("  ") }) {
            let words = line.split(separator: " ")
            accounts[String(try #require(words.first))] = try number(try #require(words.last))
        }
        return (try number(heading[3]), accounts)
    }

    static let realLog = Command.root.appending(path: "../shared/data/web-access/access.log").standardizedFileURL

    @Test(.enabled(if: FileManager.default.fileExists(atPath: realLog.path()), "the log is not beside the project"))
    func aRealLogGivesTheFiguresOfAnotherTool() async throws {
        let command = try await Command.run(
            "demo", "--access-log", Self.realLog.path(), "--limit", "100", "--json", folder: URL(filePath: "/"))
        #expect(command.status == 0, "\(command.complaints)")
        let (triggers, summary) = try read(command.output)
        #expect(
            summary
                == .init(
                    events: 10_000, accounts: 1_753, duplicates: 0, deadLetters: 0,
                    triggers: ["80": 10, "90": 7, "100": 6]))
        #expect(triggers.count == 23)
        #expect(Set(triggers.map(\.id)).count == 23)
        let requests = try ranking("api_calls", in: command.complaints)
        #expect(requests.total == 10_000)
        #expect(
            requests.accounts == [
                "66.249.73.135": 482, "46.105.14.53": 364, "130.237.218.86": 357, "75.97.9.59": 273,
                "50.16.19.13": 113,
            ])
        let bandwidth = try ranking("bandwidth", in: command.complaints)
        #expect(bandwidth.total == 2_747_282_740)
        #expect(bandwidth.accounts["68.180.224.225"] == 168_132_893)
        #expect(bandwidth.accounts["94.23.164.135"] == 162_949_356)
        #expect(bandwidth.accounts["190.153.25.242"] == 110_134_505)
        #expect(bandwidth.accounts.values.sorted().dropFirst(2).first == 110_134_505)
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: realLog.path()), "the log is not beside the project"))
    func aLogThatIsFedTwiceChangesOnlyTheNumberOfDuplicates() async throws {
        let command = try await Command.run(
            "demo", "--access-log", Self.realLog.path(), "--access-log", Self.realLog.path(), "--limit", "100",
            "--json", folder: URL(filePath: "/"))
        #expect(command.status == 0, "\(command.complaints)")
        let (triggers, summary) = try read(command.output)
        #expect(
            summary
                == .init(
                    events: 10_000, accounts: 1_753, duplicates: 10_000, deadLetters: 0,
                    triggers: ["80": 10, "90": 7, "100": 6]))
        #expect(triggers.count == 23)
        #expect(try ranking("bandwidth", in: command.complaints).total == 2_747_282_740)
    }

    @Test func theSimulatedMonthShowsAnUpgradeThatArmsAnew() async throws {
        let command = try await Command.run("demo", "--json", folder: URL(filePath: "/"))
        #expect(command.status == 0, "\(command.complaints)")
        let (triggers, summary) = try read(command.output)
        #expect(summary.accounts == 8)
        #expect(summary.duplicates > 0)
        #expect(summary.deadLetters == 0)
        let cedar = triggers.filter { $0.subject == "cedar-clinic" && $0.data.meter == "api_calls" }
        #expect(cedar.filter { $0.data.plan == "basic" }.flatMap(\.data.crossed) == [80, 90, 100])
        #expect(cedar.filter { $0.data.plan == "pro" }.flatMap(\.data.crossed).starts(with: [80]))
        #expect(Set(triggers.map(\.subject)).isDisjoint(with: ["harbor-hr"]))
    }

    @Test func withoutJSONPeopleReadPlainLines() async throws {
        let command = try await Command.run("demo")
        #expect(command.status == 0, "\(command.complaints)")
        #expect(command.output.hasPrefix("upselld demo: a simulated month of usage, embedded broker at 127.0.0.1:"))
        #expect(command.output.contains("cedar-clinic: "))
        #expect(!command.output.contains("\u{1B}"))
    }

    /// Starts a demo of a small log, reads its standard output until that is enough, acts, and says how it ended.
    func read(
        _ arguments: String..., until isEnough: @escaping @Sendable (String) -> Bool,
        then act: @escaping @Sendable (Process, Pipe) throws -> Void
    ) async throws -> (status: Int32, reason: Process.TerminationReason) {
        try await withFolder { folder in
            let text = (0..<20).map { Self.line("10.0.0.1", second: $0) }.joined()
            try Data(text.utf8).write(to: folder.appending(path: "small.log"))
            let process = Process()
            process.executableURL = Command.binary
            process.arguments = ["demo", "--access-log", "small.log", "--limit", "10"] + arguments
            process.currentDirectoryURL = folder
            process.environment = ["PATH": "/usr/bin:/bin"]
            process.standardInput = FileHandle.nullDevice
            let pipe = Pipe()
            process.standardOutput = pipe
            let status: Int32 = try await withCheckedThrowingContinuation { continuation in
                process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
                do {
                    try process.run()
                    var output = ""
                    while !isEnough(output) {
                        let bytes = pipe.fileHandleForReading.availableData
                        if bytes.isEmpty { break }
                        output += String(decoding: bytes, as: UTF8.self)
                    }
                    try act(process, pipe)
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            return (status, process.terminationReason)
        }
    }

    @Test func aKeptBrokerStaysUntilCtrlC() async throws {
        let end = try await read("--keep", until: { $0.contains("kcat -b 127.0.0.1:") && $0.hasSuffix("-e\n") }) {
            process, _ in
            #expect(process.isRunning)
            process.interrupt()
        }
        #expect(end.status == 0)
        #expect(end.reason == .exit)
    }

    @Test func aReaderThatGoesAwayEndsTheDemo() async throws {
        let end = try await read(until: { $0.contains("\n") }) { _, pipe in try pipe.fileHandleForReading.close() }
        #expect(end.status == 0)
        #expect(end.reason == .exit)
    }

    @Test func aMissingLogEndsWith64() async throws {
        let command = try await Command.run("demo", "--access-log", "/nonexistent.log")
        #expect(command.status == 64)
        #expect(command.complaints == "upselld: /nonexistent.log: No such file or directory\n")
    }
}
