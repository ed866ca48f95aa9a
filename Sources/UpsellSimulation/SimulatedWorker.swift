internal import KafkaTransport
internal import UpsellModel
internal import UpsellRuntime

/// A partition at work under virtual time: what `PartitionWorker` does on its queue, one piece at a time.
final class SimulatedWorker {
    let partition: PartitionID
    var state: PartitionState
    private(set) var isDiscarded = false
    /// Records applied and not committed.
    private(set) var uncommitted = 0
    /// No record of an epoch that is not committed yet lies below it in the state partition.
    private(set) var stateEnd: Int64
    private let process: SimulatedProcess
    private let scheduler: Scheduler
    private var random: SimulationRandom
    private var queue: [Work] = []
    private var isWorking = false
    private var early: FrozenShare?

    private enum Work {
        case batch(MessageBatch)
        case end(Int, Int64)
        case tick(Timestamp)
        case control(ControlRecord)
        case barrier((SimulatedWorker) -> Void)
    }

    init(
        _ state: consuming PartitionState, process: SimulatedProcess, scheduler: Scheduler, random: SimulationRandom
    ) {
        partition = state.partition
        stateEnd = state.stateEnd
        self.state = state
        self.process = process
        self.scheduler = scheduler
        self.random = random
    }

    func enqueue(_ batch: MessageBatch) { add(.batch(batch)) }
    func enqueueEnd(_ input: Int, offset: Int64) { add(.end(input, offset)) }
    func enqueueTick(_ wallTime: Timestamp) { add(.tick(wallTime)) }
    func enqueue(_ record: ControlRecord) { add(.control(record)) }
    /// Calls behind everything that was queued before.
    func barrier(_ body: @escaping (SimulatedWorker) -> Void) { add(.barrier(body)) }

    /// Next offset of an input behind the batches that are queued; for the bug that skips the barrier.
    var queuedEnds: [Int: Int64] {
        var ends: [Int: Int64] = [:]
        for case .batch(let batch) in queue {
            for record in 0..<batch.count {
                let next = batch.offset(at: record) + 1
                ends[batch.input(at: record)] = max(next, ends[batch.input(at: record)] ?? 0)
            }
        }
        return ends
    }

    func discard() { isDiscarded = true }

    func freeze() -> FrozenShare? {
        guard !isDiscarded else { return nil }
        if let early {
            self.early = nil
            return early
        }
        return state.freeze(stateEnd: stateEnd)
    }

    /// The next epoch, frozen before its time; for the bug that takes it into the epoch at hand.
    func freezeEarly() -> FrozenShare? {
        if early == nil { early = state.freeze(stateEnd: stateEnd) }
        return early
    }

    func released(stateEnd end: Int64?) {
        if let end { stateEnd = max(stateEnd, end) }
    }

    func settled(_ share: FrozenShare) { uncommitted -= share.inputRecords }

    private func add(_ work: Work) {
        queue.append(work)
        workOn()
    }

    private func workOn() {
        guard !isWorking, !queue.isEmpty else { return }
        isWorking = true
        scheduler.schedule(after: random.between(0...3), for: process) { [self] in
            isWorking = false
            guard !queue.isEmpty else { return }
            perform(queue.removeFirst())
            workOn()
        }
    }

    private func perform(_ work: Work) {
        if case .barrier(let body) = work { return body(self) }
        guard !isDiscarded else { return }
        switch work {
        case .batch(let batch): uncommitted += state.process(batch).records
        case .end(let input, let offset): state.reachEnd(input, at: offset)
        case .tick(let wallTime): if state.tick(wallTime: wallTime).isUnfinished { add(.tick(wallTime)) }
        case .control(let record): _ = state.apply(control: record)
        case .barrier: break
        }
    }
}
