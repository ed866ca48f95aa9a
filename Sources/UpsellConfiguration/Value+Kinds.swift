import UpsellModel

/// Values with a grammar of their own. As in `Value`, each returns nil after exactly one complaint.
extension Value {
    /// A duration of whole days, as a number of days.
    func days(_ range: ClosedRange<Int>) -> Int? {
        let bounds = Int64(range.lowerBound) * .millisecondsPerDay...Int64(range.upperBound) * .millisecondsPerDay
        guard let length = duration(bounds) else { return nil }
        guard length % .millisecondsPerDay == 0 else {
            complain("\(found) is not a whole number of days", expected: "days, as 30d")
            return nil
        }
        return Int(length / .millisecondsPerDay)
    }

    /// A percentage, with or without its sign, in hundredths of a percent.
    func percent(
        from lowest: Int64, to highest: Int64 = ConfigurationBounds.percentMax, as example: String = "80 or 99.5"
    ) -> Int64? {
        let (least, most) = (Self.percentText(lowest), Self.percentText(highest))
        let expected = "a percentage from \(least) to \(most) with at most 2 decimals, as \(example)"
        guard var text = plain else {
            complain(notA: expected)
            return nil
        }
        if text.hasSuffix("%") { text.removeLast() }
        guard let decimal = DecimalText(text[...]) else {
            complain(notA: expected)
            return nil
        }
        do throws(DecimalText.ConversionError) {
            let hundredths = try decimal.integer(scale: 2)
            if (lowest...highest).contains(hundredths) { return hundredths }
            complain("\(quoted(text)) is out of range", expected: expected)
        } catch {
            switch error {
            case .tooManyDecimals: complain("\(quoted(text)) has more than 2 decimals", expected: expected)
            case .overflow: complain("\(quoted(text)) is out of range", expected: expected)
            }
        }
        return nil
    }

    /// Hundredths of a percent as they are written: `0.01`, `80`, `100_000`.
    private static func percentText(_ hundredths: Int64) -> String {
        let fraction = hundredths % 100
        guard fraction == 0 else { return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)" }
        let digits = String(hundredths / 100)
        return digits.count > 4 ? "\(digits.dropLast(3))_\(digits.suffix(3))" : digits
    }

    /// A local time of day, as minutes after midnight.
    func minuteOfDay() -> Int? {
        // Quoted or not: YAML 1.1 reads 09:00 as a number, this reader does not.
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            complain(notA: Self.timeOfDay)
            return nil
        }
        let bytes = Array(text.utf8)
        func number(_ first: Int) -> Int? {
            let digits = bytes[first..<first + 2].map { Int($0) - 0x30 }
            return digits.allSatisfy { (0...9).contains($0) } ? digits[0] * 10 + digits[1] : nil
        }
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"), let hour = number(0), let minute = number(3), hour < 24,
            minute < 60
        else {
            complain(notA: Self.timeOfDay)
            return nil
        }
        return hour * 60 + minute
    }

    private static let timeOfDay = "a local time of day from 00:00 to 23:59, as \"09:00\""

    /// An amount of money in major units, as minor units of the currency.
    func money(_ currency: String, from lowest: Int64) -> Int64? {
        let digits = Currency.minorDigits(of: currency)
        let least = lowest == 0 ? "from 0" : "above 0"
        let expected = "an amount in \(currency) \(least) with at most \(digits) decimals"
        guard let plain, let decimal = DecimalText(plain[...]), let amount = try? decimal.integer(scale: digits),
            (lowest...ConfigurationBounds.quantityMax).contains(amount)
        else {
            complain(notA: expected)
            return nil
        }
        return amount
    }

    /// Entries of a map by currency; others than ISO 4217's form are complained about and left out.
    func currencies(_ expected: String) -> [(currency: String, value: Value)] {
        entries(expected).compactMap { currency, value in
            if Currency.isCode(currency) { return (currency, value) }
            value.complain(
                "\"\(quoted(currency))\" is no currency", expected: "a code of ISO 4217, as USD", at: value.keyMark)
            return nil
        }
    }

    /// A path into an event.
    func fieldPath(_ text: String, at mark: YAMLMark? = nil) -> FieldPath? {
        let names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let isAttribute =
            names.count == 1 && names[0] != "data"
            && text.utf8.allSatisfy {
                ($0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z"))
                    || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9"))
            }
        let isData = names.count > 1 && names[0] == "data" && names.count <= 16
        guard text.utf8.count <= 512, !names.contains(""), isAttribute || isData else {
            complain(
                "\"\(quoted(text))\" is no path into an event",
                expected: "data.NAME, data.NAME.NAME… or the bare name of a CloudEvents attribute", at: mark)
            return nil
        }
        return FieldPath(names)
    }

    /// Paths into an event and the values it may have there.
    func filter() -> [FieldCondition] {
        var conditions: [FieldCondition] = []
        for (path, condition) in entries("a map of paths and the values they may have") {
            guard let field = condition.fieldPath(path, at: condition.keyMark) else { continue }
            let anyOf = condition.texts("a value or a list of values")
            if !anyOf.isEmpty { conditions.append(FieldCondition(path: field, anyOf: anyOf)) }
        }
        return conditions
    }

    /// One text or a list of different ones; complains about an empty list.
    func texts(
        _ expected: String, max: Int = ConfigurationBounds.listMax,
        read: (Value) -> String? = { $0.text(bytesMax: 256) }
    ) -> [String] {
        guard let items = items(expected) else { return [] }
        if items.isEmpty { complain("an empty list", expected: expected, at: keyMark) }
        if items.count > max { complain("\(items.count) items", expected: "at most \(max)") }
        var seen: [String] = []
        for item in items.prefix(max) {
            guard let text = read(item) else { continue }
            if seen.contains(text) {
                item.complain("\"\(quoted(text))\" repeated", expected: "each once")
            } else {
                seen.append(text)
            }
        }
        return seen
    }

    /// Whether a map is written here; a section over anything else has complained.
    var isMap: Bool {
        if case .mapping = node.content { return true }
        return false
    }

    /// Where it is written, for complaints about something else: `config/rules.yaml:12`.
    var place: String {
        let mark = keyMark
        return mark.line > 0 ? "\(mark.file):\(mark.line)" : mark.file
    }
}
