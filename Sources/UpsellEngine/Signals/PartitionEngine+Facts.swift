internal import UpsellModel

/// What every trigger says of its account, and how triggers of signals are made.
extension PartitionEngine {
    /// The account's plan as its counters were last armed under; the default plan, or none, without profile.
    func planName(_ account: Int) -> String {
        let index = termsIndex[account]
        if index >= 0, let own = terms[Int(index)] { return own.plan(at: own.limitsAt) }
        return program.defaultPlan.map { program.catalogue.plans[$0].name } ?? ""
    }

    /// Fills what a trigger says of the account: plan, status, what its words need of the profile, and what happens at
    /// the limit of its meter. Segments are not among them.
    func complete(_ trigger: inout Trigger, _ account: Int) {
        let index = termsIndex[account]
        let own = index >= 0 ? terms[Int(index)] : nil
        trigger.plan = planName(account)
        trigger.status = own?.status(at: clock.milliseconds) ?? .active
        trigger.locale = own?.facts.locale
        trigger.timeZone = own?.zone?.name
        trigger.currency = own?.facts.currency
        trigger.owner = own?.facts.owner
        if let facts = own?.facts, !facts.shareable.isEmpty {
            trigger.attributes = facts.attributes.filter { facts.shareable.contains($0.name) }
        } else {
            trigger.attributes = []
        }
        trigger.consequence = nil
        if let name = trigger.usage?.meter, let meter = program.catalogue.meter(named: name) {
            trigger.consequence =
                program.catalogue.plans.first { $0.name == trigger.plan }?.limits[meter.index].consequence
        }
    }

    /// A trigger of a signal that is no limit.
    ///
    /// - Parameters:
    ///   - meter: hashed into its id; -1 for none.
    ///   - dimension: feature or identity of the event; empty for none.
    ///   - limitVersion: 0 where no limit is involved.
    ///   - lastEpisode: of the trigger before; `.min` for none.
    func makeTrigger(
        _ account: Int, _ signal: Int, _ moment: Moment, meter: Int = -1, dimension: String = "",
        limitVersion: UInt64 = 0, episode: Int64, threshold: Int64 = 0, lastEpisode: Int64
    ) -> Trigger {
        let code = program.signals[signal]
        let key = ArmingKey(
            signal: code.watch.kind, rule: program.catalogue.rules[code.rule].name, ruleVersion: code.version,
            account: accounts.name(of: account), meter: meter < 0 ? "" : program.catalogue.meters[meter].name,
            dimension: dimension, limitVersion: limitVersion, episode: Timestamp(milliseconds: episode),
            threshold: threshold)
        return Trigger(
            id: key.id, account: key.account, rule: key.rule, ruleVersion: code.version, signal: key.signal,
            cause: moment.cause, episode: key.episode, eventTime: Timestamp(milliseconds: moment.time), plan: "",
            status: .active, coordinates: moment.coordinates,
            rearmed: rearming(account, code, episode: episode, lastEpisode: lastEpisode, moment))
    }

    /// What armed a signal anew: another episode than the last trigger's, else the reload that brought the rule.
    private func rearming(
        _ account: Int, _ code: SignalCode, episode: Int64, lastEpisode: Int64, _ moment: Moment
    ) -> Trigger.Rearming? {
        if moment.cause == .ruleChanged { return .ruleChanged }
        if lastEpisode > .min, lastEpisode != episode { return .newEpisode }
        guard code.adoptedAt > .min, flags[account] & Self.reloadedFlag != 0 else { return nil }
        return .ruleChanged
    }

    /// Usage of a meter as it stands.
    ///
    /// - Parameters:
    ///   - dimension: value of the meter's dimension; nil for the counter without.
    ///   - previous, current: where they are not the present usage.
    func usage(
        _ account: Int, _ meter: Int, dimension: String? = nil, previous: Int64? = nil, current: Int64? = nil
    ) -> Trigger.Usage {
        let definition = program.catalogue.meters[meter]
        let code = program.meters[meter]
        let now = value(account, meter, dimension: dimension)
        var period: Trigger.Span?
        if code.group >= 0 {
            let running = periods[account * groupCount + code.group]
            if !running.isNone {
                period = Trigger.Span(
                    start: Timestamp(milliseconds: running.start), end: Timestamp(milliseconds: running.end))
            }
        }
        return Trigger.Usage(
            meter: definition.name, unit: definition.unit, scale: definition.scale,
            dimension: definition.dimension.flatMap { own in
                dimension.map { Trigger.Dimension(name: own.name, value: $0) }
            },
            previous: previous ?? current ?? now, current: current ?? now, limit: limit(account, meter),
            period: period, limitVersion: cells[account * meterCount + meter].limitVersion)
    }

    /// Usage of the current window; of a period that is over 0.
    func value(_ account: Int, _ meter: Int, dimension: String? = nil) -> Int64 {
        let code = program.meters[meter]
        if code.group >= 0 {
            let running = periods[account * groupCount + code.group]
            if running.isNone || clock.milliseconds >= running.end { return 0 }
        }
        guard let dimension else { return cells[account * meterCount + meter].value }
        let key = sideKey(account, meter, dimension: unsafe Self.hash(ofDimension: dimension.utf8.span.bytes))
        return sideIndex[key].map { sides[Int($0)].cell.value } ?? 0
    }
}
