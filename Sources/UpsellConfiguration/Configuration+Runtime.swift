extension Configuration {
    /// Bounds and intervals of the running daemon. Durations in milliseconds.
    public struct Runtime: Sendable, Equatable {
        /// Time between the ends of two epochs: how long a trigger waits at most before it is visible.
        public var commitInterval: Int64
        /// For crash tests: waits so long between sending the offsets and committing.
        public var commitHold: Int64
        /// Records applied and not committed yet; beyond it reading pauses. Bounds memory while Kafka is away.
        public var epochRecordsMax: Int
        /// A standstill of so long while Kafka answers ends the process with status 70, to be started anew; 0: never.
        public var watchdog: Int64
        /// Larger record values are dead-lettered `oversized`, in bytes. 1 MiB is the largest batch a broker takes by
        /// default.
        public var maxRecordBytes: Int
        /// Larger dead letters carry coordinates, size, SHA-256 and the first 4 KiB instead of the value, in bytes.
        /// 900,000 leaves 100,000 for headers below librdkafka's `message.max.bytes` of 1,000,000.
        public var deadLetterMaxBytes: Int
        /// Triggers, held triggers and dead letters that may wait for Kafka's acknowledgement, in bytes; beyond it
        /// reading pauses.
        public var outputBytesMax: Int
        /// Records that one hop from the poll thread to a partition's queue carries at most.
        public var batchRecords: Int
        /// Batches that may wait at one partition's queue; beyond it the partition is paused.
        public var queueBatches: Int
        /// `queued.min.messages`: records librdkafka fetches ahead.
        public var queuedMinMessages: Int
        /// `queued.max.messages.kbytes`: KiB librdkafka fetches ahead. 60,000 records and 32 MiB were the fastest of
        /// those measured: the prefetch stays in the cache.
        public var queuedMaxKbytes: Int
        /// Between two requests that end the fetcher's sleep of up to 1 s in librdkafka 2.0.2; 0: none.
        public var wakeUpInterval: Int64
        /// How long a revocation waits for work in flight before the partition counts as lost.
        public var revokeTimeout: Int64
        /// How long a stop may take before the process ends without a clean close.
        public var stopTimeout: Int64
        /// Between two ticks of an idle partition's clock.
        public var tickInterval: Int64

        public init(
            commitInterval: Int64 = 100, maxRecordBytes: Int = 1_048_576, deadLetterMaxBytes: Int = 900_000,
            outputBytesMax: Int = 67_108_864,
            batchRecords: Int = 5_000, queueBatches: Int = 8, queuedMinMessages: Int = 60_000,
            queuedMaxKbytes: Int = 32_768, wakeUpInterval: Int64 = 5, revokeTimeout: Int64 = 5_000,
            stopTimeout: Int64 = 20_000, tickInterval: Int64 = 1_000, commitHold: Int64 = 0,
            epochRecordsMax: Int = 1_000_000, watchdog: Int64 = 20_000
        ) {
            self.commitHold = commitHold
            self.epochRecordsMax = epochRecordsMax
            self.watchdog = watchdog
            self.commitInterval = commitInterval
            self.maxRecordBytes = maxRecordBytes
            self.deadLetterMaxBytes = deadLetterMaxBytes
            self.outputBytesMax = outputBytesMax
            self.batchRecords = batchRecords
            self.queueBatches = queueBatches
            self.queuedMinMessages = queuedMinMessages
            self.queuedMaxKbytes = queuedMaxKbytes
            self.wakeUpInterval = wakeUpInterval
            self.revokeTimeout = revokeTimeout
            self.stopTimeout = stopTimeout
            self.tickInterval = tickInterval
        }
    }
}
