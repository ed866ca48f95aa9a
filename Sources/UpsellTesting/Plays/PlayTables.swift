public import Foundation

/// The tables of `Tests/PlayTests/Plays`, and where their outputs are kept.
public enum PlayTables {
    private static let folder = TestPaths.package.appendingPathComponent("Tests/PlayTests/Plays")

    /// Names of all tables, sorted; those of the guide's plays are the names of files in `config/plays`.
    public static let names: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".play") }.map { String($0.dropLast(5)) }.sorted()

    /// Names of the files of `config/plays`, sorted.
    public static let plays: [String] =
        ((try? FileManager.default.contentsOfDirectory(
            atPath: TestPaths.package.appendingPathComponent("config/plays").path)) ?? [])
        .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()

    public static func file(_ name: String) -> URL { folder.appendingPathComponent("\(name).play") }

    /// Writes outputs, one a line, below the folder that `UPSELLD_TEST_OUTPUTS` names, so that an independent validator
    /// can look at them; does nothing where it names none.
    public static func keep(_ outputs: [PlayOutput], of name: String, renaming: PlayRenaming) throws {
        guard let path = ProcessInfo.processInfo.environment["UPSELLD_TEST_OUTPUTS"] else { return }
        let folder = URL(fileURLWithPath: path, isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for topic in PlayOutput.Topic.allCases where topic != .deadLetters {
            let lines = outputs.filter { $0.topic == topic && $0.value != nil }.map(\.text)
            guard !lines.isEmpty else { continue }
            try (lines.joined(separator: "\n") + "\n").write(
                to: folder.appendingPathComponent("\(name).\(renaming.suffix)\(topic.rawValue).jsonl"),
                atomically: true, encoding: .utf8)
        }
    }
}
