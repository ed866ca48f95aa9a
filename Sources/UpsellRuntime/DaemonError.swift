public import KafkaTransport

/// Why a daemon could not start, or had to end.
public enum DaemonError: Error, Sendable, CustomStringConvertible {
    /// Settings that librdkafka refuses, or that contradict what the daemon must set itself; every one with its place.
    case settings([ConfigurationComplaint])
    /// No answer, or missing input topics, within `kafka.startTimeout`.
    case unavailable(String)
    /// Input topics that cannot be counted together.
    case inputs(String)
    /// Output topics that cannot take what has to be written.
    case outputs(String)
    /// Kafka answered with something that no retry cures.
    case kafka(String, KafkaError)

    public var description: String {
        switch self {
        case .settings(let complaints): complaints.map(\.description).joined(separator: "\n")
        case .unavailable(let text), .inputs(let text), .outputs(let text): text
        case .kafka(let what, let error): "\(what): \(error.description)"
        }
    }
}
