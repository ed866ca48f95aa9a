/// Appends integers, texts and byte runs to a buffer: the one encoding under state log, journal and catalogue.
///
/// Unsigned integers are LEB128 (7 bits a byte, least significant first), signed ones zigzag over it; fixed widths are
/// little-endian; texts and byte runs have their length before them.
public struct BinaryWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    public var count: Int { bytes.count }
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    public mutating func put(byte: UInt8) { bytes.append(byte) }

    public mutating func put(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// - Parameter count: 0 or more.
    public mutating func put(count: Int) { put(UInt64(count)) }
    public mutating func put(signed value: Int64) { put(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }
    public mutating func put(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

    public mutating func put(fixed64 value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    public mutating func put(raw run: some Sequence<UInt8>) { bytes.append(contentsOf: run) }

    public mutating func put(run: some Collection<UInt8>) {
        put(count: run.count)
        bytes.append(contentsOf: run)
    }

    public mutating func put(_ text: String) { put(run: text.utf8) }
}

/// Reads what `BinaryWriter` wrote; every read is checked, so that foreign bytes end in an error and never in a trap.
public struct BinaryReader: Sendable {
    private let bytes: [UInt8]
    /// Position of the next byte in the array given at the start.
    public private(set) var position: Int
    private let end: Int

    public init(_ bytes: [UInt8]) {
        self.init(bytes, 0..<bytes.count)
    }

    public init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    public var left: Int { end - position }
    public var isAtEnd: Bool { position == end }

    public mutating func byte() throws(BinaryCodingError) -> UInt8 {
        guard position < end else { throw .truncated(at: position) }
        defer { position += 1 }
        return bytes[position]
    }

    public mutating func unsigned() throws(BinaryCodingError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < end else { throw .truncated(at: position) }
            let byte = bytes[position]
            guard shift < 63 || (shift == 63 && byte <= 1) else {
                throw .malformed(at: position, "integer over 64 bits")
            }
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// A count of things that take at least one byte each, so that foreign bytes cannot ask for more memory than they
    /// have.
    public mutating func count() throws(BinaryCodingError) -> Int {
        let start = position
        let value = try unsigned()
        guard value <= UInt64(left) else { throw .malformed(at: start, "count \(value) with \(left) bytes left") }
        return Int(value)
    }

    /// An integer that is neither a count nor an amount, such as a position; at most `Int.max`.
    public mutating func integer() throws(BinaryCodingError) -> Int {
        let start = position
        guard let value = Int(exactly: try unsigned()) else { throw .malformed(at: start, "integer over 63 bits") }
        return value
    }

    public mutating func signed() throws(BinaryCodingError) -> Int64 {
        let value = try unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    public mutating func flag() throws(BinaryCodingError) -> Bool {
        let value = try byte()
        guard value <= 1 else { throw .malformed(at: position - 1, "flag \(value)") }
        return value == 1
    }

    public mutating func fixed64() throws(BinaryCodingError) -> UInt64 {
        guard left >= 8 else { throw .truncated(at: position) }
        var value: UInt64 = 0
        for index in 0..<8 { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += 8
        return value
    }

    public mutating func run() throws(BinaryCodingError) -> ArraySlice<UInt8> {
        let length = try count()
        defer { position += length }
        return bytes[position..<position + length]
    }

    public mutating func text() throws(BinaryCodingError) -> String {
        let start = position
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
