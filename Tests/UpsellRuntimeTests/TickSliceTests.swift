import KafkaTransport
import Testing
import UpsellConfiguration
import UpsellModel
import UpsellStateLog
import UpsellTelemetry

@testable import UpsellRuntime

/// Many timers of one instant: in slices, with batches and epochs between them, and the same triggers as in one go.
@Suite(.timeLimit(.minutes(2)))
struct TickSliceTests {
    private static let accounts = 3_000
    private static let start: Int64 = 1_780_272_000_000

    private static func context(timersPerTick: Int) -> RuntimeContext {
        var policy = Policy()
        policy.unknownAccounts = .defaultPlan(PlanID(0))
        policy.firstStart = .fire
        policy.arbitrationWindow = nil
        policy.timersPerTick = timersPerTick
        let catalogue = Catalogue(
            meters: [Meter(name: "calls", eventTypes: ["call"], aggregation: .count, window: .lifetime)],
            plans: [Plan(name: "only", limits: [.init(.unlimited)])],
            rules: [
                Rule(
                    name: "silence",
                    signal: .absence(
                        AbsenceSignal(source: SignalSource(.meter(MeterID(0))), duration: .millisecondsPerDay)))
            ], policy: policy)
        let configuration = Configuration(catalogue: catalogue)
        return RuntimeContext(
            configuration: configuration, inputs: InputTopics(configuration.topics), partitionCount: 1,
            clock: WallClock { Timestamp(milliseconds: start + 4 * .millisecondsPerDay) },
            log: Log(destination: .function(.text, { _ in })))
    }

    private static func usage(_ number: Int, offset: Int, at time: Int64 = start) -> InMemoryRecord {
        InMemoryRecord(
            input: 0, offset: Int64(offset), timestamp: time, key: Array("acct-\(number)".utf8),
            value: Array(
                (#"{"specversion":"1.0","id":"\#(offset)","source":"t","type":"call","subject":"acct-\#(number)","#
                    + #""data":{}}"#).utf8))
    }

    private static func filled(_ context: RuntimeContext) -> PartitionState {
        var state = PartitionState(
            genesis: PartitionID(0), context: context,
            inputs: context.inputs.names.map { _ in (low: 0, high: 0) })
        state.process(MessageBatch(partition: 0, records: (0..<accounts).map { usage($0, offset: $0) }))
        return state
    }

    private static func ids(_ share: FrozenShare?) -> [String] {
        (share?.records ?? []).filter { $0.topic == "upselld.triggers" }.map { record in
            let text = String(decoding: record.value ?? [], as: UTF8.self)
            return String(text.split(separator: "\"id\":\"")[1].prefix(32))
        }
    }

    private static let due = Timestamp(milliseconds: start + 3 * .millisecondsPerDay)

    @Test func slicesSayTogetherWhatOneTickSays() throws {
        var whole = Self.filled(Self.context(timersPerTick: 1_000_000))
        _ = whole.freeze(stateEnd: 0)
        let one = whole.tick(wallTime: Self.due)
        #expect(one.moved && !one.isUnfinished)
        let expected = Self.ids(whole.freeze(stateEnd: 1))
        #expect(expected.count == Self.accounts)

        var sliced = Self.filled(Self.context(timersPerTick: 100))
        _ = sliced.freeze(stateEnd: 0)
        var found: [String] = []
        var ticks = 0
        var journalled = 0
        while true {
            let tick = sliced.tick(wallTime: Self.due)
            ticks += 1
            #expect(tick.moved)
            // Every slice may be an epoch of its own.
            if ticks % 7 == 0 || !tick.isUnfinished {
                let share = sliced.freeze(stateEnd: Int64(ticks))
                found += Self.ids(share)
                journalled += share?.steps.filter { if case .tick = $0 { true } else { false } }.count ?? 0
            }
            guard tick.isUnfinished else { break }
        }
        #expect(ticks >= Self.accounts / 100)
        #expect(journalled == ticks, "each slice is in the journal")
        #expect(found == expected, "in the same order")
        #expect(!sliced.tick(wallTime: Self.due).moved)
    }

    @Test func whoTakesOverBetweenTwoSlicesGoesOnWithTheRest() throws {
        let context = Self.context(timersPerTick: 100)
        var whole = Self.filled(Self.context(timersPerTick: 1_000_000))
        _ = whole.tick(wallTime: Self.due)
        let expected = Set(Self.ids(whole.freeze(stateEnd: 0)))
        var first = Self.filled(context)
        var log: [[UInt8]] = []
        var found: [String] = []
        func keep(_ share: FrozenShare?) {
            log += (share?.records ?? []).filter { $0.topic == "upselld.state" }.compactMap(\.value)
            found += Self.ids(share)
        }
        for _ in 0..<5 { _ = first.tick(wallTime: Self.due) }
        keep(first.freeze(stateEnd: 0))
        // Applied and never committed: whoever takes over knows nothing of it.
        for _ in 0..<5 { _ = first.tick(wallTime: Self.due) }
        var restorer = PartitionRestorer(
            partition: PartitionID(0), start: 0, slicing: Slicing(), timeZones: TimeZones.table(named:))
        for (offset, record) in log.enumerated() { try restorer.add(record, offset: Int64(offset)) }
        var second = PartitionState(
            restored: try restorer.finish(end: Int64(log.count), losses: [], lows: [0, 0, 0]), context: context)
        // Usage of an account whose timer is due and has not run: its timers go first.
        second.process(
            MessageBatch(
                partition: 0,
                records: [Self.usage(0, offset: Self.accounts, at: Self.due.milliseconds)]))
        while second.tick(wallTime: Self.due).isUnfinished {}
        keep(second.freeze(stateEnd: Int64(log.count)))
        #expect(found.count == Self.accounts, "none twice")
        #expect(Set(found) == expected, "none missing")
    }
}
