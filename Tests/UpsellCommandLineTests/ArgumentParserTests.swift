import Testing
import UpsellCommandLine

@Suite struct ArgumentParserTests {
    func parse(_ line: String) throws -> Invocation {
        try ArgumentParser.parse(line.split(separator: " ").map(String.init))
    }

    func complaint(_ line: String) -> String? {
        do {
            _ = try parse(line)
            return nil
        } catch let error as UsageError {
            return error.message
        } catch {
            return nil
        }
    }

    @Test func runReadsTheDefaultFile() throws {
        #expect(try parse("run") == .run(ConfigurationArguments()))
        #expect(ConfigurationArguments().path == "config/upselld.yaml")
    }

    @Test(arguments: ["run --config a.yaml --set k=v=w --set l=", "run --set=k=v=w --config=a.yaml --set=l="])
    func valuesFollowABlankOrAnEqualsSign(line: String) throws {
        var expected = ConfigurationArguments()
        expected.path = "a.yaml"
        expected.settings = [.init(key: "k", value: "v=w"), .init(key: "l", value: "")]
        #expect(try parse(line) == .run(expected))
    }

    @Test func checkTakesARunningConfiguration() throws {
        var expected = ConfigurationArguments()
        expected.against = "b.yaml"
        #expect(try parse("check --against b.yaml") == .check(expected))
        #expect(complaint("run --against b.yaml") == "unknown option '--against'")
        #expect(complaint("check --against") == "--against needs a value: --against FILE")
    }

    @Test func demoTakesAllItsOptions() throws {
        var expected = DemoArguments()
        expected.accessLogs = ["log"]
        expected.limit = 100
        expected.json = true
        expected.keep = true
        #expect(try parse("demo --access-log log --limit 100 --json --keep") == .demo(expected))
        #expect(try parse("demo --limit 0") != .demo(DemoArguments()))
    }

    @Test func commandsForRulesTakeTheirNames() throws {
        var configuration = ConfigurationArguments()
        configuration.path = "a.yaml"
        configuration.settings = [.init(key: "k", value: "v")]
        #expect(
            try parse("fire --test --config a.yaml --set k=v api-calls acme")
                == .control(
                    ControlArguments(action: .fire(account: "acme"), rule: "api-calls", configuration: configuration)))
        #expect(try parse("pause a") == .control(ControlArguments(action: .pause, rule: "a")))
        #expect(try parse("resume a") == .control(ControlArguments(action: .resume, rule: "a")))
        #expect(try parse("shadow -- --odd") == .control(ControlArguments(action: .shadow, rule: "--odd")))
    }

    @Test func accessLogsKeepTheirOrder() throws {
        var expected = DemoArguments()
        expected.accessLogs = ["b", "a", "b"]
        #expect(try parse("demo --access-log b --access-log=a --access-log b") == .demo(expected))
    }

    @Test(arguments: ["--help", "-h", "help"])
    func helpOfTheWhole(line: String) throws { #expect(try parse(line) == .help(nil)) }

    @Test(arguments: ["help demo", "demo --help", "demo -h", "demo --keep --help --nonsense"])
    func helpOfACommand(line: String) throws { #expect(try parse(line) == .help(.demo)) }

    @Test(arguments: ["version", "--version"])
    func version(line: String) throws { #expect(try parse(line) == .version) }

    @Test(arguments: [
        ("", "no command; one of run, check, fire, pause, resume, shadow, demo, version, help"),
        ("dmeo", "unknown command 'dmeo'; did you mean 'demo'?"),
        ("chekc", "unknown command 'chekc'; did you mean 'check'?"),
        ("frobnicate", "unknown command 'frobnicate'"),
        ("--verison", "unknown option '--verison'; did you mean '--version'?"),
        ("help rnu", "unknown command 'rnu'; did you mean 'run'?"),
        ("help run check", "unexpected argument 'check'"),
        ("run --confg x", "unknown option '--confg'; did you mean '--config'?"),
        ("run --json", "unknown option '--json'"),
        ("run file.yaml", "unexpected argument 'file.yaml'"),
        ("run -- --config", "unexpected argument '--config'"),
        ("run --config", "--config needs a value: --config FILE"),
        ("run --config --set", "--config needs a value: --config FILE"),
        ("run --config=", "--config has an empty value"),
        ("run --config a --config b", "--config is given twice"),
        ("run --set k", "--set wants KEY=VALUE and got 'k'"),
        ("run --set =v", "--set wants KEY=VALUE and got '=v'"),
        ("demo --limit 1 --limit 2", "--limit is given twice"),
        ("demo --json=yes", "--json takes no value"),
        ("demo --limit -1", "--limit wants a whole number from 0 on and got '-1'"),
        ("demo --limit 1e3", "--limit wants a whole number from 0 on and got '1e3'"),
        ("demo --limit 9223372036854775808", "--limit wants a whole number from 0 on and got '9223372036854775808'"),
        ("version now", "unexpected argument 'now'"),
        ("fire api-calls acme", "fire sends a trigger for a test and nothing else: upselld fire --test RULE ACCOUNT"),
        ("fire --test api-calls", "ACCOUNT is missing"),
        ("fire --test", "RULE is missing"),
        ("fire --test api-calls acme more", "unexpected argument 'more'"),
        ("pause", "RULE is missing"),
        ("pause a b", "unexpected argument 'b'"),
        ("pause --test a", "unknown option '--test'"),
        ("resme a", "unknown command 'resme'; did you mean 'resume'?"),
    ])
    func mistakesAreNamed(line: String, message: String) { #expect(complaint(line) == message) }

    @Test func theTextPointsAtTheHelpOfTheCommand() {
        #expect(UsageError("what", command: .demo).text == "upselld: what\nTry 'upselld help demo'.\n")
        #expect(UsageError("what").text == "upselld: what\nTry 'upselld --help'.\n")
    }
}
