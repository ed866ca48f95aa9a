public import UpsellModel

/// Whether a threshold that is reached fires.
public enum FiringMode: Sendable, Equatable {
    case live
    /// Thresholds reached are spent and nothing fires: usage that lay in the topic before the first start.
    case silent
}

/// What follows from applied input, in the order in which it was decided; reused from batch to batch.
public struct Effects: Sendable {
    public var triggers: [Trigger] = []
    public var held: [HeldTrigger] = []
    /// Rows of the batch that could not be used; they go to the dead-letter topic.
    public var rejected: [RejectedEvent] = []
    /// Readings that will never be counted because their account got no profile in time.
    public var expired: [ExpiredReading] = []
    public var outcomes: [Outcome] = []
    /// Accounts whose set of open triggers changed, in the order of their first change; each once. What is open now is
    /// to be asked of the engine (`PartitionEngine.openTriggers`).
    public private(set) var opened: [String] = []
    private var isOpened: Set<String> = []
    /// Rules that the fuse has taken out, each once.
    public var fused: [FusedRule] = []

    public init() {}

    public var isEmpty: Bool {
        triggers.isEmpty && held.isEmpty && rejected.isEmpty && expired.isEmpty && outcomes.isEmpty && opened.isEmpty
            && fused.isEmpty
    }

    mutating func noteOpened(_ account: String) {
        if isOpened.insert(account).inserted { opened.append(account) }
    }

    /// Empties all lists and keeps their capacity.
    public mutating func removeAll() {
        triggers.removeAll(keepingCapacity: true)
        held.removeAll(keepingCapacity: true)
        rejected.removeAll(keepingCapacity: true)
        expired.removeAll(keepingCapacity: true)
        outcomes.removeAll(keepingCapacity: true)
        opened.removeAll(keepingCapacity: true)
        isOpened.removeAll(keepingCapacity: true)
        fused.removeAll(keepingCapacity: true)
    }
}

/// A rule that reached more accounts than its fuse allows.
public struct FusedRule: Sendable, Equatable {
    public var rule: String
    /// Accounts reached in the hour, in this partition.
    public var accounts: Int
    public var time: Timestamp
}

/// A row of a batch that the engine refused.
public struct RejectedEvent: Sendable, Equatable {
    /// Position in `EventBatch.events`.
    public var row: Int
    public var rejection: Rejection

    public init(row: Int, rejection: Rejection) {
        self.row = row
        self.rejection = rejection
    }
}

/// A reading that waited for its account's profile and left the waiting room uncounted.
public struct ExpiredReading: Sendable, Equatable {
    public var coordinates: InputCoordinates
    public var account: String
    public var meter: String
    public var dimension: String?
    /// Integer of the meter's scale.
    public var quantity: Int64
    public var time: Timestamp
    /// `.noProfile` after `waitDuration`; `.overflow` where the profile came and the counter could not take it.
    public var reason: RejectionReason
}
