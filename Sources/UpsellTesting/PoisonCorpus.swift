public import UpsellModel
public import UpsellWire

/// Bad input by name: what must be refused, with the reason, while the stream goes on.
public enum PoisonCorpus {
    /// One record that cannot be used.
    public struct Case: Sendable, CustomStringConvertible {
        public var name: String
        public var topic: Topic
        public var key: [UInt8]?
        public var value: [UInt8]?
        public var headers: [(name: String, value: [UInt8]?)]
        public var reason: RejectionReason
        /// Who refuses it: the decoder from the bytes alone, or the engine, which knows clock and state.
        public var judge: Judge

        public var description: String { name }

        /// A usage record of a test's own; its expectation is the test's.
        public init(usage name: String, key: [UInt8]?, value: [UInt8]?, headers: [(name: String, value: [UInt8]?)]) {
            self.init(
                name: name, topic: .usage, key: key, value: value, headers: headers, reason: .invalidJSON,
                judge: .decoder)
        }

        init(
            name: String, topic: Topic, key: [UInt8]?, value: [UInt8]?, headers: [(name: String, value: [UInt8]?)],
            reason: RejectionReason, judge: Judge
        ) {
            self.name = name
            self.topic = topic
            self.key = key
            self.value = value
            self.headers = headers
            self.reason = reason
            self.judge = judge
        }
    }

    public enum Topic: Sendable { case usage, accounts }
    public enum Judge: Sendable { case decoder, engine }

    /// The catalogue that the corpus is poison for.
    public static let catalogue = Catalogue(
        meters: [
            Meter(
                name: "api_calls", eventTypes: ["api.request"], aggregation: .count, unit: "requests",
                window: .period(.init(.month))),
            Meter(
                name: "bandwidth", eventTypes: ["api.transfer"], aggregation: .sum,
                value: FieldPath(["data", "bytes"]), unit: "bytes", scale: 2,
                dimension: Meter.Dimension(name: "region", path: FieldPath(["data", "region"])),
                window: .period(.init(.month))),
            Meter(
                name: "users", eventTypes: ["session.start"], aggregation: .unique,
                value: FieldPath(["data", "user", "id"]), unit: "users", window: .rolling(days: 30)),
        ],
        plans: [Plan(name: "basic", limits: [.init(.of(100)), .unlimited, .unlimited])])

    /// Values longer than this are oversized.
    public static let maxRecordBytes = 1_048_576
    /// Record timestamp of every case: 2026-11-23T05:00:00Z.
    public static let recordTime = Timestamp(milliseconds: 1_795_410_000_000)

    /// A good event of one `api_calls`, to go between the bad ones.
    public static func good(_ number: Int, account: String = "acct-1") -> [UInt8] {
        event(id: "\"good-\(number)\"", subject: "\"\(account)\"")
    }

    /// Text of an event whose parts are raw JSON; nil leaves the member out.
    static func event(
        specversion: String? = "\"1.0\"", id: String? = "\"e-1\"", source: String? = "\"/poison\"",
        type: String? = "\"api.request\"", subject: String? = "\"acct-1\"",
        time: String? = "\"2026-11-23T04:59:59Z\"", data: String? = nil, extra: String = ""
    ) -> [UInt8] {
        let members = [
            ("specversion", specversion), ("id", id), ("source", source), ("type", type), ("subject", subject),
            ("time", time), ("data", data),
        ]
        let written = members.compactMap { name, value in value.map { "\"\(name)\":\($0)" } }
        return Array(("{" + written.joined(separator: ",") + extra + "}").utf8)
    }

    private static func usage(
        _ name: String, _ reason: RejectionReason, _ value: [UInt8]?, headers: [(name: String, value: String?)] = [],
        judge: Judge = .decoder
    ) -> Case {
        Case(
            name: name, topic: .usage, key: Array("acct-1".utf8), value: value,
            headers: headers.map { ($0.name, $0.value.map { Array($0.utf8) }) }, reason: reason, judge: judge)
    }

    private static func account(_ name: String, _ reason: RejectionReason, _ value: String) -> Case {
        Case(
            name: name, topic: .accounts, key: Array("acct-1".utf8), value: Array(value.utf8), headers: [],
            reason: reason, judge: .decoder)
    }

    /// A transfer whose quantity is the raw text.
    private static func transfer(_ bytes: String) -> [UInt8] {
        event(type: "\"api.transfer\"", data: "{\"bytes\":\(bytes),\"region\":\"eu\"}")
    }

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Everything, usage first.
    public static let cases: [Case] = numbers + form + envelope + payload + modes + judged + profiles

