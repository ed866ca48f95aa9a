public import KafkaTransport
public import UpsellModel
public import UpsellStateLog

/// What one partition contributes to one epoch, as finished bytes: the unit that leaves a partition.
///
/// Once frozen it is never changed: a send that fails is repeated with the same bytes, which stay valid as long as the
/// partition is ours. Shares of different partitions are separable, so that one can be dropped alone.
public struct FrozenShare: Sendable {
    public let partition: PartitionID
    /// Consecutive for a partition over all its owners; 0 is the genesis.
    public let epoch: UInt64
    /// Next offset of every input before and after this epoch, by position in the input topics.
    public let positions: [InputPosition]
    /// What was applied, in order; also in the journal record.
    public let steps: [JournalRecord.Step]
    /// Everything that goes to Kafka, in sending order: state chunks, journal record, triggers, held, outcomes, open
    /// triggers, dead letters.
    public let records: [OutputRecord]
    /// The lead input's position with the epoch beside it: the fence, so it goes with every share.
    public let offset: GroupOffset
    /// Input records that are in this epoch, of all inputs.
    public let inputRecords: Int
    /// A restore after this epoch reads the state partition from here.
    public let restoreFrom: Int64
    /// Bytes of outputs as they were counted while the epoch ran.
    public let outputBytes: Int

    public var isGenesis: Bool { epoch == 0 }
    public var hasInput: Bool { inputRecords > 0 }
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
