import Foundation
import Testing
import UpsellModel

@testable import UpsellConfiguration

/// What the values of the files become.
struct LoadingTests {
    @Test
    func everyKeyReachesItsSetting() throws {
        let loaded = try Fixtures.load(main: try Fixtures.bytes("every-key.upselld.good.yaml"))
        let mapping = FieldMapping(
            id: FieldPath(["uuid"]), source: .constant("crm"), type: .path(FieldPath(["kind"])),
            subject: FieldPath(["customer", "id"]), time: FieldPath(["at"]), data: FieldPath(["payload"]))
        var policy = Policy()
        policy.unknownAccounts = .defaultPlan(PlanID(0))
        policy.waitDuration = .millisecondsPerHour
        policy.waitCapacity = 5
        policy.dedupWindow = 10 * .millisecondsPerDay
        policy.dedupCapacity = 1_000
        policy.grace = 2 * .millisecondsPerHour
        policy.futureTolerance = .millisecondsPerMinute
        policy.firstStart = .fire
        policy.goLive = Timestamp(milliseconds: 1_772_355_600_250)
        policy.tickMargin = 0
        #expect(loaded.catalogue.policy == policy)
        var expected = Configuration(catalogue: loaded.catalogue)
        expected.kafka = [
            KafkaSetting(name: "bootstrap.servers", value: "one:9092,two:9092", place: "upselld.yaml:10"),
            KafkaSetting(name: "security.protocol", value: "SASL_SSL", place: "upselld.yaml:11"),
            KafkaSetting(name: "sasl.password", value: "p: #w", place: "upselld.yaml:12"),
            KafkaSetting(name: "sasl.username", value: "me", place: "upselld.yaml:12"),
        ]
        expected.startTimeout = 30_000
        expected.topics = Configuration.Topics(
            usage: [
                Configuration.UsageTopic(name: "plain.topic.name"),
                Configuration.UsageTopic(name: "crm", format: .plain(mapping), clock: .replay),
            ], accounts: "a", feedback: "b", triggers: "c", open: "d", held: "e", outcomes: "f", deadLetters: "g",
            control: "h", state: "i", journal: "j", create: false, partitions: 12, replication: 3)
        expected.group = Configuration.Group(id: "other", slot: "node-1", leaveOnStop: true)
        expected.runtime = Configuration.Runtime(
            commitInterval: 50, maxRecordBytes: 2_000_000, deadLetterMaxBytes: 10_240, batchRecords: 10,
            queueBatches: 2,
            queuedMinMessages: 1_000, queuedMaxKbytes: 64, wakeUpInterval: 0, revokeTimeout: 1_000, stopTimeout: 10_000,
            tickInterval: 500)
        expected.source = "https://example.com/upselld"
        expected.log = Configuration.Log(level: .debug, format: .json)
        #expect(loaded == expected)
        // No value of the fixture is a default, so that no key can be read for another.
        #expect(loaded.runtime != Configuration.Runtime())
    }

