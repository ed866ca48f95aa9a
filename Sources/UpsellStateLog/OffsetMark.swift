/// What is committed as text beside the group offset of a partition: which epoch it belongs to, where a restore begins,
/// and who wrote it.
///
///     upselld/1 epoch=12 state=3456 writer=upselld-a
public struct OffsetMark: Sendable, Equatable {
    /// What a broker takes by default (`offset.metadata.max.bytes`).
    public static let textBytesMax = 4_096
    /// Bytes of UTF-8 that leave room for the two numbers.
    public static let writerBytesMax = 4_000

    public var epoch: UInt64
    /// Offset in the partition of `upselld.state` from which a restore has to read.
    public var restoreFrom: Int64
    /// Transactional id; `1...writerBytesMax` bytes.
    public var writer: String

    public init(epoch: UInt64, restoreFrom: Int64, writer: String) {
        precondition((1...Self.writerBytesMax).contains(writer.utf8.count), "a transactional id of 1 to 4,000 bytes")
        self.epoch = epoch
        self.restoreFrom = restoreFrom
        self.writer = writer
    }

    public var text: String { "upselld/1 epoch=\(epoch) state=\(restoreFrom) writer=\(writer)" }

    /// Reads what `text` gives; nil for anything else, another version included.
    public init?(text: String) {
        guard text.utf8.count <= Self.textBytesMax else { return nil }
        // The id comes last and may have spaces.
        let words = text.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count == 4, words[0] == "upselld/1",
            let epoch = Self.value(of: "epoch", in: words[1]).flatMap({ UInt64($0) }),
            let restoreFrom = Self.value(of: "state", in: words[2]).flatMap({ Int64($0) }), restoreFrom >= 0,
            let writer = Self.value(of: "writer", in: words[3]),
            (1...Self.writerBytesMax).contains(writer.utf8.count)
        else { return nil }
        self.init(epoch: epoch, restoreFrom: restoreFrom, writer: String(writer))
        // Numbers have other spellings (`+12`, `012`), which upselld does not write.
        guard self.text == text else { return nil }
    }

    private static func value(of key: String, in word: Substring) -> Substring? {
        word.hasPrefix(key + "=") ? word.dropFirst(key.count + 1) : nil
    }
}
