internal import UpsellModel

extension RemedyFinder {
    /// What is offered; where people have to talk about the price it is `none`, and still says of what.
    func remedy(_ candidate: RemedyCandidate, from present: Int) -> Remedy {
        var remedy: Remedy
        switch candidate.cost.reason {
        case .fromPrice, .contactPrice: remedy = Remedy(.none, reason: candidate.cost.reason)
        default:
            remedy = Remedy(candidate.kind)
            remedy.price = candidate.cost.price
            remedy.difference = candidate.cost.difference
            remedy.priceReason = candidate.cost.reason
        }
        remedy.target = candidate.name
        remedy.currency = situation.currency
        remedy.interval = situation.interval
        switch candidate.kind {
        case .plan:
            remedy.title = catalogue.plans[candidate.place].title
            put(plan: candidate.place, over: present, into: &remedy)
        case .addOn: put(candidate.addOns, present, into: &remedy)
        case .overage, .none: remedy.title = catalogue.plans[candidate.place].title
        }
        remedy.value = valueFigure(candidate, present)
        return remedy
    }

    /// Nothing is offered, and a plan is named.
    func none(_ reason: Remedy.Reason, naming plan: Int) -> Remedy {
        var remedy = Remedy(.none, reason: reason)
        remedy.target = catalogue.plans[plan].name
        remedy.title = catalogue.plans[plan].title
        return remedy
    }

    // MARK: Gains

    private func put(plan: Int, over present: Int, into remedy: inout Remedy) {
        let next = catalogue.plans[plan]
        let now = catalogue.plans[present]
        remedy.limits = limitGains(over: present) { limit($0, plan: plan) }
        remedy.features = next.features.compactMap { feature in
            let level = now.level(of: feature.name)
            return level == feature.level
                ? nil : Remedy.FeatureGain(name: feature.name, from: level, to: feature.level)
        }
        remedy.benefits = next.benefits.filter { !now.benefits.contains($0) }
    }

    private func put(_ addOns: [(index: Int, quantity: Int64)], _ present: Int, into remedy: inout Remedy) {
        let items = addOns.map { index, quantity in
            let addOn = catalogue.addOns[index]
            return Remedy.Item(addOn: addOn.name, title: addOn.title, quantity: quantity)
        }
        remedy.title = items[0].title
        remedy.quantity = items[0].quantity
        remedy.further = Array(items.dropFirst())
        var more: [Int: Int64] = [:]
        for (index, quantity) in addOns { more[index] = quantity }
        remedy.limits = limitGains(over: present) { limit($0, plan: present, more: more) }
    }

    /// More than the account has without a trial that runs.
    private func limitGains(over present: Int, _ next: (Int) -> Limit) -> [Remedy.LimitGain] {
        catalogue.meters.indices.compactMap { index in
            let limit = next(index)
            let now = self.limit(index, plan: present)
            guard limit.isAbove(now) else { return nil }
            let meter = catalogue.meters[index]
            return Remedy.LimitGain(
                meter: meter.name, unit: meter.unit, scale: meter.scale, from: now, to: limit)
        }
    }

    // MARK: Value

    /// Of the meter that the trigger is about, else of the first in need.
    private func valueFigure(_ candidate: RemedyCandidate, _ present: Int) -> Remedy.ValueFigure? {
        var meter = cover.firstIndex { $0 != nil }
        switch situation.focus {
        case .limit(let own), .growth(let own): meter = own
        case .feature, .trial, .nothing: break
        }
        guard let meter else { return nil }
        let use = situation.projected[meter]
        var next = situation.limits[meter]
        switch candidate.kind {
        case .plan: next = limit(meter, plan: candidate.place)
        case .addOn:
            var more: [Int: Int64] = [:]
            for (index, quantity) in candidate.addOns { more[index] = quantity }
            next = limit(meter, plan: present, more: more)
        case .overage, .none: break
        }
        var percent: Int64?
        if candidate.kind != .overage, case .of(let limit) = next, limit > 0 {
            percent = Int64(clamping: Int128(use) * 10_000 / Int128(limit))
        }
        let avoided = candidate.kind == .overage ? nil : overage(meter, present, upTo: Int128(use))
        return Remedy.ValueFigure(
            meter: catalogue.meters[meter].name, unit: catalogue.meters[meter].unit,
            scale: catalogue.meters[meter].scale, usage: use, percentOfNewLimit: percent,
            avoided: avoided.flatMap { $0 > 0 ? Int64(clamping: $0) : nil })
    }
}
