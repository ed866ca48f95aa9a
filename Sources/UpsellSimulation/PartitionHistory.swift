internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellStateLog

/// What is known of one partition from its committed transactions: the oracle's state, and a standby that is fed with the
/// committed state log as a restore would be.
final class PartitionHistory {
    let partition: PartitionID
    var model: NaiveModel
    /// Of the last committed epoch; nil before the genesis.
    var epoch: UInt64?
    /// Next offset of every input.
    var positions: [Int64] = []
    /// Open triggers by account, from the published triggers and outcomes alone.
    var open: [String: Set<String>] = [:]
    /// Control records below it are applied.
    var nextControl: Int64 = 0
    var standby: PartitionRestorer?
    /// Every committed chunk that a trim has left, by offset in the state partition.
    var chunks: [(offset: Int64, value: [UInt8])] = []
    /// What the newest offset's metadata says: a restore reads from here.
    var restoreFrom: Int64 = 0
    var commits = 0

    init(_ partition: PartitionID, _ catalogue: SimulationCatalogue) {
        self.partition = partition
        model = NaiveModel(catalogue)
    }
}
