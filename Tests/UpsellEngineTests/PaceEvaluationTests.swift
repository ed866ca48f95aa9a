import Testing
import UpsellModel
import UpsellTesting

@testable import UpsellEngine

/// `pace` against the straight line through the origin, over simulated account-months.
///
/// An account-month is April 2026 after ten days of March in the same pattern; the limit is 10,000. An account that
/// reaches it before the month ends should be told before; any other should not. Straight line: used ÷ elapsed × month,
/// judged at the close of each day from the first on. Both say nothing at or after the limit, and fire from 105 % on.
struct PaceEvaluationTests {
    static let limit: Int64 = 10_000
    static let begin = at("2026-04-01")
    static let end = at("2026-05-01")
    static let perPattern = 250

    enum Pattern: String, CaseIterable {
        case steady, weekdays, bursts, ramp, stopped
        /// 80 % on day 27.
        case eightyAtTheEnd
        /// 10 % on day 1, an import, say.
        case tenAtOnce
    }

    struct Score {
        var right = 0
        var wrong = 0
        var missed = 0
        var leads: [Int64] = []

        var precision: Double { Double(right) / Double(right + wrong) }
        var recall: Double { Double(right) / Double(right + missed) }
        var medianLeadDays: Double { leads.isEmpty ? 0 : Double(leads.sorted()[leads.count / 2]) / 86_400_000 }

        mutating func note(fired: Timestamp?, reached: Timestamp?) {
            switch (fired, reached) {
            case (let fired?, let reached?) where fired < reached:
                right += 1
                leads.append(reached - fired)
            case (_, .some): missed += 1
            case (.some, nil): wrong += 1
            case (nil, nil): break
            }
        }

        func line(_ name: String) -> String {
            func percent(_ share: Double) -> String { share.isNaN ? "–" : "\((share * 1000).rounded() / 10) %" }
            return "\(name): precision \(percent(precision)), recall \(percent(recall)), false alarms \(wrong), missed "
                + "\(missed), median lead \((medianLeadDays * 10).rounded() / 10) days"
        }
    }

    /// Units of each day from ten days before April on.
    static func days(_ pattern: Pattern, _ dice: inout SplitMix) -> [Int64] {
        // The month's total as a share of the limit, were all days alike.
        let total = Double.random(in: 0.4...1.6, using: &dice)
        let daily = total * Double(limit) / 30
        let stop = Int.random(in: 5...20, using: &dice)
        return (-10..<30).map { day in
            let noise = Double.random(in: 0.7...1.3, using: &dice)
            // 1 April 2026 is a Wednesday.
            let weekday = ((day + 2) % 7 + 7) % 7
            let amount =
                switch pattern {
                case .steady: daily * noise
                case .weekdays: weekday < 5 ? daily * 1.4 * noise : 0
                case .bursts:
                    Double.random(in: 0..<1, using: &dice) < 0.12 ? daily * 5 * noise : daily * 0.45 * noise
                case .ramp: daily * noise * (0.3 + 1.4 * Double(Swift.max(day, 0)) / 29)
                case .stopped: day < stop ? daily * 1.6 * noise : 0
                case .eightyAtTheEnd: Double(limit) * 0.8 / 27 * noise
                case .tenAtOnce:
                    day == 0 ? Double(limit) / 10 : daily * 0.7 * noise
                }
            return Int64(amount)
        }
    }

    @Test
    func paceIsBetterThanTheStraightLineOnBothKindsOfError() {
        let catalogue = signalCatalogue(SignalPaceTests.rule)
        var ours: [Pattern: Score] = [:]
        var line: [Pattern: Score] = [:]
        var dice = SplitMix(state: 20_260_401)
        for pattern in Pattern.allCases {
            let player = SignalPlayer(catalogue, restarts: false)
            var accounts: [[Int64]] = []
            for number in 0..<Self.perPattern {
                accounts.append(Self.days(pattern, &dice))
                player.profile(at: Self.begin - 10 * .day, account: "acct-\(number)") {
                    $0.overrides = [.init(meter: "calls", limit: "\(Self.limit)")]
                }
            }
            // Four times a day, in the order of time.
            for day in -10..<30 {
                for hour in [Int64(8), 11, 14, 17] {
                    for (number, days) in accounts.enumerated() where days[day + 10] > 0 {
                        let amount = days[day + 10]
                        let part = hour == 17 ? amount - amount / 4 * 3 : amount / 4
                        player.use(
                            Stream.calls, part, at: Self.begin + Int64(day) * .day + hour * .hour,
                            account: "acct-\(number)")
                    }
                }
            }
            player.tick(to: Self.end - 1)
            var fired: [String: Timestamp] = [:]
            for trigger in player.triggers where trigger.episode == Self.begin {
                fired[trigger.account] = trigger.eventTime
            }
            for (number, days) in accounts.enumerated() {
                let (straight, reached) = Self.straightLine(days)
                ours[pattern, default: Score()].note(fired: fired["acct-\(number)"], reached: reached)
                line[pattern, default: Score()].note(fired: straight, reached: reached)
            }
        }
        func sum(_ scores: [Pattern: Score]) -> Score {
            Pattern.allCases.reduce(into: Score()) { sum, pattern in
                guard let score = scores[pattern] else { return }
                sum.right += score.right
                sum.wrong += score.wrong
                sum.missed += score.missed
                sum.leads += score.leads
            }
        }
        for pattern in Pattern.allCases {
            print(ours[pattern]?.line("\(pattern.rawValue), pace") ?? "")
            print(line[pattern]?.line("\(pattern.rawValue), straight line") ?? "")
        }
        let (pace, straight) = (sum(ours), sum(line))
        print(pace.line("all \(Pattern.allCases.count * Self.perPattern), pace"))
        print(straight.line("all, straight line"))
        #expect(pace.precision > straight.precision)
        #expect(pace.recall > straight.recall)
    }

    /// - Returns: when it fires, and when the limit is reached.
    static func straightLine(_ days: [Int64]) -> (fired: Timestamp?, reached: Timestamp?) {
        var used: Int64 = 0
        var fired: Timestamp?
        for day in 0..<30 {
            let amount = days[day + 10]
            for (part, hour) in [Int64(8), 11, 14, 17].enumerated() {
                used += part == 3 ? amount - amount / 4 * 3 : amount / 4
                if used >= limit { return (fired, begin + Int64(day) * .day + hour * .hour) }
            }
            // used ÷ (day + 1) × 30 ≥ 105 % of the limit.
            if fired == nil, used * 30 * 100 >= 105 * limit * Int64(day + 1) {
                fired = begin + Int64(day + 1) * .day
            }
        }
        return (fired, nil)
    }
}
