/// Sums up triggers as they are read back from their topic, for the summary and for the view.
public struct Tally: Sendable {
    /// Triggers read.
    public private(set) var triggers = 0
    /// Threshold of `api_calls` as written → accounts for which it was crossed.
    private var accounts: [String: Set<String>] = ["80": [], "90": [], "100": []]

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
        accounts.map { (threshold: $0.key, accounts: $0.value.count) }.sorted { a, b in
            // Numbers by value; equal lengths make the comparison of texts one of numbers.
            let (first, second) = (Double(a.threshold) ?? 0, Double(b.threshold) ?? 0)
            return first != second ? first < second : a.threshold < b.threshold
        }
    }
}

/// What the demo shows of a trigger.
struct TriggerLine: Equatable {
    var account: String
    var meter: String
    /// What the thresholds are: `percent`, `absolute`, `remaining`.
    var unit: String
    /// As written, mildest first.
    var crossed: [String]
    var current: String
    var limit: String
    var plan: String
    var time: String
    var cause: String
}

extension TriggerLine {
    /// Reads a trigger as published; nil where the bytes are none.
    init?(_ value: [UInt8]) {
        guard let event = JSONValue(parsing: value), let account = event["subject"]?.text, let data = event["data"],
            let meter = data["meter"]?.text
        else { return nil }
        self.account = account
        self.meter = meter
        unit = data["thresholdUnit"]?.text ?? ""
        crossed = data["crossed"]?.elements.compactMap(\.text) ?? []
        current = data["current"]?.text ?? "?"
        limit = data["limit"]?.text ?? "unlimited"
        plan = data["plan"]?.text ?? ""
        time = data["eventTime"]?.text ?? event["time"]?.text ?? ""
        cause = data["cause"]?.text ?? ""
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
        var json = JSONWriter()
        json.open()
        json.key("summary")
        json.open()
        json.member("events", events)
        json.member("accounts", accounts)
        json.member("duplicates", duplicates)
        json.member("deadLetters", deadLetters)
        json.key("triggers")
        json.open()
        for (threshold, accounts) in triggers { json.member(threshold, accounts) }
        json.close()
        json.close()
        json.close()
        return json.bytes
    }

    public static func == (a: Summary, b: Summary) -> Bool { a.json == b.json }
}
