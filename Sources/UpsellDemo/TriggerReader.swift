internal import Dispatch
internal import KafkaTransport
internal import Synchronization

/// Reads the trigger topic back, as any subscriber would: the demo shows and counts what is on Kafka, not what the
/// daemon says of itself.
///
/// One thread of its own from `start` to `stop`; each trigger is handed over on it, in the order of its partition.
final class TriggerReader: Sendable {
    private let consumer: KafkaConsumer
    private let partitions: Int32
    private let onTrigger: @Sendable ([UInt8]) -> Void
    private let shared = Mutex(Shared())
    private let finished = DispatchSemaphore(value: 0)

    private struct Shared {
        var stopping = false
        /// Partition → offset after the last record that was handed over.
        var next: [Int32: Int64] = [:]
        var failure: KafkaError?
    }

    init(
        servers: String, topic: String, partitions: Int, onTrigger: @escaping @Sendable ([UInt8]) -> Void
    ) throws(DemoError) {
        let properties = [
            ("bootstrap.servers", servers), ("fetch.wait.max.ms", "10"), ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "500"), ("partition.assignment.strategy", "cooperative-sticky"),
        ]
        do {
            consumer = try KafkaConsumer(
                properties: properties.map { KafkaProperty(name: $0.0, value: $0.1, place: "demo") },
                inputTopics: [topic], groupID: "upselld-demo-reader")
        } catch {
            throw .broker(error.description)
        }
        self.partitions = Int32(partitions)
        self.onTrigger = onTrigger
    }

    func start() {
        let queue = DispatchQueue(label: "upselld.demo.reader")
        queue.async { [self] in
            read()
            finished.signal()
        }
    }

    private func read() {
        do throws(KafkaError) {
            try consumer.subscribe()
            while !shared.withLock({ $0.stopping }) {
                var assigned: [Int32] = []
                let result = consumer.poll(maxMessages: 1_000, timeoutMilliseconds: 50) { event in
                    if case .assigned(let partitions) = event { assigned += partitions }
                }
                if !assigned.isEmpty {
                    let starts = assigned.map { partition in
                        let next = shared.withLock { $0.next[partition] }
                        return (input: 0, partition: partition, offset: next.map { KafkaOffset($0) } ?? .beginning)
                    }
                    try consumer.assign(starts)
                }
                for batch in result.batches { deliver(batch) }
                // The mock cluster's topics keep 5 MiB a partition; what was not read in time is a lost trigger, and
                // said.
                if let lost = result.errors.first(where: { $0.isFatal || $0.code == .offsetOutOfRange }) { throw lost }
            }
        } catch {
            shared.withLock { $0.failure = error }
        }
    }

    private func deliver(_ batch: MessageBatch) {
        for index in 0..<batch.count {
            if let value = batch.value(at: index) {
                onTrigger(unsafe value.withUnsafeBytes { unsafe Array($0) })
            }
            let next = batch.offset(at: index) + 1
            shared.withLock { $0.next[batch.partition] = next }
        }
    }

    /// Waits until everything that is on the topic now was handed over.
    func catchUp(timeoutMilliseconds: Int64) throws(DemoError) {
        let deadline = Moment.now() + timeoutMilliseconds
        for partition in 0..<partitions {
            var high: Int64 = 0
            do {
                high = try consumer.watermarks(input: 0, partition: partition, timeoutMilliseconds: 10_000).high
            } catch {
                throw .broker("the end of the trigger topic is not to be had: \(error.description)")
            }
            while true {
                let (next, failure) = shared.withLock { ($0.next[partition] ?? 0, $0.failure) }
                if let failure { throw .broker("reading triggers: \(failure.description)") }
                if next >= high { break }
                guard Moment.now() < deadline else {
                    throw .stalled("the trigger topic was not read to its end in \(timeoutMilliseconds / 1000) s")
                }
                Moment.pause(milliseconds: 5)
            }
        }
    }

    func stop() {
        shared.withLock { $0.stopping = true }
        finished.wait()
        _ = consumer.close(deadlineMilliseconds: 5_000)
    }
}
