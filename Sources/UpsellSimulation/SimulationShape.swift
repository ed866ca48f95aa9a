/// How large a history is, and what strikes it when.
struct SimulationShape {
    enum Fault: CaseIterable {
        case crash, crashInTransaction, crashBeforeCommit, pause, pauseInTransaction, pauseBeforeCommit, cut,
            cutCoordinator, fence, outage, stop, leave,
            remove
        case add, expireOffsets, twin
    }

    let partitions: Int32
    let slots: Int
    /// Slots that run from the start.
    let instances: Int
    let accountsEach: Int
    let events: Int
    /// Mean milliseconds between two writes of 1 to 6 records.
    let feedInterval: Int64
    let beforeMidnight: Int64
    /// Milliseconds after which nothing strikes any more, and how long everything may then take.
    let calmAt: Int64
    let patience: Int64
    let weather: SimulatedNetwork.Weather
    private let faults: ClosedRange<Int64>

    init(_ shape: Simulation.Shape) {
        switch shape {
        case .long:
            partitions = 4
            slots = 4
            instances = 3
            accountsEach = 5
            events = 320
            feedInterval = 330
            beforeMidnight = 18_000
            calmAt = 46_000
            patience = 90_000
            weather = .rough
            faults = 7...12
        case .short:
            partitions = 3
            slots = 2
            instances = 2
            accountsEach = 2
            events = 20
            feedInterval = 250
            beforeMidnight = 3_000
            calmAt = 5_000
            patience = 60_000
            weather = .calm
            faults = 0...0
        }
    }

    /// Draws the faults of a history: when, in milliseconds after the start, and which.
    func plan(_ random: inout SimulationRandom) -> [(at: Int64, kind: Fault)] {
        let weighted: [Fault] = [
            .crash, .crash, .crashInTransaction, .crashInTransaction, .crashBeforeCommit, .crashBeforeCommit, .pause,
            .pauseBeforeCommit,
            .pauseInTransaction, .pauseInTransaction, .cut, .cut, .cutCoordinator, .fence, .fence, .outage, .stop,
            .leave, .remove, .add, .twin,
            .expireOffsets,
        ]
        let count = Int(random.between(faults))
        return (0..<count).map { _ in (random.between(1_500...(calmAt - 2_000)), random.pick(weighted)) }
            .sorted { $0.0 < $1.0 }
    }
}
