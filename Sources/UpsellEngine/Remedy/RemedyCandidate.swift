internal import UpsellModel

/// Something that lifts every meter in need, and what it costs.
struct RemedyCandidate {
    var kind: Remedy.Kind
    /// Plan: its position. Add-ons: that of the first.
    var place: Int
    var name: String
    /// Add-ons by position, and how many of each; empty for plan and overage.
    var addOns: [(index: Int, quantity: Int64)] = []
    var cost: Cost

    /// Money in minor units of the account's currency, for a whole interval.
    struct Cost: Equatable {
        var price: Int64?
        /// To what the account pays now.
        var difference: Int64?
        /// Why there is no price.
        var reason: Remedy.Reason?
    }

    /// Cheapest first: by difference; then what has a price and nothing to compare it with, by price; then what has no
    /// amount. Of equal ones plan, add-on, overage; the lower on the ladder; the name.
    func isBefore(_ other: RemedyCandidate) -> Bool {
        func compare<Key: Comparable>(_ a: Key, _ b: Key) -> Bool? { a == b ? nil : a < b }
        return compare(rank, other.rank)
            ?? compare(cost.difference ?? cost.price ?? 0, other.cost.difference ?? other.cost.price ?? 0)
            ?? compare(kindRank, other.kindRank) ?? compare(place, other.place) ?? compare(name, other.name)
            ?? compare(units, other.units) ?? false
    }

    private var rank: Int { cost.difference != nil ? 0 : cost.price != nil ? 1 : 2 }

    private var kindRank: Int {
        switch kind {
        case .plan: 0
        case .addOn: 1
        case .overage: 2
        case .none: 3
        }
    }

    private var units: Int128 { addOns.reduce(0) { $0 + Int128($1.quantity) } }
}

// MARK: Prices

extension RemedyFinder {
    func candidate(plan index: Int, over present: Int) -> RemedyCandidate {
        let plan = catalogue.plans[index]
        var cost = price(of: plan.prices)
        if let price = cost.price {
            cost.difference = presentPrice(present).map { Int64(clamping: Int128(price) - $0) }
        }
        return RemedyCandidate(kind: .plan, place: index, name: plan.name, cost: cost)
    }

    /// The price in the account's currency and interval; nothing is converted, neither money nor months.
    func price(of prices: [Price]) -> RemedyCandidate.Cost {
        guard let currency = situation.currency else { return RemedyCandidate.Cost(reason: .currencyUnknown) }
        let own = prices.filter { $0.currency == currency }
        guard !own.isEmpty else {
            // On request is on request in any currency.
            let isOnRequest = !prices.isEmpty && prices.allSatisfy { $0.kind == .contact }
            return RemedyCandidate.Cost(reason: isOnRequest ? .contactPrice : .noPriceInCurrency)
        }
        guard let price = own.first(where: { $0.interval == situation.interval }) else {
            return RemedyCandidate.Cost(reason: .noPriceForInterval)
        }
        switch price.kind {
        case .exact: return RemedyCandidate.Cost(price: price.amount)
        case .from: return RemedyCandidate.Cost(reason: .fromPrice)
        case .contact: return RemedyCandidate.Cost(reason: .contactPrice)
        }
    }

    /// What the present plan costs an interval, without add-ons, which the account keeps and pays as before.
    ///
    /// Its price; where there is none that can be named (a legacy plan, a starting price) the revenue less the add-ons.
    /// For a plan that is tried only revenue tells of something paid.
    private func presentPrice(_ present: Int) -> Int128? {
        let isUnpaid = situation.isTrialing && (situation.trialPlan ?? situation.plan) == situation.plan
        if !isUnpaid, let price = price(of: catalogue.plans[present].prices).price { return Int128(price) }
        guard let mrr = situation.mrr else { return isUnpaid ? 0 : nil }
        var paid = Int128(mrr) * (situation.interval == .year ? 12 : 1)
        for holding in situation.holdings {
            guard let addOn = catalogue.addOns.first(where: { $0.name == holding.addOn }) else { continue }
            guard let price = price(of: addOn.prices).price else { return nil }
            paid -= Self.clamped(Int128(price) * Int128(holding.quantity))
        }
        return max(paid, 0)
    }

    // MARK: Add-ons

    /// Ways to choose add-ons that are looked at. Beyond it the later meters in need have fewer kinds to choose from,
    /// those that are cheapest for the meter alone.
    static let combinationsMax = 256

