import Foundation
import Testing
import UpsellModel

@testable import UpsellEngine

/// The table of reasons in the article says what the code does.
struct DealingsArticleTests {
    static var rows: [[String]] {
        get throws {
            let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
                .appending(path: "Sources/UpsellEngine/UpsellEngine.docc/Qualification.md")
            let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            let start = try #require(lines.firstIndex { $0.hasPrefix("## Reasons") })
            let end = try #require(lines[(start + 1)...].firstIndex { $0.hasPrefix("## ") })
            return lines[start..<end].filter { $0.hasPrefix("| `") }.map { line in
                line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().map {
                    $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
                }
            }
        }
    }

    @Test
    func everyReasonHasItsRow() throws {
        let rows = try Self.rows
        #expect(rows.map { $0[0] } == HoldReason.allCases.map(\.rawValue))
        for (row, reason) in zip(rows, HoldReason.allCases) {
            #expect(row[1] == (reason.isTemporary ? "temporary" : "final"), "\(reason.rawValue)")
            if reason.isTemporary { #expect(!row[2].isEmpty, "what lapses \(reason.rawValue)?") }
        }
    }

    /// Reasons that are remembered are the temporary ones, each with a bit of its own.
    @Test
    func everyTemporaryReasonHasItsBit() {
        #expect(Set(TemporaryReasons.codes) == Set(HoldReason.allCases.filter(\.isTemporary)))
        #expect(
            Set(TemporaryReasons.codes.map { TemporaryReasons.of($0).rawValue }).count == TemporaryReasons.codes.count)
        for reason in HoldReason.allCases where !reason.isTemporary { #expect(TemporaryReasons.of(reason) == []) }
    }
}
