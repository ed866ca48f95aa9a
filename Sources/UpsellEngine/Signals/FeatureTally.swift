internal import UpsellModel

/// Features that a source names, as hashes.
struct FeatureSet: Equatable {
    /// Empty: any, also none.
    var names: [String] = []
    var hashes: ContiguousArray<UInt64> = []

    init(_ names: [String] = []) {
        self.names = names
        hashes = ContiguousArray(names.map { unsafe PartitionEngine.hash(ofDimension: $0.utf8.span.bytes) })
    }

    /// - Parameter feature: hash of its name, 0 for none.
    @inline(__always)
    func admits(_ feature: UInt64) -> Bool { hashes.isEmpty || hashes.contains(feature) }
}

/// Uses of features of one source: by position those that the source names, else those that came, up to a bound.
struct FeatureTally {
    /// Of features that the source does not name; as they came.
    private(set) var found: [Feature] = []
    private(set) var uses: ContiguousArray<Int64> = []

    struct Feature: Equatable {
        var hash: UInt64
        /// Empty: an event without a feature.
        var name: String
    }

    /// Features of an account and signal that are kept apart; further ones count under `Meter.Dimension.other`.
    static let featuresMax = 50

    init(_ set: FeatureSet) { uses = ContiguousArray(repeating: 0, count: set.names.count) }

    /// Whether a new feature would be kept apart.
    private var hasRoom: Bool { found.count < Self.featuresMax }

    /// The position of a feature that counts, which is made where it is missing; nil for one that does not.
    mutating func position(_ feature: UInt64, _ set: FeatureSet, name: borrowing RawSpan) -> Int? {
        if !set.hashes.isEmpty { return set.hashes.firstIndex(of: feature) }
        if let known = found.firstIndex(where: { $0.hash == feature }) { return known }
        if hasRoom {
            found.append(Feature(hash: feature, name: name.withText { $0 }))
        } else {
            let other = PartitionEngine.otherDimension
            if let known = found.firstIndex(where: { $0.hash == other }) { return known }
            found.append(Feature(hash: other, name: Meter.Dimension.other))
        }
        uses.append(0)
        return uses.count - 1
    }

    mutating func add(at position: Int) { uses[position] += uses[position] < .max ? 1 : 0 }

    mutating func reset() {
        for index in uses.indices { uses[index] = 0 }
    }

    var isUsed: Bool { uses.contains { $0 > 0 } }

    func name(_ position: Int, _ set: FeatureSet, source: String) -> String {
        let name = set.names.isEmpty ? found[position].name : set.names[position]
        return name.isEmpty ? source : name
    }

    /// - Parameter source: what a use without feature is called.
    func told(_ set: FeatureSet, source: String, uses: ContiguousArray<Int64>, days: ContiguousArray<Int64> = [])
        -> (used: [Trigger.FeatureUse], unused: [String])
    {
        var used: [Trigger.FeatureUse] = []
        var unused: [String] = []
        for position in uses.indices {
            let name = name(position, set, source: source)
            if uses[position] > 0 {
                used.append(
                    Trigger.FeatureUse(
                        feature: name, uses: uses[position], days: days.isEmpty ? 0 : days[position]))
            } else if !set.names.isEmpty {
                unused.append(name)
            }
        }
        return (used, unused)
    }

    // MARK: State

    func write(into out: inout StateWriter, _ set: FeatureSet) {
        if set.names.isEmpty {
            out.writer.put(count: found.count)
            for feature in found { out.put(feature.name) }
        }
        for count in uses { out.writer.put(UInt64(count)) }
    }

    init(from input: inout StateReader, _ set: FeatureSet) throws(BinaryCodingError) {
        if set.names.isEmpty {
            let count = try input.reader.count()
            guard count <= Self.featuresMax + 1 else { throw input.malformed("\(count) features") }
            for _ in 0..<count {
                let name = try input.text()
                let hash = name.isEmpty ? 0 : unsafe PartitionEngine.hash(ofDimension: name.utf8.span.bytes)
                guard !found.contains(where: { $0.hash == hash }) else { throw input.malformed("feature twice") }
                found.append(Feature(hash: hash, name: name))
            }
        }
        for _ in 0..<(set.names.isEmpty ? found.count : set.names.count) {
            guard let count = Int64(exactly: try input.reader.unsigned()) else {
                throw input.malformed("uses over 63 bits")
            }
            uses.append(count)
        }
    }
}
