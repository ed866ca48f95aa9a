internal import Dispatch
internal import KafkaTransport
internal import Synchronization
internal import UpsellConfiguration
internal import UpsellEngine
internal import UpsellModel
internal import UpsellWire

/// One partition at work: its serial queue, its engine, and the running share of the epoch.
///
/// Batches hop onto the queue, never single records. Everything that the queue does is a function of the batches, the
/// wall times handed in and the catalogue, so the same order of batches gives the same outputs.
final class PartitionWorker: Sendable {
    let partition: PartitionID
    private let confined: QueueConfined<PartitionState>
    private let backlog: Backlog
    /// Called when a trigger waits for the commit and nothing else is queued.
    private let onWaitingTrigger: @Sendable () -> Void
    /// Set when the partition was lost: what is still queued is dropped instead of applied.
    private let discarded = Atomic(false)
    /// Set by every batch and effective tick, cleared by freeze; lets an idle partition cost the commit no hop.
    private let changed = Atomic(true)
    /// What this partition has put on the backlog and not been relieved of.
    private let uncommittedBytes = Atomic(0)
    private let uncommittedRecords = Atomic(0)
    /// No record of an epoch that is not committed yet lies below it in the state partition.
    private let stateEnd = Atomic<Int64>(0)
    /// A tick is queued, or goes on because more timers are due than one runs.
    private let isTicking = Atomic(false)
    /// Offset of the next control record when the partition came.
    let firstControl: Int64
    /// Reloads that the partition's context had seen when it came.
    let revision: Int

    private var queue: DispatchQueue { confined.queue }

    init(_ state: consuming sending PartitionState, backlog: Backlog, onWaitingTrigger: @escaping @Sendable () -> Void)
    {
        partition = state.partition
        firstControl = state.engine.nextControl
        revision = state.context.revision
        self.backlog = backlog
        self.onWaitingTrigger = onWaitingTrigger
        stateEnd.store(state.stateEnd, ordering: .releasing)
        confined = QueueConfined(on: DispatchQueue(label: "upselld.partition.\(partition.rawValue)"), state)
    }

    /// Queues a batch of this partition. Poll thread; the backlog bounds how much can be queued.
    func enqueue(_ batch: MessageBatch) {
        backlog.queued(batch.count)
        queue.async { [self] in
            var hasTriggers = false
            if !discarded.load(ordering: .acquiring) {
                changed.store(true, ordering: .releasing)
                let added = confined.withState { state in state.process(batch) }
                note(added)
                hasTriggers = added.bytes > 0
            }
            backlog.applied(batch.count)
            if hasTriggers, backlog.isEmpty { onWaitingTrigger() }
        }
    }

    /// Queues the notice that an input has been read up to its end.
    func enqueueEnd(_ input: Int, offset: Int64) {
        queue.async { [self] in
            guard !discarded.load(ordering: .acquiring) else { return }
            let moved = confined.withState { state in state.reachEnd(input, at: offset) }
            if moved { changed.store(true, ordering: .releasing) }
        }
    }

    /// Queues a tick of the partition's clock: every input has been read to its end.
    func enqueueTick(wallTime: Timestamp) {
        guard !isTicking.exchange(true, ordering: .acquiringAndReleasing) else { return }
        tickOn(wallTime)
    }

    /// One slice of due timers; the rest goes behind what was queued meanwhile, so that batches and freezes come through.
    private func tickOn(_ wallTime: Timestamp) {
        queue.async { [self] in
            guard !discarded.load(ordering: .acquiring) else { return }
            let tick = confined.withState { state in state.tick(wallTime: wallTime) }
            if tick.moved { changed.store(true, ordering: .releasing) }
            note(tick.added)
            guard !tick.isUnfinished else { return tickOn(wallTime) }
            isTicking.store(false, ordering: .releasing)
            if tick.added.bytes > 0, backlog.isEmpty { onWaitingTrigger() }
        }
    }

