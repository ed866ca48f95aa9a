/// What the transaction coordinator knows of a transactional id.
///
/// empty → ongoing → preparing → complete → ongoing …; only `preparing` refuses with CONCURRENT_TRANSACTIONS.
struct TransactionEntry {
    var producer: ProducerIdentity
    var timeout: Int64
    var state = State.empty
    var startedAt: Int64 = 0
    var partitions: [TopicPartition] = []
    var groups: [String] = []

    enum State: Equatable {
        case empty
        case ongoing
        case preparing(isCommit: Bool, markersLeft: Int)
        case complete(isCommit: Bool)
    }
}

/// A marker on its way to a partition or to a group's offsets.
struct PendingMarker {
    var due: Int64
    var transactionalID: String
    var producer: ProducerIdentity
    var isCommit: Bool
    var target: Target
    enum Target {
        case partition(TopicPartition)
        case group(String)
    }
}

extension SimulatedKafka {
    // MARK: InitProducerId

    /// Gives the next epoch of a transactional id and fences the one before.
    ///
    /// - Parameter current: of a client that raises its own epoch (KIP-360); nil otherwise.
    /// - Throws: `concurrentTransactions` until what was open is aborted; ask again.
    package func initProducer(
        _ transactionalID: String, timeout: Int64, current: ProducerIdentity? = nil
    ) throws(BrokerError) -> ProducerIdentity {
        guard var entry = transactions[transactionalID] else {
            let producer = ProducerIdentity(id: nextProducerID, epoch: 0)
            nextProducerID += 1
            transactions[transactionalID] = TransactionEntry(producer: producer, timeout: timeout)
            transactionalIDs.append(transactionalID)
            return producer
        }
        if let current, current != entry.producer { throw .producerFenced }
        switch entry.state {
        case .preparing: throw .concurrentTransactions
        case .ongoing:
            abortAndFence(transactionalID)
            throw .concurrentTransactions
        case .empty, .complete:
            entry.producer.epoch += 1
            entry.timeout = timeout
            entry.state = .empty
            transactions[transactionalID] = entry
            return entry.producer
        }
    }

    // MARK: Requests inside a transaction

    /// AddPartitionsToTxn.
    package func addPartitions(
        _ transactionalID: String, _ producer: ProducerIdentity, _ partitions: [TopicPartition]
    ) throws(BrokerError) {
        try join(transactionalID, producer) { entry in
            for partition in partitions where !entry.partitions.contains(partition) {
                entry.partitions.append(partition)
            }
        }
    }

    /// AddOffsetsToTxn.
    package func addOffsets(
        _ transactionalID: String, _ producer: ProducerIdentity, group: String
    ) throws(BrokerError) {
        try join(transactionalID, producer) { entry in
            if !entry.groups.contains(group) { entry.groups.append(group) }
        }
    }

    private func join(
        _ transactionalID: String, _ producer: ProducerIdentity, _ body: (inout TransactionEntry) -> Void
    ) throws(BrokerError) {
        var entry = try self.entry(transactionalID, producer)
        if case .preparing = entry.state { throw .concurrentTransactions }
        if entry.state != .ongoing {
            entry.state = .ongoing
            entry.startedAt = now
            entry.partitions = []
            entry.groups = []
        }
        body(&entry)
        transactions[transactionalID] = entry
    }

    private func entry(
        _ transactionalID: String, _ producer: ProducerIdentity
    ) throws(BrokerError) -> TransactionEntry {
        guard let entry = transactions[transactionalID], entry.producer.id == producer.id else {
            throw .invalidProducerIDMapping
        }
        guard entry.producer.epoch == producer.epoch else { throw .producerFenced }
        return entry
    }

    /// Produce. The partition's leader asks the coordinator whether the partition is part of the transaction (KIP-890).
    ///
    /// - Returns: offset after the batch; nil for one that was there already, whose offset is not told.
    @discardableResult
    package func produce(
        _ transactionalID: String, _ producer: ProducerIdentity, to partition: TopicPartition,
        _ records: [SimulatedRecord], sequence: Int
    ) throws(BrokerError) -> Int64? {
        guard let entry = transactions[transactionalID], entry.producer.id == producer.id else {
            throw .invalidProducerIDMapping
        }
        guard entry.producer.epoch <= producer.epoch else { throw .invalidProducerEpoch }
        guard entry.state == .ongoing, entry.partitions.contains(partition) else { throw .invalidTxnState }
        return try withLog(partition) { log throws(BrokerError) in
            try log.append(records, producer: producer, sequence: sequence) ? log.high : nil
        }
    }

