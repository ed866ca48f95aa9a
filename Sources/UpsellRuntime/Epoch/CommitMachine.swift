package import KafkaTransport
package import UpsellModel
internal import UpsellStateLog

/// The protocol of one process's transactions: what to ask Kafka next, and what an answer means. Pure; the committer
/// asks Kafka, the simulator a strict broker in memory.
///
///     start ─▶ begin ─▶ produce ─▶ flush ─▶ sendOffsets ─▶ commit ─▶ released
///                ▲                                  │
///                └── abort: the same bytes again ◀──┤ definite: not committed
///                └── membership, rebuild, initialise, fetchOffsets ◀┘ unknown: the epoch in the offset's metadata tells
///
/// One operation at a time. Frozen bytes are never changed: whatever happens, either exactly they get out, once, or
/// their partition is lost and whoever owns it now reads its inputs again.
package struct CommitMachine {
    /// What is to be asked of Kafka.
    package enum Operation: Sendable {
        /// Is this process a member of the group in good standing, and of which generation?
        case membership
        /// Drop the producer's handle if there is one, make another, `init_transactions`.
        case initialise
        /// Take the group's metadata, which the offsets will carry, then begin.
        case begin
        case produce([OutputRecord])
        case flush
        /// Under the metadata that `begin` took: who was rebalanced since is refused.
        case sendOffsets([GroupOffset])
        case commit
        case abort
        /// Stable offsets of the lead input.
        case fetchOffsets([PartitionID])
        case wait(milliseconds: Int64)
    }

    /// What Kafka said.
    package enum Outcome: Sendable {
        case done
        case failed(KafkaError)
        /// Of `membership`; nil: not a member, or the assignment is lost.
        case member(generation: Int32?)
        /// Of `fetchOffsets`.
        case offsets([PartitionID: GroupOffset])
    }

    /// What follows for the partitions and the process.
    package enum Action: Sendable {
        /// Committed, and visible to `read_committed`.
        case released(FrozenShare)
        /// The group's offset is at an epoch that is neither this one nor the one before: somebody else has written.
        /// What is held of the partition is worth nothing; it has to be restored.
        case suspect(PartitionID, String)
        /// Three aborts because of what is in these shares, not because of Kafka.
        case poisoned([FrozenShare], KafkaError)
        /// Another process has our transactional id, or our instance id: exit 77.
        case fenced(KafkaError)
        /// No retry can help.
        case failed(KafkaError)
        /// For the log: the same bytes will be sent again.
        case resending(KafkaError)
    }

    /// Bugs that the simulator plants, to prove that it would notice them. Always nil in the daemon.
    package enum Sabotage: String, Sendable, CaseIterable {
        /// A share without input records commits no offset, and nothing fences it.
        case tickWithoutOffset
        /// After an unknown outcome the epoch counts as committed.
        case unknownIsCommitted
        /// After an unknown outcome the epoch counts as aborted.
        case unknownIsAborted
    }

    package private(set) var shares: [FrozenShare] = []
    /// Transactions that were aborted, and handles that had to be made anew; since the start.
    package private(set) var aborts = 0
    package private(set) var rebuilds = 0

    private var phase = Phase.idle
    private var hasProducer = false
    private var isConnecting = false
    /// Whether the epoch at hand may have been committed without our knowing.
    private var isOutcomeUnknown = false
    /// Lost shares are already in the transaction that is open, so it must not commit.
    private var hasLostSharesInside = false
    /// Lost after their offsets had been taken: they go out if this transaction commits, and never in another.
    private var lostWhileCommitting: Set<PartitionID> = []
    private var tries = 0
    /// First failure of the call at hand.
    private var failingSince: Int64?
    private var contentAborts = 0
    /// Fencings of the producer under one generation of the group, which nothing of ours explains.
    private var fencings: (generation: Int32, times: [Int64]) = (-1, [])
    private var wasFenced = false
    private var begunAt: Int64 = 0
    private let transactionTimeout: Int64
    package var sabotage: Sabotage?

    private enum Phase: Equatable {
        case idle
        case checkingMembership, initialising, resolving
        case beginning, producing, flushing, sendingOffsets, committing, aborting
        /// Before the operation of the phase that follows.
        indirect case backingOff(milliseconds: Int64, Phase)

        var isCommitting: Bool {
            switch self {
            case .committing, .backingOff(_, .committing): true
            default: false
            }
        }
    }

    /// - Parameter transactionTimeout: after it brokers abort a transaction and fence its producer, in milliseconds.
    package init(transactionTimeout: Int64) { self.transactionTimeout = transactionTimeout }

    package var isIdle: Bool { phase == .idle }

    /// Connects the producer before there is anything to send: what a former life of this slot left open keeps the offsets
    /// of its partitions pending, and only the owner of the transactional id ends it without waiting.
    package mutating func connect() {
        precondition(isIdle, "an epoch is on its way")
        guard !hasProducer else { return }
        isConnecting = true
        phase = .checkingMembership
        tries = 0
        failingSince = nil
    }

    /// Sends one epoch: the shares of some partitions, each partition at most once.
    package mutating func start(_ epoch: [FrozenShare]) {
        precondition(isIdle, "an epoch is on its way")
        guard !epoch.isEmpty else { return }
        shares = epoch
        tries = 0
        failingSince = nil
        contentAborts = 0
        isOutcomeUnknown = false
        hasLostSharesInside = false
        lostWhileCommitting = []
        phase = hasProducer ? .beginning : .checkingMembership
    }

    /// The partition is not ours any more: its share goes, and with it a transaction that holds it and whose offsets
    /// have not been taken yet.
    package mutating func lost(_ partition: PartitionID) {
        guard shares.contains(where: { $0.partition == partition }) else { return }
        // Offsets that were taken under the generation in which the partition was ours keep its next owner waiting
        // until this transaction has ended either way; so it may.
        if phase.isCommitting {
            lostWhileCommitting.insert(partition)
            return
        }
        shares.removeAll { $0.partition == partition }
        switch phase {
        case .producing, .flushing, .sendingOffsets: hasLostSharesInside = true
        case .backingOff(_, .flushing), .backingOff(_, .sendingOffsets): hasLostSharesInside = true
        case .idle, .checkingMembership, .initialising, .resolving, .beginning, .committing, .aborting, .backingOff:
            break
        }
    }

    /// What to do next; nil when the epoch is over. The same until `completed`.
    package mutating func next() -> Operation? {
        if hasLostSharesInside {
            switch phase {
            case .flushing, .sendingOffsets, .producing, .backingOff: phase = .aborting
            default: break
            }
        }
        if shares.isEmpty, !hasLostSharesInside, !isConnecting {
            switch phase {
            case .beginning, .checkingMembership, .resolving: phase = .idle
            case .backingOff(_, .beginning), .backingOff(_, .checkingMembership), .backingOff(_, .resolving):
                phase = .idle
            default: break
            }
        }
        switch phase {
        case .idle: return nil
        case .checkingMembership: return .membership
        case .initialising: return .initialise
        case .resolving: return .fetchOffsets(shares.map(\.partition))
        case .beginning: return .begin
        case .producing: return .produce(shares.flatMap(\.records))
        case .flushing: return .flush
        case .sendingOffsets:
            let offsets = shares.filter { sabotage != .tickWithoutOffset || $0.hasInput }.map(\.offset)
            return .sendOffsets(offsets)
        case .committing: return .commit
        case .aborting: return .abort
        case .backingOff(let milliseconds, _): return .wait(milliseconds: milliseconds)
        }
    }

    /// - Parameter now: monotonic milliseconds.
    package mutating func completed(_ outcome: Outcome, now: Int64) -> [Action] {
        switch (phase, outcome) {
        case (.backingOff(_, let then), _):
            phase = then
            return []
        case (.checkingMembership, .member(let generation)): return memberKnown(generation, now)
        case (.resolving, .offsets(let offsets)): return resolved(offsets)
        case (_, .failed(let error)): return failed(error, now)
        case (_, _):
            advance(now)
            return phase == .idle ? release() : []
        }
    }

    // MARK: The straight way

    private mutating func advance(_ now: Int64) {
        tries = 0
        failingSince = nil
        switch phase {
        case .initialising:
            hasProducer = true
            isConnecting = false
            phase = shares.isEmpty ? .idle : isOutcomeUnknown ? .resolving : .beginning
        case .beginning:
            begunAt = now
            isOutcomeUnknown = true
            hasLostSharesInside = false
            phase = shares.isEmpty ? .aborting : .producing
        case .producing: phase = .flushing
        case .flushing: phase = .sendingOffsets
        case .sendingOffsets: phase = .committing
        case .committing:
            isOutcomeUnknown = false
            phase = .idle
        case .aborting:
            aborts += 1
            isOutcomeUnknown = false
            hasLostSharesInside = false
            phase = shares.isEmpty ? .idle : .beginning
        case .checkingMembership, .resolving, .idle, .backingOff: break
        }
    }

    private mutating func release() -> [Action] {
        guard !isOutcomeUnknown else { return [] }
        defer { shares = [] }
        return shares.map(Action.released)
    }

    // MARK: Failures

    private mutating func failed(_ error: KafkaError, _ now: Int64) -> [Action] {
        tries += 1
        switch error.recovery {
        case .terminate:
            phase = .idle
            isConnecting = false
            return [error.code == .fencedInstanceID ? .fenced(error) : .failed(error)]
        case .rebuildProducer: return lostProducer(error, now)
        case .retryCall: return retry(error, now)
        case .abortAndResend:
            switch phase {
            case .initialising, .checkingMembership, .resolving, .aborting: return retry(error, now)
            case .beginning:
                // The group's metadata was refused before anything began: wait for the rebalance to come through.
                phase = .backingOff(milliseconds: backOff, .beginning)
                return []
            default: return abort(error)
            }
        }
    }

    /// Same call, same arguments; beyond the bound the next stronger remedy.
    private mutating func retry(_ error: KafkaError, _ now: Int64) -> [Action] {
        let since = failingSince ?? now
        failingSince = since
        if now - since < Self.retryingMax {
            phase = .backingOff(milliseconds: backOff, phase)
            return []
        }
        switch phase {
        case .flushing, .sendingOffsets, .producing: return abort(error)
        case .beginning, .committing, .aborting: return lostProducer(error, now)
        default:
            // Nothing is open; Kafka is away, and nothing else is to be done than to go on asking.
            phase = .backingOff(milliseconds: Self.backOffMax, phase)
            return []
        }
    }

    private mutating func abort(_ error: KafkaError) -> [Action] {
        phase = .aborting
        tries = 0
        failingSince = nil
        dropLostShares()
        guard error.isAboutContent else { return [.resending(error)] }
        contentAborts += 1
        guard contentAborts >= Self.contentAbortsMax else { return [.resending(error)] }
        defer { shares = [] }
        // The open transaction is aborted all the same.
        hasLostSharesInside = true
        return [.poisoned(shares, error)]
    }

    /// The handle is dead. Whether the transaction was committed is told by the offsets, once another handle has
    /// settled it.
    private mutating func lostProducer(_ error: KafkaError, _ now: Int64) -> [Action] {
        rebuilds += 1
        hasProducer = false
        hasLostSharesInside = false
        tries = 0
        failingSince = nil
        dropLostShares()
        // A transaction that took longer was ended by the broker.
        wasFenced = error.isFencing && now - begunAt < transactionTimeout
        phase = .checkingMembership
        return [.resending(error)]
    }

    private mutating func dropLostShares() {
        shares.removeAll { lostWhileCommitting.contains($0.partition) }
        lostWhileCommitting = []
    }

    /// A process without standing in the group must not take the transactional id: its rightful owner may have it.
    private mutating func memberKnown(_ generation: Int32?, _ now: Int64) -> [Action] {
        guard let generation, generation >= 0 else {
            phase = .backingOff(milliseconds: Self.membershipPause, .checkingMembership)
            return []
        }
        if wasFenced {
            wasFenced = false
            // A paused instance is fenced by whoever takes its partitions, and comes back under another generation; one
            // whose offsets stayed pending too long is fenced once, by whoever restores them.
            if fencings.generation != generation { fencings = (generation, []) }
            fencings.times = fencings.times.filter { now - $0 < Self.fencingWar } + [now]
            if fencings.times.count >= Self.fencingsMax {
                phase = .idle
                return [
                    .fenced(
                        KafkaError(
                            code: .fenced,
                            text:
                                "The transactional id of this slot was taken over \(fencings.times.count) times within a "
                                + "minute while this instance was a member of the group; another process has the same "
                                + "group.slot"))
                ]
            }
        }
        phase = .initialising
        return []
    }

    private mutating func resolved(_ offsets: [PartitionID: GroupOffset]) -> [Action] {
        tries = 0
        failingSince = nil
        isOutcomeUnknown = false
        phase = .beginning
        if sabotage == .unknownIsAborted { return [] }
        if sabotage == .unknownIsCommitted {
            phase = .idle
            return release()
        }
        var actions: [Action] = []
        var pending: [FrozenShare] = []
        for share in shares {
            let found = offsets[share.partition]
            let mark = found.flatMap { OffsetMark(text: $0.metadata) }
            if let found, found.offset == share.offset.offset, found.metadata == share.offset.metadata {
                // To the letter: two processes of one slot may write the same epoch at the same offset, and then the log
                // is the other's.
                actions.append(.released(share))
            } else if mark?.epoch == share.epoch &- 1 || (found == nil && share.isGenesis) {
                pending.append(share)
            } else {
                let facts = found.map { "offset \($0.offset) with \"\($0.metadata)\"" } ?? "no offset"
                actions.append(
                    .suspect(
                        share.partition,
                        "after a transaction of unknown outcome the group has \(facts) for partition "
                            + "\(share.partition.rawValue), where epoch \(share.epoch) or the one before was expected; "
                            + "the partition is restored from the state log"))
            }
        }
        shares = pending
        if pending.isEmpty { phase = .idle }
        return actions
    }

    private var backOff: Int64 { min(Self.backOffMax, 5 << Int64(min(tries, 8))) }

    /// A call is repeated for so long; then whatever it was about is over at the broker too.
    private static let retryingMax: Int64 = 15_000
    private static let backOffMax: Int64 = 500
    private static let membershipPause: Int64 = 100
    private static let contentAbortsMax = 3
    /// So many fencings within so many milliseconds mean two processes in one slot.
    ///
    /// A rival is fenced by its instance id first; this is for one that has another. Survivors may fence an owner that has
    /// come back already, each of them once.
    private static let fencingsMax = 5
    private static let fencingWar: Int64 = 60_000
}

extension KafkaError {
    /// The epoch's own bytes were refused.
    var isAboutContent: Bool { code == .messageTooLarge || code == .recordListTooLarge || code == .invalidRecord }
    /// There is nothing at the position to be read.
    var isAboutPosition: Bool { code == .offsetOutOfRange || code == .autoOffsetReset }
    /// Another handle has taken the transactional id, or the broker has given the transaction up.
    var isFencing: Bool { code == .fenced || code == .producerFenced || code == .invalidProducerEpoch }
}
