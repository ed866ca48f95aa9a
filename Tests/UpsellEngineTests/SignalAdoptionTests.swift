import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

struct SignalAdoptionTests {
    static let start = at("2026-03-02T10:00")

    static func rule(_ stages: [AdoptionSignal.Stage], days: Int = 14, isOrdered: Bool = false) -> Rule {
        Rule(
            name: "adopted", signal: .adoption(AdoptionSignal(stages: stages, windowDays: days, isOrdered: isOrdered)))
    }
    static let one = rule([.init(source: .behaviour(Stream.opened, "reports"), uses: 4, days: 3)])

    @Test
    func usesAndDaysAreBothNeeded() throws {
        let triggers = told(signalCatalogue(Self.one)) { player in
            for day in [Int64(0), 0, 0, 3, 9] {
                player.use(Stream.opened, feature: "reports", at: Self.start + day * .day)
                player.use(Stream.opened, feature: "other", at: Self.start + day * .day)
            }
        }
        let trigger = try #require(triggers.first)
        #expect(triggers.count == 1)
        #expect(trigger.eventTime == Self.start + 9 * .day && trigger.episode == at("2026-03-02"))
        #expect(trigger.activity?.used == [Trigger.FeatureUse(feature: "reports", uses: 5, days: 3)])
        #expect(trigger.activity?.window == Trigger.Span(start: at("2026-03-02"), end: at("2026-03-16")))
        let key = ArmingKey(
            signal: .adoption, rule: "adopted", ruleVersion: trigger.ruleVersion, account: "acme", meter: "",
            dimension: "", limitVersion: 0, episode: at("2026-03-02"), threshold: 0)
        #expect(trigger.id == key.id)
    }

