internal import Foundation

/// Draws the demo as lines of text: a pure function of what is to be seen and of the room there is.
struct FrameRenderer: Sendable {
    /// Columns and rows of the terminal.
    var width: Int
    var height: Int
    var colours: Bool

    /// A whole frame, at most `height − 1` lines, none wider than `width`.
    func frame(_ model: ViewModel) -> [String] {
        let room = max(4, height - 1)
        var counts = "\(grouped(model.events)) events · \(grouped(Int64(model.triggers))) triggers"
        if model.deadLetters > 0 { counts += " · \(grouped(model.deadLetters)) dead letters" }
        if !model.place.isEmpty { counts = "\(model.place) · \(counts)" }
        // Where there is no room for both, what moves is worth more than the name of it all.
        let head = "\(model.title) · \(counts)"
        var lines = [paint(fit(columns(head) <= width ? head : counts, width), .bold)]
        // Two thirds for the accounts, the rest for what comes out, and a title line for each.
        let gaugeRoom = min(model.gauges.count, max(1, (room - 3) * 2 / 3))
        lines.append("")
        lines += table(Array(model.gauges.prefix(gaugeRoom)))
        let triggerRoom = room - lines.count - 2
        guard triggerRoom > 0 else { return Array(lines.prefix(room)) }
        lines.append("")
        lines.append(paint(fit("Triggers", width), .bold))
        lines += triggers(Array(model.lines.suffix(triggerRoom)))
        return lines
    }

    /// A line for each gauge, in columns: `account  plan  meter  [bar] 85 %  8,500 of 10,000`.
    ///
    /// Without room for a bar of 8 columns, first the plan goes, then the numbers, then the bar.
    func table(_ gauges: [ViewModel.Gauge]) -> [String] {
        let accounts = column(gauges.map(\.account), max: 18)
        let plans = column(gauges.map(\.plan), max: 12)
        let meters = column(gauges.map(\.meter), max: 14)
        let shares = gauges.map { padLeft($0.share.map { "\($0 / 100) %" } ?? "", 6) }
        let numbers = gauges.map(Self.numbers)
        func words(plan: Bool, numbers withNumbers: Bool) -> (left: [String], right: [String]) {
            let left = gauges.indices.map { row in
                [accounts[row], plan ? plans[row] : nil, meters[row]].compactMap(\.self).joined(separator: " ")
            }
            return (left, gauges.indices.map { shares[$0] + (withNumbers ? "  " + numbers[$0] : "") })
        }
        var (left, right) = words(plan: true, numbers: true)
        // Two blanks or the bar's two ends.
        func room() -> Int { width - (left.map(columns).max() ?? 0) - (right.map(columns).max() ?? 0) - 3 }
        if room() < Self.barMin { (left, right) = words(plan: false, numbers: true) }
        if room() < Self.barMin { (left, right) = words(plan: false, numbers: false) }
        let bar = min(room(), 40)
        return gauges.indices.map { row in
            guard bar >= Self.barMin else { return fit(left[row] + right[row], width) }
            return left[row] + " ▕" + self.bar(gauges[row].share ?? 0, columns: bar) + "▏" + right[row]
        }
    }
    /// Columns below which a bar says nothing.
    private static let barMin = 8

    private func bar(_ share: Int64, columns: Int) -> String {
        let filled = Int(min(Int64(columns), max(0, share) * Int64(columns) / 10_000))
        let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: columns - filled)
        return paint(bar, share >= 10_000 ? .red : share >= 8_000 ? .yellow : .green)
    }

    /// `8,500 of 10,000`, `9.5 GB of 10 GB`.
    private static func numbers(_ gauge: ViewModel.Gauge) -> String {
        let usage = amount(Decimal(gauge.usage), gauge.unit)
        return gauge.limit.map { "\(usage) of \(amount(Decimal($0), gauge.unit))" } ?? "\(usage), unlimited"
    }

    /// Texts as wide as the widest of them.
    private func column(_ texts: [String], max: Int) -> [String] {
        let width = min(max, texts.map(columns).max() ?? 0)
        return texts.map { pad($0, width) }
    }

    /// A line for each trigger. Where one is too long, year and time of day go from all.
    func triggers(_ lines: [TriggerLine]) -> [String] {
        var sentences = lines.map(Self.sentence)
        if sentences.contains(where: { columns($0) > width }) {
            sentences = sentences.map { String($0.dropFirst(5).prefix(5) + $0.dropFirst(16)) }
        }
        return zip(lines, sentences).map { paint(fit($1, width), Self.colour($0)) }
    }

    /// `2025-09-12 14:00  acme: 80 % of api_calls (8,012 of 10,000, plan basic)`.
    static func sentence(_ line: TriggerLine) -> String {
        let when = line.time.prefix(16).replacing("T", with: " ")
        let crossed = line.crossed.map { line.unit == "percent" ? "\($0)" : amount($0, line.meterUnit) }
            .joined(separator: ", ")
        let what =
            switch line.unit {
            case "remaining": "\(crossed) left of \(line.meter)"
            case "absolute": "\(crossed) \(line.meter)"
            default: "\(crossed) % of \(line.meter)"
            }
        let limit = line.limit.map { amount($0, line.meterUnit) } ?? "unlimited"
        var text = "\(when)  \(line.account): \(what) (\(amount(line.current, line.meterUnit)) of \(limit)"
        text += line.plan.isEmpty ? ")" : ", plan \(line.plan))"
        if line.cause != "usage", !line.cause.isEmpty { text += " [\(line.cause)]" }
        return text
    }

    /// The last threshold there is, red; one before it, yellow.
    private static func colour(_ line: TriggerLine) -> Colour {
        guard let highest = line.crossed.last else { return .plain }
        return highest >= 100 || (line.unit == "remaining" && highest == 0) ? .red : .yellow
    }

    // MARK: Text

    enum Colour: String {
        case plain = "0"
        case bold = "1"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    private func paint(_ text: String, _ colour: Colour) -> String {
        colours && colour != .plain ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Cuts to a number of columns and takes out whatever could steer the terminal: names come from the input.
    func fit(_ text: String, _ width: Int) -> String {
        var result = ""
        var used = 0
        for character in text {
            let shown: Character =
                character.unicodeScalars.contains { $0.properties.generalCategory == .control } ? "�" : character
            let next = used + columns(shown)
            if next > width {
                // The mark of a cut takes the place of the last column.
                while !result.isEmpty, used + 1 > width { used -= columns(result.removeLast()) }
                return width > 0 ? result + "…" : ""
            }
            result.append(shown)
            used = next
        }
        return result
    }

    private func pad(_ text: String, _ width: Int) -> String {
        let cut = fit(text, width)
        return cut + String(repeating: " ", count: max(0, width - columns(cut)))
    }

    private func padLeft(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - columns(text))) + text
    }

    func columns(_ text: String) -> Int { text.reduce(0) { $0 + columns($1) } }

    /// Wide characters of East Asian scripts and most emoji take two columns.
    private func columns(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        switch first.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

/// The demo speaks English wherever it runs.
private let english = Locale(identifier: "en_US")

/// `1,234,567`.
func grouped(_ number: Int64) -> String { number.formatted(.number.locale(english)) }

/// A quantity of a meter: `1,234.5`, and `9.51 GB` of bytes.
func amount(_ number: Decimal, _ unit: String) -> String {
    guard unit == "bytes" else { return number.formatted(Decimal.FormatStyle(locale: english)) }
    let bytes = NSDecimalNumber(decimal: number).int64Value
    return bytes.formatted(ByteCountFormatStyle(style: .decimal, spellsOutZero: false, locale: english))
}
