private import Foundation
public import UpsellModel

extension TriggerVariables {
    /// What the variables of a trigger stand for.
    ///
    /// - Parameters:
    ///   - catalogue: for titles and benefits of the plan; a plan that it does not know shows its name.
    ///   - zone: the account's.
    public static func values(
        of trigger: Trigger, catalogue: Catalogue, zone: TimeZoneTable
    ) -> [String: WordsValue] {
        var values = Values(trigger: trigger, zone: zone)
        values.addAccount(catalogue)
        if let remedy = trigger.remedy { values.addRemedy(remedy) }
        if let offer = trigger.offer { values.addOffer(offer) }
        if let usage = trigger.usage { values.addUsage(usage) }
        if let projection = trigger.projection { values.addProjection(projection) }
        if let activity = trigger.activity { values.addActivity(activity) }
        return values.all
    }

    /// The table while it is filled.
    private struct Values {
        let trigger: Trigger
        let zone: TimeZoneTable
        var all: [String: WordsValue] = [:]

        init(trigger: Trigger, zone: TimeZoneTable) {
            self.trigger = trigger
            self.zone = zone
        }

        private mutating func text(_ name: String, _ text: String?) {
            if let text { all[name] = .text(text) }
        }

        private mutating func flag(_ name: String, _ flag: Bool) { all[name] = .flag(flag) }

        private mutating func date(_ name: String, _ instant: Timestamp?) {
            if let instant { all[name] = .date(instant, zone: zone) }
        }

        private mutating func names(_ name: String, _ names: [String]) {
            all[name] = .list(names.map { ["name": .text($0)] })
        }

        private func quantity(_ value: Int64, unit: String, scale: Int) -> WordsValue {
            isBytes(unit, scale) ? .bytes(value) : .number(value, scale: scale)
        }

        /// The unit's name beside a number; nil where `8 GB` has one already.
        private func unit(_ unit: String, scale: Int) -> String? { isBytes(unit, scale) ? nil : unit }

        /// A meter in bytes with decimals is written as a number.
        private func isBytes(_ unit: String, _ scale: Int) -> Bool { unit == "bytes" && scale == 0 }

        /// Days of 24 hours from one instant to another, cut off towards 0.
        private func days(from: Timestamp, to: Timestamp) -> Int64 { (to - from) / .millisecondsPerDay }

        /// The same with a day that has begun counted as one.
        private func daysBegun(from: Timestamp, to: Timestamp) -> Int64 {
            let span = max(0, to - from)
            return span / .millisecondsPerDay + (span % .millisecondsPerDay == 0 ? 0 : 1)
        }

        // MARK: Account

        mutating func addAccount(_ catalogue: Catalogue) {
            let plan = catalogue.plan(named: trigger.plan).map { catalogue[$0] }
            text("account", trigger.account)
            text("plan", trigger.plan)
            text("planTitle", plan?.title ?? trigger.plan)
            names("benefits", plan?.benefits ?? [])
            text("status", trigger.status.rawValue)
            flag("isTrialing", trigger.status == .trialing)
            all["time"] = .dateTime(trigger.eventTime, zone: zone)
            text("consequence", trigger.consequence)
            text("owner", trigger.owner)
            // The engine hands over none but shareable ones; nothing else of the profile is at hand here.
            for attribute in trigger.attributes { all["attributes." + attribute.name] = Self.value(attribute) }
        }

        /// A string, an exact number, a flag, or a list of texts; nil of objects, null and what is larger than that.
        private static func value(_ attribute: Profile.Attribute) -> WordsValue? {
            let json = attribute.json
            func decoded<T: Decodable>(_ type: T.Type) -> T? {
                try? JSONDecoder().decode(type, from: Data(json.utf8))
            }
            switch json.utf8.first {
            case UInt8(ascii: "\""): return decoded(String.self).map(WordsValue.text)
            case UInt8(ascii: "t"), UInt8(ascii: "f"): return .flag(json == "true")
            case UInt8(ascii: "["):
                return decoded([String].self).map { .list($0.map { ["name": .text($0)] }) }
            case UInt8(ascii: "{"), UInt8(ascii: "n"), nil: return nil
            default:
                for scale in 0...9 {
                    do throws(ExactDecimal.ParseError) {
                        let number = try unsafe ExactDecimal.parse(json.utf8Span.span.bytes, scale: scale)
                        return .number(number, scale: scale)
                    } catch {
                        if error != .tooManyDecimals { return .text(json) }
                    }
                }
                return .text(json)
            }
        }

