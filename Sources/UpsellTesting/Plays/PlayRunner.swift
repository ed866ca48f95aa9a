internal import Foundation
public import UpsellModel

/// Plays a scenario against a driver and says where it differs.
///
/// One runner for both drivers: what is fed is the bytes of a producer, what is compared the bytes of a subscriber.
public struct PlayRunner {
    public private(set) var report = PlayReport()

    private let scenario: PlayScenario
    private let terms: PlayTerms
    /// By account: the profile sent last.
    private var profiles: [String: PlayObject] = [:]
    /// By account and rule: id of the trigger that came last.
    private var lastTrigger: [String: String] = [:]
    private var eventCount = 0
    private var clock = Timestamp.earliest

    /// - Parameter catalogue: what the scenario's expressions are worked out by.
    public init(_ scenario: PlayScenario, catalogue: Catalogue) {
        self.scenario = scenario
        terms = PlayTerms(catalogue: catalogue)
    }

    public mutating func play(_ driver: some PlayDriver) throws {
        for row in scenario.rows {
            var records: [PlayRecord] = []
            for time in row.times {
                do {
                    if time > clock {
                        clock = time
                        records.append(try event(scenario.clock, of: "~clock", at: time))
                    }
                    for account in row.accounts { records += try self.records(of: row, account, at: time) }
                } catch {
                    complain(row, "\(error)")
                }
            }
            let came = try driver.feed(records)
            report.outputs += came
            for output in came where output.topic == .triggers {
                guard let json = PlayJSON(output.value), let rule = json.text("data.rule"), let id = json.text("id")
                else { continue }
                lastTrigger["\(output.key)\n\(rule)"] = id
            }
            compare(row, came)
        }
    }

    // MARK: Input

    private mutating func records(
        of row: PlayScenario.Row, _ account: String, at time: Timestamp
    ) throws -> [PlayRecord] {
        var records: [PlayRecord] = []
        guard let verb = row.input.first else { throw complaint("no input") }
        let words = Array(row.input.dropFirst())
        switch verb {
        case "clock" where words.isEmpty: break
        case "event" where !words.isEmpty:
            var words = words
            var count = 1
            if let last = words.last, last.hasPrefix("x"),
                let text = terms.resolve(String(last.dropFirst()), profile: profiles[account]),
                let number = Int(text)
            {
                count = number
                words.removeLast()
            }
            for _ in 0..<count { records.append(try event(words, of: account, at: time)) }
        case "gone":
            profiles[account] = nil
            records.append(PlayRecord(topic: .accounts, key: account, value: nil))
        case "profile", "profile+":
            var profile = verb == "profile" ? PlayObject() : profiles[account] ?? PlayObject()
            for word in words { try put([word], into: &profile, profile) }
            profiles[account] = profile
            profile.put(RFC3339Text.of(time), at: "time")
            records.append(PlayRecord(topic: .accounts, key: account, value: try profile.bytes()))
        case "feedback" where words.count >= 2:
            guard let trigger = lastTrigger["\(account)\n\(words[1])"] else {
                throw complaint("no trigger of \(words[1]) to report about")
            }
            eventCount += 1
            var feedback = PlayObject()
            feedback.put("feedback-\(eventCount)", at: "id")
            feedback.put("\"\(trigger)\"", at: "trigger")
            feedback.put(words[0], at: "kind")
            feedback.put(RFC3339Text.of(time), at: "time")
            try put(Array(words.dropFirst(2)), into: &feedback, profiles[account])
            records.append(PlayRecord(topic: .feedback, key: account, value: try feedback.bytes()))
        case "control" where words.count >= 2:
            var command = PlayObject()
            command.put(words[0], at: "action")
            command.put(words[1], at: "rule")
            command.put("\"operations\"", at: "by")
            command.put(RFC3339Text.of(time), at: "time")
            try put(Array(words.dropFirst(2)), into: &command, profiles[account])
            records.append(PlayRecord(topic: .control, key: words[1], value: try command.bytes()))
        default: throw complaint("not understood: \(row.input.joined(separator: " "))")
        }
        return records
    }

    private mutating func event(_ words: [String], of account: String, at time: Timestamp) throws -> PlayRecord {
        eventCount += 1
        var event = PlayObject()
        event.put("\"1.0\"", at: "specversion")
        event.put("event-\(eventCount)", at: "id")
        event.put("play", at: "source")
        event.put("\"\(words[0])\"", at: "type")
        event.put("\"\(account)\"", at: "subject")
        event.put(RFC3339Text.of(time), at: "time")
        var data = PlayObject()
        let members = words.dropFirst()
        try put(members.filter { !$0.hasPrefix("@") }, into: &data, profiles[account])
        event.put(data, at: "data")
        let attributes = members.filter { $0.hasPrefix("@") }.map { String($0.dropFirst()) }
        try put(attributes, into: &event, profiles[account])
        return PlayRecord(topic: .usage, key: account, value: try event.bytes())
    }

