internal import UpsellModel

/// What a section of an epoch's payload is. The numbers are part of the format.
public enum SectionKind: UInt8, Sendable, CaseIterable {
    /// Absolute after-images of what the epoch changed, and new identities.
    case delta = 1
    /// Everything of one class of accounts; replaces the class.
    case slice = 2
    /// The catalogue that is in force from this epoch on.
    case catalogue = 3
}

/// A row of the table of sections, which lies in the head of each part; sections follow one another without gaps.
struct SectionEntry: Equatable {
    var kind: SectionKind
    /// For `slice` only.
    var slice: SliceID?
    var byteCount: Int

    func encode(to writer: inout BinaryWriter) {
        writer.put(byte: kind.rawValue)
        if let slice {
            writer.put(count: slice.index)
            writer.put(count: slice.count)
        }
        writer.put(count: byteCount)
    }

    init(kind: SectionKind, slice: SliceID?, byteCount: Int) {
        self.kind = kind
        self.slice = slice
        self.byteCount = byteCount
    }

    init(from reader: inout BinaryReader) throws(BinaryCodingError) {
        let start = reader.position
        let number = try reader.byte()
        guard let kind = SectionKind(rawValue: number) else { throw .malformed(at: start, "section kind \(number)") }
        self.kind = kind
        if kind == .slice {
            let index = try reader.integer()
            let count = try reader.integer()
            guard index < count else { throw .malformed(at: start, "slice \(index) of \(count)") }
            slice = SliceID(index, of: count)
        }
        byteCount = try reader.integer()
    }
}
