internal import UpsellModel

/// Modes of rules that control records or the fuse have set, what the fuse counts, and the next control record.
///
/// By rule name, in the order in which they came; a rule that leaves the catalogue leaves here too, so that there are
/// never more entries than rules.
struct RuleSafety {
    var overrides: [Override] = []
    var fuses: [FuseWindow] = []
    /// Offset of the next control record to be applied.
    var nextControl: Int64 = 0

    struct Override: Equatable {
        var rule: String
        var mode: Mode
        /// Who gave the command; empty for the fuse.
        var by: String
        var time: Int64
    }

    enum Mode: UInt8 {
        case paused, shadow
        /// Shadow, because it reached too many.
        case fused
    }

    init() {}

    var isEmpty: Bool { overrides.isEmpty && fuses.isEmpty && nextControl == 0 }

    /// What somebody or the fuse has set; nil where the rule's own mode holds.
    func mode(of rule: String) -> Mode? {
        overrides.isEmpty ? nil : overrides.first { $0.rule == rule }?.mode
    }

    /// - Parameter mode: nil for the rule's own again.
    mutating func set(_ mode: Mode?, of rule: String, by: String, at time: Int64) {
        overrides.removeAll { $0.rule == rule }
        if let mode { overrides.append(Override(rule: rule, mode: mode, by: by, time: time)) }
    }

    /// Accounts that the rule reached in the last hour.
    func reached(_ rule: String, at now: Int64) -> Int {
        fuses.first { $0.rule == rule }?.accounts(at: now) ?? 0
    }

    mutating func count(_ rule: String, from last: Int64?, at now: Int64) {
        if let index = fuses.firstIndex(where: { $0.rule == rule }) {
            fuses[index].count(from: last, at: now)
        } else {
            var window = FuseWindow(rule: rule)
            window.count(from: last, at: now)
            fuses.append(window)
        }
    }

    mutating func forgetFuse(of rule: String) { fuses.removeAll { $0.rule == rule } }

    /// Forgets rules that the catalogue does not have.
    mutating func keep(_ rules: [Rule]) {
        overrides.removeAll { entry in !rules.contains { $0.name == entry.rule } }
        fuses.removeAll { entry in !rules.contains { $0.name == entry.rule } }
    }
}

/// Distinct accounts that a rule reached in the last hour, by the minute in which it last reached each.
///
/// An account that is reached again moves to the present minute, which only needs the instant at which it was reached
/// before: the account itself keeps that.
struct FuseWindow: Equatable {
    var rule: String
    /// Ascending; at most `minutes` of them, none without accounts.
    var buckets: [Bucket] = []

    static let minutes: Int64 = 60

    struct Bucket: Equatable {
        var minute: Int64
        var count: Int
    }

    static func minute(_ instant: Int64) -> Int64 { instant.flooredDivision(by: .millisecondsPerMinute) }

    /// Whether what happened at `instant` is within the hour.
    static func isRecent(_ instant: Int64, at now: Int64) -> Bool { minute(instant) > minute(now) - minutes }

    func accounts(at now: Int64) -> Int {
        buckets.reduce(0) { $0 + ($1.minute > Self.minute(now) - Self.minutes ? $1.count : 0) }
    }

    mutating func count(from last: Int64?, at now: Int64) {
        let minute = Self.minute(now)
        if let last, let index = buckets.firstIndex(where: { $0.minute == Self.minute(last) }) {
            buckets[index].count -= 1
        }
        buckets.removeAll { $0.count <= 0 || $0.minute <= minute - Self.minutes }
        if let newest = buckets.last, newest.minute == minute {
            buckets[buckets.count - 1].count += 1
        } else {
            buckets.append(Bucket(minute: minute, count: 1))
        }
    }
}

/// Format: article "State", section "Rule safety".
extension RuleSafety {
    func write(into out: inout StateWriter) {
        out.put(overrides) { out, entry in
            out.put(entry.rule)
            out.writer.put(byte: entry.mode.rawValue)
            out.put(entry.by)
            out.put(instant: entry.time)
        }
        out.put(fuses) { out, window in
            out.put(window.rule)
            out.put(window.buckets) { out, bucket in
                out.writer.put(signed: bucket.minute)
                out.writer.put(count: bucket.count)
            }
        }
        out.writer.put(signed: nextControl)
    }

    init(from input: inout StateReader, _ program: Program) throws(BinaryCodingError) {
        for _ in 0..<(try input.reader.count()) {
            let rule = try input.text()
            let byte = try input.reader.byte()
            guard let mode = Mode(rawValue: byte) else { throw input.malformed("mode \(byte)") }
            overrides.append(Override(rule: rule, mode: mode, by: try input.text(), time: try input.instant()))
        }
        for _ in 0..<(try input.reader.count()) {
            var window = FuseWindow(rule: try input.text())
            for _ in 0..<(try input.reader.count()) {
                let minute = try input.reader.signed()
                let count = try input.reader.integer()
                guard minute.magnitude <= UInt64(StateFormat.instantMax / .millisecondsPerMinute),
                    minute > window.buckets.last?.minute ?? .min, (1...(1 << 32)).contains(count)
                else { throw input.malformed("minute \(minute) of a fuse, \(count) accounts") }
                window.buckets.append(FuseWindow.Bucket(minute: minute, count: count))
            }
            guard window.buckets.count <= FuseWindow.minutes else { throw input.malformed("a fuse of over an hour") }
            fuses.append(window)
        }
        nextControl = try input.reader.signed()
        guard (0...StateFormat.instantMax).contains(nextControl) else {
            throw input.malformed("control offset \(nextControl)")
        }
    }
}
