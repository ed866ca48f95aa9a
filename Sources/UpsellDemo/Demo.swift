internal import Dispatch
internal import KafkaTransport
internal import Synchronization
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellRuntime
public import UpsellTelemetry
internal import UpsellWire

/// The whole product in one process: an embedded broker, a stream of usage, the pipeline of `run`, and a subscriber.
///
/// `run` blocks its thread; `shouldStop` is asked a few times a second from that thread.
public final class Demo: Sendable {
    private let options: Options
    private let log: Log
    private let console: Console
    private let shouldStop: @Sendable () -> Bool
    private let seen = Mutex(Seen())

    public struct Options: Sendable, Equatable {
        /// Web access logs, played in this order, in place of the simulated month.
        public var accessLogs: [String]
        /// Limit of `api_calls` in the default plan of an access log; with the simulated month, in Basic.
        public var limit: Int64?
        /// Triggers and summary go to standard output for programs.
        public var json: Bool
        /// Broker and daemon stay until `shouldStop`.
        public var keep: Bool

        public init(accessLogs: [String] = [], limit: Int64? = nil, json: Bool = false, keep: Bool = false) {
            self.accessLogs = accessLogs
            self.limit = limit
            self.json = json
            self.keep = keep
        }
    }

    /// What came out so far; written by the reader's thread.
    private struct Seen {
        var tally = Tally()
        var recent: [TriggerLine] = []
        /// The reader of standard output is gone: nobody wants the rest.
        var outputClosed = false
    }

    /// Partitions of each topic: the embedded broker keeps 5 MiB of each.
    private static let partitions = 8
    /// Records fed before the pipeline has to have read them: 20,000 of 300 bytes are 6 MB over 8 partitions, far below
    /// what the embedded broker keeps.
    private static let recordsInFlightMax = 20_000
    /// How long the pipeline may take for those.
    private static let patienceMilliseconds: Int64 = 120_000
    /// How long a simulated month takes where somebody watches.
    private static let liveMilliseconds: Int64 = 25_000
    private static let frameMilliseconds: Int64 = 100
    private static let recentMax = 200
    /// Malformed lines that are named one by one; a file that is no access log has nothing else.
    private static let malformedMax = 10

    public init(options: Options, log: Log, shouldStop: @escaping @Sendable () -> Bool = { false }) {
        self.options = options
        self.log = log
        self.shouldStop = shouldStop
        // With --json people's output is on standard error, as plain lines.
        console = Console(descriptor: options.json ? 2 : 1, live: !options.json)
    }

    /// Plays the stream and ends when every trigger it caused was read back.
    public func run() throws(DemoError) -> Summary {
        if !options.accessLogs.isEmpty {
            let catalogue = DemoCatalogue.accessLog(limit: options.limit)
            let feed = try AccessLogFeed(paths: options.accessLogs)
            return try play(feed, catalogue, clock: .live, pace: nil)
        }
        let catalogue = DemoCatalogue.simulation(limit: options.limit)
        let feed = SimulatedFeed(catalogue: catalogue)
        let pace = console.isLive ? Pace(start: feed.start, end: feed.end, milliseconds: Self.liveMilliseconds) : nil
        return try play(feed, catalogue, clock: .replay, pace: pace)
    }

    private func play(
        _ feed: consuming some Feed & ~Copyable, _ catalogue: Catalogue, clock: Configuration.UsageTopic.Clock,
        pace: Pace?
    ) throws(DemoError) -> Summary {
        var configuration = configuration(catalogue, clock: clock)
        let cluster = try broker(configuration.topics)
        configuration.kafka = [
            KafkaSetting(name: "bootstrap.servers", value: cluster.bootstrapServers, place: "demo"),
            // The embedded broker answers an empty fetch only when this time is over.
            KafkaSetting(name: "fetch.wait.max.ms", value: "10", place: "demo"),
            KafkaSetting(name: "session.timeout.ms", value: "6000", place: "demo"),
            KafkaSetting(name: "heartbeat.interval.ms", value: "500", place: "demo"),
        ]
        console.line("upselld demo: \(feed.title), embedded broker at \(cluster.bootstrapServers)")

        let reader = try TriggerReader(
            servers: cluster.bootstrapServers, topic: configuration.topics.triggers, partitions: Self.partitions
        ) { [self] in take($0) }
        let failed = Failure()
        let daemon = Daemon(configuration: configuration, log: log, onFailure: { failed.set($0.description) })
        reader.start()
        defer { reader.stop() }
        do {
            try daemon.start()
        } catch {
            throw .broker(error.description)
        }
        defer { _ = daemon.stop() }

        var feeder = try Feeder(servers: cluster.bootstrapServers, topics: configuration.topics)
        let stage = Stage(daemon: daemon, catalogue: catalogue, title: feed.title)
        try feedAll(&feed, &feeder, stage, pace: pace, failed: failed)
        try settle(&feeder, daemon, failed)
        try reader.catchUp(timeoutMilliseconds: 30_000)
        show(stage, feeder)

        let snapshot = daemon.snapshot()
        let summary = Summary(
            // An event that came twice is one event.
            events: Int64(snapshot.tally.decoded - snapshot.duplicates), accounts: Int64(snapshot.accounts),
            duplicates: Int64(snapshot.duplicates), deadLetters: Int64(snapshot.tally.rejectedTotal),
            triggers: seen.withLock { $0.tally.crossed })
        if options.json { output(summary.json) }
        conclude(summary, feeder, stage)
        if options.keep {
            console.line("")
            console.line("The broker stays up until Ctrl-C. To subscribe:")
            console.line("  kcat -b \(cluster.bootstrapServers) -t \(configuration.topics.triggers) -C -e")
            while !shouldStop(), failed.text == nil { Moment.pause(milliseconds: Self.frameMilliseconds) }
            // The terminal has written ^C: the shell's prompt gets a line of its own.
            if console.isLive { console.line("") }
        }
        return summary
    }

