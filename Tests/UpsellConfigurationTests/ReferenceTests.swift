import Foundation
import Testing
import UpsellModel

@testable import UpsellConfiguration

/// The files in `config/`: they load, say every key, and say the defaults.
struct ReferenceTests {
    private func load(_ main: [UInt8]) throws -> Configuration {
        try Fixtures.load(
            main: main, catalog: try Fixtures.reference("catalog.yaml"), rules: try Fixtures.reference("rules.yaml"),
            words: try Fixtures.reference("words.yaml"))
    }

    @Test
    func referenceFilesLoadFromDisk() throws {
        let path = Fixtures.repository.appendingPathComponent("config/upselld.yaml").path
        let configuration = try ConfigurationLoader.load(path: path)
        #expect(configuration.catalogue.plans.map(\.name) == ["basic", "pro", "enterprise"])
        #expect(configuration.catalogue.rules.count == 5)
    }

    @Test
    func everyFileOfTheFolderIsKnown() throws {
        let files = try FileManager.default.contentsOfDirectory(
            atPath: Fixtures.repository.appendingPathComponent("config").path)
        // The last two are checked by .ci/check-docs.
        let configuration = ["catalog.yaml", "rules.yaml", "upselld.yaml", "words.yaml"]
        #expect(Set(files) == Set(configuration + ["asyncapi.yaml", "plays", "schemas"]))
    }

    /// All plays at once, beside the reference rules: no name clashes, nothing is of doubtful use.
    @Test
    func everyPlayLoads() throws {
        let folder = Fixtures.repository.appendingPathComponent("config/plays")
        let plays = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
            .sorted()
        #expect(plays.count == 10)
        let path = Fixtures.repository.appendingPathComponent("config/upselld.yaml").path
        let files = ["rules.yaml"] + plays.map { "plays/\($0)" }
        let reviewed = try ConfigurationLoader.review(
            path: path, overrides: [(key: "rules", value: "[\(files.joined(separator: ", "))]")])
        #expect(reviewed.warnings == [])
        #expect(reviewed.configuration.catalogue.rules.count > 5 + plays.count)
    }

    @Test
    func referenceEqualsAnEmptyFile() throws {
        var reference = try load(try Fixtures.reference("upselld.yaml"))
        let empty = try load([])
        #expect(reference.kafka.map(\.name) == empty.kafka.map(\.name))
        #expect(reference.kafka.map(\.value) == empty.kafka.map(\.value))
        // No words are the default; the reference names the shipped ones.
        #expect(empty.words.isEmpty)
        #expect(reference.words.templates.count == 13)
        reference.words = empty.words
        // Where it was written is the only difference.
        reference.kafka = empty.kafka
        #expect(reference == empty)
    }

    @Test
    func emptyFileEqualsTheDefaultsOfInit() throws {
        var loaded = try load([])
        #expect(!loaded.group.slot.isEmpty)
        loaded.group.slot = Configuration.Group().slot
        #expect(loaded == Configuration(catalogue: loaded.catalogue))
        #expect(loaded.catalogue.policy == Policy())
    }

