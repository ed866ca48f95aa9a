import Testing
import UpsellModel
import UpsellTesting
import UpsellWire

struct ReportDecoderTests {
    private let recordTime = PoisonCorpus.recordTime
    private let id = TriggerID(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)

    private func feedback(_ json: String) throws(Rejection) -> Feedback {
        var decoder = FeedbackDecoder(maxRecordBytes: 10_000)
        let bytes = Array(json.utf8)
        return try decoder.decode(value: bytes.span.bytes, recordTime: recordTime)
    }

    private func control(_ json: String, offset: Int64 = 0) throws(Rejection) -> ControlCommand {
        var decoder = ControlDecoder()
        let bytes = Array(json.utf8)
        return try decoder.decode(value: bytes.span.bytes, recordTime: recordTime, offset: offset)
    }

    @Test func theCorpusHasManyKindsAndNoNameTwice() {
        #expect(PoisonReport.all.count >= 60)
        #expect(Set(PoisonReport.all.map(\.name)).count == PoisonReport.all.count)
    }

    @Test(arguments: PoisonReport.all)
    func eachKindIsRefusedForItsReason(_ poison: PoisonReport) {
        #expect(poison.decoderVerdict() == poison.reason)
    }

    @Test func goodReportsBetweenBadOnesAreAllDecoded() throws {
        var feedbacks = FeedbackDecoder(maxRecordBytes: PoisonCorpus.maxRecordBytes)
        var controls = ControlDecoder()
        for (number, poison) in PoisonReport.all.enumerated() {
            let bad = poison.value
            let good = poison.topic == .feedback ? PoisonReport.goodFeedback(number) : PoisonReport.goodControl(number)
            switch poison.topic {
            case .feedback:
                #expect(throws: Rejection.self) {
                    try feedbacks.decode(value: bad.span.bytes, recordTime: recordTime)
                }
                #expect(try feedbacks.decode(value: good.span.bytes, recordTime: recordTime).id == "good-\(number)")
            case .control:
                #expect(throws: Rejection.self) {
                    try controls.decode(value: bad.span.bytes, recordTime: recordTime, offset: 0)
                }
                let command = try controls.decode(value: good.span.bytes, recordTime: recordTime, offset: 7)
                #expect(command.rule == "rule-\(number)" && command.offset == 7)
            }
        }
    }

    // MARK: Feedback

    @Test(arguments: Feedback.Kind.allCases)
    func everyKindIsReadWithAllItsMembers(_ kind: Feedback.Kind) throws {
        var expected = Feedback(
            id: "fb \"1\"", trigger: id, kind: kind, time: Timestamp(milliseconds: 1_795_406_400_250))
        expected.recipient = "user-7"
        expected.channel = "in_app"
        expected.until = Timestamp(milliseconds: 1_795_410_000_000)
        expected.reason = "too_expensive"
        let read = try feedback(
            """
            {"id":"fb \\"1\\"","trigger":"00112233445566778899aabbccddeeff","kind":"\(kind.rawValue)","recipient":"user-7",\
            "channel":"in_app","until":"2026-11-23T05:00:00Z","reason":"too_expensive",\
            "time":"2026-11-23T05:00:00.25+01:00","later":{"is":["ignored"]}}
            """)
        #expect(read == expected)
    }

    @Test func whatIsNullIsAbsentAndTheTimeThatOfTheRecord() throws {
        let read = try feedback(
            """
            {"id":"1","trigger":"00112233445566778899aabbccddeeff","kind":"shown","recipient":null,"channel":null,\
            "until":null,"reason":null,"time":null,"specversion":null}
            """)
        #expect(read == Feedback(id: "1", trigger: id, kind: .shown, time: recordTime))
    }

    @Test func aCloudEventLendsIDAndTimeToItsReport() throws {
        func event(_ data: String) -> String {
            "{\"specversion\":\"1.0\",\"id\":\"ce\",\"source\":\"/crm\",\"type\":\"x\",\"time\":\"2026-11-23T05:00:00.250+01:00\","
                + "\"data\":{\(data)\"trigger\":\"00112233445566778899aabbccddeeff\",\"kind\":\"qualified\"}}"
        }
        let lent = try feedback(event(""))
        #expect(
            lent
                == Feedback(
                    id: "ce", trigger: id, kind: .qualified, time: Timestamp(milliseconds: 1_795_406_400_250)))
        let own = try feedback(event("\"id\":\"own\",\"time\":\"2026-11-23T05:00:00Z\","))
        #expect(own.id == "own" && own.time == Timestamp(milliseconds: 1_795_410_000_000))
    }

    @Test func theLongestTextsAreTaken() throws {
        let text = String(repeating: "é", count: FeedbackDecoder.textBytesMax / 2)
        let json =
            "{\"id\":\"\(text)\",\"trigger\":\"\(PoisonReport.trigger)\",\"kind\":\"shown\",\"recipient\":\"\(text)\"}"
        #expect(try feedback(json).recipient == text)
    }

    // MARK: Control

    @Test(
        arguments: [
            .pause, .resume, .shadow, .fireTest(account: "acct \"1\""),
        ] as [ControlCommand.Action])
    func whatIsWrittenIsReadBack(_ action: ControlCommand.Action) throws {
        let time = Timestamp(milliseconds: 1_795_410_000_250)
        let bytes = ControlEncoder.encode(action: action, rule: "storage \n", by: "ana@ops", time: time)
        let read = try control(String(decoding: bytes, as: UTF8.self), offset: 12)
        #expect(read == ControlCommand(offset: 12, action: action, rule: "storage \n", by: "ana@ops", time: time))
        #expect(ControlCommand.Action.names.contains(action.name))
    }

    @Test func aControlRecordWithoutTimeTakesTheRecords() throws {
        let read = try control("{\"action\":\"resume\",\"rule\":\"r\",\"by\":\"b\",\"account\":null,\"more\":1}")
        #expect(read == ControlCommand(offset: 0, action: .resume, rule: "r", by: "b", time: recordTime))
    }

    // MARK: Mutants

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomMutantsAreTakenOnlyIfTheyAreWhole(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var feedbacks = FeedbackDecoder(maxRecordBytes: 10_000)
        var controls = ControlDecoder()
        let seeds = [PoisonReport.goodFeedback(1), PoisonReport.goodControl(1)]
        var taken = 0
        var refused = 0
        for round in 0..<10_000 {
            var mutant = seeds[round % 2]
            for _ in 0..<Int.random(in: 1...2, using: &random) where !mutant.isEmpty {
                let place = Int.random(in: mutant.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: mutant[place] = UInt8.random(in: 0...255, using: &random)
                case 1: mutant.remove(at: place)
                case 2: mutant.insert(UInt8.random(in: 0x20...0x7e, using: &random), at: place)
                default: mutant.removeSubrange(place..<min(mutant.count, place + 6))
                }
            }
            do throws(Rejection) {
                if round % 2 == 0 {
                    let read = try feedbacks.decode(value: mutant.span.bytes, recordTime: recordTime)
                    #expect(!read.id.isEmpty && read.id.utf8.count <= FeedbackDecoder.textBytesMax)
                    #expect(String(decoding: mutant, as: UTF8.self).contains(read.trigger.description))
                } else {
                    let read = try controls.decode(value: mutant.span.bytes, recordTime: recordTime, offset: 0)
                    #expect(!read.rule.isEmpty && !read.by.isEmpty)
                }
                #expect(StrictJSON.accepts(mutant))
                taken += 1
            } catch {
                #expect(!error.detail.isEmpty)
                refused += 1
            }
        }
        #expect(taken > 300 && refused > 2_000, "\(taken) taken, \(refused) refused")
    }

    @Test func everyTruncationIsRefused() {
        for topic in [PoisonReport.Topic.feedback, .control] {
            let full = topic == .feedback ? PoisonReport.goodFeedback(1) : PoisonReport.goodControl(1)
            for length in 0..<full.count {
                let cut = PoisonReport(
                    name: "cut at \(length)", topic: topic, value: Array(full.prefix(length)), reason: .invalidJSON)
                #expect(cut.decoderVerdict() != nil, "\(topic) cut at \(length)")
            }
        }
    }
}
