public import UpsellModel

/// What a record of `upselld.state` says about itself and its epoch; the same in all parts but for `part`.
public struct ChunkHeader: Sendable, Equatable {
    public static let formatVersion: UInt8 = RecordFrame.version

    public var partition: PartitionID
    /// Partitions of the inputs when it was written; with another number accounts lie elsewhere.
    public var partitionCount: Int
    /// Consecutive in its partition, over all owners.
    public var epoch: UInt64
    /// Part i of n, from 0.
    public var part: Int
    public var parts: Int
    /// The state before this epoch is empty: a restore may begin here.
    public var isGenesis: Bool
    /// By `InputID`.
    public var inputs: [InputMark]
    /// First start: profiles are read up to this offset before any usage is; 0 once that is done.
    public var profilesUntil: Int64
    public var configuration: ConfigurationMark
    /// Transactional id of the writer, by which a successor fences it.
    public var writer: String
    /// Lower bound of the offset in this partition of the log from which a restore has to read.
    public var restoreFrom: Int64

    public init(
        partition: PartitionID, partitionCount: Int, epoch: UInt64, part: Int = 0, parts: Int = 1,
        isGenesis: Bool = false, inputs: [InputMark], profilesUntil: Int64 = 0, configuration: ConfigurationMark,
        writer: String, restoreFrom: Int64
    ) {
        self.partition = partition
        self.partitionCount = partitionCount
        self.epoch = epoch
        self.part = part
        self.parts = parts
        self.isGenesis = isGenesis
        self.inputs = inputs
        self.profilesUntil = profilesUntil
        self.configuration = configuration
        self.writer = writer
        self.restoreFrom = restoreFrom
    }
}

extension ChunkHeader {
    var place: StateLogError.Place {
        StateLogError.Place(partition: partition, epoch: epoch, part: part, parts: parts)
    }

    /// Everything that is not in the frame.
    func encode(to writer: inout BinaryWriter) {
        writer.put(count: partitionCount)
        writer.put(isGenesis)
        writer.put(count: inputs.count)
        for input in inputs { input.encode(to: &writer) }
        writer.put(signed: profilesUntil)
        configuration.encode(to: &writer)
        writer.put(self.writer)
        writer.put(signed: restoreFrom)
    }

    init(at place: StateLogError.Place, from reader: inout BinaryReader) throws(BinaryCodingError) {
        partition = place.partition
        epoch = place.epoch
        part = place.part
        parts = place.parts
        partitionCount = try reader.integer()
        isGenesis = try reader.flag()
        inputs = []
        for _ in 0..<(try reader.count()) { inputs.append(try InputMark(from: &reader)) }
        profilesUntil = try reader.signed()
        configuration = try ConfigurationMark(from: &reader)
        writer = try reader.text()
        restoreFrom = try reader.signed()
    }
}

extension InputMark {
    func encode(to writer: inout BinaryWriter) {
        writer.put(fixed64: topicHash)
        writer.put(signed: before)
        writer.put(signed: after)
        writer.put(signed: silentBelow)
        writer.put(signed: lastOffset)
        writer.put(signed: lastTimestamp)
        writer.put(fixed64: lastChecksum)
    }

    init(from reader: inout BinaryReader) throws(BinaryCodingError) {
        topicHash = try reader.fixed64()
        before = try reader.signed()
        after = try reader.signed()
        silentBelow = try reader.signed()
        lastOffset = try reader.signed()
        lastTimestamp = try reader.signed()
        lastChecksum = try reader.fixed64()
    }
}

extension ConfigurationMark {
    func encode(to writer: inout BinaryWriter) {
        writer.put(sequence)
        writer.put(fixed64: contentHash)
    }

    init(from reader: inout BinaryReader) throws(BinaryCodingError) {
        sequence = try reader.unsigned()
        contentHash = try reader.fixed64()
    }
}
