public import UpsellModel

/// Joins the chunks of one partition, in the order of the log, into epochs.
///
/// Reading may begin in the middle of an epoch, since `restoreFrom` is only a lower bound: parts before the first part 0
/// are passed over. Aborted transactions never get here (`read_committed`), so that epochs are consecutive.
public struct ChunkAssembler: Sendable {
    private var frames: FrameAssembler

    public init(partition: PartitionID) { frames = FrameAssembler(.stateChunk, partition: partition) }

    /// No part of an epoch waits for its rest. At the end of a log anything else is damage: an epoch's parts are written
    /// in one transaction.
    public var isBetweenEpochs: Bool { frames.isBetweenEpochs }

    /// - Returns: the epoch whose last part this is.
    /// - Throws: `.outOfOrder` for another partition, a gap or a repetition of epochs or parts; `.damaged` where the
    ///   sections do not fill the payload. Nothing has changed then.
    public mutating func add(_ chunk: StateChunk) throws(StateLogError) -> StateEpoch? {
        guard let whole = try frames.add(chunk.frame) else { return nil }
        var header = chunk.header
        header.part = 0
        var sections: [StateEpoch.Section] = []
        sections.reserveCapacity(chunk.entries.count)
        var position = whole.content.lowerBound
        for entry in chunk.entries {
            guard entry.byteCount <= whole.content.upperBound - position else {
                throw Self.misfit(chunk, whole.content.count)
            }
            let range = position..<position + entry.byteCount
            sections.append(
                StateEpoch.Section(kind: entry.kind, slice: entry.slice, payload: whole.bytes, range: range))
            position = range.upperBound
        }
        guard position == whole.content.upperBound else { throw Self.misfit(chunk, whole.content.count) }
        return StateEpoch(header: header, sections: sections)
    }

    private static func misfit(_ chunk: StateChunk, _ found: Int) -> StateLogError {
        let sizes = chunk.entries.map { "\($0.byteCount)" }.joined(separator: " + ")
        return StateLogError(
            .damaged, at: chunk.header.place, "sections of \(sizes.isEmpty ? "0" : sizes) bytes in \(found) of payload")
    }
}
