import Testing
import UpsellModel
import UpsellTesting
import UpsellWire

struct UsageDecoderTests {
    private let plain = EventFormat.plain(
        FieldMapping(
            id: FieldPath(["request", "id"]), source: .constant("nginx"), type: .constant("api.transfer"),
            subject: FieldPath(["tenant"]), time: FieldPath(["at"]), data: FieldPath(["payload"])))

    private func event(_ members: String) -> String {
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"subject\":\"acct-1\",\(members)}"
    }

    @Test func aStructuredEventBecomesARow() throws {
        let decoded = Decoded(
            event(
                "\"type\":\"api.transfer\",\"time\":\"2026-11-23T05:00:00.25+01:00\",\"data\":{\"bytes\":12.5,\"region\":\"eu\"}"
            ))
        #expect(decoded.outcome == .decoded(keyMatchesAccount: true))
        let row = try #require(decoded.event)
        #expect(decoded.account == "acct-1")
        #expect(row.time == Timestamp(milliseconds: 1_795_406_400_250))
        #expect(row.recordTime == PoisonCorpus.recordTime)
        #expect(row.offset == 7 && row.record == 7 && row.flags == [])
        let reading = try #require(decoded.batch.readings.first)
        #expect(reading.meter == MeterID(1) && reading.quantity == 1_250)
        #expect(decoded.batch.text(reading.dimension) == "eu")
        #expect(decoded.batch.arena.count == 8, "only account and dimension stay in the arena")
    }

    @Test func anEventWithoutTimeTakesTheRecords() {
        #expect(Decoded(event("\"type\":\"api.request\"")).event?.time == PoisonCorpus.recordTime)
        #expect(Decoded(event("\"type\":\"api.request\",\"time\":null")).event?.time == PoisonCorpus.recordTime)
    }

    @Test func escapedNamesAndValuesMeanTheSame() throws {
        let plain = Decoded(event("\"type\":\"api.request\""))
        let escaped = Decoded(
            "{\"specversio\\u006e\":\"1\\u002e0\",\"\\u0069d\":\"\\u0031\",\"source\":\"\\/s\",\"subject\":\"acct\\u002d1\",\"type\":\"api.request\"}"
        )
        #expect(escaped.outcome == .decoded(keyMatchesAccount: true))
        #expect(try #require(escaped.event).identity == #require(plain.event).identity)
        #expect(try #require(escaped.event).accountHash == #require(plain.event).accountHash)
    }