        // MARK: Remedy and offer

        mutating func addRemedy(_ remedy: Remedy) {
            func money(_ amount: Int64?, interval: Price.Interval?) -> WordsValue? {
                guard let amount, let currency = remedy.currency ?? trigger.currency else { return nil }
                return .money(amount, currency: currency, interval: interval)
            }
            flag("remedy", remedy.kind != .none)
            text("remedy.reason", remedy.reason?.rawValue)
            // What exists and cannot simply be bought must not be priced and praised.
            guard remedy.kind != .none else { return }
            flag("remedy.isPlan", remedy.kind == .plan)
            flag("remedy.isAddOn", remedy.kind == .addOn)
            flag("remedy.isOverage", remedy.kind == .overage)
            text("remedy.name", remedy.target)
            text("remedy.title", remedy.title ?? remedy.target)
            all["remedy.quantity"] = .number(remedy.quantity, scale: 0)
            all["remedy.further"] = .list(
                remedy.further.map { ["name": .text($0.title), "quantity": .number($0.quantity, scale: 0)] })
            all["remedy.price"] = money(remedy.price, interval: remedy.interval)
            all["remedy.difference"] = money(remedy.difference, interval: remedy.interval)
            all["remedy.limits"] = .list(remedy.limits.map(limit))
            all["remedy.features"] = .list(
                remedy.features.map { gain in
                    var item: [String: WordsValue] = ["name": .text(gain.name), "level": .text(gain.to)]
                    if let from = gain.from { item["from"] = .text(from) }
                    return item
                })
            names("remedy.benefits", remedy.benefits)
            guard let figure = remedy.value else { return }
            flag("remedy.value", true)
            text("remedy.value.meter", figure.meter)
            text("remedy.value.unit", unit(figure.unit, scale: figure.scale))
            all["remedy.value.usage"] = quantity(figure.usage, unit: figure.unit, scale: figure.scale)
            if let percent = figure.percentOfNewLimit { all["remedy.value.percent"] = .percent(percent) }
            all["remedy.value.avoided"] = money(figure.avoided, interval: nil)
        }

        private func limit(_ gain: Remedy.LimitGain) -> [String: WordsValue] {
            var item: [String: WordsValue] = ["meter": .text(gain.meter)]
            if let unit = unit(gain.unit, scale: gain.scale) { item["unit"] = .text(unit) }
            item["isUnlimited"] = .flag(gain.to == .unlimited)
            if case .of(let from) = gain.from { item["from"] = quantity(from, unit: gain.unit, scale: gain.scale) }
            if case .of(let to) = gain.to {
                item["to"] = quantity(to, unit: gain.unit, scale: gain.scale)
                var added: Int64 = 0
                if case .of(let from) = gain.from { added = max(0, to.subtractingReportingOverflow(from).partialValue) }
                item["added"] = quantity(added, unit: gain.unit, scale: gain.scale)
            }
            return item
        }

        mutating func addOffer(_ offer: Trigger.PresentedOffer) {
            flag("offer", true)
            let kinds: [(String, Offer.Kind)] = [
                ("isUpgrade", .upgrade), ("isTrial", .trial), ("isDiscount", .discount), ("isDemo", .demo),
                ("isSurvey", .survey), ("isCall", .call), ("isAddOn", .addOn), ("isAnnualSwitch", .annualSwitch),
            ]
            for (name, kind) in kinds { flag("offer." + name, offer.kind == kind) }
            if let value = offer.value {
                switch offer.kind {
                case .discount, .annualSwitch: all["offer.discount"] = .percent(value)
                case .trial: all["offer.days"] = .number(value, scale: 0)
                case .upgrade, .demo, .survey, .call, .addOn: break
                }
            }
            // The instant at which it ends belongs to it no longer.
            date("offer.expires", offer.expires.map { $0 - 1 })
            // A link that would be cut off leads nowhere.
            if let link = offer.link, link.unicodeScalars.count <= WordsLimits.valueScalarsMax {
                text("offer.link", link)
            }
            names("offer.resources", offer.resources)
        }

        // MARK: Usage

