internal import UpsellModel

/// A day of an account's clock: 23 to 25 hours where daylight saving begins or ends.
struct LocalDay: Equatable {
    /// Days since 1970-01-01 of the local calendar.
    var number: Int64
    /// Instants of its midnight and of the next.
    var start: Int64
    var end: Int64

    static let none = LocalDay(number: .min, start: .max, end: .min)

    @inline(__always)
    func contains(_ instant: Int64) -> Bool { instant >= start && instant < end }
}

extension TimeZoneTable {
    /// The local day of an instant: days lie between midnights, whatever the clock shows meanwhile.
    func day(at instant: Int64) -> LocalDay {
        let local = instant + offset(at: Timestamp(milliseconds: instant))
        let number = local.flooredDivision(by: .millisecondsPerDay)
        var day = LocalDay(number: number, start: midnight(number), end: midnight(number + 1))
        // A clock that is put back over midnight shows the day before once more.
        while instant >= day.end {
            day = LocalDay(number: day.number + 1, start: day.end, end: midnight(day.number + 2))
        }
        while instant < day.start {
            day = LocalDay(number: day.number - 1, start: midnight(day.number - 1), end: day.start)
        }
        return day
    }

    /// The instant at which a local day begins.
    func midnight(_ day: Int64) -> Int64 { instant(ofLocal: day * .millisecondsPerDay).milliseconds }
}

extension PartitionEngine {
    func zone(_ account: Int) -> TimeZoneTable {
        let index = termsIndex[account]
        return index >= 0 ? terms[Int(index)]?.zone ?? .utc : .utc
    }

    /// Number of the local day of an instant; most instants lie in the day that the story remembers.
    @inline(__always)
    func dayNumber(_ account: Int, _ story: AccountStory, at instant: Int64) -> Int64 {
        if story.signals.day.contains(instant) { return story.signals.day.number }
        let day = zone(account).day(at: instant)
        if day.number > story.signals.day.number { story.signals.day = day }
        return day.number
    }

    /// The local day of the clock.
    func today(_ account: Int, _ story: AccountStory) -> LocalDay {
        let now = clock.milliseconds
        return story.signals.day.contains(now) ? story.signals.day : zone(account).day(at: now)
    }
}
