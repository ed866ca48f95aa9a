internal import Dispatch
internal import KafkaTransport
internal import Synchronization
public import UpsellConfiguration
internal import UpsellModel
public import UpsellTelemetry
internal import UpsellWire

/// The whole pipeline: Kafka's input topics → partitions → triggers, held triggers and dead letters in Kafka.
///
/// `upselld run` and `upselld demo` run this same class. `start` blocks until the group is joined, `stop` until
/// everything that was read is sent or `runtime.stopTimeout` has passed. Any thread; each of them once.
public final class Daemon: Sendable {
    /// As at the start; `running` is what a reload made of it.
    let configuration: Configuration
    let log: Log
    let counters: Counters
    let clock: WallClock
    private let onProgress: @Sendable () -> Void
    private let onFailure: @Sendable (DaemonError) -> Void
    private let delivery: Delivery
    private let makeRendering: @Sendable (Configuration) -> MessageRendering?
    private let parts = Mutex<Parts?>(nil)
    private let failed = Atomic(false)
    private let stopRequested = Atomic(false)
    /// One reload at a time.
    private let reloads = Mutex(())

    /// Rounds of the poll thread when progress was last looked for.
    private final class Seen: Sendable {
        let rounds = Atomic<UInt64>(0)
    }

    private struct Parts: Sendable {
        var source: any RecordSource
        var transactions: any TransactionPort
        var committer: Committer
        var loop: PollLoop
        var control: ControlReader?
        var context: RuntimeContext
        var wakeUp: FetcherWakeUp?
        var reporter: Reporter
        var trimmer: StateTrimmer?
        var watchdog: Watchdog?
    }

    /// - Parameters:
    ///   - rendering: makes what finds the words of triggers, at the start and at every reload.
    ///   - onProgress: called after every epoch, on the commit queue; the watchdog is fed from it.
    ///   - onFailure: called once, from any thread, when the daemon cannot go on; stop it then.
    public init(
        configuration: Configuration, log: Log, counters: Counters = Counters(), clock: WallClock = .system,
        rendering: @escaping @Sendable (Configuration) -> MessageRendering? = { _ in nil },
        onProgress: @escaping @Sendable () -> Void = {},
        onFailure: @escaping @Sendable (DaemonError) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.log = log
        self.counters = counters
        self.clock = clock
        makeRendering = rendering
        delivery = .exactlyOnce
        self.onProgress = onProgress
        self.onFailure = onFailure
    }

    /// For the benchmark, which measures what exactly once costs.
    package init(configuration: Configuration, log: Log, delivery: Delivery) {
        self.configuration = configuration
        self.log = log
        self.delivery = delivery
        counters = Counters()
        clock = .system
        makeRendering = { _ in nil }
        onProgress = {}
        onFailure = { _ in }
    }

    package enum Delivery: Sendable {
        case exactlyOnce
        /// Neither transactions nor offsets nor state log: a restart begins anew.
        case atLeastOnce
    }

    // MARK: Life

    /// Connects, waits for the input topics, creates missing outputs, and joins the group.
    public func start() throws(DaemonError) {
        let settings = ClientSettings(configuration)
        let complaints = settings.complaints()
        guard complaints.isEmpty else { throw .settings(complaints) }
        let inputs = InputTopics(configuration.topics)
        let kafkaLog: KafkaLog = { [log] line in Self.relay(line, to: log) }
        let consumer: KafkaConsumer
        do {
            consumer = try KafkaConsumer(
                properties: settings.consumer, inputTopics: inputs.names, groupID: configuration.group.id,
                log: kafkaLog)
        } catch {
            throw .settings(error.complaints)
        }
        // The producer's settings depend on the output topics; what is wrong with it is said before any waiting.
        let unlimited = OutputLimits(configuration: configuration, topicBytesMax: [:])
        let objections = KafkaProperty.complaints(in: settings.producer(unlimited), for: .producer)
        guard objections.isEmpty else { throw .settings(objections) }
        let partitionCount = try waitForInputs(inputs, consumer, settings, log: kafkaLog)
        if configuration.topics.create { try createOutputs(settings, partitionCount: partitionCount, log: kafkaLog) }
        try checkInternalTopics(consumer, partitionCount: partitionCount)
        try checkControlTopic(consumer)
        let limits = try outputLimits(settings, log: kafkaLog)
        let producer = settings.producer(limits)
        let transactions = try transactions(producer, consumer, log: kafkaLog)
        let wakeUp =
            configuration.runtime.wakeUpInterval > 0
            ? FetcherWakeUp(consumer: consumer, intervalMilliseconds: Int(configuration.runtime.wakeUpInterval)) : nil
        let trimmer = StateTrimmer(settings: settings, topic: configuration.topics.state, log: log, kafkaLog: kafkaLog)
        let control: KafkaControlPort
        do {
            control = try KafkaControlPort(settings: settings, topic: configuration.topics.control, log: kafkaLog)
        } catch {
            throw .settings(error.complaints)
        }
        let watchdog = Watchdog(limit: configuration.runtime.watchdog, log: log) {
            (try? consumer.metadata(topics: inputs.names, timeoutMilliseconds: 3_000)) != nil
        }
        try start(
            source: consumer, transactions: transactions,
            makeRestorePort: { [configuration] () throws(DaemonError) in
                do throws(KafkaConfigurationError) {
                    return try KafkaRestorePort(
                        consumer: consumer, settings: settings, producer: producer, inputs: inputs.names,
                        stateTopic: configuration.topics.state, group: configuration.group.id, log: kafkaLog)
                } catch {
                    throw .settings(error.complaints)
                }
            }, inputs: inputs, partitionCount: partitionCount, wakeUp: wakeUp,
            limits: limits, control: control, trimmer: trimmer, watchdog: watchdog,
            transactionTimeout: settings.transactionTimeout)
    }

