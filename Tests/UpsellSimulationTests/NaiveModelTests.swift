import Testing
import UpsellSimulation

/// The oracle against histories small enough to be added up by hand.
@Suite struct NaiveModelTests {
    static let midnight = SimulationWorkload.midnight
    var history = InputHistory(inputCount: 3)
    var model = NaiveModel(SimulationCatalogue())

    static func use(
        _ type: String, _ quantity: Int64 = 1, id: String, time: Int64, recordTime: Int64? = nil, account: String = "a",
        isBackfill: Bool = false
    ) -> InputIntent {
        .usage(
            UsageIntent(
                account: account, type: type, id: id, time: time, recordTime: recordTime ?? time, quantity: quantity,
                isBackfill: isBackfill))
    }

    mutating func play(_ intents: [InputIntent], from first: Int64 = 0) -> NaiveOutputs {
        for (place, intent) in intents.enumerated() { history[0, first + Int64(place)] = intent }
        return model.apply([.run(input: 0, first: first, next: first + Int64(intents.count))], of: history)
    }

    @Test mutating func oneJumpOverSeveralThresholdsIsOneTrigger() {
        let said = play([Self.use("transfer", 950, id: "1", time: Self.midnight - 1_000)])
        let bytes = said.triggers.first { $0.rule == "bytes-limit" }
        #expect(bytes?.crossed == [8_000, 9_000])
        #expect(bytes?.current == 950)
        #expect(said.triggers.count == 3)
        #expect(model.usage("a", meter: 1) == 950)
        #expect(model.usage("a", meter: 3) == 950)
    }

    @Test mutating func theFirstOfAnIdentityWins() {
        let said = play([
            Self.use("transfer", 100, id: "1", time: Self.midnight),
            Self.use("transfer", 900, id: "1", time: Self.midnight),
        ])
        #expect(said.duplicates == 1)
        #expect(model.usage("a", meter: 3) == 100)
    }

    @Test mutating func identitiesAreForgottenWhenThereAreTooMany() {
        let many = (0..<49).map { Self.use("call", id: "\($0)", time: Self.midnight, account: "b") }
        #expect(play(many).duplicates == 0)
        let again = play(
            [
                Self.use("call", id: "48", time: Self.midnight), Self.use("call", id: "0", time: Self.midnight),
            ], from: 100)
        #expect(again.duplicates == 1)
    }

    @Test mutating func aClosedDayCountsWithinItsGraceAndIsHeld() {
        let late = Self.midnight - 500
        let said = play([
            Self.use("call", id: "0", time: Self.midnight + 1_000),
            Self.use("call", id: "1", time: late, recordTime: Self.midnight + 1_000),
            Self.use("call", id: "2", time: late, recordTime: Self.midnight + 1_000),
            Self.use("call", id: "3", time: late, recordTime: Self.midnight + 1_000),
            Self.use("call", id: "4", time: late, recordTime: Self.midnight + 1_000),
            Self.use("call", id: "5", time: late, recordTime: Self.midnight + 1_000),
            Self.use("call", id: "6", time: Self.midnight + 41_000),
            Self.use("call", id: "7", time: late, recordTime: Self.midnight + 41_000),
        ])
        #expect(said.triggers == [])
        #expect(said.held.map(\.crossed) == [[5_000]])
        #expect(said.held.first?.periodStart == Self.midnight - 86_400_000)
        #expect(model.usage("a", meter: 0) == 2)
    }

    @Test mutating func aGaugeReArmsBelowItsBand() {
        let said = play([
            Self.use("seats", 5, id: "1", time: Self.midnight), Self.use("seats", 4, id: "2", time: Self.midnight),
            Self.use("seats", 5, id: "3", time: Self.midnight), Self.use("seats", 3, id: "4", time: Self.midnight),
            Self.use("seats", 6, id: "5", time: Self.midnight),
        ])
        #expect(said.triggers.map(\.current) == [5, 6])
    }

    @Test mutating func aLowerLimitFiresAndAHigherOneSpends() {
        let said = play([
            Self.use("transfer", 850, id: "1", time: Self.midnight),
            .profile(account: "a", plan: 1, overrides: [:]),
            .profile(account: "a", plan: 1, overrides: [1: 900]),
        ])
        let bytes = said.triggers.filter { $0.rule == "bytes-limit" }
        #expect(bytes.map(\.crossed) == [[8_000], [8_000, 9_000]])
        #expect(bytes.map(\.cause) == ["usage", "limit_changed"])
    }

    @Test mutating func tooOldAndTooEarlyAreDeadLetters() {
        let said = play([
            Self.use("call", id: "1", time: Self.midnight),
            Self.use("call", id: "2", time: Self.midnight - 300_001, recordTime: Self.midnight),
            Self.use("call", id: "3", time: Self.midnight + 60_001, recordTime: Self.midnight), .poison,
        ])
        #expect(said.deadLetters.map(\.offset) == [1, 2, 3])
    }

    @Test mutating func backfillCountsAndSaysNothing() {
        let said = play([
            Self.use("transfer", 950, id: "1", time: Self.midnight, isBackfill: true),
            Self.use("transfer", 60, id: "2", time: Self.midnight),
        ])
        #expect(said.triggers.map(\.crossed) == [[10_000]])
    }

    @Test func theCalendarKnowsMonthsAndDays() {
        let bounds = NaiveCalendar.bounds(.month, around: Self.midnight)
        #expect(bounds?.start == Self.midnight && bounds?.end == Self.midnight + 28 * 86_400_000)
        #expect(NaiveCalendar.bounds(.day, around: Self.midnight - 1)?.end == Self.midnight)
        #expect(NaiveCalendar.instant("2026-02-01T00:00:00Z") == Self.midnight)
        #expect(NaiveCalendar.instant("2026-02-01T00:00:00.25Z") == Self.midnight + 250)
        #expect(NaiveCalendar.instant("yesterday") == nil)
    }
}
