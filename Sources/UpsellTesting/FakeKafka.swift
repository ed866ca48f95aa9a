public import KafkaTransport
public import UpsellRuntime

/// Kafka as the poll loop sees it, in memory: topics of a few partitions, one member that is given what a test says.
///
/// Thread-safe; a poll returns at once with what there is, or after a millisecond with nothing.
public final class FakeSource: RecordSource {
    private struct State {
        /// By input, then partition; nil is an offset without a record, as a transaction's marker leaves.
        var logs: [[[InMemoryRecord?]]]
        var pending: [RebalanceEvent] = []
        var owned: Set<Int32> = []
        var positions: [Key: Int64] = [:]
        var endsTold: [Key: Int64] = [:]
        var subscribed = false
        var closed = false
        var assignCalls: [[Key]] = []
        var recordsPerPoll = Int.max
        var repeatFromOffset: [Key: Int64] = [:]
    }

    public struct Key: Hashable, Sendable {
        public var input: Int
        public var partition: Int32
        public init(input: Int, partition: Int32) {
            self.input = input
            self.partition = partition
        }
    }

    private let state: Guarded<State>

    public init(inputs: Int, partitions: Int) {
        state = Guarded(State(logs: Array(repeating: Array(repeating: [], count: partitions), count: inputs)))
    }

    /// The same logs for another member, as after a restart.
    public func reopened() -> FakeSource {
        let logs = state.withLock { $0.logs }
        let other = FakeSource(inputs: logs.count, partitions: logs.first?.count ?? 0)
        other.state.withLock { $0.logs = logs }
        return other
    }

    // MARK: What a test does

    /// Appends a record; its offset is its place in the partition.
    public func append(
        input: Int, partition: Int32 = 0, timestamp: Int64, key: String?, value: [UInt8]?,
        headers: [InMemoryRecord.Header] = []
    ) {
        append(
            input: input, partition: partition, timestamp: timestamp, keyBytes: key.map { Array($0.utf8) },
            value: value, headers: headers)
    }

    /// Appends a record whose key may be any bytes.
    public func append(
        input: Int, partition: Int32 = 0, timestamp: Int64, keyBytes: [UInt8]?, value: [UInt8]?,
        headers: [InMemoryRecord.Header] = []
    ) {
        state.withLock { state in
            let offset = Int64(state.logs[input][Int(partition)].count)
            state.logs[input][Int(partition)].append(
                InMemoryRecord(
                    input: input, offset: offset, timestamp: timestamp, key: keyBytes, value: value,
                    headers: headers))
        }
    }

    /// Appends offsets that hold no record.
    public func append(gapOf count: Int, input: Int, partition: Int32 = 0) {
        state.withLock { $0.logs[input][Int(partition)] += Array(repeating: nil, count: count) }
    }

    /// Gives partitions to the member at its next poll.
    public func give(_ partitions: [Int32]) { state.withLock { $0.pending.append(.assigned(partitions)) } }
    /// Takes partitions from the member at its next poll.
    public func take(_ partitions: [Int32], lost: Bool) {
        state.withLock { $0.pending.append(.revoked(partitions, lost: lost)) }
    }
    /// Hands records from this offset out again, as librdkafka 2.0.2 does around some rebalances.
    public func rewind(_ key: Key, to offset: Int64) { state.withLock { $0.positions[key] = offset } }
    public func limit(recordsPerPoll: Int) { state.withLock { $0.recordsPerPoll = recordsPerPoll } }

    /// Every `assign` so far, in order.
    public var assignCalls: [[Key]] { state.withLock { $0.assignCalls } }
    public var isClosed: Bool { state.withLock { $0.closed } }
    /// Whether everything appended has been handed out and no rebalance waits.
    public var isDrained: Bool {
        state.withLock { state in
            state.pending.isEmpty
                && state.positions.allSatisfy { key, position in
                    position >= Int64(state.logs[key.input][Int(key.partition)].count)
                }
        }
    }

    // MARK: RecordSource

    public func subscribe() throws(KafkaError) { state.withLock { $0.subscribed = true } }

    public func poll(maxMessages: Int, timeoutMilliseconds: Int, onRebalance: (RebalanceEvent) -> Void) -> PollResult {
        // The handler may wait for a queue that asks this source something, so it runs outside the lock.
        for event in state.withLock({ state in
            let events = state.subscribed ? state.pending : []
            state.pending = []
            for case .assigned(let numbers) in events { state.owned.formUnion(numbers) }
            return events
        }) {
            onRebalance(event)
            if case .revoked(let numbers, _) = event {
                state.withLock { state in
                    state.owned.subtract(numbers)
                    state.positions = state.positions.filter { !numbers.contains($0.key.partition) }
                    state.endsTold = state.endsTold.filter { !numbers.contains($0.key.partition) }
                }
            }
        }
        let result = state.withLock { state in Self.read(&state, maxMessages) }
        if result.isEmpty { napOneMillisecond() }
        return result
    }

    private static func read(_ state: inout State, _ maxMessages: Int) -> PollResult {
        var result = PollResult()
        var byPartition: [Int32: [InMemoryRecord]] = [:]
        var left = min(maxMessages, state.recordsPerPoll)
        for key in state.positions.keys.sorted(by: { ($0.partition, $0.input) < ($1.partition, $1.input) }) {
            let log = state.logs[key.input][Int(key.partition)]
            var position = state.positions[key] ?? 0
            while left > 0, position < Int64(log.count) {
                if let record = log[Int(position)] {
                    byPartition[key.partition, default: []].append(record)
                    left -= 1
                }
                position += 1
            }
            state.positions[key] = position
            if position == Int64(log.count), state.endsTold[key] != position {
                state.endsTold[key] = position
                result.ends.append((key.input, key.partition, position))
            }
        }
        result.batches = byPartition.sorted { $0.key < $1.key }.map {
            MessageBatch(partition: $0.key, records: $0.value)
        }
        return result
    }

    public func assign(_ partitions: [KafkaConsumer.StartPosition]) throws(KafkaError) {
        state.withLock { state in
            state.assignCalls.append(partitions.map { Key(input: $0.input, partition: $0.partition) })
            for start in partitions {
                let key = Key(input: start.input, partition: start.partition)
                state.positions[key] = max(0, start.offset.rawValue)
            }
        }
    }

    public func unassign(_ partitions: [InputPartition]) throws(KafkaError) {
        state.withLock { state in
            for own in partitions {
                let key = Key(input: own.input, partition: own.partition)
                state.positions[key] = nil
                state.endsTold[key] = nil
            }
        }
    }

    public var assignedPartitions: Set<InputPartition> {
        state.withLock { Set($0.positions.keys.map { InputPartition(input: $0.input, partition: $0.partition) }) }
    }

    public func watermarks(input: Int, partition: Int32, timeoutMilliseconds: Int) throws(KafkaError)
        -> (low: Int64, high: Int64)
    {
        state.withLock { (0, Int64($0.logs[input][Int(partition)].count)) }
    }

    /// The record at an offset; nil where there is none.
    func record(input: Int, partition: Int32, offset: Int64) -> InMemoryRecord? {
        state.withLock { state in
            let log = state.logs[input][Int(partition)]
            return offset >= 0 && offset < Int64(log.count) ? log[Int(offset)] : nil
        }
    }

    public func close(deadlineMilliseconds: Int, leaveGroup: Bool) -> Bool {
        state.withLock { $0.closed = true }
        return true
    }
}