    /// Queues a record of the control topic. Control thread, in the order of offsets.
    func enqueue(_ record: ControlRecord) {
        queue.async { [self] in
            guard !discarded.load(ordering: .acquiring) else { return }
            guard let added = confined.withState({ state in state.apply(control: record) }) else { return }
            changed.store(true, ordering: .releasing)
            note(added)
            if added.bytes > 0, backlog.isEmpty { onWaitingTrigger() }
        }
    }

    /// Queues another configuration; what was queued before is judged under the former one.
    func enqueueReload(_ context: RuntimeContext, group: DispatchGroup) {
        queue.async(group: group) { [self] in
            guard !discarded.load(ordering: .acquiring) else { return }
            let added = confined.withState { state in state.reload(context) }
            changed.store(true, ordering: .releasing)
            note(added)
        }
    }

    private func note(_ added: Added) {
        uncommittedBytes.add(added.bytes, ordering: .acquiringAndReleasing)
        uncommittedRecords.add(added.records, ordering: .acquiringAndReleasing)
        backlog.uncommitted(bytes: added.bytes, records: added.records)
    }

    /// Freezes the running share behind everything that was queued before; nil where nothing changed.
    ///
    /// The next share starts running at once.
    func freeze(group: DispatchGroup, into collect: @escaping @Sendable (FrozenShare) -> Void) {
        guard changed.load(ordering: .acquiring) || !backlog.isEmpty else { return }
        queue.async(group: group) { [self] in
            guard !discarded.load(ordering: .acquiring), changed.exchange(false, ordering: .acquiringAndReleasing)
            else {
                return
            }
            let end = stateEnd.load(ordering: .acquiring)
            if let share = confined.withState({ state in state.freeze(stateEnd: end) }) { collect(share) }
        }
    }

    /// Its share was committed. Commit queue.
    func released(stateEnd end: Int64?) {
        if let end, end > stateEnd.load(ordering: .acquiring) { stateEnd.store(end, ordering: .releasing) }
    }

    /// A share is no longer on its way, whatever became of it. Commit queue.
    func settled(_ share: FrozenShare) {
        relieve(
            bytes: Self.take(share.outputBytes, from: uncommittedBytes),
            records: Self.take(share.inputRecords, from: uncommittedRecords))
    }

    /// Drops everything that is still queued; state goes with the worker.
    func discard() {
        guard !discarded.exchange(true, ordering: .acquiringAndReleasing) else { return }
        queue.async { [self] in
            relieve(
                bytes: uncommittedBytes.exchange(0, ordering: .acquiringAndReleasing),
                records: uncommittedRecords.exchange(0, ordering: .acquiringAndReleasing))
        }
    }

    var isDiscarded: Bool { discarded.load(ordering: .acquiring) }

    private func relieve(bytes: Int, records: Int) {
        if bytes > 0 || records > 0 { backlog.settled(bytes: bytes, records: records) }
    }

    /// Takes up to `amount`; a discarded worker has given back everything already.
    private static func take(_ amount: Int, from counter: borrowing Atomic<Int>) -> Int {
        var current = counter.load(ordering: .acquiring)
        while true {
            let taken = min(amount, current)
            let (exchanged, original) = counter.compareExchange(
                expected: current, desired: current - taken, ordering: .acquiringAndReleasing)
            if exchanged { return taken }
            current = original
        }
    }

    /// Looks at the state behind everything that was queued before.
    func snapshot(group: DispatchGroup, into collect: @escaping @Sendable (PartitionSnapshot) -> Void) {
        queue.async(group: group) { [self] in collect(confined.withState { state in state.snapshot() }) }
    }

    /// Usage of accounts as the partition holds it now; for the demo's table and for tests.
    func usage(group: DispatchGroup, of meter: MeterID, into collect: @escaping @Sendable ([AccountUsage]) -> Void) {
        queue.async(group: group) { [self] in collect(confined.withState { state in state.usage(of: meter) }) }
    }
}
