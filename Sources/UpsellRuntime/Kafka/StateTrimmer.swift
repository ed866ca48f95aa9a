internal import Dispatch
internal import KafkaTransport
internal import Synchronization
internal import UpsellModel
internal import UpsellTelemetry

/// Deletes what no restore needs any more from the state log: records below the oldest slice of each partition.
///
/// Best effort, on a queue of its own: without the right to delete, the log grows, which is said once, and a restore
/// still begins where the newest offset's metadata says.
final class StateTrimmer: Sendable {
    private let settings: ClientSettings
    private let topic: String
    private let log: Log
    private let kafkaLog: KafkaLog
    private let queue = DispatchQueue(label: "upselld.trim", qos: .utility)
    private let timer = Mutex<RepeatingTimer?>(nil)
    private let positions = Mutex<[PartitionID: Positions]>([:])
    private let hasComplained = Atomic(false)

    private struct Positions: Sendable {
        var wanted: Int64
        var done: Int64 = 0
    }

    init(settings: ClientSettings, topic: String, log: Log, kafkaLog: @escaping KafkaLog) {
        self.settings = settings
        self.topic = topic
        self.log = log
        self.kafkaLog = kafkaLog
    }

    func start() {
        let repeating = RepeatingTimer(on: queue, everyMilliseconds: 30_000) { [weak self] in self?.trim() }
        timer.withLock { $0 = repeating }
    }

    func stop() { timer.withLock { $0.take() }?.cancel() }

    /// A committed epoch of the partition says that a restore begins here. Any thread.
    func note(_ partition: PartitionID, restoreFrom: Int64) {
        positions.withLock { positions in
            let known = positions[partition]?.wanted ?? -1
            // What a former owner's log said may lie higher; a restore's lower bound never hurts.
            if restoreFrom > known { positions[partition, default: Positions(wanted: 0)].wanted = restoreFrom }
        }
    }

    private func trim() {
        let due = positions.withLock { positions in
            positions.filter { $0.value.wanted > $0.value.done }.map {
                (topic: topic, partition: $0.key.rawValue, offset: $0.value.wanted)
            }
        }
        guard !due.isEmpty else { return }
        do {
            let admin = try KafkaAdmin(properties: settings.admin, log: kafkaLog)
            for outcome in try admin.deleteRecords(before: due, timeoutMilliseconds: 10_000) {
                if let error = outcome.error {
                    complain(error)
                } else {
                    positions.withLock {
                        $0[PartitionID(outcome.partition)]?.done = outcome.lowWatermark
                    }
                }
            }
        } catch let error as KafkaError {
            complain(error)
        } catch {
            log.debug("the state log could not be trimmed", [.topic: .text(topic), .error: .text("\(error)")])
        }
    }

    private func complain(_ error: KafkaError) {
        // What passes by itself is tried again in half a minute.
        guard error.recovery == .terminate else {
            return log.debug("the state log could not be trimmed", [.error: .text(error.description)])
        }
        guard !hasComplained.exchange(true, ordering: .relaxed) else { return }
        log.warning(
            "the state log could not be trimmed and grows; the daemon needs the right to delete its records",
            [.topic: .text(topic), .error: .text(error.description)])
    }
}
