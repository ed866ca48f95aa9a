/// What the daemon has to come to, folded from the input topic in the order of its offsets.
///
/// Shares nothing with the engine: dictionaries, calendar arithmetic of its own, thresholds compared one by one.
struct NaiveFold {
    let workload: Workload
    /// Records by partition.
    private(set) var records: [Int: Int64] = [:]
    private(set) var duplicates = 0
    private(set) var late = 0
    /// Due triggers and held triggers, by what caused them.
    private(set) var triggers: [TriggerKey: Expected] = [:]
    private(set) var held: [TriggerKey: Expected] = [:]
    /// Latest event time by partition, as its records moved it; milliseconds.
    private(set) var clocks: [Int: Int64] = [:]
    /// Partition that an account's records lie in.
    private(set) var home: [Int: Int] = [:]

    private var seen: [Bool]
    private var counters: [CounterKey: Counter] = [:]
    private let rules: [Workload.Rule]
    private let limits: [[Int64]]

    struct TriggerKey: Hashable {
        var partition: Int
        var offset: Int64
        var rule: String
    }

    struct Expected: Equatable {
        var account: String
        var meter: String
        var crossed: [Int64]
        var previous: Int64
        var current: Int64
        /// RFC 3339; nil for a lifetime.
        var periodStart: String?
    }

    private struct CounterKey: Hashable {
        var account: Int
        var meter: Int
        /// First day; 0 for a lifetime.
        var start: Int64
    }

    private struct Counter {
        var value: Int64 = 0
        var spent: Set<Spent> = []
    }

    private struct Spent: Hashable {
        var rule: Int
        var threshold: Int64
    }

    init(_ workload: Workload) {
        self.workload = workload
        rules = workload.rules
        limits = (0..<workload.accounts).map { workload.plan($0).limits }
        seen = Array(repeating: false, count: workload.events)
    }

    /// Identities that were in the topic at least once.
    var identities: Int { seen.count { $0 } }

    mutating func apply(_ event: Workload.Event, partition: Int, offset: Int64) {
        records[partition, default: 0] += 1
        guard !seen[event.identity] else {
            duplicates += 1
            return
        }
        seen[event.identity] = true
        home[event.account] = partition
        let clock = max(clocks[partition] ?? event.time, event.time)
        clocks[partition] = clock
        var isLate = false
        for meter in Workload.meters.indices {
            switch place(event.time, clock, Workload.meters[meter].window) {
            case .open(let start): count(event, meter, start, partition, offset, isClosed: false)
            case .closed(let start): count(event, meter, start, partition, offset, isClosed: true)
            case .over: isLate = true
            }
        }
        if isLate { late += 1 }
    }

    /// Usage of an account's running window; 0 where it has none.
    func usage(_ account: Int, meter: Int) -> Int64 {
        guard let partition = home[account], let clock = clocks[partition] else { return 0 }
        let start = start(of: CivilTime.day(clock), Workload.meters[meter].window)
        return counters[CounterKey(account: account, meter: meter, start: start)]?.value ?? 0
    }

    // MARK: Periods

    private enum Place {
        case open(Int64)
        /// The period before, within a day of grace: counts, and what it crosses is held.
        case closed(Int64)
        case over
    }

    private func place(_ time: Int64, _ clock: Int64, _ window: Workload.Window) -> Place {
        let (day, today) = (CivilTime.day(time), CivilTime.day(clock))
        let (own, running) = (start(of: day, window), start(of: today, window))
        if own == running { return .open(own) }
        // The one before the running one, over for less than the grace of a day.
        guard own == start(of: running - 1, window), today == running else { return .over }
        return .closed(own)
    }

    private func start(of day: Int64, _ window: Workload.Window) -> Int64 {
        switch window {
        case .day: day
        case .month: CivilTime.monthStart(ofDay: day)
        case .lifetime: 0
        }
    }

    // MARK: Thresholds

    private mutating func count(
        _ event: Workload.Event, _ meter: Int, _ start: Int64, _ partition: Int, _ offset: Int64, isClosed: Bool
    ) {
        let key = CounterKey(account: event.account, meter: meter, start: start)
        var counter = counters.removeValue(forKey: key) ?? Counter()
        let previous = counter.value
        counter.value += Workload.meters[meter].addsAmounts ? event.amount : 1
        for (index, rule) in rules.enumerated() where rule.meter == meter {
            let crossed = rule.thresholds.filter { threshold in
                let reached =
                    rule.isPercent
                    ? counter.value * 100 >= threshold * limits[event.account][meter] : counter.value >= threshold
                return reached && counter.spent.insert(Spent(rule: index, threshold: threshold)).inserted
            }
            guard !crossed.isEmpty else { continue }
            let expected = Expected(
                account: workload.accountID(event.account), meter: Workload.meters[meter].name, crossed: crossed,
                previous: previous, current: counter.value,
                periodStart: Workload.meters[meter].window == .lifetime
                    ? nil : CivilTime.text(start * CivilTime.dayMilliseconds))
            let cause = TriggerKey(partition: partition, offset: offset, rule: rule.name)
            if isClosed { held[cause] = expected } else { triggers[cause] = expected }
        }
        counters[key] = counter
    }
}