    @Test func identityIsSourceAndId() throws {
        func identity(_ source: String, _ id: String) throws -> UInt64 {
            try #require(
                Decoded(
                    "{\"specversion\":\"1.0\",\"id\":\"\(id)\",\"source\":\"\(source)\",\"subject\":\"a\",\"type\":\"api.request\"}"
                ).event
            ).identity
        }
        #expect(try identity("/a", "bc") != identity("/ab", "c"))
        #expect(try identity("/a", "1") == identity("/a", "1"))
    }

    @Test(arguments: [1, 7, 8, 9, 16, 31, 32, 33, 100, 200, 300, 2_000])
    func identityIsTheHashOfSourceNULAndIdWhateverTheirLength(length: Int) throws {
        let meter = Meter(
            name: "texts", eventTypes: ["x"], aggregation: .unique, value: FieldPath(["data", "text"]),
            window: .lifetime)
        let source = String(repeating: "s", count: length)
        let id = String(String(repeating: "0123456789", count: 200).prefix(length))
        let decoded = Decoded(
            "{\"specversion\":\"1.0\",\"id\":\"\(id)\",\"source\":\"\(source)\",\"subject\":\"a\",\"type\":\"x\","
                + "\"data\":{\"text\":\"\(source)\\u0000\(id)\"}}",
            catalogue: Catalogue(meters: [meter], plans: []))
        let reading = try #require(decoded.batch.readings.first)
        #expect(try #require(decoded.event).identity == UInt64(bitPattern: reading.quantity))
        #expect(decoded.batch.arena.count == 1, "only the account stays in the arena")
    }

    @Test func anAttributeWithEscapedNULIsRefused() {
        for name in ["id", "source", "type", "subject"] {
            let members = ["id", "source", "type", "subject"].map {
                "\"\($0)\":\"\($0 == name ? "a\\u0000b" : $0 == "type" ? "api.request" : "a")\""
            }
            #expect(
                Decoded("{\"specversion\":\"1.0\",\(members.joined(separator: ","))}").reason == .invalidAttribute,
                "\(name)")
        }
    }

    @Test func nullAttributesAreAbsent() {
        #expect(Decoded(event("\"type\":null")).reason == .missingAttribute)
        #expect(Decoded(event("\"type\":\"api.request\",\"data\":null,\"time\" : null ")).reason == nil)
        #expect(
            Decoded("{\"specversion\":null,\"id\":\"1\",\"source\":\"/s\",\"type\":\"api.request\",\"subject\":\"a\"}")
                .reason
                == .missingAttribute)
        // Of the same name, but further in.
        #expect(Decoded(event("\"type\":\"api.request\",\"x\":{\"id\":null,\"type\":null}")).reason == nil)
        #expect(Decoded(event("\"x\":{\"type\":\"api.request\"}")).reason == .missingAttribute)
    }

    @Test(arguments: [2, 3, 8, 9, 24, 25, 26, 200])
    func aNameThatOccursTwiceIsFoundAmongAnyNumber(count: Int) {
        for twin in [0, (count - 1) / 2, count - 2] {
            let names = (0..<count - 1).map { "\"n\($0)\"" }
            let distinct = "{" + (names + ["\"n\(count)\""]).map { $0 + ":1" }.joined(separator: ",") + "}"
            let twice = "{" + (names + ["\"\\u006e\(twin)\""]).map { $0 + ":1" }.joined(separator: ",") + "}"
            #expect(Decoded(event("\"type\":\"api.request\",\"data\":\(distinct)")).reason == nil)
            #expect(Decoded(event("\"type\":\"api.request\",\"data\":\(twice)")).reason == .duplicateKey)
            #expect(Decoded(event("\"type\":\"api.request\",\"data\":[[\(twice)]]")).reason == .duplicateKey)
        }
    }

    @Test(
        arguments: [
            ("0", 0, 0), ("-0", 0, 0), ("7", 2, 700), ("999999999999999999", 0, 999_999_999_999_999_999),
            ("9223372036854775807", 0, Int64.max), ("92233720368547758", 2, 9_223_372_036_854_775_800),
            ("-42", 1, -420), ("1.5e1", 0, 15),
        ] as [(String, Int, Int64)])
    func quantitiesAreExactAtTheirScale(text: String, scale: Int, quantity: Int64) {
        func decoded(_ text: String) -> Decoded {
            let meter = Meter(
                name: "v", eventTypes: ["x"], aggregation: .sum, value: FieldPath(["data", "v"]), scale: scale,
                window: .lifetime)
            return Decoded(
                event("\"type\":\"x\",\"data\":{\"v\":\(text)}"), catalogue: Catalogue(meters: [meter], plans: []))
        }
        #expect(decoded(text).batch.readings.first?.quantity == quantity)
        #expect(decoded("92233720368547758070").reason == .overflow)
    }

    @Test func unknownTypesAreSkippedAfterTheDocumentProvedValid() {
        #expect(Decoded(event("\"type\":\"billing.paid\"")).outcome == .skipped)
        #expect(
            Decoded("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"billing.paid\"}").outcome
                == .skipped,
            "subject is optional in CloudEvents")
        #expect(Decoded(event("\"type\":\"billing.paid\"") + "x").reason == .invalidJSON)
        #expect(Decoded(event("\"type\":\"billing.paid\",\"time\":\"now\"")).reason == .invalidTime)
    }

    @Test func aKeyThatIsNotTheAccountIsTold() {
        let value = event("\"type\":\"api.request\"")
        #expect(Decoded(value, key: "acct-2").outcome == .decoded(keyMatchesAccount: false))
        #expect(Decoded(value, key: nil).outcome == .decoded(keyMatchesAccount: false))
    }

    @Test func aSnapshotSetsOnlyMetersThatHaveANumber() throws {
        // The corpus' count meter names no `snapshotValue`: there is nothing to set it to.
        #expect(Decoded(event("\"type\":\"api.request\",\"snapshot\":true")).reason == .invalidAttribute)
        var catalogue = PoisonCorpus.catalogue
        let meter = try #require(catalogue.meter(named: "api_calls"))
        catalogue.meters[meter.index].value = FieldPath(dotted: "data.total")
        var decoder = UsageDecoder(catalogue: catalogue, format: .cloudEvents, maxRecordBytes: 10_000)
        func quantities(_ members: String) -> [Int64]? {
            var batch = EventBatch()
            let value = Array(event(members).utf8)
            let outcome = decoder.decode(
                key: nil, value: value.span.bytes, headers: RecordHeaders(), recordTime: PoisonCorpus.recordTime,
                input: InputID(0), offset: 0, record: 0, into: &batch)
            guard case .decoded = outcome else { return nil }
            return batch.readings.filter { $0.meter == meter }.map(\.quantity)
        }
        #expect(quantities("\"type\":\"api.request\",\"snapshot\":true,\"data\":{\"total\":4200}") == [4_200])
        #expect(quantities("\"type\":\"api.request\",\"data\":{\"total\":4200}") == [1])
        #expect(quantities("\"type\":\"api.request\",\"snapshot\":true,\"data\":{\"total\":-1}") == nil)
        #expect(quantities("\"type\":\"api.request\",\"snapshot\":true,\"data\":{}") == nil)
    }

    @Test func backfillAndSnapshotAreRead() {
        #expect(Decoded(event("\"type\":\"api.request\",\"backfill\":true")).event?.flags == .backfill)
        let transfer = "\"type\":\"api.transfer\",\"data\":{\"bytes\":7,\"region\":\"eu\"}"
        #expect(Decoded(event(transfer + ",\"snapshot\":\"true\"")).event?.flags == .snapshot)
        #expect(Decoded(event("\"type\":\"api.request\",\"snapshot\":false,\"backfill\":null")).event?.flags == [])
    }

    @Test func filtersCompareTheFieldsText() {
        func outcome(_ data: String) -> DecodeOutcome {
            let meter = Meter(
                name: "errors", eventTypes: ["api.request"],
                filter: [
                    FieldCondition(path: FieldPath(["data", "status"]), anyOf: ["500", "503"]),
                    FieldCondition(path: FieldPath(["region"]), anyOf: ["eu"]),
                ], aggregation: .count, window: .lifetime)
            return Decoded(
                event("\"type\":\"api.request\",\"region\":\"eu\",\"data\":\(data)"),
                catalogue: Catalogue(meters: [meter], plans: [])
            ).outcome
        }
        #expect(outcome("{\"status\":503}") == .decoded(keyMatchesAccount: true))
        #expect(outcome("{\"status\":\"500\"}") == .decoded(keyMatchesAccount: true))
        #expect(outcome("{\"status\":200}") == .skipped)
        #expect(outcome("{\"status\":null}") == .skipped)
        #expect(outcome("{}") == .skipped)
    }

    @Test func oneEventFeedsEveryMeterOfItsType() throws {
        let type = ["x"]
        let meters = [
            Meter(name: "n", eventTypes: type, aggregation: .count, window: .lifetime),
            Meter(
                name: "s", eventTypes: type, aggregation: .sum, value: FieldPath(["data", "v"]), scale: 1,
                window: .lifetime),
            Meter(name: "u", eventTypes: type, aggregation: .unique, value: FieldPath(["subject"]), window: .lifetime),
            Meter(name: "other", eventTypes: ["y"], aggregation: .count, window: .lifetime),
        ]
        let decoded = Decoded(
            event("\"type\":\"x\",\"data\":{\"v\":-3}"), catalogue: Catalogue(meters: meters, plans: []))
        let row = try #require(decoded.event)
        #expect(row.readingCount == 3)
        #expect(decoded.batch.readings.map(\.meter.index) == [0, 1, 2])
        #expect(decoded.batch.readings[1].quantity == -30)
        #expect(decoded.batch.readings[2].quantity == Int64(bitPattern: row.accountHash), "the hash of the same text")
    }

    @Test func binaryModeReadsHeaders() throws {
        let headers: [(String, String?)] = [
            ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "api.transfer"),
            ("ce_subject", "acct-1"), ("ce_time", "2026-11-23T04:00:00Z"), ("ce_backfill", "true"), ("trace", nil),
        ]
        let body = "{\"bytes\":1,\"region\":\"eu\"}"
        for contentType in [nil, "application/json; charset=utf-8", "application/vnd.acme+json"] as [String?] {
            let decoded = Decoded(body, headers: headers + (contentType.map { [("content-type", $0)] } ?? []))
            #expect(decoded.outcome == .decoded(keyMatchesAccount: true))
            let row = try #require(decoded.event)
            #expect(row.flags == .backfill)
            #expect(row.time == Timestamp(milliseconds: 1_795_406_400_000))
            #expect(row.identity == Decoded(event("\"type\":\"api.request\"")).event?.identity)
        }
    }

    @Test func binaryModeWithoutValueIsAnEventWithoutData() {
        let headers: [(String, String?)] = [
            ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "api.request"),
            ("ce_subject", "acct-1"),
        ]
        #expect(Decoded(nil, headers: headers).outcome == .decoded(keyMatchesAccount: true))
    }

    @Test func structuredModeIsKnownByItsContentTypeWhateverTheCase() {
        let headers: [(String, String?)] = [
            ("Content-Type", "Application/CloudEvents+JSON; charset=UTF-8"), ("ce_id", "x"),
        ]
        #expect(
            Decoded(event("\"type\":\"api.request\""), headers: headers).outcome == .decoded(keyMatchesAccount: true))
    }

    @Test func plainJSONIsReadByItsMapping() throws {
        let decoded = Decoded(
            "{\"request\":{\"id\":17},\"tenant\":\"acct-1\",\"at\":\"2026-11-23T04:00:00Z\",\"payload\":{\"bytes\":3,\"region\":\"us\"}}",
            format: plain)
        #expect(decoded.outcome == .decoded(keyMatchesAccount: true))
        #expect(decoded.batch.readings.first?.quantity == 300)
        #expect(Decoded("{\"tenant\":\"acct-1\"}", format: plain).reason == .missingAttribute)
    }

    @Test func theLongestValueIsTakenAndOneByteMoreIsNot() {
        let value = event("\"type\":\"api.request\"")
        #expect(Decoded(value, maxRecordBytes: value.utf8.count).reason == nil)
        #expect(Decoded(value, maxRecordBytes: value.utf8.count - 1).reason == .oversized)
    }

    @Test func sixtyFourContainersAreTaken() {
        let deep = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
        #expect(Decoded(event("\"type\":\"api.request\",\"deep\":\(deep)")).reason == nil)
    }
}
