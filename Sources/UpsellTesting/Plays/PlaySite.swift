public import Foundation
public import UpsellConfiguration
internal import UpsellModel
public import UpsellRuntime
internal import UpsellWords

/// The files of one scenario as an operator has them: a folder with the main file, the catalogue and the play's rules, all
/// under a renaming.
public final class PlaySite: Sendable {
    public let folder: URL
    public let scenario: PlayScenario
    private let settings: [String]

    /// - Parameters:
    ///   - file: a `.play` table.
    ///   - extra: lines of the main file that the driver needs, such as brokers and topics.
    public init(file: URL, renaming: PlayRenaming = .none, extra: [String] = []) throws {
        let name = file.deletingPathExtension().lastPathComponent
        let text = try String(contentsOf: file, encoding: .utf8)
        let plain = try PlayScenario(name: name, text)
        scenario = try PlayScenario(name: name, renaming.story(text))
        settings = extra
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("upselld-play-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let shipped = TestPaths.package.appendingPathComponent("config")
        let catalog =
            try renaming.catalog.map { try String(contentsOfFile: $0, encoding: .utf8) }
            ?? renaming(String(contentsOf: shipped.appendingPathComponent("catalog.yaml"), encoding: .utf8))
        try write("catalog.yaml", catalog)
        let rules =
            try plain.play.map {
                try String(contentsOf: shipped.appendingPathComponent("plays/\($0).yaml"), encoding: .utf8)
            } ?? plain.ownRules
        try write("rules.yaml", renaming(rules))
        try write("words.yaml", String(contentsOf: shipped.appendingPathComponent("words.yaml"), encoding: .utf8))
        try write("upselld.yaml", Self.main.joined(separator: "\n") + "\n" + extra.joined(separator: "\n"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Accounts without profile count for nothing, so that the helper which lets time pass leaves no trace.
    private static let main = [
        "catalog: catalog.yaml", "rules: rules.yaml", "words: words.yaml", "firstStart: fire",
        "accounts: { unknown: ignore }",
        "commit: { interval: 10ms }", "log: { level: error }",
    ]

    /// The files and the scenario's own settings, as `upselld run` loads them.
    public func configuration() throws -> Configuration {
        try ConfigurationLoader.load(
            path: folder.appendingPathComponent("upselld.yaml").path, overrides: scenario.settings)
    }

    /// The words of triggers, as `upselld run` finds them; words that cannot be written end the process, since a play has to
    /// have some.
    public static func rendering(of configuration: Configuration) -> MessageRendering {
        let renderer = MessageRenderer(book: WordsBook(configuration.words), catalogue: configuration.catalogue) {
            TimeZones.table(named: $0)
        }
        return { trigger in
            do {
                return try renderer.message(for: trigger)
            } catch {
                preconditionFailure("no words for a trigger of \(trigger.rule): \(error)")
            }
        }
    }

    private func write(_ name: String, _ text: String) throws {
        try (text + "\n").write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }
}

extension PlayRenaming {
    /// A scenario under other names; the name of its play is that of a file.
    func story(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix("play ") ? String(line) : self(String(line))
        }.joined(separator: "\n")
    }
}
