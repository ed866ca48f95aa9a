import CRdKafka

/// Identifies an error of Kafka or of librdkafka; an unknown number survives.
///
/// Negative codes (names with a leading underscore) come from the client library, positive ones from a broker.
public struct KafkaErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The name an operator would search for, such as `_FENCED` or `MSG_SIZE_TOO_LARGE`.
    public var name: String {
        guard let name = unsafe rd_kafka_err2name(rd_kafka_resp_err_t(rawValue)) else { return "ERROR_\(rawValue)" }
        return unsafe String(cString: name)
    }

    /// librdkafka's sentence for the code.
    public var sentence: String {
        guard let text = unsafe rd_kafka_err2str(rd_kafka_resp_err_t(rawValue)) else { return "Error \(rawValue)" }
        return unsafe String(cString: text)
    }

    public var description: String { name }

    init(_ native: rd_kafka_resp_err_t) { rawValue = native.rawValue }

    var native: rd_kafka_resp_err_t { rd_kafka_resp_err_t(rawValue) }
}

extension KafkaErrorCode {
    public static let noError = KafkaErrorCode(rawValue: 0)

    // The client library's own.
    public static let transport = KafkaErrorCode(rawValue: -195)
    public static let criticalSystemResource = KafkaErrorCode(rawValue: -194)
    public static let resolve = KafkaErrorCode(rawValue: -193)
    public static let messageTimedOut = KafkaErrorCode(rawValue: -192)
    public static let partitionEnd = KafkaErrorCode(rawValue: -191)
    public static let unknownPartition = KafkaErrorCode(rawValue: -190)
    public static let unknownTopic = KafkaErrorCode(rawValue: -188)
    public static let allBrokersDown = KafkaErrorCode(rawValue: -187)
    public static let invalidArgument = KafkaErrorCode(rawValue: -186)
    public static let timedOut = KafkaErrorCode(rawValue: -185)
    public static let queueFull = KafkaErrorCode(rawValue: -184)
    public static let waitingForCoordinator = KafkaErrorCode(rawValue: -180)
    public static let inProgress = KafkaErrorCode(rawValue: -178)
    public static let wrongState = KafkaErrorCode(rawValue: -172)
    public static let assignPartitions = KafkaErrorCode(rawValue: -175)
    public static let revokePartitions = KafkaErrorCode(rawValue: -174)
    public static let authentication = KafkaErrorCode(rawValue: -169)
    public static let noOffset = KafkaErrorCode(rawValue: -168)
    public static let unsupportedFeature = KafkaErrorCode(rawValue: -165)
    public static let ssl = KafkaErrorCode(rawValue: -181)
    public static let purgedFromQueue = KafkaErrorCode(rawValue: -152)
    public static let purgedInFlight = KafkaErrorCode(rawValue: -151)
    public static let retry = KafkaErrorCode(rawValue: -153)
    public static let fatal = KafkaErrorCode(rawValue: -150)
    public static let maximumPollExceeded = KafkaErrorCode(rawValue: -147)
    public static let fenced = KafkaErrorCode(rawValue: -144)
    public static let assignmentLost = KafkaErrorCode(rawValue: -142)
    public static let noOperation = KafkaErrorCode(rawValue: -141)
    public static let autoOffsetReset = KafkaErrorCode(rawValue: -140)

    // The brokers'.
    public static let offsetOutOfRange = KafkaErrorCode(rawValue: 1)
    public static let unknownTopicOrPartition = KafkaErrorCode(rawValue: 3)
    public static let leaderNotAvailable = KafkaErrorCode(rawValue: 5)
    public static let notLeaderForPartition = KafkaErrorCode(rawValue: 6)
    public static let requestTimedOut = KafkaErrorCode(rawValue: 7)
    public static let messageTooLarge = KafkaErrorCode(rawValue: 10)
    public static let coordinatorLoading = KafkaErrorCode(rawValue: 14)
    public static let coordinatorNotAvailable = KafkaErrorCode(rawValue: 15)
    public static let notCoordinator = KafkaErrorCode(rawValue: 16)
    public static let recordListTooLarge = KafkaErrorCode(rawValue: 18)
    public static let notEnoughReplicas = KafkaErrorCode(rawValue: 19)
    public static let notEnoughReplicasAfterAppend = KafkaErrorCode(rawValue: 20)
    public static let illegalGeneration = KafkaErrorCode(rawValue: 22)
    public static let unknownMember = KafkaErrorCode(rawValue: 25)
    public static let rebalanceInProgress = KafkaErrorCode(rawValue: 27)
    public static let topicAuthorizationFailed = KafkaErrorCode(rawValue: 29)
    public static let groupAuthorizationFailed = KafkaErrorCode(rawValue: 30)
    public static let clusterAuthorizationFailed = KafkaErrorCode(rawValue: 31)
    public static let unsupportedVersion = KafkaErrorCode(rawValue: 35)
    public static let topicAlreadyExists = KafkaErrorCode(rawValue: 36)
    public static let notController = KafkaErrorCode(rawValue: 41)
    public static let outOfOrderSequence = KafkaErrorCode(rawValue: 45)
    public static let invalidProducerEpoch = KafkaErrorCode(rawValue: 47)
    public static let invalidTransactionState = KafkaErrorCode(rawValue: 48)
    public static let invalidProducerIDMapping = KafkaErrorCode(rawValue: 49)
    public static let concurrentTransactions = KafkaErrorCode(rawValue: 51)
    public static let transactionalIDAuthorizationFailed = KafkaErrorCode(rawValue: 53)
    public static let unknownProducerID = KafkaErrorCode(rawValue: 59)
    public static let fencedInstanceID = KafkaErrorCode(rawValue: 82)
    public static let invalidRecord = KafkaErrorCode(rawValue: 87)
    public static let unstableOffsetCommit = KafkaErrorCode(rawValue: 88)
    public static let producerFenced = KafkaErrorCode(rawValue: 90)
}