    @Test
    func oneUseOrOneDayLessDoesNot() {
        #expect(
            told(signalCatalogue(Self.one)) { player in
                for day in [Int64(0), 1, 2] {
                    player.use(Stream.opened, feature: "reports", at: Self.start + day * .day)
                }
            }.isEmpty)
        #expect(
            told(signalCatalogue(Self.one)) { player in
                for day in [Int64(0), 0, 0, 0, 0, 1] {
                    player.use(Stream.opened, feature: "reports", at: Self.start + day * .day)
                }
            }.isEmpty)
        // The first use has left the window of 14 days.
        #expect(
            told(signalCatalogue(Self.one)) { player in
                for day in [Int64(0), 7, 8, 14] {
                    player.use(Stream.opened, feature: "reports", at: Self.start + day * .day)
                }
            }.isEmpty)
        #expect(
            told(signalCatalogue(Self.one)) { player in
                for day in [Int64(0), 7, 8, 13] {
                    player.use(Stream.opened, feature: "reports", at: Self.start + day * .day)
                }
            }.count == 1)
    }

    @Test
    func itIsQuietUntilTheWindowEnds() {
        let triggers = told(signalCatalogue(Self.one)) { player in
            for day in Int64(0)..<30 {
                for _ in 0..<2 { player.use(Stream.opened, feature: "reports", at: Self.start + day * .day) }
            }
        }
        #expect(triggers.map(\.eventTime) == [2, 16].map { Self.start + $0 * .day })
        #expect(triggers.map(\.episode) == [at("2026-03-02"), at("2026-03-16")])
    }

    @Test
    func inASequenceOnlyWhatComesAfterCounts() {
        let stages = [
            AdoptionSignal.Stage(source: .behaviour(Stream.opened, "basic"), uses: 2, days: 2),
            AdoptionSignal.Stage(source: .behaviour(Stream.opened, "advanced"), uses: 1, days: 1),
        ]
        func triggers(_ isOrdered: Bool, _ uses: [(String, Int64)]) -> [Timestamp] {
            told(signalCatalogue(Self.rule(stages, isOrdered: isOrdered))) { player in
                for (feature, hour) in uses {
                    player.use(Stream.opened, feature: feature, at: Self.start + hour * .hour)
                }
            }.map(\.eventTime)
        }
        let backwards: [(String, Int64)] = [("advanced", 0), ("basic", 1), ("basic", 25)]
        #expect(triggers(false, backwards) == [Self.start + 25 * .hour])
        #expect(triggers(true, backwards) == [])
        #expect(triggers(true, backwards + [("advanced", 26)]) == [Self.start + 26 * .hour])
        // By event time: a late use from before the first stage was complete is none of the second.
        let late = told(signalCatalogue(Self.rule(stages, isOrdered: true))) { player in
            player.use(Stream.opened, feature: "basic", at: Self.start)
            player.use(Stream.opened, feature: "basic", at: Self.start + .day)
            player.use(
                Stream.opened, feature: "advanced", at: Self.start + 2 * .hour, record: Self.start + 2 * .day)
        }
        #expect(late.isEmpty)
        // What completed the first has left the window when the second comes.
        #expect(triggers(true, [("basic", 0), ("basic", 24), ("advanced", 14 * 24)]) == [])
        #expect(triggers(true, [("basic", 0), ("basic", 24), ("advanced", 13 * 24)]).count == 1)
    }

    @Test
    func daysAreLocal() {
        let rule = Self.rule([.init(source: .behaviour(Stream.opened), uses: 2, days: 2)])
        func triggers(_ times: [String], _ zone: TimeZoneTable?) -> Int {
            told(signalCatalogue(rule)) { player in
                player.profile(at: at("2026-03-20")) { $0.timeZone = zone }
                for time in times { player.use(Stream.opened, at: at(time)) }
            }.count
        }
        // 23:30 and 00:30 of the next day in Berlin, on one day of UTC; and the day of 23 hours.
        #expect(triggers(["2026-03-28T22:30", "2026-03-28T23:30"], ScenarioTime.berlin) == 1)
        #expect(triggers(["2026-03-28T22:30", "2026-03-28T23:30"], nil) == 0)
        #expect(triggers(["2026-03-28T23:00", "2026-03-29T21:59"], ScenarioTime.berlin) == 0)
        #expect(triggers(["2026-03-28T23:00", "2026-03-29T22:00"], ScenarioTime.berlin) == 1)
        #expect(triggers(["2026-10-24T22:00", "2026-10-25T22:59"], ScenarioTime.berlin) == 0)
    }

    @Test
    func historySpendsAndReloadsKeep() {
        #expect(
            told(signalCatalogue(Self.one)) { player in
                for day in Int64(0)..<4 {
                    player.use(Stream.opened, feature: "reports", at: Self.start + day * .day, mode: .silent)
                }
                for day in Int64(4)..<14 {
                    player.use(Stream.opened, feature: "reports", at: Self.start + day * .day)
                }
            }.isEmpty)
        let kept = told(signalCatalogue(Self.one)) { player in
            for day in Int64(0)..<3 { player.use(Stream.opened, feature: "reports", at: Self.start + day * .day) }
            var changed = player.catalogue
            changed.rules[0].summary = "Another summary"
            changed.rules.append(Self.rule([.init(source: .behaviour(Stream.opened), uses: 1, days: 1)]))
            changed.rules[1].name = "new"
            player.reload(changed)
            player.use(Stream.opened, feature: "reports", at: Self.start + 3 * .day)
        }
        #expect(kept.map(\.rule) == ["adopted", "new"])
    }

    /// A window of a year is written in parts; what a delta leaves out is still there after a restore.
    @Test
    func longWindowsAreWrittenInParts() {
        let rule = Self.rule([.init(source: .behaviour(Stream.opened), uses: 120, days: 120)], days: 366)
        let triggers = told(signalCatalogue(rule)) { player in
            for day in Int64(0)..<130 { player.use(Stream.opened, at: Self.start + day * 3 * .day) }
        }
        #expect(triggers.map(\.eventTime) == [Self.start + 119 * 3 * .day])
        let player = SignalPlayer(signalCatalogue(rule), restarts: false)
        for day in Int64(0)..<110 { player.use(Stream.opened, at: Self.start + day * 3 * .day) }
        let sizes = player.withEngine { engine, _ in
            var sizes: [Int] = []
            var events = ScenarioEvents()
            var effects = Effects()
            for day in Int64(330)..<332 {
                var writer = BinaryWriter()
                engine.writeDelta(into: &writer)
                sizes.append(writer.count)
                events.add(
                    "acme", at: Self.start + day * .day, [ScenarioEvents.Use(MeterID(Stream.opened), 1)], id: "\(day)")
                events.play(into: &engine, &effects)
            }
            return sizes
        }
        #expect(sizes[0] > 300 && sizes[1] < 60, "\(sizes)")
    }
}