    // MARK: Setting the stage

    private func configuration(_ catalogue: Catalogue, clock: Configuration.UsageTopic.Clock) -> Configuration {
        var catalogue = catalogue
        catalogue.policy.firstStart = .fire
        // The summary counts every threshold that was crossed, so that none may wait for another.
        catalogue.policy.arbitrationWindow = nil
        catalogue.policy.upgradePause = 0
        if let plan = catalogue.plan(named: DemoCatalogue.defaultPlan) {
            catalogue.policy.unknownAccounts = .defaultPlan(plan)
        }
        var topics = Configuration.Topics()
        topics.usage = [Configuration.UsageTopic(name: "upselld.usage", clock: clock)]
        // The embedded broker has no admin requests: `broker` creates them.
        topics.create = false
        return Configuration(
            catalogue: catalogue, topics: topics, group: .init(id: "upselld-demo", slot: "demo"), source: "upselld-demo"
        )
    }

    private func broker(_ topics: Configuration.Topics) throws(DemoError) -> MockCluster {
        do {
            let cluster = try MockCluster()
            let names =
                topics.usage.map(\.name) + [
                    topics.accounts, topics.feedback, topics.triggers, topics.open, topics.held, topics.outcomes,
                    topics.deadLetters, topics.state, topics.journal,
                ]
            for name in names { try cluster.createTopic(name: name, partitions: Self.partitions) }
            try cluster.createTopic(name: topics.control, partitions: 1)
            return cluster
        } catch {
            throw .broker(error.description)
        }
    }

    // MARK: Playing

    private func feedAll(
        _ feed: inout some Feed & ~Copyable, _ feeder: inout Feeder, _ stage: Stage, pace: Pace?, failed: Failure
    ) throws(DemoError) {
        let began = Moment.now()
        var nextFrame = began
        while !shouldStop(), !outputIsClosed {
            switch try feed.next() {
            case .end:
                stage.isComplete = true
                return
            case .settle: try settle(&feeder, stage.daemon, failed)
            case .malformed(let place, let what):
                feeder.malformed += 1
                if feeder.malformed <= Self.malformedMax { console.line("\(place): passed over: \(what)") }
                if feeder.malformed == Self.malformedMax { console.line("Further such lines are only counted.") }
            case .record(let record):
                if let pace, let time = record.time {
                    stage.place = Self.day(of: time)
                    // In step with the month: frames go on while nothing is to be fed.
                    let due = began + pace.milliseconds(at: time)
                    while Moment.now() < due, !shouldStop() {
                        try feeder.flush()
                        Moment.pause(milliseconds: min(due - Moment.now(), Self.frameMilliseconds))
                        guard Moment.now() >= nextFrame else { continue }
                        show(stage, feeder)
                        nextFrame = Moment.now() + Self.frameMilliseconds
                    }
                }
                if let plan = record.plan { stage.plans[String(decoding: record.key, as: UTF8.self)] = plan }
                try feeder.feed(record)
                if feeder.sinceSettled >= Self.recordsInFlightMax { try settle(&feeder, stage.daemon, failed) }
            }
            if console.isLive, Moment.now() >= nextFrame {
                show(stage, feeder)
                nextFrame = Moment.now() + Self.frameMilliseconds
            }
        }
    }

    /// Waits until the pipeline has read what was fed and Kafka has what follows from it.
    private func settle(_ feeder: inout Feeder, _ daemon: Daemon, _ failed: Failure) throws(DemoError) {
        try feeder.flush()
        let done = daemon.waitUntilRead(records: feeder.fed, timeoutMilliseconds: Self.patienceMilliseconds)
        if let text = failed.text { throw .broker(text) }
        guard done else {
            let read = daemon.snapshot().tally.read
            throw .stalled(
                "the pipeline has read \(read) of \(feeder.fed) records in \(Self.patienceMilliseconds / 1000) s")
        }
        feeder.sinceSettled = 0
    }

