internal import UpsellModel

/// Where the last delta of an engine ended.
struct WrittenMarks {
    var clock = Timestamp.earliest
    /// Identities it had.
    var identities: UInt64 = 0
    /// Sequence number of the first waiting event that it did not have.
    var waiting: UInt64 = 0
    /// A new catalogue moved everything: the next delta has all there is.
    var isCompleteDue = false
    /// What the partition as a whole keeps for signals and dealings changed.
    var isExtensionDue = false
}
