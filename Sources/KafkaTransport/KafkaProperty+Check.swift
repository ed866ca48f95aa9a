import CRdKafka

extension KafkaProperty {
    /// Checks properties against librdkafka without connecting to anything.
    ///
    /// - Parameters:
    ///   - properties: in the order in which they apply.
    ///   - role: with a role, a client without brokers is made and destroyed too, which finds what no single property
    ///     shows: timeouts that contradict each other, certificate files that cannot be read.
    /// - Returns: one complaint for each wrong key or value, in the order of `properties`; empty if all is well.
    public static func complaints(in properties: [KafkaProperty], for role: KafkaRole? = nil)
        -> [ConfigurationComplaint]
    {
        var builder = ConfigurationBuilder()
        for property in properties {
            // A trial client must not connect.
            if role != nil, property.name == "bootstrap.servers" || property.name == "metadata.broker.list" {
                builder.check(property)
            } else {
                builder.apply(property)
            }
        }
        if role == .consumer { builder.complainAboutReserved(properties) }
        guard builder.complaints.isEmpty, let role else { return builder.complaints }
        do {
            _ = try KafkaHandle(role: role, configuration: builder, context: HandleContext())
            return []
        } catch {
            return error.complaints
        }
    }
}

/// Properties that the transport decides, because its guarantees hang on them.
enum ReservedProperty {
    static let consumer: [(name: String, value: String, reason: String)] = [
        ("enable.auto.commit", "false", "offsets leave only together with what they caused"),
        ("enable.auto.offset.store", "false", "offsets leave only together with what they caused"),
        (
            "partition.assignment.strategy", "cooperative-sticky",
            "partitions move one by one, and those that stay keep running"
        ),
    ]
}

/// Collects properties and complaints; owns the `rd_kafka_conf_t` until a handle takes it over.
@safe struct ConfigurationBuilder: ~Copyable {
    private(set) var complaints: [ConfigurationComplaint] = []
    private(set) var applied: [KafkaProperty] = []
    private var raw: OpaquePointer?

    init() { unsafe raw = rd_kafka_conf_new() }

    deinit { if let raw = unsafe raw { unsafe rd_kafka_conf_destroy(raw) } }

    /// Sets one property, or complains about it.
    mutating func apply(_ property: KafkaProperty) {
        guard let raw = unsafe raw else { preconditionFailure("property set after the configuration was taken over") }
        if let text = unsafe ConfigurationBuilder.set(property, on: raw) {
            complaints.append(ConfigurationComplaint(name: property.name, place: property.place, text: text))
        } else {
            applied.append(property)
        }
    }

    /// Checks one property without keeping it.
    mutating func check(_ property: KafkaProperty) {
        guard let scratch = unsafe rd_kafka_conf_new() else { return }
        if let text = unsafe ConfigurationBuilder.set(property, on: scratch) {
            complaints.append(ConfigurationComplaint(name: property.name, place: property.place, text: text))
        }
        unsafe rd_kafka_conf_destroy(scratch)
    }

    /// Complains about properties that contradict what the transport decides.
    mutating func complainAboutReserved(_ properties: [KafkaProperty], groupID: String? = nil) {
        for property in properties {
            for reserved in ReservedProperty.consumer
            where reserved.name == property.name && reserved.value != property.value {
                complaints.append(
                    ConfigurationComplaint(
                        name: property.name, place: property.place,
                        text: "\(property.name) must be \(reserved.value): \(reserved.reason); leave it out"))
            }
            if let groupID, property.name == "group.id", property.value != groupID {
                complaints.append(
                    ConfigurationComplaint(
                        name: property.name, place: property.place,
                        text: "group.id is set by the group's own key, to \"\(groupID)\"; leave it out"))
            }
        }
    }

    /// Adds a complaint of the library that names no property: places are those of the properties its text mentions.
    mutating func complain(_ text: String) {
        let mentioned = applied.filter { text.mentionsProperty($0.name) }
        complaints.append(
            ConfigurationComplaint(
                name: mentioned.first?.name ?? "", place: mentioned.map(\.place).joined(separator: ", "), text: text))
    }

    /// Gives a copy to change and to hand to `rd_kafka_new`; the caller owns it.
    func duplicate() -> OpaquePointer? {
        guard let raw = unsafe raw else { return nil }
        return unsafe rd_kafka_conf_dup(raw)
    }

    /// librdkafka's complaint about the property, or `nil` where it was set.
    private static func set(_ property: KafkaProperty, on raw: OpaquePointer) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { text in
            let result = unsafe rd_kafka_conf_set(
                raw, property.name, property.value, text.baseAddress, text.count)
            guard result != RD_KAFKA_CONF_OK else { return nil }
            return unsafe text.baseAddress.map { unsafe String(cString: $0) }
                ?? "\(property.name) was refused by librdkafka"
        }
    }
}

extension String {
    /// Whether the text holds the property's whole name, not a longer one around it.
    fileprivate func mentionsProperty(_ name: String) -> Bool {
        func isPartOfName(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || (byte >= 0x61 && byte <= 0x7A)
                || (byte >= 0x30 && byte <= 0x39)
        }
        let text = Array(utf8)
        let name = Array(name.utf8)
        guard !name.isEmpty, text.count >= name.count else { return false }
        for start in 0...(text.count - name.count) where text[start..<(start + name.count)].elementsEqual(name) {
            let end = start + name.count
            let opens = start == 0 || !isPartOfName(text[start - 1])
            // A full stop may end the sentence.
            let closes =
                end == text.count || !isPartOfName(text[end])
                || (text[end] == UInt8(ascii: ".") && (end + 1 == text.count || text[end + 1] == 0x20))
            if opens && closes { return true }
        }
        return false
    }
}
