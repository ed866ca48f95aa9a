internal import UpsellModel

/// Finds the cheapest plan, add-ons or overage that lifts an account over its limits (contract §5, "Remedy").
///
/// A pure function of catalogue and situation. *Need*: the meters projected over their limit, and the one the trigger is
/// about. What lifts them has to cover the projected use and the headroom, and may lower no other limit below present
/// use. Without need the next plan of the ladder that gives more of what the trigger is about. Integers only, which
/// end at their greatest where a catalogue would overflow them.
struct RemedyFinder {
    let catalogue: Catalogue
    let situation: RemedySituation
    /// Position of the account's plan.
    let present: Int?
    /// By meter, what a remedy has to allow; nil: the meter is in no need.
    let cover: [Int128?]

    init(catalogue: Catalogue, situation: RemedySituation) {
        self.catalogue = catalogue
        self.situation = situation
        present = catalogue.plans.firstIndex { $0.name == situation.plan }
        cover = Self.cover(situation, headroom: catalogue.policy.headroom)
    }

    /// By meter, the projected use and its headroom, of those that are or will be over their limit.
    private static func cover(_ situation: RemedySituation, headroom: Int64) -> [Int128?] {
        situation.limits.indices.map { meter in
            guard case .of(let limit) = situation.limits[meter] else { return nil }
            var use = situation.projected[meter]
            if case .limit(let reached) = situation.focus, reached == meter {
                // It fires before the limit as well, and what is not in the plan is met before it is used.
                use = max(use, limit, 1)
            } else if use <= limit {
                return nil
            }
            let free = (Int128(use) * Int128(max(headroom, 0)) + 9_999) / 10_000
            return Int128(use) + free
        }
    }

    var isInNeed: Bool { cover.contains { $0 != nil } }

    func find() -> Remedy {
        guard let present else { return Remedy(.none, reason: .unknownPlan) }
        let plan = catalogue.plans[present]
        if plan.isCustom { return Remedy(.none, reason: .customPlan) }
        if let pending = pendingPlan(above: present) { return none(.alreadyEntitled, naming: pending) }
        if isInNeed {
            let candidates = plansThatFit(above: present) + addOnsThatFit() + overageThatFits(present)
            if let best = candidates.min(by: { $0.isBefore($1) }) { return remedy(best, from: present) }
        } else {
            if case .limit = situation.focus { return Remedy(.none, reason: .alreadyEntitled) }
            switch wanted(above: present) {
            case .plan(let index): return remedy(candidate(plan: index, over: present), from: present)
            case .nothingMore: return Remedy(.none, reason: .alreadyEntitled)
            case .nothingFits: break
            }
        }
        return Remedy(.none, reason: plans(above: present).isEmpty ? .topPlan : .nothingFits)
    }

    // MARK: Plans

    /// Positions of the plans that can be bought and are higher on the ladder, lowest first; archived ones are replaced
    /// by their successors.
    func plans(above present: Int) -> [Int] {
        var found: [Int] = []
        for index in catalogue.plans.indices where index > present {
            guard let sold = successor(of: index), sold > present, !catalogue.plans[sold].isCustom else { continue }
            if !found.contains(sold) { found.append(sold) }
        }
        return found.sorted()
    }

    /// The plan itself, or what replaces it at last; nil for one whose successors are unknown or go in a circle.
    private func successor(of plan: Int) -> Int? {
        var index = plan
        for _ in catalogue.plans.indices {
            guard let name = catalogue.plans[index].successor else { return index }
            guard let next = catalogue.plans.firstIndex(where: { $0.name == name }) else { return nil }
            index = next
        }
        return nil
    }

