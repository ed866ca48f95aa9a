internal import UpsellConfiguration
internal import UpsellModel

/// Names of a simulation's topics.
enum SimulationTopics {
    static let group = "upselld"
    static let inputs = SimulationWorkload.inputTopics
    static let state = "state"
    static let journal = "journal"
    static let triggers = "triggers"
    static let held = "held"
    static let deadLetters = "dead-letters"

    static var configured: Configuration.Topics {
        Configuration.Topics(
            usage: inputs.dropLast().map { Configuration.UsageTopic(name: $0) }, accounts: inputs[inputs.count - 1],
            triggers: triggers, held: held, deadLetters: deadLetters, state: state, journal: journal)
    }

    /// Outputs without a partition of their own lie in one.
    static func place(_ topic: String, _ partition: Int32?) -> TopicPartition {
        TopicPartition(topic, topic == state || topic == journal ? partition ?? 0 : 0)
    }
}
