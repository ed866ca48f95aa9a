internal import Foundation

/// Sums up triggers as they are read back from their topic, for the summary and for the view.
public struct Tally: Sendable {
    /// Triggers read.
    public private(set) var triggers = 0
    /// Threshold of `api_calls` → accounts for which it was crossed.
    private var accounts: [Decimal: Set<String>] = [80: [], 90: [], 100: []]

    /// The meter whose thresholds the summary counts.
    static let meter = "api_calls"

    public init() {}

    /// Takes in a trigger and says what it is about; nil where the bytes are no trigger.
    @discardableResult
    mutating func add(_ value: [UInt8]) -> TriggerLine? {
        guard let line = TriggerLine(value) else { return nil }
        triggers += 1
        if line.meter == Self.meter, line.unit == "percent" {
            for threshold in line.crossed { accounts[threshold, default: []].insert(line.account) }
        }
        return line
    }

    /// Threshold → number of accounts, in the order of the thresholds.
    public var crossed: [(threshold: String, accounts: Int)] {
        accounts.sorted { $0.key < $1.key }.map { (threshold: "\($0.key)", accounts: $0.value.count) }
    }
}

/// What the demo shows of a trigger.
struct TriggerLine: Equatable {
    var account: String
    var meter: String
    /// Of the meter: `bytes`.
    var meterUnit: String
    /// What the thresholds are: `percent`, `absolute`, `remaining`.
    var unit: String
    /// Mildest first.
    var crossed: [Decimal]
    var current: Decimal
    /// nil: unlimited.
    var limit: Decimal?
    var plan: String
    /// RFC 3339.
    var time: String
    var cause: String
}

extension TriggerLine {
    /// Reads a trigger as published; nil where the bytes are none.
    init?(_ value: [UInt8]) {
        struct Event: Decodable {
            struct Data: Decodable {
                var meter: String
                var unit: String
                var thresholdUnit: String
                var crossed: [Decimal]
                var current: Decimal
                var limit: Decimal?
                var plan: String
                var eventTime: String
                var cause: String
            }
            var subject: String
            var data: Data
        }
        guard let event = try? JSONDecoder().decode(Event.self, from: Data(value)) else { return nil }
        let data = event.data
        self.init(
            account: event.subject, meter: data.meter, meterUnit: data.unit, unit: data.thresholdUnit,
            crossed: data.crossed, current: data.current, limit: data.limit, plan: data.plan, time: data.eventTime,
            cause: data.cause)
    }
}

/// What the demo came to; the last line of `--json`.
public struct Summary: Sendable, Equatable {
    /// Usage events read from the topic.
    public var events: Int64
    /// Accounts with usage.
    public var accounts: Int64
    public var duplicates: Int64
    public var deadLetters: Int64
    /// Threshold of `api_calls` → accounts for which it was crossed, read back from the trigger topic.
    public var triggers: [(threshold: String, accounts: Int)]

    /// `{"summary":{"events":…,"accounts":…,"duplicates":…,"deadLetters":…,"triggers":{"80":…}}}`
    public var json: [UInt8] {
        // The order is the contract's, which JSONEncoder does not keep; there are only numbers in it.
        let crossed = triggers.map { "\"\($0.threshold)\":\($0.accounts)" }.joined(separator: ",")
        let counts = """
            "events":\(events),"accounts":\(accounts),"duplicates":\(duplicates),"deadLetters":\(deadLetters)
            """
        return Array("{\"summary\":{\(counts),\"triggers\":{\(crossed)}}}".utf8)
    }

    public static func == (a: Summary, b: Summary) -> Bool { a.json == b.json }
}
