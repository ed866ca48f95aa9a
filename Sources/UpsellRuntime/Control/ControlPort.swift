public import KafkaTransport

/// Where control records are read: the one partition of the control topic, read committed. Control thread only; blocks.
///
/// `KafkaControlPort` in production, an in-memory double in tests.
public protocol ControlPort: AnyObject, Sendable {
    /// First offset, and the one behind the last record that is decided.
    func watermarks() throws(KafkaError) -> (low: Int64, high: Int64)
    /// Reads from an offset up to another.
    ///
    /// - Returns: the position reached; less than `until` where nothing more came in time.
    func read(
        from: Int64, until: Int64, _ body: (_ offset: Int64, _ timestamp: Int64, _ value: [UInt8]?) -> Void
    ) throws(KafkaError) -> Int64
    func close()
}

/// The control topic in Kafka, without a group: every instance reads all of it.
final class KafkaControlPort: ControlPort {
    private let reader: LogReader
    private let topic: String

    init(settings: ClientSettings, topic: String, log: @escaping KafkaLog) throws(KafkaConfigurationError) {
        reader = try LogReader(properties: settings.reader, isolation: .readCommitted, log: log)
        self.topic = topic
    }

    func watermarks() throws(KafkaError) -> (low: Int64, high: Int64) {
        try reader.watermarks(topic: topic, partition: 0, timeoutMilliseconds: Self.patience)
    }

    func read(
        from: Int64, until: Int64, _ body: (_ offset: Int64, _ timestamp: Int64, _ value: [UInt8]?) -> Void
    ) throws(KafkaError) -> Int64 {
        do {
            return try reader.read(
                topic: topic, partition: 0, from: from, until: until, timeoutMilliseconds: Self.patience
            ) { batch in
                for record in 0..<batch.count {
                    body(batch.offset(at: record), batch.timestamp(at: record), batch.value(at: record)?.copied)
                }
                return true
            }
        } catch let error as KafkaError {
            throw error
        } catch {
            throw KafkaError(code: .invalidArgument, text: "\(error)")
        }
    }

    func close() { reader.close(deadlineMilliseconds: 0) }

    private static let patience = 5_000
}
