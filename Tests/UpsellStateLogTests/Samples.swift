import Foundation
import Testing
import UpsellModel
import UpsellStateLog

/// The values behind the golden files, small ones for the other tests, and a seeded generator.
enum Samples {
    static let configuration = ConfigurationMark(sequence: 7, contentHash: 0x0123_4567_89ab_cdef)

    static let header = ChunkHeader(
        partition: PartitionID(3), partitionCount: 8, epoch: 300, part: 0, parts: 2, isGenesis: true,
        inputs: [
            InputMark(
                topicHash: InputMark.hash(ofTopic: "upselld.usage"), before: 1_000, after: 1_250, silentBelow: 900,
                lastOffset: 1_248, lastTimestamp: 1_767_225_600_123, lastChecksum: 0xfedc_ba98_7654_3210),
            InputMark(topicHash: InputMark.hash(ofTopic: "upselld.accounts"), before: 40, after: 40),
        ], profilesUntil: 41, configuration: configuration, writer: "upselld-a", restoreFrom: 3_456)

    static let delta = Array(UInt8(200)..<224)
    static let slice = Array("a class of state".utf8)
    static let catalogue = Array("{\"v\":1}\n".utf8)

    /// A payload with a section of each kind.
    static var payload: StatePayloadWriter {
        var payload = StatePayloadWriter()
        payload.append(.delta) { $0.put(raw: delta) }
        payload.append(slice: SliceID(5, of: 64)) { $0.put(raw: slice) }
        payload.append(.catalogue) { $0.put(raw: catalogue) }
        return payload
    }

    static let journal = JournalRecord(
        partition: PartitionID(3), epoch: 300, writer: "upselld-a", configuration: configuration,
        steps: [
            .start(
                input: InputID(0), topicHash: InputMark.hash(ofTopic: "upselld.usage"), offset: 1_000, silentBelow: 900),
            .configuration(configuration, body: catalogue),
            .batch(wallTime: Timestamp(milliseconds: 1_767_225_600_500)),
            .run(input: InputID(0), first: 1_000, next: 1_250),
            .profile(
                offset: 40, recordTime: Timestamp(milliseconds: 1_767_225_600_400), key: Array("acct-1".utf8),
                value: Array("{\"plan\":\"pro\"}".utf8)),
            .profile(
                offset: 41, recordTime: Timestamp(milliseconds: 1_767_225_600_401), key: Array("größe".utf8), value: nil
            ),
            .configuration(ConfigurationMark(sequence: .max, contentHash: 0), body: nil),
            .tick(wallTime: .earliest),
        ])

    /// The steps that came after the first version.
    static let controlJournal = JournalRecord(
        partition: PartitionID(3), epoch: 301, writer: "upselld-a", configuration: configuration,
        steps: [
            .batch(wallTime: Timestamp(milliseconds: 1_767_225_600_500)),
            .control(
                offset: 5, recordTime: Timestamp(milliseconds: 1_767_225_600_450),
                value: Array(
                    #"{"action":"pause","rule":"api-calls","by":"ops@host","time":"2026-01-01T00:00:00Z"}"#.utf8)),
            .run(input: InputID(2), first: 70, next: 73),
            .control(offset: 6, recordTime: Timestamp(milliseconds: -1), value: []),
        ])

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/state-log/v1")

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    /// Bytes of a file of hexadecimal digits in lines.
    static func bytes(_ name: String) throws -> [UInt8] {
        let digits = try Array(text(name).utf8.filter { $0 != UInt8(ascii: "\n") })
        try #require(digits.count.isMultiple(of: 2))
        return try stride(from: 0, to: digits.count, by: 2).map {
            try #require(UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16))
        }
    }

    /// The chunks of an epoch with one delta of so many bytes.
    static func chunks(epoch: UInt64, partition: Int32 = 0, deltaBytes: Int, partBytesMax: Int) -> [[UInt8]] {
        var payload = StatePayloadWriter()
        payload.append(.delta) {
            $0.put(raw: (0..<deltaBytes).map { UInt8(truncatingIfNeeded: $0 &+ Int(truncatingIfNeeded: epoch)) })
        }
        let header = ChunkHeader(
            partition: PartitionID(partition), partitionCount: 8, epoch: epoch, inputs: [],
            configuration: configuration, writer: "w", restoreFrom: 0)
        return payload.chunks(header: header, partBytesMax: partBytesMax)
    }
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
