internal import UpsellModel

/// A day of the Gregorian calendar.
struct CivilDate: Equatable {
    var year: Int
    /// `1...12`.
    var month: Int
    /// From 1.
    var day: Int

    var isValid: Bool { (1...12).contains(month) && day >= 1 && day <= Self.days(of: month, in: year) }

    static func days(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// `2015-05-17`.
    var text: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }

    /// Midnight UTC at its start.
    var start: Timestamp {
        // Years are counted from March, so that the leap day is their last.
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted >= 0 ? shifted / 400 : (shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Timestamp(milliseconds: Int64(era * 146_097 + dayOfEra - 719_468) * .millisecondsPerDay)
    }

    /// The day that an instant falls on in UTC.
    init(containing instant: Timestamp) {
        let perDay = Int64.millisecondsPerDay
        let quotient = instant.milliseconds / perDay
        let days = Int(instant.milliseconds % perDay < 0 ? quotient - 1 : quotient) + 719_468
        let era = days >= 0 ? days / 146_097 : (days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch + (monthFromMarch < 10 ? 3 : -9)
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }
}

/// `2026-11-23T05:14:35.123Z`.
func rfc3339(_ instant: Timestamp) -> String {
    let date = CivilDate(containing: instant)
    let rest = Int(instant - date.start)
    let (seconds, milliseconds) = (rest / 1000, rest % 1000)
    let clock = "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    return "\(date.text)T\(clock).\(padded(milliseconds, 3))Z"
}

/// Decimal digits with zeros in front.
func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
