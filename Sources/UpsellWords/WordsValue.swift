public import UpsellModel

/// A value that words are filled with; how it is written is decided by the account's locale.
public indirect enum WordsValue: Sendable, Equatable {
    /// From outside: made inert before it is shown.
    case text(String)
    /// Integer of 10⁻ˢᶜᵃˡᵉ, scale `0...18`.
    case number(Int64, scale: Int)
    /// Hundredths of a percent: 8000 is 80 %.
    case percent(Int64)
    /// Minor units of the currency (ISO 4217); what it is paid for, where it is paid again and again.
    case money(Int64, currency: String, interval: Price.Interval?)
    /// The day of an instant in a zone.
    case date(Timestamp, zone: TimeZoneTable)
    /// Day, hour and minute of an instant in a zone.
    case dateTime(Timestamp, zone: TimeZoneTable)
    /// In units of 1000: kB, MB, GB.
    case bytes(Int64)
    case list([[String: WordsValue]])
    case flag(Bool)

    /// A whole number.
    public static func number(_ value: Int) -> WordsValue { .number(Int64(value), scale: 0) }

    /// Whether `{{#name}}` shows what is inside: a set flag, a list with items, a text with characters, and any number,
    /// amount or date that is there at all, 0 included.
    var isPresent: Bool {
        switch self {
        case .flag(let flag): flag
        case .list(let items): !items.isEmpty
        case .text(let text): !text.isEmpty
        case .number, .percent, .money, .date, .dateTime, .bytes: true
        }
    }
}
