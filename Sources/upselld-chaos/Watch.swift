internal import Foundation
internal import KafkaTransport
internal import Synchronization

/// Looks on while the run goes on: reads triggers as a subscriber would, and the group's offsets.
final class Watch: Sendable {
    /// Where the group stands in one partition.
    struct Place: Equatable, CustomStringConvertible {
        var offset: Int64
        /// Transactional id of who wrote last; empty where the daemon says none.
        var writer: String

        var description: String { "\(offset) by \(writer)" }
    }

    private struct State {
        var ledger: TriggerLedger
        var places: [Place?]
        var passes = 0
        var complaints: Set<String> = []
    }

    private let state: Mutex<State>
    private let isStopped = Atomic<Bool>(false)
    private let ended = DispatchGroup()
    private let properties: [KafkaProperty]
    private let partitions: Int
    private let console: Console

    init(_ site: Site) {
        properties = site.properties
        partitions = site.options.partitions
        console = site.console
        let ledger = TriggerLedger(partitions: partitions, what: "while running", violations: site.violations)
        state = Mutex(State(ledger: ledger, places: Array(repeating: nil, count: partitions)))
    }

    func start() {
        for work in [followTriggers, followOffsets] {
            DispatchQueue(label: "upselld.chaos.watch").async(group: ended) { @Sendable in work() }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        ended.wait()
    }

    /// Triggers read so far.
    var triggers: Int { state.withLock { $0.ledger.count } }

    /// By partition; nil where the group has committed nothing.
    var places: [Place?] { state.withLock { $0.places } }

    /// Looks at the group's offsets since the start.
    var passes: Int { state.withLock { $0.passes } }

    /// Input records that were surely worked off: by the group's offsets, else by what the triggers say.
    var progress: Int64 {
        state.withLock { state in
            zip(state.places, state.ledger.reached).reduce(0) { $0 + ($1.0?.offset ?? $1.1) }
        }
    }

    var ledger: TriggerLedger { state.withLock { $0.ledger } }

    /// A broker that is away is part of the play: what cannot be read now is read later.
    private func followTriggers() {
        guard
            var tail = try? TopicTail(
                Site.triggers, partitions: partitions, isolation: .readCommitted, properties: properties)
        else { return }
        while !isStopped.load(ordering: .acquiring) {
            for partition in 0..<partitions where !isStopped.load(ordering: .acquiring) {
                do {
                    try tail.readOn(partition: partition, stallMilliseconds: 2_000) { value, offset in
                        state.withLock { $0.ledger.add(value, partition: partition, offset: offset) }
                    }
                } catch {
                    complain("triggers", error)
                }
            }
            usleep(100_000)
        }
        tail.close()
    }

    private func followOffsets() {
        guard
            let reader = try? LogReader(properties: properties, groupID: Site.group, isolation: .readUncommitted)
        else { return }
        let wanted = (0..<Int32(partitions)).map { $0 }
        while !isStopped.load(ordering: .acquiring) {
            do {
                let found = try reader.committed(topic: Site.usage, partitions: wanted, timeoutMilliseconds: 2_000)
                state.withLock { state in
                    for (partition, offset) in found {
                        state.places[Int(partition)] = Place(
                            offset: offset.offset, writer: Self.writer(offset.metadata))
                    }
                    state.passes += 1
                }
            } catch {
                complain("offsets", error)
            }
            usleep(50_000)
        }
        reader.close(deadlineMilliseconds: 2_000)
    }

    /// Says what is new only: during an outage every look fails.
    private func complain(_ what: String, _ error: any Error) {
        let text = "looking at \(what) has to wait: \(error)"
        let isNews = state.withLock { $0.complaints.insert(text).inserted }
        if isNews { console.say(text) }
    }

    /// `upselld/1 epoch=… state=… writer=<transactional id>`
    private static func writer(_ metadata: String) -> String {
        metadata.split(separator: " ").last { $0.hasPrefix("writer=") }.map { String($0.dropFirst(7)) } ?? ""
    }
}
