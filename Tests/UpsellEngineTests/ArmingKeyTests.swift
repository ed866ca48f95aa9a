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
