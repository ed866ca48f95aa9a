internal import UpsellModel

/// Ring positions as parts: position p of a ring of capacity C is in part ⌊p × parts / C⌋.
enum IdentityParts {
    static func part(of position: Int, parts: Int, capacity: Int) -> Int { position * parts / capacity }

    /// First position of a part; of part `parts` the capacity.
    static func start(of part: Int, parts: Int, capacity: Int) -> Int { (part * capacity + parts - 1) / parts }
}

extension IdentityRing {
    /// Appends capacity, number of the first, and the identities from number `first` on, as far as they are kept; then
    /// the clock of each block of positions that began with one of them.
    func write(from first: UInt64, into out: inout StateWriter) {
        let from = Swift.max(first, inserted - UInt64(count))
        out.writer.put(count: capacity)
        out.writer.put(from)
        out.writer.put(count: Int(inserted - from))
        var position = Int(from % UInt64(capacity))
        var blocks: [Int] = []
        for _ in from..<inserted {
            out.writer.put(fixed64: ring[position])
            if position % Self.blockLength == 0 { blocks.append(position / Self.blockLength) }
            position = position + 1 == capacity ? 0 : position + 1
        }
        for block in blocks { out.put(instant: blockTimes[block]) }
    }

    /// Appends capacity, how many were inserted, the identities of one part by position, and the clocks of the blocks
    /// that it has a share of.
    func writePart(_ part: Int, of parts: Int, into out: inout StateWriter) {
        let positions = Self.positions(part, parts, capacity: capacity, count: count)
        out.writer.put(count: capacity)
        out.writer.put(inserted)
        out.writer.put(count: positions.count)
        for position in positions { out.writer.put(fixed64: ring[position]) }
        for block in Self.blocks(positions) { out.put(instant: blockTimes[block]) }
    }

    /// Positions of a part that have an identity.
    static func positions(_ part: Int, _ parts: Int, capacity: Int, count: Int) -> Range<Int> {
        let start = IdentityParts.start(of: part, parts: parts, capacity: capacity)
        let end = IdentityParts.start(of: part + 1, parts: parts, capacity: capacity)
        return Swift.min(start, count)..<Swift.min(end, count)
    }

    static func blocks(_ positions: Range<Int>) -> Range<Int> {
        positions.isEmpty
            ? 0..<0 : positions.lowerBound / blockLength..<(positions.upperBound - 1) / blockLength + 1
    }

    /// A ring as it was: identities by position, the clock of each block.
    init(capacity: Int, inserted: UInt64, identities: ContiguousArray<UInt64>, blockTimes: ContiguousArray<Int64>) {
        self.init(capacity: capacity)
        self.inserted = inserted
        self.blockTimes = blockTimes
        ring = identities
        next = Int(inserted % UInt64(self.capacity))
        var length = slots.count
        while identities.count * 2 > length { length *= 2 }
        index(length, identities.count)
    }
}
