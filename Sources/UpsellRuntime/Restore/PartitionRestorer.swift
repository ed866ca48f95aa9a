internal import KafkaTransport
package import UpsellEngine
package import UpsellModel
package import UpsellStateLog

/// Reads a partition's state log, record by record, into an engine.
package struct PartitionRestorer: ~Copyable {
    private let partition: PartitionID
    private var chunks: ChunkAssembler
    private var engine: EngineRestorer?
    private var catalogueHash: UInt64 = 0
    package private(set) var header: ChunkHeader?
    private var slices: SliceSchedule
    /// Where the epoch that is being read begins.
    private var epochStart: Int64?
    private var epochBytes = 0
    private let timeZones: @Sendable (String) -> TimeZoneTable?
    private let sabotage: Sabotage?
    package private(set) var epochs = 0

    /// Bugs that the simulator plants. Always nil in the daemon.
    package enum Sabotage: String, Sendable, CaseIterable {
        /// A slice leaves what it does not mention.
        case mergingSlice
    }

    /// - Parameter start: offset at which reading begins.
    package init(
        partition: PartitionID, start: Int64, slicing: Slicing,
        timeZones: @escaping @Sendable (String) -> TimeZoneTable?,
        sabotage: Sabotage? = nil
    ) {
        self.partition = partition
        self.timeZones = timeZones
        self.sabotage = sabotage
        chunks = ChunkAssembler(partition: partition)
        slices = slicing.schedule(restoreFrom: start)
    }

    /// Takes the value of one record of the state partition, in order.
    package mutating func add(_ value: [UInt8], offset: Int64) throws(RestoreError) {
        do throws(StateLogError) {
            let chunk = try StateChunk.decode(value)
            if chunk.header.part == 0 {
                epochStart = offset
                epochBytes = 0
            }
            epochBytes += value.count
            guard let epoch = try chunks.add(chunk) else { return }
            try apply(epoch)
        } catch {
            throw RestoreError(text: "offset \(offset): \(error)")
        }
    }

    private mutating func apply(_ epoch: StateEpoch) throws(StateLogError) {
        let start = epochStart ?? 0
        var sliceBytes = 0
        do throws(BinaryCodingError) {
            for section in epoch.sections {
                switch section.kind {
                case .catalogue: try take(catalogue: section, start, partitionCount: epoch.header.partitionCount)
                case .delta:
                    guard engine != nil else { continue }
                    var reader = section.reader
                    try engine?.apply(delta: &reader)
                    try checkEnd(reader)
                case .slice:
                    guard let slice = section.slice else { continue }
                    slices.wrote(slice: slice, bytes: section.byteCount, lowerBound: start)
                    sliceBytes += section.byteCount
                    guard engine != nil else { continue }
                    var reader = section.reader
                    try engine?.apply(slice: slice.index, reader: &reader)
                    try checkEnd(reader)
                }
            }
        } catch {
            throw StateLogError(.damaged, "epoch \(epoch.header.epoch) of partition \(partition.rawValue): \(error)")
        }
        slices.wrote(deltaBytes: max(0, epochBytes - sliceBytes))
        epochBytes = 0
        header = epoch.header
        epochs += 1
    }

    private func checkEnd(_ reader: BinaryReader) throws(BinaryCodingError) {
        guard reader.isAtEnd else { throw .malformed(at: reader.position, "\(reader.left) bytes too many") }
    }

    /// Another catalogue comes with a delta that has the whole state under it.
    private mutating func take(
        catalogue section: StateEpoch.Section, _ start: Int64, partitionCount: Int
    ) throws(BinaryCodingError) {
        guard partitionCount > 0 else { throw .malformed(at: 0, "\(partitionCount) partitions") }
        let hash = RecordChecksum.of(Array(section.bytes))
        guard engine == nil || hash != catalogueHash else { return }
        if engine != nil { slices.wroteEverything(lowerBound: start) }
        catalogueHash = hash
        do {
            let catalogue = try CatalogueBody.decode(section.bytes)
            engine = EngineRestorer(
                catalogue: catalogue, partition: partition, partitionCount: partitionCount, slices: slices.count,
                timeZones: timeZones)
            if sabotage == .mergingSlice { engine?.mergesSlices = true }
        } catch {
            throw .malformed(at: 0, "catalogue: \(error)")
        }
    }

    /// What is there so far.
    package var summary: RestoreMachine.Summary {
        var complaint: String?
        if !chunks.isBetweenEpochs { complaint = "the log ends within an epoch" }
        let missing =
            switch engine {
            case .some(let engine): engine.missingSlices
            case .none: Array(0..<slices.count)
            }
        return RestoreMachine.Summary(last: header, isComplete: missing.isEmpty, complaint: complaint)
    }

    /// Usage of an account as the log has it so far.
    package func usage(account: String, meter: MeterID, dimension: String? = nil) -> Int64? {
        switch engine {
        case .some(let engine): engine.usage(account: account, meter: meter, dimension: dimension)
        case .none: nil
        }
    }

    /// - Parameters:
    ///   - end: offset up to which the state partition was read.
    ///   - losses: input that is gone and accepted as lost.
    ///   - lows: first offset of each input.
    package consuming func finish(
        end: Int64, losses: [(input: InputID, from: Int64, to: Int64)], lows: [Int64]
    ) throws(RestoreError) -> RestoredPartition {
        guard let header, let restorer = engine.take() else {
            throw RestoreError(text: "the state log of partition \(partition.rawValue) holds no whole epoch")
        }
        do {
            let slices = slices
            let restored = try restorer.finish()
            return RestoredPartition(
                header: header, engine: restored, slices: slices, stateEnd: end, losses: losses,
                lows: lows)
        } catch {
            throw RestoreError(text: "the state of partition \(partition.rawValue) does not fit together: \(error)")
        }
    }
}

/// A partition as its log left it.
package struct RestoredPartition: ~Copyable {
    package let header: ChunkHeader
    package var engine: PartitionEngine
    let slices: SliceSchedule
    let stateEnd: Int64
    let losses: [(input: InputID, from: Int64, to: Int64)]
    let lows: [Int64]
}

/// Why a state log could not be read: the place and both facts.
package struct RestoreError: Error, Sendable, CustomStringConvertible {
    package let text: String
    package var description: String { text }
}
