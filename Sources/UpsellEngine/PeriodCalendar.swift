internal import UpsellModel

/// A period of a counter: `start` included, `end` excluded, and the instant by which its arming keys know it.
struct Period: Hashable {
    var start: Int64
    var end: Int64
    var identity: Int64

    /// An account that has no period yet; every comparison of the hot path fails on it.
    static let none = Period(start: .max, end: .min, identity: .min)
    var isNone: Bool { start == .max }
}

/// Computes periods from reset, time zone, anchor and the bounds that a profile gives.
struct PeriodCalendar {
    var reset: Meter.Reset
    var zone: TimeZoneTable
    /// nil: anniversaries count from Monday, 1 January 2001, local midnight, which makes them calendar periods.
    var anchor: Timestamp?
    /// Bounds of the profile, where they are about a period of this length.
    var given: (start: Int64, end: Int64)?

    init(_ reset: Meter.Reset, zone: TimeZoneTable?, bounds: Profile.PeriodBounds?) {
        self.reset = reset
        self.zone = zone ?? .utc
        anchor = bounds?.anchor ?? bounds?.start
        if let start = bounds?.start, let end = bounds?.end, start < end, Self.fits(end - start, reset.unit) {
            given = (start.milliseconds, end.milliseconds)
        }
    }

    /// How far a given bound may lie from a computed one and still mean it.
    var tolerance: Int64 { reset.unit == .day ? 12 * .millisecondsPerHour : .millisecondsPerDay }

    /// The period that contains `instant`.
    ///
    /// Cases: inside the given bounds these are the period, and its identity is the computed start if that lies within
    /// 24 h, else the given one. Outside them periods are computed, and those that overlap the given one are cut. Given
    /// bounds that start far from any computed start replace the anchor.
    func period(containing instant: Int64) -> Period {
        guard let given else { return computed(containing: instant, scheme: scheme(anchoredAt: anchor)) }
        var scheme = self.scheme(anchoredAt: anchor)
        var identity = nearestStart(to: given.start, scheme)
        if abs(identity - given.start) > tolerance {
            scheme = Scheme(anniversaryOf: Timestamp(milliseconds: given.start), zone)
            identity = given.start
        }
        if instant >= given.start, instant < given.end {
            return Period(start: given.start, end: given.end, identity: identity)
        }
        if instant >= given.end {
            let boundary = nearestStart(to: given.end, scheme)
            guard abs(boundary - given.end) <= tolerance else {
                var period = computed(containing: instant, scheme: scheme)
                if period.start < given.end {
                    period.start = given.end
                    period.identity = given.end
                }
                return period
            }
            var period = computed(containing: max(instant, boundary), scheme: scheme)
            if period.start == boundary { period.start = given.end }
            return period
        }
        var period = computed(containing: min(instant, identity - 1), scheme: scheme)
        if period.end == identity || period.end > given.start { period.end = given.start }
        return period
    }

    static func fits(_ length: Int64, _ unit: Meter.Reset.Unit) -> Bool {
        switch unit {
        case .day: (20 * Int64.millisecondsPerHour...28 * .millisecondsPerHour).contains(length)
        case .week: (6 * Int64.millisecondsPerDay...8 * .millisecondsPerDay).contains(length)
        case .month: (27 * Int64.millisecondsPerDay...32 * .millisecondsPerDay).contains(length)
        case .year: (364 * Int64.millisecondsPerDay...367 * .millisecondsPerDay).contains(length)
        }
    }

    // MARK: Schemes

    /// How boundaries are numbered: day, weekday, day of month and time of day that a period starts at, local.
    private struct Scheme {
        /// Local day number since 1970-01-01 of the anchor.
        var day: Int64
        var dayOfMonth: Int64
        /// Years × 12 + month (0...11).
        var month: Int64
        var timeOfDay: Int64

        init(anniversaryOf anchor: Timestamp, _ zone: TimeZoneTable) {
            let local = anchor.milliseconds + zone.offset(at: anchor)
            self.init(local: local)
        }

        init(local: Int64) {
            day = local.flooredDivision(by: .millisecondsPerDay)
            timeOfDay = local - day * .millisecondsPerDay
            let civil = CivilDate(day: day)
            dayOfMonth = civil.day
            month = civil.year * 12 + civil.month - 1
        }
    }

    /// 2001-01-01 was a Monday.
    private static let calendarAnchor = CivilDate(year: 2001, month: 1, day: 1).dayNumber * .millisecondsPerDay

    private func scheme(anchoredAt anchor: Timestamp?) -> Scheme {
        guard reset.alignment == .anniversary, let anchor else { return Scheme(local: Self.calendarAnchor) }
        return Scheme(anniversaryOf: anchor, zone)
    }

    private func nearestStart(to instant: Int64, _ scheme: Scheme) -> Int64 {
        let period = computed(containing: instant, scheme: scheme)
        return instant - period.start <= period.end - instant ? period.start : period.end
    }

    private func computed(containing instant: Int64, scheme: Scheme) -> Period {
        let local = instant + zone.offset(at: Timestamp(milliseconds: instant))
        var index = self.index(ofLocal: local, scheme)
        var start = boundary(index, scheme)
        var end = boundary(index + 1, scheme)
        // The guess is off by one before the anchor's day of the month and around a change of the clock.
        while instant < start {
            index -= 1
            end = start
            start = boundary(index, scheme)
        }
        while instant >= end {
            index += 1
            start = end
            end = boundary(index + 1, scheme)
        }
        return Period(start: start, end: end, identity: start)
    }

    private func index(ofLocal local: Int64, _ scheme: Scheme) -> Int64 {
        let day = (local - scheme.timeOfDay).flooredDivision(by: .millisecondsPerDay)
        switch reset.unit {
        case .day: return day - scheme.day
        case .week: return (day - scheme.day).flooredDivision(by: 7)
        case .month, .year:
            let civil = CivilDate(day: day)
            let months = civil.year * 12 + civil.month - 1 - scheme.month
            return reset.unit == .month ? months : months.flooredDivision(by: 12)
        }
    }

    private func boundary(_ index: Int64, _ scheme: Scheme) -> Int64 {
        let day: Int64
        switch reset.unit {
        case .day: day = scheme.day + index
        case .week: day = scheme.day + 7 * index
        case .month, .year:
            let month = scheme.month + (reset.unit == .month ? index : 12 * index)
            let year = month.flooredDivision(by: 12)
            let first = CivilDate(year: year, month: month - year * 12 + 1, day: 1)
            day = first.dayNumber + Swift.min(scheme.dayOfMonth, first.daysInMonth) - 1
        }
        return zone.instant(ofLocal: day * .millisecondsPerDay + scheme.timeOfDay).milliseconds
    }
}

/// A day of the proleptic Gregorian calendar.
struct CivilDate: Equatable {
    var year: Int64
    /// 1...12
    var month: Int64
    /// 1...31
    var day: Int64

    init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// - Parameter day: days since 1970-01-01.
    init(day number: Int64) {
        // Years begin in March here, so that the leap day is the last of its year.
        let shifted = number + 719_468
        let era = shifted.flooredDivision(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01.
    var dayNumber: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.flooredDivision(by: 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    var daysInMonth: Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }
}

extension Int64 {
    /// Rounds towards minus infinity; `divisor` > 0.
    func flooredDivision(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
