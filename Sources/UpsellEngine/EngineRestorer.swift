public import UpsellModel

/// Builds an engine from what `PartitionEngine.writeDelta` and `writeSlice` wrote, read in the order of writing.
///
/// Reading may start at any delta: what concerns a class of accounts (number modulo `slices`) is parsed and left until
/// a slice of the class was read, which replaces it; a complete delta replaces everything. The engine then does what
/// the one would do that wrote the last delta. After an error it is of no more use. Partition queue only.
public struct EngineRestorer: ~Copyable {
    var engine: PartitionEngine
    let slices: Int
    var zones: ZoneCache
    /// By class.
    var based: [Bool]
    var identities: IdentityRestorer
    var row = StateRow()
    private var isBroken = false
    /// A bug that the simulator plants, to prove that it would notice: a slice adds to what is there
    /// instead of replacing it.
    /// Never set in the daemon.
    package var mergesSlices = false
    /// Numbers that foreign bytes may name: 64 Mi accounts of one partition.
    var numbersMax = 1 << 26

    /// - Parameters:
    ///   - catalogue: the one under which the state was written; a newer one is adopted by the engine afterwards.
    ///   - partitionCount: as for `PartitionEngine`.
    ///   - slices: classes, as given to `writeSlice`; 1 or more.
    ///   - timeZones: the table of an IANA name, asked once for each name; nil for an unknown one, which is an error.
    public init(
        catalogue: Catalogue, partition: PartitionID, partitionCount: Int = 1, slices: Int,
        timeZones: @escaping @Sendable (String) -> TimeZoneTable?
    ) {
        precondition(slices > 0, "\(slices) slices")
        engine = PartitionEngine(catalogue: catalogue, partition: partition, partitionCount: partitionCount)
        self.slices = slices
        zones = ZoneCache(timeZones)
        based = Array(repeating: false, count: slices)
        identities = IdentityRestorer(parts: slices)
    }

    /// The log begins with the genesis of the partition: there was nothing before the first delta.
    public mutating func baseEmpty() {
        based = Array(repeating: true, count: slices)
        identities.baseEmpty()
    }

    /// Classes of which no slice was read yet, ascending.
    public var missingSlices: [Int] { (0..<slices).filter { !based[$0] || !identities.based[$0] } }

    /// The clock of the last delta or slice.
    public var clock: Timestamp { engine.clock }

    /// Usage as far as it was read, like `PartitionEngine.usage`.
    public func usage(account: String, meter: MeterID, dimension: String? = nil) -> Int64? {
        engine.usage(account: account, meter: meter, dimension: dimension)
    }

    /// Reads one delta, up to its end and no further.
    public mutating func apply(delta reader: inout BinaryReader) throws(BinaryCodingError) {
        try guarded { (restorer) throws(BinaryCodingError) in try restorer.read(delta: &reader) }
    }

    /// Reads one slice, up to its end and no further.
    ///
    /// - Parameter index: which one it has to be.
    public mutating func apply(slice index: Int, reader: inout BinaryReader) throws(BinaryCodingError) {
        try guarded { (restorer) throws(BinaryCodingError) in try restorer.read(slice: index, &reader) }
    }

    /// Ends the reading: the engine as it was when the last delta was written, its statistics new.
    ///
    /// - Throws: a class or part without slice, or identities that do not add up; state was lost or is not read whole.
    public consuming func finish() throws(EngineRestoreError) -> PartitionEngine {
        guard !isBroken else { throw .broken }
        let missing = missingSlices
        guard missing.isEmpty else { throw .missing(slices: missing) }
        let capacity = engine.identities.capacity
        engine.identities = try identities.ring(ifEmpty: capacity)
        engine.becomeRestored()
        if engine.identities.capacity != capacity {
            engine.identities = engine.identities.resized(to: capacity, at: engine.clock.milliseconds)
            engine.written.isCompleteDue = true
        }
        return engine
    }

    private mutating func guarded(
        _ read: (inout EngineRestorer) throws(BinaryCodingError) -> Void
    ) throws(BinaryCodingError) {
        guard !isBroken else { throw .malformed(at: 0, "reading goes on after an error") }
        isBroken = true
        try read(&self)
        isBroken = false
    }
}

/// Why no engine comes of what was read.
public enum EngineRestoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Bytes could not be read.
    case broken
    case missing(slices: [Int])
    case inconsistent(String)

    public var description: String {
        switch self {
        case .broken: "the state could not be read"
        case .missing(let slices): "no state of slices \(slices.map(String.init).joined(separator: ", "))"
        case .inconsistent(let what): what
        }
    }
}
