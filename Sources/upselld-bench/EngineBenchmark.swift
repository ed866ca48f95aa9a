internal import Foundation
internal import UpsellConfiguration
internal import UpsellEngine
internal import UpsellModel

/// Applies decoded events to one partition's engine on one core and prints events a second of thread time.
///
/// The engine alone: no Kafka, no decoding, no output. Each event has two readings of random streams of a random account,
/// nine of ten of meters; event time passes over days, so that days close, slots come and absences are noticed within the
/// measurement. Rows are made outside of it, and every account has its profile and one event before it. What an event
/// costs depends on how many there are to an account and day, since each account's day is judged once, and on how many
/// cause triggers, which is printed.
struct EngineBenchmark {
    var accounts = 20_000
    var events = 1_000_000
    var days: Int64 = 2
    var rounds = 3
    /// A main configuration file whose meters, behaviours and rules are measured in place of the built-in ones.
    var configuration: String?
    var overrides: [(key: String, value: String)] = []

    func callAsFunction() throws {
        if let configuration {
            var catalogue = try ConfigurationLoader.load(path: configuration, overrides: overrides).catalogue
            let kinds = Set(catalogue.rules.map(\.signal.kind)).count
            // Nothing waits for profiles, which are all there.
            catalogue.policy.unknownAccounts = .defaultPlan(PlanID(0))
            measure("\(configuration), \(catalogue.rules.count) rules of \(kinds) kinds", catalogue)
            return
        }
        measure("no rule", Self.catalogue([]))
        measure("1 rule", Self.catalogue(Array(Self.rules(1).prefix(1))))
        measure("one rule of each signal, 11", Self.catalogue(Self.rules(1)))
        measure("200 rules", Self.catalogue(Array(Self.rules(19).prefix(200))))
    }

    /// Says what came out too: two runs of one program say the same.
    private func measure(_ name: String, _ catalogue: Catalogue) {
        var samples: [Double] = []
        var said = 0
        for _ in 0..<rounds {
            var rows = Rows(catalogue: catalogue, accounts: accounts)
            var engine = PartitionEngine(catalogue: catalogue, partition: PartitionID(0))
            var effects = Effects()
            for number in 0..<accounts { rows.addEach(account: number) }
            engine.apply(rows.batch, 0..<rows.batch.events.count, mode: .live, wallTime: .latest, into: &effects)
            for number in 0..<accounts { engine.apply(rows.profile(number), Rows.name(number), into: &effects) }
            effects.removeAll()
            rows.batch.removeAll()
            for index in 0..<events { rows.addRandom(at: Int64(index) * days * .millisecondsPerDay / Int64(events)) }
            said = 0
            let start = threadNanoseconds()
            var first = 0
            while first < events {
                // About what a poll returns.
                let end = min(first + 5_000, events)
                engine.apply(rows.batch, first..<end, mode: .live, wallTime: .latest, into: &effects)
                said += effects.triggers.count + effects.held.count
                effects.removeAll()
                first = end
            }
            samples.append(Double(threadNanoseconds() - start) / Double(events))
            precondition(engine.statistics.rejected == 0, "every event is taken")
        }
        samples.sort()
        let median = samples[samples.count / 2]
        say(
            String(
                format: "engine, %@: median %.0f ns, best %.0f ns an event: %.2f M events/s on one core; %d triggers",
                name,
                median, samples[0], 1e3 / median, said))
    }

    // MARK: What is decided by

    private static let meterCount = 20

    private static func catalogue(_ rules: [Rule]) -> Catalogue {
        var meters = (0..<meterCount).map { number in
            Meter(
                name: "meter-\(number)", eventTypes: ["m\(number)"], aggregation: .sum,
                value: FieldPath(dotted: "data.value"), window: .period(.init(.month)))
        }
        // Gauges, for stays.
        for number in stride(from: 4, to: meterCount, by: 5) { meters[number].window = .gauge }
        var catalogue = Catalogue(
            meters: meters,
            plans: [
                Plan(name: "free", limits: meters.map { _ in Plan.PlanLimit(.of(1_000)) }),
                Plan(name: "pro", limits: meters.map { _ in Plan.PlanLimit(.of(100_000)) }),
            ], rules: rules,
            behaviours: ["denied", "opened", "left"].map {
                Behaviour(name: $0, eventTypes: [$0], feature: FieldPath(dotted: "data.feature"))
            })
        catalogue.policy.unknownAccounts = .defaultPlan(PlanID(0))
        return catalogue
    }

    /// Rounds of one rule of each signal; the meters move from round to round.
    private static func rules(_ rounds: Int) -> [Rule] {
        let day = Int64.millisecondsPerDay
        func behaviour(_ index: Int, _ features: String...) -> SignalSource {
            SignalSource(.behaviour(BehaviourID(index)), features: features)
        }
        var rules: [Rule] = []
        for round in 0..<rounds {
            let meter = MeterID(round % 4 + round / 4 % 4 * 5)
            let gauge = MeterID(round % 4 * 5 + 4)
            let limit = Signal.limit(
                LimitSignal(meter: meter, unit: .percent, thresholds: [8_000, 9_000, 10_000], band: 500))
            let gate = Signal.gate(GateSignal(source: behaviour(0), count: 5, window: 3 * day))
            let signals: [Signal] = [
                limit, .pace(PaceSignal(meter: meter)), gate,
                .adoption(
                    AdoptionSignal(
                        stages: [
                            .init(source: behaviour(1), uses: 5, days: 3),
                            .init(source: SignalSource(.meter(meter)), uses: 3),
                        ], windowDays: 30, isOrdered: true)),
                .trial(TrialSignal(offsetDays: [-3, 0], usage: behaviour(1, "feature-1", "feature-2"))),
                .event(EventSignal(.source(behaviour(2)), usage: behaviour(1))),
                .growth(GrowthSignal(meter: meter, windowDays: 7, percent: 5_000, floor: 10)),
                .sustained(SustainedSignal(meter: gauge, unit: .percent, level: 9_000, duration: 2 * day)),
                .absence(AbsenceSignal(source: behaviour(1, "feature-1"), duration: 7 * day)),
                .digest(DigestSignal(every: .week, usage: behaviour(1, "feature-1"), meters: [meter])),
                .combination(
                    CombinationSignal(
                        parts: [.init(name: "near", signal: limit), .init(name: "blocked", signal: gate)], mode: .all,
                        window: 7 * day)),
            ]
            rules += signals.map { Rule(name: "\($0.kind.name)-\(round)", signal: $0) }
        }
        return rules
    }

