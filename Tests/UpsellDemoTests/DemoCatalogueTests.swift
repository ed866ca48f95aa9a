import Foundation
import Testing
import UpsellConfiguration
import UpsellModel

@testable import UpsellDemo

@Suite struct DemoCatalogueTests {
    @Test func itIsTheShippedOne() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var shipped = try ConfigurationLoader.load(path: root.appending(path: "config/upselld.yaml").path()).catalogue
        var mine = DemoCatalogue.simulation()
        // What only the plays count and sell comes after it.
        let count = mine.meters.count
        shipped.meters.removeLast(shipped.meters.count - count)
        for index in shipped.plans.indices {
            shipped.plans[index].limits.removeLast(shipped.plans[index].limits.count - count)
            shipped.plans[index].features.removeAll { !["reporting", "support"].contains($0.name) }
        }
        for index in shipped.addOns.indices {
            shipped.addOns[index].adds.removeLast(shipped.addOns[index].adds.count - count)
        }
        #expect(mine.plans == shipped.plans)
        #expect(mine.addOns == shipped.addOns)
        #expect(mine.rules == shipped.rules)
        // The difference that is meant.
        let calls = try #require(mine.meter(named: "api_calls")).index
        mine.meters[calls].aggregation = .count
        #expect(mine.meters == shipped.meters)
    }

    @Test func anAccessLogHasNoLimitOfBandwidthAndItsOwnOfCalls() throws {
        let catalogue = DemoCatalogue.accessLog(limit: 100)
        let calls = try #require(catalogue.meter(named: "api_calls")).index
        let bandwidth = try #require(catalogue.meter(named: "bandwidth")).index
        #expect(catalogue.plans.map { $0.limits[calls].limit } == [.of(100), .of(100_000), .unlimited])
        #expect(catalogue.plans.allSatisfy { $0.limits[bandwidth].limit == .unlimited })
        #expect(DemoCatalogue.accessLog(limit: nil).plans.first?.limits[calls].limit == .of(10_000))
    }
}
