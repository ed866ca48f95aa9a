/// A key and value for librdkafka, and where it was written.
public struct KafkaSetting: Sendable, Equatable {
    /// librdkafka's name: `bootstrap.servers`.
    public var name: String
    /// As written; lists are joined by commas.
    public var value: String
    /// For complaints: `config/upselld.yaml:12`, `environment UPSELLD_KAFKA_…`, `--set`, `default`.
    public var place: String

    public init(name: String, value: String, place: String) {
        self.name = name
        self.value = value
        self.place = place
    }

    /// What holds where the configuration says nothing.
    public static let defaults = [KafkaSetting(name: "bootstrap.servers", value: "localhost:9092", place: "default")]

    /// Whether the value is, or may be, a secret: its name speaks of a password, key, token or secret.
    public var isSecret: Bool {
        let name = name.lowercased()
        return ["password", "passphrase", "key", "token", "secret", "sasl.oauthbearer.config", "sasl.jaas.config"]
            .contains { name.contains($0) }
    }

    /// The setting with a secret value replaced.
    public var redacted: KafkaSetting {
        isSecret ? KafkaSetting(name: name, value: "[redacted]", place: place) : self
    }
}

extension KafkaSetting: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `name=value`, secrets redacted, so that no log line and no dump shows one.
    public var description: String { "\(name)=\(redacted.value)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        Mirror(self, children: ["name": name, "value": redacted.value, "place": place], displayStyle: .struct)
    }
}

/// Replaces secret values (password, key, token, secret), for everything that prints settings.
public func redacted(_ settings: [KafkaSetting]) -> [KafkaSetting] { settings.map(\.redacted) }
