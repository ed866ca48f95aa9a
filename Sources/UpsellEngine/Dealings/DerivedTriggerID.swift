public import UpsellModel

/// Ids of triggers that no arming key stands for: steps of a campaign, and tests.
///
/// Encoding as of arming keys (article "ArmingKeys"), with first bytes of their own: XXH3-128, seed 0.
public enum DerivedTriggerID {
    /// Byte 2, the campaign's id (upper half, lower half), the step's name.
    public static func step(_ name: String, of campaign: TriggerID) -> TriggerID {
        var encoder = CanonicalEncoder()
        encoder.put(UInt8(2))
        encoder.put(campaign.high)
        encoder.put(campaign.low)
        encoder.put(name)
        return id(encoder)
    }

    /// Byte 3, the offset of the control record, the rule's name, the account.
    public static func test(control offset: Int64, rule: String, account: String) -> TriggerID {
        var encoder = CanonicalEncoder()
        encoder.put(UInt8(3))
        encoder.put(offset)
        encoder.put(rule)
        encoder.put(account)
        return id(encoder)
    }

    private static func id(_ encoder: CanonicalEncoder) -> TriggerID {
        let (high, low) = encoder.wideHash
        return TriggerID(high: high, low: low)
    }
}
