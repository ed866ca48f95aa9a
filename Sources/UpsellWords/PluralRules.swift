/// CLDR's cardinal rules (release 46) of the languages that have words here; any other language has only `other`.
///
/// Held against an independent reading of CLDR by a fixture: `Tests/Fixtures/words/plurals.tsv`.
public enum PluralRules: String, Sendable, CaseIterable {
    case onlyOther
    /// one: i = 1 and v = 0.
    case singular
    /// one: n = 1.
    case unit
    case danish, spanish, italian, french, eastSlavic, polish, czech, arabic, hebrew

    /// Language code (and region, which matters for Portuguese) → rules.
    public init(language: String, region: String? = nil) {
        switch language {
        case "en", "de", "nl", "sv", "fi": self = .singular
        case "nb", "nn", "no", "tr": self = .unit
        case "da": self = .danish
        case "es": self = .spanish
        case "it": self = .italian
        case "fr": self = .french
        // Portugal's rule is Italian's, Brazil's (and plain Portuguese) is French's.
        case "pt": self = region == "PT" ? .italian : .french
        case "uk", "ru": self = .eastSlavic
        case "pl": self = .polish
        case "cs": self = .czech
        case "ar": self = .arabic
        case "he": self = .hebrew
        default: self = .onlyOther
        }
    }

    /// What the language has, `other` always among them.
    public var categories: [PluralCategory] {
        switch self {
        case .onlyOther: [.other]
        case .singular, .unit, .danish: [.one, .other]
        case .spanish, .italian, .french: [.one, .many, .other]
        case .eastSlavic, .polish, .czech: [.one, .few, .many, .other]
        case .arabic: [.zero, .one, .two, .few, .many, .other]
        case .hebrew: [.one, .two, .other]
        }
    }

    public func category(_ n: PluralOperands) -> PluralCategory {
        switch self {
        case .onlyOther: return .other
        case .singular: return n.i == 1 && n.v == 0 ? .one : .other
        case .unit: return n.isWhole && n.i == 1 ? .one : .other
        case .danish: return n.isWhole ? (n.i == 1 ? .one : .other) : (n.i <= 1 ? .one : .other)
        case .spanish: return n.isWhole && n.i == 1 ? .one : Self.isMillions(n) ? .many : .other
        case .italian: return n.i == 1 && n.v == 0 ? .one : Self.isMillions(n) ? .many : .other
        case .french: return n.i <= 1 ? .one : Self.isMillions(n) ? .many : .other
        case .eastSlavic:
            if n.v != 0 { return .other }
            if n.i % 10 == 1, n.i % 100 != 11 { return .one }
            if (2...4).contains(n.i % 10), !(12...14).contains(n.i % 100) { return .few }
            return .many
        case .polish:
            if n.v != 0 { return .other }
            if n.i == 1 { return .one }
            if (2...4).contains(n.i % 10), !(12...14).contains(n.i % 100) { return .few }
            return .many
        case .czech:
            if n.v != 0 { return .many }
            return n.i == 1 ? .one : (2...4).contains(n.i) ? .few : .other
        case .arabic:
            guard n.isWhole else { return .other }
            switch (n.i, n.i % 100) {
            case (0, _): return .zero
            case (1, _): return .one
            case (2, _): return .two
            case (_, 3...10): return .few
            case (_, 11...99): return .many
            default: return .other
            }
        case .hebrew:
            if n.v == 0 ? n.i == 1 : n.i == 0 { return .one }
            return n.v == 0 && n.i == 2 ? .two : .other
        }
    }

    /// "Un millón de euros": whole millions, and compact forms from the million on.
    private static func isMillions(_ n: PluralOperands) -> Bool {
        n.e == 0 ? n.i != 0 && n.i % 1_000_000 == 0 && n.v == 0 : !(0...5).contains(n.e)
    }
}
