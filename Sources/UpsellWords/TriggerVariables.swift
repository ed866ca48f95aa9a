public import UpsellModel

/// The variables of a trigger: which there are for each signal, and their values.
///
/// The article "Variables" is the same list for the people who write words, and is tested to be.
public enum TriggerVariables {
    /// What a template for triggers of this signal may use.
    public static func schema(for signal: Trigger.SignalKind) -> WordsSchema {
        var variables = common
        switch signal {
        case .limit:
            variables.merge(usage(optional: false)) { $1 }
            variables.merge(thresholds) { $1 }
        case .pace:
            variables.merge(usage(optional: false)) { $1 }
            variables.merge(projection(optional: false)) { $1 }
        case .gate:
            variables.merge(usage(optional: true)) { $1 }
            variables.merge(window) { $1 }
            variables.merge(source) { $1 }
            variables["attempts"] = .init(.number, summary: "Denied attempts, or uses of what the plan does not have.")
        case .adoption:
            variables.merge(window) { $1 }
            variables.merge(source) { $1 }
            variables.merge(features) { $1 }
        case .trial:
            variables.merge(trial) { $1 }
            variables.merge(features) { $1 }
        case .event:
            variables.merge(source) { $1 }
            variables.merge(features) { $1 }
            variables["event"] = .init(.text, presentWith: [], summary: "Kind of the outcome, or id of the event.")
        case .growth:
            variables.merge(usage(optional: false)) { $1 }
            variables.merge(window) { $1 }
            variables["growth"] = .init(
                .percent, presentWith: [], summary: "Growth against the window before; absent where that had none.")
        case .sustained:
            variables.merge(usage(optional: false)) { $1 }
            variables.merge(since) { $1 }
        case .absence:
            variables.merge(since) { $1 }
            variables.merge(source) { $1 }
        case .digest:
            variables.merge(usage(optional: true)) { $1 }
            variables.merge(window) { $1 }
            variables.merge(features) { $1 }
            variables["merged"] = .init(.number, summary: "Messages that were held back and are told here instead.")
        case .combination:
            variables.merge(usage(optional: true)) { $1 }
            variables.merge(projection(optional: true)) { $1 }
            variables.merge(window) { $1 }
            variables["parts"] = .init(
                .list(["name": .init(.text, summary: "Its name in the rule.")]), summary: "Signals that came together.")
            variables["score"] = .init(.number, presentWith: [], summary: "Sum of their weights.")
        }
        return WordsSchema(variables, openPrefixes: ["attributes"])
    }

    private typealias Variables = [String: WordsSchema.Variable]

    private static let named: Variables = ["name": .init(.text, summary: "Its name.")]

