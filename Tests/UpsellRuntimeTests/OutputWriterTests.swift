import KafkaTransport
import Testing
import UpsellConfiguration
import UpsellModel

@testable import UpsellRuntime

/// What the engine decided, as records: where they go, and what gives way where one would not fit its topic.
@Suite struct OutputWriterTests {
    private static let partition = PartitionID(3)
    private static let wallTime = Timestamp(milliseconds: 1_780_272_000_000)

    private static func trigger(_ number: UInt64 = 1, channels: [String] = ["in_app"]) -> Trigger {
        var trigger = Trigger(
            id: TriggerID(high: 7, low: number), account: "acme", rule: "api-calls", ruleVersion: 5, signal: .limit,
            cause: .usage,
            usage: Trigger.Usage(
                meter: "api_calls", unit: "requests", scale: 0, previous: 7, current: 8, limit: .of(10),
                thresholdUnit: .percent, crossed: [8_000], limitVersion: 1),
            episode: wallTime, eventTime: wallTime, plan: "small", status: .active,
            coordinates: InputCoordinates(input: InputID(0), offset: 5))
        trigger.channels = channels
        trigger.attributes = [Profile.Attribute(name: "note", json: "\"\(String(repeating: "n", count: 3_000))\"")]
        return trigger
    }

    private static func message(bytes: Int) -> Message {
        Message(key: "limit", locale: "en", title: "Nearly full", body: String(repeating: "w", count: bytes))
    }

    private static func writer(
        bytesMax: [String: Int] = [:], channels: [Configuration.ChannelTopic] = [], render: MessageRendering? = nil
    ) -> OutputWriter {
        var configuration = Configuration(
            catalogue: Catalogue(meters: [], plans: [], rules: [], policy: Policy()))
        configuration.topics.channels = channels
        return OutputWriter(
            configuration: configuration, inputs: InputTopics(configuration.topics),
            limits: OutputLimits(configuration: configuration, topicBytesMax: bytesMax), render: render)
    }

    private static func text(_ record: OutputRecord) -> String { String(decoding: record.value ?? [], as: UTF8.self) }

    @Test func aTriggerGoesToItsTopicWithItsWordsAndHeaders() throws {
        let writer = Self.writer { _ in Self.message(bytes: 10) }
        let (records, isShortened) = writer.records(
            for: Self.trigger(), partition: Self.partition, wallTime: Self.wallTime)
        #expect(!isShortened)
        let record = try #require(records.first)
        #expect(records.count == 1)
        #expect(record.topic == "upselld.triggers")
        #expect(record.key == Array("acme".utf8))
        #expect(record.headers.map(\.name).first == "content-type")
        #expect(record.headers.contains { $0.name == "upselld-rule" && $0.value == Array("api-calls".utf8) })
        #expect(Self.text(record).contains("wwwwwwwwww"))
    }

    @Test func eachChannelOfATriggerThatHasATopicGetsACopy() {
        let writer = Self.writer(channels: [
            Configuration.ChannelTopic(channel: "email", topic: "mail"),
            Configuration.ChannelTopic(channel: "push", topic: "pushes"),
            Configuration.ChannelTopic(channel: "csm", topic: "people"),
        ])
        let (records, _) = writer.records(
            for: Self.trigger(channels: ["csm", "email"]), partition: Self.partition, wallTime: Self.wallTime)
        #expect(records.map(\.topic) == ["upselld.triggers", "mail", "people"])
        #expect(records.allSatisfy { $0.value == records[0].value && $0.key == records[0].key })
    }

    @Test(arguments: [
        (6_000, true, false, true), (3_500, true, false, false), (20_000, false, true, true),
    ])
    func wordsGiveWayBeforeAttributes(bytesMax: Int, isShortened: Bool, hasWords: Bool, hasAttributes: Bool) {
        let writer = Self.writer(bytesMax: ["upselld.triggers": bytesMax + OutputLimits.overheadBytes]) { _ in
            Self.message(bytes: 5_000)
        }
        let (records, found) = writer.records(for: Self.trigger(), partition: Self.partition, wallTime: Self.wallTime)
        #expect(found == isShortened)
        #expect(records[0].wireBytesMax <= bytesMax)
        #expect(Self.text(records[0]).contains("wwww") == hasWords)
        #expect(Self.text(records[0]).contains("nnnn") == hasAttributes)
    }

    @Test func theTopicOfAChannelBoundsTheTriggerToo() {
        let writer = Self.writer(
            bytesMax: ["mail": 7_000], channels: [Configuration.ChannelTopic(channel: "email", topic: "mail")]
        ) { _ in Self.message(bytes: 5_000) }
        let (records, isShortened) = writer.records(
            for: Self.trigger(channels: ["email"]), partition: Self.partition, wallTime: Self.wallTime)
        #expect(isShortened && records.count == 2)
        #expect(records.allSatisfy { $0.wireBytesMax <= 7_000 })
    }

    @Test func heldTriggersLoseTheirWordsInTheSameWay() {
        let writer = Self.writer(bytesMax: ["upselld.held": 7_000]) { _ in Self.message(bytes: 5_000) }
        let held = HeldTrigger(trigger: Self.trigger(), reason: .capped)
        let (record, isShortened) = writer.record(for: held, partition: Self.partition, wallTime: Self.wallTime)
        #expect(record.topic == "upselld.held" && isShortened)
        #expect(Self.text(record).contains("\"reason\":\"capped\""))
    }

    @Test func whatIsOpenIsOneRecordAndNothingIsATombstone() {
        let writer = Self.writer()
        let (open, leftOut) = writer.openRecord(
            account: "acme", triggers: [Self.trigger(1), Self.trigger(2)], partition: Self.partition,
            time: Self.wallTime)
        #expect(open.topic == "upselld.open" && open.key == Array("acme".utf8) && leftOut == 0)
        let text = Self.text(open)
        #expect(text.contains(Self.trigger(1).id.description) && text.contains(Self.trigger(2).id.description))
        let (none, _) = writer.openRecord(
            account: "acme", triggers: [], partition: Self.partition, time: Self.wallTime)
        #expect(none.value == nil && none.key == Array("acme".utf8))
    }

    @Test func anOpenRecordThatWouldNotFitKeepsTheNewest() {
        let all = (1...10).map { Self.trigger(UInt64($0)) }
        let writer = Self.writer(bytesMax: ["upselld.open": 16_384])
        let (record, leftOut) = writer.openRecord(
            account: "acme", triggers: all, partition: Self.partition, time: Self.wallTime)
        #expect(record.wireBytesMax <= 16_384 - OutputLimits.overheadBytes)
        #expect((1..<10).contains(leftOut))
        let kept = all.filter { Self.text(record).contains($0.id.description) }
        #expect(kept == Array(all.suffix(10 - leftOut)), "no fewer than fit, and the newest")
        let (_, one) = Self.writer(bytesMax: ["upselld.open": 16_384 + 4_096]).openRecord(
            account: "acme", triggers: all, partition: Self.partition, time: Self.wallTime)
        #expect(one < leftOut)
    }

    @Test func theLastOpenTriggerLosesItsWordsBeforeItIsLeftOut() {
        let writer = Self.writer(bytesMax: ["upselld.open": 8_000]) { _ in Self.message(bytes: 6_000) }
        let (record, leftOut) = writer.openRecord(
            account: "acme", triggers: [Self.trigger()], partition: Self.partition, time: Self.wallTime)
        #expect(leftOut == 0)
        #expect(Self.text(record).contains(Self.trigger().id.description) && !Self.text(record).contains("wwww"))
    }
}
