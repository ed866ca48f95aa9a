import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// Thresholds that only some accounts have.
struct ThresholdVariantTests {
    static let day = ScenarioTime.at("2026-01-10")
    static let calls = MeterID(0)
    static let seats = MeterID(1)

    /// Everybody: 80 and 100 %. Shops: 50, 70 and 100 %. Many seats: 95 %.
    static let catalogue: Catalogue = {
        var catalogue = UpsellEngineTests.catalogue(
            "meter calls sum month", "meter seats latest gauge", "plan free calls=100", "plan pro calls=1000",
            "rule limits calls percent 50 70 80 95 100", "accounts default free")
        catalogue.segments = [Segment(name: "shop", condition: .text(.attribute("industry"), anyOf: ["retail"]))]
        guard case .limit(var signal) = catalogue.rules[0].signal else { return catalogue }
        signal.variants = [
            LimitSignal.Variant(condition: .segment("shop"), thresholds: [5000, 7000, 10_000]),
            LimitSignal.Variant(
                condition: .number(.usage(seats), Condition.NumberTest(atLeast: 10)), thresholds: [9500]),
        ]
        signal.base = [8000, 10_000]
        catalogue.rules[0].signal = .limit(signal)
        return catalogue
    }()

    struct Player: ~Copyable {
        var engine = PartitionEngine(catalogue: ThresholdVariantTests.catalogue, partition: PartitionID(0))
        var effects = Effects()
        var events = ScenarioEvents()
        var now = ThresholdVariantTests.day

        mutating func use(_ uses: (MeterID, Int64)...) -> [[Int64]] {
            effects.removeAll()
            now = now + 1000
            events.add("acme", at: now, uses.map { ScenarioEvents.Use($0.0, $0.1) })
            events.play(into: &engine, &effects)
            return effects.triggers.compactMap { $0.usage?.crossed }
        }

        mutating func profile(_ plan: String, industry: String?) -> [[Int64]] {
            effects.removeAll()
            now = now + 1000
            var profile = Profile(plan: plan, time: now)
            if let industry {
                profile.attributes = [Profile.Attribute(name: "industry", json: "\"\(industry)\"", texts: [industry])]
            }
            engine.apply(
                profile: profile, account: "acme", recordTime: now,
                coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: .live, into: &effects)
            return effects.triggers.compactMap { $0.usage?.crossed }
        }
    }

    @Test
    func whatIsNotTheAccountsIsSpentWithoutAWord() {
        var player = Player()
        var crossed = player.use((Self.calls, 75))
        #expect(crossed.isEmpty)
        #expect(player.engine.statistics.silentSpent == 2)
        crossed = player.use((Self.calls, 22))
        #expect(crossed == [[8000]])
        let highest = player.effects.triggers.first?.usage?.highest
        #expect(highest == 8000)
        #expect(player.engine.statistics.silentSpent == 3)
        crossed = player.use((Self.calls, 3))
        #expect(crossed == [[10_000]])
    }

    @Test
    func theKeyHasTheHighestOfTheAccountsOwn() throws {
        var player = Player()
        let crossed = player.use((Self.calls, 96))
        #expect(crossed == [[8000]])
        let trigger = try #require(player.effects.triggers.first)
        let usage = try #require(trigger.usage)
        let key = ArmingKey(
            signal: .limit, rule: "limits", ruleVersion: trigger.ruleVersion, account: "acme", meter: "calls",
            dimension: nil, limitVersion: usage.limitVersion, episode: trigger.episode, threshold: 8000)
        #expect(trigger.id == key.id)
    }

    @Test
    func theFirstVariantThatHoldsCounts() {
        var player = Player()
        _ = player.profile("free", industry: "retail")
        _ = player.use((Self.seats, 12))
        let crossed = player.use((Self.calls, 72))
        #expect(crossed == [[5000, 7000]])
        let segments = player.effects.triggers.first?.segments
        #expect(segments == ["shop"])
    }

    /// 60 of 100 while no shop: 50 % is spent. As a shop: 70 % is still to come, 50 % is not told afterwards.
    @Test
    func aSegmentChangeAloneFiresNothing() {
        var player = Player()
        var crossed = player.use((Self.calls, 60))
        #expect(crossed.isEmpty)
        crossed = player.profile("free", industry: "retail")
        #expect(crossed.isEmpty)
        crossed = player.use((Self.calls, 1))
        #expect(crossed.isEmpty)
        crossed = player.use((Self.calls, 24))
        #expect(crossed == [[7000]])
        crossed = player.profile("free", industry: nil)
        #expect(crossed.isEmpty)
        // 80 % was passed as a shop, which has none.
        crossed = player.use((Self.calls, 5))
        #expect(crossed.isEmpty)
        crossed = player.use((Self.calls, 10))
        #expect(crossed == [[10_000]])
    }

    /// The example of the article "SignalsAndArming".
    @Test
    func shopsAndOthers() {
        var player = Player()
        var told: [[[Int64]]] = []
        told.append(player.use((Self.calls, 60)))
        told.append(player.profile("free", industry: "retail"))
        told.append(player.use((Self.calls, 11)))
        told.append(player.profile("free", industry: nil))
        told.append(player.use((Self.calls, 9)))
        #expect(told == [[], [], [[7000]], [], [[8000]]])
    }

    /// The condition is about a counter of the same record, which comes after the one that crosses.
    @Test
    func conditionsAreJudgedWhenAllMetersHaveTakenTheRecordIn() {
        var player = Player()
        let crossed = player.use((Self.calls, 96), (Self.seats, 12))
        #expect(crossed == [[9500]])
    }

    /// A falling limit arms all anew; what is exceeded fires as far as it is the account's.
    @Test
    func aFallingLimitFiresTheAccountsOwn() {
        var player = Player()
        var crossed = player.profile("pro", industry: "retail")
        crossed = player.use((Self.calls, 85))
        #expect(crossed.isEmpty)
        crossed = player.profile("free", industry: "retail")
        #expect(crossed == [[5000, 7000]])
    }
}
