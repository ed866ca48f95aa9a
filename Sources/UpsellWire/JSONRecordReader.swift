internal import UpsellModel

/// Members of small JSON records, read by name; what is missing or of another kind is said in one way.
///
/// For topics with few records: it allocates. `null` is an absent member.
struct JSONRecordReader: ~Copyable {
    private var document: JSONDocument
    private let maxRecordBytes: Int

    init(maxRecordBytes: Int) {
        self.maxRecordBytes = maxRecordBytes
        document = JSONDocument(maxBytes: maxRecordBytes)
    }

    /// Position of the object at the root.
    static let root = 0

    mutating func parse(_ value: RawSpan) throws(Rejection) {
        guard value.byteCount <= maxRecordBytes else {
            throw Rejection(.oversized, "the value has \(value.byteCount) bytes; at most \(maxRecordBytes) are taken")
        }
        try document.parse(value)
    }

    /// A member that is neither missing nor `null`.
    func member(_ name: StaticString, of object: Int = root) -> Int? {
        guard let index = document.member(name.bytes, of: object), document.kind(index) != .null else { return nil }
        return index
    }

    /// An object among the members; nil where it is absent.
    func object(_ name: StaticString, of object: Int = root) throws(Rejection) -> Int? {
        guard let index = member(name, of: object) else { return nil }
        guard document.kind(index) == .object else { throw Rejection(.wrongType, "\(name) is not an object") }
        return index
    }

    /// A text of 1 to `bytesMax` bytes without NUL; nil where it is absent.
    func text(_ name: StaticString, of object: Int = root, bytesMax: Int) throws(Rejection) -> String? {
        guard let index = member(name, of: object) else { return nil }
        guard let text = document.plainString(index), text.byteCount <= bytesMax else {
            throw Rejection(.wrongType, "\(name) is not a text of 1 to \(bytesMax) bytes without NUL")
        }
        return text.text
    }

    func requiredText(_ name: StaticString, of object: Int = root, bytesMax: Int) throws(Rejection) -> String {
        guard let text = try text(name, of: object, bytesMax: bytesMax) else {
            throw Rejection(.missingField, "\(name) is missing")
        }
        return text
    }

    func time(_ name: StaticString, of object: Int = root) throws(Rejection) -> Timestamp? {
        guard let index = member(name, of: object) else { return nil }
        guard document.kind(index) == .string, let instant = RFC3339.parse(document.text(index)) else {
            throw Rejection(.invalidTime, "\(name) is not a time of RFC 3339 between the years 1 and 9999")
        }
        return instant
    }

    /// A trigger's id: 32 lower-case hexadecimal digits.
    func triggerID(_ name: StaticString, of object: Int = root) throws(Rejection) -> TriggerID {
        guard let index = member(name, of: object) else { throw Rejection(.missingField, "\(name) is missing") }
        guard document.kind(index) == .string else { throw Rejection(.wrongType, "\(name) is not a string") }
        guard let id = TriggerID(hexadecimal: document.text(index)) else {
            throw Rejection(.wrongType, "\(name) is not a trigger's id of 32 lower-case hexadecimal digits")
        }
        return id
    }
}

extension TriggerID {
    /// Reads `description` back; nil for anything else, also for capital letters: an id has one form.
    init?(hexadecimal text: RawSpan) {
        guard text.byteCount == 32 else { return nil }
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        for offset in 0..<32 {
            let byte = text.byte(offset)
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            halves.high = halves.high << 4 | halves.low >> 60
            halves.low = halves.low << 4 | UInt64(digit)
        }
        self.init(high: halves.high, low: halves.low)
    }
}
