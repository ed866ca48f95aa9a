internal import UpsellModel

/// Joins the parts of one partition's epochs, in the order of its log, and refuses what breaks that order.
///
/// Reading may begin anywhere: parts before the first part 0 are passed over.
struct FrameAssembler {
    let kind: RecordKind
    let partition: PartitionID
    /// Number of the newest epoch that was finished or passed over.
    private var previous: UInt64?
    private var hasBegun = false
    /// Part 0 of the epoch that is being joined.
    private var first: RecordFrame?
    private var partsSeen = 0
    private var joined: [UInt8] = []

    init(_ kind: RecordKind, partition: PartitionID) {
        self.kind = kind
        self.partition = partition
    }

    /// No part of an epoch is waiting for its rest.
    var isBetweenEpochs: Bool { first == nil }

    /// - Returns: the epoch that the frame ends: its first frame, and the range of the content in a byte array.
    mutating func add(_ frame: RecordFrame) throws(StateLogError) -> Whole? {
        let place = frame.place
        guard place.partition == partition else { throw refusal(frame, "of partition \(partition.rawValue)") }
        if let first {
            guard place.epoch == first.place.epoch, place.part == partsSeen, place.parts == first.place.parts else {
                throw refusal(
                    frame, "of epoch \(first.place.epoch), part \(partsSeen) of \(first.place.parts)")
            }
            guard frame.record[frame.head].elementsEqual(first.record[first.head]) else {
                throw refusal(frame, "with the header of part 0")
            }
        } else {
            guard place.part == 0 else {
                guard hasBegun else {
                    previous = place.epoch
                    return nil
                }
                throw refusal(frame, "that begins epoch \(describedNext)")
            }
            if let previous {
                guard previous < .max, place.epoch == previous + 1 else {
                    throw refusal(frame, "that begins epoch \(describedNext)")
                }
            }
        }
        return join(frame)
    }

    private mutating func join(_ frame: RecordFrame) -> Whole? {
        hasBegun = true
        let place = frame.place
        if place.parts == 1 {
            previous = place.epoch
            return Whole(first: frame, bytes: frame.record, content: frame.body)
        }
        if place.part == 0 {
            first = frame
            // All parts but the last have the size of the first; what the record says of their number is bounded.
            joined.reserveCapacity(Swift.min(place.parts, 128) * frame.body.count)
        }
        partsSeen = place.part + 1
        joined.append(contentsOf: frame.record[frame.body])
        guard let first, partsSeen == place.parts else { return nil }
        defer {
            previous = place.epoch
            self.first = nil
            joined = []
        }
        return Whole(first: first, bytes: joined, content: 0..<joined.count)
    }

    private var describedNext: String {
        guard let previous else { return "0 or later" }
        return previous < .max ? "\(previous + 1)" : "after the last number there is"
    }

    private func refusal(_ frame: RecordFrame, _ expected: String) -> StateLogError {
        StateLogError(.outOfOrder, at: frame.place, "expected a \(kind.name) \(expected)")
    }

    /// The joined parts of an epoch. A content of one part is not copied: it is a range of its record.
    struct Whole {
        var first: RecordFrame
        var bytes: [UInt8]
        var content: Range<Int>
    }
}