    private func transactions(
        _ properties: [KafkaProperty], _ consumer: KafkaConsumer, log kafkaLog: @escaping KafkaLog
    ) throws(DaemonError) -> any TransactionPort {
        switch delivery {
        case .exactlyOnce:
            return KafkaTransactions(
                properties: properties, transactionalID: configuration.transactionalID,
                stateTopic: configuration.topics.state, consumer: consumer, log: kafkaLog)
        case .atLeastOnce:
            do throws(KafkaConfigurationError) {
                return try PlainTransactions(properties: properties, log: kafkaLog)
            } catch {
                throw .settings(error.complaints)
            }
        }
    }

    /// Starts over any Kafka; tests hand in doubles.
    func start(
        source: any RecordSource, transactions: any TransactionPort,
        makeRestorePort: @escaping @Sendable () throws(DaemonError) -> any RestorePort, inputs: InputTopics,
        partitionCount: Int, wakeUp: FetcherWakeUp? = nil, limits: OutputLimits? = nil,
        control: (any ControlPort)? = nil, trimmer: StateTrimmer? = nil, watchdog: Watchdog? = nil,
        transactionTimeout: Int64 = 10_000
    ) throws(DaemonError) {
        let runtime = configuration.runtime
        let backlog = Backlog(
            recordsMax: runtime.queueBatches * runtime.batchRecords, outputBytesMax: runtime.outputBytesMax,
            epochRecordsMax: runtime.epochRecordsMax)
        let context = RuntimeContext(
            configuration: configuration, inputs: inputs, partitionCount: partitionCount,
            limits: limits, clock: clock, log: log, keepsLog: delivery == .exactlyOnce,
            render: makeRendering(configuration))
        let committer = Committer(
            port: transactions, transactionTimeout: transactionTimeout, interval: runtime.commitInterval,
            hold: runtime.commitHold, log: log)
        let feed = ControlFeed(log: log)
        let reader = control.map { ControlReader(port: $0, feed: feed, topic: configuration.topics.control, log: log) }
        let loop = PollLoop(
            source: source, context: context, backlog: backlog, committer: committer, control: feed,
            makeRestorePort: makeRestorePort
        ) { [weak self] error in self?.fail(error) }
        let reporter = Reporter(
            log: log, counters: counters, clock: clock, loop: loop, committer: committer, control: reader)
        parts.withLock {
            $0 = Parts(
                source: source, transactions: transactions, committer: committer, loop: loop, control: reader,
                context: context, wakeUp: wakeUp, reporter: reporter, trimmer: trimmer, watchdog: watchdog)
        }
        // Before the first partition: what was paused while nobody ran is paused.
        reader?.start()
        do {
            try source.subscribe()
        } catch {
            throw .kafka("the consumer group could not be joined", error)
        }
        wakeUp?.start()
        loop.start()
        committer.start(
            Committer.Handlers(
                progress: { [onProgress, seen = Seen()] in
                    // Progress is an answer of Kafka, or nothing to send, while the poll thread goes round too.
                    let rounds = loop.rounds
                    if seen.rounds.exchange(rounds, ordering: .relaxed) != rounds { onProgress() }
                },
                released: { share in trimmer?.note(share.partition, restoreFrom: share.restoreFrom) },
                suspect: { partition, text in loop.suspect(partition, text) },
                poisoned: { share, text in loop.poisoned(share, text) },
                failed: { [weak self] error in self?.fail(error) }))
        reporter.start()
        trimmer?.start()
        watchdog?.start(commits: { committer.stalled }, rounds: { loop.rounds })
        log.info(
            "started",
            [
                .topic: .text(inputs.names.joined(separator: ",")), .count: .init(partitionCount),
                "group": .text(configuration.group.id), "slot": .text(configuration.group.slot),
            ])
    }

