/// What an input record means, as its writer knows it: the oracle reads no bytes.
package enum InputIntent: Sendable, Equatable {
    case usage(UsageIntent)
    /// Undecodable; goes to the dead letters.
    case poison
    /// Overrides by place of the meter.
    case profile(account: String, plan: Int, overrides: [Int: Int64])
    case tombstone(account: String)
    case feedback(FeedbackIntent)
}

/// A report about a trigger as its writer knows it.
package struct FeedbackIntent: Sendable, Equatable {
    package var account: String
    /// As published, 32 hexadecimal digits.
    package var trigger: String
    package var id: String
    /// As in the record.
    package var kind: String

    package init(account: String, trigger: String, id: String, kind: String) {
        self.account = account
        self.trigger = trigger
        self.id = id
        self.kind = kind
    }
}

/// A command for a rule as its writer knows it.
package struct ControlIntent: Sendable, Equatable {
    package enum Action: String, Sendable { case pause, resume, shadow }
    package var action: Action
    package var rule: String

    package init(_ action: Action, rule: String) {
        self.action = action
        self.rule = rule
    }
}

/// A usage event as its writer knows it.
package struct UsageIntent: Sendable, Equatable {
    package var account: String
    package var type: String
    package var id: String
    /// Event time and the record's, in milliseconds since 1970-01-01 UTC.
    package var time: Int64
    package var recordTime: Int64
    package var quantity: Int64
    /// Counts and fires nothing.
    package var isBackfill: Bool

    package init(
        account: String, type: String, id: String, time: Int64, recordTime: Int64, quantity: Int64,
        isBackfill: Bool = false
    ) {
        self.account = account
        self.type = type
        self.id = id
        self.time = time
        self.recordTime = recordTime
        self.quantity = quantity
        self.isBackfill = isBackfill
    }
}

/// Everything that was written to the inputs of a partition, by input and offset; offsets of markers and of aborted
/// records are absent.
package struct InputHistory: Sendable {
    private var records: [[Int64: InputIntent]]

    package init(inputCount: Int) { records = Array(repeating: [:], count: inputCount) }

    package subscript(input: Int, offset: Int64) -> InputIntent? {
        get { records[input][offset] }
        set { records[input][offset] = newValue }
    }

    package var count: Int { records.reduce(0) { $0 + $1.count } }
}

/// A step of the order in which a partition applied its inputs, as its journal tells it.
package enum AppliedStep: Sendable, Equatable {
    case run(input: Int, first: Int64, next: Int64)
    case tick(wallTime: Int64)
    case control(ControlIntent)
}
