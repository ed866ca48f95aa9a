/// What steps of the journal should have led to.
package struct NaiveOutputs: Sendable {
    package var triggers: [NaiveTrigger] = []
    package var held: [NaiveTrigger] = []
    package var deadLetters: [NaiveDeadLetter] = []
    /// Outcomes that feedback brought about.
    package var outcomes: [NaiveOutcome] = []
    /// Accounts whose state may have changed.
    package var touched: Set<String> = []
    /// Input records that the steps cover.
    package var records = 0
    package var duplicates = 0

    package init() {}
}

/// A trigger by what a subscriber would act on.
package struct NaiveTrigger: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var account: String
    package var rule: String
    package var meter: String
    /// nil for a counter without period.
    package var periodStart: Int64?
    package var crossed: [Int64]
    package var previous: Int64
    package var current: Int64
    package var cause: String
    /// The record that caused it.
    package var input: Int
    package var offset: Int64
    /// Why it was held; nil for one that went out.
    package var reason: String?

    package var description: String {
        let period = periodStart.map(String.init) ?? "-"
        return "\(account) \(rule) \(meter) \(period) \(crossed) \(previous)→\(current) \(cause) \(input)@\(offset)"
            + (reason.map { " \($0)" } ?? "")
    }

    package static func < (a: Self, b: Self) -> Bool { a.description < b.description }
}

/// What feedback made of a trigger.
package struct NaiveOutcome: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var account: String
    package var trigger: String
    package var kind: String
    package var feedback: String

    package var description: String { "\(account) \(trigger) \(kind) by \(feedback)" }
    package static func < (a: Self, b: Self) -> Bool { a.description < b.description }
}

/// An input record that could not be used.
package struct NaiveDeadLetter: Sendable, Hashable, Comparable {
    package var input: Int
    package var offset: Int64

    package init(input: Int, offset: Int64) {
        self.input = input
        self.offset = offset
    }

    package static func < (a: Self, b: Self) -> Bool { (a.input, a.offset) < (b.input, b.offset) }
}
