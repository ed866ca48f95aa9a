/// A strict Kafka in memory: one thread, virtual time, everything decided at once and in the order of the calls.
///
/// What it models, and what it does not: article "Broker". The rules are those of Apache Kafka 4.1 for clients of the
/// protocol versions that librdkafka 2.0.2 speaks. Requests are plain calls; delay and loss are `SimulatedNetwork`'s.
package final class SimulatedKafka {
    /// Milliseconds of virtual time; `advance` moves it.
    package private(set) var now: Int64
    package var settings: Settings
    /// Called when a transaction is decided to commit, before its markers are written.
    package var onCommit: (CommittedTransaction) -> Void = { _ in }

    var random: SimulationRandom
    private var logs: [TopicPartition: PartitionLog] = [:]
    private var partitionCounts: [String: Int32] = [:]

    var transactions: [String: TransactionEntry] = [:]
    /// Transactional ids in the order of their first use: dictionaries have no order that a seed could fix.
    var transactionalIDs: [String] = []
    var nextProducerID: Int64 = 1
    var markers: [PendingMarker] = []
    var nextScan: Int64

    var groups: [String: GroupState] = [:]
    var groupNames: [String] = []
    var membersEver = 0

    // What has happened, for the counts of faults really hit.
    package internal(set) var timeoutsFound = 0
    package internal(set) var sessionsExpired = 0
    package internal(set) var rebalancesCompleted = 0
    package internal(set) var slowMarkers = 0

    package struct Settings: Sendable {
        /// Between two looks for transactions that have timed out: `transaction.abort.timed.out.transaction.cleanup.
        /// interval.ms`, 10 s in Kafka.
        package var scanInterval: Int64 = 10_000
        /// Between the decision and the marker of each partition.
        package var markerDelay: ClosedRange<Int64> = 0...8
        /// Now and then a marker takes this long, in a share of `slowMarkerChance` thousandths.
        package var slowMarkerDelay: ClosedRange<Int64> = 50...600
        package var slowMarkerChance = 60
        /// `session.timeout.ms` and `max.poll.interval.ms` of every member.
        package var sessionTimeout: Int64 = 3_000
        package var rebalanceTimeout: Int64 = 8_000

        package init() {}
    }

    /// - Parameter start: first instant, in milliseconds since 1970-01-01 UTC.
    package init(random: SimulationRandom, start: Int64, settings: Settings = Settings()) {
        self.random = random
        self.settings = settings
        now = start
        nextScan = start + self.random.between(0...settings.scanInterval)
    }

    // MARK: Time

    /// Moves time and does what has become due, in the order of its instants.
    package func advance(to instant: Int64) {
        while let due = nextDue, due <= instant {
            now = max(now, due)
            writeDueMarkers()
            if nextScan <= now {
                nextScan += settings.scanInterval
                abortTimedOutTransactions()
            }
            for name in groupNames { expireMembers(of: name) }
        }
        now = max(now, instant)
    }

    private var nextDue: Int64? {
        var due = nextScan
        for marker in markers { due = min(due, marker.due) }
        for name in groupNames { due = min(due, groups[name]?.nextDue ?? .max) }
        return due
    }

    // MARK: Topics

    package func createTopic(_ name: String, partitions: Int32) {
        partitionCounts[name] = partitions
        for partition in 0..<partitions { logs[TopicPartition(name, partition)] = PartitionLog() }
    }

    package func partitionCount(_ topic: String) -> Int32 { partitionCounts[topic] ?? 0 }

    func withLog<Result>(
        _ partition: TopicPartition, _ body: (inout PartitionLog) throws(BrokerError) -> Result
    ) throws(BrokerError) -> Result {
        // Taken out while it changes, so that it is not copied.
        guard var log = logs.removeValue(forKey: partition) else { throw .unknownTopicOrPartition }
        defer { logs[partition] = log }
        return try body(&log)
    }

    /// A producer without transactions.
    @discardableResult
    package func append(_ record: SimulatedRecord, to partition: TopicPartition) throws(BrokerError) -> Int64 {
        try withLog(partition) { log in log.append(record) }
    }

    // MARK: Requests of consumers

    /// Fetch.
    package func fetch(
        _ partition: TopicPartition, from offset: Int64, _ isolation: Isolation, max count: Int
    ) throws(BrokerError) -> ReadResult {
        guard let log = logs[partition] else { throw .unknownTopicOrPartition }
        return try log.read(from: offset, isolation, max: count)
    }

    /// ListOffsets: first offset, and last stable offset or high watermark.
    package func listOffsets(
        _ partition: TopicPartition, _ isolation: Isolation
    ) throws(BrokerError) -> (low: Int64, high: Int64) {
        guard let log = logs[partition] else { throw .unknownTopicOrPartition }
        return (log.low, log.end(isolation))
    }

    /// DeleteRecords.
    package func deleteRecords(_ partition: TopicPartition, before offset: Int64) throws(BrokerError) {
        try withLog(partition) { log in log.delete(before: offset) }
    }
}

/// A transaction at the instant at which it was decided to commit.
package struct CommittedTransaction: Sendable {
    package var transactionalID: String
    package var producer: ProducerIdentity
    package var records: [(partition: TopicPartition, offset: Int64, record: SimulatedRecord)]
    /// Group offsets that become committed with it.
    package var offsets: [(group: String, partition: TopicPartition, offset: CommittedOffset)]
}

/// A group's offset of a partition, with the text that lies beside it.
package struct CommittedOffset: Sendable, Equatable {
    package var offset: Int64
    package var metadata: String

    package init(offset: Int64, metadata: String) {
        self.offset = offset
        self.metadata = metadata
    }
}
