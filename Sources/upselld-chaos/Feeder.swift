internal import Foundation
internal import KafkaTransport
internal import Synchronization

/// Writes the workload, as far as it is released: one idempotent producer, so that an account's order is the
/// workload's.
final class Feeder: Sendable {
    private let workload: Workload
    private let topic: String
    private let producer: KafkaProducer
    private let released = Atomic<Int>(0)
    private let written = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)
    private let failure = Mutex<String?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    init(_ workload: Workload, topic: String, bootstrap: String) throws {
        self.workload = workload
        self.topic = topic
        producer = try KafkaProducer(
            properties: Site.properties([
                ("bootstrap.servers", bootstrap), ("partitioner", "murmur2_random"), ("compression.type", "lz4"),
                // A broker may be away for minutes: no record is given up.
                ("message.timeout.ms", "0"), ("linger.ms", "10"),
            ]))
    }

    /// Events handed to the producer so far.
    var count: Int { written.load(ordering: .acquiring) }
    var isDone: Bool { count >= workload.events }

    /// Lets the workload go on up to an event.
    func release(until number: Int) { released.store(min(number, workload.events), ordering: .releasing) }

    func start() {
        DispatchQueue(label: "upselld.chaos.feeder").async { [self] in
            feed()
            ended.signal()
        }
    }

    private func feed() {
        do {
            while !isStopped.load(ordering: .acquiring), !isDone {
                let end = min(released.load(ordering: .acquiring), count + 2_000)
                guard count < end else {
                    producer.poll(timeoutMilliseconds: 5)
                    continue
                }
                for number in count..<end {
                    let event = workload.event(number)
                    try producer.produce(
                        OutputRecord(topic: topic, key: workload.key(event.account), value: workload.value(event)))
                }
                written.store(end, ordering: .releasing)
            }
        } catch {
            failure.withLock { $0 = "\(error)" }
        }
    }

    /// - Throws: what ended it before its time.
    func check() throws(ChaosError) {
        if let text = failure.withLock({ $0 }) { throw ChaosError("feeding: \(text)") }
    }

    /// Waits for the acknowledgement of everything written. After `isDone`.
    func flush() throws {
        try check()
        try producer.flush(timeoutMilliseconds: 60_000)
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        ended.wait()
        _ = producer.close(deadlineMilliseconds: 1_000)
    }
}
