private import Foundation
private import Synchronization
import UpsellModel

/// Writes numbers, money, dates and lists as a locale does, by Foundation's ICU. Shared and thread-safe; any queue.
final class LocaleFormatter: Sendable {
    private let locale: Locale
    private let number: Decimal.FormatStyle
    private let percent: Decimal.FormatStyle.Percent
    private let date: Date.FormatStyle
    private let list: ListFormatStyle<StringStyle, [String]>
    private let smallBytes: ByteCountFormatStyle
    private let largeBytes: ByteCountFormatStyle
    /// A formatter has a mutable interior by its type, so one thread at a time uses it.
    private let dateTime: Mutex<DateFormatter>
    private let currencies = Mutex<[String: Decimal.FormatStyle.Currency]>([:])
    /// What stands around "2" in "2 GB", by the power of 1000.
    private let byteUnits = Mutex<[Int: (before: String, after: String)]>([:])

    /// One for each locale; made at first use, which takes a thousand times as long as the next ones.
    static func shared(_ name: LocaleName) -> LocaleFormatter {
        if let known = cache.withLock({ $0[name] }) { return known }
        let made = LocaleFormatter(name)
        return cache.withLock { cache in
            if let known = cache[name] { return known }
            // Profiles name locales, so there may be many; the usual ones are back soon.
            if cache.count >= cacheMax { cache.removeAll() }
            cache[name] = made
            return made
        }
    }

    private static let cacheMax = 256
    private static let cache = Mutex<[LocaleName: LocaleFormatter]>([:])

    /// Whether ICU knows the language: only then a locale decides how numbers are written.
    static func knows(_ name: LocaleName) -> Bool { languages.contains(name.language) }

    private static let languages = Set(Locale.availableIdentifiers.compactMap { LocaleName($0)?.language })

    private init(_ name: LocaleName) {
        let locale = Locale(identifier: name.description)
        self.locale = locale
        number = Decimal.FormatStyle(locale: locale).precision(.fractionLength(0...18))
        percent = Decimal.FormatStyle.Percent(locale: locale).precision(.fractionLength(0...2))
        // Instants are moved by the account's own offset and written in this zone: one formatter serves every zone.
        let utc = TimeZone.gmt
        let calendar = Calendar(identifier: .gregorian)
        date = Date.FormatStyle(date: .long, time: .omitted, locale: locale, calendar: calendar, timeZone: utc)
        let formatter = DateFormatter()
        formatter.locale = locale
        formatter.calendar = calendar
        formatter.timeZone = utc
        formatter.dateStyle = .long
        formatter.timeStyle = .short
        dateTime = Mutex(formatter)
        list = ListFormatStyle.list(type: .and).locale(locale)
        smallBytes = ByteCountFormatStyle(
            style: .decimal, allowedUnits: .bytes, spellsOutZero: false, includesActualByteCount: false, locale: locale)
        largeBytes = ByteCountFormatStyle(
            style: .decimal, allowedUnits: .all, spellsOutZero: false, includesActualByteCount: false, locale: locale)
    }

    /// An exact decimal, trailing zeros left out.
    func number(_ value: Int64, scale: Int) -> String { number.format(Self.decimal(value, scale: scale)) }

    /// Hundredths of a percent.
    func percent(_ hundredths: Int64) -> String { percent.format(Self.decimal(hundredths, scale: 4)) }

    func money(_ minorUnits: Int64, currency: String) -> String {
        let digits = Currency.minorDigits(of: currency)
        let amount = Self.decimal(minorUnits, scale: digits)
        guard Currency.isCode(currency) else {
            // Not ISO 4217, so nothing ICU should guess about.
            return number.precision(.fractionLength(digits)).format(amount) + " " + Inert.text(currency)
        }
        let style = currencies.withLock { known in
            if let style = known[currency] { return style }
            let style = Decimal.FormatStyle.Currency(code: currency, locale: locale).precision(.fractionLength(digits))
            if known.count < Self.cacheMax { known[currency] = style }
            return style
        }
        return style.format(amount)
    }

    func date(_ instant: Timestamp, _ zone: TimeZoneTable) -> String { date.format(Self.local(instant, zone)) }

    func dateTime(_ instant: Timestamp, _ zone: TimeZoneTable) -> String {
        let date = Self.local(instant, zone)
        return dateTime.withLock { $0.string(from: date) }
    }

    /// `8.25 GB`: at most two decimals, the rest cut off, so that nothing seems full before it is.
    func bytes(_ bytes: Int64) -> String {
        var power = 0
        var unit: UInt64 = 1
        while power < 5, bytes.magnitude / unit >= 1_000 {
            unit *= 1_000
            power += 1
        }
        guard power > 0 else { return smallBytes.format(bytes) }
        let (whole, rest) = bytes.magnitude.quotientAndRemainder(dividingBy: unit)
        let hundredths = Int64(whole) * 100 + Int64(rest / (unit / 100))
        let text = number(bytes < 0 ? -hundredths : hundredths, scale: 2)
        let (before, after) = byteUnits.withLock { known in
            if let affixes = known[power] { return affixes }
            // ICU's own text for two of the unit, with the number taken out.
            let two = largeBytes.format(Int64(2 * unit))
            let digit = number(2, scale: 0)
            let affixes = two.firstRange(of: digit).map {
                (before: String(two[..<$0.lowerBound]), after: String(two[$0.upperBound...]))
            }
            known[power] = affixes ?? (before: "", after: " ×10^\(3 * power)")
            return known[power] ?? (before: "", after: "")
        }
        return before + text + after
    }

    /// `A, B and C`.
    func list(_ items: [String]) -> String { list.format(items) }

    /// Exact: a significand and a power of ten.
    private static func decimal(_ value: Int64, scale: Int) -> Decimal {
        Decimal(sign: value < 0 ? .minus : .plus, exponent: -scale, significand: Decimal(value.magnitude))
    }

    private static func local(_ instant: Timestamp, _ zone: TimeZoneTable) -> Date {
        Date(timeIntervalSince1970: Double(instant.milliseconds + zone.offset(at: instant)) / 1_000)
    }
}
