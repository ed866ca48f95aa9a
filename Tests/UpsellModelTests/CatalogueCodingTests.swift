import Foundation
import Testing
import UpsellModel

/// The catalogue as the state log keeps it: JSON with sorted keys.
@Suite struct CatalogueCodingTests {
    /// Every case of every enumeration, every optional member with and without a value, numbers at their ends.
    static let catalogue: Catalogue = {
        let resets = Meter.Reset.Unit.allCases.flatMap { unit in
            Meter.Reset.Alignment.allCases.map { Meter.Reset(unit, $0) }
        }
        let windows = resets.map(Meter.Window.period) + [.rolling(days: 30), .lifetime, .gauge]
        var meters = windows.enumerated().map { index, window in
            Meter(name: "window-\(index)", eventTypes: ["api.request"], aggregation: .sum, window: window)
        }
        meters += Meter.Aggregation.allCases.map {
            Meter(
                name: "of-\($0.rawValue)", eventTypes: ["a", "b/\"c\""],
                filter: [FieldCondition(path: FieldPath(["data", "größe"]), anyOf: ["1", "true"])], aggregation: $0,
                value: FieldPath(dotted: "data.bytes"), unit: "bytes", scale: 9,
                dimension: Meter.Dimension(name: "region", path: FieldPath(dotted: "data.region"), max: 7),
                window: .lifetime, uniqueMax: 1)
        }
        let prices = Price.Interval.allCases.flatMap { interval in
            Price.Kind.allCases.map { Price(currency: "EUR", interval: interval, kind: $0, amount: .max) }
        }
        let limits: [Plan.PlanLimit] = [
            Plan.PlanLimit(.of(0)), Plan.PlanLimit(.of(.max), enforcement: .soft, consequence: "slower"), .unlimited,
        ]
        let plans = [
            Plan(name: "free", limits: limits),
            Plan(
                name: "pro", title: "Pro", limits: limits, prices: prices,
                features: [Plan.Feature(name: "reporting", level: "advanced")], benefits: ["more"], successor: "free"),
        ]
        let rules =
            ThresholdUnit.allCases.map { unit in
                Rule(
                    name: unit.rawValue,
                    signal: .limit(LimitSignal(meter: MeterID(2), unit: unit, thresholds: [.min, 0, .max], band: 5)))
            }
            + Rule.OnChange.allCases.map { onChange in
                Rule(
                    name: onChange.rawValue,
                    signal: .limit(LimitSignal(meter: MeterID(0), unit: .percent, thresholds: [8_000], band: 0)),
                    onChange: onChange, goLive: .earliest, summary: "s", message: "m")
            }
        var policy = Policy()
        policy.unknownAccounts = .defaultPlan(PlanID(1))
        policy.firstStart = .fire
        policy.goLive = .latest
        return Catalogue(
            meters: meters, plans: plans, addOns: [AddOn(name: "seats", adds: [1, .min], prices: prices)], rules: rules,
            policy: policy)
    }()

    static func encoded(_ catalogue: Catalogue) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(catalogue)
    }

    @Test func everythingComesBack() throws {
        let bytes = try Self.encoded(Self.catalogue)
        let decoded = try JSONDecoder().decode(Catalogue.self, from: bytes)
        #expect(decoded == Self.catalogue)
        #expect(try Self.encoded(decoded) == bytes)
    }

    @Test(arguments: [Policy.UnknownAccounts.wait, .ignore, .defaultPlan(PlanID(65_535))])
    func policiesComeBack(unknown: Policy.UnknownAccounts) throws {
        for firstStart in Policy.FirstStart.allCases {
            var catalogue = Self.catalogue
            catalogue.policy = Policy()
            catalogue.policy.unknownAccounts = unknown
            catalogue.policy.firstStart = firstStart
            let decoded = try JSONDecoder().decode(Catalogue.self, from: try Self.encoded(catalogue))
            #expect(decoded == catalogue)
        }
    }

    /// State logs hold it in this form; whoever adds a member gives it a default here.
    @Test func theFormOfVersion1IsRead() throws {
        let golden = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/state-log/v1/catalogue.json")
        #expect(try JSONDecoder().decode(Catalogue.self, from: try Data(contentsOf: golden)) == Self.catalogue)
    }
}
