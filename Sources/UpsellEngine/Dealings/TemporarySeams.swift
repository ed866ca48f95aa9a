internal import UpsellModel

/// Stands in for conditions and remedies until their branch is merged.
extension PartitionEngine {
    func holds(_ condition: Condition, _ account: Int) -> Bool {
        switch condition {
        case .all(let parts): return parts.allSatisfy { holds($0, account) }
        case .any(let parts): return parts.contains { holds($0, account) }
        case .not(let part): return !holds(part, account)
        case .text(.plan, let names):
            let own = termsIndex[account] >= 0 ? terms[Int(termsIndex[account])] : nil
            let plan = own.map { $0.plan(at: $0.limitsAt) } ?? program.defaultPlan.map { program.catalogue.plans[$0].name }
            return names.contains(plan ?? "")
        default: return true
        }
    }

    func segments(of account: Int) -> [String] { [] }

    func remedy(for account: Int, trigger: Trigger) -> Remedy { Remedy(.none, reason: .nothingFits) }
}