    @Test
    func everyShapeOfTheCatalogueIsRead() throws {
        let catalogue = try Fixtures.load(catalog: try Fixtures.bytes("every-key.catalog.good.yaml"), rules: [])
            .catalogue
        #expect(
            catalogue.meters.map(\.window) == [
                .rolling(days: 30), .period(Meter.Reset(.week, .anniversary)), .lifetime, .gauge,
                .period(Meter.Reset(.day)), .period(Meter.Reset(.year)), .gauge,
            ])
        #expect(catalogue.meters.map(\.aggregation) == [.count, .sum, .max, .latest, .unique, .activeDays, .sum])
        #expect(catalogue.meters[0].eventTypes == ["a", "b"])
        #expect(
            catalogue.meters[0].filter == [
                FieldCondition(path: FieldPath(["data", "method"]), anyOf: ["GET", "POST"]),
                FieldCondition(path: FieldPath(["source"]), anyOf: ["/x"]),
                FieldCondition(path: FieldPath(["data", "deep", "flag"]), anyOf: ["true"]),
            ])
        #expect(catalogue.meters[0].dimension?.max == 3)
        #expect(catalogue.meters[4].uniqueMax == 7)
        let old = catalogue.plans[0]
        #expect(old.successor == "new")
        #expect(old.title == "old")
        #expect(old.limits[0] == Plan.PlanLimit(.of(0)))
        #expect(old.limits[1] == Plan.PlanLimit(.of(1_250)))
        #expect(old.limits[2] == .unlimited)
        #expect(old.limits[3] == Plan.PlanLimit(.of(1_610_612_736), enforcement: .soft, consequence: "Slow: very"))
        #expect(
            catalogue.plans[1].prices == [
                Price(currency: "USD", interval: .month, kind: .exact, amount: 2_900),
                Price(currency: "USD", interval: .year, kind: .exact, amount: 29_050),
                Price(currency: "JPY", interval: .month, kind: .from, amount: 3_000),
                Price(currency: "EUR", interval: .year, kind: .contact, amount: 0),
            ])
        #expect(
            catalogue.plans[1].features == [
                Plan.Feature(name: "reporting", level: "3"), Plan.Feature(name: "support", level: "yes"),
            ])
        #expect(catalogue.addOns[0].adds == [10, 25, 0, 0, 0, 0, 0])
    }

    @Test
    func everyKindOfThresholdIsRead() throws {
        let rules = try Fixtures.load(rules: try Fixtures.bytes("every-kind.rules.good.yaml")).catalogue.rules
        let storage = MeterID(1)
        let hours = MeterID(2)
        #expect(
            rules.map(\.signal) == [
                .limit(LimitSignal(meter: storage, unit: .percent, thresholds: [1, 9_950, 15_000], band: 0)),
                .limit(
                    LimitSignal(
                        meter: storage, unit: .absolute, thresholds: [1_000_000_000, 2_000_000_000],
                        band: 100_000_000)),
                .limit(LimitSignal(meter: hours, unit: .remaining, thresholds: [150, 25, 0], band: 500)),
                // Below the default band of 5 points there is no room: it shrinks, so that the threshold can arm again.
                .limit(LimitSignal(meter: storage, unit: .percent, thresholds: [300], band: 299)),
            ])
        #expect(rules[0].onChange == .evaluate)
        #expect(rules[0].goLive == Timestamp(milliseconds: 1_767_225_600_000))
        #expect(rules[0].summary == "S")
        #expect(rules[0].message == "M")
    }

    @Test(arguments: ["ten-mistakes", "ten-more-mistakes"])
    func tenMistakesAreTenComplaintsWithTheirPlaces(name: String) throws {
        let path = Fixtures.folder.appendingPathComponent("\(name)/upselld.yaml").path
        let error = try #require(throws: ConfigurationError.self) { try ConfigurationLoader.load(path: path) }
        let folder = Fixtures.folder.appendingPathComponent(name).path + "/"
        let found = error.complaints.map { $0.description.replacingOccurrences(of: folder, with: "") }
        let expected = String(decoding: try Fixtures.bytes("\(name)/expected.txt"), as: UTF8.self)
        #expect(found == expected.split(separator: "\n").map(String.init))
        #expect(found.count == 10)
    }

    @Test
    func missingMainFileIsAComplaint() throws {
        let path = Fixtures.folder.appendingPathComponent("nowhere/upselld.yaml").path
        let error = try #require(throws: ConfigurationError.self) { try ConfigurationLoader.load(path: path) }
        #expect(error.description == "\(path): no such file; expected a readable YAML file")
    }

    @Test
    func folderInPlaceOfAFileIsAComplaint() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try ConfigurationLoader.load(path: Fixtures.folder.path)
        }
        #expect(error.complaints.count == 1)
    }

    @Test(arguments: [("3e", "nowhere"), ("5.", "m"), ("1__0", "m"), ("0x10", "m"), (".5", "m"), ("+5", "m")])
    func numbersInOtherGrammarsAreRefused(text: String, meter: String) throws {
        let catalog = "meters: { m: { events: a, aggregation: count } }\nplans: [{ name: p, limits: { m: \(text) } }]"
        let found = try Fixtures.complaints(catalog: catalog, rules: "rules: []")
        #expect(found.count == 1)
    }

    @Test(arguments: [
        ("10 GB", 10_000_000_000), ("10GB", 10_000_000_000), ("1 kB", 1_000), ("1.5 KiB", 1_536),
        ("2 TiB", 2_199_023_255_552),
        ("1_000", 1_000), ("007", 7), ("5.0", 5), ("1000 PB", 1_000_000_000_000_000_000),
    ])
    func bytesAreExact(text: String, bytes: Int64) throws {
        let catalog = """
            meters: { m: { events: a, aggregation: sum, value: data.n, unit: bytes } }
            plans: [{ name: p, limits: { m: \(text) } }]
            """
        let loaded = try Fixtures.load(catalog: Array(catalog.utf8), rules: [])
        #expect(loaded.catalogue.plans[0].limits[0].limit == .of(bytes))
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59.999Z", 951_868_799_999),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999), ("2026-03-01t10:00:00.123456-05:30", 1_772_379_000_123),
    ])
    func instantsAreRead(text: String, milliseconds: Int64) {
        #expect(rfc3339(text) == Timestamp(milliseconds: milliseconds))
    }

    @Test(arguments: [
        "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "1900-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00Zx",
        "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "2026-01-01 00:00:00Z",
    ])
    func otherInstantsAreRefused(text: String) {
        #expect(rfc3339(text) == nil)
    }
}

/// What the words file becomes.
struct WordsLoadingTests {
    @Test
    func everyWayToWriteATextKeepsItsPlace() throws {
        let words = try Fixtures.load(words: try Fixtures.bytes("every-key.words.good.yaml")).words
        #expect(words.defaultLocale == "es")
        #expect(words.partials["footer"]?.keys.sorted() == ["es", "zh-Hant"])
        let template = try #require(words.templates["limit"])
        #expect(template.name.line == 8)
        let fields = try #require(template.locales["es"])
        func place(_ source: TemplateSource?) -> String {
            guard let source else { return "absent" }
            return "\(source.line):\(source.column) \(source.continuation.map(String.init) ?? "-") \(source.path)"
        }
        #expect(place(fields.title) == "10:15 1 templates.limit.es.title")
        #expect(fields.body.text == "{{current}}\n  {{> footer}}\n")
        #expect(place(fields.body) == "12:9 9 templates.limit.es.body")
        #expect(place(fields.callToAction) == "14:22 1 templates.limit.es.callToAction")
        // Folded: its lines are not those of the file.
        #expect(place(fields.talkingPoints.first) == "16:11 - templates.limit.es.talkingPoints[0]")
        #expect(place(fields.talkingPoints.last) == "19:11 1 templates.limit.es.talkingPoints[1]")
        #expect(template.locales["zh-Hant"]?.callToAction == nil)
    }

    @Test
    func aWordsFileThatIsNotThereIsComplainedAbout() throws {
        #expect(
            try Fixtures.complaints(overrides: [("words", "nowhere.yaml")]) == [
                "nowhere.yaml: no such file; expected a readable YAML file"
            ])
        #expect(try Fixtures.load(overrides: [("words", "null")]).words.isEmpty)
        #expect(try Fixtures.load().words.templates.count == 2)
    }
}
