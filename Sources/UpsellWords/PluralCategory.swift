/// CLDR's names for the forms that a language's words take beside a number.
public enum PluralCategory: String, Sendable, CaseIterable, Hashable {
    case zero, one, two, few, many, other
}

/// What CLDR's plural rules look at, of a number as it is shown: exact, never a binary fraction.
///
/// Names and meaning are those of Unicode Technical Standard 35, part 3, "Operands".
public struct PluralOperands: Sendable, Equatable {
    /// Integer digits.
    public var i: UInt64
    /// Visible decimals, trailing zeros included.
    public var v: Int
    /// Visible decimals without trailing zeros, as a count.
    public var w: Int
    /// Visible decimals as an integer, trailing zeros included.
    public var f: UInt64
    /// Visible decimals as an integer, without trailing zeros.
    public var t: UInt64
    /// Exponent of a compact form ("1 million"); numbers are not written that way here, so 0.
    public var e: Int

    /// The absolute value is the whole number `i`: CLDR's `n` as far as rules can tell, since none compares it with
    /// anything but whole numbers.
    var isWhole: Bool { t == 0 }

    /// - Parameters:
    ///   - value: integer of 10⁻ˢᶜᵃˡᵉ; the sign does not matter.
    ///   - scale: decimals that are shown, `0...18`.
    public init(_ value: Int64, scale: Int = 0, exponent: Int = 0) {
        precondition((0...18).contains(scale), "scale")
        var power: UInt64 = 1
        for _ in 0..<scale { power *= 10 }
        (i, f) = value.magnitude.quotientAndRemainder(dividingBy: power)
        v = scale
        t = f
        w = scale
        while w > 0, t % 10 == 0 {
            t /= 10
            w -= 1
        }
        e = exponent
    }

    /// The operands of a number that is shown without trailing zeros, as all numbers are here: 1.50 counts as 1.5.
    public init(trimmed value: Int64, scale: Int) {
        var (value, scale) = (value, scale)
        while scale > 0, value % 10 == 0 {
            value /= 10
            scale -= 1
        }
        self.init(value, scale: scale)
    }
}
