import Foundation
import Testing

@testable import UpsellDemo

@Suite struct TallyTests {
    func trigger(_ account: String, _ meter: String, _ crossed: String, unit: String = "percent") -> [UInt8] {
        Array(
            #"""
            {"subject":"\#(account)","data":{"meter":"\#(meter)","unit":"requests","thresholdUnit":"\#(unit)",\#
            "crossed":[\#(crossed)],"current":81.5,"limit":null,"plan":"pro","eventTime":"2025-09-12T14:00:00.000Z",\#
            "cause":"usage","further":[{}]}}
            """#.utf8)
    }

    @Test func accountsAreCountedOnceForEachThreshold() {
        var tally = Tally()
        tally.add(trigger("a", "api_calls", "80"))
        tally.add(trigger("a", "api_calls", "80"))
        tally.add(trigger("b", "api_calls", "80,90,100"))
        tally.add(trigger("b", "users", "80,90"))
        tally.add(trigger("c", "api_calls", "120"))
        #expect(tally.triggers == 5)
        #expect(tally.crossed.map(\.threshold) == ["80", "90", "100", "120"])
        #expect(tally.crossed.map(\.accounts) == [2, 1, 1, 1])
    }

    @Test func onlySharesOfTheLimitAreCounted() {
        var tally = Tally()
        tally.add(trigger("a", "api_calls", "100", unit: "remaining"))
        #expect(tally.triggers == 1)
        #expect(tally.crossed.map(\.accounts) == [0, 0, 0])
    }

    @Test func theSummaryIsOneLineOfJSON() {
        let summary = Summary(
            events: 10_000, accounts: 1_753, duplicates: 0, deadLetters: 0, triggers: Tally().crossed)
        let counts =
            #""events":10000,"accounts":1753,"duplicates":0,"deadLetters":0,"triggers":{"80":0,"90":0,"100":0}"#
        #expect(String(decoding: summary.json, as: UTF8.self) == "{\"summary\":{\(counts)}}")
    }

    @Test(arguments: [
        "", "{", "[1,]", "{}", "null", "{\"subject\":\"a\",\"data\":{}}", "1 2", String(repeating: "[", count: 600),
    ])
    func whatIsNoTriggerIsPassedOver(text: String) {
        var tally = Tally()
        #expect(tally.add(Array(text.utf8)) == nil)
        #expect(tally.triggers == 0)
    }

    @Test func aTriggerIsReadExactly() throws {
        let line = try #require(TriggerLine(trigger("é \\\"q\\\"", "storage", "80,99.95,100")))
        #expect(line.account == "é \"q\"")
        #expect(line.crossed.map { "\($0)" } == ["80", "99.95", "100"])
        #expect(line.current == Decimal(string: "81.5"))
        #expect(line.limit == nil)
        #expect(line.time == "2025-09-12T14:00:00.000Z")
    }
}
