/// Whether two runs of bytes are equal. Eight bytes at a time; used for names and keys of a few bytes.
@inline(__always)
func equal(_ a: RawSpan, _ b: RawSpan) -> Bool {
    let count = a.byteCount
    guard count == b.byteCount else { return false }
    // Loads stay inside: every offset is at most `count` minus the size loaded.
    if count >= 8 {
        var offset = 0
        let last = count - 8
        while offset < last {
            let x = unsafe a.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            let y = unsafe b.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            if x != y { return false }
            offset += 8
        }
        let x = unsafe a.unsafeLoadUnaligned(fromUncheckedByteOffset: last, as: UInt64.self)
        let y = unsafe b.unsafeLoadUnaligned(fromUncheckedByteOffset: last, as: UInt64.self)
        return x == y
    }
    if count >= 4 {
        let x = unsafe a.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt32.self)
        let y = unsafe b.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt32.self)
        let v = unsafe a.unsafeLoadUnaligned(fromUncheckedByteOffset: count - 4, as: UInt32.self)
        let w = unsafe b.unsafeLoadUnaligned(fromUncheckedByteOffset: count - 4, as: UInt32.self)
        return x == y && v == w
    }
    for offset in 0..<count where a.byte(offset) != b.byte(offset) { return false }
    return true
}

/// Whether the bytes are those of a literal.
@inline(__always)
func equal(_ a: RawSpan, _ literal: StaticString) -> Bool { equal(a, literal.bytes) }

extension StaticString {
    /// UTF-8 of a literal; it lives as long as the process.
    var bytes: RawSpan {
        @_lifetime(immortal)
        get {
            let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(utf8Start), byteCount: utf8CodeUnitCount)
            return unsafe _overrideLifetime(span, borrowing: ())
        }
    }
}

extension RawSpan {
    /// The byte at an offset, bounds-checked.
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }

    /// Whether `self` starts with a literal of lower-case ASCII, whatever its own case.
    func hasPrefix(ignoringCase literal: StaticString) -> Bool {
        let prefix = literal.bytes
        guard byteCount >= prefix.byteCount else { return false }
        for offset in 0..<prefix.byteCount where lowercased(byte(offset)) != prefix.byte(offset) { return false }
        return true
    }

    /// Whether a NUL character is among the bytes.
    var hasNUL: Bool {
        for offset in 0..<byteCount where byte(offset) == 0 { return true }
        return false
    }

    /// Copies the bytes to where the caller has room for them. Without a call for the few bytes of a name.
    @inline(__always)
    func copy(to target: UnsafeMutableRawPointer) {
        let count = byteCount
        // Loads and stores stay inside: every offset is at most `count` minus the size moved.
        if count >= 8, count <= 32 {
            var offset = 0
            while offset < count - 8 {
                unsafe target.storeBytes(
                    of: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self), toByteOffset: offset,
                    as: UInt64.self)
                offset += 8
            }
            unsafe target.storeBytes(
                of: unsafeLoadUnaligned(fromUncheckedByteOffset: count - 8, as: UInt64.self), toByteOffset: count - 8,
                as: UInt64.self)
        } else if count > 0 {
            unsafe withUnsafeBytes {
                unsafe target.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: count)
            }
        }
    }

    /// Text for a message or a rarely read field; malformed UTF-8 is repaired.
    var text: String { unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }

    /// A copy of the bytes.
    var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}

@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}
