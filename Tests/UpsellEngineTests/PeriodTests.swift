import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

struct PeriodTests {
    static func time(_ text: String) -> Int64 { ScenarioTime.at(text).milliseconds }

    static func period(
        _ reset: Meter.Reset, _ instant: String, zone: TimeZoneTable? = nil, bounds: Profile.PeriodBounds? = nil
    ) -> Period {
        PeriodCalendar(reset, zone: zone, bounds: bounds).period(containing: time(instant))
    }

    @Test(arguments: [
        (Meter.Reset.Unit.day, "2026-02-28T12:00", "2026-02-28", "2026-03-01"),
        (.week, "2026-11-22T23:59", "2026-11-16", "2026-11-23"),
        (.week, "2026-11-23", "2026-11-23", "2026-11-30"),
        (.month, "2026-02-28T23:59", "2026-02-01", "2026-03-01"),
        (.month, "2024-02-29", "2024-02-01", "2024-03-01"),
        (.month, "2026-12-31T23:59", "2026-12-01", "2027-01-01"),
        (.year, "2026-07-01", "2026-01-01", "2027-01-01"),
        (.month, "1969-12-31T23:59", "1969-12-01", "1970-01-01"),
        (.month, "1900-02-28", "1900-02-01", "1900-03-01"),
    ])
    func calendarPeriods(_ unit: Meter.Reset.Unit, _ instant: String, _ start: String, _ end: String) {
        let expected = Period(start: Self.time(start), end: Self.time(end), identity: Self.time(start))
        #expect(Self.period(Meter.Reset(unit), instant) == expected)
        // Without an anchor anniversaries are calendar periods.
        #expect(Self.period(Meter.Reset(unit, .anniversary), instant) == expected)
    }

    @Test(arguments: [
        (Meter.Reset.Unit.month, "2026-01-31T10:00", "2026-02-28T09:59", "2026-01-31T10:00", "2026-02-28T10:00"),
        (.month, "2026-01-31T10:00", "2026-02-28T10:00", "2026-02-28T10:00", "2026-03-31T10:00"),
        (.month, "2023-12-31", "2024-02-29", "2024-02-29", "2024-03-31"),
        (.month, "2026-03-15", "2026-01-20", "2026-01-15", "2026-02-15"),
        (.year, "2024-02-29", "2025-06-01", "2025-02-28", "2026-02-28"),
        (.year, "2024-02-29", "2028-03-01", "2028-02-29", "2029-02-28"),
        (.week, "2026-01-01T08:00", "2026-01-08T07:59", "2026-01-01T08:00", "2026-01-08T08:00"),
        (.day, "2026-01-01T08:00", "2026-06-08T07:59", "2026-06-07T08:00", "2026-06-08T08:00"),
    ])
    func anniversaries(_ unit: Meter.Reset.Unit, _ anchor: String, _ instant: String, _ start: String, _ end: String) {
        let bounds = Profile.PeriodBounds(anchor: ScenarioTime.parse(anchor))
        let period = Self.period(Meter.Reset(unit, .anniversary), instant, bounds: bounds)
        #expect(period == Period(start: Self.time(start), end: Self.time(end), identity: Self.time(start)))
    }

    /// Walks through years in steps of some hours: periods are contiguous, contain their instant and have whole
    /// lengths.
    @Test(arguments: [
        (Meter.Reset.Unit.day, Meter.Reset.Alignment.calendar), (.week, .calendar), (.month, .calendar),
        (.month, .anniversary), (.year, .anniversary), (.day, .anniversary),
    ])
    func periodsTileTime(_ unit: Meter.Reset.Unit, _ alignment: Meter.Reset.Alignment) {
        let bounds = Profile.PeriodBounds(anchor: ScenarioTime.parse("2024-08-31T02:30"))
        let calendar = PeriodCalendar(Meter.Reset(unit, alignment), zone: ScenarioTime.berlin, bounds: bounds)
        var instant = Self.time("2023-12-01")
        var last = calendar.period(containing: instant)
        var wrong = 0
        while instant < Self.time("2027-02-01") {
            let period = calendar.period(containing: instant)
            if instant < period.start || instant >= period.end { wrong += 1 }
            if period != last && period.start != last.end { wrong += 1 }
            if !PeriodCalendar.fits(period.end - period.start, unit) { wrong += 1 }
            last = period
            instant += 5 * .millisecondsPerHour + 17 * .millisecondsPerMinute
        }
        #expect(wrong == 0)
    }

    @Test
    func givenBoundsLeaveNoGapAroundThem() {
        let cases: [(start: String, end: String)] = [
            ("2026-01-01T05:00", "2026-02-01T07:00"), ("2025-12-31T20:00", "2026-01-31T20:00"),
            ("2026-01-10", "2026-02-10"), ("2026-01-01", "2026-01-29"),
        ]
        for (start, end) in cases {
            let bounds = Profile.PeriodBounds(start: ScenarioTime.parse(start), end: ScenarioTime.parse(end))
            let calendar = PeriodCalendar(Meter.Reset(.month), zone: nil, bounds: bounds)
            var instant = Self.time("2025-11-02")
            var last = calendar.period(containing: instant)
            var wrong: [String] = []
            while instant < Self.time("2026-05-01") {
                let period = calendar.period(containing: instant)
                if instant < period.start || instant >= period.end { wrong.append("outside at \(instant)") }
                if period != last && (period.start != last.end || period.identity <= last.identity) {
                    wrong.append("\(last) then \(period)")
                }
                last = period
                instant += .millisecondsPerHour
            }
            #expect(wrong.isEmpty, "\(start): \(wrong.first ?? "")")
            let given = calendar.period(containing: Self.time("2026-01-20"))
            #expect(given.start == Self.time(start) && given.end == Self.time(end))
        }
    }

    @Test
    func boundsOfAnotherLengthDoNotApply() {
        let bounds = Profile.PeriodBounds(
            start: ScenarioTime.parse("2026-01-10"), end: ScenarioTime.parse("2027-01-10"))
        let month = Self.period(Meter.Reset(.month), "2026-01-20", bounds: bounds)
        #expect(month.start == Self.time("2026-01-01"))
        let year = Self.period(Meter.Reset(.year), "2026-01-20", bounds: bounds)
        #expect(year.start == Self.time("2026-01-10") && year.end == Self.time("2027-01-10"))
        // A monthly quota of an annual contract counts from its start.
        let quota = Self.period(Meter.Reset(.month, .anniversary), "2026-03-20", bounds: bounds)
        #expect(quota.start == Self.time("2026-03-10"))
    }

    @Test
    func civilDatesAgreeWithCountingMonths() {
        var wrong = 0
        for number in stride(from: Int64(-30_000), through: 60_000, by: 1) {
            let civil = CivilDate(day: number)
            if civil.dayNumber != number || ScenarioTime.days(civil.year, civil.month, civil.day) != number {
                wrong += 1
            }
        }
        #expect(wrong == 0)
    }
}
