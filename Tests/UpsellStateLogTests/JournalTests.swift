import Testing
import UpsellModel
import UpsellStateLog

@Suite struct JournalTests {
    @Test(arguments: [1, 10, 63, 1_000])
    func stepsComeBackHoweverTheyAreCut(partBytesMax: Int) throws {
        let records = Samples.journal.records(partBytesMax: partBytesMax)
        #expect((records.count == 1) == (partBytesMax == 1_000))
        var assembler = JournalAssembler(partition: PartitionID(3))
        for record in records.dropLast() { #expect(try assembler.add(record) == nil) }
        let last = try #require(records.last)
        #expect(try assembler.add(last) == Samples.journal)
        #expect(assembler.isBetweenEpochs)
    }

    @Test func aRecordWithoutStepsComesBack() throws {
        var journal = Samples.journal
        journal.steps = []
        #expect(try JournalRecord.decode(journal.encoded()) == journal)
        #expect(journal.records() == [journal.encoded()])
    }

    @Test func extremesComeBack() throws {
        var journal = Samples.journal
        journal.steps = [
            .run(input: InputID(255), first: .min, next: .max), .run(input: InputID(0), first: .max, next: .min),
            .tick(wallTime: Timestamp(milliseconds: .max)),
            .profile(offset: .min, recordTime: .latest, key: [], value: []),
            .configuration(ConfigurationMark(sequence: 0, contentHash: .max), body: []),
            .control(offset: .max, recordTime: Timestamp.earliest, value: []),
        ]
        #expect(try JournalRecord.decode(journal.encoded()) == journal)
    }

    @Test func aPartIsNotAWhole() throws {
        let records = Samples.journal.records(partBytesMax: 100)
        let error = try #require(throws: StateLogError.self) { _ = try JournalRecord.decode(records[0]) }
        #expect(error.kind == .outOfOrder)
    }

    @Test func aGapIsRefused() throws {
        var assembler = JournalAssembler(partition: PartitionID(3))
        _ = try assembler.add(Samples.journal.encoded())
        var later = Samples.journal
        later.epoch += 2
        let error = try #require(throws: StateLogError.self) { _ = try assembler.add(later.encoded()) }
        #expect(error.description.hasSuffix("expected a journal record that begins epoch 301"))
        later.epoch -= 1
        #expect(try assembler.add(later.encoded()) == later)
    }
}
