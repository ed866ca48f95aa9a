internal import Foundation
internal import UpsellModel

/// A poisoned record on its way through a pipeline: what is fed, and what its dead letter must look like.
public struct PoisonRecord: Sendable, CustomStringConvertible {
    public var poison: PoisonCorpus.Case
    /// Too large for the dead-letter topic: a reference stands for it.
    public var byReference: Bool
    /// Milliseconds that the record's timestamp lies after wall time; nil: it is an ordinary one.
    public var ahead: Int64?

    public var description: String { poison.name }

    public init(_ poison: PoisonCorpus.Case, byReference: Bool = false, ahead: Int64? = nil) {
        self.poison = poison
        self.byReference = byReference
        self.ahead = ahead
    }

    /// The corpus, and what only a pipeline can meet: keys, headers, sizes around the bounds, record timestamps.
    ///
    /// References are expected under the default bounds.
    public static let all: [PoisonRecord] =
        PoisonCorpus.cases.map { PoisonRecord($0, byReference: $0.name == "2 MiB") } + keysAndHeaders + sizes + times

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static func usage(
        _ name: String, _ reason: RejectionReason = .invalidJSON, key: [UInt8]? = bytes("acct-1"),
        value: [UInt8]? = bytes("{"), headers: [(name: String, value: [UInt8]?)] = [],
        judge: PoisonCorpus.Judge = .decoder
    ) -> PoisonCorpus.Case {
        PoisonCorpus.Case(
            name: name, topic: .usage, key: key, value: value, headers: headers, reason: reason, judge: judge)
    }

    private static func profile(
        _ name: String, _ reason: RejectionReason, key: [UInt8]?, value: [UInt8]? = bytes(#"{"plan":"basic"}"#),
        headers: [(name: String, value: [UInt8]?)] = []
    ) -> PoisonCorpus.Case {
        PoisonCorpus.Case(
            name: name, topic: .accounts, key: key, value: value, headers: headers, reason: reason, judge: .decoder)
    }

    private static let keysAndHeaders: [PoisonRecord] = [
        PoisonRecord(usage("without key", key: nil)),
        PoisonRecord(usage("with an empty key", key: [])),
        PoisonRecord(usage("with a key that is not UTF-8", key: [0xff, 0, 0xfe])),
        PoisonRecord(usage("tombstone without key", .tombstone, key: nil, value: nil)),
        PoisonRecord(
            usage(
                "with headers null, empty, repeated, without name, binary and of our own prefix",
                headers: [
                    ("null", nil), ("empty", []), ("twice", bytes("1")), ("twice", bytes("2")), ("", bytes("no name")),
                    ("binary", [0, 0xff, 0x80]), ("__upselld.errors.reason", bytes("from an earlier round")),
                    ("name with ü and ✓", bytes("x")),
                ])),
        PoisonRecord(profile("profile without key", .missingKey, key: nil)),
        PoisonRecord(profile("profile with an empty key", .missingKey, key: [])),
        PoisonRecord(profile("tombstone on accounts without key", .missingKey, key: nil, value: nil)),
        PoisonRecord(profile("profile with a key that is not UTF-8", .invalidUTF8, key: [0xc3, 0x28])),
        PoisonRecord(
            profile(
                "empty profile with headers", .invalidJSON, key: bytes("acct-1"), value: [],
                headers: [("trace", bytes("abc")), ("null", nil)])),
    ]

    /// Letters around the default bound of 900,000 bytes and what librdkafka takes by default, 1,000,000.
    private static let sizes: [PoisonRecord] = [
        PoisonRecord(usage("890,000 bytes", .invalidUTF8, value: noise(890_000))),
        PoisonRecord(usage("950,000 bytes", .invalidUTF8, value: noise(950_000)), byReference: true),
        PoisonRecord(
            usage("one byte above the largest record", .oversized, value: Array(repeating: 0x78, count: 1_048_577)),
            byReference: true),
        PoisonRecord(
            usage("key of 1 MiB", key: Array(repeating: 0x78, count: 1_048_576), value: bytes("{")), byReference: true),
        PoisonRecord(
            usage(
                "tombstone under a key of 1 MiB", .tombstone, key: Array(repeating: 0x78, count: 1_048_576), value: nil),
            byReference: true),
        // 855,000 bytes, and 190,000 more for their lengths.
        PoisonRecord(
            usage("95,000 headers", headers: Array(repeating: (name: "trace", value: bytes("abcd")), count: 95_000)),
            byReference: true),
        PoisonRecord(
            usage("a header of 1 MiB", headers: [("large", Array(repeating: 0x78, count: 1_048_576))]),
            byReference: true),
        PoisonRecord(
            profile(
                "profile of 2 MiB", .oversized, key: bytes("acct-1"),
                value: Array(repeating: 0x78, count: 2 * 1_048_576)),
            byReference: true),
    ]

    private static let times: [PoisonRecord] = [
        PoisonRecord(
            usage(
                "record timestamp an hour ahead", .inFuture, value: PoisonCorpus.good(1_000_001), judge: .engine),
            ahead: 60 * .millisecondsPerMinute),
        PoisonRecord(
            usage(
                "record timestamp a year ahead", .inFuture, value: PoisonCorpus.good(1_000_002), judge: .engine),
            ahead: 365 * .millisecondsPerDay),
    ]

    /// Bytes that are no JSON and that no compression makes smaller; the same ones every time.
    public static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        return (0..<count).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state >> 32) | 0x80
        }
    }
}

