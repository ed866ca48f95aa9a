/// Says when the next slice of a partition's rolling snapshot is due, and from where a restore has to read.
///
/// Slices are paid for by deltas: each has to be followed by `ratio` times its size, and by `minimumBytes` at least,
/// before the next is due. So a partition at rest writes next to nothing, slices add at most `1 / ratio` to what is written, and
/// the log back to the oldest newest slice is a bounded multiple of the state: (1 + `ratio`) times its size, or
/// `count · minimumBytes` where that is more for each, and what the running epoch adds.
///
/// A restore rebuilds it by telling it of every epoch that it reads.
public struct SliceSchedule: Sendable {
    public let count: Int
    private let ratio: Int
    private let minimumBytes: Int
    /// Delta bytes beyond what the slices so far have to be paid with; negative while the newest is not paid for.
    private var credit: Int
    private var next: Int
    /// For each slice a lower bound of the offset of its newest copy.
    private var bounds: [Int64]

    /// - Parameters:
    ///   - count: slices in a turn.
    ///   - restoreFrom: lower bound for every slice that is not rewritten yet: the end of the log before genesis, or the
    ///     offset at which a restore began to read.
    ///   - next: slice that is due first.
    public init(
        count: Int = 64, ratio: Int = 3, minimumBytes: Int = 65_536, restoreFrom: Int64, next: Int = 0
    ) {
        precondition(count > 0 && ratio > 0 && minimumBytes > 0 && (0..<count).contains(next))
        self.count = count
        self.ratio = ratio
        self.minimumBytes = minimumBytes
        self.next = next
        credit = -minimumBytes
        bounds = Array(repeating: restoreFrom, count: count)
    }

    /// The slice to write with the running epoch; nil while the last one is not paid for. After a large delta there may
    /// be several, one after the other.
    public var due: SliceID? { credit >= 0 ? SliceID(next, of: count) : nil }

    /// Lower bound of the offset from which a restore has to read.
    public var restoreFrom: Int64 { bounds.reduce(.max) { Swift.min($0, $1) } }

    public mutating func wrote(deltaBytes: Int) { credit += deltaBytes }

    /// - Parameter lowerBound: offset before which none of the epoch's records lie.
    public mutating func wrote(slice: SliceID, bytes: Int, lowerBound: Int64) {
        precondition(slice.count == count, "slice \(slice.index) of \(slice.count) in a turn of \(count)")
        credit -= Swift.max(ratio * bytes, minimumBytes)
        bounds[slice.index] = Swift.max(bounds[slice.index], lowerBound)
        next = (slice.index + 1) % count
    }

    /// An epoch holds the whole state, as after another catalogue was put over it: no restore reads what lies before.
    ///
    /// - Parameter lowerBound: offset before which none of the epoch's records lie.
    public mutating func wroteEverything(lowerBound: Int64) {
        for index in bounds.indices { bounds[index] = Swift.max(bounds[index], lowerBound) }
    }
}