    // MARK: What simdjson's on-demand parser lets through by itself, and other numbers

    private static let numbers: [Case] = [
        usage("number beyond double, 1e400", .overflow, transfer("1e400")),
        usage("number with leading zero, 01", .invalidJSON, transfer("01")),
        usage("number with bare point, 1.", .invalidJSON, transfer("1.")),
        usage("number with letter, 1x", .invalidJSON, transfer("1x")),
        usage("number with two signs, --1", .invalidJSON, transfer("--1")),
        usage("hexadecimal number, 0x10", .invalidJSON, transfer("0x10")),
        usage("number that starts with a point, .5", .invalidJSON, transfer(".5")),
        usage("number with plus, +1", .invalidJSON, transfer("+1")),
        usage("exponent without digits, 1e", .invalidJSON, transfer("1e")),
        usage("NaN", .invalidJSON, transfer("NaN")),
        usage("Infinity", .invalidJSON, transfer("-Infinity")),
        usage("two numbers with a blank, 1 2", .invalidJSON, transfer("1 2")),
        usage("30 digits", .overflow, transfer("123456789012345678901234567890")),
        usage("one above the largest quantity", .overflow, transfer("92233720368547758.08")),
        usage("too many decimals", .tooManyDecimals, transfer("0.001")),
        usage("too many decimals by exponent", .tooManyDecimals, transfer("1e-400")),
        usage("30 decimals", .tooManyDecimals, transfer("1.000000000000000000000000000001")),
        usage("bad number in a value that no meter reads", .invalidJSON, event(data: "{\"note\":01}")),
        usage("bad literal in a value that no meter reads", .invalidJSON, event(data: "{\"note\":tru}")),
        usage("missing comma in an array that no meter reads", .invalidJSON, event(data: "{\"note\":[1 2]}")),
    ]

    // MARK: Form

    private static let form: [Case] = [
        usage("tombstone", .tombstone, nil),
        usage("empty value", .invalidJSON, []),
        usage("only white space", .invalidJSON, text(" \n\t")),
        usage("not JSON at all", .invalidJSON, text("GET / HTTP/1.1")),
        usage("trailing letter", .invalidJSON, good(0) + text("x")),
        usage("trailing brace", .invalidJSON, good(0) + text("}")),
        usage("second document", .invalidJSON, good(0) + good(1)),
        usage("second document on a new line", .invalidJSON, good(0) + text("\n") + good(1)),
        usage("trailing NUL", .invalidJSON, good(0) + [0]),
        usage("byte order mark", .invalidJSON, [0xef, 0xbb, 0xbf] + good(0)),
        usage("UTF-16", .invalidJSON, [0xff, 0xfe] + good(0).flatMap { [$0, 0] }),
        usage("gzip", .invalidUTF8, [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3]),
        usage("truncated in a string", .invalidJSON, Array(good(0).prefix(30))),
        usage("truncated before the last brace", .invalidJSON, Array(good(0).dropLast())),
        usage("truncated behind a complete inner object", .invalidJSON, text("{\"data\":{\"bytes\":1}")),
        usage("trailing comma", .invalidJSON, event(extra: ",")),
        usage("single quotes", .invalidJSON, text("{'id':'1'}")),
        usage("member name without quotes", .invalidJSON, text("{id:\"1\"}")),
        usage("comment", .invalidJSON, event(extra: "/* why not */")),
        usage("control character in a string", .invalidJSON, event(id: "\"a\u{1}b\"")),
        usage("bad escape", .invalidJSON, event(id: "\"a\\xb\"")),
        usage("lone high surrogate", .invalidJSON, event(id: "\"\\ud800\"")),
        usage("lone low surrogate", .invalidJSON, event(id: "\"\\udc00\"")),
        usage(
            "bad escape in a value that no meter reads", .invalidJSON, event(data: "{\"note\":\"\\u12g4\"}")),
        usage("invalid UTF-8, bare continuation", .invalidUTF8, text("{\"id\":\"") + [0x80] + text("\"}")),
        usage("invalid UTF-8, overlong slash", .invalidUTF8, text("{\"id\":\"") + [0xc0, 0xaf] + text("\"}")),
        usage("invalid UTF-8, surrogate", .invalidUTF8, text("{\"id\":\"") + [0xed, 0xa0, 0x80] + text("\"}")),
        usage(
            "invalid UTF-8, above U+10FFFF", .invalidUTF8, text("{\"id\":\"") + [0xf4, 0x90, 0x80, 0x80] + text("\"}")),
        usage("65 containers within containers", .tooDeep, event(data: nested(64))),
        usage("100,000 open brackets", .tooDeep, text("{\"data\":" + String(repeating: "[", count: 100_000) + "}")),
        usage("member twice", .duplicateKey, event(extra: ",\"id\":\"e-2\"")),
        usage("member twice, once escaped", .duplicateKey, event(extra: ",\"\\u0069d\":\"e-2\"")),
        usage("member twice in data", .duplicateKey, event(data: "{\"a\":1,\"b\":2,\"a\":3}")),
        usage("member twice among a thousand", .duplicateKey, event(data: thousandMembersOneTwice)),
        usage("array of events", .notAnObject, text("[") + good(0) + text("]")),
        usage("scalar number", .notAnObject, text("42")),
        usage("scalar string", .notAnObject, text("\"event\"")),
        usage("scalar null", .notAnObject, text("null")),
        usage(
            "2 MiB", .oversized,
            event(data: "{\"note\":\"" + String(repeating: "x", count: 2 * 1_048_576) + "\"}")),
    ]

    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    private static var thousandMembersOneTwice: String {
        "{" + (0..<1_000).map { "\"m\($0)\":\($0)" }.joined(separator: ",") + ",\"m500\":0}"
    }

