internal import Foundation
public import UpsellModel

/// A story of several accounts under one file of rules: what comes in, row by row, and everything that has to come out.
///
/// Lines before the first row are the header:
///
/// - `play NAME`: the rules of `config/plays/NAME.yaml`; `rules` and indented lines below it: rules of the scenario's own
/// - `set KEY VALUE`: a key of the main file, as `--set` takes it
/// - `clock TYPE name=value…`: the event that lets time pass; any that a meter counts
///
/// A row is `time | account | input | expected`; a row without time or account repeats the one above, `a,b` are several
/// accounts with the same input, and `#` begins a comment. A time is `2025-03-03` or `2025-03-03T09:00`, UTC; `2025-03-03T09:00..2025-03-07` is that time of each day. At
/// a row's time the clock's event comes first, so that what is due by then happens in the row. Inputs:
///
/// - `event TYPE [name=value…] [xN]`: a CloudEvent, N of them; names are paths below `data`, `@name` is an attribute
/// - `profile [name=value…]`: the account's whole profile; `profile+ …`: the last one, changed; `gone`: a tombstone
/// - `feedback KIND RULE [name=value…]`: about the account's last trigger of a rule
/// - `control ACTION RULE [name=value…]`: pause, resume, shadow
/// - `clock`: nothing but time
///
/// Values are numbers, `true`, `false`, `null`, lists (`[a,b]`) or words (`"of several"`). `{80% METER}` and
/// `{limit METER - 1}` are taken from the plan of the account's last profile, `{price PLAN - PLAN}` from the catalogue, in
/// minor units of the account's currency.
///
/// Expectations, joined by `;`, are all that comes out: `trigger RULE [fact…]`, `held RULE REASON [fact…]`,
/// `outcome KIND RULE [fact…]`, `dead REASON`, or `-`. `open RULE,RULE` (or `open none`) is the account's row of the open
/// topic and compared where it stands. `@ACCOUNT` before one names another account than the row's
/// first. A fact is
/// `path=value` below `data` or `data.activity`: members of lists are gathered (`crossed=80,90`, `used.feature=a,b`), `path=-` is absent,
/// `path~text` contains.
public struct PlayScenario: Sendable {
    public var name: String
    /// The file of rules, or nil where the scenario has its own.
    public private(set) var play: String?
    /// Rules in YAML where there is no `play`.
    public private(set) var ownRules = ""
    public private(set) var settings: [(key: String, value: String)] = []
    public private(set) var clock: [String] = []
    public private(set) var rows: [Row] = []

    public struct Row: Sendable {
        public var line: Int
        /// In milliseconds since 1970, ascending.
        public var times: [Timestamp]
        /// Each of them has the input, at each time.
        public var accounts: [String]
        public var input: [String]
        public var expected: [Expectation]
    }

    public struct Expectation: Sendable {
        public enum Topic: String, Sendable { case trigger, held, outcome, dead, open }
        public var topic: Topic
        public var account: String
        public var words: [String]
        public var facts: [Fact]
        public var text: String
    }

    public struct Fact: Sendable {
        public var path: String
        public var contains: Bool
        public var value: String
    }

    /// What could not be understood.
    public struct Unreadable: Error, CustomStringConvertible {
        public var description: String
    }

