/// Why an input record could not be used. The raw value is the stable code in the dead letter's headers and in metrics.
public enum RejectionReason: String, Sendable, CaseIterable {
    // Form.
    case tombstone, oversized
    case invalidJSON = "invalid_json"
    case invalidUTF8 = "invalid_utf8"
    case tooDeep = "too_deep"
    case duplicateKey = "duplicate_key"
    case notAnObject = "not_an_object"
    case unsupportedContentType = "unsupported_content_type"
    // Envelope.
    case unsupportedSpecVersion = "unsupported_specversion"
    case missingAttribute = "missing_attribute"
    case invalidAttribute = "invalid_attribute"
    case invalidTime = "invalid_time"
    // Payload.
    case missingField = "missing_field"
    case wrongType = "wrong_type"
    case tooManyDecimals = "too_many_decimals"
    case negativeQuantity = "negative_quantity"
    case overflow
    // Profile.
    case missingKey = "missing_key"
    case unknownPlan = "unknown_plan"
    case unknownTimeZone = "unknown_time_zone"
    // Time and state.
    case inFuture = "in_future"
    case tooOld = "too_old"
    case noProfile = "no_profile"
    // Feedback and control.
    case unknownKind = "unknown_kind"
    case unknownTrigger = "unknown_trigger"
}

/// A refused record: its reason and one sentence with the place (field, value, bound).
public struct Rejection: Error, Sendable, Equatable {
    public var reason: RejectionReason
    public var detail: String
    public init(_ reason: RejectionReason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
