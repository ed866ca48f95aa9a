internal import Dispatch
internal import Glibc

/// SIGHUP as something that happens again and again, on a queue of its own.
// `@unchecked Sendable`: the source is made once, and libdispatch's own calls on it are thread-safe.
final class HangupSignal: @unchecked Sendable {
    private let source: any DispatchSourceSignal

    init(_ body: @escaping @Sendable () -> Void) {
        // Delivery by the source needs the default action out of the way, which would end the process.
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: DispatchQueue(label: "upselld.hangup"))
        source.setEventHandler { @Sendable in body() }
        source.resume()
    }

    /// From here on the signal is ignored.
    func cancel() { source.cancel() }

    deinit { source.cancel() }
}
