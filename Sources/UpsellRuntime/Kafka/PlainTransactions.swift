internal import KafkaTransport
internal import UpsellModel

/// At least once, without transactions and offsets: what exactly once is compared with, by the benchmark alone.
final class PlainTransactions: TransactionPort {
    private let producer: KafkaProducer

    init(properties: [KafkaProperty], log: @escaping KafkaLog) throws(KafkaConfigurationError) {
        let transactional = ["transaction.timeout.ms", "transactional.id"]
        producer = try KafkaProducer(properties: properties.filter { !transactional.contains($0.name) }, log: log)
    }

    func membership() -> Int32? { 0 }
    func initialise() throws(KafkaError) {}
    func begin() throws(KafkaError) {}
    func produce(_ record: OutputRecord) throws(KafkaError) { try producer.produce(record) }
    func flush() throws(KafkaError) { try producer.flush(timeoutMilliseconds: 5_000) }
    func sendOffsets(_ offsets: [GroupOffset]) throws(KafkaError) {}
    func commit() throws(KafkaError) {}
    func abort() throws(KafkaError) {}
    func committed(_ partitions: [PartitionID]) throws(KafkaError) -> [PartitionID: GroupOffset] { [:] }
    func stateEnd(_ partition: PartitionID) -> Int64? { nil }
    func close(deadlineMilliseconds: Int) -> Bool { producer.close(deadlineMilliseconds: deadlineMilliseconds) }
}
