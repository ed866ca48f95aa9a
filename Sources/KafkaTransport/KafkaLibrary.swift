import CRdKafka

/// The client library beneath.
public enum KafkaLibrary {
    /// Version that runs, as `2.0.2`; not the one that was compiled against. `rd_kafka_version_str`
    public static var version: String { unsafe String(cString: rd_kafka_version_str()) }
}