        mutating func addUsage(_ usage: Trigger.Usage) {
            func quantity(_ value: Int64) -> WordsValue {
                self.quantity(value, unit: usage.unit, scale: usage.scale)
            }
            flag("usage", true)
            text("meter", usage.meter)
            text("unit", unit(usage.unit, scale: usage.scale))
            all["current"] = quantity(usage.current)
            all["previous"] = quantity(usage.previous)
            text("dimension", usage.dimension?.value)
            var isAtLimit = false
            var isOverLimit = false
            if case .of(let limit) = usage.limit {
                all["limit"] = quantity(limit)
                all["percent"] = Self.percent(usage.current, of: limit)
                all["remaining"] = quantity(Self.excess(limit, over: usage.current))
                all["over"] = quantity(Self.excess(usage.current, over: limit))
                isAtLimit = usage.current >= limit
                isOverLimit = usage.current > limit
            }
            flag("isAtLimit", isAtLimit)
            flag("isOverLimit", isOverLimit)
            if let unit = usage.thresholdUnit {
                func threshold(_ value: Int64) -> WordsValue { unit == .percent ? .percent(value) : quantity(value) }
                flag("isPercent", unit == .percent)
                flag("isRemaining", unit == .remaining)
                all["threshold"] = threshold(usage.highest)
                all["crossed"] = .list(usage.crossed.map { ["name": threshold($0)] })
            }
            if let period = usage.period {
                flag("period", true)
                date("period.start", period.start)
                date("period.end", period.end - 1)
                date("reset", period.end)
                all["reset.days"] = .number(daysBegun(from: trigger.eventTime, to: period.end), scale: 0)
            }
            if trigger.signal == .growth {
                let grown = Self.percent(Self.excess(usage.current, over: usage.previous), of: usage.previous)
                all["growth"] = grown
            }
        }

        mutating func addProjection(_ projection: Trigger.Projection) {
            let (unit, scale) = (trigger.usage?.unit ?? "", trigger.usage?.scale ?? 0)
            flag("projection", true)
            all["projected"] = quantity(projection.projected, unit: unit, scale: scale)
            all["rate"] = quantity(projection.ratePerDay, unit: unit, scale: scale)
            date("exhaustion", projection.exhaustion)
            all["exhaustion.days"] = .number(
                max(0, days(from: trigger.eventTime, to: projection.exhaustion)), scale: 0)
        }

        /// `part` in hundredths of a percent of `whole`, cut off as everywhere; nil of nothing, or too large to say.
        private static func percent(_ part: Int64, of whole: Int64) -> WordsValue? {
            guard whole > 0 else { return nil }
            return Int64(exactly: Int128(part) * 10_000 / Int128(whole)).map(WordsValue.percent)
        }

        /// `a - b` where that is above 0, and as much of it as fits.
        private static func excess(_ a: Int64, over b: Int64) -> Int64 {
            guard a > b else { return 0 }
            let (difference, overflow) = a.subtractingReportingOverflow(b)
            return overflow ? .max : difference
        }

        // MARK: Activity

        mutating func addActivity(_ activity: Trigger.Activity) {
            if let window = activity.window {
                flag("window", true)
                date("window.start", window.start)
                date("window.end", window.end - 1)
                all["window.days"] = .number(daysBegun(from: window.start, to: window.end), scale: 0)
            }
            if let since = activity.since {
                date("since", since)
                all["since.days"] = .number(max(0, days(from: since, to: trigger.eventTime)), scale: 0)
            }
            text("source", activity.source)
            text("feature", activity.feature)
            if let attempts = activity.attempts { all["attempts"] = .number(attempts, scale: 0) }
            all["used"] = .list(
                activity.used.map { use in
                    var item: [String: WordsValue] = ["name": .text(use.feature), "uses": .number(use.uses, scale: 0)]
                    if use.days > 0 { item["days"] = .number(use.days, scale: 0) }
                    return item
                })
            all["used.count"] = .number(activity.used.count)
            names("unused", activity.unused)
            all["unused.count"] = .number(activity.unused.count)
            date("trial.end", activity.trialEnd)
            if let daysLeft = activity.daysLeft {
                flag("trial.isRunning", daysLeft > 0)
                flag("trial.endsToday", daysLeft == 0)
                flag("trial.isOver", daysLeft < 0)
                if daysLeft > 0 { all["trial.daysLeft"] = .number(daysLeft, scale: 0) }
                if daysLeft < 0 { all["trial.daysSince"] = .number(-max(daysLeft, -Int64.max), scale: 0) }
            }
            text("event", activity.event)
            all["merged"] = .number(activity.merged.count)
            names("parts", activity.parts.map(\.name))
            if let score = activity.score { all["score"] = .number(score, scale: 0) }
        }
    }
}