    /// The limit under a plan with the add-ons that the account keeps, and more of them.
    func limit(_ meter: Int, plan: Int, more: [Int: Int64] = [:]) -> Limit {
        if let override = situation.overrides[meter] { return override }
        guard case .of(let amount) = catalogue.plans[plan].limits[meter].limit else { return .unlimited }
        var sum = Int128(amount)
        for (index, addOn) in catalogue.addOns.enumerated() where addOn.adds[meter] != 0 {
            var quantity = Int128(more[index] ?? 0)
            for holding in situation.holdings where holding.addOn == addOn.name {
                quantity += Int128(holding.quantity)
            }
            sum += Int128(addOn.adds[meter]) * Int128(Int64(clamping: quantity))
            sum = min(max(sum, Int128(Int64.min)), Int128(Int64.max))
        }
        return .of(Int64(max(sum, 0)))
    }

    /// Lifts every meter in need and lowers none below present use.
    func fits(plan: Int, more: [Int: Int64] = [:]) -> Bool {
        situation.limits.indices.allSatisfy { meter in
            guard case .of(let next) = limit(meter, plan: plan, more: more) else { return true }
            if let least = cover[meter] { return Int128(next) >= least }
            return next >= situation.used[meter] || !situation.limits[meter].isAbove(.of(next))
        }
    }

    private func plansThatFit(above present: Int) -> [RemedyCandidate] {
        plans(above: present).filter { fits(plan: $0) }.map { candidate(plan: $0, over: present) }
    }

    /// A plan that is decided on, is higher, and gives what is needed; the headroom is the next remedy's business.
    private func pendingPlan(above present: Int) -> Int? {
        guard let pending = catalogue.plans.firstIndex(where: { $0.name == situation.pendingPlan }), pending > present
        else { return nil }
        if isInNeed {
            let isEnough = situation.limits.indices.allSatisfy { meter in
                guard cover[meter] != nil, case .of(let next) = limit(meter, plan: pending) else { return true }
                return next >= situation.projected[meter] && Limit.of(next).isAbove(situation.limits[meter])
            }
            return isEnough ? pending : nil
        }
        return gives(pending, over: present) ? pending : nil
    }

    // MARK: Without need

    private enum Wanted { case plan(Int), nothingMore, nothingFits }

    /// The next plan of the ladder that gives more of what the trigger is about.
    private func wanted(above present: Int) -> Wanted {
        let fitting = plans(above: present).filter { fits(plan: $0) }
        switch situation.focus {
        case .trial:
            // While it is tried the plan may be the account's already: it is to be bought all the same.
            let tried = catalogue.plans.firstIndex { $0.name == situation.trialPlan }
            let bought = tried ?? (situation.isTrialing ? present : nil)
            if let bought, let sold = successor(of: bought), sold >= present, !catalogue.plans[sold].isCustom,
                sold > present || situation.isTrialing, fits(plan: sold)
            {
                return .plan(sold)
            }
        case .feature, .growth:
            if let next = fitting.first(where: { gives($0, over: present) }) { return .plan(next) }
            if hasAllThereIs(present) { return .nothingMore }
        case .limit, .nothing: break
        }
        return fitting.first.map { .plan($0) } ?? .nothingFits
    }

    /// Whether a higher plan gives more of what the trigger is about.
    private func gives(_ plan: Int, over present: Int) -> Bool {
        switch situation.focus {
        case .limit(let meter), .growth(let meter): limit(meter, plan: plan).isAbove(situation.limits[meter])
        case .feature(let name):
            catalogue.plans[plan].level(of: name).map { $0 != catalogue.plans[present].level(of: name) } ?? false
        case .trial, .nothing: true
        }
    }

    /// The account has the feature, or the meter without limit, and no plan gives more of it.
    private func hasAllThereIs(_ present: Int) -> Bool {
        switch situation.focus {
        case .limit(let meter), .growth(let meter): situation.limits[meter] == .unlimited
        case .feature(let name): catalogue.plans[present].level(of: name) != nil
        case .trial, .nothing: false
        }
    }
}

extension Plan {
    /// nil where the plan does not have the feature.
    func level(of feature: String) -> String? { features.first { $0.name == feature }?.level }
}
