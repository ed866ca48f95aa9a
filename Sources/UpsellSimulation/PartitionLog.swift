/// The log of one partition: records and transaction markers, each with an offset of its own.
///
/// Kafka's `UnifiedLog` and `ProducerStateManager` as far as exactly-once goes: epochs and sequence numbers of producers,
/// open transactions, the last stable offset, aborted ranges.
struct PartitionLog {
    private enum Entry {
        /// - transaction: place in `transactions`, -1 for a record outside of any.
        case record(SimulatedRecord, transaction: Int)
        case marker
    }

    private struct Transaction {
        var first: Int64
        var outcome: Outcome
        enum Outcome { case open, committed, aborted }
    }

    private struct Producer {
        var epoch: Int32
        /// Of the last record of this epoch; -1 before the first.
        var lastSequence: Int
        /// Place in `transactions`, nil where none is open.
        var open: Int?
    }

    /// Offset of the first record that is left; `DeleteRecords` moves it.
    private(set) var low: Int64 = 0
    private var entries: [Entry] = []
    private var transactions: [Transaction] = []
    private var producers: [Int64: Producer] = [:]
    /// First offsets of open transactions.
    private var openFirsts: [Int64] = []

    /// Next offset to be written.
    var high: Int64 { low + Int64(entries.count) }
    /// Offset below which every transaction is decided.
    var lastStable: Int64 { openFirsts.min() ?? high }

    func end(_ isolation: Isolation) -> Int64 { isolation == .readCommitted ? lastStable : high }

    // MARK: Writing

    /// Appends a record outside of any transaction.
    @discardableResult
    mutating func append(_ record: SimulatedRecord) -> Int64 {
        entries.append(.record(record, transaction: -1))
        return high - 1
    }

    /// Appends a batch of a transaction; a batch that is there already is acknowledged and not written again.
    ///
    /// - Parameter sequence: number of its first record, from 0 in each epoch of the producer.
    /// - Returns: whether it was written.
    @discardableResult
    mutating func append(
        _ records: [SimulatedRecord], producer identity: ProducerIdentity, sequence: Int
    ) throws(BrokerError) -> Bool {
        var producer = producers[identity.id] ?? Producer(epoch: identity.epoch, lastSequence: -1, open: nil)
        guard identity.epoch >= producer.epoch else { throw .invalidProducerEpoch }
        if identity.epoch > producer.epoch {
            producer.epoch = identity.epoch
            producer.lastSequence = -1
        }
        if sequence + records.count - 1 <= producer.lastSequence { return false }
        guard sequence == producer.lastSequence + 1 else { throw .outOfOrderSequence }
        producer.lastSequence += records.count
        let transaction: Int
        if let open = producer.open {
            transaction = open
        } else {
            transaction = transactions.count
            transactions.append(Transaction(first: high, outcome: .open))
            openFirsts.append(high)
            producer.open = transaction
        }
        producers[identity.id] = producer
        for record in records { entries.append(.record(record, transaction: transaction)) }
        return true
    }

    /// Writes the marker that ends a producer's transaction; it carries the epoch, and so fences lower ones.
    mutating func mark(_ identity: ProducerIdentity, isCommit: Bool) {
        var producer = producers[identity.id] ?? Producer(epoch: identity.epoch, lastSequence: -1, open: nil)
        if identity.epoch > producer.epoch {
            producer.epoch = identity.epoch
            producer.lastSequence = -1
        }
        if let open = producer.open {
            transactions[open].outcome = isCommit ? .committed : .aborted
            let first = transactions[open].first
            openFirsts.removeAll { $0 == first }
            producer.open = nil
        }
        producers[identity.id] = producer
        entries.append(.marker)
    }

    /// Records below `offset` go.
    mutating func delete(before offset: Int64) {
        let new = min(max(low, offset), high)
        entries.removeFirst(Int(new - low))
        low = new
    }

    // MARK: Reading

    /// Records from `start`, and the offset from which to go on: markers and aborted records are passed over.
    func read(from start: Int64, _ isolation: Isolation, max count: Int) throws(BrokerError) -> ReadResult {
        guard start >= low, start <= high else { throw .offsetOutOfRange }
        var result = ReadResult(next: start)
        let end = end(isolation)
        while result.next < end, result.records.count < count {
            if case .record(let record, let transaction) = entries[Int(result.next - low)],
                isolation == .readUncommitted || transaction < 0 || transactions[transaction].outcome == .committed
            {
                result.records.append((result.next, record))
            }
            result.next += 1
        }
        return result
    }

    /// Offsets and records of the producer's open transaction.
    func openRecords(of producer: Int64) -> [(offset: Int64, record: SimulatedRecord)] {
        guard let open = producers[producer]?.open else { return [] }
        let first = max(transactions[open].first, low)
        return (first..<high).compactMap { offset in
            guard case .record(let record, open) = entries[Int(offset - low)] else { return nil }
            return (offset, record)
        }
    }
}

/// What a fetch gives.
package struct ReadResult: Sendable {
    package var records: [(offset: Int64, record: SimulatedRecord)] = []
    package var next: Int64
}
