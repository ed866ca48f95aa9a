import Foundation
import Testing
import UpsellModel
import UpsellWire

/// What is written of every kind of output, byte for byte; `.ci/check-schemas.py` judges the same files by their schemas
/// and changes them member by member.
///
/// A deliberate change: run with `UPSELLD_RECORD=1`, look at the difference, and commit the files.
struct WireFixtureTests {
    private let encoder = TriggerEncoder(
        source: "/upselld/test", inputTopics: ["upselld.usage", "upselld.accounts", "upselld.feedback"])
    private let partition = PartitionID(3)
    private let now = Timestamp(milliseconds: 1_795_500_000_000)

    private func encode(_ sample: SampleTriggers.Sample) -> [UInt8] {
        encoder.encode(sample.trigger, message: sample.message, partition: partition, detectionTime: now)
    }

    @Test func triggersOfEveryKindAreWrittenAsCommitted() throws {
        let samples = SampleTriggers.full + SampleTriggers.variants
        try check(samples.map(encode), "triggers.jsonl")
    }

    @Test func theLeastOfEveryKindIsWrittenAsCommitted() throws {
        try check(SampleTriggers.least.map(encode), "triggers-least.jsonl")
    }

    @Test func heldTriggersOfEveryReasonAreWrittenAsCommitted() throws {
        try check(
            SampleTriggers.held.map {
                encoder.encode(held: $0.held, message: $0.message, partition: partition, detectionTime: now)
            }, "held.jsonl")
    }

    @Test func outcomesOfEveryKindAreWrittenAsCommitted() throws {
        try check(
            SampleTriggers.outcomes.map { encoder.encode(outcome: $0, partition: partition, detectionTime: now) },
            "outcomes.jsonl")
    }

    @Test func whatIsOpenIsWrittenAsCommitted() throws {
        let full = SampleTriggers.full.map { (trigger: $0.trigger, message: $0.message) }
        let one = [(trigger: SampleTriggers.least[0].trigger, message: Message?.none)]
        try check(
            [one, full].map {
                encoder.encodeOpen(
                    account: "acct-1", triggers: $0, partition: partition, time: SampleTriggers.at(100))
            }, "open.jsonl")
    }

    @Test func onlyTheDetectionTimeDiffersBetweenTwoWritings() {
        for sample in SampleTriggers.full {
            let later = encoder.encode(
                sample.trigger, message: sample.message, partition: partition, detectionTime: Timestamp(milliseconds: 0)
            )
            let first = String(decoding: encode(sample), as: UTF8.self)
            let second = String(decoding: later, as: UTF8.self)
            #expect(first != second)
            #expect(
                first.replacing(RFC3339.format(now), with: "?")
                    == second.replacing("1970-01-01T00:00:00.000Z", with: "?"))
        }
    }

    @Test func theIDOfWhatIsOpenIsThatOfTheSet() {
        let full = SampleTriggers.full.map { (trigger: $0.trigger, message: $0.message) }
        func id(_ triggers: [(trigger: Trigger, message: Message?)], account: String = "acct-1") -> Substring? {
            let bytes = encoder.encodeOpen(
                account: account, triggers: triggers, partition: partition, time: SampleTriggers.at(0))
            return String(decoding: bytes, as: UTF8.self).firstMatch(of: /"id":"([0-9a-f]{32})"/)?.1
        }
        #expect(id(full) != nil)
        #expect(id(full) == id(full.map { (trigger: $0.trigger, message: nil) }))
        #expect(id(full) != id(Array(full.dropLast())))
        #expect(id(full) != id(full, account: "acct-2"))
    }

    @Test func theOwnerInTheProfileStaysInside() {
        for sample in SampleTriggers.full {
            let text = String(decoding: encode(sample), as: UTF8.self)
            #expect(!text.contains("never published"))
        }
    }

    @Test func headersTellChannelsWhatItIs() {
        func headers(_ trigger: Trigger) -> [String] {
            encoder.headers(for: trigger).map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }
        }
        var trigger = SampleTriggers.full(.pace).trigger
        trigger.recipient = .billing
        #expect(
            headers(trigger)
                == [
                    "upselld-rule=rule of pace", "upselld-signal=pace", "upselld-class=promotional",
                    "upselld-channels=in_app,email,csm", "upselld-recipient=billing",
                ])
        trigger.isTest = true
        trigger.kind = .service
        #expect(headers(trigger).suffix(1) == ["upselld-test=true"])
        #expect(headers(trigger).contains("upselld-class=service"))
    }

    // MARK: Files

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/wire")

    private func check(_ values: [[UInt8]], _ name: String) throws {
        let file = Self.folder.appendingPathComponent(name)
        let written = values.map { String(decoding: $0, as: UTF8.self) }
        if ProcessInfo.processInfo.environment["UPSELLD_RECORD"] == "1" {
            try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
            try Data((written.joined(separator: "\n") + "\n").utf8).write(to: file)
            Issue.record("\(name) was written anew")
            return
        }
        let committed = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(written.count == committed.count)
        for (number, pair) in zip(written, committed).enumerated() where pair.0 != pair.1 {
            Issue.record("\(name):\(number + 1) is now \(pair.0)")
        }
    }
}
