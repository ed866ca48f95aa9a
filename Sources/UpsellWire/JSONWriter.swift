internal import UpsellModel

/// Compact JSON in the order of the calls, without any freedom of form: equal calls give equal bytes.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    /// Whether the next member or element of the innermost container needs a comma.
    private var needsComma = false

    init() {}
    init(reserving capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func beginObject() { open("{") }
    mutating func endObject() { close("}") }
    mutating func beginArray() { open("[") }
    mutating func endArray() { close("]") }

    /// Starts an element of an array.
    mutating func element() { comma() }

    mutating func key(_ name: RawSpan) {
        comma()
        string(name)
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func key(_ name: StaticString) { key(name.bytes) }

    mutating func string(_ text: String) {
        var copy = text
        // Native UTF-8 is contiguous; a bridged text becomes so.
        copy.makeContiguousUTF8()
        unsafe string(copy.utf8.span.bytes)
    }

    /// Escapes what RFC 8259 demands: quote, backslash and control characters.
    mutating func string(_ text: RawSpan) {
        bytes.append(UInt8(ascii: "\""))
        for offset in 0..<text.byteCount {
            let byte = text.byte(offset)
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0a:
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(ascii: "n"))
            case 0x09:
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(ascii: "t"))
            case 0x0d:
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(ascii: "r"))
            case 0..<0x20:
                raw("\\u00")
                bytes.append(byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
                let low = byte & 15
                bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func raw(_ text: RawSpan) { unsafe text.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) } }
    mutating func raw(_ text: StaticString) { raw(text.bytes) }
    mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func time(_ instant: Timestamp) {
        bytes.append(UInt8(ascii: "\""))
        RFC3339.append(instant, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    // MARK: Members

    mutating func member(_ name: StaticString, _ text: String) {
        key(name)
        string(text)
    }

    mutating func member(_ name: StaticString, integer: Int64) {
        key(name)
        raw(String(integer))
    }

    /// An integer of 10⁻ˢᶜᵃˡᵉ as a JSON number.
    mutating func member(_ name: StaticString, _ value: Int64, scale: Int) {
        key(name)
        raw(ExactDecimal.format(value, scale: scale))
    }

    mutating func member(_ name: StaticString, _ instant: Timestamp) {
        key(name)
        time(instant)
    }

    mutating func member(_ name: StaticString, flag: Bool) {
        key(name)
        raw(flag ? "true" : "false")
    }

    mutating func member(_ name: StaticString, texts: [String]) {
        key(name)
        beginArray()
        for text in texts {
            element()
            string(text)
        }
        endArray()
    }

    /// Money: whole minor units beside their currency, so that no reader needs binary floating point.
    mutating func member(_ name: StaticString, amount: Int64, currency: String) {
        key(name)
        beginObject()
        member("amount", integer: amount)
        member("currency", currency)
        endObject()
    }

    /// A member whose name comes from outside, and whose value is JSON already.
    mutating func member(_ name: String, raw json: String) {
        comma()
        string(name)
        bytes.append(UInt8(ascii: ":"))
        raw(json)
    }

    // MARK: Structure

    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: StaticString) {
        raw(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: StaticString) {
        raw(bracket)
        needsComma = true
    }
}
