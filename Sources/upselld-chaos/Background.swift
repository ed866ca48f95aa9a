internal import Foundation
internal import Synchronization

/// Calls of the broker tool that take seconds, one after the other beside the loop.
final class Background: Sendable {
    private let queue = DispatchQueue(label: "upselld.chaos.brokers")
    private let failure = Mutex<String?>(nil)

    func run(_ work: @escaping @Sendable () throws -> Void) {
        queue.async { [self] in
            do {
                try work()
            } catch {
                failure.withLock { $0 = "\(error)" }
            }
        }
    }

    /// Waits for all that was asked for.
    func settle() { queue.sync {} }

    /// - Throws: the last failure.
    func check() throws(ChaosError) {
        if let text = failure.withLock({ $0 }) { throw ChaosError(text) }
    }
}

extension Background {
    /// Calls side by side, waited for together.
    final class Fan: Sendable {
        private let group = DispatchGroup()
        private let failure = Mutex<String?>(nil)

        func run(_ work: @escaping @Sendable () throws -> Void) {
            DispatchQueue.global().async(group: group) { [self] in
                do {
                    try work()
                } catch {
                    failure.withLock { $0 = "\(error)" }
                }
            }
        }

        /// - Throws: the last failure.
        func settle() throws(ChaosError) {
            group.wait()
            if let text = failure.withLock({ $0 }) { throw ChaosError(text) }
        }
    }
}
