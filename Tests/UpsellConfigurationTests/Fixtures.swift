import Foundation
import Testing

@testable import UpsellConfiguration

/// Files of the repository and of `Tests/Fixtures/config`, and loads that mix them.
enum Fixtures {
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let folder = repository.appendingPathComponent("Tests/Fixtures/config")

    /// Names of fixtures that end so, sorted.
    static func names(endingIn suffix: String) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return all.filter { $0.hasSuffix(suffix) }.sorted()
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    static func reference(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: repository.appendingPathComponent("config/\(name)")))
    }

    /// Loads files from memory, the good fixtures where nothing else is given, and others by their names.
    static func load(
        main: [UInt8]? = nil, catalog: [UInt8]? = nil, rules: [UInt8]? = nil, words: [UInt8]? = nil,
        overrides: [(key: String, value: String)] = [], environment: [String: String] = [:],
        others: [String: String] = [:]
    ) throws -> Configuration {
        try review(
            main: main, catalog: catalog, rules: rules, words: words, overrides: overrides, environment: environment,
            others: others
        ).configuration
    }

    static func review(
        main: [UInt8]? = nil, catalog: [UInt8]? = nil, rules: [UInt8]? = nil, words: [UInt8]? = nil,
        overrides: [(key: String, value: String)] = [], environment: [String: String] = [:],
        others: [String: String] = [:]
    ) throws -> (configuration: Configuration, warnings: [Complaint]) {
        let given = [
            "upselld.yaml": try main ?? bytes("upselld.good.yaml"),
            "catalog.yaml": try catalog ?? bytes("catalog.good.yaml"),
            "rules.yaml": try rules ?? bytes("rules.good.yaml"),
            "words.yaml": try words ?? bytes("words.good.yaml"),
        ]
        let files = given.merging(others.mapValues { Array($0.utf8) }) { _, other in other }
        return try ConfigurationLoader.review(path: "upselld.yaml", overrides: overrides, environment: environment) {
            path throws(ConfigurationLoader.Unreadable) in
            guard let bytes = files[path] else { throw ConfigurationLoader.Unreadable(problem: "no such file") }
            return bytes
        }
    }

    /// The complaints of a load, one a string; empty where it succeeds.
    static func complaints(
        main: String? = nil, catalog: String? = nil, rules: String? = nil,
        overrides: [(key: String, value: String)] = [], environment: [String: String] = [:],
        others: [String: String] = [:]
    ) throws -> [String] {
        do {
            _ = try load(
                main: main.map { Array($0.utf8) }, catalog: catalog.map { Array($0.utf8) },
                rules: rules.map { Array($0.utf8) }, overrides: overrides, environment: environment, others: others)
            return []
        } catch let error as ConfigurationError {
            return error.complaints.map(\.description)
        }
    }
}
