import Testing
import UpsellModel
import UpsellStateLog

@Suite struct StateChunkTests {
    @Test func anEpochWithoutSectionsIsOneRecord() throws {
        var header = Samples.header
        header.parts = 1
        let records = StatePayloadWriter().chunks(header: header)
        #expect(records.count == 1)
        let chunk = try StateChunk.decode(records[0])
        #expect(chunk.header == header)
        #expect(chunk.payload.isEmpty)
        var assembler = ChunkAssembler(partition: header.partition)
        let epoch = try #require(try assembler.add(chunk))
        #expect(epoch.sections.isEmpty)
    }

    @Test(arguments: [1, 7, 24, 47, 48, 49, 1_000])
    func sectionsComeBackHoweverTheyAreCut(partBytesMax: Int) throws {
        let records = Samples.payload.chunks(header: Samples.header, partBytesMax: partBytesMax)
        #expect(records.count == (48 + partBytesMax - 1) / partBytesMax)
        var assembler = ChunkAssembler(partition: Samples.header.partition)
        for record in records.dropLast() { #expect(try assembler.add(try StateChunk.decode(record)) == nil) }
        #expect(assembler.isBetweenEpochs == (records.count == 1))
        let last = try #require(records.last)
        let epoch = try #require(try assembler.add(try StateChunk.decode(last)))
        #expect(assembler.isBetweenEpochs)
        #expect(epoch.sections.map { Array($0.bytes) } == [Samples.delta, Samples.slice, Samples.catalogue])
        var reader = epoch.sections[1].reader
        #expect(try reader.byte() == Samples.slice[0])
        #expect(reader.left == Samples.slice.count - 1)
        #expect(epoch.header.parts == records.count)
    }

    @Test func aPayloadIsCutAtHalfAMebibyte() throws {
        var payload = StatePayloadWriter()
        let size = payload.append(.delta) { $0.put(raw: [UInt8](repeating: 1, count: 512 * 1024 + 1)) }
        #expect(size == 524_289)
        let records = payload.chunks(header: Samples.header)
        #expect(records.count == 2)
        #expect(records[0].count < 512 * 1024 + 512)
        payload.removeAll()
        #expect(payload.isEmpty && payload.byteCount == 0)
        #expect(payload.chunks(header: Samples.header).count == 1)
    }

    @Test func aSectionWithoutBytesIsKept() throws {
        var payload = StatePayloadWriter()
        payload.append(slice: SliceID(63, of: 64)) { _ in }
        #expect(!payload.isEmpty)
        var assembler = ChunkAssembler(partition: Samples.header.partition)
        let chunk = try StateChunk.decode(payload.chunks(header: Samples.header)[0])
        let epoch = try #require(try assembler.add(chunk))
        #expect(epoch.sections.map(\.slice) == [SliceID(63, of: 64)])
        #expect(epoch.sections[0].reader.isAtEnd)
    }

    @Test func aNewerVersionIsCalledOne() throws {
        var record = try Samples.bytes("chunk-0.hex")
        record[4] = 2
        let error = try #require(throws: StateLogError.self) { _ = try StateChunk.decode(record) }
        #expect(error.kind == .newerFormat)
        #expect(error.description == "the state chunk has format version 2; this program knows versions up to 1")
    }

    @Test func recordsOfOthersAreForeign() throws {
        for record in [[], Array("{}".utf8), Array("UPS".utf8), try Samples.bytes("journal.hex")] {
            let error = try #require(throws: StateLogError.self) { _ = try StateChunk.decode(record) }
            #expect(error.kind == .foreign)
        }
    }

    @Test func damageNamesThePlace() throws {
        var record = try Samples.bytes("chunk-1.hex")
        record[record.count - 9] ^= 1
        let error = try #require(throws: StateLogError.self) { _ = try StateChunk.decode(record) }
        #expect(error.kind == .damaged)
        #expect(
            error.place == StateLogError.Place(partition: PartitionID(3), epoch: 300, part: 1, parts: 2))
        #expect(error.description.hasPrefix("partition 3, epoch 300, part 1 of 2: the state chunk is damaged: byte "))
    }
}
