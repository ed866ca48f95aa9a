import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

struct SignalGateTests {
    static let rule = Rule(
        name: "gate", signal: .gate(GateSignal(source: .behaviour(Stream.denied), count: 3, window: 2 * .day)))
    static let start = at("2026-03-02T10:00")

    @Test
    func theThirdWithinTheWindowFires() throws {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            for hour in [Int64(0), 5, 47] {
                player.use(Stream.denied, feature: "sso", at: Self.start + hour * .hour)
            }
        }
        let trigger = try #require(triggers.first)
        #expect(triggers.count == 1)
        #expect(trigger.episode == Self.start && trigger.eventTime == Self.start + 47 * .hour)
        #expect(trigger.activity?.attempts == 3 && trigger.activity?.feature == "sso")
        #expect(trigger.activity?.source == "denied")
        #expect(
            trigger.activity?.window == Trigger.Span(start: Self.start, end: Self.start + 2 * .day))
        #expect(trigger.usage == nil && trigger.coordinates != nil && trigger.cause == .usage)
        let key = ArmingKey(
            signal: .gate, rule: "gate", ruleVersion: trigger.ruleVersion, account: "acme", meter: "",
            dimension: "sso", limitVersion: 0, episode: Self.start, threshold: 0)
        #expect(trigger.id == key.id)
    }

    @Test
    func twoDoNotAndNeitherDoThreeInALongerTimeOrOfDifferentFeatures() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                for hour in [Int64(0), 5] { player.use(Stream.denied, feature: "sso", at: Self.start + hour * .hour) }
                for hour in [Int64(6), 7] { player.use(Stream.denied, feature: "api", at: Self.start + hour * .hour) }
                for hour in [Int64(8), 9] { player.use(Stream.denied, at: Self.start + hour * .hour) }
            }.isEmpty)
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                for hour in [Int64(0), 5, 48] {
                    player.use(Stream.denied, feature: "sso", at: Self.start + hour * .hour)
                }
            }.isEmpty)
        var only = Self.rule
        only.signal = .gate(GateSignal(source: .behaviour(Stream.denied, "api"), count: 1, window: .day))
        #expect(
            told(signalCatalogue(only)) { player in
                player.use(Stream.denied, feature: "sso", at: Self.start)
                player.use(Stream.denied, at: Self.start)
                player.use(Stream.denied, feature: "api", at: Self.start)
            }.map { $0.activity?.feature } == ["api"])
    }

    @Test
    func itIsQuietUntilTheWindowEnds() {
        let triggers = told(signalCatalogue(Self.rule)) { player in
            for hour in Int64(0)..<100 { player.use(Stream.denied, feature: "sso", at: Self.start + hour * .hour) }
        }
        // Hours 0, 1, 2; quiet to 48; 48, 49, 50; quiet to 96; 96, 97, 98.
        #expect(triggers.map(\.eventTime) == [2, 50, 98].map { Self.start + $0 * .hour })
        #expect(triggers.map(\.episode) == [0, 48, 96].map { Self.start + $0 * .hour })
        #expect(triggers.map(\.rearmed) == [nil, .newEpisode, .newEpisode])
    }

    @Test
    func lateEventsCountByTheirOwnTimeWhileTheirWindowIs() {
        func episodes(_ late: Int64) -> [Timestamp] {
            told(signalCatalogue(Self.rule)) { player in
                player.use(Stream.denied, feature: "sso", at: Self.start)
                player.use(Stream.denied, feature: "sso", at: Self.start + .hour)
                player.use(
                    Stream.denied, feature: "sso", at: Self.start - late * .hour, record: Self.start + 2 * .hour,
                    id: "late")
                player.use(
                    Stream.denied, feature: "sso", at: Self.start - late * .hour, record: Self.start + 2 * .hour,
                    id: "late")
            }.map(\.episode)
        }
        #expect(episodes(46) == [Self.start - 46 * .hour])
        #expect(episodes(47) == [])
    }

    @Test
    func backfillAndHistorySpend() {
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                for hour in [Int64(0), 1] { player.use(Stream.denied, at: Self.start + hour * .hour) }
                player.use(Stream.denied, at: Self.start + 2 * .hour, flags: .backfill)
                for hour in Int64(3)..<48 { player.use(Stream.denied, at: Self.start + hour * .hour) }
            }.isEmpty)
        #expect(
            told(signalCatalogue(Self.rule)) { player in
                for hour in Int64(0)..<4 {
                    player.use(Stream.denied, at: Self.start + hour * .hour, mode: .silent)
                }
                player.use(Stream.denied, at: Self.start + 5 * .hour)
            }.isEmpty)
    }

    @Test
    func useOfWhatThePlanDoesNotGive() {
        var rule = Self.rule
        rule.signal = .gate(
            GateSignal(source: .meter(Stream.calls), count: 2, window: .day, onlyWithoutEntitlement: true))
        let triggers = told(signalCatalogue(rule)) { player in
            player.profile(at: Self.start)
            player.use(Stream.calls, 5, at: Self.start)
            player.use(Stream.calls, 5, at: Self.start + 1)
            player.profile(at: Self.start + 2) { $0.overrides = [.init(meter: "calls", limit: "0")] }
            player.use(Stream.calls, 5, at: Self.start + 3)
            player.use(Stream.calls, -1, at: Self.start + 4)
            player.use(Stream.calls, 5, at: Self.start + 5)
        }
        #expect(triggers.map(\.episode) == [Self.start + 3])
        #expect(triggers.first?.usage?.limit == .of(0) && triggers.first?.usage?.current == 19)
    }

    @Test
    func featuresAreBounded() {
        var rule = Self.rule
        rule.signal = .gate(GateSignal(source: .behaviour(Stream.denied), count: 2, window: .day))
        let triggers = told(signalCatalogue(rule)) { player in
            for number in 0..<60 { player.use(Stream.denied, feature: "f\(number)", at: Self.start + Int64(number)) }
        }
        #expect(triggers.map { $0.activity?.feature } == ["~other"])
        // A day later those of yesterday have made room.
        let later = told(signalCatalogue(rule)) { player in
            for number in 0..<50 { player.use(Stream.denied, feature: "f\(number)", at: Self.start + Int64(number)) }
            for _ in 0..<2 { player.use(Stream.denied, feature: "new", at: Self.start + 2 * .day) }
        }
        #expect(later.map { $0.activity?.feature } == ["new"])
    }

    @Test
    func eventsThatWaitedForTheirProfileCount() {
        var catalogue = signalCatalogue(Self.rule)
        catalogue.policy.unknownAccounts = .wait
        let triggers = told(catalogue) { player in
            for hour in Int64(0)..<3 { player.use(Stream.denied, at: Self.start + hour * .hour) }
            player.profile(at: Self.start + 3 * .hour)
        }
        #expect(triggers.map(\.cause) == [.profileArrived])
        #expect(triggers.map(\.episode) == [Self.start])
    }

    @Test
    func reloads() {
        let kept = told(signalCatalogue(Self.rule)) { player in
            for hour in Int64(0)..<2 { player.use(Stream.denied, at: Self.start + hour * .hour) }
            var changed = player.catalogue
            changed.behaviours.insert(Behaviour(name: "first", eventTypes: ["first"]), at: 0)
            changed.rules[0].signal = .gate(
                GateSignal(
                    source: SignalSource(.behaviour(BehaviourID(1))), count: 3, window: 2 * .day))
            changed.rules[0].priority = 7
            player.reload(changed)
            player.use(Stream.denied + 1, at: Self.start + 2 * .hour)
        }
        #expect(kept.map(\.episode) == [Self.start])
        let anew = told(signalCatalogue(Self.rule)) { player in
            for hour in Int64(0)..<2 { player.use(Stream.denied, at: Self.start + hour * .hour) }
            var changed = player.catalogue
            changed.rules[0].signal = .gate(GateSignal(source: .behaviour(Stream.denied), count: 2, window: 3 * .day))
            player.reload(changed)
            player.use(Stream.denied, at: Self.start + 2 * .hour)
        }
        #expect(anew.isEmpty)
    }
}
