public import UpsellModel

/// All parts of one epoch of one partition, joined.
public struct StateEpoch: Sendable {
    /// Of part 0.
    public let header: ChunkHeader
    /// In the order in which they were written.
    public let sections: [Section]

    /// A run of the payload; shares the payload's storage.
    public struct Section: Sendable {
        public let kind: SectionKind
        /// For `.slice` only.
        public let slice: SliceID?
        let payload: [UInt8]
        let range: Range<Int>

        public var byteCount: Int { range.count }
        public var bytes: ArraySlice<UInt8> { payload[range] }
        /// Reads the section from its start to its end.
        public var reader: BinaryReader { BinaryReader(payload, range) }
    }
}
