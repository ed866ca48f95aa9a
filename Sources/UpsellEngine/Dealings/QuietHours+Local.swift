internal import UpsellModel

extension Policy.QuietHours {
    /// The instant at which the quiet hours around `instant` end; nil outside of them.
    ///
    /// Local time decides, so that a changed clock moves the end and never loses it: a time of day that is skipped ends
    /// them where the gap does, and in the second of two equal hours they end in that hour. `from` = `to` is no time of
    /// day at all.
    func end(around instant: Int64, _ zone: TimeZoneTable) -> Int64? {
        guard isQuiet(instant, zone) else { return nil }
        var end = instant
        // A weekend, the night before it and the one after it, with a change of the clock in each: far fewer stretches.
        for _ in 0..<16 where isQuiet(end, zone) {
            let local = Self.local(end, zone)
            let boundary = nextBoundary(local)
            let next = zone.instant(ofLocal: boundary).milliseconds
            end = next > end ? next : end + (boundary - local)
        }
        return end
    }

    func isQuiet(_ instant: Int64, _ zone: TimeZoneTable) -> Bool {
        let local = Self.local(instant, zone)
        return isWeekend(local) || isTimeOfDay(Self.minute(local))
    }

    private func isWeekend(_ local: Int64) -> Bool {
        // 1970-01-01 was a Thursday.
        guard weekends else { return false }
        let day = local.flooredDivision(by: .millisecondsPerDay) + 3
        return day - day.flooredDivision(by: 7) * 7 >= 5
    }

    private func isTimeOfDay(_ minute: Int) -> Bool {
        from <= to ? minute >= from && minute < to : minute >= from || minute < to
    }

    /// Where the stretch that a quiet local time lies in ends at the latest: midnight of a weekend day, else `to`.
    private func nextBoundary(_ local: Int64) -> Int64 {
        let day = local.flooredDivision(by: .millisecondsPerDay)
        if isWeekend(local) { return (day + 1) * .millisecondsPerDay }
        let isTomorrow = Self.minute(local) >= to
        return (day + (isTomorrow ? 1 : 0)) * .millisecondsPerDay + Int64(to) * .millisecondsPerMinute
    }

    private static func local(_ instant: Int64, _ zone: TimeZoneTable) -> Int64 {
        instant + zone.offset(at: Timestamp(milliseconds: instant))
    }

    private static func minute(_ local: Int64) -> Int {
        let day = local.flooredDivision(by: .millisecondsPerDay)
        return Int((local - day * .millisecondsPerDay) / .millisecondsPerMinute)
    }
}
