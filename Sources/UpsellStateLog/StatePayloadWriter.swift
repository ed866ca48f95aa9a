public import UpsellModel

/// Gathers the sections of an epoch's payload in one buffer and cuts it into the records of `upselld.state`.
///
/// A section's bytes are appended where they stay; its length is written to the table in the header, so nothing is
/// copied or filled in afterwards. Partition queue only; used again from epoch to epoch.
public struct StatePayloadWriter: Sendable {
    /// Bytes of payload in one record: with its header far below any topic's `max.message.bytes`.
    public static let partBytesMax = 512 * 1024

    private var content: BinaryWriter
    private var entries: [SectionEntry] = []

    public init(reserving capacity: Int = 0) { content = BinaryWriter(reserving: capacity) }

    /// Bytes of all sections so far.
    public var byteCount: Int { content.count }
    /// Not even a section without bytes was appended.
    public var isEmpty: Bool { entries.isEmpty }

    /// Appends a `delta` or `catalogue` section; what the body appends are its bytes.
    ///
    /// - Returns: the section's size in bytes.
    @discardableResult
    public mutating func append(_ kind: SectionKind, _ body: (inout BinaryWriter) -> Void) -> Int {
        precondition(kind != .slice, "a slice says which one it is")
        return append(kind, nil, body)
    }

    /// Appends a `slice` section.
    ///
    /// - Returns: the section's size in bytes.
    @discardableResult
    public mutating func append(slice: SliceID, _ body: (inout BinaryWriter) -> Void) -> Int {
        append(.slice, slice, body)
    }

    private mutating func append(_ kind: SectionKind, _ slice: SliceID?, _ body: (inout BinaryWriter) -> Void) -> Int {
        let start = content.count
        body(&content)
        let byteCount = content.count - start
        precondition(byteCount >= 0, "a section only appends")
        entries.append(SectionEntry(kind: kind, slice: slice, byteCount: byteCount))
        return byteCount
    }

    /// Finished record values, in the order in which they have to be written; at least one.
    ///
    /// - Parameters:
    ///   - header: `part` and `parts` are set here.
    ///   - partBytesMax: bytes of payload in one record, at least 1.
    public func chunks(header: ChunkHeader, partBytesMax: Int = Self.partBytesMax) -> [[UInt8]] {
        var head = BinaryWriter(reserving: 64 + 48 * header.inputs.count + 8 * entries.count)
        header.encode(to: &head)
        head.put(count: entries.count)
        for entry in entries { entry.encode(to: &head) }
        return RecordFrame.records(
            .stateChunk, partition: header.partition, epoch: header.epoch, head: head.bytes, body: content.bytes,
            partBytesMax: partBytesMax)
    }

    /// Empties the payload and keeps its capacity.
    public mutating func removeAll() {
        content.removeAll()
        entries.removeAll(keepingCapacity: true)
    }
}
