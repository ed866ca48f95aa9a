import Foundation
import Testing

/// The files of the working copy that the tests were built from.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Paths relative to the root, sorted, of all files under a folder with one of the extensions.
    static func files(under folder: String, extensions: Set<String>) throws -> [String] {
        let start = root.appending(path: folder)
        let enumerator = try #require(FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil))
        return enumerator.compactMap { $0 as? URL }
            .filter { extensions.contains($0.pathExtension) }
            .map { String($0.standardizedFileURL.path().dropFirst(root.standardizedFileURL.path().count)) }
            .map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }
            .sorted()
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func lines(_ path: String) throws -> [Substring] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false)
    }
}
