/// Periods of an account at a fixed distance from UTC, found by counting days and months one after the other; shares
/// nothing with the engine's calendar.
enum OracleCalendar {
    static let day: Int64 = 86_400_000

    /// The period around an instant, its end not included; nil for windows without periods.
    static func bounds(
        _ window: EngineScene.MeterShape.Window, _ account: EngineScene.AccountShape, around instant: Int64
    ) -> (start: Int64, end: Int64)? {
        let local = instant + account.offset
        func back(_ start: Int64, _ end: Int64) -> (start: Int64, end: Int64) {
            (start - account.offset, end - account.offset)
        }
        switch window {
        case .lifetime, .gauge, .rolling: return nil
        case .day:
            let start = local - local % day
            return back(start, start + day)
        case .week:
            // 5 January 1970 was a Monday.
            var start = 4 * day
            start += (local - start) / (7 * day) * (7 * day)
            return back(start, start + 7 * day)
        case .month: return months(around: local, dayOfMonth: 1, timeOfDay: 0).map(back)
        case .anniversary:
            let anchor = account.anchor + account.offset
            let (dayOfMonth, timeOfDay) = place(of: anchor)
            return months(around: local, dayOfMonth: dayOfMonth, timeOfDay: timeOfDay).map(back)
        }
    }

    /// Months that begin on a day of the month, the last one in shorter months.
    private static func months(
        around local: Int64, dayOfMonth: Int64, timeOfDay: Int64
    ) -> (start: Int64, end: Int64)? {
        var first = origin
        var start = Int64.min
        for month in 0..<2400 {
            let days = Int64(length(of: month))
            let next = first + (min(dayOfMonth, days) - 1) * day + timeOfDay
            if next > local { return (start, next) }
            start = next
            first += days * day
        }
        return nil
    }

    private static func place(of local: Int64) -> (dayOfMonth: Int64, timeOfDay: Int64) {
        var first = origin
        var month = 0
        while local >= first + Int64(length(of: month)) * day {
            first += Int64(length(of: month)) * day
            month += 1
        }
        return ((local - first) / day + 1, (local - first) % day)
    }

    /// 1 January 2024, 00:00.
    private static let origin: Int64 = 1_704_067_200_000

    /// Days of a month, counted from January 2024.
    private static func length(of month: Int) -> Int {
        let year = 2024 + month / 12
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month % 12]
    }
}
