public import UpsellModel

/// Everything `upselld run` decides by, validated as a whole and read-only from then on.
///
/// `ConfigurationLoader.load` builds one from files; the demo and tests build one by `init`. Every default lives in the
/// initialisers below and in those of `Meter` and `Policy`; `config/upselld.yaml` is tested to say the same.
public struct Configuration: Sendable, Equatable {
    /// Meters, plans, add-ons, rules and the policies of input.
    public var catalogue: Catalogue
    /// Templates of messages, checked; empty: triggers carry no words of their own.
    public var words = WordsSource()
    /// Rises with every change of catalogue, rules or policy (accounts, dedup, late, clock, qualification, firstStart,
    /// goLive), so that instances that learn of it at different times do not undo one another's; 0: a partition takes on
    /// whatever configuration its instance has.
    public var sequence: UInt64 = 0
    /// Input that is gone by retention counts as lost instead of being refused; given on the command line for one start.
    public var acceptsLoss = false
    /// What librdkafka is told, in the order written, each name once. Not checked here: KafkaTransport asks librdkafka.
    public var kafka: [KafkaSetting]
    /// How long `run` waits for a first answer of Kafka before it ends with status 69, in milliseconds, `1...`; nil:
    /// for ever.
    public var startTimeout: Int64?
    public var topics: Topics
    public var group: Group
    public var runtime: Runtime
    /// CloudEvents `source` of everything that is emitted.
    public var source: String
    public var log: Log

    public init(
        catalogue: Catalogue, kafka: [KafkaSetting] = KafkaSetting.defaults, startTimeout: Int64? = nil,
        topics: Topics = Topics(), group: Group = Group(), runtime: Runtime = Runtime(), source: String = "upselld",
        log: Log = Log()
    ) {
        self.catalogue = catalogue
        self.kafka = kafka
        self.startTimeout = startTimeout
        self.topics = topics
        self.group = group
        self.runtime = runtime
        self.source = source
        self.log = log
    }

    /// Kafka's `transactional.id` of this instance: stable over restarts, different for each slot of a group.
    ///
    /// A slash occurs in neither name, so that no two slots of any groups have the same.
    public var transactionalID: String { "\(group.id)/\(group.slot)" }

    /// The consumer group and this instance's place in it.
    public struct Group: Sendable, Equatable {
        /// Kafka's `group.id`.
        public var id: String
        /// Name from which `group.instance.id` and the transactional id derive; stable over restarts and different for
        /// each instance of a group. Letters, digits, `.`, `_`, `-`. The loader's default is host name + configuration
        /// path.
        public var slot: String
        /// true: unsubscribe before closing, so that others take over at once; false: a restart causes no rebalance.
        public var leaveOnStop: Bool

        public init(id: String = "upselld", slot: String = "upselld", leaveOnStop: Bool = false) {
            self.id = id
            self.slot = slot
            self.leaveOnStop = leaveOnStop
        }
    }

    /// What the daemon says about itself, and how.
    public struct Log: Sendable, Equatable {
        public var level: Level
        public var format: Format

        public init(level: Level = .info, format: Format = .text) {
            self.level = level
            self.format = format
        }

        /// From most to least severe.
        public enum Level: String, Sendable, CaseIterable { case error, warning, info, debug }
        public enum Format: String, Sendable, CaseIterable { case text, json }
    }
}
