import Testing
import UpsellModel

@testable import UpsellConfiguration

/// What libyaml lets pass, or says without a place.
struct YAMLTrapTests {
    private func complaints(_ bytes: [UInt8]) throws -> [Complaint] {
        do {
            _ = try Fixtures.load(rules: bytes)
            return []
        } catch let error as ConfigurationError {
            return error.complaints
        }
    }

    private func complaints(_ text: String) throws -> [Complaint] { try complaints(Array(text.utf8)) }

    @Test(arguments: [
        "", "\n", "# only a comment\n", "---\n", "--- # nothing\n...\n", "\u{FEFF}rules: []\n",
        "%YAML 1.1\n---\nrules:\n",
    ])
    func emptyFileIsAnEmptyMap(text: String) throws {
        #expect(try complaints(text) == [])
    }

    @Test
    func anchorBombMeetsItsBudget() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<40 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
        }
        let found = try complaints(text)
        #expect(found.count == 1)
        #expect(found.first?.problem == "too many values, aliases counted in full")
        #expect(found.first?.line == 5)
    }

    @Test
    func aliasesAreExpanded() throws {
        let text = """
            rules:
              - { name: a, signal: &s { limit: { meter: api_calls, thresholds: { percent: [80] } } } }
              - { name: b, signal: *s }
            """
        let rules = try Fixtures.load(rules: Array(text.utf8)).catalogue.rules
        #expect(rules.count == 2)
        #expect(rules[0].signal == rules[1].signal)
    }

    @Test(arguments: [62, 63, 64, 100_000])
    func depthIsBounded(levels: Int) throws {
        let found = try complaints(
            "rules: " + String(repeating: "[", count: levels) + String(repeating: "]", count: levels))
        #expect(found.count == 1)
        // The map itself is the first level.
        #expect((found.first?.problem == "nested too deeply") == (levels > 63))
    }

    @Test(arguments: [62, 64, 5_000])
    func depthOfBlocksIsBounded(levels: Int) throws {
        let text = (0..<levels).map { String(repeating: " ", count: $0) + "k:" }.joined(separator: "\n")
        let found = try complaints(text)
        #expect((found.contains { $0.problem == "nested too deeply" }) == (levels > 63))
    }

    @Test
    func badUTF8HasItsLine() throws {
        let found = try complaints(Array("rules: []\n# é\n# x".utf8) + [0xC3, 0x28, 0x0A])
        #expect(found.map(\.line) == [3])
        // The byte that should have continued the character.
        #expect(found.map(\.column) == [5])
        #expect(found.first?.problem.contains("UTF-8") == true)
    }

    @Test(arguments: [0x00, 0x01, 0x1B, 0x7F] as [UInt8])
    func controlCharacterHasItsLine(byte: UInt8) throws {
        let found = try complaints(Array("rules: []\n\n# ".utf8) + [byte, 0x0A])
        #expect(found.map(\.line) == [3])
    }

    @Test
    func utf16IsRefused() throws {
        #expect(try complaints([0xFF, 0xFE, 0x72, 0x00, 0x3A, 0x00]).map(\.line) == [1])
    }

    @Test
    func duplicateInsideADuplicateIsFound() throws {
        let found = try complaints("rules: []\nrules:\n  - { name: a, name: b }\n")
        #expect(found.map(\.line) == [2, 3])
        #expect(found.allSatisfy { $0.problem.hasPrefix("key repeated") })
    }

    @Test
    func columnsCountCharacters() throws {
        let found = try complaints("rules: [{ summary: \"ééé\", nmae: x, signal: {} }]")
        #expect(found.first { $0.path == "rules[0].nmae" }?.column == 27)
    }

    @Test
    func fileIsBounded() throws {
        let most = ConfigurationBounds.fileBytesMax
        // /dev/zero has no end: reading stops at the bound.
        let error = try #require(throws: ConfigurationError.self) { try ConfigurationLoader.load(path: "/dev/zero") }
        #expect(error.description == "/dev/zero: larger than \(most) bytes; expected a readable YAML file")
    }

    @Test
    func complaintsStayOnOneLine() throws {
        let found = try complaints(
            "\"a\\nb\\e[31m\": 1\nrules: \"x\\r\\ny\\u202E\(String(repeating: "z", count: 200))\"\n")
        #expect(found.count == 2)
        for complaint in found {
            #expect(!complaint.description.unicodeScalars.contains { $0.properties.generalCategory == .control })
            #expect(!complaint.description.contains("\u{202E}"))
            #expect(complaint.description.count < 200)
        }
    }

    @Test
    func unreadableCatalogueCausesNoFurtherComplaints() throws {
        let found = try Fixtures.complaints(
            main: "accounts: { unknown: defaultPlan, defaultPlan: free }", catalog: "meters: [\n", rules: "rulez: 1")
        #expect(found.count == 2)
    }
}
