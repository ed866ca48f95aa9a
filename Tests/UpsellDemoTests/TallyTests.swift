import Testing

@testable import UpsellDemo

@Suite struct TallyTests {
    func trigger(_ account: String, _ meter: String, _ crossed: String) -> [UInt8] {
        Array(
            #"{"subject":"\#(account)","data":{"meter":"\#(meter)","thresholdUnit":"percent","crossed":[\#(crossed)],"current":81}}"#
                .utf8)
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
        tally.add(
            Array(
                #"{"subject":"a","data":{"meter":"api_calls","thresholdUnit":"remaining","crossed":[100]}}"#.utf8))
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

    @Test(arguments: ["", "{", "[1,]", "{\"a\":}", "nul", "\"\\ud800\"", "1 2", String(repeating: "[", count: 100)])
    func whatIsNoJSONIsNoTrigger(text: String) {
        #expect(JSONValue(parsing: Array(text.utf8)) == nil)
        var tally = Tally()
        #expect(tally.add(Array(text.utf8)) == nil)
        #expect(tally.triggers == 0)
    }

    @Test func jsonIsReadWithItsEscapes() {
        let value = JSONValue(parsing: Array(#" {"a":[1.50,true,null,"\"\u00e9\ud83d\ude00\n"],"b":{}} "#.utf8))
        #expect(value?["a"]?.elements == [.number("1.50"), .boolean(true), .null, .string("\"é😀\n")])
        #expect(value?["b"] == .object([]))
    }

    @Test func whatIsWrittenIsReadBack() {
        var json = JSONWriter()
        json.open()
        json.member("text", "quote \" backslash \\ bell \u{7} é")
        json.member("number", -12)
        json.key("inner")
        json.open()
        json.close()
        json.member("after", "x")
        json.close()
        let value = JSONValue(parsing: json.bytes)
        #expect(value?["text"] == .string("quote \" backslash \\ bell \u{7} é"))
        #expect(value?["number"] == .number("-12"))
        #expect(value?["after"]?.text == "x")
    }
}
