internal import KafkaTransport
internal import UpsellConfiguration
internal import UpsellEngine
internal import UpsellModel
internal import UpsellRuntime
internal import UpsellStateLog

/// Restores every partition from the state log with the product's own code, and compares the usage of every account
/// with the naive fold.
struct StateAudit {
    let site: Site
    let fold: NaiveFold

    func callAsFunction(into report: inout Report) throws {
        let group = try LogReader(properties: site.properties, groupID: Site.group, isolation: .readCommitted)
        defer { group.close(deadlineMilliseconds: 2_000) }
        let numbers = (0..<Int32(site.options.partitions)).map { $0 }
        let committed = try group.committed(topic: Site.usage, partitions: numbers, timeoutMilliseconds: 30_000)
        var differences = 0
        var counters = 0
        var bytes = 0
        for partition in numbers {
            guard let place = committed[partition], let mark = OffsetMark(text: place.metadata) else {
                differences += 1
                site.violations.report("state", "partition \(partition): no offset mark is committed")
                continue
            }
            if place.offset != fold.records[Int(partition)] ?? 0 {
                site.violations.report(
                    "state",
                    "partition \(partition): committed \(place.offset), not \(fold.records[Int(partition)] ?? 0)")
            }
            let restored = try restore(partition, from: mark.restoreFrom, bytes: &bytes)
            if restored.header.epoch != mark.epoch {
                site.violations.report(
                    "state",
                    "partition \(partition): the log ends with epoch \(restored.header.epoch), the offset says \(mark.epoch)"
                )
            }
            let (compared, different) = compare(restored, partition: Int(partition))
            counters += compared
            differences += different
        }
        report.stateCounters = counters
        report.stateDifferences = differences
        report.notes["state bytes restored"] = "\(bytes)"
    }

    private func restore(_ partition: Int32, from: Int64, bytes: inout Int) throws -> RestoredPartition {
        let reader = try LogReader(properties: site.properties, isolation: .readCommitted)
        defer { reader.close(deadlineMilliseconds: 2_000) }
        let end = try reader.watermarks(topic: Site.state, partition: partition, timeoutMilliseconds: 30_000).high
        var restorer = PartitionRestorer(
            partition: PartitionID(partition), start: from, slicing: Slicing(),
            timeZones: { TimeZones.table(named: $0) })
        var size = 0
        let reached = try reader.read(
            topic: Site.state, partition: partition, from: from, until: end, timeoutMilliseconds: 30_000
        ) { batch in
            for index in 0..<batch.count {
                guard let span = batch.value(at: index) else { continue }
                size += span.byteCount
                try restorer.add(
                    unsafe span.withUnsafeBytes { unsafe Array($0) }, offset: batch.offset(at: index))
            }
            return true
        }
        guard reached == end else { throw ChaosError("the state log of partition \(partition) ends at \(reached)") }
        bytes += size
        return try restorer.finish(end: end, losses: [], lows: [])
    }

    private func compare(_ restored: borrowing RestoredPartition, partition: Int) -> (compared: Int, different: Int) {
        var known: Set<String> = []
        restored.engine.forEachAccount { known.insert($0) }
        var compared = 0
        var different = 0
        for account in 0..<site.workload.accounts {
            let id = site.workload.accountID(account)
            guard fold.home[account] == partition else { continue }
            known.remove(id)
            for (index, meter) in Workload.meters.enumerated() {
                let expected = fold.usage(account, meter: index)
                let found = restored.engine.usage(account: id, meter: MeterID(index))
                compared += 1
                guard found ?? 0 != expected else { continue }
                different += 1
                site.violations.report(
                    "state", "\(id), \(meter.name): \(found.map(String.init) ?? "nothing") instead of \(expected)")
            }
        }
        // Who has a profile and used nothing is known too.
        for id in known.subtracting(idle) {
            different += 1
            site.violations.report("state", "\(id) is in partition \(partition), where nothing of it was written")
        }
        return (compared, different)
    }

    private var idle: Set<String> {
        Set(
            (0..<site.workload.accounts).filter { fold.home[$0] == nil && site.workload.profile($0) != nil }
                .map(site.workload.accountID))
    }
}
