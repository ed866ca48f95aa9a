internal import UpsellEngine
internal import UpsellModel

/// Plays a scenario, a text table, against the engine and says where it differs.
///
/// Lines before the first table row define the catalogue (`ScenarioCatalogue`); a row is
/// `time | account | input | expected`. Blank lines and what follows `#` are skipped; a row without time or account
/// repeats the one above. Inputs:
///
/// - `use METER[/DIMENSION] N[, METER N…] [arrives TIME] [id NAME] [backfill|snapshot]`
/// - `profile plan=P [anchor=T] [start=T] [end=T] [zone=Z] [addon=NAME:N[:UNTIL]] [override=METER:N] [pending=P@T]
///   [trial=P@T~T] [cancelling] [time=T] [reset]`
/// - `gone`, `tick` (the time is wall time), `config DEFINITION` (a catalogue line that replaces the one of its name)
/// - `silent use …`, `silent profile …`: as at a first start
///
/// Expectations, joined by `;`: `RULE T,T…[ CAUSE][ after REARMING|nothing]` a trigger (what armed it anew is compared
/// where it is written), `held RULE T,T…`, `rejected REASON`, `expired REASON`,
/// `METER[/DIMENSION]=N` usage afterwards, `-` nothing. Triggers, held, rejected and expired ones must be all there
/// are.
public struct ScenarioRunner {
    private var catalogue = ScenarioCatalogue()
    private var events = ScenarioEvents()
    private var time = ""
    private var account = ""
    private var complaints: [String] = []
    private var ids: Set<String> = []

    private init() {}

