internal import UpsellModel

/// Puts an identity ring together from deltas and parts.
///
/// Kept by part, so that foreign bytes get no more memory than they have.
struct IdentityRestorer {
    private let parts: Int
    /// 0 until something was read.
    private var capacity = 0
    /// By part, identities by position.
    private var identities: [ContiguousArray<UInt64>]
    private(set) var based: [Bool]
    private var blockTimes: [Int: Int64] = [:]
    /// Identities ever inserted; nil until something was read.
    private var inserted: UInt64?

    static let capacityMax = 1 << 30

    init(parts: Int) {
        self.parts = parts
        identities = Array(repeating: [], count: parts)
        based = Array(repeating: false, count: parts)
    }

    mutating func baseEmpty() {
        self = IdentityRestorer(parts: parts)
        based = Array(repeating: true, count: parts)
        inserted = 0
    }

    // MARK: Reading

    mutating func readDelta(_ input: inout StateReader) throws(BinaryCodingError) {
        try readCapacity(&input)
        let first = try input.reader.unsigned()
        let count = try input.reader.count()
        guard first < 1 << 62, count * 8 <= input.reader.left, count <= capacity else {
            throw input.malformed("\(count) identities from number \(first)")
        }
        if count == capacity {
            // The whole ring is in the delta, whatever was there before.
            for part in 0..<parts {
                identities[part] = ContiguousArray(repeating: 0, count: length(part))
                based[part] = true
            }
        } else if let inserted, first != inserted {
            throw input.malformed("identities from number \(first), where \(inserted) come next")
        }
        var position = Int(first % UInt64(capacity))
        var blocks: [Int] = []
        for _ in 0..<count {
            try put(input.reader.fixed64(), at: position, &input)
            if position % IdentityRing.blockLength == 0 { blocks.append(position / IdentityRing.blockLength) }
            position = position + 1 == capacity ? 0 : position + 1
        }
        for block in blocks { blockTimes[block] = try input.instant() }
        inserted = first + UInt64(count)
    }

    /// - Parameter count: parts that the writer made; 1 gives them all.
    mutating func readPart(_ part: Int, of count: Int, _ input: inout StateReader) throws(BinaryCodingError) {
        if count == 1 { self = IdentityRestorer(parts: parts) }
        try readCapacity(&input)
        let total = try input.reader.unsigned()
        guard total < 1 << 62, inserted == nil || inserted == total else {
            throw input.malformed("part of \(total) identities, \(inserted ?? 0) are known")
        }
        let kept = Int(Swift.min(total, UInt64(capacity)))
        let positions = IdentityRing.positions(part, count, capacity: capacity, count: kept)
        guard try input.reader.count() == positions.count, positions.count * 8 <= input.reader.left else {
            throw input.malformed("identities of part \(part), \(positions.count) expected")
        }
        if count == 1 {
            baseEmptyParts()
        } else {
            identities[part].removeAll(keepingCapacity: true)
            based[part] = true
        }
        for position in positions { try put(input.reader.fixed64(), at: position, &input) }
        for block in IdentityRing.blocks(positions) { blockTimes[block] = try input.instant() }
        inserted = total
    }

    private mutating func baseEmptyParts() { based = Array(repeating: true, count: parts) }

    private mutating func readCapacity(_ input: inout StateReader) throws(BinaryCodingError) {
        let value = try input.reader.integer()
        guard (1...Self.capacityMax).contains(value), capacity == 0 || capacity == value else {
            throw input.malformed("identity capacity \(value) after \(capacity)")
        }
        capacity = value
    }

    private func length(_ part: Int) -> Int {
        IdentityParts.start(of: part + 1, parts: parts, capacity: capacity)
            - IdentityParts.start(of: part, parts: parts, capacity: capacity)
    }

    private mutating func put(
        _ identity: UInt64, at position: Int, _ input: inout StateReader
    ) throws(BinaryCodingError) {
        let part = IdentityParts.part(of: position, parts: parts, capacity: capacity)
        guard based[part] else { return }
        let offset = position - IdentityParts.start(of: part, parts: parts, capacity: capacity)
        if offset < identities[part].count {
            identities[part][offset] = identity
        } else {
            guard offset == identities[part].count else { throw input.malformed("identity \(position) out of turn") }
            identities[part].append(identity)
        }
    }

    // MARK: The end

    /// The ring under the capacity with which it was written, or `ifEmpty` where nothing was read.
    func ring(ifEmpty: Int) throws(EngineRestoreError) -> IdentityRing {
        guard capacity > 0, let inserted else { return IdentityRing(capacity: ifEmpty) }
        let ring = ContiguousArray(identities.joined())
        let kept = Int(Swift.min(inserted, UInt64(capacity)))
        guard ring.count == kept else {
            throw .inconsistent("\(ring.count) identities were read, \(kept) are there")
        }
        var times: ContiguousArray<Int64> = []
        for block in IdentityRing.blocks(0..<kept) {
            guard let time = blockTimes[block] else { throw .inconsistent("identity block \(block) has no time") }
            times.append(time)
        }
        return IdentityRing(capacity: capacity, inserted: inserted, identities: ring, blockTimes: times)
    }
}
