public import KafkaTransport
public import UpsellModel
public import UpsellRuntime
internal import UpsellStateLog

/// Where epochs go in a test: what was committed, in order, offsets and state log included; failures on demand.
public final class FakeTransactions: TransactionPort {
    private struct State {
        var open: [OutputRecord] = []
        var openOffsets: [GroupOffset] = []
        var committed: [OutputRecord] = []
        var offsets: [PartitionID: GroupOffset] = [:]
        var stateLog: [PartitionID: [[UInt8]]] = [:]
        var flushFailures = 0
        var lostCommits = 0
        var bytesMax: [String: Int] = [:]
        var commits = 0
        var aborts = 0
        var sent: [[[UInt8]]] = []
        var closed = false
    }
    private let state = Guarded(State())
    private let stateTopic: String

    public init(stateTopic: String = "upselld.state") { self.stateTopic = stateTopic }

    // MARK: What a test does

    /// The next flushes fail, and what they should have sent is gone, as after an abort.
    public func failFlushes(_ count: Int) { state.withLock { $0.flushFailures = count } }
    /// The next commits are done, and their answers lost.
    public func loseCommitAnswers(_ count: Int) { state.withLock { $0.lostCommits = count } }

    /// The topic takes no larger values from now on: what holds one is refused as a whole.
    public func limit(topic: String, bytes: Int) { state.withLock { $0.bytesMax[topic] = bytes } }

    /// Records of committed transactions, without those of state log and journal.
    public var acknowledged: [OutputRecord] {
        state.withLock { state in
            state.committed.filter { $0.topic != stateTopic && !$0.topic.hasSuffix(".journal") }
        }
    }
    public func acknowledged(topic: String) -> [OutputRecord] {
        state.withLock { state in state.committed.filter { $0.topic == topic } }
    }
    public var isClosed: Bool { state.withLock { $0.closed } }
    public var commits: Int { state.withLock { $0.commits } }
    public var aborts: Int { state.withLock { $0.aborts } }
    public var offsets: [PartitionID: GroupOffset] { state.withLock { $0.offsets } }
    /// Values of every transaction that was flushed, whatever became of it.
    public var sent: [[[UInt8]]] { state.withLock { $0.sent } }

    public func setOffset(_ offset: GroupOffset?, of partition: PartitionID) {
        state.withLock { $0.offsets[partition] = offset }
    }
    public func truncateState(of partition: PartitionID, to count: Int) {
        state.withLock { state in
            let log = state.stateLog[partition] ?? []
            state.stateLog[partition] = Array(log.prefix(count))
        }
    }
    func stateLog(_ partition: PartitionID) -> [[UInt8]] { state.withLock { $0.stateLog[partition] ?? [] } }

    // MARK: TransactionPort

    public func membership() -> Int32? { 1 }
    public func initialise() throws(KafkaError) {
        state.withLock { state in
            state.open = []
            state.openOffsets = []
        }
    }
    public func begin() throws(KafkaError) { try initialise() }
    public func produce(_ record: OutputRecord) throws(KafkaError) { state.withLock { $0.open.append(record) } }

    public func flush() throws(KafkaError) {
        let (failed, tooLarge) = state.withLock { state -> (Bool, Bool) in
            state.sent.append(state.open.map { $0.value ?? [] })
            let large = state.open.contains { ($0.value?.count ?? 0) > state.bytesMax[$0.topic] ?? .max }
            if large { return (false, true) }
            guard state.flushFailures > 0 else { return (false, false) }
            state.flushFailures -= 1
            return (true, false)
        }
        if tooLarge { throw KafkaError(code: .messageTooLarge, text: "planted limit", recovery: .abortAndResend) }
        if failed { throw KafkaError(code: .messageTimedOut, text: "planted failure", recovery: .abortAndResend) }
    }

    public func sendOffsets(_ offsets: [GroupOffset]) throws(KafkaError) {
        state.withLock { $0.openOffsets = offsets }
    }

    public func commit() throws(KafkaError) {
        let isAnswerLost = state.withLock { state in
            state.committed += state.open
            for record in state.open where record.topic == stateTopic {
                state.stateLog[PartitionID(record.partition ?? 0), default: []].append(record.value ?? [])
            }
            for offset in state.openOffsets { state.offsets[PartitionID(offset.partition)] = offset }
            state.open = []
            state.openOffsets = []
            state.commits += 1
            guard state.lostCommits > 0 else { return false }
            state.lostCommits -= 1
            return true
        }
        if isAnswerLost { throw KafkaError(code: .transport, text: "planted loss", recovery: .rebuildProducer) }
    }

    public func abort() throws(KafkaError) {
        state.withLock { state in
            state.open = []
            state.openOffsets = []
            state.aborts += 1
        }
    }

    public func committed(_ partitions: [PartitionID]) throws(KafkaError) -> [PartitionID: GroupOffset] {
        state.withLock { state in state.offsets.filter { partitions.contains($0.key) } }
    }

    public func stateEnd(_ partition: PartitionID) -> Int64? {
        state.withLock { Int64($0.stateLog[partition]?.count ?? 0) }
    }

    public func close(deadlineMilliseconds: Int) -> Bool {
        state.withLock { $0.closed = true }
        return true
    }
}

/// What a restore reads in a test: the state log that `FakeTransactions` was given, the inputs of `FakeSource`.
public final class FakeRestorePort: RestorePort {
    private let source: FakeSource
    private let transactions: FakeTransactions
    private let inputs: Int

    public init(source: FakeSource, transactions: FakeTransactions, inputs: Int) {
        self.source = source
        self.transactions = transactions
        self.inputs = inputs
    }

    public func committed(_ partition: PartitionID) throws(KafkaError) -> GroupOffset? {
        transactions.offsets[partition]
    }
    public func newestWriter(_ partition: PartitionID) throws(KafkaError) -> String? { nil }
    public func fence(writer: String) throws(KafkaError) {}
    public func stateWatermarks(_ partition: PartitionID) throws(KafkaError) -> (low: Int64, high: Int64) {
        (0, Int64(transactions.stateLog(partition).count))
    }
    public func readState(
        _ partition: PartitionID, from: Int64, until: Int64, _ body: (_ offset: Int64, _ value: [UInt8]) throws -> Void
    ) throws {
        let log = transactions.stateLog(partition)
        for offset in from..<until { try body(offset, log[Int(offset)]) }
    }
    public func inputWatermarks(_ partition: PartitionID) throws(KafkaError) -> [(low: Int64, high: Int64)] {
        var watermarks: [(low: Int64, high: Int64)] = []
        for input in 0..<inputs {
            watermarks.append(
                try source.watermarks(input: input, partition: partition.rawValue, timeoutMilliseconds: 0))
        }
        return watermarks
    }
    public func inputRecord(_ input: Int, _ partition: PartitionID, offset: Int64) throws(KafkaError)
        -> (timestamp: Int64, checksum: UInt64)?
    {
        guard let record = source.record(input: input, partition: partition.rawValue, offset: offset) else {
            return nil
        }
        let checksum = unsafe RecordChecksum.of(
            key: record.key?.span.bytes, value: record.value?.span.bytes)
        return (record.timestamp, checksum)
    }
    public func close() {}
}
