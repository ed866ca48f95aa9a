internal import UpsellConfiguration
internal import UpsellModel

/// Names of a simulation's topics.
enum SimulationTopics {
    static let group = "upselld"
    /// Two usage topics, of which the first leads the group, the accounts and the feedback.
    static let inputs = SimulationWorkload.inputTopics
    static let accounts = 2
    static let feedback = 3
    static let state = "state"
    static let journal = "journal"
    static let triggers = "triggers"
    static let held = "held"
    static let outcomes = "outcomes"
    static let open = "open"
    static let control = "control"
    static let deadLetters = "dead-letters"

    static var configured: Configuration.Topics {
        Configuration.Topics(
            usage: inputs.prefix(accounts).map { Configuration.UsageTopic(name: $0) }, accounts: inputs[accounts],
            feedback: inputs[feedback], triggers: triggers, open: open, held: held, outcomes: outcomes,
            deadLetters: deadLetters, control: control, state: state, journal: journal)
    }

    /// Outputs without a partition of their own lie in one.
    static func place(_ topic: String, _ partition: Int32?) -> TopicPartition {
        TopicPartition(topic, topic == state || topic == journal ? partition ?? 0 : 0)
    }
}
