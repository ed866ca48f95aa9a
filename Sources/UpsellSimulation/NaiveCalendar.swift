/// Days and months of UTC, counted from a table of month lengths; shares nothing with the engine's calendar.
package enum NaiveCalendar {
    static let day: Int64 = 86_400_000
    /// 2025-01-01T00:00:00Z.
    static let origin: Int64 = 1_735_689_600_000

    /// Bounds of the span that holds an instant of 2025 or later, the end not included.
    package static func bounds(
        _ span: SimulationCatalogue.Span, around instant: Int64
    ) -> (start: Int64, end: Int64)? {
        switch span {
        case .lifetime, .gauge: return nil
        case .day:
            let start = origin + (instant - origin) / day * day
            return (start, start + day)
        case .month:
            var start = origin
            var month = 0
            while true {
                let end = start + Int64(length(of: month)) * day
                if instant < end { return (start, end) }
                start = end
                month += 1
            }
        }
    }

    /// Days of a month, counted from January 2025.
    private static func length(of month: Int) -> Int {
        let year = 2025 + month / 12
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month % 12]
    }

    /// Reads `2026-02-01T00:00:00Z`, with or without decimals; nil for anything else.
    package static func instant(_ text: String) -> Int64? {
        let parts = text.split(whereSeparator: { !$0.isNumber })
        let numbers = parts.compactMap { Int($0) }
        guard numbers.count == parts.count, numbers.count >= 6, text.hasSuffix("Z"), numbers[0] >= 2025 else {
            return nil
        }
        var days = 0
        for month in 0..<((numbers[0] - 2025) * 12 + numbers[1] - 1) { days += length(of: month) }
        days += numbers[2] - 1
        let seconds = Int64((days * 24 + numbers[3]) * 60 + numbers[4]) * 60 + Int64(numbers[5])
        var milliseconds = origin + seconds * 1_000
        if parts.count == 7, let decimals = Int64((parts[6] + "000").prefix(3)) { milliseconds += decimals }
        return milliseconds
    }
}
