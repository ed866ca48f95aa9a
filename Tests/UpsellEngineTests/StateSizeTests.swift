import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// What an event costs in the state log. Bytes are exact and do not depend on the machine.
struct StateSizeTests {
    static let catalogue = UpsellEngineTests.catalogue(
        "meter requests count month", "meter bytes sum month", "meter c sum month", "meter d sum month",
        "meter e sum month", "plan free requests=1000000 bytes=1000000000", "rule r requests percent 80 90 100",
        "rule b bytes percent 80 90 100", "accounts default free")

    /// One account in twenty in each delta, as 6,250 events of 125,000 accounts; two meters of five.
    @Test
    func anEventOfUniformKeysTakesFourteenBytes() {
        var engine = PartitionEngine(catalogue: Self.catalogue, partition: PartitionID(0))
        var effects = Effects()
        var events = ScenarioEvents()
        var dice = SplitMix(state: 1)
        let start = ScenarioTime.at("2026-01-10")
        func use(_ account: Int, _ second: Int64) {
            let time = start + second * .millisecondsPerSecond
            events.add("acct-\(account)", at: time, [.init(MeterID(0), 1), .init(MeterID(1), 200)])
        }
        for account in 0..<10_000 { use(account * 7919 % 5000, 0) }
        events.play(into: &engine, &effects)
        var writer = BinaryWriter()
        engine.writeDelta(into: &writer)
        #expect(writer.count < 5000 * 40 + 10_000 * 8)
        writer.removeAll()
        for round in Int64(1)...10 {
            for _ in 0..<250 { use(Int(dice.next() % 5000), round) }
            events.play(into: &engine, &effects)
            engine.writeDelta(into: &writer)
        }
        #expect(writer.count < 2500 * 14, "\(Double(writer.count) / 2500) bytes an event")
        let hasChanges = engine.hasChanges
        #expect(!hasChanges)
    }

    @Test
    func aTickTakesAHeadAndNoMore() {
        var engine = PartitionEngine(catalogue: Self.catalogue, partition: PartitionID(0))
        var effects = Effects()
        var events = ScenarioEvents()
        let start = ScenarioTime.at("2026-01-10")
        events.add("acme", at: start, [.init(MeterID(0), 1)])
        events.play(into: &engine, &effects)
        var writer = BinaryWriter()
        engine.writeDelta(into: &writer)
        var hasChanges = engine.hasChanges
        #expect(!hasChanges)
        engine.tick(wallTime: start + .millisecondsPerHour, into: &effects)
        hasChanges = engine.hasChanges
        #expect(hasChanges)
        writer.removeAll()
        engine.writeDelta(into: &writer)
        #expect(writer.count < 20, "\(writer.count) bytes")
    }
}
