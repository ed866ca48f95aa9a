internal import Dispatch
internal import Synchronization
internal import UpsellEngine
internal import UpsellModel
internal import UpsellTelemetry
internal import UpsellWire

/// Says how the daemon fares: numbers into the counters every second, a line when it has caught up, warnings about keys
/// that do not fit. A queue of its own; looks at partitions between two batches.
final class Reporter: Sendable {
    private let log: Log
    private let counters: Counters
    private let clock: WallClock
    private let loop: PollLoop
    private let committer: Committer
    private let control: ControlReader?
    private let queue = DispatchQueue(label: "upselld.report", qos: .utility)
    private let timer = Mutex<RepeatingTimer?>(nil)
    private let said = Mutex(Said())

    /// What was logged last, so that nothing is said twice.
    private struct Said {
        var caughtUpAt = 0
        var keyMismatches: [String: Int] = [:]
        var misplaced: [String: Int] = [:]
        /// Topics of which it was said that another partitioner places them than the lead.
        var placedOtherwise: Set<String> = []
    }

    init(
        log: Log, counters: Counters, clock: WallClock, loop: PollLoop, committer: Committer, control: ControlReader?
    ) {
        self.log = log
        self.counters = counters
        self.clock = clock
        self.loop = loop
        self.committer = committer
        self.control = control
    }

    func start() {
        let repeating = RepeatingTimer(on: queue, everyMilliseconds: 1_000) { [weak self] in self?.report() }
        timer.withLock { $0 = repeating }
    }

    func stop() { timer.withLock { $0.take() }?.cancel() }

    private func report() {
        // Asked before the snapshot, which then holds everything up to those ends.
        let standing = loop.standing
        let caughtUp = !standing.assigned.isEmpty && standing.atEnd == standing.assigned
        let snapshot = RuntimeSnapshot(of: committer.allWorkers, epochsSent: committer.epochsSent)
        publish(snapshot, standing)
        warnAboutKeys(snapshot, everyDoubling: true)
        warnAboutPartitioners(snapshot)
        guard caughtUp else { return }
        let read = snapshot.tally.read
        let isNews = said.withLock { said in
            defer { said.caughtUpAt = read }
            return said.caughtUpAt != read
        }
        if isNews { log.info("caught up: every input is read to its end", totals(snapshot)) }
    }

    /// The last words, over workers that have ended.
    func finish(_ workers: [PartitionWorker], clean: Bool) {
        let snapshot = RuntimeSnapshot(of: workers, epochsSent: committer.epochsSent)
        publish(snapshot, loop.standing)
        warnAboutKeys(snapshot, everyDoubling: false)
        warnAboutPartitioners(snapshot)
        if !clean { log.warning("the stop was cut short; what was not sent is read again at the next start") }
        log.info("stopped", totals(snapshot))
    }

    private func publish(_ snapshot: RuntimeSnapshot, _ standing: PollLoop.Standing) {
        let tally = snapshot.tally
        func set(_ metric: Metric, _ value: Int) { counters.cell(metric).set(Int64(value)) }
        set(.usageEvents, snapshot.applied)
        set(.duplicateEvents, snapshot.duplicates)
        set(.skippedEvents, tally.skipped)
        set(.profiles, tally.profiles)
        set(.accounts, snapshot.accounts)
        set(.assignedPartitions, standing.assigned.count)
        set(.lateEvents, snapshot.sum(\.lateOnly))
        set(.waitingEvents, snapshot.sum(\.waitingNow))
        set(.dedupIdentities, snapshot.sum(\.identities))
        set(.epochs, Int(snapshot.epochsSent))
        set(.inputRecords, tally.read)
        set(.offsetGaps, tally.gaps)
        set(.repeatedRecords, tally.replayed)
        set(.feedback, tally.feedback)
        set(.repeatedFeedback, tally.repeatedFeedback)
        set(.controlRecords, tally.controls)
        set(.refusedControls, control?.refused ?? 0)
        set(.openChanges, tally.opened)
        set(.openLeftOut, tally.openLeftOut)
        set(.shortenedTriggers, tally.shortened)
        set(.channelCopies, tally.copies)
        for (rule, count) in tally.triggersByRule { counters.cell(.triggers, rule).set(Int64(count)) }
        for (reason, count) in tally.heldByReason { counters.cell(.heldTriggers, reason.rawValue).set(Int64(count)) }
        for (kind, count) in tally.outcomes { counters.cell(.outcomes, kind.rawValue).set(Int64(count)) }
        for (rule, count) in tally.fused { counters.cell(.fusedRules, rule).set(Int64(count)) }
        for (reason, count) in tally.rejected { counters.cell(.deadLetters, reason.rawValue).set(Int64(count)) }
        for report in snapshot.placement {
            counters.cell(.keyMismatches, report.topic).set(Int64(report.keyMismatches))
            let misplaced = report.partitioner.placedByOther + report.partitioner.placedByNeither
            counters.cell(.misplacedKeys, report.topic).set(Int64(misplaced))
        }
        for (state, count) in dispositions(snapshot) { counters.cell(.signals, state).set(Int64(count)) }
        let now = clock.now()
        for partition in snapshot.partitions where partition.clock > .earliest {
            let number = String(partition.partition.rawValue)
            counters.cell(.clockLag, number).set(max(0, now - partition.clock) / 1_000)
            if let horizon = partition.engine.dedupHorizon {
                counters.cell(.dedupHorizon, number).set(max(0, partition.clock - horizon) / 1_000)
            }
        }
    }

