package import KafkaTransport

/// A transactional producer handle as librdkafka 2.0.2 behaves: what it retries by itself, and as what it reports the rest.
///
/// One call at a time. A call whose patience is over reports `_TIMED_OUT` and goes on in the background; the same call
/// again waits for it, since requests of one connection stay in order.
package final class SimulatedProducer {
    package typealias Done = (KafkaError?) -> Void

    let transactionalID: String
    private let process: SimulatedProcess
    private let network: SimulatedNetwork
    private let timeout: Int64
    private let stateTopic: String

    private var identity: ProducerIdentity?
    private var fatal: KafkaError?
    private var isClosed = false
    /// Partitions that are part of the open transaction.
    private var registered: [TopicPartition] = []
    private var hasGroup = false
    private var unsent: [(partition: TopicPartition, records: [SimulatedRecord])] = []
    private var sequences: [TopicPartition: Int] = [:]
    /// Batches may have arrived that nobody acknowledged: the next transaction needs another epoch (KIP-360).
    private var needsBump = false
    private var ends: [Int32: Int64] = [:]

    private var run: Run?

    private final class Run {
        let call: Call
        var result: KafkaError??
        var waiter: Done?
        init(_ call: Call) { self.call = call }
    }

    private enum Call { case initialise, flush, offsets, commit, abort }

    init(
        transactionalID: String, process: SimulatedProcess, network: SimulatedNetwork, timeout: Int64,
        stateTopic: String
    ) {
        self.transactionalID = transactionalID
        self.process = process
        self.network = network
        self.timeout = timeout
        self.stateTopic = stateTopic
    }

    var isDead: Bool { fatal != nil }

    /// Lets go of the handle; requests that are on their way stay so.
    func close() { isClosed = true }

    /// Offset after the last acknowledged record of a state partition; nil where it is not known.
    func stateEnd(_ partition: Int32) -> Int64? { ends[partition] }

    // MARK: Calls

    /// `init_transactions`.
    func initialise(_ done: @escaping Done) {
        perform(.initialise, done) { [self] finish in
            request({ [transactionalID, timeout] kafka throws(BrokerError) in
                try kafka.initProducer(transactionalID, timeout: timeout)
            }) { [self] result in
                switch result {
                case .success(let identity):
                    self.identity = identity
                    sequences = [:]
                    finish(nil)
                case .failure(let error): finish(fail(error))
                }
            }
        }
    }

    /// `begin_transaction`; local.
    func begin() -> KafkaError? {
        if let fatal { return fatal }
        guard identity != nil else {
            return KafkaError(code: .wrongState, text: "no epoch", recovery: .rebuildProducer)
        }
        registered = []
        hasGroup = false
        return nil
    }

    /// `produceva`; local, sent by `flush`.
    func produce(_ record: OutputRecord, to partition: TopicPartition, at now: Int64) {
        let simulated = SimulatedRecord(
            key: record.key, value: record.value, timestamp: record.timestamp ?? now, headers: record.headers)
        if let place = unsent.firstIndex(where: { $0.partition == partition }) {
            unsent[place].records.append(simulated)
        } else {
            unsent.append((partition, [simulated]))
        }
    }

    func flush(_ done: @escaping Done) {
        perform(.flush, done) { [self] finish in sendAll(finish) }
    }

    /// `send_offsets_to_transaction`.
    func sendOffsets(
        _ offsets: [TopicPartition: CommittedOffset], group: String, under member: GroupMetadata,
        _ done: @escaping Done
    ) {
        // As in librdkafka: without a valid offset nothing is asked, and nothing refused.
        guard !offsets.isEmpty else { return network.scheduler.schedule(after: 0, for: process) { done(nil) } }
        perform(.offsets, done) { [self] finish in
            guard let identity else { return finish(fatal) }
            request({ [transactionalID] kafka throws(BrokerError) in
                try kafka.addOffsets(transactionalID, identity, group: group)
            }) { [self] result in
                if case .failure(let error) = result { return finish(fail(error)) }
                hasGroup = true
                request({ [transactionalID] kafka throws(BrokerError) in
                    try kafka.commitOffsets(transactionalID, identity, group: group, member, offsets)
                }) { [self] result in
                    switch result {
                    case .success: finish(nil)
                    case .failure(let error): finish(fail(error))
                    }
                }
            }
        }
    }

    func commit(_ done: @escaping Done) { end(.commit, isCommit: true, done) }

    /// `abort_transaction`: drops what was not sent, and raises the epoch where something may yet arrive.
    func abort(_ done: @escaping Done) {
        if let run, run.result == nil, run.call != .abort {
            if run.call == .flush { needsBump = true }
            self.run = nil
        }
        unsent = []
        end(.abort, isCommit: false, done)
    }

    private func end(_ call: Call, isCommit: Bool, _ done: @escaping Done) {
        perform(call, done) { [self] finish in
            guard let identity, fatal == nil else { return finish(fatal) }
            guard hasGroup || !registered.isEmpty else { return finish(nil) }
            request({ [transactionalID] kafka throws(BrokerError) in
                try kafka.endTransaction(transactionalID, identity, isCommit: isCommit)
            }) { [self] result in
                switch result {
                case .failure(let error): finish(fail(error))
                case .success:
                    registered = []
                    hasGroup = false
                    if needsBump { raiseEpoch(finish) } else { finish(nil) }
                }
            }
        }
    }

    private func raiseEpoch(_ finish: @escaping Done) {
        request({ [transactionalID, timeout, identity] kafka throws(BrokerError) in
            try kafka.initProducer(transactionalID, timeout: timeout, current: identity)
        }) { [self] result in
            switch result {
            case .success(let identity):
                self.identity = identity
                sequences = [:]
                needsBump = false
                finish(nil)
            case .failure(let error): finish(fail(error))
            }
        }
    }

    // MARK: Sending

    private func sendAll(_ finish: @escaping Done) {
        guard let identity, fatal == nil else { return finish(fatal) }
        let new = unsent.map(\.partition).filter { !registered.contains($0) }
        guard new.isEmpty else {
            // From the moment it is asked for, the partition may be part of the transaction.
            registered += new
            return request({ [transactionalID] kafka throws(BrokerError) in
                try kafka.addPartitions(transactionalID, identity, new)
            }) { [self] result in
                if case .failure(let error) = result { return finish(fail(error)) }
                sendAll(finish)
            }
        }
        guard let next = unsent.first else { return finish(nil) }
        let sequence = sequences[next.partition] ?? 0
        request({ [transactionalID] kafka throws(BrokerError) in
            try kafka.produce(transactionalID, identity, to: next.partition, next.records, sequence: sequence)
        }) { [self] result in
            switch result {
            case .failure(let error): finish(fail(error))
            case .success(let end):
                sequences[next.partition] = sequence + next.records.count
                if let end, next.partition.topic == stateTopic {
                    ends[next.partition.partition] = max(end, ends[next.partition.partition] ?? 0)
                }
                if unsent.first?.partition == next.partition { unsent.removeFirst() }
                sendAll(finish)
            }
        }
    }

    // MARK: Calls and their patience

    private func perform(_ call: Call, _ done: @escaping Done, _ body: (@escaping Done) -> Void) {
        if let fatal {
            return network.scheduler.schedule(after: 0, for: process) { done(fatal) }
        }
        if let run, run.result == nil, run.call != call {
            return network.scheduler.schedule(after: 0, for: process) {
                done(KafkaError(code: .inProgress, text: "another call is not over yet", recovery: .retryCall))
            }
        }
        let current: Run
        if let run, run.call == call, run.result == nil {
            current = run
            current.waiter = done
        } else {
            current = Run(call)
            current.waiter = done
            run = current
            body { [self] error in
                // A call that was given up for another: its answer is nobody's.
                guard run === current, current.result == nil else { return }
                current.result = .some(error)
                if let waiter = current.waiter {
                    current.waiter = nil
                    waiter(error)
                }
            }
        }
        waitPatiently(current)
    }

    private func waitPatiently(_ current: Run) {
        guard current.result == nil else { return }
        network.scheduler.schedule(after: Self.patience, for: process) {
            guard current.result == nil, let waiter = current.waiter else { return }
            current.waiter = nil
            waiter(KafkaError(code: .timedOut, text: "no answer in time", recovery: .retryCall))
        }
    }

    /// Sends a request until there is an answer to it.
    private func request<Value>(
        _ execute: @escaping (SimulatedKafka) throws(BrokerError) -> Value,
        _ done: @escaping (Result<Value, BrokerError>) -> Void
    ) {
        guard !isClosed else { return }
        network.call(from: process, on: .transactions, execute) { [self] reply in
            guard !isClosed else { return }
            let pause: Int64
            switch reply {
            case .answer(.failure(.concurrentTransactions)): pause = 20
            case .answer(let result): return done(result)
            case .refused: pause = 60
            case .lost: pause = 30
            }
            network.scheduler.schedule(after: pause, for: process) { [self] in request(execute, done) }
        }
    }

    /// Turns the broker's refusal into what librdkafka makes of it (`rdkafka_txnmgr.c`).
    private func fail(_ error: BrokerError) -> KafkaError {
        switch error {
        case .producerFenced, .invalidProducerEpoch: return die(.fenced, "\(error)")
        case .invalidTxnState: return die(.invalidTransactionState, "\(error)")
        case .invalidProducerIDMapping: return die(.invalidProducerIDMapping, "\(error)")
        case .outOfOrderSequence: return die(.outOfOrderSequence, "\(error)")
        case .illegalGeneration: return abortable(.illegalGeneration)
        case .unknownMemberID: return abortable(.unknownMember)
        case .fencedInstanceID: return abortable(.fencedInstanceID)
        case .rebalanceInProgress: return abortable(.rebalanceInProgress)
        case .unknownTopicOrPartition, .offsetOutOfRange, .concurrentTransactions, .unstableOffsetCommit:
            return KafkaError(code: .retry, text: "\(error)", recovery: .retryCall)
        }
    }

    private func die(_ code: KafkaErrorCode, _ text: String) -> KafkaError {
        let error = KafkaError(code: code, text: text, isFatal: true)
        fatal = error
        return error
    }

    private func abortable(_ code: KafkaErrorCode) -> KafkaError {
        KafkaError(code: code, text: "refused by the group", recovery: .abortAndResend)
    }

    /// Of one call, in milliseconds; as `KafkaTransactions`, which repeats them.
    private static let patience: Int64 = 5_000
}
