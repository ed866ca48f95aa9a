import Dispatch
import Testing
import UpsellTelemetry

@Suite struct CountersTests {
    @Test func sameLabelsAreTheSameCell() {
        let counters = Counters()
        #expect(counters.cell(.triggers, "a") === counters.cell(.triggers, "a"))
        #expect(counters.cell(.triggers, "a") !== counters.cell(.triggers, "b"))
    }

    @Test func totalAddsOverLabels() {
        let counters = Counters()
        counters.cell(.deadLetters, "overflow").add(2)
        counters.cell(.deadLetters, "unknown_plan").add(3)
        counters.cell(.duplicateEvents).add(10)
        #expect(counters.total(.deadLetters) == 5)
        #expect(counters.total(.usageEvents) == 0)
    }

    @Test func additionsFromManyThreadsAllCount() {
        let counters = Counters()
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<10_000 { counters.cell(.usageEvents).add(1) }
        }
        #expect(counters.total(.usageEvents) == 80_000)
    }

    @Test func expositionIsGroupedSortedAndEscaped() {
        let counters = Counters()
        counters.cell(.triggers, "b").add(1)
        counters.cell(.triggers, "a\"\\\n").add(2)
        counters.cell(.assignedPartitions).set(4)
        counters.cell(.assignedPartitions).set(3)
        #expect(
            counters.exposition() == """
                # HELP upselld_trigger_records_total Triggers published.
                # TYPE upselld_trigger_records_total counter
                upselld_trigger_records_total{rule="a\\"\\\\\\n"} 2
                upselld_trigger_records_total{rule="b"} 1
                # HELP upselld_assigned_partitions Partitions this instance owns.
                # TYPE upselld_assigned_partitions gauge
                upselld_assigned_partitions 3

                """)
    }

    @Test func catalogueNamesAreUniqueAndWellFormed() {
        #expect(Set(Metric.all.map(\.name)).count == Metric.all.count)
        for metric in Metric.all {
            #expect(metric.name.hasPrefix("upselld_"))
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter))
            #expect(metric.name.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x5F })
            #expect(metric.help.hasSuffix("."))
        }
    }
}
