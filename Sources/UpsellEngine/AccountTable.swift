internal import UpsellModel

/// Accounts by number: an open-addressing table over the account hash, key bytes in one arena.
///
/// A slot has the upper 32 bits of the hash beside the account's number, so that growth and removal need no key; a hit
/// is confirmed by comparing bytes. A new account gets the least number that is free, so that numbers depend on who is
/// there and not on how it came about. Partition queue only.
struct AccountTable: ~Copyable {
    /// hash[63...32] << 32 | number + 1; 0 is empty. Linear probing from hash[63...32] & mask.
    private var slots: ContiguousArray<UInt64>
    private var mask: Int
    private var entries: ContiguousArray<Entry> = []
    private var keys: ContiguousArray<UInt8> = []
    private var free = MinHeap<Int32>()
    private var garbage = 0
    private(set) var count = 0
    /// Bytes that an account id is shorter than.
    static let keyMax = 1 << 24

    init() {
        slots = ContiguousArray(repeating: 0, count: 1024)
        mask = 1023
    }

    /// Numbers given out so far, those of removed accounts among them.
    var numbers: Int { entries.count }

    @inline(__always)
    func isInUse(_ number: Int) -> Bool { entries[number].isInUse }

    /// - Returns: the account's number, or -1.
    @inline(__always)
    func find(_ hash: UInt64, _ key: borrowing RawSpan) -> Int {
        let fingerprint = hash >> 32
        var index = Int(truncatingIfNeeded: fingerprint) & mask
        while true {
            let slot = slots[index]
            if slot == 0 { return -1 }
            if slot >> 32 == fingerprint {
                let number = Int(truncatingIfNeeded: slot & 0xffff_ffff) - 1
                if isKey(of: number, equalTo: key) { return number }
            }
            index = (index + 1) & mask
        }
    }

    /// The account in the hash's home slot, most likely the one sought, or -1; loads one slot and nothing else.
    @inline(__always)
    func candidate(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: slots[Int(truncatingIfNeeded: hash >> 32) & mask] & 0xffff_ffff) - 1
    }

    /// Touches an account's entry.
    @inline(__always)
    func touchEntry(_ number: Int) -> UInt64 { entries[number].isInUse ? 1 : 0 }

    /// Touches an account's key.
    @inline(__always)
    func touchKey(_ number: Int) -> UInt64 {
        let entry = entries[number]
        return entry.isInUse && entry.length > 0 ? UInt64(keys[entry.offset]) : 0
    }

    /// Adds an account that `find` did not find.
    mutating func insert(_ hash: UInt64, _ key: borrowing RawSpan) -> Int {
        if (count + 1) * 4 > slots.count * 3 { grow() }
        let number: Int
        let entry = Entry(offset: keys.count, length: key.byteCount)
        if let reused = free.pop() {
            number = Int(reused)
            entries[number] = entry
        } else {
            number = entries.count
            entries.append(entry)
        }
        unsafe key.withUnsafeBytes { unsafe keys.append(contentsOf: $0) }
        place((hash >> 32) << 32 | UInt64(number + 1))
        count += 1
        return number
    }

    /// Adds an account under a number that is not in use, whatever numbers are free: for a restore, which calls
    /// `findFreeNumbers` at its end.
    mutating func insert(_ hash: UInt64, _ key: borrowing RawSpan, as number: Int) {
        if (count + 1) * 4 > slots.count * 3 { grow() }
        while entries.count <= number { entries.append(Entry.none) }
        entries[number] = Entry(offset: keys.count, length: key.byteCount)
        unsafe key.withUnsafeBytes { unsafe keys.append(contentsOf: $0) }
        place((hash >> 32) << 32 | UInt64(number + 1))
        count += 1
    }

    mutating func findFreeNumbers() {
        free.removeAll()
        for number in entries.indices where !entries[number].isInUse { free.push(Int32(number)) }
    }

    mutating func remove(_ number: Int) {
        let hash = hash(of: number)
        var index = Int(truncatingIfNeeded: hash >> 32) & mask
        while slots[index] & 0xffff_ffff != UInt64(number + 1) { index = (index + 1) & mask }
        // Closes the gap: later members of the cluster move up where their home allows it.
        var hole = index
        var next = (hole + 1) & mask
        while slots[next] != 0 {
            let home = Int(truncatingIfNeeded: slots[next] >> 32) & mask
            if (next - home) & mask >= (next - hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole] = 0
        garbage += entries[number].length
        entries[number] = Entry.none
        free.push(Int32(number))
        count -= 1
        if garbage > 1 << 16, garbage * 2 > keys.count { compact() }
    }

    func hash(of number: Int) -> UInt64 {
        let entry = entries[number]
        return unsafe xxh3(keys.span.extracting(entry.offset..<entry.offset + entry.length).bytes)
    }

    /// Appends the account's id in UTF-8.
    func writeKey(of number: Int, into writer: inout BinaryWriter) {
        let entry = entries[number]
        writer.put(run: keys[entry.offset..<entry.offset + entry.length])
    }

    /// The account's id as text; for output.
    func name(of number: Int) -> String {
        let entry = entries[number]
        return String(decoding: keys[entry.offset..<entry.offset + entry.length], as: UTF8.self)
    }

    @inline(__always)
    private func isKey(of number: Int, equalTo key: borrowing RawSpan) -> Bool {
        let entry = entries[number]
        guard entry.length == key.byteCount else { return false }
        let own = unsafe keys.span.bytes
        let offset = entry.offset
        var index = 0
        // The lengths are equal and the entry lies inside the arena, so every load is in bounds.
        while index + 8 <= entry.length {
            let a = unsafe own.unsafeLoadUnaligned(fromByteOffset: offset + index, as: UInt64.self)
            let b = unsafe key.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            if a != b { return false }
            index += 8
        }
        while index < entry.length {
            let a = unsafe own.unsafeLoad(fromByteOffset: offset + index, as: UInt8.self)
            let b = unsafe key.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            if a != b { return false }
            index += 1
        }
        return true
    }

    private mutating func place(_ slot: UInt64) {
        var index = Int(truncatingIfNeeded: slot >> 32) & mask
        while slots[index] != 0 { index = (index + 1) & mask }
        slots[index] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = ContiguousArray(repeating: 0, count: old.count * 2)
        mask = slots.count - 1
        for slot in old where slot != 0 { place(slot) }
    }

    /// Writes the arena anew without the keys of removed accounts.
    private mutating func compact() {
        var packed: ContiguousArray<UInt8> = []
        packed.reserveCapacity(keys.count - garbage)
        for number in entries.indices where entries[number].isInUse {
            let entry = entries[number]
            entries[number] = Entry(offset: packed.count, length: entry.length)
            packed.append(contentsOf: keys[entry.offset..<entry.offset + entry.length])
        }
        keys = packed
        garbage = 0
    }

    /// Where the key lies: 40 bits of offset, 24 of length; an account id longer than 16 MiB fits no Kafka record.
    private struct Entry {
        private var packed: UInt64

        init(offset: Int, length: Int) {
            precondition(length < AccountTable.keyMax && offset < 1 << 40, "account id beyond the arena's range")
            packed = UInt64(offset) << 24 | UInt64(length)
        }

        private init(packed: UInt64) { self.packed = packed }

        static let none = Entry(packed: .max)
        var isInUse: Bool { packed != .max }
        var offset: Int { Int(packed >> 24) }
        var length: Int { Int(packed & 0xff_ffff) }
    }
}
