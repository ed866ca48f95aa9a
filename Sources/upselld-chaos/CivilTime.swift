/// Calendar arithmetic in UTC, of this command's own: the oracle shares no code with what it judges.
enum CivilTime {
    static let dayMilliseconds: Int64 = 86_400_000

    /// Days since 1970-01-01 of an instant in milliseconds.
    static func day(_ milliseconds: Int64) -> Int64 {
        let quotient = milliseconds / dayMilliseconds
        return milliseconds % dayMilliseconds < 0 ? quotient - 1 : quotient
    }

    /// Year, month and day of month, counted through year by year.
    static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        var year: Int64 = 1970
        var left = day
        while left >= daysInYear(year) {
            left -= daysInYear(year)
            year += 1
        }
        var month: Int64 = 1
        while left >= daysInMonth(month, year) {
            left -= daysInMonth(month, year)
            month += 1
        }
        return (year, month, left + 1)
    }

    /// First day of the month that holds a day.
    static func monthStart(ofDay day: Int64) -> Int64 { day - date(ofDay: day).day + 1 }

    /// First day of the month after.
    static func monthEnd(ofDay day: Int64) -> Int64 {
        let date = date(ofDay: day)
        return monthStart(ofDay: day) + daysInMonth(date.month, date.year)
    }

    /// RFC 3339 with milliseconds.
    static func text(_ milliseconds: Int64) -> String {
        let day = day(milliseconds)
        let date = date(ofDay: day)
        let rest = milliseconds - day * dayMilliseconds
        let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60)
        return "\(date.year)-\(two(date.month))-\(two(date.day))T\(two(hour)):\(two(minute)):\(two(second))."
            + "\(rest % 1_000 < 100 ? "0" : "")\(two(rest % 1_000))Z"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func daysInYear(_ year: Int64) -> Int64 { isLeap(year) ? 366 : 365 }

    private static func daysInMonth(_ month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
}
