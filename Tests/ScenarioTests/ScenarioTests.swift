import Foundation
import Testing
import UpsellTesting

/// Every file of `Scenarios` is played against the engine.
struct Scenarios {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios")

    static let names: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? [])
        .filter { $0.hasSuffix(".scenario") }.sorted()

    @Test(arguments: names)
    func isAsWritten(_ name: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
        let complaints = ScenarioRunner.run(text)
        #expect(complaints.isEmpty, "\(name): \(complaints.joined(separator: "\n"))")
    }

    @Test
    func folderIsNotEmpty() {
        #expect(Self.names.count >= 30)
    }

    /// The runner itself: a wrong expectation, an unknown input and an empty table are complaints.
    @Test(arguments: [
        ("plan free calls=1\n2026-01-01 | a | use calls 1 | -", "not understood"),
        ("meter calls sum month\n2026-01-01 | a | jump | -", "not understood"),
        ("meter calls sum month\naccounts ignore\n2026-01-01 | a | use calls 1 | limits 80", "expected [limits 80]"),
        ("meter calls sum month\n", "no rows"),
    ])
    func runnerComplains(_ text: String, _ complaint: String) {
        #expect(ScenarioRunner.run(text).contains { $0.contains(complaint) })
    }
}
