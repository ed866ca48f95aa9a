internal import Dispatch
internal import Glibc
internal import Synchronization
internal import UpsellTelemetry

/// Ends the process when a call into librdkafka hangs: 2.0.2 has some that do, for ever. A restart is clean, since
/// everything that was not committed is read again.
///
/// Kafka being away is no hang: calls may take as long as it is away, so what stands still counts only while Kafka
/// answers another question.
final class Watchdog: Sendable {
    private let limit: Int64
    private let log: Log
    private let isKafkaThere: @Sendable () -> Bool
    private let end: @Sendable () -> Void
    private let queue = DispatchQueue(label: "upselld.watchdog", qos: .userInitiated)
    private let timer = Mutex<RepeatingTimer?>(nil)
    private let state = Mutex(State())

    private struct State: Sendable {
        var rounds: UInt64 = 0
        var roundsSince: Int64 = 0
        /// Kafka has answered all the time since then.
        var reachableSince: Int64?
    }

    /// - Parameters:
    ///   - limit: milliseconds of standstill, with Kafka there, after which the process ends; 0: never.
    ///   - isKafkaThere: asks Kafka something simple; blocks for a few seconds at most.
    ///   - end: what ends the process; tests hand in another.
    init(
        limit: Int64, log: Log, end: @escaping @Sendable () -> Void = { _exit(70) },
        isKafkaThere: @escaping @Sendable () -> Bool
    ) {
        self.limit = limit
        self.log = log
        self.end = end
        self.isKafkaThere = isKafkaThere
    }

    /// - Parameters:
    ///   - commits: milliseconds since the commit loop's last answer.
    ///   - rounds: of the poll loop.
    func start(commits: @escaping @Sendable () -> Int64, rounds: @escaping @Sendable () -> UInt64) {
        guard limit > 0 else { return }
        state.withLock { $0.roundsSince = Committer.monotonicMilliseconds }
        let repeating = RepeatingTimer(on: queue, everyMilliseconds: max(10, limit / 10)) { [weak self] in
            self?.look(commits(), rounds())
        }
        timer.withLock { $0 = repeating }
    }

    func stop() { timer.withLock { $0.take() }?.cancel() }

    private func look(_ commitsStalled: Int64, _ rounds: UInt64) {
        let now = Committer.monotonicMilliseconds
        let pollStalled = state.withLock { state in
            if state.rounds != rounds {
                state.rounds = rounds
                state.roundsSince = now
            }
            return now - state.roundsSince
        }
        let stalled = max(pollStalled, commitsStalled)
        guard stalled >= limit / 2 else {
            state.withLock { $0.reachableSince = nil }
            return
        }
        guard isKafkaThere() else {
            state.withLock { $0.reachableSince = nil }
            return
        }
        let reachable = state.withLock { state in
            let since = state.reachableSince ?? now
            state.reachableSince = since
            return now - since
        }
        guard stalled >= limit, reachable >= limit / 2 else { return }
        log.error(
            "a call into the Kafka library hangs while Kafka answers; the process ends and starts anew",
            [
                "loop": commitsStalled >= pollStalled ? "commit" : "poll", .tookMilliseconds: .init(stalled),
            ])
        end()
    }
}