    @Test
    func referenceNamesEveryKey() throws {
        let report = Report()
        let tree = try #require(
            YAMLReader.read(try Fixtures.reference("upselld.yaml"), file: "upselld.yaml", report: report))
        var keys: Set<String> = []
        func walk(_ node: YAMLNode, _ path: String) {
            guard case .mapping(let entries) = node.content else { return }
            for entry in entries {
                let here = path.isEmpty ? entry.key : "\(path).\(entry.key)"
                keys.insert(here)
                walk(entry.value, here)
            }
        }
        walk(tree, "")
        #expect(report.isEmpty)
        #expect(Set(MainFile.leaves).subtracting(keys) == [])
    }

    @Test
    func catalogueIsTheGuides() throws {
        let catalogue = try load([]).catalogue
        func limits(_ meter: String) throws -> [Limit] {
            let index = try #require(catalogue.meter(named: meter)).index
            return catalogue.plans.map { $0.limits[index].limit }
        }
        #expect(try limits("users") == [.of(5), .of(25), .unlimited])
        #expect(try limits("storage") == [.of(10_000_000_000), .of(100_000_000_000), .of(1_000_000_000_000)])
        #expect(try limits("integrations") == [.of(3), .of(10), .unlimited])
        #expect(
            catalogue.plans.map(\.prices) == [
                [Price(currency: "USD", interval: .month, kind: .exact, amount: 2_900)],
                [Price(currency: "USD", interval: .month, kind: .exact, amount: 9_900)],
                [Price(currency: "USD", interval: .month, kind: .from, amount: 29_900)],
            ])
        #expect(catalogue.plans[1].features.prefix(2).map(\.level) == ["advanced", "priority"])
        let storage = try #require(catalogue.meter(named: "storage"))
        #expect(catalogue[storage].window == .gauge)
        #expect(catalogue[storage].aggregation == .latest)
        let calls = try #require(catalogue.meter(named: "api_calls"))
        #expect(catalogue[calls].window == .period(Meter.Reset(.month, .calendar)))
        #expect(
            catalogue.rules[0].signal
                == .limit(LimitSignal(meter: storage, unit: .percent, thresholds: [8_000, 9_000, 10_000], band: 500)))
        #expect(catalogue.addOns[0].adds[storage.index] == 100_000_000_000)
    }

    /// Comments that show further meters must not rot: without their `#` they load.
    @Test
    func commentedMetersLoad() throws {
        let lines = String(decoding: try Fixtures.reference("catalog.yaml"), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.contains("Further kinds") })
        let revived = lines.enumerated().map { index, line -> String in
            guard index > start, line.hasPrefix("  #") else { return String(line) }
            return "  " + line.dropFirst(4)
        }
        let configuration = try Fixtures.load(
            catalog: Array(revived.joined(separator: "\n").utf8), rules: try Fixtures.reference("rules.yaml"))
        let names = ["compute_hours", "upload_size", "active_users", "active_days", "projects"]
        #expect(configuration.catalogue.meters.map(\.name).suffix(5) == names[...])
        let hours = try #require(configuration.catalogue.meters.first { $0.name == "compute_hours" })
        #expect(hours.dimension == Meter.Dimension(name: "feature", path: FieldPath(dotted: "data.feature"), max: 50))
        #expect(hours.filter.count == 2)
        #expect(hours.scale == 2)
        #expect(Set(configuration.catalogue.meters.map(\.aggregation)) == Set(Meter.Aggregation.allCases))
    }

    /// A file with its commented end, after a line with `marker`, made part of it.
    private func revived(_ name: String, after marker: String) throws -> [UInt8] {
        let lines = String(decoding: try Fixtures.reference(name), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.contains(marker) })
        let text = lines.enumerated().map { index, line -> Substring in
            guard index > start, line.hasPrefix("#") else { return line }
            return line.dropFirst(2)
        }
        return Array(text.joined(separator: "\n").utf8)
    }

    @Test
    func commentedSignalsLoadAndNameEveryKey() throws {
        let rules = try revived("rules.yaml", after: "Every other signal")
        let loaded = try Fixtures.review(
            catalog: try Fixtures.reference("catalog.yaml"), rules: rules, words: try Fixtures.reference("words.yaml"))
        #expect(loaded.configuration.catalogue.rules.count == 5 + 15)
        let kinds = Set(loaded.configuration.catalogue.rules.map(\.signal.kind))
        #expect(kinds == Set(Trigger.SignalKind.allCases))
        let keys = try keys(of: rules)
        #expect(Set(RulesReader.keys).subtracting(keys) == [])
        #expect(Set(SignalReader.kinds).subtracting(keys) == [])
        // The only warning: the sample catalogue has integrations in every plan.
        #expect(loaded.warnings.map(\.problem) == ["every plan has meter \"integrations\""])
    }

    @Test
    func commentedConditionsLoadAndNameEveryKey() throws {
        let catalog = try revived("catalog.yaml", after: "Ready to be used")
        let catalogue = try Fixtures.load(catalog: catalog, rules: try Fixtures.reference("rules.yaml")).catalogue
        #expect(catalogue.segments.count == 15)
        #expect(catalogue.behaviours.map(\.name) == ["export_denied"])
        #expect(Set(ConditionReader.keys).subtracting(try keys(of: catalog)) == [])
    }

    /// The first rule says every default.
    @Test
    func firstRuleSaysTheDefaults() throws {
        let rule = try load([]).catalogue.rules[0]
        var expected = Rule(name: rule.name, signal: rule.signal, summary: rule.summary)
        expected.message = rule.message
        #expect(rule == expected)
        let text = String(decoding: try Fixtures.reference("rules.yaml"), as: UTF8.self)
        let first = try #require(text.range(of: "  - name: users-limit"))
        #expect(Set(RulesReader.keys).subtracting(try keys(of: Array(text[..<first.lowerBound].utf8))) == [])
    }

    /// All keys of a file, wherever they stand.
    private func keys(of bytes: [UInt8]) throws -> Set<String> {
        let report = Report()
        let tree = try #require(YAMLReader.read(bytes, file: "x", report: report))
        var keys: Set<String> = []
        func walk(_ node: YAMLNode) {
            switch node.content {
            case .mapping(let entries):
                for entry in entries {
                    keys.insert(entry.key)
                    walk(entry.value)
                }
            case .sequence(let items): items.forEach(walk)
            case .scalar, .broken: break
            }
        }
        walk(tree)
        #expect(report.isEmpty)
        return keys
    }
}