    private static let common: Variables = [
        "account": .init(.text, summary: "Id of the account."),
        "plan": .init(.text, summary: "Name of its plan in the catalogue."),
        "planTitle": .init(.text, summary: "Title of its plan."),
        "benefits": .init(.list(named), summary: "What its plan gives."),
        "status": .init(.text, summary: "Such as `active` or `past_due`."),
        "isTrialing": .init(.flag, summary: "Whether the account is in a trial."),
        "time": .init(.dateTime, summary: "When it happened, in the account's time zone."),
        "consequence": .init(.text, presentWith: [], summary: "What happens at the limit, as the catalogue says it."),
        "owner": .init(.text, presentWith: [], summary: "Who looks after the account."),
        "remedy": .init(.flag, summary: "Whether there is something to buy that helps."),
        "remedy.isPlan": .init(.flag, summary: "It is a plan."),
        "remedy.isAddOn": .init(.flag, summary: "It is an add-on."),
        "remedy.isOverage": .init(.flag, summary: "It is paying for what is used beyond the limit."),
        "remedy.name": .init(
            .text, presentWith: ["remedy.isPlan", "remedy.isAddOn"], summary: "Name in the catalogue."),
        "remedy.title": .init(.text, presentWith: ["remedy.isPlan", "remedy.isAddOn"], summary: "Title."),
        "remedy.quantity": .init(.number, presentWith: ["remedy"], summary: "Units of an add-on, else 1."),
        "remedy.further": .init(
            .list([
                "name": .init(.text, summary: "Title of the add-on."),
                "quantity": .init(.number, summary: "Units of it."),
            ]), summary: "What is bought beside it."),
        "remedy.price": .init(
            .money, presentWith: [], summary: "Price; absent where none is known in the account's currency."),
        "remedy.difference": .init(.money, presentWith: [], summary: "What the account pays more."),
        "remedy.limits": .init(
            .list([
                "meter": .init(.text, summary: "Name of the meter."),
                "unit": .init(.text, presentWith: [], summary: "Its unit; absent where it is bytes."),
                "from": .init(.quantity, presentWith: [], summary: "Limit now; absent if unlimited."),
                "to": .init(.quantity, presentWith: [], summary: "Limit then; absent if unlimited."),
                "added": .init(.quantity, presentWith: ["to"], summary: "How much more."),
                "isUnlimited": .init(.flag, summary: "There is no limit then."),
            ]), summary: "Limits that rise."),
        "remedy.features": .init(
            .list([
                "name": .init(.text, summary: "Name of the feature."), "level": .init(.text, summary: "Level then."),
                "from": .init(.text, presentWith: [], summary: "Level now."),
            ]), summary: "Features that come or get better."),
        "remedy.benefits": .init(.list(named), summary: "What it gives, as the catalogue says it."),
        "remedy.value": .init(.flag, summary: "Whether there is a figure from the account's own use."),
        "remedy.value.meter": .init(.text, presentWith: ["remedy.value"], summary: "Meter it is about."),
        "remedy.value.unit": .init(.text, presentWith: [], summary: "Its unit; absent where it is bytes."),
        "remedy.value.usage": .init(
            .quantity, presentWith: ["remedy.value"], summary: "Usage that the account is heading for."),
        "remedy.value.percent": .init(.percent, presentWith: [], summary: "Of the new limit; absent if unlimited."),
        "remedy.value.avoided": .init(
            .money, presentWith: [], summary: "What the same use would cost beyond the limit."),
        "remedy.reason": .init(.text, presentWith: [], summary: "Why nothing is offered, as a code: `top_plan`."),
        "offer": .init(.flag, summary: "Whether something is offered beside it."),
        "offer.isUpgrade": .init(.flag, summary: "An upgrade."),
        "offer.isTrial": .init(.flag, summary: "A trial."),
        "offer.isDiscount": .init(.flag, summary: "A discount."),
        "offer.isDemo": .init(.flag, summary: "A demonstration."),
        "offer.isSurvey": .init(.flag, summary: "A survey."),
        "offer.isCall": .init(.flag, summary: "A call."),
        "offer.isAddOn": .init(.flag, summary: "An add-on."),
        "offer.isAnnualSwitch": .init(.flag, summary: "Paying by the year."),
        "offer.discount": .init(.percent, presentWith: [], summary: "Of a discount or of paying by the year."),
        "offer.days": .init(.number, presentWith: [], summary: "Days of a trial."),
        "offer.expires": .init(.date, presentWith: [], summary: "Last day of the offer."),
        "offer.link": .init(.text, presentWith: [], summary: "Where to accept it."),
        "offer.resources": .init(.list(named), summary: "Case studies and the like."),
    ]

