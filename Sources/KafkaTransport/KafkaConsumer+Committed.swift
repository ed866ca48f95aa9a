extension KafkaConsumer {
    /// Asks for the group's committed offsets of the lead topic; a partition without one is absent.
    ///
    /// Under `read_committed`, the default, they are stable: the call waits while a transaction holds an offset that is
    /// neither committed nor aborted, so what it returns is final. `rd_kafka_committed`
    ///
    /// - Throws: `UNSTABLE_OFFSET_COMMIT` or `_TIMED_OUT` (both `.retryCall`) when the timeout passes.
    ///
    /// Any thread.
    public func committed(partitions: [Int32], timeoutMilliseconds: Int) throws(KafkaError) -> [Int32: GroupOffset] {
        try handle.committed(
            topic: inputTopics[0], partitions: partitions, timeoutMilliseconds: timeoutMilliseconds)
    }
}
