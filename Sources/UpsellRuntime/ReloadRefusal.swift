public import UpsellConfiguration
internal import UpsellStateLog

/// Why a configuration cannot be put in force without a restart, or at all.
public struct ReloadRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// A sentence each.
    public var reasons: [String]

    public var description: String { reasons.joined(separator: "; ") }

    init(reasons: [String]) { self.reasons = reasons }

    /// What stands against going from one to the other; empty for nothing.
    static func reasons(from old: RuntimeContext, to new: RuntimeContext) -> [String] {
        let keys = changedKeys(old.configuration, new.configuration)
        var reasons: [String] = []
        if !keys.isEmpty { reasons.append("only a restart can change \(keys.joined(separator: ", "))") }
        let (former, next) = (old.configurationMark, new.configurationMark)
        if next.sequence < former.sequence {
            reasons.append("sequence \(next.sequence) is older than \(former.sequence), which is in force")
        } else if next.sequence == former.sequence, next.sequence > 0, next.contentHash != former.contentHash {
            reasons.append(
                "the configuration has changed and `sequence` is still \(next.sequence); raise it with every change")
        }
        return reasons
    }

    /// Keys of what only a restart can change, as in upselld.yaml, where their values differ.
    public static func changedKeys(_ old: Configuration, _ new: Configuration) -> [String] {
        var keys: [String] = []
        func compare<Section>(
            _ section: Section, _ other: Section, _ prefix: String, _ members: [(String, PartialKeyPath<Section>)]
        ) {
            for (name, path) in members where !isEqual(section[keyPath: path], other[keyPath: path]) {
                keys.append(prefix + name)
            }
        }
        let names = Set((old.kafka + new.kafka).map(\.name)).sorted()
        func value(_ configuration: Configuration, _ name: String) -> String? {
            configuration.kafka.last { $0.name == name }?.value
        }
        for name in names where value(old, name) != value(new, name) { keys.append("kafka.\(name)") }
        if old.startTimeout != new.startTimeout { keys.append("kafka.startTimeout") }
        compare(
            old.topics, new.topics, "topics.",
            [
                ("usage", \.usage), ("accounts", \.accounts), ("feedback", \.feedback), ("triggers", \.triggers),
                ("open", \.open), ("held", \.held), ("outcomes", \.outcomes), ("deadLetters", \.deadLetters),
                ("control", \.control), ("state", \.state), ("journal", \.journal), ("channels", \.channels),
                ("create", \.create), ("partitions", \.partitions), ("replication", \.replication),
            ])
        compare(
            old.group, new.group, "group.", [("id", \.id), ("slot", \.slot), ("leaveOnStop", \.leaveOnStop)])
        compare(
            old.runtime, new.runtime, "",
            [
                ("commit.interval", \.commitInterval), ("clock.tickInterval", \.tickInterval),
                ("runtime.maxRecordBytes", \.maxRecordBytes),
                ("runtime.deadLetterMaxBytes", \.deadLetterMaxBytes),
                ("runtime.outputBytesMax", \.outputBytesMax), ("runtime.batchRecords", \.batchRecords),
                ("runtime.queueBatches", \.queueBatches), ("runtime.wakeUpInterval", \.wakeUpInterval),
                ("runtime.epochRecordsMax", \.epochRecordsMax), ("runtime.watchdog", \.watchdog),
                ("runtime.commitHold", \.commitHold), ("runtime.revokeTimeout", \.revokeTimeout),
                ("runtime.stopTimeout", \.stopTimeout),
                ("runtime.prefetch.queuedMinMessages", \.queuedMinMessages),
                ("runtime.prefetch.queuedMaxKbytes", \.queuedMaxKbytes),
            ])
        if old.source != new.source { keys.append("source") }
        compare(old.log, new.log, "log.", [("level", \.level), ("format", \.format)])
        return keys
    }

    private static func isEqual(_ a: Any, _ b: Any) -> Bool {
        func compare<Value: Equatable>(_ a: Value) -> Bool { (b as? Value) == a }
        guard let a = a as? any Equatable else { return false }
        return compare(a)
    }
}
