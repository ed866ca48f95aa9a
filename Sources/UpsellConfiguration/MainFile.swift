import UpsellModel

/// The main file: where Kafka, the topics and the other files are, and how the daemon runs.
struct MainFile {
    /// The other files, as written.
    private(set) var catalog = "catalog.yaml"
    private(set) var rules = ["rules.yaml"]
    /// nil: no words.
    private(set) var words: String?
    /// Everything but catalogue and policy.
    var configuration: Configuration
    /// Its `unknownAccounts` is settled by `finish`, once plans are known.
    var policy = Policy()
    private var unknown = Unknown.wait
    private var defaultPlan: Value?
    private var unknownValue: Value?
    private var grace: Value?

    private enum Unknown: String, CaseIterable { case wait, defaultPlan, ignore }

    /// Every key, by the path of the map it stands in. `kafka` has keys of librdkafka beside its own.
    static let keys: [String: [String]] = [
        "": [
            "catalog", "rules", "words", "sequence", "source", "firstStart", "goLive", "kafka", "topics", "group",
            "accounts", "dedup", "late", "clock", "qualification", "commit", "runtime", "log",
        ],
        "kafka": ["startTimeout"],
        "topics": [
            "usage", "accounts", "feedback", "triggers", "open", "held", "outcomes", "deadLetters", "control", "state",
            "journal", "channels", "create", "partitions", "replication",
        ],
        "group": ["id", "slot", "leaveOnStop"],
        "accounts": ["unknown", "defaultPlan", "wait"],
        "accounts.wait": ["duration", "capacity"],
        "dedup": ["window", "capacity"],
        "late": ["grace"],
        "clock": ["futureTolerance", "tickInterval", "tickMargin", "timersPerTick"],
        "qualification": [
            "upgradePause", "caps", "arbitration", "quietHours", "holdout", "fuse", "attribution", "headroom",
            "openMax", "owedMax",
        ],
        "qualification.arbitration": ["window", "retry"],
        "commit": ["interval"],
        "runtime": [
            "maxRecordBytes", "deadLetterMaxBytes", "outputBytesMax", "batchRecords", "queueBatches", "prefetch",
            "wakeUpInterval", "revokeTimeout", "stopTimeout", "epochRecordsMax", "watchdog", "commitHold",
        ],
        "runtime.prefetch": ["queuedMinMessages", "queuedMaxKbytes"],
        "log": ["level", "format"],
    ]

    /// Dotted keys that have a value of their own.
    static let leaves: [String] = keys.flatMap { section, names in
        names.map { section.isEmpty ? $0 : "\(section).\($0)" }
    }.filter { keys[$0] == nil }.sorted()

    /// - Parameters:
    ///   - kafka: settings from outside the file, which win over those in it.
    ///   - slot: `group.slot` where nothing is written.
    init(_ root: Value, kafka overrides: [KafkaSetting], slot: String) {
        configuration = Configuration(catalogue: Catalogue(meters: [], plans: []))
        configuration.group.slot = slot
        let file = Section(root, keys: Self.keys[""] ?? [])
        func section(_ path: String, of parent: Section) -> Section {
            let name = path.split(separator: ".").last.map(String.init) ?? path
            return parent.section(name, keys: Self.keys[path] ?? [])
        }
        file.text("catalog", &catalog)
        if let value = file["rules"] {
            // An empty list is a catalogue that is metered and says nothing.
            let isEmpty = if case .sequence(let items) = value.node.content { items.isEmpty } else { false }
            rules =
                isEmpty
                ? []
                : value.texts("a file or a list of files", max: ConfigurationBounds.rulesFilesMax) { $0.text() }
        }
        if let value = file["words"], !value.node.isNull { words = value.text() }
        var sequence = 0
        file.integer("sequence", 0...Int.max, &sequence)
        configuration.sequence = UInt64(sequence)
        file.text("source", &configuration.source)
        file.choice("firstStart", &policy.firstStart)
        if let value = file["goLive"], !value.node.isNull { policy.goLive = value.instant() }
        readKafka(file["kafka"], overrides)
        readTopics(section("topics", of: file))
        readGroup(section("group", of: file))

        let accounts = section("accounts", of: file)
        accounts.choice("unknown", &unknown)
        unknownValue = accounts["unknown"]
        if let value = accounts["defaultPlan"], !value.node.isNull { defaultPlan = value }
        if unknown == .defaultPlan, defaultPlan == nil, let value = accounts["unknown"] {
            value.complain("no default plan is named", expected: "accounts.defaultPlan: the name of a plan")
        }
        let wait = section("accounts.wait", of: accounts)
        wait.duration("duration", 0...366 * .millisecondsPerDay, &policy.waitDuration)
        wait.integer("capacity", 0...100_000_000, &policy.waitCapacity)

        let dedup = section("dedup", of: file)
        dedup.duration("window", .millisecondsPerMinute...366 * .millisecondsPerDay, &policy.dedupWindow)
        dedup.integer("capacity", 1_000...100_000_000, &policy.dedupCapacity)

        let late = section("late", of: file)
        late.duration("grace", 0...366 * .millisecondsPerDay, &policy.grace)
        grace = late["grace"]

        let clock = section("clock", of: file)
        clock.duration("futureTolerance", 0...366 * .millisecondsPerDay, &policy.futureTolerance)
        clock.duration("tickInterval", 10...(.millisecondsPerHour), &configuration.runtime.tickInterval)
        clock.duration("tickMargin", 0...(.millisecondsPerDay), &policy.tickMargin)
        clock.integer("timersPerTick", 100...10_000_000, &policy.timersPerTick)

        let qualification = section("qualification", of: file)
        readQualification(qualification, arbitration: section("qualification.arbitration", of: qualification))

        section("commit", of: file).duration(
            "interval", 5...(.millisecondsPerMinute), &configuration.runtime.commitInterval)
        let runtime = section("runtime", of: file)
        readRuntime(runtime, prefetch: section("runtime.prefetch", of: runtime))

        let log = section("log", of: file)
        log.choice("level", &configuration.log.level)
        log.choice("format", &configuration.log.format)
    }

