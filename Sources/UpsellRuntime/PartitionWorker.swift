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
    /// Set when the partition was lost: what is still queued is dropped instead of applied.
    private let discarded = Atomic(false)
    /// Set by every batch and effective tick, cleared by freeze; lets an idle partition cost the commit no hop.
    private let changed = Atomic(false)

    private var queue: DispatchQueue { confined.queue }

    init(partition: PartitionID, context: RuntimeContext, starts: [Int64], silentBelow: [Int64]) {
        self.partition = partition
        backlog = context.backlog
        confined = QueueConfined(
            on: DispatchQueue(label: "upselld.partition.\(partition.rawValue)"),
            PartitionState(partition: partition, context: context, starts: starts, silentBelow: silentBelow))
    }

    /// Queues a batch of this partition. Poll thread; the backlog bounds how much can be queued.
    func enqueue(_ batch: MessageBatch) {
        backlog.queued(batch.count)
        queue.async { [self] in
            if !discarded.load(ordering: .acquiring) {
                changed.store(true, ordering: .releasing)
                let bytes = confined.withState { state in state.process(batch) }
                backlog.produced(bytes: bytes)
            }
            backlog.applied(batch.count)
        }
    }

    /// Queues the notice that an input has been read up to its end.
    func enqueueEnd(_ input: Int, offset: Int64) {
        queue.async { [self] in
            guard !discarded.load(ordering: .acquiring) else { return }
            confined.withState { state in state.reachEnd(input, at: offset) }
        }
    }

    /// Queues a tick of the partition's clock: every input has been read to its end.
    func enqueueTick(wallTime: Timestamp) {
        queue.async { [self] in
            guard !discarded.load(ordering: .acquiring) else { return }
            let (moved, bytes) = confined.withState { state in state.tick(wallTime: wallTime) }
            if moved { changed.store(true, ordering: .releasing) }
            backlog.produced(bytes: bytes)
        }
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
            if let share = confined.withState({ state in state.freeze() }) { collect(share) }
        }
    }

    /// Drops everything that is still queued; state goes with the worker.
    func discard() { discarded.store(true, ordering: .releasing) }
    var isDiscarded: Bool { discarded.load(ordering: .acquiring) }

    /// Looks at the state behind everything that was queued before.
    func snapshot(group: DispatchGroup, into collect: @escaping @Sendable (PartitionSnapshot) -> Void) {
        queue.async(group: group) { [self] in collect(confined.withState { state in state.snapshot() }) }
    }

    /// Usage of accounts as the partition holds it now; for the demo's table and for tests.
    func usage(group: DispatchGroup, of meter: MeterID, into collect: @escaping @Sendable ([AccountUsage]) -> Void) {
        queue.async(group: group) { [self] in collect(confined.withState { state in state.usage(of: meter) }) }
    }
}
