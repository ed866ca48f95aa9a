public import UpsellModel

/// Reads the values of the control topic (`config/schemas/control.schema.json`):
/// `{"action", "rule", "account", "by", "time"}`.
///
/// `account` belongs to `fire` and is refused elsewhere, since it would suggest that a pause is for one account. Other
/// members are ignored, `null` is an absent member; `by` is needed, since the journal says who gave it. Single owner.
public struct ControlDecoder: ~Copyable {
    private var record = JSONRecordReader(maxRecordBytes: Self.recordBytesMax)

    /// Longer values are `.oversized`, in bytes.
    public static let recordBytesMax = 16_384
    /// Bytes of a rule's name, an account or a person.
    public static let nameBytesMax = 1_024

    public init() {}

    /// - Parameters:
    ///   - recordTime: when it was given, where it says nothing.
    ///   - offset: of the record.
    /// - Throws: why it is no command.
    public mutating func decode(
        value: RawSpan, recordTime: Timestamp, offset: Int64
    ) throws(Rejection) -> ControlCommand {
        guard value.byteCount > 0 else { throw Rejection(.tombstone, "a control record without a value says nothing") }
        try record.parse(value)
        let action = try record.requiredText("action", bytesMax: Self.nameBytesMax)
        let rule = try record.requiredText("rule", bytesMax: Self.nameBytesMax)
        let by = try record.requiredText("by", bytesMax: Self.nameBytesMax)
        let account = try record.text("account", bytesMax: Self.nameBytesMax)
        let time = try record.time("time") ?? recordTime
        guard let known = ControlCommand.Action(name: action, account: account ?? "") else {
            let names = ControlCommand.Action.names.joined(separator: ", ")
            throw Rejection(.unknownKind, "action is none of \(names)")
        }
        if case .fireTest = known {
            if account == nil { throw Rejection(.missingField, "\(known.name) needs an account") }
        } else if account != nil {
            throw Rejection(.wrongType, "account belongs to fire; \(known.name) is for a rule as a whole")
        }
        return ControlCommand(offset: offset, action: known, rule: rule, by: by, time: time)
    }
}

/// Writes the values of the control topic.
public enum ControlEncoder {
    /// - Parameters:
    ///   - by: who gives it, as `user@host`.
    ///   - time: when.
    public static func encode(action: ControlCommand.Action, rule: String, by: String, time: Timestamp) -> [UInt8] {
        var json = JSONWriter(reserving: 256)
        json.beginObject()
        json.member("action", action.name)
        json.member("rule", rule)
        if case .fireTest(let account) = action { json.member("account", account) }
        json.member("by", by)
        json.member("time", time)
        json.endObject()
        return json.bytes
    }
}

extension ControlCommand.Action {
    /// As in a control record.
    public var name: String {
        switch self {
        case .pause: "pause"
        case .resume: "resume"
        case .shadow: "shadow"
        case .fireTest: "fire"
        }
    }

    /// All that a control record may say.
    public static let names = ["pause", "resume", "shadow", "fire"]

    init?(name: String, account: String) {
        switch name {
        case "pause": self = .pause
        case "resume": self = .resume
        case "shadow": self = .shadow
        case "fire": self = .fireTest(account: account)
        default: return nil
        }
    }
}
