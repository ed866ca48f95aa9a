internal import Dispatch
internal import Foundation
internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellTelemetry

/// Measures the rate of the whole daemon, exactly once and at least once, beside a bare consumer of the same topic, in
/// rotation, on a broker of yours; then what the state log took and how long a restore of it takes.
struct RateBenchmark {
    var brokers: String
    var events = 4_000_000
    var accounts = 100_000
    var partitions = 8
    var rounds = 3
    var kafka: [KafkaSetting] = []

    private var run: String { "upselld-bench-\(ProcessInfo.processInfo.processIdentifier)" }
    private var usageTopic: String { "\(run).usage" }
    private var accountsTopic: String { "\(run).accounts" }

    func callAsFunction() throws {
        say("brokers \(brokers), \(events) events, \(accounts) accounts, \(partitions) partitions, \(rounds) rounds")
        let admin = try KafkaAdmin(properties: [property("bootstrap.servers", brokers)])
        let specs = [usageTopic, accountsTopic, "\(run).triggers", "\(run).held", "\(run).dead-letters"].map {
            // The records' timestamps lie in the past: a retention by time would take them away under the readers.
            TopicSpec(name: $0, partitions: partitions, replication: 1, config: ["retention.ms": "-1"])
        }
        for result in try admin.createTopics(specs, timeoutMilliseconds: 30_000) {
            if let error = result.error { throw error }
        }
        let bytes = try feed()
        say(String(format: "fed: %.0f bytes an event", Double(bytes) / Double(events)))
        var bare: [Sample] = []
        var plain: [Sample] = []
        var exact: [Sample] = []
        for round in 1...rounds {
            bare.append(try measureBare(round: round))
            say("round \(round)  bare           \(bare[bare.count - 1])")
            plain.append(try measureDaemon(round: round, .atLeastOnce))
            say("round \(round)  at least once  \(plain[plain.count - 1])")
            exact.append(try measureDaemon(round: round, .exactlyOnce))
            say("round \(round)  exactly once   \(exact[exact.count - 1])")
            try reportLog(round: round, seconds: exact[exact.count - 1].seconds)
        }
        let (b, p, e) = (median(bare.map(\.rate)), median(plain.map(\.rate)), median(exact.map(\.rate)))
        say(
            String(
                format: "median  bare %.2f, at least once %.2f, exactly once %.2f M events/s", b / 1e6, p / 1e6, e / 1e6
            ))
        say(
            String(
                format: "ratios  exactly once to bare %.2f, at least once to bare %.2f, cost of exactly once %.0f %%",
                e / b, p / b, (1 - e / p) * 100))
        say(
            String(
                format: "per CPU-second  bare %.2f, at least once %.2f, exactly once %.2f M events",
                median(bare.map(\.perCPUSecond)) / 1e6, median(plain.map(\.perCPUSecond)) / 1e6,
                median(exact.map(\.perCPUSecond)) / 1e6))
    }

    /// Bytes and records of the state log and the journal that a round wrote.
    private func reportLog(round: Int, seconds: Double) throws {
        for name in ["state", "journal"] {
            let reader = try LogReader(properties: [property("bootstrap.servers", brokers)], isolation: .readCommitted)
            defer { reader.close(deadlineMilliseconds: 1_000) }
            var bytes = 0
            var records = 0
            for partition in 0..<Int32(partitions) {
                let topic = "\(run).\(name)-\(round)"
                let (low, high) = try reader.watermarks(
                    topic: topic, partition: partition, timeoutMilliseconds: 10_000)
                _ = try reader.read(
                    topic: topic, partition: partition, from: low, until: high, timeoutMilliseconds: 10_000
                ) { batch in
                    records += batch.count
                    for record in 0..<batch.count { bytes += batch.value(at: record)?.byteCount ?? 0 }
                    return true
                }
            }
            say(
                String(
                    format: "round \(round)  %@: %.1f bytes an event, %.0f records/s, %.1f MB, %d records",
                    name, Double(bytes) / Double(events), Double(records) / seconds, Double(bytes) / 1e6, records))
        }
    }

    // MARK: Feeding

