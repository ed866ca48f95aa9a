/// Bugs that can be planted, to prove that the simulation would notice them.
package enum PlantedBug: String, Sendable, CaseIterable {
    /// Offsets are sent without the group's metadata, so that nothing fences a zombie.
    case droppedFence
    /// Offsets are committed beside the transaction.
    case offsetsOutside
    /// After an abort the epoch's bytes are made again from the present state instead of sent as they were.
    case rebuiltBytes
    /// An epoch's positions count batches that are not applied yet.
    case missingBarrier
    /// A restore reads up to the last stable offset instead of the high watermark.
    case restoreToLastStable
    /// A restore reads up to a watermark that was taken before the stable fetch: when its process started.
    case watermarkFirst
    /// A transaction that has only ticks sends no offset, and nothing fences it.
    case tickWithoutOffset
    /// A slice leaves what it does not mention.
    case mergingSlice
    /// After an unknown outcome the epoch counts as committed.
    case unknownIsCommitted
    /// After an unknown outcome the epoch counts as aborted, and is sent again.
    case unknownIsAborted
    /// A partition that comes gets only those control records that are written later.
    case controlsForgotten
    /// A restored partition takes every control record as new.
    case controlsRepeated
    /// Triggers of an epoch that was sent again are sent twice.
    case doubledTriggers
}
