/// Finds out by which partitioner a topic's producers place their keys, and counts the records placed otherwise.
///
/// Java's clients use murmur2, librdkafka's default CRC32; a topic fed by both splits accounts in two. Until the first
/// `evidenceMin` records that only one of the two explains, both are computed; afterwards only the inferred one, and
/// the other just for records that it does not explain. One audit for each input topic and partition; `add` sums them
/// up.
public struct PartitionerAudit: Sendable, Equatable {
    public let partitionCount: Int
    public let partition: Int32

    /// Records whose key names this partition by murmur2 only, CRC32 only, both, or neither.
    private var byMurmur2 = 0
    private var byCRC32 = 0
    private var byBoth = 0
    private var byNeither = 0
    /// Settled once and for all for this partition.
    private var settled: Partitioner?
    /// Records without key, or with an empty one: their place says nothing.
    public private(set) var keyless = 0

    /// Records, explained by exactly one partitioner, that settle the question.
    public static let evidenceMin = 16

    public init(partitionCount: Int, partition: Int32) {
        precondition(partitionCount > 0, "a topic has partitions")
        self.partitionCount = partitionCount
        self.partition = partition
    }

    public enum Partitioner: String, Sendable, CaseIterable {
        /// `(murmur2(key) & 0x7fffffff) % n`: Java's clients, librdkafka's `murmur2` and `murmur2_random`.
        case murmur2
        /// `crc32(key) % n`: librdkafka's `consistent` and `consistent_random`.
        case crc32
    }

    /// Which of the two most records follow; nil while none says, for instance with one partition.
    public var inferred: Partitioner? {
        if let settled { return settled }
        if byMurmur2 == byCRC32 { return nil }
        return byMurmur2 > byCRC32 ? .murmur2 : .crc32
    }
    /// Records placed as inferred, or by both where nothing could be inferred.
    public var placedAsInferred: Int {
        switch inferred {
        case .murmur2: byMurmur2 + byBoth
        case .crc32: byCRC32 + byBoth
        case nil: byBoth
        }
    }
    /// Records that only the other partitioner explains; while nothing is inferred, those that only one explains.
    public var placedByOther: Int {
        switch inferred {
        case .murmur2: byCRC32
        case .crc32: byMurmur2
        case nil: byMurmur2 + byCRC32
        }
    }
    /// Records that neither explains.
    public var placedByNeither: Int { byNeither }

    /// Takes in one record's key. No allocation.
    public mutating func observe(key: RawSpan?) {
        guard let key, key.byteCount > 0 else {
            keyless += 1
            return
        }
        // With one partition every key is right under both.
        guard partitionCount > 1 else {
            byBoth += 1
            return
        }
        switch settled {
        case .murmur2:
            if Self.murmur2Partition(of: key, partitionCount) == partition {
                byMurmur2 += 1
            } else if Self.crc32Partition(of: key, partitionCount) == partition {
                byCRC32 += 1
            } else {
                byNeither += 1
            }
        case .crc32:
            if Self.crc32Partition(of: key, partitionCount) == partition {
                byCRC32 += 1
            } else if Self.murmur2Partition(of: key, partitionCount) == partition {
                byMurmur2 += 1
            } else {
                byNeither += 1
            }
        case nil:
            let java = Self.murmur2Partition(of: key, partitionCount) == partition
            let librdkafka = Self.crc32Partition(of: key, partitionCount) == partition
            switch (java, librdkafka) {
            case (true, true): byBoth += 1
            case (true, false): byMurmur2 += 1
            case (false, true): byCRC32 += 1
            case (false, false): byNeither += 1
            }
            if byMurmur2 + byCRC32 >= Self.evidenceMin, byMurmur2 != byCRC32 { settled = inferred }
        }
    }

    /// Adds another partition's counts of the same topic. What the topic as a whole follows is inferred from the sums.
    public mutating func add(_ other: PartitionerAudit) {
        byMurmur2 += other.byMurmur2
        byCRC32 += other.byCRC32
        byBoth += other.byBoth
        byNeither += other.byNeither
        keyless += other.keyless
        settled = nil
    }

    /// Partition of a key by Java's default partitioner.
    public static func murmur2Partition(of key: RawSpan, _ partitionCount: Int) -> Int32 {
        // As 32 bits, whose division is the quicker one; there are no more partitions than that.
        Int32(bitPattern: (murmur2(key) & 0x7fff_ffff) % UInt32(partitionCount))
    }

    /// Partition of a key by librdkafka's `consistent` partitioner.
    public static func crc32Partition(of key: RawSpan, _ partitionCount: Int) -> Int32 {
        Int32(bitPattern: crc32(key) % UInt32(partitionCount))
    }

    /// Murmur2 with Kafka's seed (`org.apache.kafka.common.utils.Utils.murmur2`). Wrapping arithmetic is its
    /// definition.
    static func murmur2(_ key: RawSpan) -> UInt32 {
        let multiplier: UInt32 = 0x5bd1_e995
        let count = key.byteCount
        var hash = 0x9747_b28c ^ UInt32(truncatingIfNeeded: count)
        var offset = 0
        while offset + 4 <= count {
            var word = UInt32(littleEndian: unsafe key.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
            word = word &* multiplier
            word ^= word >> 24
            word = word &* multiplier
            hash = hash &* multiplier ^ word
            offset += 4
        }
        if count - offset == 3 { hash ^= UInt32(key.byte(offset + 2)) << 16 }
        if count - offset >= 2 { hash ^= UInt32(key.byte(offset + 1)) << 8 }
        if count - offset >= 1 {
            hash ^= UInt32(key.byte(offset))
            hash = hash &* multiplier
        }
        hash ^= hash >> 13
        hash = hash &* multiplier
        return hash ^ (hash >> 15)
    }

    /// CRC-32 of ISO 3309 (zlib's), four bytes at a time over four tables.
    static func crc32(_ key: RawSpan) -> UInt32 {
        let count = key.byteCount
        var state: UInt32 = 0xffff_ffff
        var offset = 0
        while offset + 4 <= count {
            state ^= UInt32(littleEndian: unsafe key.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
            state =
                crcTables[768 + Int(state & 255)] ^ crcTables[512 + Int(state >> 8 & 255)]
                ^ crcTables[256 + Int(state >> 16 & 255)] ^ crcTables[Int(state >> 24)]
            offset += 4
        }
        while offset < count {
            state = (state >> 8) ^ crcTables[Int((state ^ UInt32(key.byte(offset))) & 255)]
            offset += 1
        }
        return ~state
    }

    /// Of each byte, and of each byte with one, two and three zero bytes behind it.
    private static let crcTables: InlineArray<1024, UInt32> = {
        var tables = InlineArray<1024, UInt32>(repeating: 0)
        for index in 0..<256 {
            var value = UInt32(index)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xedb8_8320 : value >> 1 }
            tables[index] = value
        }
        for index in 256..<1024 {
            let before = tables[index - 256]
            tables[index] = (before >> 8) ^ tables[Int(before & 255)]
        }
        return tables
    }()
}
