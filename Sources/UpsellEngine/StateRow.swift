internal import UpsellModel

/// An account's image as read from a delta or slice; checked against the catalogue and stored nowhere yet.
struct StateRow {
    var facets: StateFacets = []
    var key: ArraySlice<UInt8> = []
    /// Ascending by meter.
    var cells: [CellImage] = []
    /// `PartitionEngine.flags` without marks.
    var flags: UInt32 = 0
    /// By group.
    var periods: [(running: Period, closed: Period)] = []
    var terms: Terms?
    /// By meter; empty without `.limits`.
    var limits: [LimitImage] = []
    var sides: [SideImage] = []
    var waitingCount = 0
    var waitingFirst: UInt64 = 0
    var waiting: [WaitingEvent] = []
    var signals: SignalStates?
    var dealings: Dealings?

    struct CellImage {
        var meter: Int
        var value: Int64
        /// Thresholds and `Cell.touched`; nil leaves the thresholds.
        var spent: UInt64?
    }

    enum LimitImage {
        case ofDefault, present
        case other(UInt64)
    }

    struct SideImage {
        var meter = 0
        var era = SideKey.Era.current
        /// Value of the dimension, empty for none.
        var name = ""
        var cell = Cell()
        var latestTime: Int64?
        var members: [UInt64] = []
        var rolling: RollingImage?
        var episodes: [Int64] = []

        var dimension: UInt64 {
            name.isEmpty ? 0 : unsafe PartitionEngine.hash(ofDimension: name.utf8.span.bytes)
        }
        var hasExtra: Bool {
            !name.isEmpty || latestTime != nil || !members.isEmpty || rolling != nil || !episodes.isEmpty
        }
    }

    struct RollingImage {
        /// Hour of the first bucket.
        var first: Int64
        /// Hour from which `buckets` are all there are.
        var from: Int64
        var buckets: [(hour: Int64, value: Int64)] = []
        var scheduled = Int64.max
        var members: [(member: UInt64, hour: Int64)] = []
    }
}
