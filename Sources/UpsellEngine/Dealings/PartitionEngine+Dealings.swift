public import UpsellModel

/// The seams between what came true and what is said. Article "Qualification" has the order and the reasons.
extension PartitionEngine {
    /// Outcomes of triggers that came of outcomes, and so on: deeper ones are published and raise nothing, so that two
    /// rules that listen to each other end.
    static let outcomeDepthMax = 4

    /// Qualifies what the record, timer or profile at hand has raised, in the contract's order.
    mutating func qualifyRaised(into effects: inout Effects) {
        guard !raised.isEmpty || !claims.isEmpty else { return }
        while !raised.isEmpty || !claims.isEmpty {
            // What is judged again was there first.
            var due = claims
            claims.removeAll(keepingCapacity: true)
            due += raised.map { Claim($0, rule: program.signals[$0.signal].rule) }
            raised.removeAll(keepingCapacity: true)
            outcomeDepth += 1
            var first = 0
            while first < due.count {
                let account = due[first].account
                let end = due[first...].firstIndex { $0.account != account } ?? due.count
                settle(due[first..<end], account, into: &effects)
                first = end
            }
        }
        outcomeDepth = 0
    }

    /// What is due at `instant`: expiries, the end of an arbitration window, releases, steps.
    ///
    /// - Parameter mode: of the record that moves the clock; within silent history nothing was said or owed.
    mutating func runDealings(_ account: Int, at instant: Int64, _ mode: FiringMode, into effects: inout Effects) {
        guard let story = stories[account], story.dealingsScheduled == instant else { return }
        story.dealingsScheduled = .max
        guard story.dealings.due <= instant else { return scheduleDealings(account) }
        expireOpen(account, at: instant, into: &effects)
        if story.dealings.competitionEnd <= instant { endCompetition(account, into: &effects) }
        releaseOwed(account, at: instant, into: &effects)
        startSteps(account, at: instant, into: &effects)
        qualifyRaised(into: &effects)
        dealingsChanged(account)
    }

    /// An account has another plan, add-ons or status than before.
    ///
    /// - Parameters:
    ///   - last: what held before; nil at its first profile.
    ///   - isNew: nothing was known of the account: it had no plan that it could have left for a higher one.
    ///   - moment: without coordinates where a timer brought it about.
    mutating func dealWithProfile(
        _ account: Int, from last: Terms?, isNew: Bool, _ moment: Moment, into effects: inout Effects
    ) {
        if !isNew { noteUpgrade(account, from: last, moment, into: &effects) }
        guard stories[account]?.dealings.isEmpty == false else { return }
        withdrawIfCancelled(account, moment, into: &effects)
        supersedeByLimits(account, into: &effects)
        askAudiences(account, endsEpisodes: true, into: &effects)
    }

    /// A tombstone: what is open is open no more, and what is owed will not be said.
    mutating func forgetDealings(_ account: Int, into effects: inout Effects) {
        guard let story = stories[account] else { return }
        for entry in story.dealings.owed { move(entry.standing, to: entry.isCounted ? .held : nil) }
        story.dealings.owed = []
        guard !story.dealings.open.isEmpty else { return }
        effects.noteOpened(accounts.name(of: account))
        for entry in story.dealings.open {
            effects.outcomes.append(Outcome(entry.trigger, .withdrawn, clock, emitted: entry.emitted))
        }
        story.dealings.open = []
    }

    /// The account's open triggers, in the order of emission.
    public func openTriggers(account: String) -> [Trigger] {
        let key = unsafe account.utf8.span.bytes
        let number = accounts.find(xxh3(key), key)
        guard number >= 0 else { return [] }
        return stories[number]?.dealings.open.map(\.trigger) ?? []
    }

    /// What the account's digest is to tell of triggers that lost an arbitration; they are told once.
    mutating func takeMerged(_ account: Int) -> [Trigger.Merged] {
        guard let story = stories[account], !story.dealings.merged.isEmpty else { return [] }
        let merged = story.dealings.merged
        story.dealings.merged = []
        dealingsChanged(account)
        return merged
    }

    /// Looks after a record or timer at what depends on the account's counters: who waits for an audience, whose usage
    /// fell back.
    mutating func lookAround(_ account: Int, into effects: inout Effects) {
        guard stories[account]?.dealings.isAlert == true else { return }
        tellResolved(account, into: &effects)
        askAudiences(account, endsEpisodes: false, into: &effects)
    }

    /// Sets the timer of what is due next, where none that is earlier is set.
    mutating func scheduleDealings(_ account: Int) {
        guard let story = stories[account] else { return }
        let due = story.dealings.due
        guard due < story.dealingsScheduled else { return }
        story.dealingsScheduled = due
        setTimer(
            EngineTimer(time: due, accountHash: accounts.hash(of: account), kind: .dealings, account: Int32(account)))
    }

    // MARK: Counting

    /// Moves a signal from one state to another; nil is no state.
    mutating func move(_ from: Standing?, to standing: Standing?) {
        if let from { add(-1, from) }
        if let standing { add(1, standing) }
    }

    private mutating func add(_ count: Int, _ standing: Standing) {
        switch standing {
        case .emitted: statisticsStored.triggers += count
        case .held: statisticsStored.held += count
        case .ghost: statisticsStored.ghosts += count
        case .merged: statisticsStored.merged += count
        case .parked: statisticsStored.parked += count
        case .shadowed: statisticsStored.shadowed += count
        }
    }

    /// Signals that are owed or parked: what the sum begins with after a restore.
    mutating func recountOwed() {
        for account in 0..<accounts.numbers where accounts.isInUse(account) {
            for entry in stories[account]?.dealings.owed ?? [] {
                if entry.isCounted { statisticsStored.signals += 1 } else { statisticsStored.awaitingAudience += 1 }
                move(nil, to: entry.standing)
            }
        }
    }
}
