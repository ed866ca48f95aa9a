/// The variables that a template may use, with their kinds: what the static check holds every name against.
public struct WordsSchema: Sendable, Equatable {
    /// By full name, dots included: `remedy.price`.
    public var variables: [String: Variable]
    /// Names that exist by the account and not by us: with `attributes` here, every `attributes.NAME` is known. They are
    /// of any kind and may always be absent.
    public var openPrefixes: Set<String>

    public init(_ variables: [String: Variable] = [:], openPrefixes: Set<String> = []) {
        self.variables = variables
        self.openPrefixes = openPrefixes
    }

    public struct Variable: Sendable, Equatable {
        public var kind: Kind
        /// nil: always there. Else it may be absent, and is used only inside a section of its own name or of one of
        /// these, whose presence implies it.
        public var presentWith: [String]?
        /// One sentence for the people who write words.
        public var summary: String

        public init(_ kind: Kind, presentWith: [String]? = nil, summary: String = "") {
            self.kind = kind
            self.presentWith = presentWith
            self.summary = summary
        }
    }

    public indirect enum Kind: Sendable, Equatable {
        case text, number, percent, money, date, dateTime, bytes, flag
        /// A number, or bytes where the meter's unit is that.
        case quantity
        /// Text, number or flag: known when it is rendered.
        case any
        /// Items have these variables and the flags `first` and `last`.
        case list([String: Variable])

        /// As a complaint says it.
        var noun: String {
            switch self {
            case .text: "a text"
            case .number: "a number"
            case .percent: "a percentage"
            case .money: "an amount of money"
            case .date: "a date"
            case .dateTime: "a date with time"
            case .bytes: "a number of bytes"
            case .flag: "a flag"
            case .quantity: "a number or bytes"
            case .any: "an attribute"
            case .list: "a list"
            }
        }

        var isCounted: Bool {
            switch self {
            case .number, .quantity, .percent: true
            case .text, .money, .date, .dateTime, .bytes, .flag, .any, .list: false
            }
        }
    }

    /// Everything that either knows. A name that both know stays optional where one of them says so.
    public func union(_ other: WordsSchema) -> WordsSchema {
        var result = self
        result.openPrefixes.formUnion(other.openPrefixes)
        for (name, variable) in other.variables {
            guard let known = result.variables[name] else {
                result.variables[name] = variable
                continue
            }
            if known.presentWith == nil { result.variables[name] = variable }
        }
        return result
    }
}
