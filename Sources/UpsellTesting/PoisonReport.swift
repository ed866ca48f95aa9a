public import UpsellModel
internal import UpsellWire

/// Bad records of the feedback and control topics by name, with the reason for which each must be refused; as
/// `PoisonCorpus` has for usage and profiles.
public struct PoisonReport: Sendable, CustomStringConvertible {
    public var name: String
    public var topic: Topic
    public var value: [UInt8]
    public var reason: RejectionReason

    public var description: String { name }

    public init(name: String, topic: Topic, value: [UInt8], reason: RejectionReason) {
        self.name = name
        self.topic = topic
        self.value = value
        self.reason = reason
    }

    public enum Topic: Sendable { case feedback, control }

    /// A trigger's id, for reports that are to be good.
    public static let trigger = "00112233445566778899aabbccddeeff"

    /// A report that is taken, to go between the bad ones.
    public static func goodFeedback(_ number: Int) -> [UInt8] {
        Array("{\"id\":\"good-\(number)\",\"trigger\":\"\(trigger)\",\"kind\":\"shown\"}".utf8)
    }

    public static func goodControl(_ number: Int) -> [UInt8] {
        Array("{\"action\":\"pause\",\"rule\":\"rule-\(number)\",\"by\":\"ana@ops\"}".utf8)
    }

    /// Decodes the record as the daemon would.
    ///
    /// - Returns: the reason of its refusal; nil where the decoder takes it.
    public func decoderVerdict() -> RejectionReason? {
        let bytes = value
        do throws(Rejection) {
            switch topic {
            case .feedback:
                var decoder = FeedbackDecoder(maxRecordBytes: PoisonCorpus.maxRecordBytes)
                _ = try unsafe decoder.decode(value: bytes.span.bytes, recordTime: PoisonCorpus.recordTime)
            case .control:
                var decoder = ControlDecoder()
                _ = try unsafe decoder.decode(value: bytes.span.bytes, recordTime: PoisonCorpus.recordTime, offset: 0)
            }
            return nil
        } catch {
            return error.reason
        }
    }

    public static let all = form(.feedback) + form(.control) + feedback + envelopes + control

    // MARK: Form, of either

    private static func form(_ topic: Topic) -> [PoisonReport] {
        func report(_ what: String, _ reason: RejectionReason, _ value: [UInt8]) -> PoisonReport {
            PoisonReport(name: "\(topic) \(what)", topic: topic, value: value, reason: reason)
        }
        let good = topic == .feedback ? goodFeedback(0) : goodControl(0)
        let bound = topic == .feedback ? PoisonCorpus.maxRecordBytes : ControlDecoder.recordBytesMax
        return [
            report("without a byte", topic == .feedback ? .invalidJSON : .tombstone, []),
            report("that is a list", .notAnObject, Array("[1]".utf8)),
            report("that is null", .notAnObject, Array("null".utf8)),
            report("without members", .missingField, Array("{}".utf8)),
            report("cut off", .invalidJSON, Array(good.dropLast())),
            report("with text behind its end", .invalidJSON, good + Array("x".utf8)),
            report("that is not UTF-8", .invalidUTF8, Array("{\"id\":\"".utf8) + [0xff] + Array("\"}".utf8)),
            report("with a name twice", .duplicateKey, good.dropLast() + Array(",\"x\":1,\"x\":1}".utf8)),
            report(
                "65 deep", .tooDeep,
                good.dropLast() + Array(",\"x\":".utf8) + Array(repeating: UInt8(ascii: "["), count: 64)
                    + Array(repeating: UInt8(ascii: "]"), count: 64) + Array("}".utf8)),
            report("one byte too long", .oversized, good + Array(repeating: 0x20, count: bound + 1 - good.count)),
        ]
    }

    // MARK: Feedback

    private static func report(_ name: String, _ reason: RejectionReason, _ members: [String]) -> PoisonReport {
        PoisonReport(
            name: "feedback " + name, topic: .feedback, value: Array("{\(members.joined(separator: ","))}".utf8),
            reason: reason)
    }

    private static let id = "\"id\":\"fb-1\""
    private static let of = "\"trigger\":\"\(trigger)\""
    private static let shown = "\"kind\":\"shown\""
    private static let long = String(repeating: "x", count: FeedbackDecoder.textBytesMax + 1)

