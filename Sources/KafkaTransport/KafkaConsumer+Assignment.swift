import CRdKafka
import Synchronization

extension KafkaConsumer {
    /// Where one partition of one input is to be read from.
    public typealias StartPosition = (input: Int, partition: Int32, offset: KafkaOffset)

    /// Starts fetching partitions: `rd_kafka_incremental_assign`.
    ///
    /// May be called in stages, such as the accounts' topic first and the lead topic later.
    ///
    /// - Throws: `_STATE` if the group does not own one of the partition numbers, as after a revocation between two
    ///   stages: drop what was prepared for it. Nothing was assigned then.
    ///
    /// Poll thread, outside the rebalance handler; traps inside it.
    public func assign(_ partitions: [StartPosition]) throws(KafkaError) {
        assignment.enter("assign(_:)")
        defer { assignment.leave() }
        guard !partitions.isEmpty else { return }
        for partition in partitions where !assignment.owned.contains(partition.partition) {
            throw KafkaError(
                code: .wrongState, text: "Partition \(partition.partition) is not owned by this member",
                recovery: .abortAndResend, topic: inputTopics[partition.input], partition: partition.partition)
        }
        unsafe topicCache.removeAll(keepingCapacity: true)
        let added = partitions.map { (InputPartition(input: $0.input, partition: $0.partition), $0.offset) }
        if let error = unsafe assignment.add(added, handle.raw, isCooperative: true, nil) { throw error }
        updateWakeUp()
    }

    /// Tells the wake-up which partitions are fetched now.
    func updateWakeUp() {
        wakeUp.withLock { $0 }?.update(assignment.assigned.map { (inputTopics[$0.input], $0.partition) })
    }

    /// Stops fetching partitions that stay owned: `rd_kafka_incremental_unassign`. Those not assigned are ignored.
    ///
    /// Messages of theirs that were polled before are still with the caller. Poll thread, outside the rebalance
    /// handler.
    public func unassign(_ partitions: [InputPartition]) throws(KafkaError) {
        assignment.enter("unassign(_:)")
        defer { assignment.leave() }
        let leaving = Set(partitions).intersection(assignment.assigned)
        guard !leaving.isEmpty else { return }
        unsafe topicCache.removeAll(keepingCapacity: true)
        if let error = unsafe assignment.remove(leaving, handle.raw, isCooperative: true, nil) { throw error }
        updateWakeUp()
    }
}
