public import Dispatch

/// State that only one serial queue may touch.
///
/// Every access traps off the queue, in release builds too (about 7 ns, so: once a batch, never once a record).
// `@unchecked Sendable` is sound because `withState` is the only way in and checks the queue.
public final class QueueConfined<State: ~Copyable>: @unchecked Sendable {
    public let queue: DispatchQueue
    private var state: State

    public init(on queue: DispatchQueue, _ state: consuming sending State) {
        self.queue = queue
        self.state = state
    }

    /// Runs `body` on the confined state. Call it on `queue` only.
    public func withState<Result, Failure: Error>(_ body: (inout State) throws(Failure) -> Result) throws(Failure)
        -> Result
    {
        dispatchPrecondition(condition: .onQueue(queue))
        return try body(&state)
    }
}
