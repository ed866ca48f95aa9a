/// One setting for librdkafka, as the user wrote it.
public struct KafkaProperty: Sendable, Equatable {
    /// librdkafka's name, without a prefix: `session.timeout.ms`.
    public var name: String
    public var value: String
    /// Where it was written: `config/upselld.yaml:12`, `--set`, `built in`.
    public var place: String

    public init(name: String, value: String, place: String) {
        self.name = name
        self.value = value
        self.place = place
    }
}

/// Kind of client that a set of properties is for.
public enum KafkaRole: Sendable, Equatable {
    case consumer
    case producer
}

/// Says what is wrong with one property, and where it stands.
public struct ConfigurationComplaint: Sendable, Equatable, CustomStringConvertible {
    /// Property at fault; empty if librdkafka did not name one.
    public let name: String
    /// Place of the property at fault; several, joined by a comma, if only their combination is wrong.
    public let place: String
    /// What is wrong, in librdkafka's words where they are clear.
    public let text: String

    public init(name: String, place: String, text: String) {
        self.name = name
        self.place = place
        self.text = text
    }

    public var description: String { place.isEmpty ? text : "\(place): \(text)" }
}

/// Refuses to make a client: all complaints at once.
public struct KafkaConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    public let complaints: [ConfigurationComplaint]

    public init(complaints: [ConfigurationComplaint]) { self.complaints = complaints }

    public var description: String { complaints.map(\.description).joined(separator: "\n") }
}