    // MARK: Envelope

    private static let envelope: [Case] = [
        usage("no specversion", .missingAttribute, event(specversion: nil)),
        usage("specversion 0.3", .unsupportedSpecVersion, event(specversion: "\"0.3\"")),
        usage("specversion as a number", .invalidAttribute, event(specversion: "1.0")),
        usage("no id", .missingAttribute, event(id: nil)),
        usage("id null", .missingAttribute, event(id: "null")),
        usage("id empty", .invalidAttribute, event(id: "\"\"")),
        usage("id as a number", .invalidAttribute, event(id: "17")),
        usage("id with NUL", .invalidAttribute, event(id: "\"a\\u0000b\"")),
        usage("no source", .missingAttribute, event(source: nil)),
        usage("source as an object", .invalidAttribute, event(source: "{}")),
        usage("no type", .missingAttribute, event(type: nil)),
        usage("type as a list", .invalidAttribute, event(type: "[\"api.request\"]")),
        usage("no subject", .missingAttribute, event(subject: nil)),
        usage("subject empty", .invalidAttribute, event(subject: "\"\"")),
        usage("subject as a number", .invalidAttribute, event(subject: "4711")),
        usage(
            "subject of 1,025 bytes", .invalidAttribute,
            event(subject: "\"" + String(repeating: "a", count: 1_025) + "\"")),
        usage("empty object", .missingAttribute, text("{}")),
        usage("time without offset", .invalidTime, event(time: "\"2026-11-23T04:59:59\"")),
        usage("time with offset of 24 hours", .invalidTime, event(time: "\"2026-11-23T04:59:59+24:00\"")),
        usage("time with offset without colon", .invalidTime, event(time: "\"2026-11-23T04:59:59+0100\"")),
        usage("time with a blank", .invalidTime, event(time: "\"2026-11-23 04:59:59Z\"")),
        usage("time of 30 February", .invalidTime, event(time: "\"2026-02-30T00:00:00Z\"")),
        usage("time of month 13", .invalidTime, event(time: "\"2026-13-01T00:00:00Z\"")),
        usage("time of hour 24", .invalidTime, event(time: "\"2026-11-23T24:00:00Z\"")),
        usage("time of the year 0", .invalidTime, event(time: "\"0000-01-01T00:00:00Z\"")),
        usage("time before the year 1 by its offset", .invalidTime, event(time: "\"0001-01-01T00:00:00+00:01\"")),
        usage("time in seconds since 1970", .invalidTime, event(time: "1795410000")),
        usage("time empty", .invalidTime, event(time: "\"\"")),
        usage("leap second in the middle of a day", .invalidTime, event(time: "\"2016-12-31T12:00:60Z\"")),
        usage("backfill as a word", .invalidAttribute, event(extra: ",\"backfill\":\"yes\"")),
        usage("snapshot as a number", .invalidAttribute, event(extra: ",\"snapshot\":1")),
    ]

    // MARK: Payload

