// swift-tools-version: 6.2
import PackageDescription

// One settings array for every Swift target; libraries are the toolchain's own and Debian's C ones, each behind one
// system-library target named with its `.apt` provider.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409: an import leaks only where it says `public`
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableExperimentalFeature("Lifetimes"),  // spans that borrow from their owner
    .treatAllWarnings(as: .error),
]
/// Library and executable targets also mark every unsafe expression (SE-0458).
let strictSettings = swiftSettings + [.strictMemorySafety()]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strictSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

let package = Package(
    name: "upselld",
    products: [.executable(name: "upselld", targets: ["upselld"])],
    targets: [
        // Debian's libraries.
        .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "CSimdjson",
            cxxSettings: [
                .define("SIMDJSON_EXCEPTIONS", to: "0"),
                .define("SIMDJSON_THREADS_ENABLED", to: "1"),
                .treatAllWarnings(as: .error),
            ],
            linkerSettings: [.linkedLibrary("simdjson")]),

        // Pure: no clock, no I/O, no Foundation.
        module("UpsellModel"),
        module("UpsellEngine", ["UpsellModel", "CXXHash"]),
        module("UpsellWire", ["UpsellModel", "CSimdjson", "CXXHash", "CCrypto"]),

        module("UpsellStateLog", ["UpsellModel", "CXXHash"]),

        // Words for people: templates of our own over the numbers, dates and money of Foundation's ICU.
        module("UpsellWords", ["UpsellModel"]),

        // Edges.
        module("KafkaTransport", ["CRdKafka"]),
        module("UpsellConfiguration", ["UpsellModel", "UpsellWords", "CYAML"]),
        module("UpsellTelemetry", ["UpsellModel", "CSystemd"]),
        module("UpsellCommandLine"),
        module(
            "UpsellRuntime",
            [
                "UpsellModel", "UpsellEngine", "UpsellWire", "UpsellStateLog", "KafkaTransport", "UpsellConfiguration",
                "UpsellTelemetry",
            ]),
        module(
            "UpsellDemo",
            ["UpsellModel", "UpsellWire", "KafkaTransport", "UpsellConfiguration", "UpsellTelemetry", "UpsellRuntime"]),
        .executableTarget(
            name: "upselld",
            dependencies: [
                "UpsellModel", "UpsellEngine", "UpsellWire", "KafkaTransport", "UpsellConfiguration", "UpsellTelemetry",
                "UpsellCommandLine", "UpsellRuntime", "UpsellDemo", "UpsellWords",
            ],
            swiftSettings: strictSettings),

        .executableTarget(
            name: "upselld-bench",
            dependencies: [
                "UpsellModel", "UpsellEngine", "UpsellWire", "KafkaTransport", "UpsellConfiguration", "UpsellTelemetry",
                "UpsellRuntime",
            ],
            swiftSettings: strictSettings),

        // Proofs: a strict broker in memory under virtual time, and failures planted around real brokers.
        module(
            "UpsellSimulation",
            [
                "UpsellModel", "UpsellEngine", "UpsellWire", "UpsellStateLog", "KafkaTransport", "UpsellConfiguration",
                "UpsellTelemetry", "UpsellRuntime",
            ]),
        .executableTarget(
            name: "upselld-sim", dependencies: ["UpsellSimulation", "UpsellEngine"], swiftSettings: strictSettings),
        .executableTarget(
            name: "upselld-chaos",
            dependencies: [
                "UpsellModel", "UpsellEngine", "UpsellStateLog", "KafkaTransport", "UpsellConfiguration",
                "UpsellRuntime", "UpsellTelemetry",
            ],
            swiftSettings: strictSettings),

        // Tests beside what they test; `UpsellTesting` holds fakes, generators and the scenario runner.
        module(
            "UpsellTesting",
            [
                "UpsellModel", "UpsellEngine", "UpsellWire", "UpsellStateLog", "KafkaTransport", "UpsellConfiguration",
                "UpsellRuntime", "UpsellTelemetry", "UpsellWords",
            ]),
        tests("UpsellModelTests", ["UpsellModel", "UpsellTesting"]),
        tests("UpsellEngineTests", ["UpsellEngine", "UpsellModel", "UpsellTesting"]),
        tests("UpsellWireTests", ["UpsellWire", "UpsellModel", "UpsellTesting"]),
        tests("UpsellWordsTests", ["UpsellWords", "UpsellModel", "UpsellConfiguration", "UpsellTesting"]),
        tests("UpsellStateLogTests", ["UpsellStateLog", "UpsellModel", "UpsellTesting"]),
        tests(
            "UpsellSimulationTests",
            [
                "UpsellSimulation", "UpsellEngine", "UpsellRuntime", "UpsellStateLog", "KafkaTransport", "UpsellModel",
                "UpsellTesting",
            ]),
        tests("KafkaTransportTests", ["KafkaTransport", "UpsellTesting"]),
        tests("UpsellConfigurationTests", ["UpsellConfiguration", "UpsellEngine", "UpsellModel", "UpsellTesting"]),
        tests("UpsellTelemetryTests", ["UpsellTelemetry"]),
        tests("UpsellCommandLineTests", ["UpsellCommandLine"]),
        tests(
            "UpsellRuntimeTests",
            [
                "UpsellRuntime", "UpsellModel", "UpsellStateLog", "UpsellConfiguration", "UpsellTelemetry",
                "KafkaTransport", "UpsellTesting",
            ]),
        tests("UpsellDemoTests", ["UpsellDemo", "UpsellModel", "UpsellConfiguration", "UpsellTesting"]),
        .testTarget(
            name: "ScenarioTests", dependencies: ["UpsellTesting"], exclude: ["Scenarios"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "PlayTests", dependencies: ["UpsellModel", "UpsellConfiguration", "UpsellTesting"],
            exclude: ["Plays", "other-catalog.yaml"],
            swiftSettings: swiftSettings),
        tests("CommandTests", ["UpsellTesting"]),
        tests(
            "BrokerTests",
            [
                "KafkaTransport", "UpsellModel", "UpsellConfiguration", "UpsellRuntime", "UpsellTelemetry",
                "UpsellTesting",
            ]),
        tests("TidyTests", ["UpsellTesting"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