    /// Makes rows for the engine, as `UpsellWire` would from bytes.
    private struct Rows {
        let catalogue: Catalogue
        let accounts: Int
        var batch = EventBatch()
        private var random = SplitMix(state: 1)
        private var next: Int64 = 0
        private let features: [String]
        /// 2026-06-10T00:00:00Z.
        static let start = Timestamp(milliseconds: 1_781_049_600_000)

        init(catalogue: Catalogue, accounts: Int) {
            self.catalogue = catalogue
            self.accounts = accounts
            features = (0..<4).map { "feature-\($0)" } + catalogue.rules.flatMap { Self.features($0.signal) }
        }

        static func name(_ number: Int) -> String { "acct-\(100_000 + number)" }

        /// Features that a rule names, so that they occur.
        private static func features(_ signal: Signal) -> [String] {
            switch signal {
            case .gate(let signal): signal.source.features
            case .adoption(let signal): signal.stages.flatMap(\.source.features)
            case .trial(let signal): signal.usage?.features ?? []
            case .absence(let signal): signal.source.features
            case .digest(let signal): signal.usage?.features ?? []
            case .event(let signal): signal.usage?.features ?? []
            case .combination(let signal): signal.parts.flatMap { features($0.signal) }
            case .limit, .pace, .growth, .sustained: []
            }
        }

        func profile(_ number: Int) -> Profile {
            var profile = Profile(plan: catalogue.plans[number % catalogue.plans.count].name, time: Self.start)
            profile.timeZone = number % 2 == 0 ? TimeZones.table(named: "Europe/Berlin") : nil
            if number % 10 == 0 {
                profile.trial = Profile.Trial(
                    plan: profile.plan, start: Self.start,
                    end: Self.start + Int64(number / 10 % 14 + 1) * .millisecondsPerDay)
            }
            return profile
        }

        mutating func addEach(account number: Int) { add(number, at: Self.start) }

        mutating func addRandom(at offset: Int64) {
            add(Int(random.next() % UInt64(accounts)), at: Self.start + offset)
        }

        private mutating func add(_ number: Int, at time: Timestamp) {
            let account = Self.name(number)
            let bytes = append(account)
            let first = batch.readings.count
            let one = stream()
            var other = stream()
            while other == one { other = stream() }
            addReading(one)
            addReading(other)
            batch.events.append(
                UsageEvent(
                    identity: random.next(), time: time, recordTime: time, accountHash: StableHash.of(account),
                    account: bytes, firstReading: UInt32(first), readingCount: 2, flags: [], input: InputID(0),
                    offset: next, record: 0))
            next += 1
        }

        private mutating func stream() -> Int {
            guard !catalogue.behaviours.isEmpty, random.next() % 10 == 0 else {
                return Int(random.next() % UInt64(catalogue.meters.count))
            }
            // The last is what a life-cycle event is: rare.
            let often = max(catalogue.behaviours.count - 1, 1)
            let isRare = random.next() % 200 == 0
            return catalogue.meters.count
                + (isRare ? catalogue.behaviours.count - 1 : Int(random.next() % UInt64(often)))
        }

        private mutating func addReading(_ stream: Int) {
            let isMeter = stream < catalogue.meters.count
            let hasName =
                isMeter
                ? catalogue.meters[stream].dimension != nil
                : catalogue.behaviours[stream - catalogue.meters.count].feature != nil
            var quantity: Int64 = 1
            if isMeter {
                switch (catalogue.meters[stream].window, catalogue.meters[stream].aggregation) {
                case (_, .count), (_, .activeDays), (_, .latest): break
                case (.gauge, _): quantity = Int64(random.next() % 3) - 1
                case (_, .unique): quantity = Int64(random.next() % 100)
                case (_, .sum), (_, .max): quantity = Int64(random.next() % 20)
                }
            }
            let name = features[Int(random.next() % UInt64(features.count))]
            batch.readings.append(
                Reading(meter: MeterID(stream), quantity: quantity, dimension: hasName ? append(name) : .empty))
        }

        private mutating func append(_ text: String) -> ByteRange {
            let range = ByteRange(offset: UInt32(batch.arena.count), count: UInt32(text.utf8.count))
            batch.arena.append(contentsOf: text.utf8)
            return range
        }
    }
}

extension PartitionEngine {
    fileprivate mutating func apply(_ profile: Profile, _ account: String, into effects: inout Effects) {
        apply(
            profile: profile, account: account, recordTime: profile.time,
            coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: .live, into: &effects)
    }
}
