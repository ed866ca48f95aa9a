internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellStateLog

/// A restore's way to Kafka: the group's consumer for its offsets, and two readers beside the group, since librdkafka
/// 2.0.2 asks for offsets under the isolation of the handle.
final class KafkaRestorePort: RestorePort {
    private let consumer: KafkaConsumer
    private let committedReader: LogReader
    private let uncommittedReader: LogReader
    private let producer: [KafkaProperty]
    private let inputs: [String]
    private let stateTopic: String
    private let log: KafkaLog

    init(
        consumer: KafkaConsumer, settings: ClientSettings, producer: [KafkaProperty], inputs: [String],
        stateTopic: String, group: String, log: @escaping KafkaLog
    ) throws(KafkaConfigurationError) {
        self.consumer = consumer
        self.producer = producer
        self.inputs = inputs
        self.stateTopic = stateTopic
        self.log = log
        committedReader = try LogReader(properties: settings.reader, isolation: .readCommitted, log: log)
        uncommittedReader = try LogReader(
            properties: settings.reader, groupID: group, isolation: .readUncommitted, log: log)
    }

    func committed(_ partition: PartitionID) throws(KafkaError) -> GroupOffset? {
        do throws(KafkaError) {
            let found = try consumer.committed(
                partitions: [partition.rawValue], timeoutMilliseconds: Self.stablePatience)
            return found[partition.rawValue]
        } catch  where error.code == .timedOut {
            // librdkafka asks again by itself while an offset is unstable, until its time is over. If Kafka is away, the
            // plain look-up fails too.
            _ = try uncommittedReader.committed(
                topic: inputs[0], partitions: [partition.rawValue], timeoutMilliseconds: Self.patience)
            throw KafkaError(code: .unstableOffsetCommit)
        }
    }

    func newestWriter(_ partition: PartitionID) throws(KafkaError) -> String? {
        let (low, high) = try stateWatermarks(partition)
        var writer: String?
        do {
            // Behind the newest chunk there may be markers, which take an offset each.
            _ = try uncommittedReader.read(
                topic: stateTopic, partition: partition.rawValue, from: max(low, high - 32), until: high,
                timeoutMilliseconds: Self.readPatience
            ) { batch in
                for record in 0..<batch.count {
                    guard let value = batch.value(at: record)?.copied else { continue }
                    if let chunk = try? StateChunk.decode(value) { writer = chunk.header.writer }
                }
                return true
            }
        } catch let error as KafkaError {
            throw error
        } catch {
            throw KafkaError(code: .invalidArgument, text: "\(error)")
        }
        return writer
    }

    func fence(writer: String) throws(KafkaError) {
        try TransactionalProducer.fence(
            transactionalID: writer, properties: producer, timeoutMilliseconds: Self.patience, log: log)
    }

    func stateWatermarks(_ partition: PartitionID) throws(KafkaError) -> (low: Int64, high: Int64) {
        try uncommittedReader.watermarks(
            topic: stateTopic, partition: partition.rawValue, timeoutMilliseconds: Self.patience)
    }

    func readState(
        _ partition: PartitionID, from: Int64, until: Int64, _ body: (_ offset: Int64, _ value: [UInt8]) throws -> Void
    ) throws {
        let position = try committedReader.read(
            topic: stateTopic, partition: partition.rawValue, from: from, until: until,
            timeoutMilliseconds: Self.readPatience
        ) { batch in
            for record in 0..<batch.count {
                guard let value = batch.value(at: record)?.copied else { continue }
                try body(batch.offset(at: record), value)
            }
            return true
        }
        guard position >= until else {
            throw KafkaError(
                code: .timedOut,
                text: "the state log was read up to offset \(position) of \(until); a transaction may be open in it",
                topic: stateTopic, partition: partition.rawValue)
        }
    }

    func inputWatermarks(_ partition: PartitionID) throws(KafkaError) -> [(low: Int64, high: Int64)] {
        var watermarks: [(low: Int64, high: Int64)] = []
        for topic in inputs {
            watermarks.append(
                try uncommittedReader.watermarks(
                    topic: topic, partition: partition.rawValue, timeoutMilliseconds: Self.patience))
        }
        return watermarks
    }

    func inputRecord(_ input: Int, _ partition: PartitionID, offset: Int64) throws(KafkaError)
        -> (timestamp: Int64, checksum: UInt64)?
    {
        var found: (timestamp: Int64, checksum: UInt64)?
        do {
            let position = try committedReader.read(
                topic: inputs[input], partition: partition.rawValue, from: offset, until: offset + 1,
                timeoutMilliseconds: Self.patience
            ) { batch in
                for record in 0..<batch.count where batch.offset(at: record) == offset {
                    found = (batch.timestamp(at: record), RecordChecksum.of(batch, at: record))
                }
                return found == nil
            }
            guard position > offset || found != nil else {
                throw KafkaError(
                    code: .timedOut, text: "the last record read could not be read again so far", topic: inputs[input],
                    partition: partition.rawValue)
            }
        } catch let error as KafkaError {
            guard error.code == .offsetOutOfRange else { throw error }
        } catch {
            throw KafkaError(code: .invalidArgument, text: "\(error)")
        }
        return found
    }

    func close() {
        committedReader.close(deadlineMilliseconds: 0)
        uncommittedReader.close(deadlineMilliseconds: 0)
    }

    private static let patience = 5_000
    /// A log of which nothing more comes for so long, below its high watermark, has an open transaction in it.
    private static let readPatience = 1_000
    /// After so long an offset counts as unstable.
    private static let stablePatience = 500
}

extension RecordChecksum {
    static func of(_ batch: MessageBatch, at record: Int) -> UInt64 {
        of(key: batch.key(at: record), value: batch.value(at: record))
    }
}

extension RawSpan {
    var copied: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}
