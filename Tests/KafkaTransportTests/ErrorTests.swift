import KafkaTransport
import Testing

@Suite(.timeLimit(.minutes(2))) struct ErrorTests {
    @Test func codesCarryTheNameAnOperatorSearchesFor() {
        let names: [(KafkaErrorCode, String)] = [
            (.transport, "_TRANSPORT"), (.allBrokersDown, "_ALL_BROKERS_DOWN"), (.timedOut, "_TIMED_OUT"),
            (.queueFull, "_QUEUE_FULL"), (.authentication, "_AUTHENTICATION"), (.fenced, "_FENCED"),
            (.fatal, "_FATAL"), (.wrongState, "_STATE"), (.unsupportedFeature, "_UNSUPPORTED_FEATURE"),
            (.assignmentLost, "_ASSIGNMENT_LOST"), (.maximumPollExceeded, "_MAX_POLL_EXCEEDED"),
            (.purgedFromQueue, "_PURGE_QUEUE"), (.purgedInFlight, "_PURGE_INFLIGHT"), (.noOffset, "_NO_OFFSET"),
            (.messageTooLarge, "MSG_SIZE_TOO_LARGE"), (.fencedInstanceID, "FENCED_INSTANCE_ID"),
            (.topicAlreadyExists, "TOPIC_ALREADY_EXISTS"), (.invalidProducerEpoch, "INVALID_PRODUCER_EPOCH"),
            (.producerFenced, "PRODUCER_FENCED"), (.invalidRecord, "INVALID_RECORD"),
            (.rebalanceInProgress, "REBALANCE_IN_PROGRESS"), (.offsetOutOfRange, "OFFSET_OUT_OF_RANGE"),
        ]
        for (code, name) in names { #expect(code.name == name) }
        #expect(KafkaErrorCode(rawValue: 31_000).rawValue == 31_000)
    }

    @Test(arguments: [
        (KafkaErrorCode.transport, KafkaError.Recovery.retryCall), (.coordinatorLoading, .retryCall),
        (.messageTooLarge, .abortAndResend), (.rebalanceInProgress, .abortAndResend),
        (.invalidProducerEpoch, .rebuildProducer), (.fenced, .rebuildProducer),
        (.fencedInstanceID, .terminate), (.groupAuthorizationFailed, .terminate),
        (KafkaErrorCode(rawValue: 31_000), .terminate),
    ]) func codeTellsTheNextStep(code: KafkaErrorCode, recovery: KafkaError.Recovery) {
        #expect(KafkaError(code: code).recovery == recovery)
    }

    @Test func fatalErrorsRebuildTheProducerUnlessTheSlotIsTaken() {
        #expect(KafkaError(code: .messageTooLarge, isFatal: true).recovery == .rebuildProducer)
        #expect(KafkaError(code: .fencedInstanceID, isFatal: true).recovery == .terminate)
    }

    @Test func scramRefusedAsInvalidCredentialsNamesTheRemedy() {
        let text = "Authentication failed due to invalid credentials with SASL mechanism SCRAM-SHA-512"
        #expect(KafkaError(code: .authentication, text: text).text.contains("2.6.1"))
        let plain = "Authentication failed due to invalid credentials with SASL mechanism PLAIN"
        #expect(KafkaError(code: .authentication, text: plain).text == plain)
    }

    @Test func failedDeliveriesAreRaisedByTheNextFlushAndThenForgotten() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "triggers", partitions: 1)
        let producer = try mockProducer(cluster, extra: ["enable.idempotence": "false", "linger.ms": "0"])
        try producer.produce(OutputRecord(topic: "triggers", partition: 0, value: [1]))
        try producer.flush(timeoutMilliseconds: 5_000)

        cluster.pushRequestErrors(.produce, [.messageTooLarge])
        try producer.produce(OutputRecord(topic: "triggers", partition: 0, value: [2]))
        do {
            try producer.flush(timeoutMilliseconds: 5_000)
            Issue.record("the failed delivery was swallowed")
        } catch {
            #expect(error.code == .messageTooLarge)
            #expect(error.recovery == .abortAndResend)
            #expect(error.topic == "triggers")
            #expect(error.partition == 0)
            #expect(error.text.hasPrefix("1 record was not delivered"))
        }
        try producer.produce(OutputRecord(topic: "triggers", partition: 0, value: [3]))
        try producer.flush(timeoutMilliseconds: 5_000)
        #expect(producer.deliveredCount == 2)
    }

    // In 2.0.2 headers given one by one are freed twice when the partition does not exist (fixed in 2.12.0).
    @Test func recordWithHeadersForAMissingPartitionIsRefusedWithoutHarm() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "triggers", partitions: 1)
        let producer = try mockProducer(cluster)
        try producer.produce(OutputRecord(topic: "triggers", partition: 0, value: [1]))
        try producer.flush(timeoutMilliseconds: 5_000)
        for _ in 0..<50 {
            let record = OutputRecord(topic: "triggers", partition: 7, value: [1], headers: [("ce_id", [0x31])])
            #expect(throws: KafkaError(code: .unknownPartition)) { try producer.produce(record) }
        }
        try producer.flush(timeoutMilliseconds: 5_000)
    }

    @Test func recordThatIsTooLargeIsRefusedAtOnce() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "triggers", partitions: 1)
        let producer = try mockProducer(cluster, extra: ["message.max.bytes": "1000"])
        let record = OutputRecord(topic: "triggers", partition: 0, value: [UInt8](repeating: 0, count: 2_000))
        #expect(throws: KafkaError(code: .messageTooLarge)) { try producer.produce(record) }
        #expect(producer.outstandingCount == 0)
    }

    @Test func fullQueueIsWaitedForAndNothingIsDropped() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "triggers", partitions: 1)
        let producer = try mockProducer(cluster, extra: ["queue.buffering.max.messages": "10", "linger.ms": "0"])
        for number in 0..<300 {
            try producer.produce(OutputRecord(topic: "triggers", partition: 0, value: Array("\(number)".utf8)))
        }
        try producer.flush(timeoutMilliseconds: 10_000)
        #expect(producer.deliveredCount == 300)
    }

    @Test func fullQueueBehindAClosedBrokerEndsAtTheDeadline() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "triggers", partitions: 1)
        try cluster.brokerDown(1)
        let producer = try KafkaProducer(
            properties: properties(["queue.buffering.max.messages": "3"], brokers: cluster.bootstrapServers),
            queueFullDeadlineMilliseconds: 100)
        let record = OutputRecord(topic: "triggers", partition: 0, value: [1])
        for _ in 0..<3 { try producer.produce(record) }
        #expect(throws: KafkaError(code: .queueFull)) { try producer.produce(record) }
        #expect(throws: KafkaError(code: .timedOut)) { try producer.flush(timeoutMilliseconds: 50) }
        #expect(!producer.close(deadlineMilliseconds: 50))
        #expect(producer.outstandingCount == 0)
    }

    @Test func brokerDownAtStartIsReportedAndOutlived() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "usage", partitions: 1)
        try cluster.brokerDown(1)
        let journey = Journey.fromBeginning(
            try mockConsumer(
                cluster, topics: ["usage"], group: "g",
                extra: ["reconnect.backoff.ms": "50", "reconnect.backoff.max.ms": "200"]))
        #expect(try journey.poll { journey.errors.contains { $0.code == .allBrokersDown } })
        #expect(journey.errors.allSatisfy { !$0.isFatal && $0.recovery == .retryCall })
        try cluster.brokerUp(1)
        let end = ContinuousClock.now + .seconds(10)
        var counts: [String: Int] = [:]
        while counts.isEmpty, ContinuousClock.now < end {
            counts = (try? journey.consumer.metadata(topics: ["usage", "absent"], timeoutMilliseconds: 500)) ?? [:]
        }
        #expect(counts == ["usage": 1])
        // Asking did not create the missing one.
        #expect(try journey.consumer.metadata(topics: ["absent"], timeoutMilliseconds: 5_000).isEmpty)
        #expect(journey.consumer.close(deadlineMilliseconds: 10_000))
    }

    @Test func administrationThatTheEmbeddedBrokerLacksIsANamedError() throws {
        let cluster = try MockCluster()
        try cluster.createTopic(name: "state", partitions: 1)
        let admin = try KafkaAdmin(properties: properties([:], brokers: cluster.bootstrapServers))
        #expect(try admin.listTopics(timeoutMilliseconds: 5_000) == ["state": 1])
        let missing = KafkaError(code: .unsupportedFeature)
        #expect(throws: missing) {
            _ = try admin.createTopics([TopicSpec(name: "new", partitions: 1)], timeoutMilliseconds: 2_000)
        }
        #expect(throws: missing) { _ = try admin.deleteTopics(["state"], timeoutMilliseconds: 2_000) }
        #expect(throws: missing) { _ = try admin.describeConfigs(topic: "state", timeoutMilliseconds: 2_000) }
        #expect(throws: missing) {
            _ = try admin.deleteRecords(before: [("state", 0, 0)], timeoutMilliseconds: 2_000)
        }
    }
}
