public import KafkaTransport
public import UpsellModel

/// Where epochs go: the narrow part of a transactional producer that the committer needs. Commit queue only.
///
/// `KafkaTransactions` in production, an in-memory double in tests. Calls block, each within a bound of its own; those of
/// librdkafka that can hang all the same are the watchdog's business.
public protocol TransactionPort: AnyObject, Sendable {
    /// The group's generation, if this process is a member in good standing.
    func membership() -> Int32?
    /// Drops the handle there is, makes another and runs `init_transactions`.
    func initialise() throws(KafkaError)
    /// Takes the group's metadata, then begins.
    func begin() throws(KafkaError)
    func produce(_ record: OutputRecord) throws(KafkaError)
    /// Returns when every record is acknowledged.
    func flush() throws(KafkaError)
    func sendOffsets(_ offsets: [GroupOffset]) throws(KafkaError)
    func commit() throws(KafkaError)
    func abort() throws(KafkaError)
    /// Stable offsets of the lead input.
    func committed(_ partitions: [PartitionID]) throws(KafkaError) -> [PartitionID: GroupOffset]
    /// Offset after the last acknowledged record of a state partition; nil where it is not known.
    func stateEnd(_ partition: PartitionID) -> Int64?
    func close(deadlineMilliseconds: Int) -> Bool
}
