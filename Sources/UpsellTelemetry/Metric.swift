/// A family of numbers the daemon publishes about itself.
///
/// Counters are named `upselld_<noun>_<unit>_total`, gauges `upselld_<noun>_<unit>`. `Metric.all` is the catalogue:
/// what is not in it cannot be published.
public struct Metric: Sendable, Hashable {
    public let name: String
    public let kind: Kind
    /// One sentence for the reader of a dashboard.
    public let help: String
    /// Names of the labels, in order; a cell gives one value for each.
    public let labels: [String]

    public enum Kind: String, Sendable { case counter, gauge }

    private init(counter noun: String, _ unit: String, labels: [String] = [], _ help: String) {
        name = "upselld_\(noun)_\(unit)_total"
        kind = .counter
        self.help = help
        self.labels = labels
    }

    private init(gauge noun: String, _ unit: String, labels: [String] = [], _ help: String) {
        name = "upselld_\(noun)_\(unit)"
        kind = .gauge
        self.help = help
        self.labels = labels
    }
}

extension Metric {
    // Input. `read = applied + duplicates + skipped + dead letters + waiting` holds for usage at every epoch's end.
    public static let inputRecords = Metric(
        counter: "input", "records", "Records read from the input topics.")
    public static let usageEvents = Metric(counter: "usage", "events", "Usage events applied to at least one meter.")
    public static let duplicateEvents = Metric(
        counter: "duplicate", "events", "Usage events whose identity was seen before; they changed nothing.")
    public static let skippedEvents = Metric(
        counter: "skipped", "events", "Events of a type or content that no meter asks for.")
    public static let lateEvents = Metric(counter: "late", "events", "Usage events behind grace: lifetime meters only.")
    public static let waitingEvents = Metric(
        gauge: "waiting", "events", "Usage events kept until the profile of their account arrives.")
    public static let profiles = Metric(
        counter: "profile", "records", "Profiles and tombstones taken from the accounts topic.")
    public static let feedback = Metric(
        counter: "feedback", "records", "Feedback applied to a trigger.")
    public static let repeatedFeedback = Metric(
        counter: "repeated_feedback", "records", "Feedback whose id was seen before; it changed nothing.")
    public static let controlRecords = Metric(
        counter: "control", "records", "Control records applied, counted once for each partition.")
    public static let refusedControls = Metric(
        counter: "refused_control", "records", "Control records that are no command; they do nothing.")
    public static let reloads = Metric(
        counter: "configuration", "reloads", labels: ["result"], "Reloads of the configuration: applied or refused.")
    public static let deadLetters = Metric(
        counter: "dead_letter", "records", labels: ["reason"], "Records sent to the dead-letter topic.")
    public static let keyMismatches = Metric(
        counter: "key_mismatch", "records", labels: ["topic"], "Records whose key is not their account id.")
    public static let misplacedKeys = Metric(
        counter: "misplaced_key", "records", labels: ["topic"],
        "Records that lie where the topic's own partitioner would not put them.")
    public static let offsetGaps = Metric(
        counter: "offset_gap", "records",
        "Offsets of usage topics that held no record, such as markers of transactions.")
    public static let repeatedRecords = Metric(
        counter: "repeated", "records",
        "Records that librdkafka handed out a second time; dropped by their offset.")

    // Output.
    public static let triggers = Metric(
        counter: "trigger", "records", labels: ["rule"], "Triggers published.")
    public static let heldTriggers = Metric(
        counter: "held_trigger", "records", labels: ["reason"], "Triggers that were held back.")
    public static let signals = Metric(
        gauge: "disposed", "signals", labels: ["state"],
        "Signals of this instance's partitions since they came, by the one state that each is in: emitted, held, ghost, merged, parked or shadow."
    )
    public static let outcomes = Metric(
        counter: "outcome", "records", labels: ["kind"], "Outcomes of triggers published.")
    public static let openChanges = Metric(
        counter: "open", "records", "Records of what is open of an account, tombstones included.")
    public static let openLeftOut = Metric(
        counter: "open_left_out", "triggers",
        "Open triggers left out of their account's record to make it fit its topic.")
    public static let shortenedTriggers = Metric(
        counter: "shortened", "triggers", "Triggers and held ones published without words to fit their topic.")
    public static let channelCopies = Metric(
        counter: "channel_copy", "records", "Copies of triggers for the topics of their channels.")
    public static let fusedRules = Metric(
        counter: "fused", "rules", labels: ["rule"], "Times the fuse took a rule out in a partition.")
    public static let epochs = Metric(counter: "partition", "epochs", "Frozen shares that left a partition.")
    public static let deliveryFailures = Metric(
        counter: "delivery", "failures", labels: ["topic"], "Output records that Kafka refused.")

    // Condition.
    public static let assignedPartitions = Metric(gauge: "assigned", "partitions", "Partitions this instance owns.")
    public static let accounts = Metric(gauge: "known", "accounts", "Accounts with state in this instance.")
    public static let dedupIdentities = Metric(gauge: "dedup", "identities", "Event identities remembered.")
    public static let dedupHorizon = Metric(
        gauge: "dedup_horizon", "seconds", labels: ["partition"],
        "How far back from the partition's clock a repeated identity is still recognised.")
    public static let clockLag = Metric(
        gauge: "clock_lag", "seconds", labels: ["partition"], "Wall time minus the partition's clock.")

    /// The catalogue, in the order in which it is published.
    public static let all: [Metric] = [
        inputRecords, usageEvents, duplicateEvents, skippedEvents, lateEvents, waitingEvents,
        profiles, feedback, repeatedFeedback, controlRecords, refusedControls, reloads, deadLetters, keyMismatches,
        misplacedKeys, offsetGaps, repeatedRecords, triggers, heldTriggers, signals,
        outcomes, openChanges, openLeftOut,
        shortenedTriggers, channelCopies, fusedRules, epochs,
        deliveryFailures, assignedPartitions, accounts, dedupIdentities, dedupHorizon, clockLag,
    ]
}