    /// Signals by the one state that each is in.
    private func dispositions(_ snapshot: RuntimeSnapshot) -> [(state: String, count: Int)] {
        [
            ("emitted", snapshot.sum(\.triggers)), ("held", snapshot.sum(\.held)), ("ghost", snapshot.sum(\.ghosts)),
            ("merged", snapshot.sum(\.merged)), ("parked", snapshot.sum(\.parked)),
            ("shadow", snapshot.sum(\.shadowed)),
        ]
    }

    private func totals(_ snapshot: RuntimeSnapshot) -> KeyValuePairs<LogKey, LogValue> {
        let tally = snapshot.tally
        return [
            "read": .init(tally.read), "applied": .init(snapshot.applied), "duplicates": .init(snapshot.duplicates),
            "waited": .init(snapshot.waited), "ignored": .init(snapshot.ignored), "late": .init(snapshot.late),
            "skipped": .init(tally.skipped), "profiles": .init(tally.profiles),
            "dead_letters": .init(tally.rejectedTotal + tally.expired), "triggers": .init(tally.triggers),
            "held": .init(tally.held), "outcomes": .init(tally.outcomes.values.reduce(0, +)),
            "feedback": .init(tally.feedback), "controls": .init(tally.controls),
            "signals": .init(snapshot.sum(\.signals)), "ghosts": .init(snapshot.sum(\.ghosts)),
            "merged": .init(snapshot.sum(\.merged)), "parked": .init(snapshot.sum(\.parked)),
            "shadowed": .init(snapshot.sum(\.shadowed)), "accounts": .init(snapshot.accounts),
            "epochs": .init(snapshot.epochsSent),
            "gaps": .init(tally.gaps), "lost": .init(tally.lost),
        ]
    }

    /// Says once of each input topic as a whole that another partitioner places its keys than the lead topic's: profiles
    /// and usage of an account then lie in different partitions and never meet.
    private func warnAboutPartitioners(_ snapshot: RuntimeSnapshot) {
        guard let lead = snapshot.placement.first, let leads = lead.partitioner.inferred else { return }
        for report in snapshot.placement.dropFirst() {
            guard let other = report.partitioner.inferred, other != leads,
                said.withLock({ $0.placedOtherwise.insert(report.topic).inserted })
            else { continue }
            log.warning(
                "two input topics are placed by different partitioners; profile and usage of an account do not meet",
                [
                    .topic: .text(report.topic), "partitioner": .text(other.rawValue),
                    "lead_topic": .text(lead.topic), "lead_partitioner": .text(leads.rawValue),
                ])
        }
    }

    /// - Parameter everyDoubling: says a growing number again only once it has doubled.
    private func warnAboutKeys(_ snapshot: RuntimeSnapshot, everyDoubling: Bool) {
        for report in snapshot.placement {
            let mismatches = report.keyMismatches
            let misplaced = report.partitioner.placedByOther + report.partitioner.placedByNeither
            let (sayMismatches, sayMisplaced) = said.withLock { said in
                func isNews(_ count: Int, _ last: inout Int?) -> Bool {
                    let before = last ?? 0
                    guard count > before, !everyDoubling || count >= before * 2 else { return false }
                    last = count
                    return true
                }
                return (
                    isNews(mismatches, &said.keyMismatches[report.topic]),
                    isNews(misplaced, &said.misplaced[report.topic])
                )
            }
            if sayMismatches {
                log.warning(
                    "records whose key is not their account are counted in the partition where they lie",
                    [.topic: .text(report.topic), .count: .init(mismatches)])
            }
            if sayMisplaced {
                log.warning(
                    "records lie where the topic's partitioner would not put them; an account may be split in two",
                    [
                        .topic: .text(report.topic), .count: .init(misplaced),
                        "partitioner": .text(report.partitioner.inferred?.rawValue ?? "unknown"),
                        "by_the_other": .init(report.partitioner.placedByOther),
                        "by_neither": .init(report.partitioner.placedByNeither),
                    ])
            }
        }
    }
}
