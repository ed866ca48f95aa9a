internal import KafkaTransport
internal import Synchronization
internal import UpsellConfiguration
internal import UpsellModel

/// The committer's way to Kafka: one transactional producer after another under one id, and the group's consumer, whose
/// membership fences it.
final class KafkaTransactions: TransactionPort {
    private let properties: [KafkaProperty]
    private let transactionalID: String
    private let stateTopic: String
    private let consumer: KafkaConsumer
    private let log: KafkaLog
    /// Commit queue only, but for `close`.
    private let current = Mutex<Handle>(Handle())

    private struct Handle: Sendable {
        var producer: TransactionalProducer?
        /// `init_transactions` has succeeded: asked for again, another handle is wanted.
        var isInitialised = false
        var membership: GroupMembership?
    }

    init(
        properties: [KafkaProperty], transactionalID: String, stateTopic: String, consumer: KafkaConsumer,
        log: @escaping KafkaLog
    ) {
        self.properties = properties
        self.transactionalID = transactionalID
        self.stateTopic = stateTopic
        self.consumer = consumer
        self.log = log
    }

    func membership() -> Int32? {
        guard let membership = try? consumer.membership() else { return nil }
        return membership.generation
    }

    func initialise() throws(KafkaError) {
        // A retry goes on with the handle that has begun; one that was in use, or is dead, is left behind.
        let (former, isUsed) = current.withLock { ($0.producer, $0.isInitialised) }
        if let former, !isUsed, !former.isDead {
            try former.initialise(timeoutMilliseconds: Self.patience)
        } else {
            current.withLock { $0 = Handle() }
            former?.close(deadlineMilliseconds: 100)
            try make().initialise(timeoutMilliseconds: Self.patience)
        }
        current.withLock { $0.isInitialised = true }
    }

    private func make() throws(KafkaError) -> TransactionalProducer {
        do throws(KafkaConfigurationError) {
            let producer = try TransactionalProducer(properties: properties, transactionalID: transactionalID, log: log)
            current.withLock { $0.producer = producer }
            return producer
        } catch {
            throw KafkaError(code: .invalidArgument, text: error.description, recovery: .terminate)
        }
    }

    func begin() throws(KafkaError) {
        let membership = try consumer.membership()
        current.withLock { $0.membership = membership }
        try producer().begin()
    }

    func produce(_ record: OutputRecord) throws(KafkaError) { try producer().produce(record) }
    func flush() throws(KafkaError) { try producer().flush(timeoutMilliseconds: Self.patience) }

    func sendOffsets(_ offsets: [GroupOffset]) throws(KafkaError) {
        guard let membership = current.withLock({ $0.membership }) else {
            throw KafkaError(code: .wrongState, recovery: .abortAndResend)
        }
        try producer().sendOffsets(
            offsets, of: consumer, under: membership, timeoutMilliseconds: Self.patience)
    }

    func commit() throws(KafkaError) { try producer().commit(timeoutMilliseconds: Self.patience) }
    func abort() throws(KafkaError) { try producer().abort(timeoutMilliseconds: Self.patience) }

    func committed(_ partitions: [PartitionID]) throws(KafkaError) -> [PartitionID: GroupOffset] {
        let found = try consumer.committed(
            partitions: partitions.map(\.rawValue), timeoutMilliseconds: Self.patience)
        return Dictionary(uniqueKeysWithValues: found.map { (PartitionID($0.key), $0.value) })
    }

    func stateEnd(_ partition: PartitionID) -> Int64? {
        current.withLock { $0.producer }?.acknowledgedEnd(topic: stateTopic, partition: partition.rawValue)
    }

    func close(deadlineMilliseconds: Int) -> Bool {
        let producer = current.withLock { handle in
            let producer = handle.producer
            handle = Handle()
            return producer
        }
        producer?.close(deadlineMilliseconds: deadlineMilliseconds)
        return true
    }

    private func producer() throws(KafkaError) -> TransactionalProducer {
        guard let producer = current.withLock({ $0.producer }) else {
            throw KafkaError(code: .wrongState, text: "There is no producer", recovery: .rebuildProducer)
        }
        return producer
    }

    /// One call's time; calls are repeated.
    private static let patience = 5_000
}
