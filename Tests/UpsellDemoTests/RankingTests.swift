import Testing

@testable import UpsellDemo

@Suite struct RankingTests {
    @Test func theFiveWithMostAreListedAndAllAreAddedUp() {
        let usages =
            [("a", 7), ("b", 1_200), ("c", 7), ("d", 0), ("long-name", 30), ("e", 8), ("f", 1)] as [(String, Int64)]
        let ranking = Ranking(
            meter: "api_calls", unit: "requests", usages: usages.map { .init(account: $0.0, usage: $0.1) })
        #expect(
            ranking.lines == [
                "Most api_calls, of 1,253 requests in all:", "  b          1,200", "  long-name     30",
                "  e              8", "  a              7", "  c              7",
            ])
    }

    @Test func withoutUsageThereIsOnlyTheHeading() {
        let ranking = Ranking(meter: "bandwidth", unit: "bytes", usages: [.init(account: "a", usage: 0)])
        #expect(ranking.lines == ["Most bandwidth, of 0 bytes in all:"])
    }
}
