import Testing
import UpsellModel
import UpsellTesting
import UpsellWire

struct PoisonTests {
    @Test func theCorpusHasManyKindsAndNoNameTwice() {
        #expect(PoisonCorpus.cases.count >= 100)
        #expect(Set(PoisonCorpus.cases.map(\.name)).count == PoisonCorpus.cases.count)
    }

    @Test(arguments: PoisonCorpus.cases)
    func eachKindIsRefusedForItsReason(_ poison: PoisonCorpus.Case) {
        #expect(poison.decoderVerdict() == (poison.judge == .decoder ? poison.reason : nil))
    }

    @Test func goodEventsBetweenBadOnesAreAllDecoded() {
        let poison = PoisonCorpus.cases.filter { $0.topic == .usage && $0.judge == .decoder }
        var decoder = UsageDecoder(
            catalogue: PoisonCorpus.catalogue, format: .cloudEvents, maxRecordBytes: PoisonCorpus.maxRecordBytes)
        var batch = EventBatch()
        for (number, bad) in poison.enumerated() {
            let good = PoisonCorpus.Case(
                usage: "good", key: Array("acct-1".utf8), value: PoisonCorpus.good(number), headers: [])
            #expect(decoder.decode(good, offset: Int64(number), into: &batch) == .decoded(keyMatchesAccount: true))
            let before = batch.arena.count
            let outcome = decoder.decode(bad, into: &batch)
            guard case .rejected(let rejection) = outcome else {
                Issue.record("\(bad.name) was taken")
                continue
            }
            #expect(rejection.reason == bad.reason)
            #expect(!rejection.detail.isEmpty)
            #expect(batch.arena.count == before, "a refused record leaves nothing behind")
        }
        #expect(batch.events.count == poison.count)
        #expect(batch.readings.count == poison.count)
        #expect(Set(batch.events.map(\.identity)).count == poison.count)
        #expect(batch.events.allSatisfy { batch.text($0.account) == "acct-1" })
    }

    @Test func everyTruncationIsRefused() {
        let full = Self.seeds[0]
        for length in 0..<full.count {
            #expect(Decoded(bytes: Array(full.prefix(length))).reason != nil, "cut at \(length)")
        }
        #expect(Decoded(bytes: full).reason == nil)
    }

    @Test func everyByteReplacedByEveryStructuralOneIsJudgedAsByTheNaiveReader() {
        let full = Self.seeds[0]
        var judge = Judge()
        for place in full.indices {
            for byte in Self.dangerous {
                var mutant = full
                mutant[place] = byte
                judge.compare(mutant)
            }
        }
        #expect(judge.wronglyAccepted.isEmpty)
        #expect(judge.wronglyRefused.isEmpty)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func randomMutantsAreJudgedAsByTheNaiveReader(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var judge = Judge()
        for _ in 0..<10_000 {
            var mutant = Self.seeds.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &random) where !mutant.isEmpty {
                let place = Int.random(in: mutant.indices, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: mutant[place] = UInt8.random(in: 0...255, using: &random)
                case 1: mutant.remove(at: place)
                case 2: mutant.insert(Self.dangerous.randomElement(using: &random) ?? 0, at: place)
                case 3: mutant[place] = Self.dangerous.randomElement(using: &random) ?? 0
                case 4: mutant.removeSubrange(place..<min(mutant.count, place + 8))
                default: mutant.insert(contentsOf: mutant[place..<min(mutant.count, place + 16)], at: place)
                }
            }
            judge.compare(mutant)
        }
        #expect(judge.wronglyAccepted.isEmpty, "seed \(seed)")
        #expect(judge.wronglyRefused.isEmpty, "seed \(seed)")
        // Mutants that stay JSON and mutants that do not were both seen.
        #expect(judge.accepted > 100)
        #expect(judge.refused > 1_000)
    }

    private static let dangerous =
        Array("{}[]\",:\\/0123456789-+.eEtfnu \n\t\r".utf8) + [0, 1, 0x1f, 0x7f, 0x80, 0xc0, 0xff]

    private static let seeds: [[UInt8]] = [
        """
        {"specversion":"1.0","id":"e-1","source":"/s","type":"api.transfer","subject":"acct-1",\
        "time":"2026-11-23T04:59:59.5+01:00","data":{"bytes":-12.50e2,"region":"eu","deep":[1,[true,false,null],{"a":{}}]}}
        """,
        """
        {"id":"caf\\u00e9 \\ud83d\\ude00 \\n\\"x\\"","a":[0,-0,1e5,0.5,1E-2],"b":{"c":"é€😀"},"d":[],"e":{} , "f" : "" }
        """,
        "{\"\":[[[[]]]],\"x\":-1}",
    ].map { Array($0.utf8) }
}

/// Compares the decoder's view of the form with the naive reader's, mutant by mutant.
private struct Judge {
    private var decoder = ProbeDecoder()
    private(set) var accepted = 0
    private(set) var refused = 0
    private(set) var wronglyAccepted: [String] = []
    private(set) var wronglyRefused: [String] = []

    mutating func compare(_ mutant: [UInt8]) {
        let expected = StrictJSON.accepts(mutant)
        let actual = decoder.takesForm(of: mutant)
        if expected { accepted += 1 } else { refused += 1 }
        if actual, !expected { wronglyAccepted.append(String(decoding: mutant, as: UTF8.self)) }
        if !actual, expected { wronglyRefused.append(String(decoding: mutant, as: UTF8.self)) }
    }
}

/// One decoder for all mutants, as in the daemon, so that what one leaves behind would meet the next.
private final class ProbeDecoder {
    private var decoder = UsageDecoder(
        catalogue: PoisonCorpus.catalogue, format: .cloudEvents, maxRecordBytes: PoisonCorpus.maxRecordBytes)
    private var batch = EventBatch()

    /// Whether the bytes passed as a JSON object, whatever became of them as an event.
    func takesForm(of bytes: [UInt8]) -> Bool {
        batch.removeAll()
        let record = PoisonCorpus.Case(usage: "mutant", key: nil, value: bytes, headers: [])
        guard case .rejected(let rejection) = decoder.decode(record, into: &batch) else { return true }
        switch rejection.reason {
        case .invalidJSON, .invalidUTF8, .tooDeep, .duplicateKey, .notAnObject, .oversized: return false
        default: return true
        }
    }
}