    private static func usage(optional: Bool) -> Variables {
        let present: [String]? = optional ? ["usage"] : nil
        return [
            "usage": .init(.flag, summary: "Whether it is about a meter."),
            "meter": .init(.text, presentWith: present, summary: "Name of the meter."),
            "unit": .init(.text, presentWith: [], summary: "Its unit; absent where values are written in bytes."),
            "current": .init(.quantity, presentWith: present, summary: "Usage now."),
            "previous": .init(.quantity, presentWith: present, summary: "Usage before."),
            "limit": .init(.quantity, presentWith: [], summary: "Limit; absent if unlimited."),
            "percent": .init(.percent, presentWith: [], summary: "Usage in percent of the limit, cut off."),
            "remaining": .init(.quantity, presentWith: ["limit"], summary: "What is left, 0 at and above the limit."),
            "over": .init(.quantity, presentWith: ["limit"], summary: "What is above the limit, 0 below it."),
            "isAtLimit": .init(.flag, summary: "Usage has reached the limit."),
            "isOverLimit": .init(.flag, summary: "Usage is above the limit."),
            "dimension": .init(.text, presentWith: [], summary: "Which part of the meter: value of its dimension."),
            "period": .init(.flag, summary: "Whether the meter starts anew."),
            "period.start": .init(.date, presentWith: ["period"], summary: "First day of the period."),
            "period.end": .init(.date, presentWith: ["period"], summary: "Last day of the period."),
            "reset": .init(.date, presentWith: ["period"], summary: "Day on which it starts anew."),
            "reset.days": .init(
                .number, presentWith: ["period", "reset"], summary: "Days until then, begun ones too."),
        ]
    }

    private static let thresholds: Variables = [
        "threshold": .init(.quantity, summary: "The highest one that was reached: a percentage or a quantity."),
        "crossed": .init(.list(["name": .init(.quantity, summary: "The threshold.")]), summary: "All of them."),
        "isPercent": .init(.flag, summary: "Thresholds are percentages of the limit."),
        "isRemaining": .init(.flag, summary: "Thresholds are what is left."),
    ]

    private static func projection(optional: Bool) -> Variables {
        let present: [String]? = optional ? ["projection"] : nil
        return [
            "projection": .init(.flag, summary: "Whether usage was projected."),
            "projected": .init(.quantity, presentWith: present, summary: "Usage at the end of the period."),
            "rate": .init(.quantity, presentWith: present, summary: "Usage a day."),
            "exhaustion": .init(.date, presentWith: present, summary: "Day on which the limit is reached."),
            "exhaustion.days": .init(.number, presentWith: present, summary: "Whole days until then."),
        ]
    }

    private static let window: Variables = [
        "window": .init(.flag, summary: "Whether it is about a span of days."),
        "window.start": .init(.date, presentWith: ["window"], summary: "Its first day."),
        "window.end": .init(.date, presentWith: ["window"], summary: "Its last day."),
        "window.days": .init(.number, presentWith: ["window"], summary: "Its length in days, begun ones too."),
    ]

    private static let source: Variables = [
        "source": .init(.text, presentWith: [], summary: "Name of the meter or behaviour that was listened to."),
        "feature": .init(.text, presentWith: [], summary: "Feature it is about."),
    ]

    private static let since: Variables = [
        "since": .init(.date, presentWith: [], summary: "Since which day."),
        "since.days": .init(.number, presentWith: ["since"], summary: "Whole days since then."),
    ]

    private static let features: Variables = [
        "used": .init(
            .list([
                "name": .init(.text, summary: "Name of the feature."),
                "uses": .init(.number, summary: "How often."),
                "days": .init(.number, presentWith: [], summary: "On how many days; absent where not counted."),
            ]), summary: "Features that were used."),
        "used.count": .init(.number, summary: "How many."),
        "unused": .init(.list(named), summary: "Features that were not used."),
        "unused.count": .init(.number, summary: "How many."),
    ]

    private static let trial: Variables = [
        "trial.end": .init(.date, presentWith: [], summary: "Day on which the trial ends."),
        "trial.isRunning": .init(.flag, summary: "A day or more is left."),
        "trial.endsToday": .init(.flag, summary: "Less than a day is left, or it ends now."),
        "trial.isOver": .init(.flag, summary: "It has ended a day ago or earlier."),
        "trial.daysLeft": .init(.number, presentWith: ["trial.isRunning"], summary: "Whole days until its end."),
        "trial.daysSince": .init(.number, presentWith: ["trial.isOver"], summary: "Whole days since its end."),
    ]
}
