import UpsellModel
import UpsellTesting
import UpsellWire

/// A usage record decoded with a fresh decoder.
struct Decoded {
    var outcome: DecodeOutcome
    var batch: EventBatch

    var reason: RejectionReason? { if case .rejected(let rejection) = outcome { rejection.reason } else { nil } }
    var event: UsageEvent? { batch.events.first }
    var account: String? { event.map { batch.text($0.account) } }

    init(
        _ value: String?, key: String? = "acct-1", headers: [(String, String?)] = [],
        catalogue: Catalogue = PoisonCorpus.catalogue, format: EventFormat = .cloudEvents, maxRecordBytes: Int = 1 << 20
    ) {
        self.init(
            bytes: value.map { Array($0.utf8) }, key: key, headers: headers, catalogue: catalogue, format: format,
            maxRecordBytes: maxRecordBytes)
    }

    init(
        bytes: [UInt8]?, key: String? = "acct-1", headers: [(String, String?)] = [],
        catalogue: Catalogue = PoisonCorpus.catalogue, format: EventFormat = .cloudEvents, maxRecordBytes: Int = 1 << 20
    ) {
        var decoder = UsageDecoder(catalogue: catalogue, format: format, maxRecordBytes: maxRecordBytes)
        var batch = EventBatch()
        let record = PoisonCorpus.Case(
            usage: "test", key: key.map { Array($0.utf8) }, value: bytes,
            headers: headers.map { ($0.0, $0.1.map { Array($0.utf8) }) })
        outcome = decoder.decode(record, offset: 7, into: &batch)
        self.batch = batch
    }
}

func withBytes<R>(_ text: String, _ body: (RawSpan) throws -> R) rethrows -> R {
    let bytes = Array(text.utf8)
    return try body(bytes.span.bytes)
}

func profile(_ json: String) throws(Rejection) -> Profile {
    var decoder = ProfileDecoder()
    let bytes = Array(json.utf8)
    return try decoder.decode(
        value: bytes.span.bytes, recordTime: PoisonCorpus.recordTime, catalogue: PoisonCorpus.catalogue,
        timeZones: { $0 == "UTC" ? .utc : nil })
}

/// SplitMix64: the seed is all that a failing run needs.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
