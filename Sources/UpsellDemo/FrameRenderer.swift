/// Draws the demo as lines of text: a pure function of what is to be seen and of the room there is.
struct FrameRenderer: Sendable {
    /// Columns and rows of the terminal.
    var width: Int
    var height: Int
    var colours: Bool

    /// A whole frame, at most `height − 1` lines, none wider than `width`.
    func frame(_ model: ViewModel) -> [String] {
        let room = max(4, height - 1)
        var head = "upselld demo: \(model.title)"
        if !model.place.isEmpty { head += " · \(model.place)" }
        head += " · \(grouped(model.events)) events · \(grouped(Int64(model.triggers))) triggers"
        if model.deadLetters > 0 { head += " · \(grouped(model.deadLetters)) dead letters" }
        var lines = [paint(fit(head, width), .bold)]
        // Two thirds for the accounts, the rest for what comes out, and a title line for each.
        let gaugeRoom = min(model.gauges.count, max(1, (room - 3) * 2 / 3))
        lines.append("")
        let shown = model.gauges.prefix(gaugeRoom)
        // Bars of one length, so that they can be compared.
        let bar = shown.map(barRoom).min() ?? 0
        for gauge in shown { lines.append(self.gauge(gauge, bar: bar)) }
        let triggerRoom = room - lines.count - 2
        guard triggerRoom > 0 else { return Array(lines.prefix(room)) }
        lines.append("")
        lines.append(paint(fit("Triggers", width), .bold))
        for line in model.lines.suffix(triggerRoom) { lines.append(trigger(line)) }
        return lines
    }

    private func left(_ gauge: ViewModel.Gauge) -> String {
        "\(pad(gauge.account, 18)) \(pad(gauge.plan, 10)) \(pad(gauge.meter, 12)) "
    }

    private func right(_ gauge: ViewModel.Gauge) -> String {
        let numbers =
            gauge.limit.map { "\(grouped(gauge.usage)) of \(grouped($0))" } ?? "\(grouped(gauge.usage)), unlimited"
        return " \(gauge.share.map { padLeft("\($0 / 100) %", 6) } ?? "      ")  \(numbers)"
    }

    /// Columns that a gauge's words leave for its bar; may be negative.
    private func barRoom(_ gauge: ViewModel.Gauge) -> Int {
        min(40, width - columns(left(gauge)) - columns(right(gauge)) - 2)
    }

    /// `account  plan  meter  [bar] 85 %  8,500 of 10,000`.
    ///
    /// - Parameter bar: its columns; nil: as many as there is room for. Below 6 there is none.
    func gauge(_ gauge: ViewModel.Gauge, bar: Int? = nil) -> String {
        let (left, right) = (left(gauge), right(gauge))
        let room = bar ?? barRoom(gauge)
        guard room >= 6 else { return fit(left + right.dropFirst(), width) }
        let share = gauge.share ?? 0
        let filled = Int(min(Int64(room), max(0, share) * Int64(room) / 10_000))
        let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: room - filled)
        let colour: Colour = share >= 10_000 ? .red : share >= 8_000 ? .yellow : .green
        return left + "▕" + paint(bar, colour) + "▏" + right
    }

    /// A trigger in a line.
    func trigger(_ line: TriggerLine) -> String { paint(fit(Self.sentence(line), width), Self.colour(line)) }

    /// `2025-09-12 14:00  acme: 80 % of api_calls (8,012 of 10,000, plan basic)`.
    static func sentence(_ line: TriggerLine) -> String {
        let when = line.time.prefix(16).replacing("T", with: " ")
        let what =
            switch line.unit {
            case "remaining": "\(line.crossed.map(grouped).joined(separator: ", ")) left of \(line.meter)"
            case "absolute": "\(line.crossed.map(grouped).joined(separator: ", ")) \(line.meter)"
            default: "\(line.crossed.joined(separator: ", ")) % of \(line.meter)"
            }
        var text = "\(when)  \(line.account): \(what) (\(grouped(line.current)) of \(grouped(line.limit))"
        text += line.plan.isEmpty ? ")" : ", plan \(line.plan))"
        if line.cause != "usage", !line.cause.isEmpty { text += " [\(line.cause)]" }
        return text
    }

    /// The last threshold there is, red; one before it, yellow.
    private static func colour(_ line: TriggerLine) -> Colour {
        guard let highest = line.crossed.last.flatMap(Double.init) else { return .plain }
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

/// A whole number as text with its thousands apart; other text as it is.
func grouped(_ text: String) -> String { Int64(text).map(grouped) ?? text }

/// `1,234,567`.
func grouped(_ number: Int64) -> String {
    let digits = String(number.magnitude)
    var result = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { result += "," }
        result.append(digit)
    }
    return result
}
