/// Seconds from the kill of an instance to the next progress of each partition that it wrote.
///
/// Which partitions those are is told by the transactional id in the metadata of the group's offsets; where a daemon
/// writes none, nothing is measured.
struct RecoveryTimes {
    private struct Wait {
        var what: String
        var partition: Int
        var offset: Int64
        var since: ContinuousClock.Instant
    }

    private var waits: [Wait] = []
    private var seconds: [String: [Double]] = [:]

    /// - Parameter slot: the killed instance's; its transactional id ends with it.
    mutating func began(_ what: String, slot: String, places: [Watch.Place?]) {
        for (partition, place) in places.enumerated() {
            guard let place, Self.isWriter(place.writer, slot) else { continue }
            waits.append(Wait(what: what, partition: partition, offset: place.offset, since: .now))
        }
    }

    mutating func look(at places: [Watch.Place?], now: ContinuousClock.Instant) {
        var open: [Wait] = []
        for var wait in waits {
            guard let place = places[wait.partition], place.offset > wait.offset else {
                open.append(wait)
                continue
            }
            if now - wait.since < Self.blindness {
                wait.offset = place.offset
                open.append(wait)
            } else {
                seconds[wait.what, default: []].append((now - wait.since) / .seconds(1))
            }
        }
        waits = open
    }

    /// What was committed before a kill may be seen this much after it.
    private static let blindness = Duration.milliseconds(200)

    /// Whether a transactional id is a slot's: `group/slot`.
    static func isWriter(_ writer: String, _ slot: String) -> Bool { writer == "\(Site.group)/\(slot)" }

    var summary: [String: Report.Spread] { seconds.mapValues { Report.Spread($0) } }
}
