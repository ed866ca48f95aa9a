internal import UpsellModel

/// What signals and dealings keep of one account. A class, so that it is changed in its place.
final class AccountStory {
    var signals = SignalStates()
    var dealings = Dealings()
    /// Earliest timers that are set.
    var signalsScheduled = Int64.max
    var dealingsScheduled = Int64.max
}

extension PartitionEngine {
    /// The account's story, to be changed; made where it is missing. The caller marks the account.
    mutating func story(of account: Int) -> AccountStory {
        if let story = stories[account] { return story }
        let story = AccountStory()
        stories[account] = story
        return story
    }

    /// Notes that states of signals changed, and sets the timer of what is due next.
    mutating func signalsChanged(_ account: Int) {
        guard let story = stories[account] else { return }
        if story.signals.isDirty { markChanged(account, Self.signalsMark) }
        let due = story.signals.earliest
        guard due < story.signalsScheduled else { return }
        story.signalsScheduled = due
        setTimer(
            EngineTimer(time: due, accountHash: accounts.hash(of: account), kind: .signals, account: Int32(account)))
    }

    mutating func dealingsChanged(_ account: Int) {
        guard stories[account] != nil else { return }
        markChanged(account, Self.dealingsMark)
        scheduleDealings(account)
    }
}
