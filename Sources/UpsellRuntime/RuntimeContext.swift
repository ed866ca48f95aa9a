internal import Foundation
package import UpsellConfiguration
package import UpsellModel
internal import UpsellStateLog
package import UpsellTelemetry
internal import UpsellWire

/// What every partition shares: settings, encoders and bounds; immutable.
package struct RuntimeContext: Sendable {
    package let configuration: Configuration
    package let inputs: InputTopics
    /// Partitions of each input topic (all the same), for the partitioner audit.
    package let partitionCount: Int
    let encoder: TriggerEncoder
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

    package init(
        configuration: Configuration, inputs: InputTopics, partitionCount: Int, deadLetterBytesMax: Int? = nil,
        clock: WallClock, log: Log, keepsLog: Bool = true,
        slicing: Slicing = Slicing()
    ) {
        self.configuration = configuration
        self.inputs = inputs
        self.partitionCount = partitionCount
        self.clock = clock
        self.log = log
        self.keepsLog = keepsLog
        self.slicing = slicing
        encoder = TriggerEncoder(source: configuration.source, inputTopics: inputs.names)
        deadLetters = DeadLetterWriter(
            configuration: configuration, inputs: inputs,
            bytesMax: deadLetterBytesMax ?? configuration.runtime.deadLetterMaxBytes)
        writer = configuration.transactionalID
        topicHashes = inputs.names.map(InputMark.hash(ofTopic:))
        catalogueBody = CatalogueBody.encode(configuration.catalogue)
        configurationMark = ConfigurationMark(
            sequence: configuration.sequence, contentHash: CatalogueBody.hash(catalogueBody))
    }

    /// What a partition's state has to agree with.
    package func expectation(_ partition: PartitionID) -> RestoreMachine.Expectation {
        RestoreMachine.Expectation(
            partition: partition, partitionCount: partitionCount, topics: inputs.names, topicHashes: topicHashes,
            configuration: configurationMark, stateTopic: configuration.topics.state, group: configuration.group.id,
            writer: writer, acceptsLoss: configuration.acceptsLoss)
    }
}

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
/// accounts.
public struct InputTopics: Sendable, Equatable {
    public let names: [String]
    public let usageCount: Int

    package init(_ topics: Configuration.Topics) {
        names = topics.usage.map(\.name) + [topics.accounts]
        usageCount = topics.usage.count
    }

    package var accounts: InputID { InputID(usageCount) }
    package var count: Int { names.count }
}
