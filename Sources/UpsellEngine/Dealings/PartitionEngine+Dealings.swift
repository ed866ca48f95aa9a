public import UpsellModel

extension PartitionEngine {
    /// Qualifies what the record, timer or profile at hand has raised, in the contract's order.
    mutating func qualifyRaised(into effects: inout Effects) {
        guard !raised.isEmpty else { return }
        for candidate in raised {
            if candidate.isClosed {
                statisticsStored.held += 1
                effects.held.append(HeldTrigger(trigger: candidate.trigger, reason: .periodClosed))
            } else {
                statisticsStored.triggers += 1
                effects.triggers.append(candidate.trigger)
            }
        }
        raised.removeAll(keepingCapacity: true)
    }

    /// What is due at `instant`: releases, expiries, steps.
    mutating func runDealings(_ account: Int, at instant: Int64, _ mode: FiringMode, into effects: inout Effects) {}

    /// An account has another plan, add-ons or status than before.
    mutating func dealWithProfile(_ account: Int, from last: Terms?, _ moment: Moment, into effects: inout Effects) {}

    /// A tombstone: what is open is open no more.
    mutating func forgetDealings(_ account: Int, into effects: inout Effects) {}

    /// Applies what a channel or a customer-success manager reports.
    ///
    /// - Returns: false for a repeated id.
    @discardableResult
    public mutating func apply(
        feedback: Feedback, account: String, recordTime: Timestamp, into effects: inout Effects
    ) -> Bool { false }

    /// Applies a control record; those at or before the last one applied do nothing.
    public mutating func apply(control: ControlCommand, into effects: inout Effects) {}

    /// Offset of the next control record to be applied; 0 before the first.
    public var nextControl: Int64 { 0 }

    /// The account's open triggers, in the order of emission.
    public func openTriggers(account: String) -> [Trigger] { [] }
}