    /// TxnOffsetCommit: the offsets are pending until the transaction's marker reaches the group.
    ///
    /// An empty list is acknowledged and checks nothing; metadata without generation and member is accepted into any
    /// group. Both are as in Kafka, and both are ways around the fence.
    package func commitOffsets(
        _ transactionalID: String, _ producer: ProducerIdentity, group: String, _ member: GroupMetadata,
        _ offsets: [TopicPartition: CommittedOffset]
    ) throws(BrokerError) {
        guard !offsets.isEmpty else { return }
        guard let entry = transactions[transactionalID], entry.producer.id == producer.id else {
            throw .invalidProducerIDMapping
        }
        guard entry.producer.epoch <= producer.epoch else { throw .invalidProducerEpoch }
        guard entry.state == .ongoing, entry.groups.contains(group) else { throw .invalidTxnState }
        var state = groups[group] ?? GroupState()
        try state.validate(member)
        state.pending[producer.id, default: [:]].merge(offsets) { $1 }
        put(state, group)
    }

    // MARK: EndTxn

    /// EndTxn; answered when decided, markers follow. Asked again for the same outcome it says yes again.
    package func endTransaction(
        _ transactionalID: String, _ producer: ProducerIdentity, isCommit: Bool
    ) throws(BrokerError) {
        let entry = try self.entry(transactionalID, producer)
        switch entry.state {
        case .empty: throw .invalidTxnState
        case .ongoing: decide(transactionalID, isCommit: isCommit)
        case .preparing(isCommit, _): throw .concurrentTransactions
        case .preparing: throw .invalidTxnState
        case .complete(let outcome): if outcome != isCommit { throw .invalidTxnState }
        }
    }

    private func decide(_ transactionalID: String, isCommit: Bool) {
        guard var entry = transactions[transactionalID] else { return }
        if isCommit { onCommit(committed(transactionalID, entry)) }
        let targets =
            entry.partitions.map(PendingMarker.Target.partition) + entry.groups.map(PendingMarker.Target.group)
        entry.state = .preparing(isCommit: isCommit, markersLeft: targets.count)
        transactions[transactionalID] = entry
        for target in targets {
            let isSlow = random.chance(settings.slowMarkerChance)
            if isSlow { slowMarkers += 1 }
            let delay = random.between(isSlow ? settings.slowMarkerDelay : settings.markerDelay)
            markers.append(
                PendingMarker(
                    due: now + delay, transactionalID: transactionalID, producer: entry.producer, isCommit: isCommit,
                    target: target))
        }
        if targets.isEmpty { transactions[transactionalID]?.state = .complete(isCommit: isCommit) }
    }

    private func committed(_ transactionalID: String, _ entry: TransactionEntry) -> CommittedTransaction {
        var result = CommittedTransaction(
            transactionalID: transactionalID, producer: entry.producer, records: [], offsets: [])
        for partition in entry.partitions {
            let records = (try? withLog(partition) { log in log.openRecords(of: entry.producer.id) }) ?? []
            result.records += records.map { (partition, $0.offset, $0.record) }
        }
        for group in entry.groups {
            let pending = groups[group]?.pending[entry.producer.id] ?? [:]
            result.offsets += pending.sorted { $0.key < $1.key }.map { (group, $0.key, $0.value) }
        }
        return result
    }

    /// Ends what is open under an id, under a higher epoch, so that its producer can do nothing more.
    private func abortAndFence(_ transactionalID: String) {
        transactions[transactionalID]?.producer.epoch += 1
        decide(transactionalID, isCommit: false)
    }

    // MARK: What time brings

    func writeDueMarkers() {
        for marker in markers where marker.due <= now {
            switch marker.target {
            case .partition(let partition):
                try? withLog(partition) { log in log.mark(marker.producer, isCommit: marker.isCommit) }
            case .group(let name):
                guard var group = groups[name] else { break }
                group.settle(marker.producer.id, isCommit: marker.isCommit)
                put(group, name)
            }
            guard case .preparing(let isCommit, let left)? = transactions[marker.transactionalID]?.state else {
                continue
            }
            transactions[marker.transactionalID]?.state =
                left > 1 ? .preparing(isCommit: isCommit, markersLeft: left - 1) : .complete(isCommit: isCommit)
        }
        markers.removeAll { $0.due <= now }
    }

    /// The scan that finds transactions over their time; late by up to its interval.
    func abortTimedOutTransactions() {
        for name in transactionalIDs {
            guard let entry = transactions[name], entry.state == .ongoing, entry.startedAt + entry.timeout <= now
            else { continue }
            timeoutsFound += 1
            abortAndFence(name)
        }
    }

    /// Whether no transaction is open and no marker is on its way.
    package var isSettled: Bool {
        markers.isEmpty && transactionalIDs.allSatisfy { transactions[$0]?.state != .ongoing }
    }
}
