import Foundation
import KafkaTransport
import Testing
import UpsellConfiguration
import UpsellModel
import UpsellStateLog
import UpsellTelemetry
import UpsellTesting

@testable import UpsellRuntime

/// The feedback topic as an input, and what follows: outcomes, and what is open of an account.
@Suite(.timeLimit(.minutes(2)))
struct FeedbackTests {
    private struct Sent {
        var id: String
        var account: String
        var kind: String
        var trigger: String
    }

    private func outcomes(_ bench: Bench) -> [Sent] {
        bench.sink.acknowledged(topic: "upselld.outcomes").compactMap { record in
            guard let event = try? JSONSerialization.jsonObject(with: Data(record.value ?? [])) as? [String: Any],
                let data = event["data"] as? [String: Any]
            else { return nil }
            return Sent(
                id: event["id"] as? String ?? "", account: event["subject"] as? String ?? "",
                kind: data["kind"] as? String ?? "", trigger: data["trigger"] as? String ?? "")
        }
    }

    /// Ids that each record of open triggers names, in the order of the records; nil is a tombstone.
    private func open(_ bench: Bench) -> [[String]?] {
        bench.sink.acknowledged(topic: "upselld.open").map { record in
            guard let value = record.value,
                let event = try? JSONSerialization.jsonObject(with: Data(value)) as? [String: Any],
                let data = event["data"] as? [String: Any], let triggers = data["triggers"] as? [[String: Any]]
            else { return nil }
            return triggers.map { $0["id"] as? String ?? "" }
        }
    }

    private func report(_ kind: String, _ trigger: String, id: String, more: String = "") -> String {
        #"{"id":"\#(id)","trigger":"\#(trigger)","kind":"\#(kind)"\#(more)}"#
    }

