internal import CXXHash

/// XXH3-64, seed 0: checksum of records and hash of topic names. libxxhash's values are stable by specification.
func xxh3(_ bytes: RawSpan) -> UInt64 {
    unsafe bytes.withUnsafeBytes { unsafe XXH3_64bits($0.baseAddress, $0.count) }
}
