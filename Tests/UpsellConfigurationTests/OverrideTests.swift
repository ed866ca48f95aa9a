import Testing
import UpsellModel

@testable import UpsellConfiguration

/// `--set` and the environment.
struct OverrideTests {
    @Test
    func commandLineWinsOverEnvironmentOverFile() throws {
        let main = Array("commit: { interval: 1s }\ngroup: { id: file }\nsource: file".utf8)
        let loaded = try Fixtures.load(
            main: main, overrides: [("commit.interval", "20ms")],
            environment: ["UPSELLD_COMMIT_INTERVAL": "30ms", "UPSELLD_GROUP_ID": "environment"])
        #expect(loaded.runtime.commitInterval == 20)
        #expect(loaded.group.id == "environment")
        #expect(loaded.source == "file")
    }

    @Test
    func kafkaKeysAreReplacedWhateverTheirForm() throws {
        let main = Array("kafka: { bootstrap: { servers: file }, client.id: kept }".utf8)
        let loaded = try Fixtures.load(
            main: main, overrides: [("kafka.bootstrap.servers", "set: 1"), ("kafka.startTimeout", "5s")],
            environment: ["UPSELLD_KAFKA_BOOTSTRAP_SERVERS": "environment", "UPSELLD_KAFKA_SASL_PASSWORD": "#s3cret"])
        #expect(
            loaded.kafka == [
                KafkaSetting(name: "client.id", value: "kept", place: "upselld.yaml:1"),
                KafkaSetting(name: "sasl.password", value: "#s3cret", place: "environment UPSELLD_KAFKA_SASL_PASSWORD"),
                KafkaSetting(name: "bootstrap.servers", value: "set: 1", place: "--set"),
            ])
        #expect(loaded.startTimeout == 5_000)
    }

    @Test
    func everyKeyHasAVariable() throws {
        let environment = [
            "UPSELLD_KAFKA_START_TIMEOUT": "1m", "UPSELLD_GROUP_LEAVE_ON_STOP": "true",
            "UPSELLD_RUNTIME_PREFETCH_QUEUED_MIN_MESSAGES": "7", "UPSELLD_ACCOUNTS_WAIT_CAPACITY": "8",
            "UPSELLD_FIRST_START": "fire", "UPSELLD_TOPICS_USAGE": "[one, {name: two, clock: replay}]",
            "UPSELLD_KAFKA_SSL__CA": "x",
        ]
        let loaded = try Fixtures.load(environment: environment)
        #expect(loaded.startTimeout == 60_000)
        #expect(loaded.group.leaveOnStop)
        #expect(loaded.runtime.queuedMinMessages == 7)
        #expect(loaded.catalogue.policy.waitCapacity == 8)
        #expect(loaded.catalogue.policy.firstStart == .fire)
        #expect(loaded.topics.usage.map(\.name) == ["one", "two"])
        #expect(loaded.kafka.contains { $0.name == "ssl_ca" })
    }

    @Test
    func foreignAndEmptyVariablesAreLeftAlone() throws {
        let environment = ["HOME": "/", "UPSELLD_TEST_BROKER": "x", "UPSELLD_GROUP_ID": "", "UPSELLD_": "1"]
        #expect(try Fixtures.load(environment: environment) == Fixtures.load())
    }

    @Test
    func mistakesNameTheirOrigin() throws {
        let found = try Fixtures.complaints(
            overrides: [
                ("commit.intervall", "1s"), ("commit.interval", "soon"), ("group..id", "x"), ("log", "[unclosed"),
                ("kafka.a b", "hunter2"), ("nothing.here.at.all", "1"),
            ], environment: ["UPSELLD_GROUP_IDD": "x", "UPSELLD_DEDUP_CAPACITY": "5"])
        #expect(
            found == [
                "environment UPSELLD_GROUP_IDD: sets no key, did you mean \"UPSELLD_GROUP_ID\"?; "
                    + "expected UPSELLD_ and a key in capitals, as UPSELLD_GROUP_ID",
                "--set: \"group..id\" is no key; expected a dotted key and a value, as group.id=upselld",
                "--set: log: not readable as YAML: did not find expected ',' or ']', while parsing a flow sequence; "
                    + "expected a value in YAML",
                "--set: kafka.a b: no name of a librdkafka key; expected as kafka.bootstrap.servers",
                "--set: nothing: unknown key; expected \(Value.list(MainFile.keys[""] ?? []))",
                "environment UPSELLD_DEDUP_CAPACITY: dedup.capacity: 5 is out of range; "
                    + "expected a whole number from 1000 to 100000000",
                "--set: commit.intervall: unknown key; expected interval",
                "--set: commit.interval: \"soon\" found; "
                    + "expected a duration from 5ms to 1m, as 100ms, 5s, 10m, 1h or 32d",
            ])
    }

    @Test
    func defaultSlotIsStableLegalAndOfThePath() {
        let slot = ConfigurationLoader.defaultSlot("/etc/upselld/upselld.yaml")
        #expect(slot == ConfigurationLoader.defaultSlot("/etc/upselld/../upselld/upselld.yaml"))
        #expect(slot != ConfigurationLoader.defaultSlot("/etc/upselld-upselld.yaml"))
        #expect(Value.isName(slot, bytesMax: 200))
        #expect(
            Value.isName(ConfigurationLoader.defaultSlot("/é/" + String(repeating: "x", count: 900)), bytesMax: 200))
    }
}