    /// Writes the events, keyed by account, one month of event time; gives the bytes of their values.
    private func feed() throws -> Int {
        let producer = try KafkaProducer(
            properties: [
                property("bootstrap.servers", brokers), property("compression.type", "lz4"),
                property("partitioner", "murmur2_random"), property("linger.ms", "50"),
                property("batch.size", "1000000"), property("queue.buffering.max.messages", "500000"),
            ])
        var random = SplitMix(state: 42)
        var bytes = 0
        let start: Int64 = 1_780_272_000_000  // 2026-06-01T00:00:00Z
        for index in 0..<events {
            let account = "acct-\(random.next() % UInt64(accounts))"
            let time = start + Int64(index) * 2_500_000_000 / Int64(events)
            let value = Array(
                """
                {"specversion":"1.0","id":"\(index)","source":"bench","type":"web.request","subject":"\(account)",\
                "time":"\(rfc3339(time))","datacontenttype":"application/json","data":{"requests":1,"bytes":\
                \(random.next() % 100_000)}}
                """.utf8)
            bytes += value.count
            try producer.produce(
                OutputRecord(topic: usageTopic, key: Array(account.utf8), value: value, timestamp: time))
        }
        try producer.flush(timeoutMilliseconds: 120_000)
        _ = producer.close(deadlineMilliseconds: 10_000)
        return bytes
    }

    /// Days of June 2026, enough for the span that `feed` uses.
    private func rfc3339(_ time: Int64) -> String {
        let second = (time - 1_780_272_000_000) / 1_000
        func two(_ n: Int64) -> String { n < 10 ? "0\(n)" : "\(n)" }
        return
            "2026-06-\(two(1 + second / 86_400))T\(two(second / 3_600 % 24)):\(two(second / 60 % 60)):\(two(second % 60))Z"
    }

    // MARK: The two contestants

    /// Reads everything through the same transport and touches one byte of each value.
    private func measureBare(round: Int) throws -> Sample {
        let consumer = try KafkaConsumer(
            properties: [
                property("bootstrap.servers", brokers), property("queued.min.messages", "60000"),
                property("queued.max.messages.kbytes", "32768"), property("fetch.wait.max.ms", "50"),
            ], inputTopics: [usageTopic], groupID: "\(run)-bare-\(round)")
        try consumer.subscribe()
        let wakeUp = FetcherWakeUp(consumer: consumer, intervalMilliseconds: 5)
        wakeUp.start()
        var meter = Stopwatch()
        var read = 0
        var touched: UInt64 = 0
        var next: [Int32: Int64] = [:]
        var quietPolls = 0
        while read < events {
            if quietPolls > 100 {
                let ends = try (0..<Int32(partitions)).map {
                    try consumer.watermarks(input: 0, partition: $0, timeoutMilliseconds: 5_000).high
                }
                throw BenchmarkError(
                    text: "the bare consumer stands still after \(read) of \(events) events: next offsets "
                        + "\(next.sorted { $0.key < $1.key }), ends \(ends)")
            }
            var assigned: [Int32] = []
            let result = consumer.poll(maxMessages: 5_000, timeoutMilliseconds: 100) { event in
                if case .assigned(let numbers) = event { assigned = numbers }
            }
            if !assigned.isEmpty { try consumer.assign(assigned.map { (0, $0, .beginning) }) }
            if read == 0, result.messageCount > 0 { meter.start() }
            quietPolls = result.messageCount > 0 ? 0 : quietPolls + 1
            for batch in result.batches {
                next[batch.partition] = batch.offset(at: batch.count - 1) + 1
                for index in 0..<batch.count {
                    if let value = batch.value(at: index), value.byteCount > 0 {
                        touched &+= UInt64(unsafe value.unsafeLoad(as: UInt8.self))
                    }
                }
                read += batch.count
            }
        }
        let sample = meter.stop(events: read)
        precondition(touched != 0, "values were read")
        wakeUp.stop()
        _ = consumer.close(deadlineMilliseconds: 10_000)
        return sample
    }

