import Testing

@testable import UpsellConfiguration

/// Mutants of the reference files: each loads or is complained about; none ends the process.
struct FuzzTests {
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let pieces = [
        "*a", "&a ", "<<: ", "{", "}", "[", "]", ": ", "- ", "\n", "\t", "\"", "'", "|\n", "!x ", "null", "~", "-1",
        "99999999999999999999999999999999999", "0.0000000001", "unlimited", "1e9", "...\n", "---\n", "\u{0}", "é", "? ",
        "#",
        "170141183460469231731687303715884105727 PB", "9223372036854775807", "9223372036854775807d", "{rolling: 400d}",
    ].map { Array($0.utf8) }

    @Test(arguments: [("upselld.yaml", 2_000), ("catalog.yaml", 2_000), ("rules.yaml", 2_000), ("words.yaml", 120)])
    func mutantsOfTheReferenceFilesNeverCrash(name: String, rounds: Int) throws {
        try survive(name, String(decoding: try Fixtures.reference(name), as: UTF8.self), rounds: rounds)
    }

    /// Every signal, condition and key of a rule, and everything that qualifies.
    @Test(arguments: [
        "every-signal.rules.good.yaml", "every-condition.rules.good.yaml", "every-rule-key.rules.good.yaml",
        "every-qualification.upselld.good.yaml",
    ])
    func mutantsOfTheFixturesNeverCrash(fixture: String) throws {
        let name = fixture.contains(".rules.") ? "rules.yaml" : "upselld.yaml"
        try survive(name, String(decoding: try Fixtures.bytes(fixture), as: UTF8.self), isFixture: true, rounds: 2_000)
    }

    private func survive(_ name: String, _ text: String, isFixture: Bool = false, rounds: Int) throws {
        // Without comments, so that mutations meet what is read.
        let lines = text.split(separator: "\n").filter { line in line.first { $0 != " " } != "#" }
        func file(_ other: String) throws -> [UInt8]? { isFixture ? nil : try Fixtures.reference(other) }
        let original = Array(lines.joined(separator: "\n").utf8) + [0x0A]
        var random = Random(state: 20_261_123)
        var loaded = 0
        var refused = 0
        for _ in 0..<rounds {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &random) { Self.mutate(&bytes, &random) }
            do {
                _ = try Fixtures.load(
                    main: name == "upselld.yaml" ? bytes : nil,
                    catalog: name == "catalog.yaml" ? bytes : try file("catalog.yaml"),
                    rules: name == "rules.yaml" ? bytes : try file("rules.yaml"),
                    // The main file names words; these take no time to read.
                    words: name == "words.yaml" ? bytes : Array("templates: {}".utf8))
                loaded += 1
            } catch let error as ConfigurationError {
                #expect(!error.complaints.isEmpty)
                #expect(error.complaints.allSatisfy { !$0.description.utf8.contains(0x0A) })
                refused += 1
            }
        }
        #expect(loaded + refused == rounds)
        #expect(loaded > rounds / 100)
        #expect(refused > rounds / 4)
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout Random) {
        guard bytes.count > 2 else { return }
        let at = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, at + Int.random(in: 1...40, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(at..<end)
        case 2: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &random))
        case 3: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: at)
        case 4: bytes.removeSubrange(at...)
        default:
            // A whole value, from colon to end of line.
            guard let colon = bytes[at...].firstIndex(of: UInt8(ascii: ":")),
                let line = bytes[colon...].firstIndex(of: UInt8(ascii: "\n"))
            else { return }
            bytes.replaceSubrange((colon + 1)..<line, with: [0x20] + (pieces.randomElement(using: &random) ?? []))
        }
    }
}
