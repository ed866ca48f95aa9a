internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellTelemetry
internal import UpsellWire

/// What every partition shares: settings, encoders and bounds; immutable.
struct RuntimeContext: Sendable {
    let configuration: Configuration
    let inputs: InputTopics
    /// Partitions of each input topic (all the same), for the partitioner audit.
    let partitionCount: Int
    let encoder: TriggerEncoder
    let deadLetters: DeadLetterWriter
    let backlog: Backlog
    let clock: WallClock
    let log: Log
}

/// The daemon's input topics in the order of `InputID`: usage topics first, of which the first leads the group, then
/// accounts.
public struct InputTopics: Sendable, Equatable {
    public let names: [String]
    public let usageCount: Int

    init(_ topics: Configuration.Topics) {
        names = topics.usage.map(\.name) + [topics.accounts]
        usageCount = topics.usage.count
    }

    var accounts: InputID { InputID(usageCount) }
    var count: Int { names.count }
}
