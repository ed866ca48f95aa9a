import CRdKafka
import Dispatch
import Synchronization

/// Wakes librdkafka's fetchers, so that a small prefetch is enough.
///
/// In 2.0.2 a fetcher whose queue is full sleeps for up to 1 s, although the queue drains within milliseconds. Any
/// request to the same broker ends the sleep; `rd_kafka_query_watermark_offsets` is a small one. Measured
/// (exactly-once.md §9): at 60,000 messages / 32 MiB of prefetch the rate triples with a wake-up every 5 ms.
///
/// Runs on a thread of its own, as the request blocks for a round trip, and sleeps without a timer while nothing
/// arrives. Safe from any thread.
public final class FetcherWakeUp: Sendable {
    /// Ticks without a message after which it goes to sleep.
    private static let idleTicks = 4
    /// How long one request may block, in milliseconds.
    private static let requestTimeout: Int32 = 1_000

    private struct Targets: Sendable {
        /// One partition for each leader.
        var partitions: [(topic: String, partition: Int32)] = []
        /// Partitions to choose from when the leaders are asked again.
        var assigned: [(topic: String, partition: Int32)] = []
        var isStale = true
    }

    private let handle: KafkaHandle
    private let intervalMilliseconds: Int
    private let targets = Mutex(Targets())
    private let messages = Atomic<Int>(0)
    private let isSleeping = Atomic<Bool>(false)
    private let isStopped = Atomic<Bool>(false)
    private let isStarted = Atomic<Bool>(false)
    private let requests = Atomic<Int>(0)
    private let bell = DispatchSemaphore(value: 0)
    private let finished = DispatchSemaphore(value: 0)

    /// - Parameter intervalMilliseconds: between two wake-ups, 1 or more; 5 was measured best.
    public init(consumer: KafkaConsumer, intervalMilliseconds: Int) {
        precondition(intervalMilliseconds > 0, "wake-up interval: \(intervalMilliseconds)")
        handle = consumer.handle
        self.intervalMilliseconds = intervalMilliseconds
        consumer.wakeUp.withLock {
            $0?.stop()
            $0 = self
        }
        update(consumer.assignedPartitions.map { (consumer.inputTopics[$0.input], $0.partition) })
    }

    /// Requests sent so far.
    public var requestCount: Int { requests.load(ordering: .relaxed) }

    /// Starts the thread; once.
    public func start() {
        guard !isStarted.exchange(true, ordering: .acquiringAndReleasing) else { return }
        // A queue of its own keeps the blocking request off the pool that others wait for.
        DispatchQueue(label: "upselld.kafka.wake-up", qos: .userInitiated).async { self.run() }
    }

    /// Ends it, and waits at most one request for that.
    public func stop() {
        guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        guard isStarted.load(ordering: .acquiring) else { return }
        bell.signal()
        _ = finished.wait(timeout: .now() + .milliseconds(Int(FetcherWakeUp.requestTimeout)))
    }

    /// Tells that messages were polled, so that there is something to wake for.
    func noteMessages() {
        messages.add(1, ordering: .relaxed)
        if isSleeping.exchange(false, ordering: .acquiringAndReleasing) { bell.signal() }
    }

    /// Tells which partitions are fetched now.
    func update(_ assigned: [(topic: String, partition: Int32)]) {
        targets.withLock {
            $0.assigned = assigned
            $0.isStale = true
        }
    }

    private func run() {
        defer { finished.signal() }
        var seen = 0
        var quietTicks = 0
        while !isStopped.load(ordering: .acquiring) {
            let current = messages.load(ordering: .relaxed)
            quietTicks = current == seen ? quietTicks + 1 : 0
            seen = current
            if quietTicks >= FetcherWakeUp.idleTicks {
                isSleeping.store(true, ordering: .sequentiallyConsistent)
                bell.wait()
                isSleeping.store(false, ordering: .releasing)
                quietTicks = 0
                continue
            }
            wake()
            _ = bell.wait(timeout: .now() + .milliseconds(intervalMilliseconds))
        }
    }

    private func wake() {
        let (partitions, stale) = targets.withLock { targets in
            defer { targets.isStale = false }
            return (targets.partitions, targets.isStale ? targets.assigned : nil)
        }
        var chosen = partitions
        if let stale {
            chosen = onePerLeader(stale)
            targets.withLock { if !$0.isStale { $0.partitions = chosen } }
        }
        for (topic, partition) in chosen {
            guard !isStopped.load(ordering: .acquiring) else { return }
            var low: Int64 = 0
            var high: Int64 = 0
            let result = unsafe rd_kafka_query_watermark_offsets(
                handle.raw, topic, partition, &low, &high, FetcherWakeUp.requestTimeout)
            requests.add(1, ordering: .relaxed)
            // A leader may have moved.
            if result != RD_KAFKA_RESP_ERR_NO_ERROR { targets.withLock { $0.isStale = true } }
        }
    }

    /// The first partition of each leader: one request wakes that broker's fetcher for all of them.
    private func onePerLeader(_ assigned: [(topic: String, partition: Int32)]) -> [(topic: String, partition: Int32)] {
        var pointer: UnsafePointer<rd_kafka_metadata>?
        let result = unsafe rd_kafka_metadata(handle.raw, 0, nil, &pointer, FetcherWakeUp.requestTimeout)
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata = unsafe pointer else {
            return Array(assigned.prefix(1))
        }
        defer { unsafe rd_kafka_metadata_destroy(metadata) }
        var leaders: Set<Int32> = []
        var chosen: [(topic: String, partition: Int32)] = []
        for index in 0..<Int(unsafe metadata.pointee.topic_cnt) {
            let topic = unsafe metadata.pointee.topics[index]
            let name = unsafe String(cString: topic.topic)
            let numbers = Set(assigned.filter { $0.topic == name }.map(\.partition))
            guard !numbers.isEmpty else { continue }
            for position in 0..<Int(unsafe topic.partition_cnt) {
                let (number, leader) = unsafe (topic.partitions[position].id, topic.partitions[position].leader)
                guard numbers.contains(number), leader >= 0, leaders.insert(leader).inserted else { continue }
                chosen.append((name, number))
            }
        }
        return chosen
    }
}
