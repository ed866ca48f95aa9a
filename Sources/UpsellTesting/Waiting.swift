#if canImport(Glibc)
    internal import Glibc
#endif

/// Waits until a condition holds, looking every millisecond; false when it did not within the bound.
///
/// The bound is a guard against a hanging test, never an expectation of speed.
public func eventually(seconds: Int = 30, _ condition: () -> Bool) -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if condition() { return true }
        napOneMillisecond()
    }
    return condition()
}

func napOneMillisecond() {
    var time = timespec(tv_sec: 0, tv_nsec: 1_000_000)
    _ = unsafe nanosleep(&time, nil)
}

/// A list that callbacks of any thread add to.
public final class Recorded<Element: Sendable>: Sendable {
    private let elements = Guarded<[Element]>([])
    public init() {}
    public func add(_ element: Element) { elements.withLock { $0.append(element) } }
    public var all: [Element] { elements.withLock { $0 } }
}