    public init(name: String, _ text: String) throws {
        self.name = name
        var time: [Timestamp] = []
        var account = ""
        var inRules = false
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if inRules, raw.isEmpty || raw.hasPrefix(" ") {
                ownRules += raw.hasPrefix("  ") ? raw.dropFirst(2) + "\n" : "\n"
                continue
            }
            inRules = false
            let line = Self.withoutComment(String(raw))
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            func unreadable(_ what: String) -> Unreadable {
                Unreadable(description: "\(name):\(index + 1): \(what): \(raw)")
            }
            if cells.count == 1 {
                guard !cells[0].isEmpty else { continue }
                var words = Self.words(cells[0])
                let verb = words.removeFirst()
                guard rows.isEmpty else { throw unreadable("a row has four columns") }
                switch verb {
                case "play" where words.count == 1: play = words[0]
                case "rules" where words.isEmpty: inRules = true
                case "clock" where !words.isEmpty: clock = words
                case "set" where words.count > 1:
                    settings.append((words[0], words.dropFirst().joined(separator: " ")))
                default: throw unreadable("not understood")
                }
            } else {
                guard cells.count == 4 else { throw unreadable("a row has four columns") }
                if !cells[0].isEmpty {
                    guard let times = Self.times(cells[0]) else { throw unreadable("not a time") }
                    time = times
                }
                if !cells[1].isEmpty { account = cells[1] }
                guard let first = time.first, !account.isEmpty else { throw unreadable("neither time nor account") }
                guard rows.last?.times.last.map({ $0 <= first || $0 == time.last }) ?? true else {
                    throw unreadable("earlier than the row above")
                }
                let accounts = account.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
                guard let expected = Self.expectations(cells[3], accounts[0]) else {
                    throw unreadable("expectation not understood")
                }
                rows.append(
                    Row(
                        line: index + 1, times: time, accounts: accounts, input: Self.words(cells[2]),
                        expected: expected))
            }
        }
        guard !rows.isEmpty else { throw Unreadable(description: "\(name): no rows") }
        guard play != nil || !ownRules.isEmpty else { throw Unreadable(description: "\(name): no rules") }
        guard !clock.isEmpty else { throw Unreadable(description: "\(name): no clock") }
    }

    // MARK: Text

    /// `#` begins a comment at the beginning or after a blank.
    private static func withoutComment(_ line: String) -> String {
        var last: Character = " "
        for index in line.indices {
            if line[index] == "#", last == " " { return String(line[..<index]) }
            last = line[index]
        }
        return line
    }

    /// Splits at blanks, but for those between quotes, braces and brackets.
    static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var depth = 0
        var quoted = false
        for character in text {
            switch character {
            case "\"": quoted.toggle()
            case "{", "[": depth += 1
            case "}", "]": depth -= 1
            case " " where depth == 0 && !quoted:
                if !word.isEmpty { words.append(word) }
                word = ""
                continue
            default: break
            }
            word.append(character)
        }
        return word.isEmpty ? words : words + [word]
    }

    private static func times(_ text: String) -> [Timestamp]? {
        guard let range = text.range(of: "..") else { return ScenarioTime.parse(text).map { [$0] } }
        guard let first = ScenarioTime.parse(text[..<range.lowerBound]),
            let last = ScenarioTime.parse(text[range.upperBound...]), first < last + .millisecondsPerDay
        else { return nil }
        let bound = last.milliseconds + .millisecondsPerDay
        return stride(from: first.milliseconds, to: bound, by: Int(Int64.millisecondsPerDay)).map {
            Timestamp(milliseconds: $0)
        }
    }

    private static func expectations(_ text: String, _ account: String) -> [Expectation]? {
        guard text != "-" else { return [] }
        var expectations: [Expectation] = []
        for part in text.split(separator: ";") {
            var words = words(String(part))
            var whose = account
            if let first = words.first, first.hasPrefix("@") {
                whose = String(first.dropFirst())
                words.removeFirst()
            }
            guard let first = words.first, let topic = Expectation.Topic(rawValue: first) else { return nil }
            words.removeFirst()
            let named = topic == .held || topic == .outcome ? 2 : 1
            guard words.count >= named else { return nil }
            var facts: [Fact] = []
            for word in words.dropFirst(named) {
                guard let mark = word.firstIndex(where: { $0 == "=" || $0 == "~" }) else { return nil }
                var value = String(word[word.index(after: mark)...])
                if value.hasPrefix("\""), value.hasSuffix("\""), value.count > 1 {
                    value = String(value.dropFirst().dropLast())
                }
                facts.append(Fact(path: String(word[..<mark]), contains: word[mark] == "~", value: value))
            }
            expectations.append(
                Expectation(
                    topic: topic, account: whose, words: Array(words.prefix(named)), facts: facts,
                    text: part.trimmingCharacters(in: .whitespaces)))
        }
        return expectations.isEmpty ? nil : expectations
    }
}
