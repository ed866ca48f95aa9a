internal import Dispatch
internal import Glibc
internal import Synchronization

/// SIGTERM and SIGINT as something to wait for. A second one ends the process at once, as it would have done without.
final class TerminationSignals: Sendable {
    private let first = Mutex<Int32?>(nil)
    private let target = Mutex<DispatchSemaphore?>(nil)
    private let sources: SourceBox

    /// Keeps the sources alive; they are never touched again.
    private final class SourceBox: @unchecked Sendable {
        // `@unchecked`: set once and only released.
        var all: [any DispatchSourceSignal] = []
    }

    init() {
        sources = SourceBox()
        let queue = DispatchQueue(label: "upselld.signals")
        for number in [SIGTERM, SIGINT] {
            // Delivery by the source needs the default action out of the way.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { @Sendable [weak self] in self?.note(number) }
            source.resume()
            sources.all.append(source)
        }
    }

    /// The first signal that came.
    var received: Int32? { first.withLock { $0 } }

    private func note(_ number: Int32) {
        let isFirst = first.withLock { first in
            defer { first = first ?? number }
            return first == nil
        }
        guard isFirst else {
            signal(number, SIG_DFL)
            raise(number)
            return
        }
        target.withLock { $0 }?.signal()
    }

    /// Signals a semaphore with the first signal, or at once if that has come; the last one given is the one.
    func forward(to semaphore: DispatchSemaphore) {
        let hasCome = first.withLock { first in
            target.withLock { $0 = semaphore }
            return first != nil
        }
        if hasCome { semaphore.signal() }
    }
}
