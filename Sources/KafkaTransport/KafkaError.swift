import CRdKafka

/// Reports one failure of Kafka or of its client library, with the step that recovers from it.
///
/// Two errors are equal if their codes are. The text never holds a secret or a payload.
public struct KafkaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The caller's next step (`exactly-once.md` §2).
    public enum Recovery: Sendable, Equatable {
        /// Same call, same arguments, after a short back-off and within a deadline; or, for an asynchronous report,
        /// nothing: the client library keeps trying.
        case retryCall
        /// The epoch did not get out: abort it and send the same bytes again.
        case abortAndResend
        /// The producer handle is dead: check membership, then make a new one.
        case rebuildProducer
        /// No retry can help: a person has to act.
        case terminate
    }

    public let code: KafkaErrorCode
    /// One or two sentences for the operator, with the likely remedy where it is known.
    public let text: String
    public let recovery: Recovery
    /// Whether librdkafka declared the whole handle dead.
    public let isFatal: Bool
    /// Topic concerned, if one is.
    public let topic: String?
    /// Partition concerned, if one is.
    public let partition: Int32?
    /// Where the setting at fault stands (`config/upselld.yaml:12`), if one is at fault.
    public let place: String?
    /// Source position that raised it.
    public let fileID: String
    public let line: Int

    public init(
        code: KafkaErrorCode, text: String? = nil, recovery: Recovery? = nil, isFatal: Bool = false,
        topic: String? = nil, partition: Int32? = nil, place: String? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        self.code = code
        self.text = KafkaError.withRemedy(text ?? code.sentence, code: code)
        self.recovery = recovery ?? (isFatal ? KafkaError.recovery(fatal: code) : KafkaError.recovery(from: code))
        self.isFatal = isFatal
        self.topic = topic
        self.partition = partition
        self.place = place
        self.fileID = fileID
        self.line = line
    }

    public static func == (left: KafkaError, right: KafkaError) -> Bool { left.code == right.code }

    public var description: String {
        var description = place.map { "\($0): " } ?? ""
        description += "\(code.name): \(text)"
        if let topic {
            description += " (\(topic)"
            if let partition { description += " [\(partition)]" }
            description += ")"
        }
        return description
    }
}

extension KafkaError {
    /// Copies code, text and flags, then destroys the error: `rd_kafka_error_destroy`.
    ///
    /// The order of the questions is the library's: fatal, needs an abort, retriable, and anything else by its code, as
    /// `otherwise` says.
    init(
        consuming error: OpaquePointer, topic: String? = nil, partition: Int32? = nil,
        otherwise: (KafkaErrorCode) -> Recovery = KafkaError.recovery(from:), fileID: String = #fileID,
        line: Int = #line
    ) {
        let code = unsafe KafkaErrorCode(rd_kafka_error_code(error))
        let text = unsafe rd_kafka_error_string(error).map { unsafe String(cString: $0) }
        let isFatal = unsafe rd_kafka_error_is_fatal(error) != 0
        var recovery: Recovery?
        if !isFatal {
            if unsafe rd_kafka_error_txn_requires_abort(error) != 0 {
                recovery = .abortAndResend
            } else if unsafe rd_kafka_error_is_retriable(error) != 0 {
                recovery = .retryCall
            } else {
                recovery = otherwise(code)
            }
        }
        unsafe rd_kafka_error_destroy(error)
        self.init(
            code: code, text: text, recovery: recovery, isFatal: isFatal, topic: topic, partition: partition,
            fileID: fileID, line: line)
    }

    /// Step after an error that killed the handle.
    static func recovery(fatal code: KafkaErrorCode) -> Recovery {
        switch code {
        // Two processes hold one slot: a new handle would fence the rightful owner (exactly-once.md §4).
        case .fencedInstanceID, .transactionalIDAuthorizationFailed, .clusterAuthorizationFailed,
            .topicAuthorizationFailed, .unsupportedFeature, .unsupportedVersion:
            .terminate
        default: .rebuildProducer
        }
    }

    /// Step after an error of which only the code is known.
    static func recovery(from code: KafkaErrorCode) -> Recovery {
        switch code {
        case .transport, .resolve, .allBrokersDown, .timedOut, .queueFull, .waitingForCoordinator, .inProgress, .ssl,
            .authentication, .retry, .leaderNotAvailable, .notLeaderForPartition, .requestTimedOut, .coordinatorLoading,
            .coordinatorNotAvailable, .notCoordinator, .notController, .unknownTopicOrPartition, .unstableOffsetCommit,
            .concurrentTransactions, .maximumPollExceeded, .partitionEnd, .noOffset, .noOperation:
            .retryCall
        case .messageTimedOut, .messageTooLarge, .recordListTooLarge, .notEnoughReplicas,
            .notEnoughReplicasAfterAppend, .illegalGeneration, .unknownMember, .rebalanceInProgress, .assignmentLost,
            .purgedFromQueue, .purgedInFlight, .invalidRecord, .unknownPartition, .unknownTopic:
            .abortAndResend
        case .fenced, .fatal, .outOfOrderSequence, .invalidProducerEpoch, .invalidTransactionState,
            .invalidProducerIDMapping, .unknownProducerID, .producerFenced:
            .rebuildProducer
        default: .terminate
        }
    }

    /// Adds the remedy to messages that mislead.
    private static func withRemedy(_ text: String, code: KafkaErrorCode) -> String {
        // librdkafka before 2.6.1 doubles the client nonce of SCRAM; brokers from 4.0 on check it and refuse a correct
        // password as "invalid credentials".
        if code == .authentication, rd_kafka_version() < 0x0206_0100, text.contains("SCRAM"),
            text.contains("invalid credentials")
        {
            return text
                + ". If the password is right: brokers from 4.0 on refuse SCRAM from librdkafka before 2.6.1; use "
                + "sasl.mechanism=PLAIN over TLS, mutual TLS, or a newer librdkafka"
        }
        return text
    }
}