/// A record of the dead-letter topic, as a test read it.
public struct PublishedLetter: Sendable {
    public var key: [UInt8]?
    public var value: [UInt8]?
    public var headers: [(name: String, value: [UInt8]?)]
    public var timestamp: Int64

    public init(key: [UInt8]?, value: [UInt8]?, headers: [(name: String, value: [UInt8]?)], timestamp: Int64) {
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }

    /// The last header of a name below the prefix: ours stand behind the original's.
    public func error(_ suffix: String) -> String? {
        headers.last { $0.name == "__upselld.errors." + suffix }?.value.map { String(decoding: $0, as: UTF8.self) }
    }

    /// `topic/partition/offset` of the original.
    public var coordinates: String {
        "\(error("topic") ?? "?")/\(error("partition") ?? "?")/\(error("offset") ?? "?")"
    }

    /// What is not as it must be: the record byte for byte with the reason behind its headers, or a reference to it.
    public func complaints(_ expected: PoisonRecord) throws -> [String] {
        let poison = expected.poison
        var complaints: [String] = []
        func check(_ holds: Bool, _ text: @autoclosure () -> String) {
            if !holds { complaints.append("\(poison.name): \(text())") }
        }
        let added = [
            "topic", "partition", "offset", "stage", "exception.class.name", "exception.message", "timestamp",
            "app.version", "reason", "record.timestamp",
        ].map { "__upselld.errors." + $0 }
        check(error("reason") == poison.reason.rawValue, "reason \(error("reason") ?? "none"), not \(poison.reason)")
        check(error("exception.message")?.isEmpty == false, "no message")
        let stage = poison.judge == .decoder ? "decode" : "apply"
        check(error("stage") == stage, "stage \(error("stage") ?? "none"), not \(stage)")
        guard expected.byReference else {
            check(key == poison.key, "another key")
            check(value == poison.value, "another value")
            let own = headers.prefix(poison.headers.count)
            check(own.map(\.name) == poison.headers.map(\.name), "other header names")
            check(own.map(\.value) == poison.headers.map(\.value), "other header values")
            check(headers.dropFirst(poison.headers.count).map(\.name) == added, "other headers of ours")
            return complaints
        }
        check(headers.map(\.name) == ["content-type"] + added, "other headers of ours")
        check(key == ((poison.key?.count ?? 0) <= 1_024 ? poison.key : nil), "another key")
        guard let object = try? JSONSerialization.jsonObject(with: Data(value ?? [])) as? [String: Any] else {
            return complaints + ["\(poison.name): the reference is no JSON object"]
        }
        check(object["reason"] as? String == poison.reason.rawValue, "another reason in the reference")
        check(object["topic"] as? String == error("topic"), "another topic in the reference")
        check((object["offset"] as? Int).map(String.init) == error("offset"), "another offset in the reference")
        for (part, original) in [("key", poison.key), ("value", poison.value)] {
            guard let original else {
                check(object[part] is NSNull, "\(part) is not null")
                continue
            }
            let described = object[part] as? [String: Any]
            check(described?["size"] as? Int == original.count, "another size of the \(part)")
            check(described?["sha256"] as? String == (try sha256(original)), "another SHA-256 of the \(part)")
            let head = (described?["head"] as? String).flatMap { Data(base64Encoded: $0) }
            check(head == Data(original.prefix(4_096)), "other first bytes of the \(part)")
        }
        return complaints
    }

    /// By another program than the one under test.
    private func sha256(_ bytes: [UInt8]) throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("upselld-\(UUID().uuidString)")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return String(try Subprocess.run("sha256sum", [file.path]).output.prefix(64))
    }
}
