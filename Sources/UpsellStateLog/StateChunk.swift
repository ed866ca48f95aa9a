internal import UpsellModel

/// A record of `upselld.state`, checked: header, table of sections, and its part of the payload.
public struct StateChunk: Sendable {
    public let header: ChunkHeader
    let entries: [SectionEntry]
    let frame: RecordFrame

    /// This part's bytes of the payload; sections may begin and end in other parts.
    public var payload: ArraySlice<UInt8> { frame.record[frame.body] }

    /// Reads the value of a record.
    ///
    /// - Throws: `.foreign`, `.newerFormat` or `.damaged`; restoring from such a log is refused.
    public static func decode(_ record: [UInt8]) throws(StateLogError) -> StateChunk {
        let frame = try RecordFrame(record, as: .stateChunk)
        let (header, entries) = try frame.read(frame.head) { reader throws(BinaryCodingError) in
            let header = try ChunkHeader(at: frame.place, from: &reader)
            var entries: [SectionEntry] = []
            for _ in 0..<(try reader.count()) { entries.append(try SectionEntry(from: &reader)) }
            return (header, entries)
        }
        return StateChunk(header: header, entries: entries, frame: frame)
    }
}
