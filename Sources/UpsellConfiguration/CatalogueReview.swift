import UpsellModel

/// Warns of what is right and of doubtful use, in a configuration without complaints.
struct CatalogueReview {
    let catalog: CatalogFile
    let definitions: Definitions
    let rules: RulesReader

    func warn() {
        comparePlans()
        for (signal, place) in definitions.signals { judge(signal, place) }
        if !rules.rules.contains(where: { $0.signal.kind == .digest }) {
            for place in rules.merges {
                place.warn(
                    "no rule is a digest, so that what loses is judged again",
                    expected: "a rule with the signal digest, or digest: release", at: place.keyMark)
            }
        }
    }

    // MARK: The ladder

    /// Compares each plan that is sold with the next lower one; archived and custom ones are nobody's next plan.
    private func comparePlans() {
        let sold = catalog.plans.indices.filter { catalog.plans[$0].successor == nil && !catalog.plans[$0].isCustom }
        for (lower, upper) in zip(sold, sold.dropFirst()) {
            let (below, above) = (catalog.plans[lower], catalog.plans[upper])
            let place = catalog.planPlaces[upper]
            var isWorthIt = Set(below.features.map(Rung.init)) != Set(above.features.map(Rung.init))
            for meter in catalog.meters.indices {
                switch (below.limits[meter].limit, above.limits[meter].limit) {
                case (.unlimited, .unlimited): break
                case (.of, .unlimited): isWorthIt = true
                case (.unlimited, .of):
                    complainOfLess(place, meter, than: below, "unlimited")
                case (.of(let less), .of(let more)):
                    if more < less { complainOfLess(place, meter, than: below, "more") }
                    // Ten per cent more, in integers.
                    if Int128(more) * 10 >= Int128(less) * 11, more > less { isWorthIt = true }
                }
            }
            if !isWorthIt {
                place.plan.warn(
                    "\"\(quoted(above.name))\" hardly differs from \"\(quoted(below.name))\": no limit is 10 % higher "
                        + "and the features are the same", expected: "something to upgrade for")
            }
        }
    }

    private func complainOfLess(_ place: CatalogFile.PlanPlace, _ meter: Int, than below: Plan, _ there: String) {
        // A limit that is not written is unlimited, and less than nothing.
        (place.limits[meter] ?? place.plan).warn(
            "the lower plan \"\(quoted(below.name))\" has \(there)", expected: "at least as much in a higher plan")
    }

    private struct Rung: Hashable {
        var name: String
        var level: String
        init(_ feature: Plan.Feature) {
            name = feature.name
            level = feature.level
        }
    }

    // MARK: Signals that no plan lets fire

    private func judge(_ signal: Signal, _ place: Value) {
        switch signal {
        case .limit(let signal):
            switch signal.unit {
            case .absolute: break
            case .percent: requireLimit(signal.meter, place)
            case .remaining:
                // It fires where less than the whole limit is left: the smallest number has the best chance.
                let least = signal.thresholds.min() ?? 0
                let largest = limits(signal.meter).max() ?? 0
                if largest == 0 {
                    requireLimit(signal.meter, place)
                } else if least >= largest, !canBeRaised(signal.meter) {
                    place.warn(
                        "every limit of meter \"\(name(signal.meter))\" is smaller than what should remain",
                        expected: "less than a plan's limit, so that usage can reach it")
                }
            }
        case .pace(let signal): requireLimit(signal.meter, place)
        case .sustained(let signal):
            if signal.unit == .percent { requireLimit(signal.meter, place) }
        case .gate(let signal):
            guard signal.onlyWithoutEntitlement, case .meter(let meter) = signal.source.stream else { return }
            if !catalog.plans.contains(where: { $0.limits[meter.index].limit == .of(0) }) {
                place.warn(
                    "every plan has meter \"\(name(meter))\"", expected: "a plan with limit 0, or no withoutEntitlement"
                )
            }
        case .adoption, .trial, .event, .growth, .absence, .digest, .combination: break
        }
    }

    /// Overrides of a profile may give a limit all the same; that is not what a rule is written for.
    private func requireLimit(_ meter: MeterID, _ place: Value) {
        guard limits(meter).allSatisfy({ $0 == 0 }) else { return }
        place.warn(
            "no plan limits meter \"\(name(meter))\", so that it never fires",
            expected: "a limit in a plan, or absolute thresholds")
    }

    /// Limits above nothing that accounts can have.
    private func limits(_ meter: MeterID) -> [Int64] {
        catalog.plans.compactMap { plan in
            guard case .of(let limit) = plan.limits[meter.index].limit else { return nil }
            return limit > 0 ? limit : (canBeRaised(meter) ? 1 : 0)
        }
    }

    private func canBeRaised(_ meter: MeterID) -> Bool { catalog.addOns.contains { $0.adds[meter.index] > 0 } }

    private func name(_ meter: MeterID) -> String { quoted(catalog.meters[meter.index].name) }
}
