package import KafkaTransport
package import UpsellModel
package import UpsellStateLog

/// How one partition gets from "the group gave it to us" to "its inputs are read from here": what to ask Kafka next,
/// and what the answers mean. Pure; one for each assignment of a partition.
///
/// The order is strict. The stable fetch of the group's offset comes before the high watermark of the state log: the
/// other way round, the last commit of the former owner could lie between them unseen. Positions in the state are the
/// authority, the group's offset is the cross-check; where they disagree, either it is known why and the partition goes
/// on with a note, or it is refused with both facts and the remedy. Nothing is guessed.
package struct RestoreMachine {
    package enum Operation: Sendable, Equatable {
        /// Stable offset of the lead input; `.pending` while a transaction holds it open.
        case fetchCommitted
        /// Who wrote the newest chunk of the state partition, read uncommitted: the one that has left a transaction open.
        case newestWriter
        /// `init_transactions` under the dead owner's id, which ends its transaction.
        case fence(writer: String)
        /// First offset and high watermark of the state partition, read uncommitted.
        case stateWatermarks
        /// Read the state partition, read committed, into a fresh restorer, up to the position `until`.
        case read(from: Int64, until: Int64)
        /// First and next offset of every input.
        case inputWatermarks
        /// Read the last record of an input that the state has seen.
        case verify(input: InputID, offset: Int64)
        case wait(milliseconds: Int64)
    }

    package enum Outcome: Sendable {
        case done
        case failed(KafkaError)
        /// Of `fetchCommitted`; nil: the group has none.
        case committed(GroupOffset?)
        /// Of `newestWriter`; nil: there is no chunk.
        case writer(String?)
        /// Of `fetchCommitted`: a transaction is open over it.
        case pending
        case watermarks(low: Int64, high: Int64)
        case read(Summary)
        case inputs([(low: Int64, high: Int64)])
        /// Of `verify`; nil: there is no record at that offset any more.
        case record(timestamp: Int64, checksum: UInt64)
        case recordGone
    }

    /// What the log said.
    package struct Summary: Sendable {
        /// Header of the newest whole epoch; nil for a log without any.
        package var last: ChunkHeader?
        /// Whether everything is there that a partition needs.
        package var isComplete: Bool
        /// Bytes or chunks that do not fit together.
        package var complaint: String?

        package init(last: ChunkHeader?, isComplete: Bool, complaint: String?) {
            self.last = last
            self.isComplete = isComplete
            self.complaint = complaint
        }
    }

    package enum Decision: Sendable {
        /// Neither state nor offset: everything begins here.
        case genesis(inputs: [(low: Int64, high: Int64)])
        /// The restorer holds the state; read on from the positions in its last header.
        case resume(notes: [String])
        /// A person has to decide. Both facts and the remedy.
        case refuse(String)
    }

    /// What the partition has to agree with.
    package struct Expectation: Sendable {
        package var partition: PartitionID
        package var partitionCount: Int
        package var topics: [String]
        package var topicHashes: [UInt64]
        /// The one that is compacted.
        package var accounts: InputID
        package var configuration: ConfigurationMark
        package var stateTopic: String
        package var group: String
        /// Our own transactional id, which is not fenced.
        package var writer: String
        /// Ranges of input that are gone count as loss instead of being refused.
        package var acceptsLoss: Bool

        package init(
            partition: PartitionID, partitionCount: Int, topics: [String], topicHashes: [UInt64], accounts: InputID,
            configuration: ConfigurationMark, stateTopic: String, group: String, writer: String,
            acceptsLoss: Bool
        ) {
            self.partition = partition
            self.partitionCount = partitionCount
            self.topics = topics
            self.topicHashes = topicHashes
            self.accounts = accounts
            self.configuration = configuration
            self.stateTopic = stateTopic
            self.group = group
            self.writer = writer
            self.acceptsLoss = acceptsLoss
        }
    }

    package private(set) var decision: Decision?
    /// Input that is gone, by input: counted loss under `acceptsLoss`.
    package private(set) var losses: [(input: InputID, from: Int64, to: Int64)] = []

    /// First offset of each input, once it is known.
    package var lows: [Int64] { inputs.map(\.low) }

    private let expected: Expectation
    private var step = Step.fetch
    private var began: Int64?
    private var unstableSince: Int64?
    /// A transaction has held the reading up since then.
    private var stalledSince: Int64?
    private var fenced: Set<String> = []
    private var group: GroupOffset?
    private var low: Int64 = 0
    private var high: Int64 = 0
    /// The hint in the offset's metadata is not to be trusted: read from the start of the log.
    private var readsWholeLog = false
    private var last: ChunkHeader?
    private var inputs: [(low: Int64, high: Int64)] = []
    private var notes: [String] = []
    private var rounds = 0

    private enum Step: Equatable {
        case fetch, newestWriter, fence(String), watermarks, read, inputs
        case verify(Int)
        indirect case wait(Int64, Step)
    }

    package init(_ expected: Expectation) { self.expected = expected }

    /// What to do next; nil once there is a decision.
    package func next() -> Operation? {
        guard decision == nil else { return nil }
        switch step {
        case .fetch: return .fetchCommitted
        case .newestWriter: return .newestWriter
        case .fence(let writer): return .fence(writer: writer)
        case .watermarks: return .stateWatermarks
        case .read: return .read(from: start, until: high)
        case .inputs: return .inputWatermarks
        case .verify(let input):
            guard let mark = last?.inputs[input] else { return nil }
            return .verify(input: InputID(input), offset: mark.lastOffset)
        case .wait(let milliseconds, _): return .wait(milliseconds: milliseconds)
        }
    }

    /// - Parameter now: monotonic milliseconds.
    package mutating func completed(_ outcome: Outcome, now: Int64) {
        let start = began ?? now
        began = start
        switch (step, outcome) {
        case (.wait(_, let then), _): step = then
        case (_, .failed(let error)): failed(error, now)
        case (.fetch, .committed(let offset)):
            group = offset
            unstableSince = nil
            step = .watermarks
        case (.fetch, .pending): pending(now)
        case (.newestWriter, .writer(let writer)):
            guard let writer, !fenced.contains(writer), writer != expected.writer else {
                step = .wait(Self.pause, .fetch)
                return
            }
            step = .fence(writer)
        case (.fence(let writer), _):
            fenced.insert(writer)
            step = .fetch
        case (.watermarks, .watermarks(let low, let high)):
            self.low = low
            self.high = high
            step = .read
        case (.read, .read(let summary)):
            stalledSince = nil
            compare(summary, now)
        case (.inputs, .inputs(let watermarks)):
            inputs = watermarks
            checkInputs()
        case (.verify(let input), .record(let timestamp, let checksum)):
            checkRecord(input, timestamp, checksum)
        case (.verify(let input), .recordGone):
            let mark = last?.inputs[input].lastOffset ?? 0
            notes.append(
                "the last record read of \(expected.topics[input]) (offset \(mark)) is gone by compaction or retention, "
                    + "so it could not be compared")
            verifyNext(after: input)
        default: refuse("the restore met an answer that does not belong to its question (step \(step))")
        }
    }

    // MARK: Offsets

    private mutating func pending(_ now: Int64) {
        let since = unstableSince ?? now
        unstableSince = since
        if now - since >= Self.unstableMax {
            refuse(
                "the group \(expected.group) has had an open transaction over partition \(expected.partition.rawValue) of "
                    + "\(expected.topics[0]) for \((now - since) / 1_000) s; find it with `kafka-transactions.sh "
                    + "find-hanging` and end it with `kafka-transactions.sh abort`")
            return
        }
        step = now - since >= Self.unstablePatience ? .newestWriter : .wait(Self.pause, .fetch)
    }

    private mutating func failed(_ error: KafkaError, _ now: Int64) {
        switch step {
        case .read where error.code == .offsetOutOfRange:
            // Trimmed while it was read: the newer watermark tells where it begins now.
            step = .wait(Self.pause, .fetch)
        case .read where error.code == .timedOut:
            // Records of a transaction without offsets so far: its owner is to be found by what it wrote.
            let since = stalledSince ?? now
            stalledSince = since
            if now - since >= Self.unstableMax {
                refuse(
                    "the state log \(expected.stateTopic) of partition \(expected.partition.rawValue) could not be read to "
                        + "its end at \(high) for \((now - since) / 1_000) s: a transaction is open in it; find it with "
                        + "`kafka-transactions.sh find-hanging` and end it with `kafka-transactions.sh abort`")
                return
            }
            step = .newestWriter
        case .fence: step = .wait(Self.pause, .fetch)
        default: step = .wait(Self.failurePause, step)
        }
    }

    private var start: Int64 {
        guard !readsWholeLog, let hint = group.flatMap({ OffsetMark(text: $0.metadata) })?.restoreFrom else {
            return low
        }
        return min(max(low, hint), high)
    }

    // MARK: Comparing

    private mutating func compare(_ summary: Summary, _ now: Int64) {
        if summary.complaint != nil || (!summary.isComplete && summary.last != nil) {
            guard readsWholeLog || start == low else {
                readsWholeLog = true
                step = .read
                return
            }
            let facts = summary.complaint ?? "slices are missing: it was trimmed too far"
            refuse(
                "the state log \(expected.stateTopic) of partition \(expected.partition.rawValue), read from \(low) to "
                    + "\(high), cannot be used: \(facts). Remedy: restore the topic, or rebuild the state from the inputs "
                    + "by `kafka-delete-records.sh` on the state partition and `kafka-consumer-groups.sh --delete-offsets`, "
                    + "while no instance is in the group")
            return
        }
        last = summary.last
        let mark = group.flatMap { OffsetMark(text: $0.metadata) }
        switch (summary.last, group) {
        case (nil, nil): step = .inputs
        case (nil, .some(let offset)):
            // A commit whose chunks are not to be seen yet cannot be: watermark and read come after the offset.
            refuse(
                "the group \(expected.group) has offset \(offset.offset) (\"\(offset.metadata)\") for partition "
                    + "\(expected.partition.rawValue) of \(expected.topics[0]), but the state log \(expected.stateTopic) "
                    + "holds nothing for it (\(low)..<\(high)). Remedy: restore the topic, or start anew with "
                    + "`kafka-consumer-groups.sh --delete-offsets`, while no instance is in the group")
        case (.some(let header), nil):
            notes.append(
                "the group's offset is gone (it expires after offsets.retention.minutes); the state log has epoch "
                    + "\(header.epoch) and goes on from there")
            checkHeader(header)
        case (.some(let header), .some(let offset)):
            if let mark, mark.epoch == header.epoch, offset.offset == header.inputs.first?.after {
                checkHeader(header)
            } else if mark != nil, now - (began ?? now) < Self.disagreementMax || rounds < Self.roundsMin {
                // One of the two is older than the other: a commit came between. Look again.
                rounds += 1
                step = .wait(Self.pause, .fetch)
            } else {
                refuseOffset(header, offset, mark)
            }
        }
    }

    private mutating func refuseOffset(_ header: ChunkHeader, _ offset: GroupOffset, _ mark: OffsetMark?) {
        let position = header.inputs.first?.after ?? 0
        let facts =
            "the state log \(expected.stateTopic) of partition \(expected.partition.rawValue) ends with epoch "
            + "\(header.epoch) at offset \(position) of \(expected.topics[0]), the group \(expected.group) has offset "
            + "\(offset.offset) (\"\(offset.metadata)\")"
        guard mark != nil else {
            refuse(
                facts + ": somebody else has set it. Remedy: set it back with `kafka-consumer-groups.sh --group "
                    + "\(expected.group) --topic \(expected.topics[0]):\(expected.partition.rawValue) --reset-offsets "
                    + "--to-offset \(position) --execute`, or remove it with `--delete-offsets`; the state is the authority"
            )
            return
        }
        refuse(
            facts + ": the state log does not hold what was committed. Remedy: look for hanging transactions with "
                + "`kafka-transactions.sh find-hanging`; if the log was damaged, restore the topic")
    }

    private mutating func checkHeader(_ header: ChunkHeader) {
        guard header.partitionCount == expected.partitionCount else {
            refuse(
                "the state of partition \(expected.partition.rawValue) was written when \(expected.topics[0]) had "
                    + "\(header.partitionCount) partitions; now it has \(expected.partitionCount), and accounts would lie "
                    + "elsewhere. Remedy: the `rekey` stage (once it exists) into a topic of \(header.partitionCount) "
                    + "partitions, or a new group with a new state topic")
            return
        }
        guard header.writer.hasPrefix(expected.group + "/") else {
            refuse(
                "the state log \(expected.stateTopic) of partition \(expected.partition.rawValue) was written by "
                    + "\(header.writer), an instance of another group than \(expected.group). Remedy: give each group "
                    + "internal topics of its own (`topics.state`, `topics.journal`)")
            return
        }
        // A log from before there was feedback lacks the inputs behind the accounts: they begin where their topics do.
        let written = header.inputs.map(\.topicHash)
        guard written.count > expected.accounts.index, expected.topicHashes.starts(with: written) else {
            refuse(
                "the state of partition \(expected.partition.rawValue) was written over other input topics or another "
                    + "order of them than \(expected.topics.joined(separator: ", ")). Remedy: configure the topics as they "
                    + "were, or start anew with a new group and a new state topic")
            return
        }
        let own = expected.configuration
        let former = header.configuration
        if own.sequence < former.sequence {
            refuse(
                "partition \(expected.partition.rawValue) has run under configuration sequence \(former.sequence), this "
                    + "instance has \(own.sequence). Remedy: give this instance the newer configuration")
            return
        }
        if own.sequence == former.sequence, own.sequence > 0, own.contentHash != former.contentHash {
            refuse(
                "partition \(expected.partition.rawValue) has run under another configuration of the same sequence "
                    + "\(own.sequence). Remedy: raise `sequence` in upselld.yaml with every change")
            return
        }
        step = .inputs
    }

    // MARK: Inputs

    private mutating func checkInputs() {
        guard let header = last else {
            decision = .genesis(inputs: inputs)
            return
        }
        for (index, mark) in header.inputs.enumerated() where index < inputs.count {
            let (low, high) = inputs[index]
            let topic = "\(expected.topics[index]) [\(expected.partition.rawValue)]"
            if mark.after > high {
                refuse(
                    "\(topic) ends at offset \(high), but the state has read up to \(mark.after): the topic was "
                        + "truncated or created anew. Remedy: restore the topic, or start anew with a new group and a "
                        + "new state topic")
                return
            }
            if mark.after < low, !isCompacted(index) {
                guard expected.acceptsLoss else {
                    refuse(
                        "\(topic) begins at offset \(low), but the state has read only up to \(mark.after): "
                            + "\(low - mark.after) offsets are gone by retention. Remedy: start with --accept-loss, which "
                            + "goes on at \(low) and reports the range as lost")
                    return
                }
                losses.append((InputID(index), mark.after, low))
            }
        }
        verifyNext(after: -1)
    }

    /// The accounts' topic is compacted: what is missing at its start was replaced by later profiles.
    private func isCompacted(_ input: Int) -> Bool { input == expected.accounts.index }

    private mutating func verifyNext(after input: Int) {
        guard let header = last else { return }
        for index in (input + 1)..<max(input + 1, header.inputs.count) {
            let mark = header.inputs[index]
            if mark.lastOffset >= 0, mark.lastOffset >= inputs[index].low {
                step = .verify(index)
                return
            }
        }
        decision = .resume(notes: notes)
    }

    private mutating func checkRecord(_ input: Int, _ timestamp: Int64, _ checksum: UInt64) {
        guard let mark = last?.inputs[input] else { return }
        guard mark.lastTimestamp == timestamp, mark.lastChecksum == checksum else {
            refuse(
                "the record at offset \(mark.lastOffset) of \(expected.topics[input]) [\(expected.partition.rawValue)] is "
                    + "not the one that was read (timestamp \(timestamp) instead of \(mark.lastTimestamp), or other bytes): "
                    + "the topic was created anew. Remedy: restore the topic, or start anew with a new group and a new "
                    + "state topic")
            return
        }
        verifyNext(after: input)
    }

    private mutating func refuse(_ text: String) { decision = .refuse(text) }

    /// After so long of pending offsets the owner counts as dead, and its transactional id is fenced.
    private static let unstablePatience: Int64 = 500
    private static let unstableMax: Int64 = 120_000
    private static let disagreementMax: Int64 = 30_000
    private static let roundsMin = 3
    private static let pause: Int64 = 50
    private static let failurePause: Int64 = 500
}
