internal import CCrypto

/// SHA-256 by libcrypto, which librdkafka brings along anyway.
enum SHA256 {
    /// Digest in 64 lower-case hexadecimal digits.
    static func hexadecimal(_ bytes: RawSpan) -> String {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        _ = unsafe bytes.withUnsafeBytes { buffer in
            // Never NULL, although OpenSSL takes no byte from an empty text.
            unsafe CCrypto.SHA256(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count, &digest)
        }
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in digest {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
