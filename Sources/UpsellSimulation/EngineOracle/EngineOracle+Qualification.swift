internal import UpsellModel

/// What was said to an account and what is owed to it.
struct OracleDealings {}

extension EngineOracle {
    mutating func qualify(_ raised: [OracleSignal], _ account: Int) {
        for signal in raised {
            say(signal, account, held: signal.isClosed ? .periodClosed : nil)
        }
    }

    private mutating func say(_ signal: OracleSignal, _ account: Int, held: HoldReason?, until: Int64? = nil) {
        traits.insert(held == nil ? .crosses : .holds)
        said[account].append(
            EngineSaid(
                rule: signal.rule.name, held: held, crossed: signal.crossed, current: signal.current,
                cause: signal.cause, limit: signal.limit, until: until))
    }

    func releases(_ account: Int) -> [Int64] { [] }
    mutating func release(_ account: Int, at instant: Int64) {}
    mutating func notePlan(_ account: Int, from old: Int?, _ isSilent: Bool) {}
    mutating func noteTerms(_ account: Int, at instant: Int64) {}
}
