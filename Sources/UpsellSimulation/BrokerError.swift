/// What a simulated broker answers when it refuses; named as in Kafka's protocol (`Errors.java`).
package enum BrokerError: Error, Sendable, Equatable {
    case unknownTopicOrPartition
    case offsetOutOfRange
    case invalidProducerEpoch
    case producerFenced
    case invalidProducerIDMapping
    case invalidTxnState
    case concurrentTransactions
    case outOfOrderSequence
    case illegalGeneration
    case unknownMemberID
    case fencedInstanceID
    case rebalanceInProgress
    case unstableOffsetCommit
}
