import Foundation
import Testing

/// What a reviewer would otherwise have to look for in every file.
@Suite struct SourceTests {
    static let swift = ["Sources", "Tests"]

    /// Where a Swift line's code ends and its comment begins; string literals are not understood, only `//` outside of
    /// `://`.
    static func code(_ line: Substring) -> Substring {
        var index = line.startIndex
        while let slashes = line[index...].firstRange(of: "//") {
            let before = slashes.lowerBound == line.startIndex ? " " : line[line.index(before: slashes.lowerBound)]
            if before != ":" { return line[..<slashes.lowerBound] }
            index = slashes.upperBound
        }
        return line
    }

    @Test(arguments: ["fatalError(", "try!", "as!", "abort()", "DispatchQueue.main", "print("])
    func sourcesDoWithout(call: String) throws {
        for file in try Repository.files(under: "Sources", extensions: ["swift"]) {
            for (index, line) in try Repository.lines(file).enumerated() {
                // A transaction may be aborted: a method of that name is not the function that ends the process.
                let code = Self.code(line).replacing(".\(call)", with: "").replacing("func \(call)", with: "")
                #expect(!code.contains(call), "\(file):\(index + 1) uses \(call)")
            }
        }
    }

    /// The pure targets decide by event time and by nothing else; what they say is the same in every run.
    @Test(arguments: ["UpsellModel", "UpsellEngine", "UpsellWire", "UpsellStateLog"])
    func pureTargetsKnowNeitherClockNorChance(target: String) throws {
        for file in try Repository.files(under: "Sources/\(target)", extensions: ["swift"]) {
            for (index, line) in try Repository.lines(file).enumerated() {
                for call in [
                    "ContinuousClock", "SuspendingClock", ".random(", "SystemRandomNumberGenerator", "clock_gettime",
                ] {
                    // A transaction may be aborted: a method of that name is not the function that ends the process.
                    let code = Self.code(line).replacing(".\(call)", with: "").replacing("func \(call)", with: "")
                    #expect(!code.contains(call), "\(file):\(index + 1) uses \(call)")
                }
            }
        }
    }

    @Test func nothingIsLeftForLater() throws {
        // Spelled in halves, so that this file does not find itself.
        let marks = ["TO" + "DO", "FIX" + "ME", "X" + "XX:", "Place" + "holder until"]
        for folder in Self.swift + ["config", "systemd"] {
            for file in try Repository.files(under: folder, extensions: ["swift", "h", "cpp", "yaml", "service", "md"])
            {
                let text = try Repository.text(file)
                for mark in marks { #expect(!text.contains(mark), "\(file) contains \(mark)") }
            }
        }
    }

    @Test func theTopLevelHoldsNothingUnexpected() throws {
        let entries = try FileManager.default.contentsOfDirectory(atPath: Repository.root.path())
            .filter { !$0.hasPrefix(".") }
        let allowed: Set = ["Package.swift", "Sources", "Tests", "config", "systemd", "README.md"]
        #expect(Set(entries).subtracting(allowed) == [])
    }

    @Test func everyTestTargetHasTests() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: Repository.root.appending(path: "Tests").path())
        for folder in folders where folder.hasSuffix("Tests") {
            let files = try Repository.files(under: "Tests/\(folder)", extensions: ["swift"])
            let tests = try files.reduce(0) {
                $0 + (try Repository.text($1).components(separatedBy: "@Test").count - 1)
            }
            #expect(tests > 0, "Tests/\(folder) has no test")
        }
    }

    @Test func everyMetricOfTheCatalogueIsListed() throws {
        let lines = try Repository.lines("Sources/UpsellTelemetry/Metric.swift")
        let declared = lines.compactMap { line -> String? in
            let words = line.split(separator: " ")
            guard words.starts(with: ["public", "static", "let"]),
                words.contains("Metric(") || line.contains("= Metric(")
            else { return nil }
            return String(words[3])
        }
        let all = try #require(lines.firstIndex { $0.contains("static let all: [Metric]") })
        let list = lines[all...].joined(separator: "\n")
        #expect(declared.count > 10)
        for name in declared { #expect(list.contains(name), "Metric.all lacks \(name)") }
    }
}
