internal import Dispatch

/// Calls a function on a queue again and again until it is cancelled.
// `@unchecked Sendable`: the source is made once and libdispatch's own calls on it are thread-safe.
final class RepeatingTimer: @unchecked Sendable {
    private let source: any DispatchSourceTimer

    init(on queue: DispatchQueue, everyMilliseconds interval: Int64, _ body: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeTimerSource(queue: queue)
        source.schedule(
            deadline: .now() + .milliseconds(Int(interval)), repeating: .milliseconds(Int(interval)),
            leeway: .milliseconds(Int(max(1, interval / 10))))
        source.setEventHandler { @Sendable in body() }
        source.activate()
    }

    func cancel() { source.cancel() }

    deinit { source.cancel() }
}
