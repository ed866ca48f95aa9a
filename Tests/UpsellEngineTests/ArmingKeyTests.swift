import Testing
import UpsellEngine
import UpsellModel
import UpsellTesting

/// Golden vectors: an id that changes is a message sent twice. These never change; later signals append theirs.
struct ArmingKeyTests {
    static let key = ArmingKey(
        signal: .limit, rule: "api-limit", ruleVersion: 0x0123_4567_89ab_cdef, account: "acct-000123",
        meter: "api_calls", dimension: nil, limitVersion: 42, episode: Timestamp(milliseconds: 1_767_225_600_000),
        threshold: 8000)

    @Test
    func canonicalBytesAreAsDocumented() {
        var expected: [UInt8] = [1, 1]
        expected += [9, 0, 0, 0] + Array("api-limit".utf8)
        expected += [0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01]
        expected += [11, 0, 0, 0] + Array("acct-000123".utf8)
        expected += [9, 0, 0, 0] + Array("api_calls".utf8)
        expected += [0]
        expected += [42, 0, 0, 0, 0, 0, 0, 0]
        expected += [0x00, 0xa8, 0xda, 0x76, 0x9b, 0x01, 0, 0]
        expected += [0x40, 0x1f, 0, 0, 0, 0, 0, 0]
        #expect(Self.key.canonicalBytes == expected)
    }

    @Test
    func idIsTheHashOfTheBytes() {
        #expect(Self.key.id.description == "4583024f03f965d3891dd7698780535f")
        var key = Self.key
        key.dimension = "search"
        #expect(key.id.description == "1a0a4399e64a1e3e2a7ab0e9e3ccc9ad")
        key.dimension = ""
        #expect(key.id.description == "87ff47df1270dfcd132d6ce25fb60fe9")
    }

    /// Computed by a separate script over libxxhash. Of every kind the fields as the engine fills them: no dimension is the
    /// empty text, no meter too, and no limit is version 0.
    @Test(arguments: [
        (Trigger.SignalKind.pace, "api_calls", "", UInt64(42), Int64(10_500), "58fdc04b68498af6dc8c35a8fe584d68"),
        (.gate, "api_calls", "sso", 0, 0, "f2baa63f607b846b2e773b7c04c32b50"),
        (.adoption, "", "", 0, 0, "cf6b5936af8994ed570a08ee2d574915"),
        (.trial, "", "", 0, -7, "ad3143ad3eb5212c01fade59ac1fc3a8"),
        (.event, "", "00c0ffee12345678", 0, 0, "75ab365afa0f2e68395069f176a6ae16"),
        (.growth, "api_calls", "", 0, 0, "acd7c4bd9a90cab4df8d3b1006cdd29a"),
        (.sustained, "api_calls", "", 42, 9000, "30308154a7eadb96d113015c12e285dc"),
        (.absence, "", "", 0, 0, "e8da56c485f567af52c07590bfa7e31d"),
        (.digest, "", "", 0, 0, "5e0edf322dbe73a6c2a46e2594a34a02"),
        (.combination, "", "", 0, 0, "51f59ef77d3923d7f4f1b818599b2b5e"),
    ])
    func everyKindHasItsGoldenId(
        _ kind: Trigger.SignalKind, _ meter: String, _ dimension: String, _ limitVersion: UInt64, _ threshold: Int64,
        _ id: String
    ) {
        var key = Self.key
        key.signal = kind
        key.meter = meter
        key.dimension = dimension
        key.limitVersion = limitVersion
        key.threshold = threshold
        #expect(key.id.description == id)
    }

    @Test
    func everyFieldCounts() {
        var keys = Array(repeating: Self.key, count: 8)
        keys[1].rule = "api-limits"
        keys[2].ruleVersion += 1
        keys[3].account = "acct-000124"
        keys[4].meter = "api_call"
        keys[5].limitVersion += 1
        keys[6].episode = Timestamp(milliseconds: 0)
        keys[7].threshold = 9000
        #expect(Set(keys.map(\.id)).count == keys.count)
    }

    @Test
    func versionsAreStable() {
        #expect(KeyVersion.ofLimit(.of(100), since: Timestamp(milliseconds: 0)) == 0x3763_f7fd_e84f_268e)
        #expect(
            KeyVersion.ofLimit(.unlimited, since: Timestamp(milliseconds: 1_767_225_600_000)) == 0xf1c8_9631_859c_22a8)
        let catalogue = catalogue("meter api_calls sum month", "rule api-limit api_calls percent 80 90 100")
        #expect(KeyVersion.ofRule(catalogue.rules[0], in: catalogue) == 0x4388_6d55_def1_75f7)
    }

    @Test
    func wordsAreNotInTheVersionAndDecisionsAre() {
        func version(_ rule: String, _ meter: String = "meter calls sum month") -> UInt64 {
            let catalogue = catalogue(meter, rule)
            return KeyVersion.ofRule(catalogue.rules[0], in: catalogue)
        }
        let plain = version("rule limits calls percent 80 90")
        #expect(version("rule limits calls percent 80 90 says Something else") == plain)
        #expect(version("rule limits calls percent 80 90 evaluate golive 2026-01-01") == plain)
        #expect(version("rule limits calls percent 80 95") != plain)
        #expect(version("rule limits calls absolute 8000 9000") != plain)
        #expect(version("rule limits calls percent 80 90 band 6") != plain)
        #expect(version("rule limits calls percent 80 90", "meter calls sum day") != plain)
        #expect(version("rule limits calls percent 80 90", "meter calls max month") != plain)
    }
}

/// A catalogue from scenario lines.
func catalogue(_ lines: String...) -> Catalogue {
    var text = ScenarioCatalogue()
    for line in lines { precondition(text.define(line), line) }
    return text.built
}