    private static let payload: [Case] = [
        usage("no data", .missingField, event(type: "\"api.transfer\"")),
        usage("data null", .missingField, event(type: "\"api.transfer\"", data: "null")),
        usage("data as text", .wrongType, event(type: "\"api.transfer\"", data: "\"bytes=5\"")),
        usage("data as a list", .wrongType, event(type: "\"api.transfer\"", data: "[{\"bytes\":5}]")),
        usage(
            "data as base64", .missingField, event(type: "\"api.transfer\"", extra: ",\"data_base64\":\"e30=\"")),
        usage("no quantity", .missingField, event(type: "\"api.transfer\"", data: "{\"region\":\"eu\"}")),
        usage("quantity null", .missingField, transfer("null")),
        usage("quantity as text", .wrongType, transfer("\"5\"")),
        usage("quantity as a boolean", .wrongType, transfer("true")),
        usage("quantity as a list", .wrongType, transfer("[5]")),
        usage("no dimension", .missingField, event(type: "\"api.transfer\"", data: "{\"bytes\":5}")),
        usage(
            "dimension empty", .missingField, event(type: "\"api.transfer\"", data: "{\"bytes\":5,\"region\":\"\"}")),
        usage(
            "dimension as an object", .wrongType,
            event(type: "\"api.transfer\"", data: "{\"bytes\":5,\"region\":{}}")),
        usage(
            "dimension of 513 bytes", .oversized,
            event(
                type: "\"api.transfer\"",
                data: "{\"bytes\":5,\"region\":\"" + String(repeating: "r", count: 513) + "\"}")),
        usage(
            "counted value missing in a nested object", .missingField,
            event(type: "\"session.start\"", data: "{\"user\":{}}")),
        usage(
            "path through a text", .wrongType, event(type: "\"session.start\"", data: "{\"user\":\"u-1\"}")),
    ]

    // MARK: Modes of the Kafka binding

    private static let binaryHeaders: [(name: String, value: String?)] = [
        ("ce_specversion", "1.0"), ("ce_id", "b-1"), ("ce_source", "/poison"), ("ce_type", "api.transfer"),
        ("ce_subject", "acct-1"), ("content-type", "application/json"),
    ]

    private static func binary(_ name: String, _ value: String?) -> [(name: String, value: String?)] {
        binaryHeaders.filter { $0.name != name } + (value.map { [(name, $0)] } ?? [])
    }

    private static let modes: [Case] = [
        usage(
            "batch of events", .unsupportedContentType, text("[]"),
            headers: [("content-type", "application/cloudevents-batch+json")]),
        usage(
            "event format Avro", .unsupportedContentType, [0, 1, 2],
            headers: [("Content-Type", "Application/CloudEvents+avro")]),
        usage(
            "binary mode with text", .unsupportedContentType, text("5"), headers: binary("content-type", "text/plain")),
        usage("binary mode without specversion", .missingAttribute, text("{}"), headers: binary("ce_specversion", nil)),
        usage(
            "binary mode with another specversion", .unsupportedSpecVersion, text("{}"),
            headers: binary("ce_specversion", "2.0")),
        usage("binary mode without id", .missingAttribute, text("{}"), headers: binary("ce_id", nil)),
        usage(
            "binary mode without subject", .missingAttribute, text("{\"bytes\":1}"), headers: binary("ce_subject", nil)),
        usage("binary mode with bad time", .invalidTime, text("{}"), headers: binary("ce_time", "yesterday")),
        usage("binary mode with two ids", .duplicateKey, text("{}"), headers: binaryHeaders + [("ce_id", "b-2")]),
        usage("binary mode with bad data", .invalidJSON, text("{\"bytes\":1"), headers: binaryHeaders),
        usage("binary mode with scalar data", .notAnObject, text("5"), headers: binaryHeaders),
        usage("binary mode without the data a meter needs", .missingField, nil, headers: binaryHeaders),
        Case(
            name: "binary mode with a subject that is not UTF-8", topic: .usage, key: nil, value: text("{}"),
            headers: [
                ("ce_specversion", text("1.0")), ("ce_id", text("b-1")), ("ce_source", text("/poison")),
                ("ce_type", text("api.request")), ("ce_subject", [0xff]),
            ], reason: .invalidUTF8, judge: .decoder),
        usage(
            "tombstone with a structured content type", .tombstone, nil,
            headers: [("content-type", "application/cloudevents+json")]),
    ]

    // MARK: What only the engine can judge

    private static let judged: [Case] = [
        usage("event time a year ahead", .inFuture, event(time: "\"2027-11-23T05:00:00Z\""), judge: .engine),
        usage("event time in the year 9999", .inFuture, event(time: "\"9999-12-31T23:59:59.999Z\""), judge: .engine),
        usage("event time a year ago", .tooOld, event(time: "\"2025-11-23T05:00:00Z\""), judge: .engine),
    ]

