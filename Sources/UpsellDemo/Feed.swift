public import UpsellModel

/// Something to put on a topic of the embedded broker.
public struct FeedRecord: Equatable, Sendable {
    public var topic: Topic
    /// Account id.
    public var key: [UInt8]
    /// JSON.
    public var value: [UInt8]
    /// Kafka's record timestamp; nil: now.
    public var time: Timestamp?
    /// The plan that a profile puts its account on.
    public var plan: String?

    public init(topic: Topic, key: [UInt8], value: [UInt8], time: Timestamp?, plan: String? = nil) {
        self.topic = topic
        self.key = key
        self.value = value
        self.time = time
        self.plan = plan
    }

    public enum Topic: Sendable { case usage, accounts }
}

/// What a feed hands out next.
public enum FeedStep: Equatable, Sendable {
    case record(FeedRecord)
    /// Everything before it shall have been taken in before what follows is produced: a profile that changes what the
    /// same usage means lies in another topic, and topics have no common order but this.
    case settle
    /// A line, at `file:line`, that is no usage.
    case malformed(place: String, what: String)
    case end
}

/// A stream of usage for the demo.
protocol Feed: ~Copyable {
    /// What it is, for the head of the view.
    var title: String { get }
    mutating func next() throws(DemoError) -> FeedStep
}
