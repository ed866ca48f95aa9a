import Foundation
import Testing
import UpsellModel
import UpsellTesting
import UpsellWire

struct OutputTests {
    private let encoder = TriggerEncoder(
        source: "/upselld/test", inputTopics: ["upselld.usage", "upselld.accounts", "upselld.feedback"])

    private func trigger(
        limit: Limit = .of(10_000), unit: ThresholdUnit = .percent, crossed: [Int64] = [8_000, 9_000],
        current: Int64 = 9_001, full: Bool = true
    ) -> Trigger {
        Trigger(
            id: TriggerID(high: 1, low: 0xabc), account: "acct \"1\"\n", rule: "storage", ruleVersion: 1,
            signal: .limit,
            cause: .usage,
            usage: Trigger.Usage(
                meter: "storage", unit: "GB", scale: 2,
                dimension: full ? Trigger.Dimension(name: "region", value: "eu") : nil, previous: 7_999,
                current: current, limit: limit, thresholdUnit: unit, crossed: crossed,
                period: full
                    ? Trigger.Span(start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 86_400_000)) : nil,
                limitVersion: 0),
            episode: Timestamp(milliseconds: 0), eventTime: Timestamp(milliseconds: 1), plan: "basic",
            status: .active, consequence: full ? "Uploads stop." : nil,
            coordinates: full ? InputCoordinates(input: InputID(0), offset: 42) : nil)
    }

    private func text(_ trigger: Trigger) -> String {
        String(
            decoding: encoder.encode(
                trigger, message: nil, partition: PartitionID(3), detectionTime: Timestamp(milliseconds: 2)),
            as: UTF8.self)
    }

    @Test func aTriggerIsWrittenInOneForm() {
        #expect(
            text(trigger()) == """
                {"specversion":"1.0","id":"00000000000000010000000000000abc","source":"/upselld/test",\
                "type":"upselld.trigger.limit.v1","subject":"acct \\"1\\"\\n","time":"1970-01-01T00:00:00.001Z",\
                "datacontenttype":"application/json","data":{"schemaVersion":1,"signal":"limit","rule":"storage",\
                "cause":"usage","meter":"storage","unit":"GB","dimension":{"name":"region","value":"eu"},\
                "previous":79.99,"current":90.01,"limit":100,"percent":90.01,"thresholdUnit":"percent",\
                "crossed":[80,90],"highest":90,"remaining":9.99,"period":{"start":"1970-01-01T00:00:00.000Z",\
                "end":"1970-01-02T00:00:00.000Z","reset":"1970-01-02T00:00:00.000Z"},\
                "episode":"1970-01-01T00:00:00.000Z","eventTime":"1970-01-01T00:00:00.001Z",\
                "detectionTime":"1970-01-01T00:00:00.002Z","plan":"basic","status":"active",\
                "consequence":"Uploads stop.","class":"promotional","channels":[],"recipient":"admin","segments":[],\
                "input":{"topic":"upselld.usage","partition":3,"offset":42},\
                "evidence":[{"kind":"usage","previous":79.99,"current":90.01},{"kind":"limit","limit":100,"percent":90.01},\
                {"kind":"threshold","unit":"percent","value":80,"reachedAt":80},\
                {"kind":"threshold","unit":"percent","value":90,"reachedAt":90},\
                {"kind":"plan","plan":"basic","status":"active"}]}}
                """)
    }

    @Test func percentIsCutOffAndAbsentWithoutALimit() {
        #expect(text(trigger(limit: .of(30_000), current: 23_999)).contains("\"percent\":79.99,"))
        #expect(text(trigger(limit: .of(1), current: .max)).contains("\"percent\":922337203685477580700,"))
        #expect(!text(trigger(limit: .unlimited)).contains("percent\":9"))
        #expect(text(trigger(limit: .unlimited)).contains("\"limit\":null,"))
        #expect(!text(trigger(limit: .of(0))).contains("\"percent\":"))
    }

    @Test func everyOutputFitsItsSchema() throws {
        let triggers = [
            trigger(), trigger(full: false), trigger(limit: .unlimited, unit: .absolute, crossed: [500], full: false),
            trigger(unit: .remaining, crossed: [1_000, 500]), trigger(limit: .of(0)), trigger(current: -5),
            trigger(limit: .of(.max), current: .min + 1),
        ]
        for trigger in triggers {
            let now = Timestamp(milliseconds: 2)
            let held = HeldTrigger(trigger: trigger, reason: .periodClosed)
            try check(encoder.encode(trigger, message: nil, partition: PartitionID(0), detectionTime: now), "trigger")
            try check(encoder.encode(held: held, message: nil, partition: PartitionID(0), detectionTime: now), "held")
        }
    }

    @Test func everySampleFitsItsSchema() throws {
        let now = Timestamp(milliseconds: 2)
        let partition = PartitionID(0)
        let samples = SampleTriggers.full + SampleTriggers.least + SampleTriggers.variants
        for sample in samples {
            try check(
                encoder.encode(sample.trigger, message: sample.message, partition: partition, detectionTime: now),
                "trigger")
        }
        for sample in SampleTriggers.held {
            try check(
                encoder.encode(held: sample.held, message: sample.message, partition: partition, detectionTime: now),
                "held")
        }
        for outcome in SampleTriggers.outcomes {
            try check(encoder.encode(outcome: outcome, partition: partition, detectionTime: now), "outcome")
        }
        try check(
            encoder.encodeOpen(
                account: "a", triggers: samples.map { (trigger: $0.trigger, message: $0.message) },
                partition: partition, time: now), "open")
    }

    @Test func aMemberThatBelongsToAnotherSignalIsNoticed() throws {
        // The reader of schemas above would be of no use if it let this pass.
        var trigger = SampleTriggers.least[0].trigger
        trigger.activity = Trigger.Activity()
        let bytes = encoder.encode(
            trigger, message: nil, partition: PartitionID(0), detectionTime: Timestamp(milliseconds: 2))
        #expect(try complaints(bytes, "trigger") == [".data.activity: not allowed here"])
    }

    @Test func aReferenceCarriesSizeHashAndHead() throws {
        let context = DeadLetterContext(
            topic: "upselld.usage", partition: PartitionID(1), offset: 9, stage: .decode,
            rejection: Rejection(.oversized, "too \"long\""), timestamp: Timestamp(milliseconds: 0),
            applicationVersion: "0")
        let value = [UInt8](repeating: UInt8(ascii: "x"), count: 5_000)
        let body = withBytes("abc") { key in
            let value = value
            return DeadLetterReference.body(context, key: key, value: value.span.bytes)
        }
        try check(body, "dead-letter-reference")
        let object = try #require(JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
        let key = try #require(object["key"] as? [String: Any])
        #expect(key["sha256"] as? String == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let described = try #require(object["value"] as? [String: Any])
        #expect(described["size"] as? Int == 5_000)
        #expect(Data(base64Encoded: try #require(described["head"] as? String)) == Data(value.prefix(4_096)))
        try check(DeadLetterReference.body(context, key: nil, value: nil), "dead-letter-reference")
    }

    @Test func headersFollowKafkaConnect() {
        let context = DeadLetterContext(
            topic: "upselld.usage", partition: PartitionID(1), offset: 9, stage: .apply,
            rejection: Rejection(.tooOld, "late"),
            timestamp: Timestamp(milliseconds: 0), applicationVersion: "0.1",
            recordTimestamp: Timestamp(milliseconds: 1))
        let headers = DeadLetterHeaders.headers(context).map {
            "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))"
        }
        #expect(
            headers
                == [
                    "topic=upselld.usage", "partition=1", "offset=9", "stage=apply",
                    "exception.class.name=upselld.Rejection",
                    "exception.message=late", "timestamp=1970-01-01T00:00:00.000Z", "app.version=0.1", "reason=too_old",
                    "record.timestamp=1970-01-01T00:00:00.001Z",
                ].map { "__upselld.errors." + $0 })
    }

    // MARK: A reading of the schemas: required and allowed members, constants, enumerations, types, patterns, conditions.

    private func check(_ bytes: [UInt8], _ name: String) throws {
        #expect(try complaints(bytes, name) == [], "\(String(decoding: bytes, as: UTF8.self))")
    }

    private func complaints(_ bytes: [UInt8], _ name: String) throws -> [String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appendingPathComponent("config/schemas/\(name).schema.json")
        let schema = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        return try complaints(try JSONSerialization.jsonObject(with: Data(bytes)), schema, "")
    }

    private func complaints(_ value: Any, _ schema: [String: Any], _ place: String) throws -> [String] {
        if let choices = schema["oneOf"] as? [[String: Any]] {
            let fitting = try choices.filter { try complaints(value, $0, place).isEmpty }
            return fitting.count == 1 ? [] : ["\(place): \(fitting.count) alternatives fit"]
        }
        var found: [String] = []
        for part in schema["allOf"] as? [[String: Any]] ?? [] { found += try complaints(value, part, place) }
        if let choices = schema["anyOf"] as? [[String: Any]],
            try !choices.contains(where: { try complaints(value, $0, place).isEmpty })
        {
            found.append("\(place): no alternative fits")
        }
        if let condition = schema["if"] as? [String: Any] {
            let branch = try complaints(value, condition, place).isEmpty ? "then" : "else"
            if let part = schema[branch] as? [String: Any] { found += try complaints(value, part, place) }
        }
        if let constant = schema["const"], !isEqual(value, constant) { found.append("\(place): not \(constant)") }
        if let names = schema["enum"] as? [String], !names.contains(value as? String ?? "") {
            found.append("\(place): none of \(names)")
        }
        let types = schema["type"].map { $0 as? [String] ?? [$0 as? String ?? ""] }
        if let types, !types.contains(where: { fits(value, $0) }) { found.append("\(place): not \(types)") }
        if let text = value as? String, let pattern = schema["pattern"] as? String,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            found.append("\(place): not \(pattern)")
        }
        if let minimum = schema["minimum"] as? NSNumber, let number = value as? NSNumber,
            number.doubleValue < minimum.doubleValue
        {
            found.append("\(place): below \(minimum)")
        }
        if let members = value as? [String: Any] {
            let known = schema["properties"] as? [String: Any] ?? [:]
            for name in schema["required"] as? [String] ?? [] where members[name] == nil {
                found.append("\(place).\(name): missing")
            }
            for (name, member) in members {
                if let inner = known[name] as? [String: Any] {
                    found += try complaints(member, inner, "\(place).\(name)")
                } else if known[name] as? Bool == false {
                    found.append("\(place).\(name): not allowed here")
                } else if schema["additionalProperties"] as? Bool == false {
                    found.append("\(place).\(name): not allowed")
                }
            }
        }
        if let elements = value as? [Any], let inner = schema["items"] as? [String: Any] {
            for element in elements { found += try complaints(element, inner, "\(place)[]") }
        }
        return found
    }

    private func isEqual(_ a: Any, _ b: Any) -> Bool { (a as? NSObject) == (b as? NSObject) }

    private func fits(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "string": value is String
        case "null": value is NSNull
        case "integer": (value as? NSNumber).map { $0.doubleValue == $0.doubleValue.rounded() } ?? false
        case "number": value is NSNumber
        case "boolean": value is Bool
        default: false
        }
    }
}
