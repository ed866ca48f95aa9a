public import KafkaTransport

/// Where a daemon reads: the narrow part of a Kafka consumer that the poll loop needs. Crossed once a batch.
///
/// `KafkaConsumer` in production, an in-memory double in tests. Every call but `watermarks` belongs to the poll thread.
public protocol RecordSource: AnyObject, Sendable {
    /// Joins the group on the lead topic.
    func subscribe() throws(KafkaError)
    /// One poll. `onRebalance` runs inside it, before revoked partitions are given back.
    func poll(maxMessages: Int, timeoutMilliseconds: Int, onRebalance: (RebalanceEvent) -> Void) -> PollResult
    /// Starts reading partitions beside those already read.
    func assign(_ partitions: [KafkaConsumer.StartPosition]) throws(KafkaError)
    /// Stops reading partitions that stay owned.
    func unassign(_ partitions: [InputPartition]) throws(KafkaError)
    /// What is being read now, over all inputs. Poll thread.
    var assignedPartitions: Set<InputPartition> { get }
    /// First and next offset of a partition. Blocks; any thread.
    func watermarks(input: Int, partition: Int32, timeoutMilliseconds: Int) throws(KafkaError)
        -> (low: Int64, high: Int64)
    /// Closes, and leaves the group first if that is wished; false when the deadline passed first.
    func close(deadlineMilliseconds: Int, leaveGroup: Bool) -> Bool
}

extension KafkaConsumer: RecordSource {
    public func close(deadlineMilliseconds: Int, leaveGroup: Bool) -> Bool {
        close(deadlineMilliseconds: deadlineMilliseconds, leaveGroup: leaveGroup, onRebalance: { _ in })
    }
}
