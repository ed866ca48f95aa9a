public import UpsellModel

extension JournalRecord {
    /// Finished record values of `upselld.journal`, in the order in which they have to be written; at least one.
    ///
    /// One for nearly every epoch; many or large profiles need more.
    ///
    /// - Parameter partBytesMax: bytes of steps in one record, at least 1.
    public func records(partBytesMax: Int = StatePayloadWriter.partBytesMax) -> [[UInt8]] {
        var head = BinaryWriter()
        head.put(writer)
        configuration.encode(to: &head)
        var body = BinaryWriter()
        body.put(count: steps.count)
        for step in steps { step.encode(to: &body) }
        return RecordFrame.records(
            .journalRecord, partition: partition, epoch: epoch, head: head.bytes, body: body.bytes,
            partBytesMax: partBytesMax)
    }

    /// The record as one value, whatever its size.
    public func encoded() -> [UInt8] { records(partBytesMax: .max / 2)[0] }

    /// Reads a record that is whole; parts go through a `JournalAssembler`.
    ///
    /// - Throws: `.foreign`, `.newerFormat`, `.damaged`; `.outOfOrder` for one part of several.
    public static func decode(_ record: [UInt8]) throws(StateLogError) -> JournalRecord {
        let frame = try RecordFrame(record, as: .journalRecord)
        guard frame.place.parts == 1 else {
            throw StateLogError(.outOfOrder, at: frame.place, "expected a whole journal record")
        }
        return try JournalRecord(FrameAssembler.Whole(first: frame, bytes: record, content: frame.body))
    }

    init(_ whole: FrameAssembler.Whole) throws(StateLogError) {
        var frame = whole.first
        partition = frame.place.partition
        epoch = frame.place.epoch
        (writer, configuration) = try frame.read(frame.head) { reader throws(BinaryCodingError) in
            (try reader.text(), try ConfigurationMark(from: &reader))
        }
        frame.record = whole.bytes
        steps = try frame.read(whole.content) { reader throws(BinaryCodingError) in
            var steps: [Step] = []
            for _ in 0..<(try reader.count()) { steps.append(try Step(from: &reader)) }
            return steps
        }
    }
}

/// Joins the journal records of one partition, in the order of the topic, as `ChunkAssembler` does for the state log.
public struct JournalAssembler: Sendable {
    private var frames: FrameAssembler

    public init(partition: PartitionID) { frames = FrameAssembler(.journalRecord, partition: partition) }

    /// No part of an epoch waits for its rest.
    public var isBetweenEpochs: Bool { frames.isBetweenEpochs }

    /// - Returns: the whole record of the epoch whose last part this is.
    /// - Throws: what `JournalRecord.decode` throws; `.outOfOrder` also for another partition, a gap or a repetition.
    public mutating func add(_ record: [UInt8]) throws(StateLogError) -> JournalRecord? {
        guard let whole = try frames.add(try RecordFrame(record, as: .journalRecord)) else { return nil }
        return try JournalRecord(whole)
    }
}

extension JournalRecord.Step {
    /// Numbers are part of the format.
    private enum Tag: UInt8 {
        case start = 1
        case batch = 2
        case run = 3
        case profile = 4
        case tick = 5
        case configuration = 6
        case control = 7
    }

    func encode(to writer: inout BinaryWriter) {
        switch self {
        case .start(let input, let topicHash, let offset, let silentBelow):
            writer.put(byte: Tag.start.rawValue)
            writer.put(byte: input.rawValue)
            writer.put(fixed64: topicHash)
            writer.put(signed: offset)
            writer.put(signed: silentBelow)
        case .batch(let wallTime):
            writer.put(byte: Tag.batch.rawValue)
            writer.put(signed: wallTime.milliseconds)
        case .run(let input, let first, let next):
            writer.put(byte: Tag.run.rawValue)
            writer.put(byte: input.rawValue)
            writer.put(signed: first)
            writer.put(signed: next &- first)
        case .profile(let offset, let recordTime, let key, let value):
            writer.put(byte: Tag.profile.rawValue)
            writer.put(signed: offset)
            writer.put(signed: recordTime.milliseconds)
            writer.put(run: key)
            writer.put(optionalRun: value)
        case .tick(let wallTime):
            writer.put(byte: Tag.tick.rawValue)
            writer.put(signed: wallTime.milliseconds)
        case .configuration(let mark, let body):
            writer.put(byte: Tag.configuration.rawValue)
            mark.encode(to: &writer)
            writer.put(optionalRun: body)
        case .control(let offset, let recordTime, let value):
            writer.put(byte: Tag.control.rawValue)
            writer.put(signed: offset)
            writer.put(signed: recordTime.milliseconds)
            writer.put(run: value)
        }
    }

    init(from reader: inout BinaryReader) throws(BinaryCodingError) {
        let start = reader.position
        let number = try reader.byte()
        guard let tag = Tag(rawValue: number) else { throw .malformed(at: start, "step \(number)") }
        switch tag {
        case .start:
            self = .start(
                input: InputID(rawValue: try reader.byte()), topicHash: try reader.fixed64(),
                offset: try reader.signed(), silentBelow: try reader.signed())
        case .batch: self = .batch(wallTime: Timestamp(milliseconds: try reader.signed()))
        case .run:
            let input = InputID(rawValue: try reader.byte())
            let first = try reader.signed()
            self = .run(input: input, first: first, next: first &+ (try reader.signed()))
        case .profile:
            self = .profile(
                offset: try reader.signed(), recordTime: Timestamp(milliseconds: try reader.signed()),
                key: Array(try reader.run()), value: try reader.optionalRun())
        case .tick: self = .tick(wallTime: Timestamp(milliseconds: try reader.signed()))
        case .configuration:
            self = .configuration(try ConfigurationMark(from: &reader), body: try reader.optionalRun())
        case .control:
            self = .control(
                offset: try reader.signed(), recordTime: Timestamp(milliseconds: try reader.signed()),
                value: Array(try reader.run()))
        }
    }
}

extension BinaryWriter {
    /// A flag, and the run where there is one.
    fileprivate mutating func put(optionalRun run: [UInt8]?) {
        put(run != nil)
        if let run { put(run: run) }
    }
}

extension BinaryReader {
    fileprivate mutating func optionalRun() throws(BinaryCodingError) -> [UInt8]? {
        try flag() ? Array(try run()) : nil
    }
}
