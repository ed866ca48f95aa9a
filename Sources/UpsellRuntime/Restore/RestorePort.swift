public import KafkaTransport
public import UpsellModel

/// What a restore asks of Kafka. Calls block; one restore at a time uses one of these.
///
/// `KafkaRestorePort` in production, an in-memory double in tests.
public protocol RestorePort: AnyObject, Sendable {
    /// Stable: throws `.unstableOffsetCommit` or `.timedOut` while a transaction holds it open.
    func committed(_ partition: PartitionID) throws(KafkaError) -> GroupOffset?
    /// Writer of the newest chunk of the state partition, read uncommitted.
    func newestWriter(_ partition: PartitionID) throws(KafkaError) -> String?
    func fence(writer: String) throws(KafkaError)
    /// Read uncommitted.
    func stateWatermarks(_ partition: PartitionID) throws(KafkaError) -> (low: Int64, high: Int64)
    /// Read committed, until the position reaches `until`.
    func readState(
        _ partition: PartitionID, from: Int64, until: Int64, _ body: (_ offset: Int64, _ value: [UInt8]) throws -> Void
    ) throws
    func inputWatermarks(_ partition: PartitionID) throws(KafkaError) -> [(low: Int64, high: Int64)]
    /// The record at an offset; nil if there is none any more.
    func inputRecord(_ input: Int, _ partition: PartitionID, offset: Int64) throws(KafkaError)
        -> (timestamp: Int64, checksum: UInt64)?
    func close()
}
