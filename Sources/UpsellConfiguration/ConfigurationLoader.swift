private import Foundation
private import Glibc
import UpsellModel

/// Turns files, environment and command line into a `Configuration`, or into every complaint about them at once.
public enum ConfigurationLoader {
    /// Loads the main file and the catalogue and rules files it names.
    ///
    /// - Parameters:
    ///   - path: of the main file; the others are relative to its folder.
    ///   - overrides: dotted keys of the main file and their values, from `--set`; they win over environment and file.
    ///     Values are YAML, except below `kafka.`, where they are taken as they are.
    ///   - environment: `UPSELLD_GROUP_ID` sets `group.id`, `UPSELLD_KAFKA_BOOTSTRAP_SERVERS` sets
    ///     `kafka.bootstrap.servers`; empty values and variables with other names are left alone.
    /// - Throws: all complaints, in the order of files and lines; nothing was loaded then.
    public static func load(
        path: String, overrides: [(key: String, value: String)] = [], environment: [String: String] = [:]
    ) throws(ConfigurationError) -> Configuration {
        try review(path: path, overrides: overrides, environment: environment, read: contents).configuration
    }

    /// `load`, and what is right and of doubtful use: plans that hardly differ, a rule that no plan lets fire.
    public static func review(
        path: String, overrides: [(key: String, value: String)] = [], environment: [String: String] = [:]
    ) throws(ConfigurationError) -> (configuration: Configuration, warnings: [Complaint]) {
        try review(path: path, overrides: overrides, environment: environment, read: contents)
    }

    /// Why a file could not be read.
    struct Unreadable: Error {
        var problem: String
    }

    /// `review` with another way to read files: for tests.
    static func review(
        path: String, overrides: [(key: String, value: String)], environment: [String: String],
        read: (String) throws(Unreadable) -> [UInt8]
    ) throws(ConfigurationError) -> (configuration: Configuration, warnings: [Complaint]) {
        let report = Report()
        guard let tree = tree(path, report, read) else { throw ConfigurationError(complaints: report.sorted()) }
        let outside = Overrides(set: overrides, environment: environment, report: report)
        let root = outside.apply(to: tree)
        let main = MainFile(value(root, report), kafka: outside.kafka, slot: defaultSlot(path))

        let catalogTree = self.tree(sibling(main.catalog, of: path), report, read)
        let catalog = catalogTree.map { CatalogFile(value($0, report)) } ?? CatalogFile(unreadable: report)
        let policy = main.policy(for: catalog)
        let files = main.rules.map { name -> RulesFile? in
            self.tree(sibling(name, of: path), report, read).map { RulesFile(value($0, report)) }
        }
        let words: WordsFile
        if let name = main.words {
            words =
                self.tree(sibling(name, of: path), report, read).map { WordsFile(value($0, report)) }
                ?? WordsFile(absent: report, isReadable: false)
        } else {
            words = WordsFile(absent: report)
        }
        let definitions = Definitions(catalog, words)
        // Names in a file that could not be read are not known.
        if catalogTree == nil || files.contains(where: { $0 == nil }) {
            definitions.knowsBehaviours = false
            definitions.knowsSegments = false
        }
        let sources = [(catalog.behaviours, catalog.segments)] + files.map { ($0?.behaviours, $0?.segments) }
        for (behaviours, _) in sources { if let behaviours { definitions.readBehaviours(behaviours) } }
        for (_, segments) in sources { if let segments { definitions.noteSegments(segments) } }
        definitions.readSegments()
        var rules = RulesReader(definitions)
        for file in files { if let file { rules.read(file) } }
        definitions.finish(rules: rules.knowsNames && !files.contains { $0 == nil } ? rules.names : nil)

        let catalogue = Catalogue(
            meters: catalog.meters, plans: catalog.plans, addOns: catalog.addOns, rules: rules.rules, policy: policy,
            behaviours: definitions.behaviours, segments: definitions.segments)
        words.check(against: catalogue)

        guard report.isEmpty else { throw ConfigurationError(complaints: report.sorted()) }
        var configuration = main.configuration
        configuration.catalogue = catalogue
        configuration.words = words.source
        CatalogueReview(catalog: catalog, definitions: definitions, rules: rules).warn()
        return (configuration, report.sortedWarnings())
    }

    private static func value(_ root: YAMLNode, _ report: Report) -> Value {
        Value(node: root, path: "", keyMark: root.mark, report: report)
    }

    private static func tree(
        _ path: String, _ report: Report, _ read: (String) throws(Unreadable) -> [UInt8]
    ) -> YAMLNode? {
        report.began(file: path)
        do throws(Unreadable) {
            return YAMLReader.read(try read(path), file: path, report: report)
        } catch {
            report.complain(
                YAMLMark(file: path, line: 0, column: 0), "", error.problem, expected: "a readable YAML file")
            return nil
        }
    }

    private static func sibling(_ name: String, of path: String) -> String {
        guard !name.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return name }
        return path[...slash] + name
    }

    private static func contents(_ path: String) throws(Unreadable) -> [UInt8] {
        let most = ConfigurationBounds.fileBytesMax
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            data = try handle.read(upToCount: most + 1) ?? Data()
        } catch {
            switch (error as? CocoaError)?.code {
            case .fileNoSuchFile, .fileReadNoSuchFile: throw Unreadable(problem: "no such file")
            case .fileReadNoPermission: throw Unreadable(problem: "no permission to read it")
            default: throw Unreadable(problem: "it cannot be read")
            }
        }
        guard data.count <= most else { throw Unreadable(problem: "larger than \(most) bytes") }
        return Array(data)
    }

    /// Host name and configuration path: stable over restarts, different for two instances on one host that have a file
    /// each.
    ///
    /// Characters that Kafka refuses in an instance id become `-`; a hash of the path keeps `/a-b` and `/a/b` apart.
    public static func defaultSlot(_ path: String) -> String {
        let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
        // FNV-1a, 32 bits: enough to tell a handful of paths on one host apart.
        let hash = absolute.utf8.reduce(2_166_136_261 as UInt32) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let digits = String(hash, radix: 16)
        func legal(_ text: String) -> String {
            String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" })
        }
        let name = legal(hostName()).prefix(100) + legal(absolute).suffix(80)
        return "\(name)-\(String(repeating: "0", count: 8 - digits.count))\(digits)"
    }

    /// `gethostname`: unlike Foundation's, it asks no name server.
    private static func hostName() -> String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&bytes, bytes.count - 1) == 0 else { return "localhost" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
