internal import UpsellModel

/// Conditions are read as they stand, at candidates only: no record that reaches nothing comes here.
extension PartitionEngine {
    /// Whether a condition holds of an account now: under its profile (else the default plan), its present limits, the
    /// usage counted so far and the partition's clock. What is absent, unknown or of another kind holds nothing.
    func holds(_ condition: Condition, _ account: Int) -> Bool { holds(condition, account, within: 0) }

    /// Names of the segments that hold, in the catalogue's order.
    func segments(of account: Int) -> [String] {
        var names: [String] = []
        for segment in program.catalogue.segments where holds(segment.condition, account, within: 1) {
            names.append(segment.name)
        }
        return names
    }

    /// - Parameter depth: segments on the way. A chain without a cycle is no longer than there are segments, so that
    ///   one which is longer goes in a circle, which the configuration refuses, and holds nothing.
    private func holds(_ condition: Condition, _ account: Int, within depth: Int) -> Bool {
        switch condition {
        case .all(let parts): return parts.allSatisfy { holds($0, account, within: depth) }
        case .any(let parts): return parts.contains { holds($0, account, within: depth) }
        case .not(let part): return !holds(part, account, within: depth)
        case .segment(let name):
            let segments = program.catalogue.segments
            guard depth <= segments.count, let segment = segments.first(where: { $0.name == name }) else {
                return false
            }
            return holds(segment.condition, account, within: depth + 1)
        case .text(let operand, let anyOf): return has(operand, account) { anyOf.contains($0) }
        case .exists(let operand): return has(operand, account) { _ in true }
        case .number(let operand, let test): return has(operand, account) { test.holds($0) }
        }
    }

    // MARK: Texts

    /// Whether one of the operand's values meets a test.
    private func has(_ operand: Condition.TextOperand, _ account: Int, _ meets: (String) -> Bool) -> Bool {
        let own = terms(of: account)
        switch operand {
        case .account: return meets(accounts.name(of: account))
        case .plan: return planName(of: account).map(meets) ?? false
        case .status:
            guard let own else { return program.defaultPlan != nil && meets(Profile.Status.active.rawValue) }
            return meets(own.status(at: own.limitsAt).rawValue)
        case .locale: return own?.facts.locale.map(meets) ?? false
        case .language: return own?.facts.locale.map { meets(Self.language(of: $0)) } ?? false
        case .currency: return own?.facts.currency.map(meets) ?? false
        case .interval: return own?.facts.interval.map { meets($0.rawValue) } ?? false
        case .owner: return own?.facts.owner.map(meets) ?? false
        case .parent: return own?.facts.parent.map(meets) ?? false
        case .trialPlan: return own?.facts.trial?.plan.map(meets) ?? false
        case .attribute(let name): return attribute(name, own)?.texts.contains(where: meets) ?? false
        case .feature(let name):
            return plan(of: account)?.features.first { $0.name == name }.map { meets($0.level) } ?? false
        case .addOn:
            guard let own else { return false }
            return own.addOns.contains { $0.isHeld(at: own.limitsAt) && meets($0.addOn) }
        }
    }

    /// Of `zh-Hant-TW`: `zh`; lower case.
    static func language(of locale: String) -> String {
        locale.prefix { $0 != "-" && $0 != "_" }.lowercased()
    }

    /// The last of the name, as a reader of JSON would take it.
    private func attribute(_ name: String, _ own: Terms?) -> Profile.Attribute? {
        own?.facts.attributes.last { $0.name == name }
    }

    // MARK: Numbers

    private func has(_ operand: Condition.NumberOperand, _ account: Int, _ meets: (Int64) -> Bool) -> Bool {
        let own = terms(of: account)
        switch operand {
        case .attribute(let name):
            // A string of digits is a string; of a list every element that reads as a number counts.
            guard let attribute = attribute(name, own), !attribute.json.utf8.starts(with: [UInt8(ascii: "\"")]) else {
                return false
            }
            return attribute.texts.contains { text in
                let number = unsafe try? ExactDecimal.parse(text.utf8.span.bytes, scale: Self.attributeScale)
                return number.map(meets) ?? false
            }
        case .mrr: return own?.facts.mrr.map(meets) ?? false
        case .tenure: return (own?.facts.since ?? own?.facts.firstPurchase).map { since($0, meets) } ?? false
        case .sincePurchase: return own?.facts.firstPurchase.map { since($0, meets) } ?? false
        case .usage(let meter): return meter.index < meterCount && meets(used(account, meter.index))
        case .limit(let meter):
            guard meter.index < meterCount, case .of(let limit) = limit(account, meter.index) else { return false }
            return meets(limit)
        case .percent(let meter):
            guard meter.index < meterCount, case .of(let limit) = limit(account, meter.index), limit > 0 else {
                return false
            }
            return meets(Int64(clamping: Int128(used(account, meter.index)) * 10_000 / Int128(limit)))
        }
    }

    /// Attributes are compared as millionths.
    private static var attributeScale: Int { 6 }

    /// Before the first usage record there is no clock, and nothing has lasted.
    private func since(_ instant: Timestamp, _ meets: (Int64) -> Bool) -> Bool {
        clock != .earliest && meets(clock - instant)
    }

    // MARK: What conditions and remedies read

    func terms(of account: Int) -> Terms? {
        let index = termsIndex[account]
        return index >= 0 ? terms[Int(index)] : nil
    }

    /// The plan that the account's limits are of; that of the default for accounts without profile.
    func planName(of account: Int) -> String? {
        guard let own = terms(of: account) else { return program.defaultPlan.map { program.catalogue.plans[$0].name } }
        return own.plan(at: own.limitsAt)
    }

    /// The plan that the account has, trials apart.
    func paidPlanName(of account: Int) -> String? {
        guard let own = terms(of: account) else { return planName(of: account) }
        return own.paidPlan(at: own.limitsAt)
    }

    /// nil where the catalogue does not know the account's plan.
    func plan(of account: Int) -> Plan? {
        guard let name = planName(of: account) else { return nil }
        return program.catalogue.plans.first { $0.name == name }
    }

    /// Usage of the meter's current window, 0 where nothing was counted or its period is over.
    ///
    /// Of a meter with a dimension that of the counter with the most, since the limit holds for each of them.
    func used(_ account: Int, _ meter: Int) -> Int64 {
        let code = program.meters[meter]
        if code.group >= 0 {
            let period = periods[account * groupCount + code.group]
            if period.isNone || clock.milliseconds >= period.end { return 0 }
        }
        var most = cells[account * meterCount + meter].value
        guard code.hasDimension else { return most }
        var isFirst = !cells[account * meterCount + meter].isTouched
        var side = sideHeads[account]
        while side >= 0 {
            let record = sides[Int(side)]
            if Int(record.key.meter) == meter, record.key.era == .current, record.key.dimension != 0 {
                most = isFirst ? record.cell.value : Swift.max(most, record.cell.value)
                isFirst = false
            }
            side = record.next
        }
        return most
    }
}

extension Profile.Holding {
    /// Whether it raises limits at an instant of the partition's clock.
    func isHeld(at instant: Int64) -> Bool {
        quantity > 0 && (until.map { $0.milliseconds > instant } ?? true)
    }
}
