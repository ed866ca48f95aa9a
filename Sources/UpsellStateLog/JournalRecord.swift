public import UpsellModel

/// What a partition applied in one epoch, in order: with the inputs enough to do it again.
public struct JournalRecord: Sendable, Equatable {
    public var partition: PartitionID
    public var epoch: UInt64
    /// Transactional id of the instance that did it.
    public var writer: String
    /// In force at the end of the epoch.
    public var configuration: ConfigurationMark
    public var steps: [Step]

    public init(
        partition: PartitionID, epoch: UInt64, writer: String, configuration: ConfigurationMark, steps: [Step]
    ) {
        self.partition = partition
        self.epoch = epoch
        self.writer = writer
        self.configuration = configuration
        self.steps = steps
    }

    public enum Step: Sendable, Equatable {
        /// An input begins, in the genesis epoch: where, and below which offset its records fire nothing.
        case start(input: InputID, topicHash: UInt64, offset: Int64, silentBelow: Int64)
        /// The wall time under which the runs up to the next batch were judged.
        case batch(wallTime: Timestamp)
        /// The records of an input with offsets `first..<next`, of those that are there.
        case run(input: InputID, first: Int64, next: Int64)
        /// A record of the accounts topic, itself since that topic is compacted; a value of nil is a tombstone. Stands
        /// for a run of one.
        case profile(offset: Int64, recordTime: Timestamp, key: [UInt8], value: [UInt8]?)
        /// Timers up to this wall time.
        case tick(wallTime: Timestamp)
        /// Another configuration from here on; its body comes once.
        case configuration(ConfigurationMark, body: [UInt8]?)
        /// A record of the control topic, itself: every partition applies it once, at a place of its own. Offsets ascend.
        case control(offset: Int64, recordTime: Timestamp, value: [UInt8])
    }
}
