import Testing
import UpsellModel
import UpsellTesting
import UpsellWire

struct BehaviourTests {
    /// One meter, and behind it three behaviours: with a feature, filtered, and of a type that the meter has, too.
    private let catalogue = Catalogue(
        meters: [
            Meter(name: "api_calls", eventTypes: ["api.request"], aggregation: .count, window: .lifetime),
            Meter(
                name: "seats", eventTypes: ["seat.changed"], aggregation: .sum, value: FieldPath(dotted: "data.change"),
                window: .gauge),
        ], plans: [],
        behaviours: [
            Behaviour(
                name: "feature-used", eventTypes: ["feature.used", "feature.used", "feature.opened"],
                feature: FieldPath(dotted: "data.feature")),
            Behaviour(
                name: "denied", eventTypes: ["feature.opened"],
                filter: [FieldCondition(path: FieldPath(dotted: "data.allowed"), anyOf: ["false"])],
                feature: FieldPath(dotted: "data.feature")),
            Behaviour(name: "active", eventTypes: ["api.request", "seat.changed"]),
        ])

    private func decoded(_ type: String, _ data: String? = nil, extra: String = "", subject: String? = "acct-1")
        -> Decoded
    {
        let members =
            (subject.map { ",\"subject\":\"\($0)\"" } ?? "") + (data.map { ",\"data\":\($0)" } ?? "") + extra
        return Decoded(
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"\(type)\"\(members)}",
            catalogue: catalogue)
    }

    /// `meter:quantity:dimension` of each reading.
    private func readings(_ decoded: Decoded) -> [String] {
        decoded.batch.readings.map { "\($0.meter.index):\($0.quantity):\(decoded.batch.text($0.dimension))" }
    }

    @Test func aBehaviourIsAReadingBehindTheMeters() throws {
        let one = decoded("feature.used", "{\"feature\":\"reports\"}")
        #expect(one.outcome == .decoded(keyMatchesAccount: true))
        #expect(readings(one) == ["2:1:reports"])
        #expect(one.batch.arena.count == "acct-1reports".utf8.count)
    }

    @Test(arguments: [nil, "null", "{}", "{\"feature\":null}", "{\"feature\":\"\"}"])
    func anEventWithoutFeatureIsOneOfNone(_ data: String?) throws {
        let one = decoded("feature.used", data)
        #expect(one.outcome == .decoded(keyMatchesAccount: true))
        #expect(readings(one) == ["2:1:"])
        #expect(try #require(one.batch.readings.first).dimension == .empty)
    }

    @Test func aFeatureIsTheTextOfAScalar() {
        #expect(readings(decoded("feature.used", "{\"feature\":7}")) == ["2:1:7"])
        #expect(decoded("feature.used", "{\"feature\":[\"a\"]}").reason == .wrongType)
        let long = String(repeating: "x", count: UsageDecoder.dimensionBytesMax)
        #expect(readings(decoded("feature.used", "{\"feature\":\"\(long)\"}")) == ["2:1:\(long)"])
        #expect(decoded("feature.used", "{\"feature\":\"\(long)x\"}").reason == .oversized)
    }

    @Test func oneTypeFeedsSeveralBehavioursByTheirFilters() {
        #expect(readings(decoded("feature.opened", "{\"feature\":\"sso\",\"allowed\":true}")) == ["2:1:sso"])
        #expect(
            readings(decoded("feature.opened", "{\"feature\":\"sso\",\"allowed\":false}")) == ["2:1:sso", "3:1:sso"])
    }

    @Test func metersComeFirst() {
        #expect(readings(decoded("api.request")) == ["0:1:", "4:1:"])
        #expect(readings(decoded("seat.changed", "{\"change\":-2}")) == ["1:-2:", "4:1:"])
    }

    @Test func aSnapshotSetsTheMeterAndIsNoBehaviour() {
        let snapshot = ",\"snapshot\":true"
        #expect(readings(decoded("seat.changed", "{\"change\":5}", extra: snapshot)) == ["1:5:"])
        #expect(decoded("feature.used", extra: snapshot).reason == .invalidAttribute)
    }

    @Test func aBackfilledBehaviourKeepsItsFlag() {
        #expect(decoded("feature.used", extra: ",\"backfill\":true").event?.flags == .backfill)
    }

    @Test func aBehaviourNeedsItsAccount() {
        #expect(decoded("feature.used", subject: nil).reason == .missingAttribute)
        #expect(decoded("page.viewed", subject: nil).outcome == .skipped)
    }

    @Test func featuresAreReadFromHeaders() {
        let headers: [(String, String?)] = [
            ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "feature.used"),
            ("ce_subject", "acct-1"), ("ce_feature", "sso"),
        ]
        var catalogue = catalogue
        catalogue.behaviours[0].feature = FieldPath(["feature"])
        let one = Decoded(nil, headers: headers, catalogue: catalogue)
        #expect(readings(one) == ["2:1:sso"])
    }
}
