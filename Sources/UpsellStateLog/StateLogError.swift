public import UpsellModel

/// Why a record of the state log or the journal cannot be used: what was expected, what was found, and where.
public struct StateLogError: Error, Sendable, Equatable, CustomStringConvertible {
    public var kind: Kind
    /// Where the record says that it belongs; nil where it is not readable so far.
    public var place: Place?
    /// One sentence with both facts.
    public var detail: String

    public init(_ kind: Kind, at place: Place? = nil, _ detail: String) {
        self.kind = kind
        self.place = place
        self.detail = detail
    }

    public var description: String {
        guard let place else { return detail }
        return "\(place): \(detail)"
    }

    public enum Kind: Sendable, Equatable {
        /// Not a record of this log at all: another program writes to the topic.
        case foreign
        /// Written by a newer version, whose format this one does not know.
        case newerFormat
        /// Ours, and not as it was written.
        case damaged
        /// Whole, and not what has to come here: a gap, a repetition, another partition.
        case outOfOrder
    }

    /// A part of an epoch's share.
    public struct Place: Sendable, Equatable, CustomStringConvertible {
        public var partition: PartitionID
        public var epoch: UInt64
        /// From 0.
        public var part: Int
        public var parts: Int

        public init(partition: PartitionID, epoch: UInt64, part: Int, parts: Int) {
            self.partition = partition
            self.epoch = epoch
            self.part = part
            self.parts = parts
        }

        public var description: String {
            "partition \(partition.rawValue), epoch \(epoch), part \(part) of \(parts)"
        }
    }
}