    private static let feedback: [PoisonReport] = [
        report("without id", .missingField, [of, shown]),
        report("with id null", .missingField, ["\"id\":null", of, shown]),
        report("with an empty id", .wrongType, ["\"id\":\"\"", of, shown]),
        report("with a number for an id", .wrongType, ["\"id\":7", of, shown]),
        report("with NUL in its id", .wrongType, ["\"id\":\"a\\u0000b\"", of, shown]),
        report("with an id too long", .wrongType, ["\"id\":\"\(long)\"", of, shown]),
        report("of no trigger", .missingField, [id, shown]),
        report("of a trigger by number", .wrongType, [id, "\"trigger\":7", shown]),
        report("of a trigger in capitals", .wrongType, [id, "\"trigger\":\"\(trigger.uppercased())\"", shown]),
        report("of a trigger with 31 digits", .wrongType, [id, "\"trigger\":\"\(trigger.dropLast())\"", shown]),
        report("of a trigger with 33 digits", .wrongType, [id, "\"trigger\":\"\(trigger)0\"", shown]),
        report("of a trigger with g", .wrongType, [id, "\"trigger\":\"\(trigger.dropLast())g\"", shown]),
        report("without kind", .missingField, [id, of]),
        report("of the kind of an outcome", .unknownKind, [id, of, "\"kind\":\"seen\""]),
        report("of a kind in capitals", .unknownKind, [id, of, "\"kind\":\"Shown\""]),
        report("of an empty kind", .wrongType, [id, of, "\"kind\":\"\""]),
        report("of a kind that is true", .wrongType, [id, of, "\"kind\":true"]),
        report("with time as a number", .invalidTime, [id, of, shown, "\"time\":1768381200"]),
        report("until tomorrow", .invalidTime, [id, of, "\"kind\":\"snoozed\"", "\"until\":\"tomorrow\""]),
        report("of 30 February", .invalidTime, [id, of, shown, "\"time\":\"2026-02-30T00:00:00Z\""]),
        report("of a recipient that is a list", .wrongType, [id, of, shown, "\"recipient\":[\"user-7\"]"]),
        report("of a recipient too long", .wrongType, [id, of, shown, "\"recipient\":\"\(long)\""]),
        report("of an empty channel", .wrongType, [id, of, shown, "\"channel\":\"\""]),
        report("with a reason that is an object", .wrongType, [id, of, "\"kind\":\"answered\"", "\"reason\":{}"]),
    ]

    private static let envelopes: [PoisonReport] = [
        report(
            "in a CloudEvent of version 0.3", .unsupportedSpecVersion,
            ["\"specversion\":\"0.3\"", id, "\"data\":{\(of),\(shown)}"]),
        report(
            "in a CloudEvent of a version as a number", .wrongType,
            ["\"specversion\":1.0", id, "\"data\":{\(of),\(shown)}"]),
        report("in a CloudEvent without data", .missingField, ["\"specversion\":\"1.0\"", id, of, shown]),
        report("in a CloudEvent with a list for data", .wrongType, ["\"specversion\":\"1.0\"", id, "\"data\":[]"]),
        report("in a CloudEvent, and no id", .missingField, ["\"specversion\":\"1.0\"", "\"data\":{\(of),\(shown)}"]),
        report(
            "in a CloudEvent with a bad time", .invalidTime,
            ["\"specversion\":\"1.0\"", id, "\"time\":\"now\"", "\"data\":{\(of),\(shown)}"]),
    ]

    // MARK: Control

    private static func order(_ name: String, _ reason: RejectionReason, _ members: [String]) -> PoisonReport {
        PoisonReport(
            name: "control " + name, topic: .control, value: Array("{\(members.joined(separator: ","))}".utf8),
            reason: reason)
    }

    private static let pause = "\"action\":\"pause\""
    private static let rule = "\"rule\":\"storage\""
    private static let by = "\"by\":\"ana@ops\""

    private static let control: [PoisonReport] = [
        order("without action", .missingField, [rule, by]),
        order("to stop", .unknownKind, ["\"action\":\"stop\"", rule, by]),
        order("whose action is true", .wrongType, ["\"action\":true", rule, by]),
        order("of no rule", .missingField, [pause, by]),
        order("of a rule without name", .wrongType, [pause, "\"rule\":\"\"", by]),
        order("of several rules", .wrongType, [pause, "\"rule\":[\"storage\"]", by]),
        order("by nobody", .missingField, [pause, rule]),
        order("by null", .missingField, [pause, rule, "\"by\":null"]),
        order("to pause for one account", .wrongType, [pause, rule, by, "\"account\":\"acct-1\""]),
        order("to fire for nobody", .missingField, ["\"action\":\"fire\"", rule, by]),
        order("to fire for a number", .wrongType, ["\"action\":\"fire\"", rule, by, "\"account\":7"]),
        order("at no time", .invalidTime, [pause, rule, by, "\"time\":\"now\""]),
        order(
            "of a rule too long", .wrongType,
            [pause, "\"rule\":\"\(String(repeating: "x", count: ControlDecoder.nameBytesMax + 1))\"", by]),
    ]
}
