internal import UpsellModel

/// Which thresholds of a limit rule are an account's own.
struct ThresholdChoice {
    /// The first whose condition holds counts.
    let variants: [LimitSignal.Variant]
    /// Where none holds.
    let base: [Int64]

    init(_ signal: LimitSignal) {
        variants = signal.variants
        base = signal.base
    }
}

extension PartitionEngine {
    /// The thresholds that are the account's at this moment.
    func thresholds(of choice: ThresholdChoice, _ account: Int) -> [Int64] {
        choice.variants.first { holds($0.condition, account) }?.thresholds ?? choice.base
    }

    /// All readings of a record are counted: what waited for it is judged, and what came true before the last of them
    /// says the segments that hold after it.
    mutating func finishReadings(_ account: Int, _ moment: Moment, into effects: inout Effects) {
        isAmongReadings = false
        if !choosing.isEmpty {
            let due = choosing
            choosing.removeAll(keepingCapacity: true)
            for (counter, rule, previous, closed) in due {
                let limit = limit(counter.account, counter.meter)
                fire(counter, rule, limit, previous: previous, closed: closed, moment, into: &effects)
                setNextTrip(counter, limit)
            }
        }
        guard !raised.isEmpty, !program.catalogue.segments.isEmpty else { return }
        let segments = segments(of: account)
        for index in raised.indices { raised[index].trigger.segments = segments }
    }
}
