import KafkaTransport
import Testing
import UpsellConfiguration
import UpsellModel
import UpsellRuntime
import UpsellTelemetry
import UpsellTesting

/// Daemons on a real Kafka: what they count, and who owns what while several of a group come and go.
///
/// Every daemon itself ends, with a failure, when it reads some but not all inputs of a partition; the test asks that
/// none of them ever did, that no partition has two owners, and that all are owned again after each change.
@Suite(
    .serialized, .enabled(if: TestPaths.brokers != nil, "UPSELLD_TEST_BROKERS names no brokers"),
    .timeLimit(.minutes(4)))
struct DaemonOnKafkaTests {
    @Test func joinsAndLeavesKeepEveryPartitionsInputsTogether() throws {
        let site = try RunOnKafkaTests.Site()
        try site.createTopics(partitions: 8)
        let events: Int64 = 4_000
        try feed(site, count: Int(events))

        let first = try Instance(site, slot: "one")
        #expect(eventually { first.daemon.assignedPartitions.count == 8 })
        let second = try Instance(site, slot: "two")
        #expect(eventually { [first, second].allSatisfy { $0.daemon.assignedPartitions.count == 4 } })
        #expect(disjoint([first, second]))
        let third = try Instance(site, slot: "three")
        #expect(
            eventually { [first, second, third].allSatisfy { (2...3).contains($0.daemon.assignedPartitions.count) } })
        #expect(disjoint([first, second, third]))
        #expect(second.daemon.stop())
        #expect(eventually { [first, third].allSatisfy { $0.daemon.assignedPartitions.count == 4 } })
        #expect(disjoint([first, third]))
        // Both halves together hold every event once.
        #expect(eventually { first.counted + third.counted == events }, "\(first.counted) + \(third.counted)")
        #expect(first.daemon.stop())
        #expect(eventually { third.daemon.assignedPartitions.count == 8 })
        #expect(eventually { third.counted == events })
        #expect(third.daemon.stop())
        for instance in [first, second, third] { #expect(instance.failures.all.isEmpty, "\(instance.failures.all)") }
    }

    private func disjoint(_ instances: [Instance]) -> Bool {
        let owned = instances.flatMap(\.daemon.assignedPartitions)
        return owned.count == Set(owned).count && owned.count == 8
    }

    private func feed(_ site: RunOnKafkaTests.Site, count: Int) throws {
        let producer = try KafkaProducer(properties: [
            KafkaProperty(name: "bootstrap.servers", value: site.brokers, place: "test"),
            KafkaProperty(name: "partitioner", value: "murmur2_random", place: "test"),
        ])
        for n in 0..<count {
            let account = "acct-\(n % 200)"
            let value =
                #"{"specversion":"1.0","id":"\#(n)","source":"t","type":"web.request","subject":"\#(account)","#
                + #""time":"2026-06-01T00:00:00Z","data":{"requests":1,"bytes":1}}"#
            try producer.produce(OutputRecord(topic: site.usage, key: Array(account.utf8), value: Array(value.utf8)))
        }
        try producer.flush(timeoutMilliseconds: 30_000)
    }

    @Test func sumsOfTheAccessLogEqualTheTable() throws {
        let log = try #require(TestPaths.accessLog, "the recorded access log lies in ../shared/data")
        let site = try RunOnKafkaTests.Site()
        try site.createTopics()
        try site.feed(try site.events(of: log))
        let instance = try Instance(site, slot: "sums")
        #expect(instance.daemon.waitUntilRead(records: 10_000, timeoutMilliseconds: 60_000))
        func busiest(_ meter: String, _ count: Int) -> [AccountUsage] {
            Array(instance.daemon.usage(ofMeter: meter).sorted { $0.usage > $1.usage }.prefix(count))
        }
        #expect(
            busiest("api_calls", 5) == [
                AccountUsage(account: "66.249.73.135", usage: 482), AccountUsage(account: "46.105.14.53", usage: 364),
                AccountUsage(account: "130.237.218.86", usage: 357), AccountUsage(account: "75.97.9.59", usage: 273),
                AccountUsage(account: "50.16.19.13", usage: 113),
            ])
        #expect(
            busiest("bandwidth", 3) == [
                AccountUsage(account: "68.180.224.225", usage: 168_132_893),
                AccountUsage(account: "94.23.164.135", usage: 162_949_356),
                AccountUsage(account: "190.153.25.242", usage: 110_134_505),
            ])
        let requests = instance.daemon.usage(ofMeter: "api_calls").map(\.usage)
        #expect(requests.count == 1_753)
        #expect([80, 90, 100, 8, 9, 10].map { least in requests.count { $0 >= least } } == [10, 7, 6, 189, 161, 136])
        #expect(instance.daemon.usage(ofMeter: "bandwidth").reduce(0) { $0 + $1.usage } == 2_747_282_740)
        #expect(instance.daemon.stop())
        #expect(instance.failures.all.isEmpty)
    }

    struct Instance {
        let daemon: Daemon
        let failures = Recorded<String>()

        init(_ site: RunOnKafkaTests.Site, slot: String) throws {
            var policy = Policy()
            policy.unknownAccounts = .defaultPlan(PlanID(0))
            policy.firstStart = .fire
            var configuration = Configuration(
                catalogue: Catalogue(
                    meters: [
                        Meter(
                            name: "api_calls", eventTypes: ["web.request"], aggregation: .sum,
                            value: FieldPath(dotted: "data.requests"), window: .period(.init(.month))),
                        Meter(
                            name: "bandwidth", eventTypes: ["web.request"], aggregation: .sum,
                            value: FieldPath(dotted: "data.bytes"), window: .period(.init(.month))),
                    ], plans: [Plan(name: "free", limits: [.init(.of(1_000_000)), .unlimited])], policy: policy),
                kafka: [
                    KafkaSetting(name: "bootstrap.servers", value: site.brokers, place: "test"),
                    KafkaSetting(name: "session.timeout.ms", value: "6000", place: "test"),
                    KafkaSetting(name: "heartbeat.interval.ms", value: "300", place: "test"),
                ])
            configuration.topics.usage = [Configuration.UsageTopic(name: site.usage)]
            configuration.topics.accounts = "\(site.prefix).accounts"
            configuration.topics.triggers = "\(site.prefix).triggers"
            configuration.topics.held = "\(site.prefix).held"
            configuration.topics.deadLetters = "\(site.prefix).dead-letters"
            configuration.topics.feedback = "\(site.prefix).feedback"
            configuration.topics.outcomes = "\(site.prefix).outcomes"
            configuration.topics.open = "\(site.prefix).open"
            configuration.topics.control = "\(site.prefix).control"
            configuration.topics.state = "\(site.prefix).state"
            configuration.topics.journal = "\(site.prefix).journal"
            configuration.group = Configuration.Group(
                id: site.prefix, slot: "\(site.prefix)-\(slot)", leaveOnStop: true)
            let failures = failures
            daemon = Daemon(
                configuration: configuration, log: Log(level: .error),
                onFailure: { failures.add($0.description) })
            try daemon.start()
        }

        /// Requests in the counters of all accounts, restored ones included.
        var counted: Int64 { daemon.usage(ofMeter: "api_calls").reduce(0) { $0 + $1.usage } }
    }
}
