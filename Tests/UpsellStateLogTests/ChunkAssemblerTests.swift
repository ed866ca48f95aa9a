import Testing
import UpsellModel
import UpsellStateLog

@Suite struct ChunkAssemblerTests {
    /// Three parts for each epoch.
    static func log(_ epochs: ClosedRange<UInt64>) -> [[UInt8]] {
        epochs.flatMap { Samples.chunks(epoch: $0, deltaBytes: 25, partBytesMax: 10) }
    }

    /// Epochs of the records, until the end or the first error.
    static func epochs(_ records: [[UInt8]], partition: Int32 = 0) throws -> [UInt64] {
        var assembler = ChunkAssembler(partition: PartitionID(partition))
        return try records.compactMap { try assembler.add(try StateChunk.decode($0))?.header.epoch }
    }

    static func refusal(_ records: [[UInt8]], partition: Int32 = 0) throws -> StateLogError {
        try #require(throws: StateLogError.self) { _ = try epochs(records, partition: partition) }
    }

    @Test func epochsFollowOneAnother() throws {
        #expect(try Self.epochs(Self.log(0...4)) == [0, 1, 2, 3, 4])
        #expect(try Self.epochs(Self.log(UInt64.max - 1 ... .max)) == [.max - 1, .max])
    }

    @Test(arguments: [1, 2])
    func readingMayBeginInTheMiddleOfAnEpoch(part: Int) throws {
        #expect(try Self.epochs(Array(Self.log(7...9).dropFirst(part))) == [8, 9])
    }

    @Test(arguments: 1..<9)
    func aLostPartIsRefused(index: Int) throws {
        var records = Self.log(7...10)
        records.remove(at: index)
        #expect(try Self.refusal(records).kind == .outOfOrder)
    }

    @Test(arguments: 0..<9)
    func aRepeatedPartIsRefused(index: Int) throws {
        var records = Self.log(7...9)
        records.insert(records[index], at: index)
        #expect(try Self.refusal(records).kind == .outOfOrder)
    }

    @Test func aGapIsRefusedWithBothNumbers() throws {
        let error = try Self.refusal(Self.log(5...6) + Self.log(8...8))
        #expect(
            error.description
                == "partition 0, epoch 8, part 0 of 3: expected a state chunk that begins epoch 7")
        // Behind parts that were passed over, too.
        #expect(try Self.refusal(Self.log(5...5).dropFirst() + Self.log(7...7)).kind == .outOfOrder)
        #expect(try Self.refusal(Self.log(UInt64.max ... .max) + Self.log(0...0)).kind == .outOfOrder)
    }

    @Test func aRepeatedEpochIsRefused() throws {
        #expect(try Self.refusal(Self.log(5...6) + Self.log(6...6)).kind == .outOfOrder)
    }

    @Test func anotherPartitionIsRefused() throws {
        let error = try Self.refusal(Self.log(5...6), partition: 1)
        #expect(error.description.hasSuffix("expected a state chunk of partition 1"))
    }

    @Test func partsOfTwoVersionsOfAnEpochDoNotMix() throws {
        let other = ChunkHeader(
            partition: PartitionID(0), partitionCount: 8, epoch: 5, inputs: [], configuration: Samples.configuration,
            writer: "another", restoreFrom: 0)
        var payload = StatePayloadWriter()
        payload.append(.delta) { $0.put(raw: [UInt8](repeating: 0, count: 25)) }
        let ours = Self.log(5...5)
        let theirs = payload.chunks(header: other, partBytesMax: 10)
        #expect(try Self.refusal([ours[0], theirs[1], ours[2]]).description.hasSuffix("with the header of part 0"))
    }

    @Test func aRefusalChangesNothing() throws {
        let records = Self.log(5...6)
        var assembler = ChunkAssembler(partition: PartitionID(0))
        #expect(try assembler.add(try StateChunk.decode(records[0])) == nil)
        #expect(throws: StateLogError.self) { _ = try assembler.add(try StateChunk.decode(records[2])) }
        #expect(try assembler.add(try StateChunk.decode(records[1])) == nil)
        let epoch = try #require(try assembler.add(try StateChunk.decode(records[2])))
        #expect(Array(epoch.sections[0].bytes) == (0..<25).map { UInt8($0 + 5) })
    }
}