    /// Ends reading, applies and sends what was read, leaves Kafka; false when a deadline cut it short.
    public func stop() -> Bool {
        stopRequested.store(true, ordering: .releasing)
        guard let parts = parts.withLock({ $0 }) else { return true }
        let timeout = configuration.runtime.stopTimeout
        parts.wakeUp?.stop()
        parts.control?.stop()
        parts.reporter.stop()
        parts.trimmer?.stop()
        // The workers outlive the loop's end, in which they send what they have applied.
        let workers = parts.committer.allWorkers
        var clean = parts.loop.stop(timeoutMilliseconds: timeout)
        parts.committer.stop(giveUp: true)
        clean =
            parts.source.close(deadlineMilliseconds: Int(timeout), leaveGroup: configuration.group.leaveOnStop) && clean
        clean = parts.transactions.close(deadlineMilliseconds: Int(timeout)) && clean
        parts.watchdog?.stop()
        parts.reporter.finish(workers, clean: clean)
        return clean
    }

    // MARK: Reload

    /// Puts another configuration in force without a restart: all of it, or nothing.
    ///
    /// Each partition takes it on behind what it was given before, keeps its state, and says in its journal where. Any
    /// thread; blocks until every partition has it.
    ///
    /// - Throws: what stands against it; nothing has changed then.
    public func reload(_ next: Configuration) throws(ReloadRefusal) {
        try reloads.withLock { _ throws(ReloadRefusal) in
            guard let parts = parts.withLock({ $0 }), !isStopRequested else {
                throw ReloadRefusal(reasons: ["the daemon is not running"])
            }
            var next = next
            next.acceptsLoss = configuration.acceptsLoss
            let context = parts.context.reloaded(next, render: makeRendering(next))
            let reasons = ReloadRefusal.reasons(from: parts.context, to: context)
            guard reasons.isEmpty else {
                counters.cell(.reloads, "refused").add(1)
                throw ReloadRefusal(reasons: reasons)
            }
            self.parts.withLock { $0?.context = context }
            if !parts.loop.reload(context, timeoutMilliseconds: configuration.runtime.stopTimeout) {
                log.warning("not every partition has taken on the new configuration yet; each does in its turn")
            }
            counters.cell(.reloads, "applied").add(1)
            log.info(
                "configuration reloaded",
                [
                    "sequence": .init(next.sequence), "rules": .init(next.catalogue.rules.count),
                    "changed": .boolean(context.configurationMark != parts.context.configurationMark),
                ])
        }
    }

    /// Started, and not stopped yet.
    public var isRunning: Bool { parts.withLock { $0 != nil } && !isStopRequested }

    var isStopRequested: Bool { stopRequested.load(ordering: .acquiring) }

    private func fail(_ error: DaemonError) {
        guard !failed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        log.error("the daemon cannot go on", [.error: .text(error.description)])
        onFailure(error)
    }

    // MARK: Looks

    /// Waits until this many input records have been read and everything that follows from them is in Kafka.
    ///
    /// For the demo, which knows what it fed, and for tests; false when the time is over or the daemon failed first.
    public func waitUntilRead(records: Int, timeoutMilliseconds: Int64) -> Bool {
        // Not the daemon's clock, which a test may hold still and an operator may set.
        let deadline = ContinuousClock.now + .milliseconds(timeoutMilliseconds)
        while ContinuousClock.now < deadline, !failed.load(ordering: .acquiring) {
            if snapshot().tally.read >= records {
                guard let parts = parts.withLock({ $0 }) else { return false }
                let left = (deadline - ContinuousClock.now) / .milliseconds(1)
                return parts.committer.settle(parts.committer.allWorkers, timeoutMilliseconds: max(1, Int64(left)))
            }
            pause(milliseconds: 10)
        }
        return false
    }

    /// What the daemon has read and done so far.
    public func snapshot() -> RuntimeSnapshot {
        guard let parts = parts.withLock({ $0 }) else { return RuntimeSnapshot(partitions: [], epochsSent: 0) }
        return RuntimeSnapshot(of: parts.committer.allWorkers, epochsSent: parts.committer.epochsSent)
    }

    /// Usage of every account on a meter; for the demo's table and for tests.
    public func usage(ofMeter name: String) -> [AccountUsage] {
        guard let parts = parts.withLock({ $0 }), let meter = parts.context.configuration.catalogue.meter(named: name)
        else {
            return []
        }
        let gathered = Gathered<AccountUsage>()
        let group = DispatchGroup()
        for worker in parts.committer.allWorkers {
            worker.usage(group: group, of: meter) { gathered.add(contentsOf: $0) }
        }
        group.wait()
        return gathered.all
    }

    /// Numbers of the partitions that the group has given to this instance.
    public var assignedPartitions: [Int32] { parts.withLock { $0 }?.loop.standing.assigned ?? [] }
}
