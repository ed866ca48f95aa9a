import Testing

/// Compares every import with the table of modules. The package manager's own check lets through whatever is reachable
/// over another target, so the direction of the layers needs this one.
@Suite struct ImportTests {
    static let pure: Set<String> = ["UpsellModel", "CXXHash"]

    /// Target → what its files may import. `Swift` itself needs none.
    static let allowed: [String: Set<String>] = [
        "UpsellModel": [],
        "UpsellEngine": pure,
        "UpsellWire": pure.union(["CSimdjson", "CCrypto"]),
        "UpsellStateLog": pure,
        "UpsellWords": [
            "UpsellModel", "Foundation", "FoundationEssentials", "FoundationInternationalization", "Synchronization",
        ],
        "UpsellCommandLine": [],
        "KafkaTransport": ["CRdKafka", "Dispatch", "Synchronization", "Glibc"],
        "UpsellConfiguration": [
            "UpsellModel", "UpsellWords", "CYAML", "Synchronization", "Glibc", "Foundation", "FoundationEssentials",
            "FoundationInternationalization",
        ],
        "UpsellTelemetry": ["UpsellModel", "CSystemd", "Synchronization", "Glibc"],
        "UpsellRuntime": [
            "UpsellModel", "UpsellEngine", "UpsellWire", "UpsellStateLog", "KafkaTransport", "UpsellConfiguration",
            "UpsellTelemetry", "Dispatch", "Synchronization", "Foundation", "Glibc",
        ],
        "UpsellSimulation": [
            "UpsellModel", "UpsellEngine", "UpsellWire", "UpsellStateLog", "KafkaTransport", "UpsellConfiguration",
            "UpsellTelemetry", "UpsellRuntime", "CXXHash",
        ],
        "upselld-sim": ["UpsellSimulation", "UpsellEngine", "Dispatch", "Foundation", "Glibc", "Synchronization"],
        "upselld-chaos": [
            "UpsellModel", "UpsellEngine", "UpsellStateLog", "KafkaTransport", "UpsellConfiguration", "UpsellRuntime",
            "UpsellTelemetry", "Dispatch", "Foundation", "Glibc", "Synchronization",
        ],
        "UpsellDemo": [
            "UpsellModel", "UpsellWire", "KafkaTransport", "UpsellConfiguration", "UpsellTelemetry", "UpsellRuntime",
            "Dispatch", "Synchronization", "Foundation", "Glibc",
        ],
        "UpsellTesting": [
            "UpsellModel", "UpsellEngine", "UpsellWire", "UpsellStateLog", "KafkaTransport", "UpsellConfiguration",
            "UpsellRuntime", "UpsellTelemetry", "UpsellWords", "Dispatch", "Synchronization", "Foundation",
            "FoundationEssentials", "Glibc",
        ],
        "upselld-bench": [
            "UpsellModel", "UpsellEngine", "UpsellWire", "KafkaTransport", "UpsellConfiguration", "UpsellTelemetry",
            "UpsellRuntime", "UpsellTesting", "Dispatch", "Synchronization", "Foundation", "Glibc",
        ],
        "upselld": [
            "UpsellModel", "UpsellEngine", "UpsellWire", "KafkaTransport", "UpsellConfiguration", "UpsellTelemetry",
            "UpsellCommandLine", "UpsellRuntime", "UpsellDemo", "UpsellWords", "Dispatch", "Synchronization", "Glibc",
        ],
    ]

    /// C libraries and what would leak through a `public import` of them.
    static let libraries: Set<String> = ["CRdKafka", "CYAML", "CXXHash", "CSystemd", "CSimdjson", "CCrypto"]

    struct Import {
        var module: String
        var isPublic: Bool
        var isTestable: Bool
    }

    static func imports(of path: String) throws -> [Import] {
        try Repository.lines(path).compactMap { line in
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })[...]
            var isPublic = false
            var isTestable = false
            while let word = words.first, word != "import" {
                guard word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
                else { return nil }
                isPublic = isPublic || word == "public" || word == "@_exported"
                isTestable = isTestable || word == "@testable"
                words.removeFirst()
            }
            guard words.popFirst() == "import", var name = words.popFirst() else { return nil }
            // `import struct Module.Type` names the module after the kind.
            if ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"].contains(name) {
                guard let next = words.popFirst() else { return nil }
                name = next
            }
            let module = name.split(separator: ".").first.map(String.init) ?? String(name)
            return Import(module: module, isPublic: isPublic, isTestable: isTestable)
        }
    }

    @Test func everyImportIsInTheTable() throws {
        let files = try Repository.files(under: "Sources", extensions: ["swift"])
        #expect(files.count > 20)
        for file in files {
            let target = String(file.split(separator: "/")[1])
            let allowed = try #require(Self.allowed[target], "\(target) is not in the table of imports")
            for found in try Self.imports(of: file) {
                #expect(allowed.contains(found.module), "\(file) imports \(found.module)")
                #expect(!(found.isPublic && Self.libraries.contains(found.module)), "\(file) shows \(found.module)")
                #expect(!found.isTestable, "\(file) imports \(found.module) for testing")
            }
        }
    }

    @Test func everyTargetOfTheTableExists() throws {
        let targets = Set(
            try Repository.files(under: "Sources", extensions: ["swift"]).map { String($0.split(separator: "/")[1]) })
        #expect(targets == Set(Self.allowed.keys))
    }

    @Test func kafkaIsSeenByItsWrapperOnly() {
        let seers = Self.allowed.filter { $0.value.contains("CRdKafka") }.map(\.key)
        #expect(seers == ["KafkaTransport"])
    }
}
