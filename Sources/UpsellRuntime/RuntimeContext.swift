internal import Foundation
package import UpsellConfiguration
public import UpsellModel
internal import UpsellStateLog
package import UpsellTelemetry
internal import UpsellWire

/// What every partition shares: settings, encoders and bounds; immutable. A reload gives each partition another one.
package struct RuntimeContext: Sendable {
    package let configuration: Configuration
    package let inputs: InputTopics
    /// Partitions of each input topic (all the same), for the partitioner audit.
    package let partitionCount: Int
    let outputs: OutputWriter
    let deadLetters: DeadLetterWriter
    package let clock: WallClock
    package let log: Log
    /// Transactional id of this process.
    package let writer: String
    /// State chunks and journal are written. False only where the benchmark measures what they cost.
    let keepsLog: Bool
    /// How the rolling snapshot of each partition is cut.
    let slicing: Slicing
    let topicHashes: [UInt64]
    /// The catalogue as the state log has it.
    package let catalogueBody: [UInt8]
    let configurationMark: ConfigurationMark
    /// Reloads since the start.
    let revision: Int
    /// How large outputs may be, as the brokers said at the start.
    private let limits: OutputLimits?

    package init(
        configuration: Configuration, inputs: InputTopics, partitionCount: Int, limits: OutputLimits? = nil,
        clock: WallClock, log: Log, keepsLog: Bool = true, slicing: Slicing = Slicing(),
        render: MessageRendering? = nil, revision: Int = 0
    ) {
        self.configuration = configuration
        self.limits = limits
        self.revision = revision
        self.inputs = inputs
        self.partitionCount = partitionCount
        self.clock = clock
        self.log = log
        self.keepsLog = keepsLog
        self.slicing = slicing
        let known = limits ?? OutputLimits(configuration: configuration, topicBytesMax: [:])
        outputs = OutputWriter(configuration: configuration, inputs: inputs, limits: known, render: render)
        deadLetters = DeadLetterWriter(
            configuration: configuration, inputs: inputs, bytesMax: known.deadLetterBytesMax)
        writer = configuration.transactionalID
        topicHashes = inputs.names.map(InputMark.hash(ofTopic:))
        catalogueBody = CatalogueBody.encode(configuration.catalogue)
        configurationMark = ConfigurationMark(
            sequence: configuration.sequence, contentHash: CatalogueBody.hash(catalogueBody))
    }

    /// The same daemon under another configuration: what only a restart can change is as it was.
    func reloaded(_ configuration: Configuration, render: MessageRendering?) -> RuntimeContext {
        RuntimeContext(
            configuration: configuration, inputs: inputs, partitionCount: partitionCount, limits: limits, clock: clock,
            log: log, keepsLog: keepsLog, slicing: slicing, render: render, revision: revision + 1)
    }

    /// What a partition's state has to agree with.
    package func expectation(_ partition: PartitionID) -> RestoreMachine.Expectation {
        RestoreMachine.Expectation(
            partition: partition, partitionCount: partitionCount, topics: inputs.names, topicHashes: topicHashes,
            accounts: inputs.accounts, configuration: configurationMark, stateTopic: configuration.topics.state,
            group: configuration.group.id, writer: writer, acceptsLoss: configuration.acceptsLoss)
    }
}

/// Words for a trigger, or none. Any thread; the same trigger always gets the same words.
public typealias MessageRendering = @Sendable (Trigger) -> Message?

/// How many slices make a turn, and when one is due: `SliceSchedule`'s numbers. Smaller ones only where histories are
/// short.
package struct Slicing: Sendable {
    package var count = 64
    package var ratio = 3
    package var minimumBytes = 65_536

    package init() {}

    package init(count: Int, ratio: Int, minimumBytes: Int) {
        self.count = count
        self.ratio = ratio
        self.minimumBytes = minimumBytes
    }

    func schedule(restoreFrom: Int64) -> SliceSchedule {
        SliceSchedule(count: count, ratio: ratio, minimumBytes: minimumBytes, restoreFrom: restoreFrom)
    }
}

/// A catalogue as a section of the state log: JSON with sorted keys, so that equal catalogues have equal bytes.
package enum CatalogueBody {
    package static func encode(_ catalogue: Catalogue) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(catalogue))
        } catch {
            // Only numbers that JSON does not have could fail, and a catalogue has none.
            preconditionFailure("a catalogue that JSON cannot hold: \(error)")
        }
    }

    package static func decode(_ bytes: ArraySlice<UInt8>) throws -> Catalogue {
        try JSONDecoder().decode(Catalogue.self, from: Data(bytes))
    }

    static func hash(_ body: [UInt8]) -> UInt64 { RecordChecksum.of(body) }
}

/// The daemon's input topics in the order of `InputID`: usage topics first, of which the first leads the group, then
/// accounts, then feedback.
public struct InputTopics: Sendable, Equatable {
    public let names: [String]
    public let usageCount: Int

    package init(_ topics: Configuration.Topics) {
        names = topics.usage.map(\.name) + [topics.accounts, topics.feedback]
        usageCount = topics.usage.count
    }

    package var accounts: InputID { InputID(usageCount) }
    package var feedback: InputID { InputID(usageCount + 1) }
    package var count: Int { names.count }
}
