public import Foundation

/// The tables of `Tests/PlayTests/Plays`.
public enum PlayTables {
    private static let folder = TestPaths.package.appendingPathComponent("Tests/PlayTests/Plays")

    /// Names of all tables, sorted; those of the guide's plays are the names of files in `config/plays`.
    public static let names: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".play") }.map { String($0.dropLast(5)) }.sorted()

    public static func file(_ name: String) -> URL { folder.appendingPathComponent("\(name).play") }
}
