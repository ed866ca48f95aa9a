/// The last `capacity` identities of a partition: first in, first out, 64-bit hashes.
///
/// Memory: 8 B in the ring and 4 B a slot of an index kept at most half full, so 16–17 B an identity at 500,000. A slot
/// has the ring position and, in the bits left over, part of the hash, so that most foreign slots cost no ring access.
struct IdentityRing: ~Copyable {
    var ring: ContiguousArray<UInt64> = []
    /// Part of the hash << positionBits | ring position + 1; 0 is empty.
    private(set) var slots: ContiguousArray<UInt32>
    private var mask: Int
    var next = 0
    private(set) var capacity: Int
    /// Identities ever inserted; number q lies at position q mod capacity. Starts anew when the capacity changes.
    var inserted: UInt64 = 0
    private var positionBits: UInt32
    /// Clock at which each block of ring positions was last begun.
    var blockTimes: ContiguousArray<Int64> = []
    private static let blockShift = 10
    static let blockLength = 1 << blockShift

    init(capacity: Int) {
        self.capacity = Swift.max(1, Swift.min(capacity, 1 << 30))
        positionBits = UInt32(Int.bitWidth - (self.capacity + 1).leadingZeroBitCount)
        slots = ContiguousArray(repeating: 0, count: 1024)
        mask = 1023
    }

    var count: Int { ring.count }

    /// Clock time of the oldest identity kept, where older ones were forgotten.
    var horizon: Int64? {
        guard ring.count == capacity else { return nil }
        // The block that is being overwritten has begun anew; its successor holds the oldest.
        let block = next >> Self.blockShift
        let isFresh = next & ((1 << Self.blockShift) - 1) == 0
        return blockTimes[isFresh ? block : (block + 1) % blockTimes.count]
    }

    /// Touches the slot of an identity so that it is in the cache when `insert` comes.
    @inline(__always)
    func slot(of identity: UInt64) -> UInt32 { slots[Int(truncatingIfNeeded: identity) & mask] }

    /// - Returns: false if the identity is known; nothing has changed then.
    @inline(__always)
    mutating func insert(_ identity: UInt64, at clock: Int64) -> Bool {
        var index = Int(truncatingIfNeeded: identity) & mask
        let part = tag(identity)
        let positionMask = (UInt32(1) << positionBits) - 1
        while true {
            let slot = slots[index]
            if slot == 0 { break }
            if slot & ~positionMask == part, ring[Int(slot & positionMask) - 1] == identity { return false }
            index = (index + 1) & mask
        }
        add(identity, free: index, at: clock)
        return true
    }

    @inline(__always)
    private func tag(_ identity: UInt64) -> UInt32 {
        // The top bits: the low ones are the home slot.
        positionBits >= 32 ? 0 : UInt32(truncatingIfNeeded: identity >> 32) & ~((UInt32(1) << positionBits) - 1)
    }

    private mutating func add(_ identity: UInt64, free slot: Int, at clock: Int64) {
        var slot = slot
        let position = next
        if ring.count < capacity {
            ring.append(identity)
            if ring.count * 2 > slots.count {
                grow()
                slot = -1
            }
        } else {
            forget(at: position)
            ring[position] = identity
            slot = -1  // forgetting moves slots
        }
        if slot < 0 {
            slot = Int(truncatingIfNeeded: identity) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
        }
        slots[slot] = tag(identity) | UInt32(position + 1)
        if position & ((1 << Self.blockShift) - 1) == 0 {
            let block = position >> Self.blockShift
            if block < blockTimes.count { blockTimes[block] = clock } else { blockTimes.append(clock) }
        }
        next = position + 1 == capacity ? 0 : position + 1
        inserted += 1
    }

    private mutating func forget(at position: Int) {
        let positionMask = (UInt32(1) << positionBits) - 1
        var hole = Int(truncatingIfNeeded: ring[position]) & mask
        while slots[hole] & positionMask != UInt32(position + 1) { hole = (hole + 1) & mask }
        var following = (hole + 1) & mask
        while slots[following] != 0 {
            let home = Int(truncatingIfNeeded: ring[Int(slots[following] & positionMask) - 1]) & mask
            if (following - home) & mask >= (following - hole) & mask {
                slots[hole] = slots[following]
                hole = following
            }
            following = (following + 1) & mask
        }
        slots[hole] = 0
    }

    /// Doubles the index; the newest identity, which has no slot yet, is left to the caller.
    private mutating func grow() { index(slots.count * 2, ring.count - 1) }

    /// Makes the index anew for the first `count` positions.
    ///
    /// - Parameter length: slots, a power of two.
    mutating func index(_ length: Int, _ count: Int) {
        slots = ContiguousArray(repeating: 0, count: length)
        mask = slots.count - 1
        for position in 0..<count {
            var slot = Int(truncatingIfNeeded: ring[position]) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = tag(ring[position]) | UInt32(position + 1)
        }
    }

    /// Identities from the oldest to the newest.
    func forEach(_ body: (UInt64) -> Void) {
        if ring.count == capacity { for position in next..<ring.count { body(ring[position]) } }
        for position in 0..<(ring.count == capacity ? next : ring.count) { body(ring[position]) }
    }

    /// The same identities under another bound; the newest stay.
    func resized(to capacity: Int, at clock: Int64) -> IdentityRing {
        var other = IdentityRing(capacity: capacity)
        forEach { _ = other.insert($0, at: horizon ?? clock) }
        return other
    }
}