    // MARK: Profiles

    private static let profiles: [Case] = [
        account("profile is not JSON", .invalidJSON, "plan: basic"),
        account("profile is a list", .notAnObject, "[]"),
        account("profile without plan", .missingField, "{}"),
        account("profile of an unknown plan", .unknownPlan, "{\"plan\":\"platinum\"}"),
        account("profile with plan as a number", .wrongType, "{\"plan\":1}"),
        account("profile with a pending unknown plan", .unknownPlan, "{\"plan\":\"basic\",\"pendingPlan\":\"x\"}"),
        account(
            "profile of an unknown time zone", .unknownTimeZone, "{\"plan\":\"basic\",\"timeZone\":\"Mars/Olympus\"}"),
        account("profile with unknown status", .wrongType, "{\"plan\":\"basic\",\"status\":\"happy\"}"),
        account("profile with bad time", .invalidTime, "{\"plan\":\"basic\",\"since\":\"last year\"}"),
        account(
            "profile with a period that ends before it starts", .invalidTime,
            "{\"plan\":\"basic\",\"period\":{\"start\":\"2026-02-01T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\"}}"),
        account("profile with mrr in fractions of a cent", .tooManyDecimals, "{\"plan\":\"basic\",\"mrr\":2900.5}"),
        account(
            "profile with a negative override", .negativeQuantity,
            "{\"plan\":\"basic\",\"overrides\":{\"api_calls\":-1}}"),
        account(
            "profile with an override as text", .wrongType,
            "{\"plan\":\"basic\",\"overrides\":{\"api_calls\":\"many\"}}"),
        account(
            "profile with an override too fine", .tooManyDecimals,
            "{\"plan\":\"basic\",\"overrides\":{\"api_calls\":0.5}}"),
        account(
            "profile with an override too large", .overflow, "{\"plan\":\"basic\",\"overrides\":{\"api_calls\":1e19}}"),
        account(
            "profile with an add-on without id", .missingField, "{\"plan\":\"basic\",\"addOns\":[{\"quantity\":1}]}"),
        account("profile with a member twice", .duplicateKey, "{\"plan\":\"basic\",\"plan\":\"basic\"}"),
    ]
}

extension PoisonCorpus.Case {
    /// Decodes the record as the daemon would.
    ///
    /// - Returns: the reason of its refusal; nil where the decoder takes it.
    public func decoderVerdict() -> RejectionReason? {
        switch topic {
        case .usage:
            var decoder = UsageDecoder(
                catalogue: PoisonCorpus.catalogue, format: .cloudEvents, maxRecordBytes: PoisonCorpus.maxRecordBytes)
            var batch = EventBatch()
            let outcome = decoder.decode(self, into: &batch)
            if case .rejected(let rejection) = outcome { return rejection.reason }
            return nil
        case .accounts:
            var decoder = ProfileDecoder(maxRecordBytes: PoisonCorpus.maxRecordBytes)
            let bytes = value ?? []
            do {
                _ = try unsafe decoder.decode(
                    value: bytes.span.bytes, recordTime: PoisonCorpus.recordTime,
                    catalogue: PoisonCorpus.catalogue, timeZones: { $0 == "UTC" ? .utc : nil })
                return nil
            } catch {
                return error.reason
            }
        }
    }
}

extension UsageDecoder {
    /// Decodes a case of the corpus; for tests.
    public mutating func decode(
        _ record: PoisonCorpus.Case, offset: Int64 = 0, into batch: inout EventBatch
    ) -> DecodeOutcome {
        var headers = RecordHeaders()
        for header in record.headers {
            let name = Array(header.name.utf8)
            if let value = header.value {
                unsafe headers.append(name: name.span.bytes, value: value.span.bytes)
            } else {
                unsafe headers.append(name: name.span.bytes, value: nil)
            }
        }
        return withOptionalBytes(record.key) { key in
            withOptionalBytes(record.value) { value in
                decode(
                    key: key, value: value, headers: headers, recordTime: PoisonCorpus.recordTime, input: InputID(0),
                    offset: offset, record: UInt32(offset), into: &batch)
            }
        }
    }
}

/// Calls `body` with the bytes of an optional array.
private func withOptionalBytes<R>(_ bytes: [UInt8]?, _ body: (RawSpan?) -> R) -> R {
    guard let bytes else { return body(nil) }
    return unsafe body(bytes.span.bytes)
}
