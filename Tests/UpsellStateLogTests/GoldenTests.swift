import Foundation
import Testing
import UpsellModel
import UpsellStateLog

/// Files of format version 1, written by `Tests/Fixtures/state-log/generate.py`, which shares no code with the codecs.
@Suite struct GoldenTests {
    @Test func chunksOfVersion1AreRead() throws {
        var assembler = ChunkAssembler(partition: PartitionID(3))
        let first = try StateChunk.decode(Samples.bytes("chunk-0.hex"))
        let second = try StateChunk.decode(Samples.bytes("chunk-1.hex"))
        #expect(first.header == Samples.header)
        #expect(second.header.part == 1)
        #expect(try assembler.add(first) == nil)
        let epoch = try #require(try assembler.add(second))
        #expect(epoch.header == Samples.header)
        #expect(epoch.sections.map(\.kind) == [.delta, .slice, .catalogue])
        #expect(epoch.sections.map(\.slice) == [nil, SliceID(5, of: 64), nil])
        #expect(epoch.sections.map { Array($0.bytes) } == [Samples.delta, Samples.slice, Samples.catalogue])
    }

    @Test func chunksAreWrittenAsInVersion1() throws {
        let records = Samples.payload.chunks(header: Samples.header, partBytesMax: 30)
        #expect(try records == [Samples.bytes("chunk-0.hex"), Samples.bytes("chunk-1.hex")])
    }

    @Test func aJournalRecordOfVersion1IsRead() throws {
        #expect(try JournalRecord.decode(Samples.bytes("journal.hex")) == Samples.journal)
    }

    @Test func aJournalRecordIsWrittenAsInVersion1() throws {
        #expect(try Samples.journal.encoded() == Samples.bytes("journal.hex"))
    }

    @Test func aJournalRecordWithControlStepsIsReadAndWritten() throws {
        let bytes = try Samples.bytes("journal-control.hex")
        #expect(try JournalRecord.decode(bytes) == Samples.controlJournal)
        #expect(Samples.controlJournal.encoded() == bytes)
    }

    @Test func anOffsetMarkOfVersion1IsReadAndWritten() throws {
        let text = try Samples.text("offset-mark.txt").trimmingCharacters(in: .newlines)
        let mark = OffsetMark(epoch: 300, restoreFrom: 3_456, writer: "upselld-a")
        #expect(OffsetMark(text: text) == mark)
        #expect(mark.text == text)
    }
}