    /// Runs the daemon over the same topic until everything is counted and its triggers are acknowledged.
    private func measureDaemon(round: Int, _ delivery: Daemon.Delivery) throws -> Sample {
        var topics = Configuration.Topics()
        topics.usage = [Configuration.UsageTopic(name: usageTopic)]
        topics.accounts = accountsTopic
        topics.triggers = "\(run).triggers"
        topics.held = "\(run).held"
        topics.deadLetters = "\(run).dead-letters"
        topics.feedback = "\(run).feedback"
        topics.outcomes = "\(run).outcomes"
        topics.open = "\(run).open"
        topics.control = "\(run).control"
        topics.state = "\(run).state-\(round)"
        topics.journal = "\(run).journal-\(round)"
        var configuration = Configuration(
            catalogue: catalogue,
            kafka: [KafkaSetting(name: "bootstrap.servers", value: brokers, place: "bench")] + kafka,
            topics: topics)
        configuration.group = Configuration.Group(id: "\(run)-\(delivery)-\(round)", slot: "bench", leaveOnStop: true)
        let daemon = Daemon(configuration: configuration, log: Log(level: .warning), delivery: delivery)
        var meter = Stopwatch()
        try daemon.start()
        while daemon.snapshot().tally.read == 0 { usleep(1_000) }
        meter.start()
        guard daemon.waitUntilRead(records: events, timeoutMilliseconds: 300_000) else {
            throw BenchmarkError(text: "the daemon read \(daemon.snapshot().tally.read) of \(events) events in 300 s")
        }
        var sample = meter.stop(events: events)
        let snapshot = daemon.snapshot()
        sample.note =
            "accounts \(snapshot.accounts), applied \(snapshot.tally.decoded), duplicates \(snapshot.duplicates), "
            + "triggers \(snapshot.tally.triggers), dead letters \(snapshot.tally.rejectedTotal)"
        _ = daemon.stop()
        return sample
    }

    /// Two meters of a month and three thresholds; the limit is one that a part of the accounts reaches.
    private var catalogue: Catalogue {
        let reset = Meter.Window.period(.init(.month))
        var policy = Policy()
        policy.unknownAccounts = .defaultPlan(PlanID(0))
        policy.firstStart = .fire
        let mean = Int64(events / accounts)
        return Catalogue(
            meters: [
                Meter(
                    name: "api_calls", eventTypes: ["web.request"], aggregation: .sum,
                    value: FieldPath(dotted: "data.requests"), unit: "requests", window: reset),
                Meter(
                    name: "bandwidth", eventTypes: ["web.request"], aggregation: .sum,
                    value: FieldPath(dotted: "data.bytes"), unit: "bytes", window: reset),
            ],
            plans: [Plan(name: "free", limits: [.init(.of(mean * 2)), .unlimited])],
            rules: [
                Rule(
                    name: "api-calls",
                    signal: .limit(
                        LimitSignal(meter: MeterID(0), unit: .percent, thresholds: [8_000, 9_000, 10_000], band: 500)))
            ], policy: policy)
    }

    private func property(_ name: String, _ value: String) -> KafkaProperty {
        KafkaProperty(name: name, value: value, place: "bench")
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

struct BenchmarkError: Error, CustomStringConvertible {
    var text: String
    var description: String { text }
}

/// Wall time, CPU time of the process and memory over a stretch.
struct Stopwatch {
    private var wall = DispatchTime.now()
    private var cpu = 0.0

    mutating func start() {
        wall = .now()
        cpu = Self.cpuSeconds()
    }

    func stop(events: Int) -> Sample {
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - wall.uptimeNanoseconds) / 1e9
        return Sample(
            events: events, seconds: seconds, cpuSeconds: Self.cpuSeconds() - cpu, residentMiB: Self.residentMiB())
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    private static func residentMiB() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4 / 1_024
    }
}

struct Sample: CustomStringConvertible {
    var events: Int
    var seconds: Double
    var cpuSeconds: Double
    var residentMiB: Int
    var note = ""

    var rate: Double { Double(events) / seconds }
    var perCPUSecond: Double { Double(events) / cpuSeconds }
    var description: String {
        String(
            format: "%.2f M events/s  %.2f M per CPU-second  %d MiB  %.2f s", rate / 1e6, perCPUSecond / 1e6,
            residentMiB,
            seconds) + (note.isEmpty ? "" : "  (\(note))")
    }
}

/// A small seeded generator: the same events in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