    /// - Returns: a sentence for each difference; empty if all is as written.
    public static func run(_ text: String) -> [String] {
        var runner = ScenarioRunner()
        runner.play(text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        return runner.complaints
    }

    private mutating func play(_ lines: [String]) {
        var rows: [(line: Int, cells: [String])] = []
        for (index, line) in lines.enumerated() {
            let content = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
            let cells = content.split(separator: "|", omittingEmptySubsequences: false).map { Self.trim($0) }
            if cells.count == 1 {
                guard !cells[0].isEmpty else { continue }
                if !rows.isEmpty || !catalogue.define(cells[0]) {
                    complaints.append("line \(index + 1): not understood: \(line)")
                }
            } else if cells.count == 4 {
                rows.append((index + 1, cells))
            } else {
                complaints.append("line \(index + 1): four columns expected")
            }
        }
        guard complaints.isEmpty else { return }
        if rows.isEmpty { complaints.append("no rows") }
        var engine = PartitionEngine(catalogue: catalogue.built, partition: PartitionID(0))
        var effects = Effects()
        for (line, cells) in rows {
            if !cells[0].isEmpty { time = cells[0] }
            if !cells[1].isEmpty { account = cells[1] }
            effects.removeAll()
            guard let instant = ScenarioTime.parse(time), step(cells[2], instant, &engine, &effects) else {
                complaints.append("line \(line): not understood: \(cells[2])")
                continue
            }
            compare(line, cells[3], engine, effects)
            let statistics = engine.statistics
            let sum =
                statistics.applied + statistics.waited + statistics.ignored + statistics.duplicates
                + statistics.lateOnly + statistics.rejected
            if sum != statistics.rows { complaints.append("line \(line): dispositions do not add up to the rows") }
        }
    }

    // MARK: Input

    private mutating func step(
        _ input: String, _ instant: Timestamp, _ engine: inout PartitionEngine, _ effects: inout Effects
    ) -> Bool {
        var words = input.split(separator: " ").map(String.init)
        var mode = FiringMode.live
        if words.first == "silent" {
            mode = .silent
            words.removeFirst()
        }
        guard let verb = words.first else { return false }
        words.removeFirst()
        switch verb {
        case "use":
            guard use(words, instant) else { return false }
            events.play(into: &engine, mode: mode, &effects)
        case "profile":
            guard let profile = profile(words, instant) else { return false }
            engine.apply(
                profile: profile, account: account, recordTime: instant,
                coordinates: InputCoordinates(input: InputID(1), offset: 0), mode: mode, into: &effects)
        case "gone": engine.removeAccount(account, into: &effects)
        case "tick": engine.tick(wallTime: instant, into: &effects)
        case "config":
            guard catalogue.define(words.joined(separator: " ")) else { return false }
            engine.adopt(catalogue.built, into: &effects)
        default: return false
        }
        return true
    }

    private mutating func use(_ words: [String], _ instant: Timestamp) -> Bool {
        var uses: [ScenarioEvents.Use] = []
        var record: Timestamp?
        var id: String?
        var flags: UsageEvent.Flags = []
        var index = 0
        while index < words.count {
            let next = index + 1 < words.count ? words[index + 1] : nil
            switch words[index] {
            case "arrives":
                record = next.flatMap { ScenarioTime.parse($0) }
                if record == nil { return false }
                index += 2
            case "id":
                id = next
                index += 2
            case "backfill":
                flags.insert(.backfill)
                index += 1
            case "snapshot":
                flags.insert(.snapshot)
                index += 1
            default:
                let name = words[index].split(separator: "/").map(String.init)
                guard let meter = catalogue.built.meter(named: name[0]),
                    let quantity = next.flatMap({ Int64($0.hasSuffix(",") ? String($0.dropLast()) : $0) })
                else { return false }
                uses.append(ScenarioEvents.Use(meter, quantity, dimension: name.count > 1 ? name[1] : nil))
                index += 2
            }
        }
        guard !uses.isEmpty else { return false }
        events.add(account, at: instant, record: record, uses, id: id, flags: flags)
        return true
    }

    private func profile(_ words: [String], _ instant: Timestamp) -> Profile? {
        var profile = Profile(plan: "", time: instant)
        var bounds = Profile.PeriodBounds()
        for word in words {
            let pair = word.split(separator: "=", maxSplits: 1).map(String.init)
            let value = pair.count == 2 ? pair[1] : ""
            switch pair[0] {
            case "plan": profile.plan = value
            case "anchor": bounds.anchor = ScenarioTime.parse(value)
            case "start": bounds.start = ScenarioTime.parse(value)
            case "end": bounds.end = ScenarioTime.parse(value)
            case "zone": profile.timeZone = ScenarioTime.zone(named: value)
            case "time": profile.time = ScenarioTime.parse(value) ?? instant
            case "reset": profile.resetUsage = true
            case "cancelling": profile.cancelAtPeriodEnd = true
            case "trial":
                let parts = value.split(separator: "@").map(String.init)
                let bounds = parts.count == 2 ? parts[1].split(separator: "~").map(String.init) : []
                guard bounds.count == 2 else { return nil }
                profile.trial = Profile.Trial(
                    plan: parts[0], start: ScenarioTime.parse(bounds[0]), end: ScenarioTime.parse(bounds[1]))
            case "addon":
                let parts = value.split(separator: ":", maxSplits: 2).map(String.init)
                guard parts.count > 1, let quantity = Int64(parts[1]) else { return nil }
                profile.addOns.append(
                    Profile.Holding(
                        addOn: parts[0], quantity: quantity,
                        until: parts.count > 2 ? ScenarioTime.parse(parts[2]) : nil))
            case "override":
                let parts = value.split(separator: ":").map(String.init)
                guard parts.count == 2 else { return nil }
                profile.overrides.append(
                    Profile.Override(meter: parts[0], limit: parts[1] == "unlimited" ? nil : parts[1]))
            case "pending":
                let parts = value.split(separator: "@").map(String.init)
                guard parts.count == 2 else { return nil }
                profile.pendingPlan = parts[0]
                profile.effectiveAt = ScenarioTime.parse(parts[1])
            default: return nil
            }
        }
        if bounds != Profile.PeriodBounds() { profile.period = bounds }
        return profile.plan.isEmpty ? nil : profile
    }

    // MARK: Output

    private mutating func compare(
        _ line: Int, _ expected: String, _ engine: borrowing PartitionEngine, _ effects: Effects
    ) {
        var wanted: [String] = []
        for part in expected.split(separator: ";").map({ Self.trim($0) }) where part != "-" {
            let pair = part.split(separator: "=").map(String.init)
            guard pair.count == 2, let meter = catalogue.built.meter(named: String(pair[0].split(separator: "/")[0]))
            else {
                wanted.append(part)
                continue
            }
            let dimension = pair[0].split(separator: "/").dropFirst().first.map(String.init)
            let usage = engine.usage(account: account, meter: meter, dimension: dimension)
            let found = usage.map(String.init) ?? "none"
            if found != pair[1] { complaints.append("line \(line): \(pair[0]) is \(found), expected \(pair[1])") }
        }
        var found: [String] = []
        var rearmed: [String] = []
        for trigger in effects.triggers {
            let cause = trigger.cause == .usage ? "" : " \(trigger.cause.rawValue)"
            found.append("\(trigger.rule) \(thresholds(trigger))\(cause)")
            rearmed.append(" after \(trigger.rearmed?.rawValue ?? "nothing")")
            if !ids.insert(trigger.id.description).inserted { complaints.append("line \(line): an id came twice") }
        }
        for held in effects.held {
            found.append("held \(held.trigger.rule) \(thresholds(held.trigger))")
            if !ids.insert(held.trigger.id.description).inserted {
                complaints.append("line \(line): an id came twice")
            }
        }
        for rejected in effects.rejected { found.append("rejected \(rejected.rejection.reason.rawValue)") }
        for expired in effects.expired { found.append("expired \(expired.reason.rawValue)") }
        for index in rearmed.indices where index < wanted.count && wanted[index].contains(" after ") {
            found[index] += rearmed[index]
        }
        if found != wanted {
            complaints.append(
                "line \(line): got [\(found.joined(separator: "; "))], expected [\(wanted.joined(separator: "; "))]")
        }
    }

    /// With a dimension's value and the percent threshold without its hundredths.
    private func thresholds(_ trigger: Trigger) -> String {
        guard let usage = trigger.usage else { return "" }
        let scale = usage.thresholdUnit == .percent ? 2 : 0
        let numbers = usage.crossed.map { ExactDecimal.format($0, scale: scale) }
        return (usage.dimension.map { "/\($0.value) " } ?? "") + numbers.joined(separator: ",")
    }

    private static func trim(_ text: some StringProtocol) -> String {
        text.split(separator: " ").joined(separator: " ")
    }
}
