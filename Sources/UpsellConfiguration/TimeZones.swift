private import Foundation
private import Synchronization
public import UpsellModel

/// IANA time zones as tables, compiled from the rules inside the toolchain's ICU.
public enum TimeZones {
    /// The table of an IANA zone, or nil for a name that is none (`GMT+3` and abbreviations of offsets are none).
    ///
    /// Exact from 1970 to 2100; before and after it the first and last offset hold. Cached; any queue.
    public static func table(named name: String) -> TimeZoneTable? {
        if name == "UTC" { return .utc }
        if let known = cache.withLock({ $0[name] }) { return known }
        guard isName(name), let zone = TimeZone(identifier: name) else { return nil }
        let table = compile(zone, name: name)
        // Names differ only by the finite list of zones and aliases; the bound guards against a lenient ICU.
        cache.withLock { if $0.count < cacheZonesMax { $0[name] = table } }
        return table
    }

    /// Release of the zone rules that are used, as `2025b`: they come with the toolchain, not with the system.
    public static var dataVersion: String { TimeZone.timeZoneDataVersion }

    private static let cacheZonesMax = 1_000
    private static let cache = Mutex<[String: TimeZoneTable]>([:])

    /// Excludes what Foundation accepts beyond IANA names: `GMT+0530`, `UTC-3`, offsets, empty text.
    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first >= UInt8(ascii: "A"), first <= UInt8(ascii: "Z"), name.utf8.count <= 64
        else { return false }
        let legal = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "/_-+".utf8.contains(byte)
        }
        guard legal else { return false }
        // Aliases of the IANA database that look like offsets.
        if ["GMT0", "GMT+0", "GMT-0"].contains(name) { return true }
        let isOffset =
            ["GMT", "UTC"].contains { name.hasPrefix($0) }
            && name.utf8.dropFirst(3).contains { "+-0123456789".utf8.contains($0) }
        return !isOffset
    }

    /// Looks at the offset every second day and bisects where it changed: no zone since 1970 changed twice in two days.
    /// (`nextDaylightSavingTimeTransition` leaves out changes of the standard offset.)
    private static func compile(_ zone: TimeZone, name: String) -> TimeZoneTable {
        let first = 0
        let last = 4_133_980_800  // 2101-01-01
        let step = 2 * 86_400
        func offset(_ second: Int) -> Int { zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))) }
        var transitions: [Timestamp] = []
        var offsets = [Int64(offset(first)) * .millisecondsPerSecond]
        var here = offset(first)
        var second = first
        while second < last {
            let next = min(second + step, last)
            let there = offset(next)
            if there != here {
                var low = second
                var high = next
                while high - low > 1 {
                    let middle = (low + high) / 2
                    if offset(middle) == here { low = middle } else { high = middle }
                }
                transitions.append(Timestamp(milliseconds: Int64(high) * .millisecondsPerSecond))
                offsets.append(Int64(there) * .millisecondsPerSecond)
                here = there
            }
            second = next
        }
        return TimeZoneTable(name: name, transitions: transitions, offsets: offsets)
    }
}
