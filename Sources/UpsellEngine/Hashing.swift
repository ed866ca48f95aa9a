internal import CXXHash

/// XXH3 of a run of bytes; `CXXHash` is libxxhash, whose hashes are stable by specification.
@inline(__always)
func xxh3(_ bytes: RawSpan) -> UInt64 {
    unsafe bytes.withUnsafeBytes { unsafe XXH3_64bits($0.baseAddress, $0.count) }
}

func xxh3Wide(_ bytes: RawSpan) -> (high: UInt64, low: UInt64) {
    unsafe bytes.withUnsafeBytes {
        let hash = unsafe XXH3_128bits($0.baseAddress, $0.count)
        return (hash.high64, hash.low64)
    }
}

/// Writes the canonical encodings that identities are hashed from: little-endian integers, texts with a length before
/// them, so that no two different sequences of fields give the same bytes.
struct CanonicalEncoder {
    var bytes: [UInt8] = []

    mutating func put(_ value: UInt8) { bytes.append(value) }

    mutating func put(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func put(_ value: Int64) { put(UInt64(bitPattern: value)) }

    /// Length in UTF-8 bytes as 32 bits, then the bytes.
    mutating func put(_ text: String) {
        let count = UInt32(text.utf8.count)
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
        bytes.append(contentsOf: text.utf8)
    }

    /// 0 for nil, 1 and the text otherwise.
    mutating func put(_ text: String?) {
        guard let text else { return put(UInt8(0)) }
        put(UInt8(1))
        put(text)
    }

    mutating func put(_ texts: [String]) {
        put(UInt64(texts.count))
        for text in texts { put(text) }
    }

    var hash: UInt64 { unsafe xxh3(bytes.span.bytes) }
    var wideHash: (high: UInt64, low: UInt64) { unsafe xxh3Wide(bytes.span.bytes) }
}

/// XXH3-64 of texts, as identities, accounts and distinct values are hashed everywhere.
public enum StableHash {
    public static func of(_ text: String) -> UInt64 { unsafe xxh3(text.utf8.span.bytes) }
}
