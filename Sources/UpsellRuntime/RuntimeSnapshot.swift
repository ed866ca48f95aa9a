internal import Dispatch
public import UpsellEngine
public import UpsellModel
public import UpsellWire

/// What became of the records that a partition, or a daemon, has read. Every record read is in exactly one of
/// `replayed`, `skipped`, `rejected`, `profiles`, `feedback`, `repeatedFeedback`, or one of the engine's dispositions.
public struct RecordTally: Sendable, Equatable {
    /// Records handed over by Kafka, of all inputs.
    public var read = 0
    /// Offsets that had been read before (librdkafka repeats some around a rebalance); dropped.
    public var replayed = 0
    /// Offsets of usage topics that held no record: markers of transactions, or records that retention or compaction took.
    public var gaps = 0
    /// Offsets that retention took before they were read, accepted as lost.
    public var lost = 0
    /// Usage records whose type no meter names, or that no filter admits.
    public var skipped = 0
    /// Records dead-lettered, by reason.
    public var rejected: [RejectionReason: Int] = [:]
    /// Profiles and tombstones applied.
    public var profiles = 0
    /// Usage records decoded and handed to the engine.
    public var decoded = 0
    /// Readings whose profile did not come in time; dead-lettered by reference, beside the records above.
    public var expired = 0
    /// Feedback applied, and such whose id had been seen before.
    public var feedback = 0
    public var repeatedFeedback = 0
    /// Control records applied.
    public var controls = 0
    public var triggers = 0
    public var held = 0
    public var triggersByRule: [String: Int] = [:]
    public var heldByReason: [HoldReason: Int] = [:]
    public var outcomes: [OutcomeKind: Int] = [:]
    /// Copies of triggers for topics of their channels.
    public var copies = 0
    /// Triggers and held ones that had to go without words to fit their topic.
    public var shortened = 0
    /// Records of open triggers, those among them that say that none is, and triggers left out to make one fit.
    public var opened = 0
    public var openTombstones = 0
    public var openLeftOut = 0
    /// Rules that the fuse has taken out, and how often.
    public var fused: [String: Int] = [:]

    public init() {}

    public var rejectedTotal: Int { rejected.values.reduce(0, +) }

    public mutating func add(_ other: RecordTally) {
        read += other.read
        replayed += other.replayed
        gaps += other.gaps
        lost += other.lost
        skipped += other.skipped
        rejected.merge(other.rejected, uniquingKeysWith: +)
        profiles += other.profiles
        decoded += other.decoded
        expired += other.expired
        feedback += other.feedback
        repeatedFeedback += other.repeatedFeedback
        controls += other.controls
        triggers += other.triggers
        held += other.held
        triggersByRule.merge(other.triggersByRule, uniquingKeysWith: +)
        heldByReason.merge(other.heldByReason, uniquingKeysWith: +)
        outcomes.merge(other.outcomes, uniquingKeysWith: +)
        copies += other.copies
        shortened += other.shortened
        opened += other.opened
        openTombstones += other.openTombstones
        openLeftOut += other.openLeftOut
        fused.merge(other.fused, uniquingKeysWith: +)
    }
}

/// How the keys of an input topic fit its records.
public struct PlacementReport: Sendable, Equatable {
    public var topic: String
    /// Records whose key is not their account.
    public var keyMismatches: Int
    public var partitioner: PartitionerAudit
}

/// A look at one partition between two batches.
public struct PartitionSnapshot: Sendable {
    public var partition: PartitionID
    public var clock: Timestamp
    public var tally: RecordTally
    public var engine: EngineStatistics
    /// Next offset of each input.
    public var next: [Int64]
    public var placement: [PlacementReport]
}

/// A look at the daemon: its partitions one after another, not one instant.
public struct RuntimeSnapshot: Sendable {
    public var partitions: [PartitionSnapshot]
    public var epochsSent: UInt64

    init(partitions: [PartitionSnapshot], epochsSent: UInt64) {
        self.partitions = partitions
        self.epochsSent = epochsSent
    }

    /// Asks every worker and waits for their answers; not from a partition's queue.
    init(of workers: [PartitionWorker], epochsSent: UInt64) {
        let gathered = Gathered<PartitionSnapshot>()
        let group = DispatchGroup()
        for worker in workers { worker.snapshot(group: group) { gathered.add($0) } }
        group.wait()
        self.init(partitions: gathered.all.sorted { $0.partition < $1.partition }, epochsSent: epochsSent)
    }

    public var tally: RecordTally {
        var total = RecordTally()
        for partition in partitions { total.add(partition.tally) }
        return total
    }
    public var accounts: Int { sum(\.accounts) }
    public var applied: Int { sum(\.applied) }
    public var duplicates: Int { sum(\.duplicates) }
    /// Usage records put into the waiting room, whatever became of them later.
    public var waited: Int { sum(\.waited) }
    /// Readings in the waiting room now.
    public var waitingNow: Int { sum(\.waitingNow) }
    /// Usage records of accounts without profile, where such accounts are ignored.
    public var ignored: Int { sum(\.ignored) }
    /// Usage records that came after grace and counted nowhere but in lifetime meters.
    public var late: Int { sum(\.lateOnly) }

    /// Adds one number of the engines up over the partitions.
    public func sum(_ number: KeyPath<EngineStatistics, Int>) -> Int {
        partitions.reduce(0) { $0 + $1.engine[keyPath: number] }
    }

    /// Placement by topic, added up over the partitions.
    public var placement: [PlacementReport] {
        var byTopic: [PlacementReport] = []
        for report in partitions.flatMap(\.placement) {
            if let index = byTopic.firstIndex(where: { $0.topic == report.topic }) {
                byTopic[index].keyMismatches += report.keyMismatches
                byTopic[index].partitioner.add(report.partitioner)
            } else {
                byTopic.append(report)
            }
        }
        return byTopic
    }
}

extension EngineStatistics {
    /// Every signal is in exactly one state (contract §5).
    var isBalanced: Bool { signals == triggers + held + ghosts + merged + parked + shadowed }
}

/// Usage of one account on one meter.
public struct AccountUsage: Sendable, Equatable {
    public var account: String
    /// Integer of the meter's scale.
    public var usage: Int64

    public init(account: String, usage: Int64) {
        self.account = account
        self.usage = usage
    }
}