    /// For each meter in need one kind of add-on, as many as it takes.
    func addOnsThatFit() -> [RemedyCandidate] {
        guard let present else { return [] }
        var choices: [[Int]] = [[]]
        for meter in cover.indices where cover[meter] != nil {
            let alone = catalogue.addOns.indices.compactMap { kind in
                quantity(of: kind, for: [meter], beside: [:], present).map { candidate(addOns: [(kind, max($0, 1))]) }
            }
            let kinds = alone.sorted { $0.isBefore($1) }.prefix(max(Self.combinationsMax / max(choices.count, 1), 1))
            choices = choices.flatMap { choice in kinds.map { choice + [$0.place] } }
        }
        var found: [RemedyCandidate] = []
        for choice in choices {
            guard let more = quantities(choice, present), !more.isEmpty, fits(plan: present, more: more) else {
                continue
            }
            found.append(candidate(addOns: more.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
        }
        return found
    }

    /// The least quantities that lift every meter in need; nil where no number of them does.
    ///
    /// - Parameter choice: for each meter in need, in order, the kind that is to lift it.
    private func quantities(_ choice: [Int], _ present: Int) -> [Int: Int64]? {
        var more: [Int: Int64] = [:]
        for kind in choice { more[kind] = 0 }
        let needed = cover.indices.filter { cover[$0] != nil }
        for (meter, kind) in zip(needed, choice) {
            guard let quantity = quantity(of: kind, for: [meter], beside: [:], present) else { return nil }
            more[kind] = max(more[kind] ?? 0, quantity)
        }
        // One kind may lift a meter of another: then less of the other is enough.
        for kind in more.keys.sorted() {
            var others = more
            others[kind] = nil
            guard let quantity = quantity(of: kind, for: needed, beside: others, present) else { continue }
            more[kind] = quantity > 0 ? quantity : nil
        }
        return more
    }

    /// How many of a kind lift the meters, beside what else is bought.
    private func quantity(of kind: Int, for meters: [Int], beside others: [Int: Int64], _ present: Int) -> Int64? {
        var most: Int64 = 0
        for meter in meters {
            guard let cover = cover[meter], case .of(let limit) = limit(meter, plan: present, more: others) else {
                continue
            }
            let missing = cover - Int128(limit)
            guard missing > 0 else { continue }
            let adds = Int128(catalogue.addOns[kind].adds[meter])
            guard adds > 0, let quantity = Int64(exactly: (missing + adds - 1) / adds) else { return nil }
            most = max(most, quantity)
        }
        return most
    }

    private func candidate(addOns: [(index: Int, quantity: Int64)]) -> RemedyCandidate {
        var sum: Int128 = 0
        var cost = RemedyCandidate.Cost()
        for (index, quantity) in addOns {
            let unit = price(of: catalogue.addOns[index].prices)
            guard let price = unit.price else {
                cost = unit
                break
            }
            sum += Self.clamped(Int128(price) * Int128(quantity))
        }
        if cost.reason == nil {
            cost.price = Int64(clamping: sum)
            cost.difference = cost.price
        }
        let first = addOns[0].index
        return RemedyCandidate(
            kind: .addOn, place: first, name: catalogue.addOns[first].name, addOns: addOns, cost: cost)
    }

    // MARK: Overage

    /// The present plan, with use beyond its limits paid by the piece; its price is for use with headroom, like that of
    /// anything else, and for the interval, as if every period of it were like this one.
    func overageThatFits(_ present: Int) -> [RemedyCandidate] {
        var sum: Int128 = 0
        for meter in cover.indices {
            guard let cover = cover[meter] else { continue }
            guard situation.overrides[meter] == nil, let cost = overage(meter, present, upTo: cover) else { return [] }
            sum += Self.clamped(intervalCost(ofPeriod: cost, meter))
        }
        let cost = Int64(clamping: sum)
        return [
            RemedyCandidate(
                kind: .overage, place: present, name: catalogue.plans[present].name,
                cost: RemedyCandidate.Cost(price: cost, difference: cost))
        ]
    }

    /// What use beyond the present limit costs in one period; nil where it cannot be bought in the account's currency.
    func overage(_ meter: Int, _ present: Int, upTo use: Int128) -> Int128? {
        guard case .of(let limit) = limit(meter, plan: present) else { return nil }
        let prices = catalogue.plans[present].limits[meter].overage
        guard let price = prices.first(where: { $0.currency == situation.currency && $0.units > 0 }) else { return nil }
        let excess = max(use - Int128(limit), 0)
        let begun = (excess + Int128(price.units) - 1) / Int128(price.units)
        return Self.clamped(Self.clamped(begun) * Int128(price.amount))
    }

    /// Within 64 bits, so that products and sums of some of them stay within 128.
    private static func clamped(_ amount: Int128) -> Int128 { Int128(Int64(clamping: amount)) }

    private func intervalCost(ofPeriod cost: Int128, _ meter: Int) -> Int128 {
        // Windows without a period are billed by the month.
        var periodsAYear: Int128 = 12
        if case .period(let reset) = catalogue.meters[meter].window {
            switch reset.unit {
            case .day: periodsAYear = 365
            case .week: periodsAYear = 52
            case .month: periodsAYear = 12
            case .year: periodsAYear = 1
            }
        }
        let intervalsAYear: Int128 = situation.interval == .year ? 1 : 12
        return (cost * periodsAYear + intervalsAYear - 1) / intervalsAYear
    }
}