    @Test func reportsBecomeOutcomesAndAClosingOneEndsWhatIsOpen() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 8)
        bench.settle(records: 1)
        let trigger = try #require(bench.triggers().first?.id)
        #expect(open(bench) == [[trigger]])
        bench.feedback("acme", report("shown", trigger, id: "f1"), at: 2)
        bench.settle(records: 2)
        #expect(outcomes(bench).map(\.kind) == ["seen"])
        #expect(outcomes(bench).map(\.trigger) == [trigger])
        #expect(open(bench).count == 1, "it is open still, and nothing of it has changed")
        bench.feedback("acme", report("dismissed", trigger, id: "f2"), at: 3)
        bench.settle(records: 3)
        #expect(outcomes(bench).map(\.kind) == ["seen", "dismissed"])
        #expect(open(bench) == [[trigger], nil], "a tombstone")
        let tally = bench.daemon.snapshot().tally
        #expect(tally.feedback == 2 && tally.outcomes == [.seen: 1, .dismissed: 1])
        #expect(tally.opened == 2 && tally.openTombstones == 1)
        let runs = try bench.journal().flatMap(\.steps).compactMap { step -> Int64? in
            if case .run(InputID(2), let first, _) = step { first } else { nil }
        }
        #expect(runs == [0, 1], "runs of their input")
        #expect(bench.stop())
    }

    @Test func anEpochSaysOnceWhatIsOpen() throws {
        let bench = try Bench(limit: 10, commitInterval: 3_600_000)
        bench.source.limit(recordsPerPoll: 0)
        bench.usage("acme", id: "1", at: 1, requests: 8)
        bench.usage("acme", id: "2", at: 2, requests: 1)
        bench.usage("acme", id: "3", at: 3, requests: 1)
        bench.source.limit(recordsPerPoll: 100)
        bench.source.give([0])
        bench.settle(records: 3)
        let ids = bench.triggers().map(\.id)
        #expect(ids.count == 3)
        #expect(open(bench).last == ids, "in the order of emission")
        #expect(open(bench).count <= 2)
        #expect(bench.stop())
    }

    @Test func aRepeatedReportChangesNothing() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 8)
        bench.settle(records: 1)
        let trigger = try #require(bench.triggers().first?.id)
        for second in 2...4 { bench.feedback("acme", report("shown", trigger, id: "f1"), at: second) }
        bench.settle(records: 4)
        #expect(outcomes(bench).count == 1)
        let tally = bench.daemon.snapshot().tally
        #expect(tally.feedback == 1 && tally.repeatedFeedback == 2)
        #expect(bench.stop())
    }

    @Test func whatCannotBeUsedIsDeadLetteredAndEveryRecordIsInOnePlace() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 8)
        bench.settle(records: 1)
        let trigger = try #require(bench.triggers().first?.id)
        let unknown = String(repeating: "0", count: 32)
        bench.feedback("acme", report("shown", unknown, id: "a"), at: 2)
        bench.feedback("other", report("shown", trigger, id: "b"), at: 3)
        bench.feedback("acme", "{", at: 4)
        bench.feedback("acme", report("smiled", trigger, id: "c"), at: 5)
        bench.feedback("acme", nil, at: 6)
        bench.source.append(
            input: 2, timestamp: bench.start + 7_000, key: nil, value: Array(report("shown", trigger, id: "d").utf8))
        bench.source.append(
            input: 2, timestamp: bench.start + 8_000, keyBytes: [0xff], value: Array("{}".utf8))
        bench.feedback("acme", report("shown", trigger, id: "e"), at: 9)
        bench.settle(records: 9)
        let tally = bench.daemon.snapshot().tally
        #expect(
            tally.rejected == [
                .unknownTrigger: 2, .invalidJSON: 1, .unknownKind: 1, .tombstone: 1, .missingKey: 1, .invalidUTF8: 1,
            ])
        #expect(
            tally.read == tally.replayed + tally.skipped + tally.rejectedTotal + tally.profiles + tally.feedback
                + tally.repeatedFeedback + bench.daemon.snapshot().applied)
        let letters = bench.deadLetters()
        #expect(letters.count == 7)
        #expect(letters.first?.value == Array(report("shown", unknown, id: "a").utf8), "byte for byte")
        let topics = letters.map { letter in
            letter.headers.first { $0.name == "__upselld.errors.topic" }?.value.map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        #expect(Set(topics) == ["upselld.feedback"])
        #expect(outcomes(bench).count == 1, "the stream goes on")
        #expect(bench.stop())
    }

    @Test func feedbackAtTheTimeOfUsageComesFirst() throws {
        let bench = try Bench(limit: 10)
        bench.source.give([0])
        bench.usage("acme", id: "1", at: 1, requests: 8)
        bench.settle(records: 1)
        let trigger = try #require(bench.triggers().first?.id)
        bench.source.limit(recordsPerPoll: 0)
        bench.usage("acme", id: "2", at: 5, requests: 1)
        bench.feedback("acme", report("dismissed", trigger, id: "f1"), at: 5)
        bench.source.limit(recordsPerPoll: 100)
        bench.settle(records: 3)
        #expect(bench.triggers().count == 1, "the recipient had said no")
        #expect(bench.held().map(\.reason) == ["dismissed"])
        #expect(bench.stop())
    }

    @Test func aRestartGoesOnInTheFeedbackTopicAndKnowsItsTriggers() throws {
        let first = try Bench(limit: 10)
        first.source.give([0])
        first.usage("acme", id: "1", at: 1, requests: 8)
        first.settle(records: 1)
        let trigger = try #require(first.triggers().first?.id)
        first.feedback("acme", report("delivered", trigger, id: "f1"), at: 2)
        first.settle(records: 2)
        #expect(first.stop())
        let second = try Bench(limit: 10, after: first)
        second.feedback("acme", report("delivered", trigger, id: "f1"), at: 3)
        second.feedback("acme", report("clicked", trigger, id: "f2"), at: 4)
        second.source.give([0])
        second.settle(records: 2)
        #expect(outcomes(second).map(\.kind) == ["delivered", "clicked"])
        #expect(second.daemon.snapshot().tally.repeatedFeedback == 1, "its identity came back with the state")
        #expect(second.daemon.snapshot().partitions.map(\.next) == [[1, 0, 3]])
        #expect(second.stop())
    }

    // MARK: Logs from before there was feedback

    private static let inputs = InputTopics(Configuration.Topics())

    private static func context() -> RuntimeContext {
        RuntimeContext(
            configuration: Configuration(catalogue: PoisonCorpus.catalogue), inputs: inputs, partitionCount: 1,
            clock: .system, log: Log(destination: .function(.text, { _ in })))
    }

    /// The state of a partition as an older version would have written it: without the last input.
    private static func olderLog() throws -> [[UInt8]] {
        var state = PartitionState(
            genesis: PartitionID(0), context: context(),
            inputs: [(low: 0, high: 0), (low: 0, high: 0), (low: 0, high: 0)])
        let frozen = state.freeze(stateEnd: 0)
        let share = try #require(frozen)
        var assembler = ChunkAssembler(partition: PartitionID(0))
        var log: [[UInt8]] = []
        for record in share.records where record.topic == "upselld.state" {
            guard let epoch = try assembler.add(try StateChunk.decode(record.value ?? [])) else { continue }
            var payload = StatePayloadWriter()
            for section in epoch.sections {
                if let slice = section.slice {
                    payload.append(slice: slice) { $0.put(raw: section.bytes) }
                } else {
                    payload.append(section.kind) { $0.put(raw: section.bytes) }
                }
            }
            var header = epoch.header
            header.inputs.removeLast()
            log += payload.chunks(header: header)
        }
        return log
    }

    @Test func anOlderLogIsContinuedWithFeedbackFromWhereItsTopicBegins() throws {
        let context = Self.context()
        var restorer = PartitionRestorer(
            partition: PartitionID(0), start: 0, slicing: Slicing(), timeZones: TimeZones.table(named:))
        for (offset, record) in try Self.olderLog().enumerated() { try restorer.add(record, offset: Int64(offset)) }
        #expect(restorer.header?.inputs.count == 2)
        var state = PartitionState(
            restored: try restorer.finish(end: 1, losses: [], lows: [0, 0, 40]), context: context)
        #expect(state.next == [0, 0, 40])
        let frozen = state.freeze(stateEnd: 1)
        let share = try #require(frozen)
        #expect(share.epoch == 1)
        #expect(
            share.steps == [
                .start(
                    input: InputID(2), topicHash: InputMark.hash(ofTopic: "upselld.feedback"), offset: 40,
                    silentBelow: 0)
            ], "replay learns where it began")
        let chunk = try #require(share.records.first { $0.topic == "upselld.state" }?.value)
        let header = try StateChunk.decode(chunk).header
        #expect(header.inputs.map(\.after) == [0, 0, 40])
        #expect(header.inputs.map(\.topicHash) == context.topicHashes, "from here on it is like any other log")
        let hasMore = state.freeze(stateEnd: 2) != nil
        #expect(!hasMore)
    }
}
