internal import KafkaTransport

/// Triggers read so far: every id once, and per account in the order of what caused them.
struct TriggerLedger {
    /// What a partition of the topic held, in its order; equal lists have equal positions and ids.
    struct Entry: Equatable {
        var offset: Int64
        var id: String
    }

    private(set) var entries: [[Entry]]
    /// First of each cause; doubled ones are violations and not kept.
    private(set) var triggers: [NaiveFold.TriggerKey: NaiveFold.Expected] = [:]
    private(set) var count = 0
    /// Offset after the furthest cause, by input partition.
    private(set) var reached: [Int64]
    private var ids: Set<String> = []
    private var lastCause: [String: Int64] = [:]
    private let what: String
    private let violations: Violations

    /// - Parameter what: who reads, for the text of a violation.
    init(partitions: Int, what: String, violations: Violations) {
        entries = Array(repeating: [], count: partitions)
        reached = Array(repeating: 0, count: partitions)
        self.what = what
        self.violations = violations
    }

    mutating func add(_ value: [UInt8], partition: Int, offset: Int64) {
        count += 1
        guard let trigger = PublishedTrigger(value) else {
            violations.report(
                "unreadable", "\(what): \(partition)@\(offset): \(String(decoding: value, as: UTF8.self))")
            return
        }
        entries[partition].append(Entry(offset: offset, id: trigger.id))
        let account = trigger.content.account
        if !ids.insert(trigger.id).inserted {
            violations.report(
                "doubled", "\(what): \(trigger.id) of \(account), \(trigger.key.rule), again at \(partition)@\(offset)")
        } else if triggers.updateValue(trigger.content, forKey: trigger.key) != nil {
            violations.report(
                "doubled", "\(what): a second id for \(trigger.key.rule) of \(account) at \(partition)@\(offset)")
        }
        let last = lastCause.updateValue(trigger.key.offset, forKey: account) ?? -1
        if trigger.key.offset < last {
            violations.report(
                "disordered", "\(what): \(account): cause \(trigger.key.offset) after \(last) at \(partition)@\(offset)"
            )
        }
        if trigger.key.partition < reached.count {
            reached[trigger.key.partition] = max(reached[trigger.key.partition], trigger.key.offset + 1)
        }
    }
}
