import Testing
import UpsellModel

@testable import UpsellConfiguration

/// Known transitions, from the IANA database (release 2025b).
struct TimeZonesTests {
    private static func instant(_ text: String) throws -> Timestamp { try #require(rfc3339(text)) }

    /// Zone, the first instant of an offset, and the offsets before and from it, in minutes.
    @Test(arguments: [
        ("America/New_York", "2026-03-08T07:00:00Z", -300, -240),
        ("America/New_York", "2026-11-01T06:00:00Z", -240, -300),
        ("Europe/Kyiv", "2026-03-29T01:00:00Z", 120, 180), ("Europe/Kiev", "2026-10-25T01:00:00Z", 180, 120),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00Z", 660, 630),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z", 630, 660),
        // The 30th of December 2011 did not happen there.
        ("Pacific/Apia", "2011-12-30T10:00:00Z", -600, 840), ("Asia/Pyongyang", "2015-08-14T15:00:00Z", 540, 510),
        ("Europe/Moscow", "2014-10-25T22:00:00Z", 240, 180), ("America/Sao_Paulo", "2019-02-17T02:00:00Z", -120, -180),
        ("Europe/London", "2099-03-29T01:00:00Z", 0, 60),
    ])
    func transitionsAreWhereTheyWere(zone: String, at: String, before: Int64, after: Int64) throws {
        let table = try #require(TimeZones.table(named: zone))
        let instant = try Self.instant(at)
        #expect(table.transitions.contains(instant))
        #expect(table.offset(at: instant - 1) == before * .millisecondsPerMinute)
        #expect(table.offset(at: instant) == after * .millisecondsPerMinute)
    }

    @Test
    func zonesWithoutDaylightSavingAreConstant() throws {
        let table = try #require(TimeZones.table(named: "Asia/Kolkata"))
        #expect(table.transitions == [])
        #expect(table.offsets == [330 * .millisecondsPerMinute])
        #expect(TimeZones.table(named: "UTC") === TimeZoneTable.utc)
    }

    @Test(arguments: [
        "", "Mars/Olympus", "GMT+3", "GMT+0530", "UTC-1", "../etc/passwd", "europe/kyiv", "Europe/Kyiv\n", "+02:00",
    ])
    func otherNamesAreNoZones(name: String) {
        #expect(TimeZones.table(named: name) == nil)
    }

    @Test
    func tablesAreCached() throws {
        let first = try #require(TimeZones.table(named: "Europe/Paris"))
        #expect(TimeZones.table(named: "Europe/Paris") === first)
    }
}
