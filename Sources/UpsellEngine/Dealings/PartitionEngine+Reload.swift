internal import UpsellModel

extension PartitionEngine {
    /// Another catalogue: what is owed under a limit or rule that is no more ends at once, so that it holds up nothing
    /// that is true now.
    mutating func dealWithReload(_ account: Int, into effects: inout Effects) {
        guard let story = stories[account], !story.dealings.owed.isEmpty else { return }
        supersedeByLimits(account, into: &effects)
        for index in story.dealings.owed.indices.reversed()
        where ruleInForce(of: story.dealings.owed[index].trigger) == nil {
            end(index, of: account, .stale, into: &effects)
        }
    }
}
