internal import Dispatch
internal import KafkaTransport
internal import Synchronization
internal import UpsellModel
internal import UpsellTelemetry
internal import UpsellWire

/// Reads the control topic from its first record on and hands every record to every partition. A thread of its own.
final class ControlReader: Sendable {
    private let port: any ControlPort
    private let feed: ControlFeed
    private let log: Log
    private let topic: String
    private let queue = DispatchQueue(label: "upselld.control")
    private let state: QueueConfined<State>
    private let isStopped = Atomic(false)
    private let refusedCount = Atomic(0)

    private struct State: ~Copyable {
        var position: Int64 = 0
        var decoder = ControlDecoder()
        var lastTrouble: String?
    }

    init(port: any ControlPort, feed: ControlFeed, topic: String, log: Log) {
        self.port = port
        self.feed = feed
        self.topic = topic
        self.log = log
        state = QueueConfined(on: queue, State())
    }

    /// Records that could not be read as commands.
    var refused: Int { refusedCount.load(ordering: .relaxed) }

    /// Reads what there is, so that no partition begins before it knows what was paused; then goes on in the background.
    ///
    /// Without Kafka, or without the topic, it does not wait: what comes later is applied when it comes.
    func start() {
        let deadline = ContinuousClock.now + .milliseconds(Self.patience)
        while !queue.sync(execute: look), ContinuousClock.now < deadline, !isStopped.load(ordering: .acquiring) {
            pause(milliseconds: Self.interval)
        }
        wait()
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        queue.async { [self] in port.close() }
    }

    private func wait() {
        queue.asyncAfter(deadline: .now() + .milliseconds(Self.interval)) { [weak self] in
            guard let self, !isStopped.load(ordering: .acquiring) else { return }
            _ = look()
            wait()
        }
    }

    /// - Returns: whether everything was read.
    private func look() -> Bool {
        let came = feed.takeUnchecked()
        do throws(KafkaError) {
            let (low, high) = try port.watermarks()
            feed.check(came, end: high)
            var position = state.withState { $0.position }
            if position < low || position > high {
                if position > 0 {
                    log.error(
                        "the control topic does not go on where it was read up to; it is read from its first record",
                        [.topic: .text(topic), .offset: .init(position), "low": .init(low), "high": .init(high)])
                    feed.forget()
                }
                position = low
            }
            while position < high, !isStopped.load(ordering: .acquiring) {
                let reached = try port.read(from: position, until: high) { offset, timestamp, value in
                    hand(offset, timestamp, value)
                }
                guard reached > position else { break }
                position = reached
                state.withState { $0.position = position }
            }
            state.withState {
                $0.position = position
                $0.lastTrouble = nil
            }
            return position >= high
        } catch {
            feed.check(came, end: nil)
            complain(error)
            return false
        }
    }

    private func hand(_ offset: Int64, _ timestamp: Int64, _ value: [UInt8]?) {
        let recordTime = Timestamp(milliseconds: timestamp)
        let bytes = value ?? []
        do throws(Rejection) {
            let command = try state.withState { state throws(Rejection) in
                unsafe try state.decoder.decode(value: bytes.span.bytes, recordTime: recordTime, offset: offset)
            }
            log.info(
                "control record",
                [
                    .offset: .init(offset), "action": .text(command.action.name), .rule: .text(command.rule),
                    "by": .text(command.by),
                ])
            feed.hand(ControlRecord(command: command, recordTime: recordTime, value: bytes))
        } catch {
            refusedCount.add(1, ordering: .relaxed)
            log.error(
                "a control record cannot be used and does nothing",
                [
                    .topic: .text(topic), .offset: .init(offset),
                    .reason: .text("\(error.reason.rawValue): \(error.detail)"),
                ])
        }
    }

    /// The same trouble once, until it is over.
    private func complain(_ error: KafkaError) {
        let isNews = state.withState { state in
            defer { state.lastTrouble = error.description }
            return state.lastTrouble != error.description
        }
        guard isNews else { return }
        log.warning(
            "the control topic cannot be read; pauses and tests are applied once it can",
            [.topic: .text(topic), .error: .text(error.description)])
    }

    /// Milliseconds between two looks.
    private static let interval = 250
    /// Milliseconds for which a start waits for what is in the topic.
    private static let patience = 5_000
}
