import Testing

@Suite(.timeLimit(.minutes(1))) struct HelpAndUsageTests {
    @Test(arguments: ["--help", "-h", "help"])
    func helpGoesToStandardOutput(word: String) async throws {
        let command = try await Command.run(word)
        #expect(command.status == 0)
        #expect(command.output.hasPrefix("upselld turns usage into upsell triggers."))
        #expect(command.complaints.isEmpty)
    }

    @Test(arguments: ["run", "check", "fire", "pause", "resume", "shadow", "demo", "version", "help"])
    func everyCommandExplainsItself(name: String) async throws {
        let command = try await Command.run("help", name)
        #expect(command.status == 0)
        #expect(command.output.contains("Usage: upselld \(name)"))
        let same = try await Command.run(name, "--help")
        #expect(same.output == command.output)
    }

    @Test func aRuleThatIsNotConfiguredEndsWith64BeforeAnythingIsConnected() async throws {
        let command = try await Command.run("pause", "no-such-rule")
        #expect(command.status == 64)
        #expect(command.complaints.contains("no rule 'no-such-rule' in the configuration"))
    }

    @Test func versionNamesLibraries() async throws {
        let command = try await Command.run("version")
        #expect(command.status == 0)
        let names = command.output.split(separator: "\n").map { $0.split(separator: " ").first ?? "" }
        #expect(names.starts(with: ["upselld", "Swift", "librdkafka"]))
        #expect(command.output.contains("librdkafka 2."))
    }

    @Test(arguments: [
        (["dmeo"], "did you mean 'demo'?"), (["run", "--confg", "x"], "did you mean '--config'?"), ([], "no command"),
        (["demo", "--limit", "many"], "--limit wants a whole number"),
        (["fire", "api-calls", "acme"], "for a test and nothing else"),
    ])
    func usageErrorsEndWith64(arguments: [String], word: String) async throws {
        let command: Command
        switch arguments.count {
        case 0: command = try await Command.run()
        case 1: command = try await Command.run(arguments[0])
        default: command = try await Command.run(arguments[0], arguments[1], arguments[2])
        }
        #expect(command.status == 64)
        #expect(command.output.isEmpty)
        #expect(command.complaints.contains(word))
        #expect(command.complaints.contains("Try 'upselld "))
    }
}
