internal import Foundation
internal import UpsellModel

/// The catalogue's numbers, by expressions of a scenario: so that it tells its story under another catalogue too.
struct PlayTerms {
    let catalogue: Catalogue

    /// Replaces every `{…}` that is an expression; objects (`{a: 1}`) stay.
    func resolve(_ text: String, profile: PlayObject?) -> String? {
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let inner = rest[rest.index(after: open)..<close]
            result += rest[..<open]
            if inner.contains(":") {
                result += rest[open...close]
            } else {
                guard let number = evaluate(inner.split(separator: " ").map(String.init), profile) else { return nil }
                result += number
            }
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }

    private func evaluate(_ words: [String], _ profile: PlayObject?) -> String? {
        guard let first = words.first else { return nil }
        if first == "price" { return price(Array(words.dropFirst()), profile) }
        guard words.count >= 2, let plan = profile?.text("plan").flatMap(catalogue.plan(named:)),
            let meter = catalogue.meter(named: words[1]),
            case .of(let limit) = catalogue[plan].limits[meter.index].limit
        else { return nil }
        let scale = catalogue[meter].scale
        if first.hasSuffix("%"), words.count == 2, let percent = Int64(first.dropLast()) {
            return decimal((limit * percent + 99) / 100, scale)
        }
        guard first == "limit" else { return nil }
        var unit: Int64 = 1
        for _ in 0..<scale { unit *= 10 }
        switch (words.count, words.dropFirst(2).first) {
        case (2, _): return decimal(limit, scale)
        case (4, "-"): return Int64(words[3]).map { decimal(limit - $0 * unit, scale) }
        case (4, "+"): return Int64(words[3]).map { decimal(limit + $0 * unit, scale) }
        default: return nil
        }
    }

    /// `PLAN`, `ADDON` or `PLAN - PLAN`, for the interval of the profile.
    private func price(_ words: [String], _ profile: PlayObject?) -> String? {
        let currency = profile?.text("currency")
        let interval = profile?.text("interval") ?? "month"
        func amount(_ name: String) -> Int64? {
            let prices =
                catalogue.plan(named: name).map { catalogue[$0].prices }
                ?? catalogue.addOns.first { $0.name == name }?.prices
            return prices?.first { $0.currency == currency && $0.interval.rawValue == interval }?.amount
        }
        switch words.count {
        case 1: return amount(words[0]).map { String($0) }
        case 3 where words[1] == "-":
            guard let more = amount(words[0]), let less = amount(words[2]) else { return nil }
            return String(more - less)
        default: return nil
        }
    }

    private func decimal(_ number: Int64, _ scale: Int) -> String { ExactDecimal.format(number, scale: scale) }
}
