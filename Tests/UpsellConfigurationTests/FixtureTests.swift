import Foundation
import Testing

@testable import UpsellConfiguration

/// `NAME.ROLE.good.yaml` loads beside the other good files; `NAME.ROLE.bad.yaml` begins with the complaints it must
/// cause, one a line after `# expect: `.
struct FixtureTests {
    private static func role(_ name: String) -> String {
        name.split(separator: ".").dropLast(2).last.map(String.init) ?? ""
    }

    private static func load(_ name: String) throws -> Configuration {
        let bytes = try Fixtures.bytes(name)
        switch role(name) {
        case "upselld": return try Fixtures.load(main: bytes)
        case "catalog":
            // Rules over the meters of the good catalogue would not find them.
            return try Fixtures.load(catalog: bytes, rules: name.hasSuffix(".bad.yaml") ? Array("rules: []".utf8) : [])
        case "words": return try Fixtures.load(words: bytes)
        default: return try Fixtures.load(rules: bytes)
        }
    }

    @Test(arguments: Fixtures.names(endingIn: ".good.yaml"))
    func goodFileLoads(name: String) throws {
        _ = try Self.load(name)
    }

    @Test(arguments: Fixtures.names(endingIn: ".bad.yaml"))
    func badFileIsComplainedAbout(name: String) throws {
        let text = String(decoding: try Fixtures.bytes(name), as: UTF8.self)
        let expected = text.split(separator: "\n").filter { $0.hasPrefix("# expect: ") }.map {
            String($0.dropFirst(10))
        }
        try #require(!expected.isEmpty)
        var found: [String] = []
        do {
            _ = try Self.load(name)
        } catch let error as ConfigurationError {
            found = error.complaints.map(\.description)
        }
        #expect(found == expected)
        if let folder = ProcessInfo.processInfo.environment["UPSELLD_RECORD_COMPLAINTS"] {
            try found.joined(separator: "\n").write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        }
    }

    @Test
    func thereAreFixturesOfBothKinds() {
        #expect(Fixtures.names(endingIn: ".good.yaml").count >= 6)
        #expect(Fixtures.names(endingIn: ".bad.yaml").count >= 80)
    }
}
