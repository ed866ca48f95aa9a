/// A change of ownership, told synchronously from inside
/// ``KafkaConsumer/poll(maxMessages:timeoutMilliseconds:onRebalance:)``.
public enum RebalanceEvent: Sendable, Equatable {
    /// The group gave these partition numbers of the lead topic. Already answered, with an *empty* assignment: nothing
    /// is fetched until ``KafkaConsumer/assign(_:)``, which must wait until `poll` has returned.
    case assigned([Int32])
    /// The group takes these partition numbers. The handler drains them before it returns; then every input's partition
    /// of that number is unassigned. `lost`: they may already belong to another instance, so nothing of them may be
    /// committed any more.
    case revoked([Int32], lost: Bool)
}
