/// Reads the published bytes back, with a scanner of its own: the first member of a name, which is the outermost.
package enum OutputReader {
    /// - Parameters:
    ///   - inputTopics: names by place.
    ///   - isHeld: of the topic of held triggers, whose first reason is why.
    /// - Returns: id and content of a trigger or held trigger, nil where a member is missing.
    package static func trigger(
        _ value: [UInt8], isHeld: Bool = false, inputTopics: [String], catalogue: SimulationCatalogue
    ) -> (id: String, trigger: NaiveTrigger)? {
        guard let id = text(value, "id"), let account = text(value, "subject"), let rule = text(value, "rule"),
            let meter = text(value, "meter"), let previous = number(value, "previous"),
            let current = number(value, "current"), let cause = text(value, "cause"),
            let crossed = list(value, "crossed"), let topic = text(value, "topic"),
            let input = inputTopics.firstIndex(of: topic), let offset = number(value, "offset"),
            let line = catalogue.rules.first(where: { $0.name == rule })
        else { return nil }
        // Percent thresholds are published as percent, the catalogue has hundredths.
        let factor: Int64 = line.unit == .percent ? 100 : 1
        var start: Int64?
        if let begin = place(value, "period") {
            start = text(value, "start", from: begin).flatMap(NaiveCalendar.instant)
        }
        return (
            id,
            NaiveTrigger(
                account: account, rule: rule, meter: meter, periodStart: start, crossed: crossed.map { $0 * factor },
                previous: previous, current: current, cause: cause, input: input, offset: offset,
                reason: isHeld ? text(value, "reason") : nil)
        )
    }

    /// - Returns: id and content of an outcome; nil where a member is missing. `feedback` is empty where none brought it
    ///   about.
    package static func outcome(_ value: [UInt8]) -> (id: String, outcome: NaiveOutcome)? {
        guard let id = text(value, "id"), let account = text(value, "subject"), let trigger = text(value, "trigger"),
            let kind = text(value, "kind")
        else { return nil }
        return (
            id,
            NaiveOutcome(account: account, trigger: trigger, kind: kind, feedback: text(value, "feedback") ?? "")
        )
    }

    /// Ids of the triggers of a record of what is open: 32 digits each; the first id is the record's own.
    package static func openIDs(_ value: [UInt8]) -> Set<String> {
        var ids: Set<String> = []
        var start = place(value, "triggers") ?? value.count
        while let begin = place(value, "id", from: start) {
            if let id = text(value, "id", from: start), id.utf8.count == 32 { ids.insert(id) }
            start = begin
        }
        return ids
    }

    /// Number of the input partition that a trigger came from.
    package static func partition(_ value: [UInt8]) -> Int32? {
        number(value, "partition").flatMap { Int32(exactly: $0) }
    }

    /// Place of the first byte after `"name":`.
    private static func place(_ value: [UInt8], _ name: String, from start: Int = 0) -> Int? {
        let pattern = Array("\"\(name)\":".utf8)
        guard value.count >= pattern.count else { return nil }
        var place = start
        while place <= value.count - pattern.count {
            if value[place] == pattern[0], value[place..<place + pattern.count].elementsEqual(pattern) {
                return place + pattern.count
            }
            place += 1
        }
        return nil
    }

    private static func text(_ value: [UInt8], _ name: String, from start: Int = 0) -> String? {
        guard let begin = place(value, name, from: start), begin < value.count, value[begin] == UInt8(ascii: "\""),
            let end = value[(begin + 1)...].firstIndex(of: UInt8(ascii: "\""))
        else { return nil }
        return String(decoding: value[begin + 1..<end], as: UTF8.self)
    }

    private static func number(_ value: [UInt8], _ name: String) -> Int64? {
        guard let begin = place(value, name) else { return nil }
        let end = value[begin...].firstIndex { $0 != UInt8(ascii: "-") && !(48...57).contains($0) } ?? value.count
        return Int64(String(decoding: value[begin..<end], as: UTF8.self))
    }

    private static func list(_ value: [UInt8], _ name: String) -> [Int64]? {
        guard let begin = place(value, name), begin < value.count, value[begin] == UInt8(ascii: "["),
            let end = value[begin...].firstIndex(of: UInt8(ascii: "]"))
        else { return nil }
        return String(decoding: value[begin + 1..<end], as: UTF8.self).split(separator: ",").compactMap { Int64($0) }
    }
}
