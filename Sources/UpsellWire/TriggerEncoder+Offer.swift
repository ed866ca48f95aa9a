internal import UpsellModel

extension JSONWriter {
    mutating func write(_ remedy: Remedy) {
        beginObject()
        member("kind", remedy.kind.rawValue)
        if let reason = remedy.reason { member("reason", reason.rawValue) }
        if let target = remedy.target { member("target", target) }
        if let title = remedy.title { member("title", title) }
        if remedy.kind == .addOn { member("quantity", integer: remedy.quantity) }
        if !remedy.further.isEmpty {
            key("further")
            beginArray()
            for item in remedy.further {
                element()
                beginObject()
                member("target", item.addOn)
                member("title", item.title)
                member("quantity", integer: item.quantity)
                endObject()
            }
            endArray()
        }
        if let interval = remedy.interval { member("interval", interval.rawValue) }
        if let price = remedy.price, let currency = remedy.currency {
            member("price", amount: price, currency: currency)
        }
        if let difference = remedy.difference, let currency = remedy.currency {
            member("difference", amount: difference, currency: currency)
        }
        if let reason = remedy.priceReason { member("priceReason", reason.rawValue) }
        // Of what is offered the lists are always there; nothing gained is an answer, too.
        let isOffered = remedy.kind != .none
        if isOffered || !remedy.limits.isEmpty {
            key("limits")
            beginArray()
            for gain in remedy.limits {
                element()
                write(gain)
            }
            endArray()
        }
        if isOffered || !remedy.features.isEmpty {
            key("features")
            beginArray()
            for gain in remedy.features {
                element()
                beginObject()
                member("name", gain.name)
                if let from = gain.from { member("from", from) }
                member("to", gain.to)
                endObject()
            }
            endArray()
        }
        if isOffered || !remedy.benefits.isEmpty { member("benefits", texts: remedy.benefits) }
        if let value = remedy.value { write(value, remedy.currency) }
        endObject()
    }

    private mutating func write(_ gain: Remedy.LimitGain) {
        beginObject()
        member("meter", gain.meter)
        member("unit", gain.unit)
        key("from")
        write(gain.from, scale: gain.scale)
        key("to")
        write(gain.to, scale: gain.scale)
        endObject()
    }

    private mutating func write(_ value: Remedy.ValueFigure, _ currency: String?) {
        key("value")
        beginObject()
        member("meter", value.meter)
        member("unit", value.unit)
        member("usage", value.usage, scale: value.scale)
        if let percent = value.percentOfNewLimit { member("percentOfNewLimit", percent, scale: 2) }
        if let avoided = value.avoided, let currency { member("avoided", amount: avoided, currency: currency) }
        endObject()
    }

    /// `value` is percent of a discount and days of a trial.
    mutating func write(_ offer: Trigger.PresentedOffer) {
        beginObject()
        member("kind", offer.kind.rawValue)
        if let value = offer.value { member("value", value, scale: offer.kind == .discount ? 2 : 0) }
        if let expires = offer.expires { member("expires", expires) }
        if let link = offer.link { member("link", link) }
        member("resources", texts: offer.resources)
        endObject()
    }

    mutating func write(_ message: Message) {
        beginObject()
        member("key", message.key)
        member("locale", message.locale)
        member("title", message.title)
        member("body", message.body)
        if let callToAction = message.callToAction { member("callToAction", callToAction) }
        endObject()
    }
}
