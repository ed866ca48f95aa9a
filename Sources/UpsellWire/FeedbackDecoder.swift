public import UpsellModel

/// Reads the values of the feedback topic (contract §7 "Outcomes"; `config/schemas/feedback.schema.json`).
///
/// A plain JSON object, or a CloudEvent in structured mode around it: a value with `specversion` is one, and its `data`
/// is the report. What the report does not say then comes from the envelope: `id` and `time`. Members that are not named
/// are ignored, `null` is an absent member. Single owner, partition queue.
public struct FeedbackDecoder: ~Copyable {
    private var record: JSONRecordReader

    /// Bytes of an id, a recipient, a channel or a reason code.
    public static let textBytesMax = 256

    /// - Parameter maxRecordBytes: values longer than this are `.oversized`.
    public init(maxRecordBytes: Int) { record = JSONRecordReader(maxRecordBytes: maxRecordBytes) }

    /// Decodes and checks one report.
    ///
    /// - Parameter recordTime: when it happened where the report says nothing.
    /// - Throws: the reason for which the record is dead-lettered.
    public mutating func decode(value: RawSpan, recordTime: Timestamp) throws(Rejection) -> Feedback {
        try record.parse(value)
        var report = JSONRecordReader.root
        var id: String?
        var time: Timestamp?
        if record.member("specversion") != nil {
            guard try record.text("specversion", bytesMax: Self.textBytesMax) == "1.0" else {
                throw Rejection(.unsupportedSpecVersion, "specversion is not 1.0")
            }
            guard let data = try record.object("data") else { throw Rejection(.missingField, "data is missing") }
            report = data
            id = try record.text("id", bytesMax: Self.textBytesMax)
            time = try record.time("time")
        }
        if let own = try record.text("id", of: report, bytesMax: Self.textBytesMax) { id = own }
        guard let id else { throw Rejection(.missingField, "id is missing") }
        let trigger = try record.triggerID("trigger", of: report)
        let code = try record.requiredText("kind", of: report, bytesMax: Self.textBytesMax)
        guard let kind = Feedback.Kind(rawValue: code) else {
            let known = Feedback.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw Rejection(.unknownKind, "kind is none of \(known)")
        }
        if let own = try record.time("time", of: report) { time = own }
        var feedback = Feedback(id: id, trigger: trigger, kind: kind, time: time ?? recordTime)
        feedback.recipient = try record.text("recipient", of: report, bytesMax: Self.textBytesMax)
        feedback.channel = try record.text("channel", of: report, bytesMax: Self.textBytesMax)
        feedback.reason = try record.text("reason", of: report, bytesMax: Self.textBytesMax)
        feedback.until = try record.time("until", of: report)
        return feedback
    }
}
