public import KafkaTransport
public import UpsellModel

/// What one partition contributes to one epoch, as finished bytes: the unit that leaves a partition.
///
/// Once frozen it is never changed: a send that fails is repeated with the same bytes, which stay valid as long as the
/// partition is ours. Shares of different partitions are separable, so that one can be sent, or dropped, alone.
public struct FrozenShare: Sendable {
    public let partition: PartitionID
    /// Consecutive for a partition, from 1 at the first epoch after assignment.
    public let epoch: UInt64
    /// Next offset of every input before and after this epoch, by position in the input topics.
    public let positions: [InputPosition]
    /// What was applied, in order.
    public let journal: JournalEntry
    /// Chunks of the state log. Empty in this version: the state log comes with the transaction that carries it.
    public let stateChunks: [[UInt8]]
    public let triggers: [OutputRecord]
    public let held: [OutputRecord]
    public let deadLetters: [OutputRecord]

    /// Everything that goes to Kafka, in sending order.
    public var outputs: [OutputRecord] { triggers + held + deadLetters }
    public var outputBytes: Int { outputs.reduce(0) { $0 + $1.byteCount } }
}

/// Offsets of one input of a partition around an epoch: records `before..<after` were read in it.
public struct InputPosition: Sendable, Equatable {
    public var before: Int64
    public var after: Int64

    public init(before: Int64, after: Int64) {
        self.before = before
        self.after = after
    }
}

/// The order in which a partition really applied its inputs during an epoch.
public struct JournalEntry: Sendable, Equatable {
    public var steps: [Step] = []

    public init() {}

    public enum Step: Sendable, Equatable {
        /// Records `first..<next` of an input, without anything of another input between them.
        case run(input: InputID, first: Int64, next: Int64)
        /// The clock was asked to tick at this wall time.
        case tick(wallTime: Timestamp)
    }

    /// Adds a run and joins it to the last one where nothing lies between.
    mutating func append(run input: InputID, first: Int64, next: Int64) {
        if case .run(input, let start, let end)? = steps.last, end <= first {
            steps[steps.count - 1] = .run(input: input, first: start, next: next)
        } else {
            steps.append(.run(input: input, first: first, next: next))
        }
    }
}

extension OutputRecord {
    /// Bytes of key, value and headers.
    public var byteCount: Int {
        var bytes = (key?.count ?? 0) + (value?.count ?? 0)
        for header in headers { bytes += header.name.utf8.count + (header.value?.count ?? 0) }
        return bytes
    }

    /// Bytes that the record takes in a batch at most: lengths are written as up to 5 bytes each.
    var wireBytesMax: Int { byteCount + 10 * headers.count }
}