    /// A trigger came back; the reader's thread.
    private func take(_ value: [UInt8]) {
        if options.json { output(value) }
        let line = seen.withLock { seen -> TriggerLine? in
            guard let line = seen.tally.add(value) else { return nil }
            seen.recent.append(line)
            if seen.recent.count > Self.recentMax { seen.recent.removeFirst() }
            return line
        }
        if let line, !console.isLive { console.trigger(line) }
    }

    /// Nobody reads any more: the pipe's other end is gone.
    private var outputIsClosed: Bool { options.json ? seen.withLock { $0.outputClosed } : console.isClosed }

    /// A line for programs, on standard output.
    private func output(_ bytes: [UInt8]) {
        if !writeAll(bytes + [UInt8(ascii: "\n")], to: 1) { seen.withLock { $0.outputClosed = true } }
    }

    // MARK: Showing

    /// What the frames are drawn from. The feeding thread only.
    private final class Stage {
        let daemon: Daemon
        let catalogue: Catalogue
        let title: String
        /// Account → plan, as far as profiles were fed.
        var plans: [String: String] = [:]
        /// The day that the stream has come to; empty where it has no pace.
        var place = ""
        /// The stream was played to its end.
        var isComplete = false

        init(daemon: Daemon, catalogue: Catalogue, title: String) {
            self.daemon = daemon
            self.catalogue = catalogue
            self.title = title
        }

        /// Who used most of each meter in the month in which the log ends.
        func rankings(of meters: [String]) -> [Ranking] {
            catalogue.meters.filter { meters.contains($0.name) }.map { meter in
                let usages = daemon.usage(ofMeter: meter.name).map {
                    Ranking.Place(account: $0.account, usage: $0.usage)
                }
                return Ranking(meter: meter.name, unit: meter.unit, usages: usages)
            }
        }

        /// Usage of every account on every meter, as the daemon has it, fullest first.
        func gauges(max: Int) -> [ViewModel.Gauge] {
            var gauges: [ViewModel.Gauge] = []
            for (index, meter) in catalogue.meters.enumerated() {
                for usage in daemon.usage(ofMeter: meter.name) {
                    let plan = plans[usage.account] ?? DemoCatalogue.defaultPlan
                    guard let id = catalogue.plan(named: plan), case .of(let limit) = catalogue[id].limits[index].limit
                    else { continue }
                    gauges.append(
                        ViewModel.Gauge(
                            account: usage.account, plan: catalogue[id].title, meter: meter.name, unit: meter.unit,
                            usage: usage.usage, limit: limit))
                }
            }
            gauges.sort { a, b in
                let (first, second) = (a.share ?? -1, b.share ?? -1)
                if first != second { return first > second }
                return (a.account, a.meter) < (b.account, b.meter)
            }
            return Array(gauges.prefix(max))
        }
    }

    private func show(_ stage: Stage, _ feeder: Feeder) {
        guard console.isLive else { return }
        var model = ViewModel()
        model.title = stage.title
        model.place = stage.place
        let snapshot = stage.daemon.snapshot()
        model.events = Int64(snapshot.tally.decoded - snapshot.duplicates)
        model.deadLetters = Int64(snapshot.tally.rejectedTotal)
        model.gauges = stage.gauges(max: 100)
        (model.triggers, model.lines) = seen.withLock { ($0.tally.triggers, $0.recent) }
        console.paint(model)
    }

    private func conclude(_ summary: Summary, _ feeder: Feeder, _ stage: Stage) {
        let triggers = seen.withLock { $0.tally.triggers }
        var text = "\(grouped(summary.events)) events of \(grouped(summary.accounts)) accounts, "
        text += "\(grouped(summary.duplicates)) duplicates, \(grouped(summary.deadLetters)) dead letters, "
        text += "\(grouped(Int64(triggers))) triggers"
        if feeder.malformed > 0 { text += "; \(grouped(Int64(feeder.malformed))) lines were no access log" }
        console.line("")
        if !stage.isComplete { console.line("Stopped before the end. So far:") }
        console.line(text)
        let crossed = summary.triggers.map { "\($0.threshold) %: \(grouped(Int64($0.accounts)))" }.joined(
            separator: ", ")
        console.line("Accounts that reached a share of their \(Tally.meter): \(crossed)")
        guard !options.accessLogs.isEmpty else { return }
        for ranking in stage.rankings(of: [Tally.meter, "bandwidth"]) {
            console.line("")
            for line in ranking.lines { console.line(line) }
        }
    }

    /// `2025-09-14`.
    private static func day(of time: Timestamp) -> String { String(RFC3339.format(time).prefix(10)) }

    /// How simulated time maps to the time somebody has to watch.
    private struct Pace {
        var start: Timestamp
        var end: Timestamp
        var milliseconds: Int64

        func milliseconds(at time: Timestamp) -> Int64 { (time - start) * milliseconds / (end - start) }
    }

    /// Why the daemon gave up, from whatever thread it says so.
    private final class Failure: Sendable {
        private let reason = Mutex<String?>(nil)
        var text: String? { reason.withLock { $0 } }
        func set(_ text: String) { reason.withLock { $0 = $0 ?? text } }
    }
}
