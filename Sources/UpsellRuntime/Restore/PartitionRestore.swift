internal import KafkaTransport
internal import Synchronization
internal import UpsellConfiguration
internal import UpsellModel
internal import UpsellStateLog
internal import UpsellTelemetry

/// Runs a `RestoreMachine` against Kafka, blocking, until the partition can be read or is refused.
struct PartitionRestore: Sendable {
    let partition: PartitionID
    let context: RuntimeContext
    let port: any RestorePort
    /// True once the partition was revoked, or the daemon stops.
    let isCancelled: @Sendable () -> Bool

    /// Shared by all restores of the process.
    let fences: RecentFences
    /// See `PartitionState`.
    let banned: Set<InputCoordinates>
    let backlog: Backlog
    /// Handed to the worker; see there.
    let onWaitingTrigger: @Sendable () -> Void

    enum Result {
        case ready(PartitionWorker, starts: [Int64], profilesUntil: Int64)
        case refused(String)
        case cancelled
    }

    /// What a restore took; for the log.
    struct Figures {
        var bytes = 0
        var records = 0
        var epochs = 0
    }

    func run() -> Result {
        let began = Committer.monotonicMilliseconds
        var machine = RestoreMachine(context.expectation(partition))
        var restorer: PartitionRestorer?
        var end: Int64 = 0
        var figures = Figures()
        while let operation = machine.next() {
            if isCancelled() { return .cancelled }
            let outcome: RestoreMachine.Outcome
            if case .read(let from, let until) = operation {
                var reading = PartitionRestorer(
                    partition: partition, start: from, slicing: context.slicing, timeZones: TimeZones.table(named:))
                outcome = read(&reading, from: from, until: until, &figures)
                end = until
                restorer = consume reading
            } else {
                outcome = perform(operation)
            }
            machine.completed(outcome, now: Committer.monotonicMilliseconds)
        }
        switch machine.decision {
        case .genesis(let inputs):
            return ready(PartitionState(genesis: partition, context: context, inputs: inputs))
        case .refuse(let text): return .refused(text)
        case .resume(let notes):
            guard let restorer = restorer.take() else { return .refused("nothing was read of the state log") }
            do throws(RestoreError) {
                let restored = try restorer.finish(
                    end: end, losses: machine.losses, lows: machine.lows)
                report(restored.header, notes, machine.losses, figures, began)
                return ready(PartitionState(restored: restored, context: context, banned: banned))
            } catch {
                return .refused(error.text)
            }
        case nil: return .cancelled
        }
    }

    private func ready(_ state: consuming sending PartitionState) -> Result {
        let starts = state.next
        let profilesUntil = state.profilesUntil
        return .ready(
            PartitionWorker(state, backlog: backlog, onWaitingTrigger: onWaitingTrigger), starts: starts,
            profilesUntil: profilesUntil)
    }

    private func perform(_ operation: RestoreMachine.Operation) -> RestoreMachine.Outcome {
        do throws(KafkaError) {
            switch operation {
            case .fetchCommitted:
                do throws(KafkaError) {
                    return .committed(try port.committed(partition))
                } catch  where error.code == .unstableOffsetCommit {
                    return .pending
                }
            case .newestWriter: return .writer(try port.newestWriter(partition))
            case .fence(let writer):
                guard fences.shouldFence(writer, now: Committer.monotonicMilliseconds) else { return .done }
                context.log.info(
                    "the former owner left a transaction open; its transactional id is fenced",
                    [.partition: .init(partition.rawValue), "writer": .text(writer)])
                try port.fence(writer: writer)
                return .done
            case .stateWatermarks:
                let (low, high) = try port.stateWatermarks(partition)
                return .watermarks(low: low, high: high)
            case .inputWatermarks: return .inputs(try port.inputWatermarks(partition))
            case .verify(let input, let offset):
                guard let record = try port.inputRecord(input.index, partition, offset: offset) else {
                    return .recordGone
                }
                return .record(timestamp: record.timestamp, checksum: record.checksum)
            case .wait(let milliseconds): pause(milliseconds: Int(milliseconds))
            case .read: preconditionFailure("reading has a restorer")
            }
            return .done
        } catch {
            context.log.warning(
                "a partition's restore asks again",
                [.partition: .init(partition.rawValue), .error: .text(error.description)])
            return .failed(error)
        }
    }

    private func read(
        _ restorer: inout PartitionRestorer, from: Int64, until: Int64, _ figures: inout Figures
    ) -> RestoreMachine.Outcome {
        var complaint: String?
        var seen = Figures()
        do {
            try port.readState(partition, from: from, until: until) { offset, value in
                if isCancelled() { throw Cancelled() }
                seen.bytes += value.count
                seen.records += 1
                guard complaint == nil else { return }
                do throws(RestoreError) {
                    try restorer.add(value, offset: offset)
                } catch {
                    complaint = error.text
                }
            }
        } catch let error as KafkaError {
            return .failed(error)
        } catch {
            return .failed(KafkaError(code: .inProgress, text: "the restore was cancelled"))
        }
        figures = seen
        figures.epochs = restorer.epochs
        var summary = restorer.summary
        if let complaint { summary.complaint = complaint }
        return .read(summary)
    }

    private struct Cancelled: Error {}

    private func report(
        _ header: ChunkHeader, _ notes: [String], _ losses: [(input: InputID, from: Int64, to: Int64)],
        _ figures: Figures, _ began: Int64
    ) {
        for note in notes {
            context.log.warning("restore", [.partition: .init(partition.rawValue), .reason: .text(note)])
        }
        for loss in losses {
            context.log.error(
                "input is gone by retention and counts as lost (--accept-loss)",
                [
                    .topic: .text(context.inputs.names[loss.input.index]), .partition: .init(partition.rawValue),
                    "from": .init(loss.from), "to": .init(loss.to),
                ])
        }
        context.log.info(
            "partition restored",
            [
                .partition: .init(partition.rawValue), "epoch": .init(header.epoch), "bytes": .init(figures.bytes),
                "records": .init(figures.records), "epochs": .init(figures.epochs),
                .tookMilliseconds: .init(Committer.monotonicMilliseconds - began),
            ])
    }
}

/// Whom this process has fenced of late: one dead owner's transaction holds the offsets of all its partitions, and ending it
/// once is enough. Fencing again would only hit the owner, should it be alive after all.
final class RecentFences: Sendable {
    private let times = Mutex<[String: Int64]>([:])

    func shouldFence(_ writer: String, now: Int64) -> Bool {
        times.withLock { times in
            times = times.filter { now - $0.value < Self.pause }
            guard times[writer] == nil else { return false }
            times[writer] = now
            return true
        }
    }

    private static let pause: Int64 = 5_000
}