    private func put(_ words: [String], into object: inout PlayObject, _ profile: PlayObject?) throws {
        for word in words {
            guard let mark = word.firstIndex(of: "="),
                let value = terms.resolve(String(word[word.index(after: mark)...]), profile: profile)
            else { throw complaint("not understood: \(word)") }
            object.put(value, at: String(word[..<mark]))
        }
    }

    private func complaint(_ text: String) -> PlayScenario.Unreadable { PlayScenario.Unreadable(description: text) }

    // MARK: Comparison

    /// An output in the words of an expectation.
    private struct Came {
        var topic: PlayScenario.Expectation.Topic
        var account: String
        var words: [String]
        var json: PlayJSON?
        var text: String
        var isExpected = false
    }

    private mutating func compare(_ row: PlayScenario.Row, _ outputs: [PlayOutput]) {
        var came: [Came] = []
        /// The last row of each account on the open topic.
        var open: [String: PlayOutput] = [:]
        for output in outputs {
            let json = PlayJSON(output.value)
            func word(_ path: String) -> String { json?.text(path) ?? "?" }
            switch output.topic {
            case .triggers:
                came.append(
                    Came(
                        topic: .trigger, account: output.key, words: [word("data.rule")], json: json, text: output.text)
                )
            case .held:
                came.append(
                    Came(
                        topic: .held, account: output.key, words: [word("data.rule"), word("data.reason")], json: json,
                        text: output.text))
            case .outcomes:
                came.append(
                    Came(
                        topic: .outcome, account: output.key, words: [word("data.kind"), word("data.rule")], json: json,
                        text: output.text))
            case .deadLetters:
                came.append(
                    Came(
                        topic: .dead, account: output.key, words: [output.headers["__upselld.errors.reason"] ?? "?"],
                        json: nil, text: output.headers.description))
            case .open: open[output.key] = output
            }
        }
        for expectation in row.expected {
            if expectation.topic == .open {
                compareOpen(row, expectation, open[expectation.account])
                continue
            }
            var nearest: String?
            let match = came.firstIndex { candidate in
                guard !candidate.isExpected, candidate.topic == expectation.topic,
                    candidate.account == expectation.account, candidate.words == expectation.words
                else { return false }
                guard let difference = difference(expectation.facts, candidate) else { return true }
                nearest = nearest ?? difference
                return false
            }
            if let match {
                came[match].isExpected = true
            } else {
                complain(row, "expected [\(expectation.text)]" + (nearest.map { ", but \($0)" } ?? " did not come"))
            }
        }
        for extra in came where !extra.isExpected {
            let text = "\(extra.topic.rawValue) \(extra.words.joined(separator: " "))"
            complain(row, "unexpected [@\(extra.account) \(text)]: \(extra.text)")
        }
    }

    private mutating func compareOpen(
        _ row: PlayScenario.Row, _ expectation: PlayScenario.Expectation, _ output: PlayOutput?
    ) {
        guard let output else { return complain(row, "expected [\(expectation.text)], but the open topic got nothing") }
        let rules = output.value == nil ? "none" : PlayJSON(output.value)?.text(Self.openRules) ?? "none"
        if rules != expectation.words.first { complain(row, "expected [\(expectation.text)], but open is \(rules)") }
    }

    /// Where the open topic's value names the rules of its triggers.
    private static let openRules = "data.triggers.rule"

    private func difference(_ facts: [PlayScenario.Fact], _ came: Came) -> String? {
        for fact in facts {
            // What an account did stands one level deeper.
            let actual = came.json?.text("data.\(fact.path)") ?? came.json?.text("data.activity.\(fact.path)")
            guard let value = terms.resolve(fact.value, profile: profiles[came.account]) else {
                return "\(fact.value) cannot be worked out"
            }
            switch (actual, fact.contains) {
            case (nil, _): if value != "-" || fact.contains { return "there is no \(fact.path): \(came.text)" }
            case (let actual?, true):
                if !actual.contains(value) { return "\(fact.path) is \(actual)" }
            case (let actual?, false):
                if actual != value { return "\(fact.path) is \(actual), not \(value)" }
            }
        }
        return nil
    }

    private mutating func complain(_ row: PlayScenario.Row, _ text: String) {
        report.complaints.append("\(scenario.name):\(row.line): \(text)")
    }
}

/// What has come of a scenario.
public struct PlayReport: Sendable {
    /// A sentence for each difference; empty if all is as written.
    public var complaints: [String] = []
    /// Everything that came out, in its order.
    public var outputs: [PlayOutput] = []

    /// Reason codes of everything that was held.
    public var reasons: Set<String> {
        Set(outputs.filter { $0.topic == .held }.compactMap { PlayJSON($0.value)?.text("data.reason") })
    }
}

/// RFC 3339 of an instant, by the calendar of `ScenarioTime` backwards: on purpose not the daemon's writer.
enum RFC3339Text {
    static func of(_ time: Timestamp) -> String {
        let date = Date(timeIntervalSince1970: Double(time.milliseconds) / 1_000)
        return date.formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: time.milliseconds % 1_000 != 0, timeZone: .gmt))
    }
}
