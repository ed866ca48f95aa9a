/// Appends integers, texts and byte runs to a buffer: the one encoding under state log, journal and catalogue.
///
/// Unsigned integers are LEB128 (7 bits a byte, least significant first), signed ones zigzag over it; fixed widths are
/// little-endian; texts and byte runs have their length before them.
///
/// Inlinable, as the reader is: the engine puts millions of small integers, and generic code is not specialised for other
/// modules.
@frozen
public struct BinaryWriter: Sendable {
    @usableFromInline
    var storage: [UInt8] = []

    @inlinable
    public var bytes: [UInt8] { storage }

    @inlinable
    public init(reserving capacity: Int = 0) { storage.reserveCapacity(capacity) }

    @inlinable
    public var count: Int { storage.count }
    @inlinable
    public mutating func removeAll() { storage.removeAll(keepingCapacity: true) }

    @inlinable
    public mutating func put(byte: UInt8) { storage.append(byte) }

    @inlinable
    public mutating func put(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            storage.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        storage.append(UInt8(truncatingIfNeeded: rest))
    }

    /// - Parameter count: 0 or more.
    @inlinable
    public mutating func put(count: Int) { put(UInt64(count)) }
    @inlinable
    public mutating func put(signed value: Int64) { put(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }
    @inlinable
    public mutating func put(_ flag: Bool) { storage.append(flag ? 1 : 0) }

    @inlinable
    public mutating func put(fixed64 value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            storage.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    @inlinable
    public mutating func put(raw run: some Sequence<UInt8>) { storage.append(contentsOf: run) }

    @inlinable
    public mutating func put(run: some Collection<UInt8>) {
        put(count: run.count)
        storage.append(contentsOf: run)
    }

    @inlinable
    public mutating func put(_ text: String) { put(run: text.utf8) }
}

/// Reads what `BinaryWriter` wrote; every read is checked, so that foreign bytes end in an error and never in a trap.
@frozen
public struct BinaryReader: Sendable {
    @usableFromInline
    let bytes: [UInt8]
    @usableFromInline
    var next: Int
    @usableFromInline
    let end: Int

    /// Position of the next byte in the array given at the start.
    @inlinable
    public var position: Int { next }

    @inlinable
    public init(_ bytes: [UInt8]) {
        self.init(bytes, 0..<bytes.count)
    }

    @inlinable
    public init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        next = range.lowerBound
        end = range.upperBound
    }

    @inlinable
    public var left: Int { end - next }
    @inlinable
    public var isAtEnd: Bool { next == end }

    @inlinable
    public mutating func byte() throws(BinaryCodingError) -> UInt8 {
        guard next < end else { throw .truncated(at: next) }
        defer { next += 1 }
        return bytes[next]
    }

    @inlinable
    public mutating func unsigned() throws(BinaryCodingError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard next < end else { throw .truncated(at: next) }
            let byte = bytes[next]
            guard shift < 63 || (shift == 63 && byte <= 1) else {
                throw .malformed(at: next, "integer over 64 bits")
            }
            next += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// A count of things that take at least one byte each, so that foreign bytes cannot ask for more memory than they
    /// have.
    @inlinable
    public mutating func count() throws(BinaryCodingError) -> Int {
        let start = next
        let value = try unsigned()
        guard value <= UInt64(left) else { throw .malformed(at: start, "count \(value) with \(left) bytes left") }
        return Int(value)
    }

    /// An integer that is neither a count nor an amount, such as a position; at most `Int.max`.
    @inlinable
    public mutating func integer() throws(BinaryCodingError) -> Int {
        let start = next
        guard let value = Int(exactly: try unsigned()) else { throw .malformed(at: start, "integer over 63 bits") }
        return value
    }

    @inlinable
    public mutating func signed() throws(BinaryCodingError) -> Int64 {
        let value = try unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    @inlinable
    public mutating func flag() throws(BinaryCodingError) -> Bool {
        let value = try byte()
        guard value <= 1 else { throw .malformed(at: next - 1, "flag \(value)") }
        return value == 1
    }

    @inlinable
    public mutating func fixed64() throws(BinaryCodingError) -> UInt64 {
        guard left >= 8 else { throw .truncated(at: next) }
        var value: UInt64 = 0
        for index in 0..<8 { value |= UInt64(bytes[next + index]) << UInt64(8 * index) }
        next += 8
        return value
    }

    @inlinable
    public mutating func run() throws(BinaryCodingError) -> ArraySlice<UInt8> {
        let length = try count()
        defer { next += length }
        return bytes[next..<next + length]
    }

    @inlinable
    public mutating func text() throws(BinaryCodingError) -> String {
        let start = next
        let run = try run()
        guard let text = String(validating: run, as: UTF8.self) else {
            throw .malformed(at: start, "text that is not UTF-8")
        }
        return text
    }
}

/// Why bytes could not be read; positions count from the start of the array.
public enum BinaryCodingError: Error, Sendable, Equatable, CustomStringConvertible {
    case truncated(at: Int)
    case malformed(at: Int, String)

    public var description: String {
        switch self {
        case .truncated(let position): "ends at byte \(position), where more was expected"
        case .malformed(let position, let what): "byte \(position): \(what)"
        }
    }
}
