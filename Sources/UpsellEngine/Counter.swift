internal import UpsellModel

/// A counter of an account: one for each meter in a dense row, further ones (dimensions, closed periods) in side
/// records.
///
/// 32 bytes, two to a cache line.
struct Cell {
    /// Usage in the meter's integers.
    var value: Int64 = 0
    /// The least usage at which something happens; `.max` if nothing can.
    var nextTrip: Int64 = .max
    /// Bits of thresholds that are spent in this episode and limit version; the top bit: the counter was touched; the
    /// one below: it is to be written with the next delta.
    var spent: UInt64 = 0
    /// Version of the limit of account and meter; of dense cells only, where it holds for all counters of both.
    var limitVersion: UInt64 = 0

    static let touched: UInt64 = 1 << 63
    static let dirty: UInt64 = 1 << 62
    var isTouched: Bool { spent & Cell.touched != 0 }
    var isDirty: Bool { spent & Cell.dirty != 0 }
    var spentThresholds: UInt64 { spent & ~(Cell.touched | Cell.dirty) }
}

/// Names a side record.
struct SideKey: Hashable {
    var account: Int32
    var meter: UInt16
    var era: Era
    /// XXH3-64 of the dimension's value, never 0; 0 for a meter without dimension.
    var dimension: UInt64

    enum Era: UInt16 { case current, previous }
}

/// A counter outside the dense row, or what a counter needs beyond its cell.
struct SideRecord {
    var key: SideKey
    var cell = Cell()
    /// Next side record of the account, -1 at the end; of a free record the next free one.
    var next: Int32 = -1
    var isInUse = true
    var extra: CounterExtra?

    init(_ key: SideKey) { self.key = key }
}

/// What only some counters need.
final class CounterExtra {
    /// Value of the dimension.
    var name = ""
    /// `latest`: event time of the value.
    var latestTime = Int64.min
    /// `unique` and `active_days` outside rolling windows.
    var members: Set<UInt64> = []
    /// Members since the last delta.
    var fresh: [UInt64] = []
    var rolling: RollingBuckets?
    /// Start of the episode by threshold bit, where it is not 0.
    var episodes: [Int64] = []

    func episode(_ bit: Int) -> Int64 { bit < episodes.count ? episodes[bit] : 0 }

    /// Begins an episode; strictly later than the one before, so that no arming key can return.
    func beginEpisode(_ bit: Int, at instant: Int64) {
        while episodes.count <= bit { episodes.append(0) }
        episodes[bit] = max(instant, episodes[bit] + 1)
    }
}

/// Hourly buckets of UTC of one rolling counter, oldest first.
struct RollingBuckets {
    /// Sorted by hour, no hour twice.
    var buckets: [(hour: Int64, value: Int64)] = []
    /// Sum of all buckets (`sum`, `count`).
    var total: Int128 = 0
    /// `unique` and `active_days`: the last hour of each member.
    var members: [UInt64: Int64] = [:]
    /// Earliest timer that is set.
    var scheduled = Int64.max
    /// Earliest hour whose bucket changed since the last delta; buckets that left are told by the first that stayed.
    var dirtyHour = Int64.max
    /// Members whose hour changed since the last delta.
    var fresh: [UInt64] = []

    /// Position of an hour's bucket, which is made where it is missing; hours come mostly in order, so from the end.
    mutating func position(of hour: Int64) -> (index: Int, isNew: Bool) {
        var index = buckets.count
        while index > 0, buckets[index - 1].hour > hour { index -= 1 }
        if index > 0, buckets[index - 1].hour == hour { return (index - 1, false) }
        buckets.insert((hour, 0), at: index)
        return (index, true)
    }
}

/// Addresses a counter.
struct CounterRef: Equatable {
    var account: Int
    var meter: Int
    /// Side record, or -1 for the dense cell.
    var side: Int32 = -1
}
