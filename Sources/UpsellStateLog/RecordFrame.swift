internal import UpsellModel

/// What every record of the two internal topics has around its content: magic, version, place, head, body, checksum.
///
/// The head is the same in all parts of an epoch; the bodies of the parts, joined, are the content.
struct RecordFrame {
    typealias Place = StateLogError.Place

    /// Version of the formats of chunk and journal record, which change together.
    static let version: UInt8 = 1
    private static let checksumBytes = 8

    var kind: RecordKind
    var place: Place
    /// The whole record; head and body are ranges of it.
    var record: [UInt8]
    var head: Range<Int>
    var body: Range<Int>

    /// Cuts content into records of at most `partBytesMax` bytes of body each; at least one.
    static func records(
        _ kind: RecordKind, partition: PartitionID, epoch: UInt64, head: [UInt8], body: [UInt8], partBytesMax: Int
    ) -> [[UInt8]] {
        let parts = Swift.max(1, (body.count + partBytesMax - 1) / partBytesMax)
        return (0..<parts).map { part in
            let range = part * partBytesMax..<Swift.min(body.count, (part + 1) * partBytesMax)
            var writer = BinaryWriter(reserving: range.count + head.count + 64)
            writer.put(raw: kind.magic)
            writer.put(byte: version)
            writer.put(count: Int(partition.rawValue))
            writer.put(epoch)
            writer.put(count: part)
            writer.put(count: parts)
            writer.put(run: head)
            writer.put(run: body[range])
            writer.put(fixed64: unsafe xxh3(writer.bytes.span.bytes))
            return writer.bytes
        }
    }

    /// Takes a record apart and checks everything but head and body.
    ///
    /// Magic and version come before the checksum: another version may have another one.
    init(_ record: [UInt8], as kind: RecordKind) throws(StateLogError) {
        let magic = kind.magic
        guard record.starts(with: magic) else {
            let found = record.prefix(magic.count).map { hexadecimal($0) }.joined()
            throw StateLogError(
                .foreign, "a \(kind.name) begins with \(magic.map { hexadecimal($0) }.joined()), and this with \(found)"
            )
        }
        guard record.count > magic.count else { throw StateLogError(.damaged, "the \(kind.name) ends after its magic") }
        let version = record[magic.count]
        guard version <= Self.version else {
            throw StateLogError(
                .newerFormat,
                "the \(kind.name) has format version \(version); this program knows versions up to \(Self.version)")
        }
        guard version > 0 else { throw StateLogError(.damaged, "the \(kind.name) has format version 0") }
        let start = magic.count + 1
        guard record.count >= start + Self.checksumBytes else {
            throw StateLogError(.damaged, "the \(kind.name) has \(record.count) bytes, less than its frame")
        }
        let end = record.count - Self.checksumBytes

        var place: Place?
        do throws(BinaryCodingError) {
            var trailer = BinaryReader(record, end..<record.count)
            let written = try trailer.fixed64()
            let computed = unsafe xxh3(record.span.bytes.extracting(0..<end))
            var reader = BinaryReader(record, start..<end)
            let partition = try reader.integer()
            let epoch = try reader.unsigned()
            let part = try reader.integer()
            let parts = try reader.integer()
            guard let number = Int32(exactly: partition), part < parts else {
                throw .malformed(at: start, "partition \(partition), part \(part) of \(parts)")
            }
            let found = Place(partition: PartitionID(number), epoch: epoch, part: part, parts: parts)
            place = found
            guard written == computed else {
                throw .malformed(
                    at: end, "checksum \(hexadecimal(written)), and the bytes give \(hexadecimal(computed))")
            }
            let head = try reader.run()
            let body = try reader.run()
            guard reader.isAtEnd else { throw .malformed(at: reader.position, "\(reader.left) bytes too many") }
            self.kind = kind
            self.place = found
            self.record = record
            self.head = head.startIndex..<head.endIndex
            self.body = body.startIndex..<body.endIndex
        } catch {
            throw StateLogError(.damaged, at: place, "the \(kind.name) is damaged: \(error)")
        }
    }

    /// Reads head or body to its end; complaints name the frame's place.
    func read<Value>(
        _ range: Range<Int>, _ body: (inout BinaryReader) throws(BinaryCodingError) -> Value
    ) throws(StateLogError) -> Value {
        do throws(BinaryCodingError) {
            var reader = BinaryReader(record, range)
            let value = try body(&reader)
            guard reader.isAtEnd else { throw .malformed(at: reader.position, "\(reader.left) bytes too many") }
            return value
        } catch {
            throw StateLogError(.damaged, at: place, "the \(kind.name) is damaged: \(error)")
        }
    }
}

/// The two kinds of records; each lies in a topic of its own.
enum RecordKind {
    case stateChunk, journalRecord

    /// ASCII `UPSC` and `UPSJ`.
    var magic: [UInt8] {
        switch self {
        case .stateChunk: Array("UPSC".utf8)
        case .journalRecord: Array("UPSJ".utf8)
        }
    }

    var name: String {
        switch self {
        case .stateChunk: "state chunk"
        case .journalRecord: "journal record"
        }
    }
}

/// Two digits for each byte, lower case.
func hexadecimal(_ value: some FixedWidthInteger) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: Swift.max(0, value.bitWidth / 4 - text.count)) + text
}
