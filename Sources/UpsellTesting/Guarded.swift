internal import Dispatch

/// A value behind a lock that the thread sanitizer knows.
///
/// It does not see the happens-before of a contended `Mutex` (Swift 6.3 on Linux: the slow path lies in a library that
/// is not instrumented) and reports races that are none; it does see that of a serial queue.
// `@unchecked Sendable` is sound because `withLock` is the only way in and runs on the queue.
final class Guarded<Value>: @unchecked Sendable {
    private let queue = DispatchQueue(label: "upselld.testing.guarded")
    private var value: Value

    init(_ value: Value) { self.value = value }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        try queue.sync { try body(&value) }
    }
}
