public import UpsellModel

/// Times as scenarios write them, and time zones made by hand.
public enum ScenarioTime {
    /// Reads `2026-01-31`, `2026-01-31T10:00` or `2026-01-31T10:00:05.250`, always UTC; nil for anything else.
    public static func parse(_ text: some StringProtocol) -> Timestamp? {
        let halves = text.split(separator: "T", omittingEmptySubsequences: false)
        let date = halves[0].split(separator: "-").compactMap { Int64($0) }
        guard date.count == 3, halves.count <= 2 else { return nil }
        var milliseconds = days(date[0], date[1], date[2]) * .millisecondsPerDay
        if halves.count == 2 {
            let parts = halves[1].split(separator: ":")
            guard parts.count >= 2, let hour = Int64(parts[0]), let minute = Int64(parts[1]) else { return nil }
            milliseconds += hour * .millisecondsPerHour + minute * .millisecondsPerMinute
            if parts.count == 3 {
                let seconds = parts[2].split(separator: ".")
                guard let second = Int64(seconds[0]) else { return nil }
                milliseconds += second * 1000
                if seconds.count == 2 { milliseconds += Int64(seconds[1]) ?? 0 }
            }
        }
        return Timestamp(milliseconds: milliseconds)
    }

    /// The time a test writes down; ends the process if it is none.
    public static func at(_ text: String) -> Timestamp {
        guard let time = parse(text) else { preconditionFailure("not a time: \(text)") }
        return time
    }

    /// Days since 1970-01-01, counted month by month: on purpose not the engine's arithmetic.
    public static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        var days = day - 1
        for passed in 1..<max(month, 1) { days += length(ofMonth: passed, year) }
        if year >= 1970 {
            for passed in 1970..<year { days += isLeap(passed) ? 366 : 365 }
        } else {
            for passed in year..<1970 { days -= isLeap(passed) ? 366 : 365 }
        }
        return days
    }

    public static func length(ofMonth month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    public static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// `Berlin`: UTC+1, summer time from the last Sunday of March to that of October, 01:00 UTC; 2015 to 2030.
    public static let berlin: TimeZoneTable = {
        var transitions: [Timestamp] = []
        var offsets: [Int64] = [.millisecondsPerHour]
        for year in Int64(2015)...2030 {
            for (month, offset) in [(Int64(3), 2 * Int64.millisecondsPerHour), (10, .millisecondsPerHour)] {
                var day = days(year, month, 31)
                while (day + 4) % 7 != 0 { day -= 1 }  // 1970-01-01 was a Thursday
                transitions.append(Timestamp(milliseconds: day * .millisecondsPerDay + .millisecondsPerHour))
                offsets.append(offset)
            }
        }
        return TimeZoneTable(name: "Europe/Berlin", transitions: transitions, offsets: offsets)
    }()

    public static func zone(named name: String) -> TimeZoneTable? {
        switch name {
        case "Berlin": berlin
        case "UTC": .utc
        case "Kolkata": TimeZoneTable(name: "Asia/Kolkata", transitions: [], offsets: [19_800_000])
        default: nil
        }
    }
}
