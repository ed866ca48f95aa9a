/// The hash by which GrowthBook assigns arms, version 2, so that any analyst can compute an account's arm again.
///
/// hash(seed, value) = fnv1a32(decimal text of fnv1a32(seed + value)) mod 10,000, as hundredths of a percent; the SDKs
/// publish it divided by 10,000. Integers here, so that a share is compared exactly.
public enum ExperimentHash {
    /// - Returns: `0..<10_000`.
    public static func bucket(seed: String, value: String) -> Int64 {
        let first = fnv1a32(seed + value)
        return Int64(fnv1a32(String(first)) % 10_000)
    }

    /// FNV-1a of 32 bits over the text's UTF-8.
    static func fnv1a32(_ text: String) -> UInt32 {
        var hash: UInt32 = 0x811c_9dc5
        // Wraps by definition.
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash
    }
}
