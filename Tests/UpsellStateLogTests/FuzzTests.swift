import Testing
import UpsellModel

@testable import UpsellStateLog

/// Foreign bytes end in an error, never in a trap, and never in another value.
@Suite struct FuzzTests {
    static func seeds() throws -> [[UInt8]] {
        try ["chunk-0.hex", "chunk-1.hex", "journal.hex", "journal-control.hex"].map { try Samples.bytes($0) }
    }

    /// Whether either decoder takes the bytes.
    static func isTaken(_ bytes: [UInt8]) -> Bool {
        (try? StateChunk.decode(bytes)) != nil || (try? JournalRecord.decode(bytes)) != nil
    }

    @Test func everyTruncationIsRefused() throws {
        for seed in try Self.seeds() {
            for length in 0..<seed.count { #expect(!Self.isTaken(Array(seed[..<length]))) }
        }
    }

    @Test func everyBitThatFlipsIsFound() throws {
        for seed in try Self.seeds() {
            for bit in 0..<8 * seed.count {
                var bytes = seed
                bytes[bit / 8] ^= 1 << (bit % 8)
                #expect(!Self.isTaken(bytes), "bit \(bit)")
            }
        }
    }

    @Test func concatenationsAreRefused() throws {
        let seeds = try Self.seeds()
        for a in seeds {
            for b in seeds { #expect(!Self.isTaken(a + b)) }
            #expect(!Self.isTaken(a + [0]))
        }
    }

    /// With a right checksum, so that the content's decoders meet the damage. What they take has to be written again to
    /// something that is read as the same.
    @Test func contentIsRefusedOrReadWhateverItIs() throws {
        var generator = SeededGenerator(state: 6)
        let seeds = try Self.seeds()
        var taken = 0
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = Array(seeds[Int.random(in: 0..<seeds.count, using: &generator)].dropLast(8))
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                // Behind magic and version.
                let position = Int.random(in: 5..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[position] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &generator) ?? 0
                case 2: bytes.remove(at: position)
                default: bytes.insert(0xff, at: position)
                }
            }
            let hash = xxh3(bytes.span.bytes)
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: hash >> UInt64(8 * $0)) }
            if let chunk = try? StateChunk.decode(bytes) {
                taken += 1
                var assembler = ChunkAssembler(partition: chunk.header.partition)
                if let epoch = try? assembler.add(chunk) {
                    #expect(epoch.sections.reduce(0) { $0 + $1.byteCount } == chunk.payload.count)
                }
            } else if let journal = try? JournalRecord.decode(bytes) {
                taken += 1
                #expect(try JournalRecord.decode(journal.encoded()) == journal)
            } else {
                refused += 1
            }
        }
        #expect(taken > 1_000 && refused > 1_000, "\(taken) taken, \(refused) refused")
    }
}
