internal import CXXHash
internal import UpsellModel

extension TriggerEncoder {
    /// XXH3-128 of the account, a NUL byte and the ids of what is open, 16 bytes each with the most significant first.
    static func openID(account: String, _ triggers: [TriggerID]) -> String {
        var bytes = Array(account.utf8) + [0]
        for trigger in triggers {
            for half in [trigger.high, trigger.low] {
                for shift in stride(from: 56, through: 0, by: -8) {
                    bytes.append(UInt8(truncatingIfNeeded: half >> UInt64(shift)))
                }
            }
        }
        let hash = unsafe bytes.withUnsafeBytes { unsafe XXH3_128bits($0.baseAddress, $0.count) }
        return TriggerID(high: hash.high64, low: hash.low64).description
    }
}
