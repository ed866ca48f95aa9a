import CRdKafka
import Synchronization

/// One partition of one input.
public struct InputPartition: Sendable, Hashable, CustomStringConvertible {
    /// Index into the consumer's input topics.
    public let input: Int
    public let partition: Int32

    public init(input: Int, partition: Int32) {
        self.input = input
        self.partition = partition
    }

    public var description: String { "\(input)[\(partition)]" }
}

/// Owned and assigned partitions, kept by the rebalance callback and the poll thread.
///
///     group gives p ──▶ owned ──assign(p of input i)──▶ assigned
///                        ▲ │ group takes p: handler drains, then p of every input is unassigned
///                        └─┘
///
/// *Owned* is what the group gave (numbers of the lead topic); *assigned* is what is fetched. A number is assigned only
/// while it is owned.
final class AssignmentState: @unchecked Sendable {
    // `@unchecked`: every use is between `enter` and `leave`, which trap when two threads are inside. The callback runs
    // on the thread that is inside.
    let inputTopics: [String]
    private(set) var owned: Set<Int32> = []
    private(set) var assigned: Set<InputPartition> = []
    private(set) var hasSeenRebalance = false
    /// Numbers taken since the poll began: messages of theirs that were collected before are dropped.
    var revokedDuringCall: Set<Int32> = []
    var handler: ((RebalanceEvent) -> Void)?
    /// Set once the close has begun: from then on there is one answer to whatever the group says.
    private(set) var isClosing = false
    private var hasAnsweredClosing = false
    private let isInside = Atomic<Bool>(false)

    init(inputTopics: [String]) { self.inputTopics = inputTopics }

    /// Starts a call that only one thread may make at a time. Traps on a second one, and inside a rebalance handler.
    func enter(_ call: StaticString) {
        let (entered, _) = isInside.compareExchange(expected: false, desired: true, ordering: .acquiring)
        precondition(entered, "\(call) called while another poll-thread call of this consumer runs")
    }

    func leave() { isInside.store(false, ordering: .releasing) }

    /// Answers a rebalance. Called by librdkafka from inside a poll.
    func rebalance(
        _ handle: OpaquePointer, _ code: rd_kafka_resp_err_t,
        _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?, _ context: HandleContext
    ) {
        hasSeenRebalance = true
        guard !isClosing else {
            unsafe answerClosing(handle)
            return
        }
        let numbers = unsafe numbers(partitions)
        let isCooperative =
            unsafe rd_kafka_rebalance_protocol(handle).map { unsafe String(cString: $0) } == "COOPERATIVE"
        switch code {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            // Answered at once and empty: restoring here would stop every other partition (exactly-once.md §1).
            unsafe add([], handle, isCooperative: isCooperative, context)
            owned.formUnion(numbers)
            handler?(.assigned(numbers))
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
            let isLost = unsafe rd_kafka_assignment_lost(handle) != 0
            handler?(.revoked(numbers, lost: isLost))
            let leaving = Set(numbers)
            revokedDuringCall.formUnion(leaving)
            owned.subtract(leaving)
            // Between the two stages of an assignment nothing is assigned yet: the answer is then an empty list, since
            // librdkafka refuses to remove what is not there.
            unsafe remove(
                assigned.filter { leaving.contains($0.partition) }, handle, isCooperative: isCooperative, context)
        default:
            context.record(KafkaError(code: KafkaErrorCode(code), text: "The group could not be rebalanced"))
            _ = unsafe rd_kafka_assign(handle, nil)
            revokedDuringCall.formUnion(owned)
            owned = []
            assigned = []
        }
        // Back to the caller, who assigns outside the callback; the rest of the poll's time would only be waited away.
        unsafe rd_kafka_yield(handle)
    }

    /// Rebalances from now on belong to the close.
    func beginClosing() { isClosing = true }

    /// Gives everything up at the first rebalance of the close, and is silent at the others.
    ///
    /// A close that meets a rebalance finds two callbacks waiting: the group's, and the close's own. 2.0.2 takes the
    /// answer to either as "unassign everything" and then ends; its last step drops unread requests without answering
    /// them, so a second answer that comes at that moment waits for ever.
    private func answerClosing(_ handle: OpaquePointer) {
        guard !hasAnsweredClosing else { return }
        hasAnsweredClosing = true
        if !owned.isEmpty {
            handler?(.revoked(owned.sorted(), lost: unsafe rd_kafka_assignment_lost(handle) != 0))
        }
        revokedDuringCall.formUnion(owned)
        owned = []
        assigned = []
        _ = unsafe rd_kafka_assign(handle, nil)
    }

    /// Adds to what is fetched: `rd_kafka_incremental_assign`.
    @discardableResult
    func add(
        _ partitions: [(InputPartition, KafkaOffset)], _ handle: OpaquePointer, isCooperative: Bool,
        _ context: HandleContext?
    ) -> KafkaError? {
        let list = unsafe list(partitions)
        defer { unsafe rd_kafka_topic_partition_list_destroy(list) }
        // Before any member joined there is no protocol; a plain assignment is then the only one there is.
        if !isCooperative {
            let result = unsafe rd_kafka_assign(handle, list)
            return finish(result, context) { assigned = Set(partitions.map(\.0)) }
        }
        if let error = unsafe rd_kafka_incremental_assign(handle, list) {
            return fail(unsafe KafkaError(consuming: error), context)
        }
        assigned.formUnion(partitions.map(\.0))
        return nil
    }

    /// Takes from what is fetched: `rd_kafka_incremental_unassign`.
    @discardableResult
    func remove(
        _ partitions: Set<InputPartition>, _ handle: OpaquePointer, isCooperative: Bool, _ context: HandleContext?
    ) -> KafkaError? {
        if !isCooperative {
            return finish(unsafe rd_kafka_assign(handle, nil), context) { assigned = [] }
        }
        let list = unsafe list(partitions.map { ($0, .beginning) })
        defer { unsafe rd_kafka_topic_partition_list_destroy(list) }
        if let error = unsafe rd_kafka_incremental_unassign(handle, list) {
            return fail(unsafe KafkaError(consuming: error), context)
        }
        assigned.subtract(partitions)
        return nil
    }

    private func finish(_ result: rd_kafka_resp_err_t, _ context: HandleContext?, _ body: () -> Void) -> KafkaError? {
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
            return fail(KafkaError(code: KafkaErrorCode(result)), context)
        }
        body()
        return nil
    }

    private func fail(_ error: KafkaError, _ context: HandleContext?) -> KafkaError {
        context?.record(error)
        return error
    }

    /// Partition numbers of the lead topic.
    private func numbers(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> [Int32] {
        guard let list = unsafe list else { return [] }
        var numbers: [Int32] = []
        for index in 0..<Int(unsafe list.pointee.cnt) {
            unsafe numbers.append(list.pointee.elems[index].partition)
        }
        return numbers.sorted()
    }

    /// A list the caller destroys: `rd_kafka_topic_partition_list_destroy`.
    private func list(_ partitions: [(InputPartition, KafkaOffset)])
        -> UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
    {
        guard let list = unsafe rd_kafka_topic_partition_list_new(Int32(partitions.count)) else {
            preconditionFailure("out of memory")
        }
        for (partition, offset) in partitions {
            let element = unsafe rd_kafka_topic_partition_list_add(
                list, inputTopics[partition.input], partition.partition)
            unsafe element?.pointee.offset = offset.rawValue
        }
        return unsafe list
    }
}
