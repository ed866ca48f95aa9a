import Testing
import UpsellCommandLine

@Suite struct HelpTests {
    @Test func overviewNamesEveryCommandAndExitStatus() {
        let text = Help.text(for: nil)
        for command in Command.allCases { #expect(text.contains("\n  \(command.rawValue) ")) }
        for status in ExitStatus.allCases { #expect(text.contains("\n  \(status.rawValue) ")) }
    }

    @Test(arguments: [nil] + Command.allCases.map(Optional.some))
    func helpFitsATerminal(command: Command?) {
        let text = Help.text(for: command)
        #expect(text.hasSuffix("\n"))
        // Examples may be longer than a line: they are to be copied whole.
        for line in text.split(separator: "\n") where !line.hasPrefix("  upselld") && !line.hasPrefix("Usage") {
            #expect(line.count <= 80, "\(line)")
        }
    }

    @Test(arguments: Command.allCases)
    func everyExampleParses(command: Command) throws {
        let text = Help.text(for: command)
        for line in text.split(separator: "\n") where line.hasPrefix("  upselld ") {
            // Up to the first pipe or `&&`, which are the shell's.
            let words = line.split(separator: " ").dropFirst().prefix { $0 != "|" && $0 != "&&" }
            #expect(throws: Never.self) { try ArgumentParser.parse(words.map(String.init)) }
        }
    }
}
