public import UpsellModel

extension Configuration {
    /// Names of every topic the daemon reads or writes; all different.
    public struct Topics: Sendable, Equatable {
        /// Usage topics, the lead topic first; at least one.
        public var usage: [UsageTopic]
        public var accounts: String
        public var feedback: String
        public var triggers: String
        public var open: String
        public var held: String
        public var outcomes: String
        public var deadLetters: String
        public var control: String
        public var state: String
        public var journal: String
        /// Topics that get a copy of the triggers of a channel, each channel at most once.
        public var channels: [ChannelTopic]
        /// Creates missing outputs and internals; missing inputs are waited for in any case.
        public var create: Bool
        /// Partitions of created outputs; nil: as many as the lead topic has. State and journal always have as many as
        /// that.
        public var partitions: Int?
        /// Replication factor of created topics; nil: the broker's default.
        public var replication: Int?

        public init(
            usage: [UsageTopic] = [UsageTopic(name: "upselld.usage")], accounts: String = "upselld.accounts",
            feedback: String = "upselld.feedback", triggers: String = "upselld.triggers", open: String = "upselld.open",
            held: String = "upselld.held", outcomes: String = "upselld.outcomes",
            deadLetters: String = "upselld.dead-letters", control: String = "upselld.control",
            state: String = "upselld.state", journal: String = "upselld.journal", channels: [ChannelTopic] = [],
            create: Bool = true, partitions: Int? = nil, replication: Int? = nil
        ) {
            self.usage = usage
            self.accounts = accounts
            self.feedback = feedback
            self.triggers = triggers
            self.open = open
            self.held = held
            self.outcomes = outcomes
            self.deadLetters = deadLetters
            self.control = control
            self.state = state
            self.journal = journal
            self.channels = channels
            self.create = create
            self.partitions = partitions
            self.replication = replication
        }
    }

    /// Where the triggers of a channel are copied to.
    public struct ChannelTopic: Sendable, Equatable {
        public var channel: String
        public var topic: String

        public init(channel: String, topic: String) {
            self.channel = channel
            self.topic = topic
        }
    }

    /// A topic of usage events and how its values and timestamps are read.
    public struct UsageTopic: Sendable, Equatable {
        public var name: String
        public var format: EventFormat
        public var clock: Clock

        public init(name: String, format: EventFormat = .cloudEvents, clock: Clock = .live) {
            self.name = name
            self.format = format
            self.clock = clock
        }

        /// What the topic's record timestamps are.
        public enum Clock: String, Sendable, CaseIterable {
            /// Times of arrival: an idle partition ticks on towards wall time.
            case live
            /// A mirror or a replay of history: no ticks.
            case replay
        }
    }
}