    /// Settles what needs the catalogue: the default plan and how long grace may be.
    func policy(for catalog: CatalogFile) -> Policy {
        var policy = policy
        switch unknown {
        case .wait: policy.unknownAccounts = .wait
        case .ignore: policy.unknownAccounts = .ignore
        case .defaultPlan: break
        }
        if let value = defaultPlan, let name = value.name() {
            if let index = catalog.plans.firstIndex(where: { $0.name == name }) {
                if unknown == .defaultPlan { policy.unknownAccounts = .defaultPlan(PlanID(index)) }
            } else {
                catalog.complainAboutPlan(name, value)
            }
        }
        let shortest = catalog.meters.compactMap { meter -> (length: Int64, meter: Meter)? in
            guard case .period(let reset) = meter.window, !catalog.doubtful.contains(meter.name) else { return nil }
            switch reset.unit {
            case .day: return (.millisecondsPerDay, meter)
            case .week: return (7 * .millisecondsPerDay, meter)
            case .month: return (28 * .millisecondsPerDay, meter)
            case .year: return (365 * .millisecondsPerDay, meter)
            }
        }.min { $0.length < $1.length }
        if let shortest, policy.grace > shortest.length {
            let meter = quoted(shortest.meter.name)
            grace?.complain(
                "\(durationText(policy.grace)) is longer than the shortest reset, of meter \"\(meter)\"",
                expected: "at most \(durationText(shortest.length))")
        }
        return policy
    }

    private mutating func readGroup(_ group: Section) {
        func name(_ key: String, _ expected: String) -> String? {
            guard let value = group[key], !(key == "slot" && value.node.isNull) else { return nil }
            guard case .scalar(let text, _) = value.node.content, !value.node.isNull, Value.isName(text, bytesMax: 200)
            else {
                value.complain(notA: expected)
                return nil
            }
            return text
        }
        if let id = name("id", "letters, digits, _, - and ., 1 to 200 long") { configuration.group.id = id }
        if let slot = name("slot", "letters, digits, _, - and ., 1 to 200 long, or null") {
            configuration.group.slot = slot
        }
        group.flag("leaveOnStop", &configuration.group.leaveOnStop)
    }

    private mutating func readRuntime(_ section: Section, prefetch: Section) {
        section.bytes("maxRecordBytes", 1_024...100_000_000, &configuration.runtime.maxRecordBytes)
        section.bytes("deadLetterMaxBytes", 8_192...100_000_000, &configuration.runtime.deadLetterMaxBytes)
        section.bytes("outputBytesMax", 1_048_576...10_000_000_000, &configuration.runtime.outputBytesMax)
        section.integer("batchRecords", 1...100_000, &configuration.runtime.batchRecords)
        section.integer("queueBatches", 1...1_024, &configuration.runtime.queueBatches)
        section.duration("wakeUpInterval", 0...(.millisecondsPerSecond), &configuration.runtime.wakeUpInterval)
        section.integer("epochRecordsMax", 1_000...100_000_000, &configuration.runtime.epochRecordsMax)
        section.duration("watchdog", 0...10 * .millisecondsPerMinute, &configuration.runtime.watchdog)
        section.duration("commitHold", 0...(.millisecondsPerMinute), &configuration.runtime.commitHold)
        section.duration("revokeTimeout", 100...5 * .millisecondsPerMinute, &configuration.runtime.revokeTimeout)
        section.duration("stopTimeout", 1_000...10 * .millisecondsPerMinute, &configuration.runtime.stopTimeout)
        prefetch.integer("queuedMinMessages", 1...10_000_000, &configuration.runtime.queuedMinMessages)
        prefetch.integer("queuedMaxKbytes", 1...2_097_151, &configuration.runtime.queuedMaxKbytes)
    }
}
