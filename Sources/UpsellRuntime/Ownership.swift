package import KafkaTransport
internal import UpsellModel

/// Which partitions are ours, and how far each has come from assignment to being read. Pure; the poll thread's, and the
/// simulator's.
///
///     assigned ─▶ restoring ─▶ profiles (first start only) ─▶ running
///                    │  ▲                                        │
///                 refused └──────────── suspect ◀────────────────┘
package struct Ownership: Sendable {
    package enum Stage: Equatable, Sendable {
        /// Offset and state are being looked up and read.
        case restoring
        /// A person has to decide; nothing of it is read.
        case refused
        /// First start: profiles are read up to this offset before usage.
        case profiles(until: Int64)
        /// Everything is read.
        case running
    }

    package struct Partition: Sendable {
        /// Tells a late answer about a former assignment from this one's.
        package var generation: UInt64
        package var stage: Stage
        package var atEnd: [Bool]
        /// Where each input is to be read from.
        var starts: [Int64] = []

        package var isAtEnd: Bool { stage == .running && atEnd.allSatisfy(\.self) }
    }

    package private(set) var partitions: [Int32: Partition] = [:]
    private var generation: UInt64 = 0
    private let accounts: Int
    private let inputCount: Int

    package init(_ inputs: InputTopics) {
        accounts = inputs.accounts.index
        inputCount = inputs.count
    }

    /// The group gave a partition, or what is known of it is worth nothing: it has to be restored.
    ///
    /// - Returns: the number that the restore's answer has to carry.
    package mutating func restore(_ partition: Int32) -> UInt64 {
        generation += 1
        partitions[partition] = Partition(
            generation: generation, stage: .restoring, atEnd: Array(repeating: false, count: inputCount))
        return generation
    }

    package mutating func give(back partition: Int32) { partitions[partition] = nil }

    package func isCurrent(_ partition: Int32, generation: UInt64) -> Bool {
        partitions[partition]?.generation == generation
    }

    package mutating func refuse(_ partition: Int32) { partitions[partition]?.stage = .refused }

    /// The partition is restored.
    ///
    /// - Parameter starts: next offset of every input.
    /// - Returns: what to assign now.
    package mutating func begin(_ partition: Int32, starts: [Int64], profilesUntil: Int64)
        -> [KafkaConsumer.StartPosition]
    {
        guard var own = partitions[partition] else { return [] }
        own.starts = starts
        if starts[accounts] < profilesUntil {
            own.stage = .profiles(until: profilesUntil)
            partitions[partition] = own
            return [(accounts, partition, KafkaOffset(starts[accounts]))]
        }
        own.stage = .running
        partitions[partition] = own
        return starts.enumerated().map { ($0.offset, partition, KafkaOffset($0.element)) }
    }

    /// Records of an input came, so it is not at its end.
    package mutating func received(_ partition: Int32, input: Int) { partitions[partition]?.atEnd[input] = false }

    /// An input has been read up to its end.
    ///
    /// - Returns: what to assign now: the others, once the profiles of a first start are read.
    package mutating func reachedEnd(_ partition: Int32, input: Int, offset: Int64) -> [KafkaConsumer.StartPosition] {
        guard var own = partitions[partition] else { return [] }
        own.atEnd[input] = true
        defer { partitions[partition] = own }
        guard case .profiles(let until) = own.stage, input == accounts, offset >= until else { return [] }
        own.stage = .running
        return own.starts.enumerated().filter { $0.offset != accounts }
            .map { ($0.offset, partition, KafkaOffset($0.element)) }
    }

    /// Inputs that have to be read now: some but not all would part an account's records.
    package func inputs(of partition: Int32) -> [Int] {
        switch partitions[partition]?.stage {
        case .profiles: [accounts]
        case .running: Array(0..<inputCount)
        case .restoring, .refused, nil: []
        }
    }
}
