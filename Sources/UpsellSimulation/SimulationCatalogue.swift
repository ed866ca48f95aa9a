package import UpsellModel

/// What a simulated daemon counts and watches: one small table, from which the production catalogue and the naive model
/// are both made, each in its own way.
package struct SimulationCatalogue: Sendable {
    /// How long a counter of a meter runs.
    package enum Span: Sendable, Equatable { case day, month, lifetime, gauge }
    package enum Unit: Sendable, Equatable { case percent, absolute }

    package struct MeterLine: Sendable {
        package var name: String
        package var types: [String]
        package var span: Span
        /// false: each event counts one.
        package var hasValue: Bool
        /// Limit by plan, nil for unlimited.
        package var limits: [Int64?]
    }

    package struct RuleLine: Sendable {
        package var name: String
        package var meter: Int
        package var unit: Unit
        package var thresholds: [Int64]
        package var band: Int64
    }

    package var meters: [MeterLine] = [
        MeterLine(name: "calls", types: ["call"], span: .day, hasValue: false, limits: [10, 25]),
        MeterLine(name: "bytes", types: ["transfer"], span: .month, hasValue: true, limits: [1_000, 3_000]),
        MeterLine(name: "seats", types: ["seats"], span: .gauge, hasValue: true, limits: [nil, nil]),
        MeterLine(name: "total", types: ["transfer"], span: .lifetime, hasValue: true, limits: [nil, nil]),
    ]
    package var rules: [RuleLine] = [
        RuleLine(name: "calls-limit", meter: 0, unit: .percent, thresholds: [5_000, 8_000, 10_000], band: 0),
        RuleLine(name: "bytes-limit", meter: 1, unit: .percent, thresholds: [8_000, 9_000, 10_000, 12_000], band: 0),
        RuleLine(name: "bytes-early", meter: 1, unit: .absolute, thresholds: [300, 600], band: 0),
        RuleLine(name: "seats-taken", meter: 2, unit: .absolute, thresholds: [5, 8], band: 1),
        RuleLine(name: "total-volume", meter: 3, unit: .absolute, thresholds: [500, 1_500, 4_000], band: 0),
    ]
    /// The first is what accounts without profile have.
    package var plans = ["free", "pro"]
    /// Milliseconds for which a closed period still counts.
    package var grace: Int64 = 40_000
    /// Older events are dead letters, in milliseconds behind the clock.
    package var window: Int64 = 300_000
    /// Identities remembered by a partition; few, so that histories wrap around.
    package var identities = 48
    /// Milliseconds by which an event may lie in the future of its record.
    package var tolerance: Int64 = 60_000
    /// Milliseconds by which ticks stay behind wall time.
    package var margin: Int64 = 5_000

    package init() {}

    /// The catalogue as the daemon has it.
    package var production: Catalogue {
        let meters = self.meters.map { line in
            Meter(
                name: line.name, eventTypes: line.types,
                aggregation: line.span == .gauge ? .latest : line.hasValue ? .sum : .count,
                value: line.hasValue ? FieldPath(dotted: "data.quantity") : nil, window: window(line.span))
        }
        let plans = self.plans.enumerated().map { place, name in
            Plan(name: name, limits: self.meters.map { Plan.PlanLimit($0.limits[place].map(Limit.of) ?? .unlimited) })
        }
        let rules = self.rules.map { line in
            Rule(
                name: line.name,
                signal: .limit(
                    LimitSignal(
                        meter: MeterID(line.meter), unit: line.unit == .percent ? .percent : .absolute,
                        thresholds: line.thresholds, band: line.band)))
        }
        var policy = Policy()
        policy.unknownAccounts = .defaultPlan(PlanID(0))
        policy.firstStart = .fire
        policy.grace = grace
        policy.dedupWindow = window
        policy.dedupCapacity = identities
        policy.futureTolerance = tolerance
        policy.tickMargin = margin
        // Each trigger stands for itself: the oracle knows rules' modes, and no other hold-backs.
        policy.arbitrationWindow = nil
        policy.upgradePause = 0
        return Catalogue(meters: meters, plans: plans, rules: rules, policy: policy)
    }

    private func window(_ span: Span) -> Meter.Window {
        switch span {
        case .day: .period(Meter.Reset(.day))
        case .month: .period(Meter.Reset(.month))
        case .lifetime: .lifetime
        case .gauge: .gauge
        }
    }
}
