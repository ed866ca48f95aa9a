import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Plays inputs into an engine and collects what comes out; on demand the engine is taken down after each input, and built
/// again from its deltas.
final class SignalPlayer {
    private(set) var engine: PartitionEngine
    private(set) var effects = Effects()
    private var events = ScenarioEvents()
    private var log: [StateRecord] = []
    private let restarts: Bool
    var catalogue: Catalogue

    init(_ catalogue: Catalogue, restarts: Bool) {
        self.catalogue = catalogue
        self.restarts = restarts
        engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
    }

    var triggers: [Trigger] { effects.triggers }

    private func restart() {
        guard restarts else { return }
        log.append(StateRecord(&engine, []))
        do {
            engine = try StateRecord.restore(log[...], isWhole: true)
        } catch {
            Issue.record("restore failed: \(error)")
        }
    }

    /// - Parameter stream: a meter, or `meters.count` + a behaviour.
    func use(
        _ stream: Int, _ quantity: Int64 = 1, feature: String? = nil, at time: Timestamp, record: Timestamp? = nil,
        account: String = "acme", id: String? = nil, flags: UsageEvent.Flags = [], mode: FiringMode = .live
    ) {
        events.add(
            account, at: time, record: record, [ScenarioEvents.Use(MeterID(stream), quantity, dimension: feature)],
            id: id, flags: flags)
        events.play(into: &engine, mode: mode, &effects)
        restart()
    }

    func profile(
        _ plan: String = "free", at time: Timestamp, account: String = "acme", mode: FiringMode = .live,
        _ change: (inout Profile) -> Void = { _ in }
    ) {
        var profile = Profile(plan: plan, time: time)
        change(&profile)
        engine.apply(
            profile: profile, account: account, recordTime: time,
            coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: mode, into: &effects)
        restart()
    }

    /// Moves the clock to `time` in steps of a day, so that nothing is missed or expires on the way.
    func tick(to time: Timestamp) {
        guard engine.clock > .earliest else { return }
        while engine.clock + .day < time { jump(to: engine.clock + .day) }
        jump(to: time)
    }

    /// Moves the clock to `time` at once (the margin is taken into account).
    func jump(to time: Timestamp) {
        while engine.tick(wallTime: time + engine.lag + catalogue.policy.tickMargin, into: &effects) { restart() }
        restart()
    }

    func remove(_ account: String) {
        engine.removeAccount(account, into: &effects)
        restart()
    }

    func reload(_ catalogue: Catalogue) {
        self.catalogue = catalogue
        engine.adopt(catalogue, into: &effects)
        restart()
    }

    /// Gives the engine to what needs it.
    func withEngine<Result>(_ body: (inout PartitionEngine, inout Effects) -> Result) -> Result {
        body(&engine, &effects)
    }
}

/// Plays a script into an engine that never stops, and into one that is restored after each input: both say the same.
@discardableResult
func told(
    _ catalogue: Catalogue, at place: SourceLocation = #_sourceLocation, _ script: (SignalPlayer) -> Void
) -> [Trigger] {
    let steady = SignalPlayer(catalogue, restarts: false)
    script(steady)
    let restored = SignalPlayer(catalogue, restarts: true)
    script(restored)
    #expect(steady.triggers == restored.triggers, "a restored engine says otherwise", sourceLocation: place)
    #expect(Set(steady.triggers.map(\.id)).count == steady.triggers.count, "an id twice", sourceLocation: place)
    return steady.triggers
}

/// Meters `calls` (0, monthly sum) and `seats` (1, gauge); behaviours `denied` (2), `opened` (3), `cancel` (4).
func signalCatalogue(_ rules: Rule...) -> Catalogue {
    var built = catalogue(
        "meter calls sum month", "meter seats sum gauge", "plan free calls=1000 seats=10",
        "plan pro calls=10000 seats=100", "accounts default free")
    for name in ["denied", "opened", "cancel"] {
        built.behaviours.append(Behaviour(name: name, eventTypes: [name], feature: FieldPath(dotted: "data.feature")))
    }
    built.rules = rules
    return built
}

enum Stream {
    static let calls = 0
    static let seats = 1
    static let denied = 2
    static let opened = 3
    static let cancel = 4
}

extension SignalSource {
    static func behaviour(_ stream: Int, _ features: String...) -> SignalSource {
        SignalSource(.behaviour(BehaviourID(stream - 2)), features: features)
    }
    static func meter(_ stream: Int) -> SignalSource { SignalSource(.meter(MeterID(stream))) }
}

func at(_ text: String) -> Timestamp { ScenarioTime.at(text) }

extension Int64 {
    static let day = Int64.millisecondsPerDay
    static let hour = Int64.millisecondsPerHour
}
