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

    /// All readings of a record are counted: what waited for it is judged.
    mutating func finishReadings(_ moment: Moment, into effects: inout Effects) {
        isAmongReadings = false
        guard !choosing.isEmpty else { return }
        let due = choosing
        choosing.removeAll(keepingCapacity: true)
        for (counter, rule, previous, closed) in due {
            let limit = limit(counter.account, counter.meter)
            fire(counter, rule, limit, previous: previous, closed: closed, moment, into: &effects)
            setNextTrip(counter, limit)
        }
    }
}
