internal import Foundation
internal import KafkaTransport

/// Compares what came out with a naive fold of what went in.
struct Audit {
    let site: Site

    init(_ site: Site) { self.site = site }

    func check(against watch: Watch?, into report: inout Report) throws {
        let fold = try fold()
        report.events = Int(fold.records.values.reduce(0, +))
        report.duplicates = fold.duplicates
        report.late = fold.late
        report.accounts = fold.home.count
        let ledger = try read(Site.triggers, "final reader")
        report.triggers = compare("trigger", expected: fold.triggers, found: ledger)
        report.held = compare("held", expected: fold.held, found: try read(Site.held, "final reader of held"))
        report.deadLetters = try count(Site.deadLetters, .readCommitted)
        if report.deadLetters > 0 { site.violations.report("dead-letters", "\(report.deadLetters) records") }
        report.abortedTriggers = try count(Site.triggers, .readUncommitted) - ledger.count
        try StateAudit(site: site, fold: fold)(into: &report)
        if let watch { checkSubscriber(watch.ledger, ledger) }
        site.console.say(
            "\(report.events) events, \(report.duplicates) duplicates, \(report.late) late; triggers \(report.triggers.found)"
                + " of \(report.triggers.expected), held \(report.held.found) of \(report.held.expected), state "
                + "\(report.stateDifferences ?? 0) of \(report.stateCounters ?? 0) counters different")
    }

    /// Reads the input back: the topic's order is what counts, and every record must be what was written.
    func fold() throws -> NaiveFold {
        let workload = site.workload
        var fold = NaiveFold(workload)
        var tail = try tail(Site.usage, .readCommitted)
        defer { tail.close() }
        try tail.readOn { value, partition, offset in
            guard let event = workload.event(of: value) else {
                throw ChaosError("input \(partition)@\(offset) is not of this workload")
            }
            fold.apply(event, partition: partition, offset: offset)
        }
        let count = fold.records.values.reduce(0, +)
        guard count == workload.events else {
            throw ChaosError("the input holds \(count) records, not \(workload.events)")
        }
        return fold
    }

    private func tail(_ topic: String, _ isolation: LogReader.Isolation) throws -> TopicTail {
        try TopicTail(
            topic, partitions: site.options.partitions, isolation: isolation, properties: site.properties)
    }

    private func read(_ topic: String, _ what: String) throws -> TriggerLedger {
        var ledger = TriggerLedger(partitions: site.options.partitions, what: what, violations: site.violations)
        var tail = try tail(topic, .readCommitted)
        defer { tail.close() }
        try tail.readOn { ledger.add($0, partition: $1, offset: $2) }
        return ledger
    }

    private func count(_ topic: String, _ isolation: LogReader.Isolation) throws -> Int {
        var count = 0
        var tail = try tail(topic, isolation)
        defer { tail.close() }
        try tail.readOn { _, _, _ in count += 1 }
        return count
    }

    private func compare(
        _ what: String, expected: [NaiveFold.TriggerKey: NaiveFold.Expected], found: TriggerLedger
    ) -> Report.Counts {
        var counts = Report.Counts(expected: expected.count, found: found.count)
        for (key, content) in expected {
            guard let published = found.triggers[key] else {
                counts.missing += 1
                site.violations.report("missing", "\(what) \(key): \(content)")
                continue
            }
            guard published != content else { continue }
            counts.different += 1
            site.violations.report("different", "\(what) \(key): \(published) instead of \(content)")
        }
        for (key, content) in found.triggers where expected[key] == nil {
            counts.unexpected += 1
            site.violations.report("unexpected", "\(what) \(key): \(content)")
        }
        return counts
    }

    /// What a subscriber saw while the run went on is what the log holds, record for record, up to where it had read.
    private func checkSubscriber(_ seen: TriggerLedger, _ final: TriggerLedger) {
        for partition in seen.entries.indices {
            let (early, late) = (seen.entries[partition], final.entries[partition])
            guard early.count <= late.count, late.prefix(early.count).elementsEqual(early) else {
                let index = zip(early, late).enumerated().first { $0.element.0 != $0.element.1 }?.offset
                site.violations.report(
                    "torn",
                    "partition \(partition): a subscriber saw other records than the log holds, from "
                        + "number \(index ?? min(early.count, late.count)) on")
                continue
            }
        }
    }
}
