internal import CSimdjson
internal import UpsellModel

/// One JSON object as a flat list of nodes in document order, parsed by the shim over simdjson with its nine checks.
///
/// Reused from document to document; nodes and their bytes are valid until the next `parse`. Single owner.
@safe
struct JSONDocument: ~Copyable {
    private let parser: OpaquePointer
    /// Where the parser leaves what it found; empty before the first document and after a refused one.
    private let result: UnsafePointer<csimdjson_document>

    init(maxBytes: Int) {
        guard let parser = unsafe csimdjson_create(maxBytes) else { preconditionFailure("no memory for a JSON parser") }
        unsafe self.parser = parser
        unsafe result = csimdjson_result(parser)
    }

    deinit { unsafe csimdjson_destroy(parser) }

    enum Kind: UInt8 {
        case null, `false`, `true`, number, string, array, object
    }

    /// Parses one object.
    ///
    /// - Throws: a rejection of the record's form; no node is to be had then.
    @inline(__always)
    mutating func parse(_ text: RawSpan) throws(Rejection) {
        let status = unsafe text.withUnsafeBytes { bytes in
            unsafe csimdjson_parse(parser, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        }
        if status != CSIMDJSON_OK { throw rejection(status) }
    }

    @inline(never)
    private func rejection(_ status: csimdjson_status) -> Rejection {
        let offset = unsafe csimdjson_error_offset(parser)
        let word = unsafe String(cString: csimdjson_error_text(parser))
        let place = offset < 0 ? "" : " near byte \(offset)"
        switch status {
        case CSIMDJSON_INVALID_UTF8: return Rejection(.invalidUTF8, "the text is not well-formed UTF-8")
        case CSIMDJSON_TOO_DEEP:
            return Rejection(.tooDeep, "more than \(CSIMDJSON_DEPTH_MAX) containers within containers\(place)")
        case CSIMDJSON_DUPLICATE_KEY:
            return Rejection(.duplicateKey, "a member name occurs twice in one object\(place)")
        case CSIMDJSON_NOT_AN_OBJECT: return Rejection(.notAnObject, "the text is JSON but not an object")
        case CSIMDJSON_TOO_LARGE, CSIMDJSON_NO_MEMORY:
            return Rejection(.oversized, "the text is longer than the parser takes")
        default: return Rejection(.invalidJSON, "not JSON\(place): \(word)")
        }
    }

    @inline(__always)
    private func node(_ index: Int) -> UnsafePointer<csimdjson_node> {
        unsafe precondition(index >= 0 && index < Int(result.pointee.count), "node out of bounds")
        return unsafe result.pointee.nodes.unsafelyUnwrapped + index
    }

    /// Members of the root that CloudEvents knows; 0 where one is missing or null.
    @inline(__always)
    var members: csimdjson_document { unsafe result.pointee }

    @inline(__always)
    func kind(_ index: Int) -> Kind { unsafe Kind(rawValue: node(index).pointee.kind).unsafelyUnwrapped }

    /// Whether a string has a NUL character.
    @inline(__always)
    func hasNUL(_ index: Int) -> Bool { unsafe node(index).pointee.flags & UInt8(CSIMDJSON_HAS_NUL) != 0 }

    /// The text of a string that is neither empty nor has a NUL character; nil for everything else.
    @_lifetime(borrow self)
    @inline(__always)
    func plainString(_ index: Int) -> RawSpan? {
        let node = unsafe node(index)
        guard unsafe node.pointee.kind == Kind.string.rawValue, unsafe node.pointee.flags == 0,
            unsafe node.pointee.text_length > 0
        else { return nil }
        return text(index)
    }

    /// Index of the first node behind this value and everything in it.
    @inline(__always)
    func next(_ index: Int) -> Int { unsafe Int(node(index).pointee.next) }

    /// Member name, unescaped; empty for the root and for elements.
    @_lifetime(borrow self)
    @inline(__always)
    func key(_ index: Int) -> RawSpan {
        let node = unsafe node(index)
        guard let start = unsafe node.pointee.key else { return RawSpan() }
        let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: Int(node.pointee.key_length))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Strings unescaped, numbers and literals as written, nothing for containers.
    @_lifetime(borrow self)
    @inline(__always)
    func text(_ index: Int) -> RawSpan {
        let node = unsafe node(index)
        guard let start = unsafe node.pointee.text else { return RawSpan() }
        let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: Int(node.pointee.text_length))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// The member of an object by its name; nil where there is none. Linear: objects are small.
    @inline(__always)
    func member(_ name: RawSpan, of object: Int) -> Int? {
        let end = next(object)
        var index = object + 1
        while index < end {
            if equal(key(index), name) { return index }
            index = next(index)
        }
        return nil
    }

    /// Whether bytes from elsewhere (headers) are well-formed UTF-8.
    static func isUTF8(_ bytes: RawSpan) -> Bool {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe csimdjson_is_utf8(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count) != 0
        }
    }
}
