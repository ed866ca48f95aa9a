public import UpsellModel

/// Where a refused record lies and why it was refused.
public struct DeadLetterContext: Sendable, Equatable {
    public var topic: String
    public var partition: PartitionID
    public var offset: Int64
    public var stage: DeadLetterStage
    public var rejection: Rejection
    /// When it was refused.
    public var timestamp: Timestamp
    /// Version of the daemon.
    public var applicationVersion: String
    /// Kafka's timestamp of the record; nil where it had none, or where it is no longer at hand.
    public var recordTimestamp: Timestamp?

    public init(
        topic: String, partition: PartitionID, offset: Int64, stage: DeadLetterStage, rejection: Rejection,
        timestamp: Timestamp, applicationVersion: String, recordTimestamp: Timestamp? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.stage = stage
        self.rejection = rejection
        self.timestamp = timestamp
        self.applicationVersion = applicationVersion
        self.recordTimestamp = recordTimestamp
    }
}

/// What the daemon was doing with the record.
public enum DeadLetterStage: String, Sendable, CaseIterable {
    /// Bytes to event.
    case decode
    /// Event to state.
    case apply
    /// The record had to wait for something that did not come.
    case wait
}

/// Headers of a dead letter: Kafka Connect's suffixes under a prefix of our own. Key, value and headers of the original
/// stay as they were; these are added behind them, values as text.
public enum DeadLetterHeaders {
    public static let prefix = "__upselld.errors."

    /// Names and values in a fixed order.
    public static func headers(_ context: DeadLetterContext) -> [(name: String, value: [UInt8])] {
        func header(_ suffix: String, _ value: String) -> (name: String, value: [UInt8]) {
            (prefix + suffix, Array(value.utf8))
        }
        let recordTimestamp = context.recordTimestamp.map { header("record.timestamp", RFC3339.format($0)) }
        return [
            header("topic", context.topic),
            header("partition", String(context.partition.rawValue)),
            header("offset", String(context.offset)),
            header("stage", context.stage.rawValue),
            header("exception.class.name", "upselld.Rejection"),
            header("exception.message", context.rejection.detail),
            header("timestamp", RFC3339.format(context.timestamp)),
            header("app.version", context.applicationVersion),
            header("reason", context.rejection.reason.rawValue),
        ] + (recordTimestamp.map { [$0] } ?? [])
    }
}

/// What stands for a record that does not fit the dead-letter topic: coordinates, size, SHA-256 and the first bytes
/// (`config/schemas/dead-letter-reference.schema.json`).
public enum DeadLetterReference {
    /// Bytes of the original value that are kept.
    public static let headBytesMax = 4_096
    /// Content type of the body.
    public static let contentType = "application/vnd.upselld.dead-letter-reference+json"

    /// JSON that takes the place of the value.
    ///
    /// - Parameters:
    ///   - key: key of the original; its size and hash are given, since a key may be what does not fit.
    ///   - value: value of the original; nil where it had none.
    public static func body(_ context: DeadLetterContext, key: RawSpan?, value: RawSpan?) -> [UInt8] {
        var json = JSONWriter(reserving: 7_000)
        json.beginObject()
        json.member("schemaVersion", integer: 1)
        json.member("topic", context.topic)
        json.member("partition", integer: Int64(context.partition.rawValue))
        json.member("offset", integer: context.offset)
        json.member("reason", context.rejection.reason.rawValue)
        json.member("message", context.rejection.detail)
        json.member("timestamp", context.timestamp)
        json.key("key")
        describe(key, to: &json)
        json.key("value")
        describe(value, to: &json)
        json.endObject()
        return json.bytes
    }

    private static func describe(_ bytes: RawSpan?, to json: inout JSONWriter) {
        guard let bytes else {
            json.raw("null")
            return
        }
        json.beginObject()
        json.member("size", integer: Int64(bytes.byteCount))
        json.member("sha256", SHA256.hexadecimal(bytes))
        json.key("head")
        json.raw("\"")
        json.raw(base64(bytes.extracting(first: min(bytes.byteCount, headBytesMax))))
        json.raw("\"")
        json.endObject()
    }

    /// Base64 of RFC 4648 §4, with padding.
    static func base64(_ bytes: RawSpan) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.byteCount + 2) / 3 * 4)
        var offset = 0
        while offset < bytes.byteCount {
            let left = bytes.byteCount - offset
            let a = Int(bytes.byte(offset))
            let b = left > 1 ? Int(bytes.byte(offset + 1)) : 0
            let c = left > 2 ? Int(bytes.byte(offset + 2)) : 0
            text.append(digits[a >> 2])
            text.append(digits[(a & 3) << 4 | b >> 4])
            text.append(left > 1 ? digits[(b & 15) << 2 | c >> 6] : UInt8(ascii: "="))
            text.append(left > 2 ? digits[c & 63] : UInt8(ascii: "="))
            offset += 3
        }
        return String(decoding: text, as: UTF8.self)
    }
}
