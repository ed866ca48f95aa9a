import Foundation
import Testing
import UpsellModel

@testable import UpsellDemo

@Suite struct SimulatedFeedTests {
    func steps(seed: UInt64) throws -> [FeedStep] {
        var feed = SimulatedFeed(catalogue: DemoCatalogue.simulation(), seed: seed)
        var steps: [FeedStep] = []
        for _ in 0..<1_000_000 {
            let step = try feed.next()
            if step == .end { return steps }
            steps.append(step)
        }
        Issue.record("the feed does not end")
        return steps
    }

    /// A usage event; a profile has none of these.
    struct Event: Decodable {
        var id: String?
        var type: String?
        var data: [String: Int64]?
    }

    /// Account and meter → level by and by, with the plan at that time.
    func levels(_ steps: [FeedStep]) throws -> [(account: String, plan: String, meter: String, level: Int64)] {
        var plans: [String: String] = [:]
        var sums: [String: Int64] = [:]
        var seen: Set<String> = []
        var result: [(account: String, plan: String, meter: String, level: Int64)] = []
        let meters = DemoCatalogue.simulation().meters.filter { $0.name != "bandwidth" }
        for step in steps {
            guard case .record(let record) = step else { continue }
            let event = try JSONDecoder().decode(Event.self, from: Data(record.value))
            let account = String(decoding: record.key, as: UTF8.self)
            if let plan = record.plan { plans[account] = plan }
            guard record.topic == .usage, seen.insert(event.id ?? "").inserted else { continue }
            for meter in meters where meter.eventTypes == [event.type ?? ""] {
                guard let value = event.data?[meter.value?.names.last ?? ""] else { continue }
                let key = "\(account)/\(meter.name)"
                sums[key] = meter.aggregation == .latest ? value : sums[key, default: 0] + value
                result.append((account, plans[account] ?? "", meter.name, sums[key] ?? 0))
            }
        }
        return result
    }

    @Test func theSameSeedGivesTheSameMonth() throws {
        #expect(try steps(seed: 7) == steps(seed: 7))
        #expect(try steps(seed: 7) != steps(seed: 8))
    }

    @Test func timesRiseFromHourToHourWithinTheMonth() throws {
        let feed = SimulatedFeed(catalogue: DemoCatalogue.simulation())
        var hour: Int64 = 0
        for case .record(let record) in try steps(seed: 1) {
            let time = try #require(record.time)
            #expect(time >= feed.start && time < feed.end)
            #expect((time - feed.start) / .millisecondsPerHour >= hour)
            hour = (time - feed.start) / .millisecondsPerHour
        }
        #expect(hour >= Int64(SimulatedFeed.hours - 24))
    }

    @Test func profilesComeFirstAndAreSettledBeforeUsage() throws {
        let steps = try steps(seed: 1)
        let settled = try #require(steps.firstIndex(of: .settle))
        #expect(settled == 8)
        for case .record(let record) in steps[..<settled] { #expect(record.topic == .accounts) }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func someAccountsFillUpAndOneUpgradesAndFillsUpAgain(seed: UInt64) throws {
        let levels = try levels(steps(seed: seed))
        func reached(_ account: String, _ meter: String, _ plan: String, _ level: Int64) -> Bool {
            levels.contains { $0.account == account && $0.meter == meter && $0.plan == plan && $0.level >= level }
        }
        #expect(reached("cedar-clinic", "api_calls", "basic", 10_000))
        #expect(reached("cedar-clinic", "api_calls", "pro", 80_000))
        #expect(reached("bluebird-books", "storage", "basic", 8_000_000_000))
        #expect(reached("ember-energy", "api_calls", "pro", 100_000))
        #expect(!reached("harbor-hr", "api_calls", "basic", 8_000))
        #expect(!levels.contains { $0.level < 0 })
    }

    @Test func someEventsComeTwice() throws {
        var seen: Set<[UInt8]> = []
        var repeated = 0
        for case .record(let record) in try steps(seed: 1) where !seen.insert(record.value).inserted { repeated += 1 }
        #expect((10...200).contains(repeated))
    }
}
