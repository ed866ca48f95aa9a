internal import UpsellModel
internal import UpsellWire

/// A month of usage of a handful of accounts on the guide's plans, the same for the same seed.
///
/// Some stay far below their limits, some fill up, one passes its limit, upgrades, and fills up again on the higher
/// plan. Now and then an event comes twice, as from a producer that retries. Record timestamps are the event times: the
/// month is long past, its topics are read with `clock: replay`.
struct SimulatedFeed: Feed {
    let title = "a simulated month of usage"
    let start: Timestamp
    let end: Timestamp
    private let catalogue: Catalogue
    private var generator: SeededGenerator
    private var accounts: [Account]
    /// Records of the hour that is being played, handed out front first.
    private var pending: [FeedStep] = []
    private var position = 0
    private var hour = -1
    private var events = 0

    static let days = 30
    static let hours = days * 24

    init(catalogue: Catalogue, seed: UInt64 = 1) {
        self.catalogue = catalogue
        // 2025-09-01T00:00:00Z, a Monday.
        start = Timestamp(milliseconds: 1_756_684_800_000)
        end = start + Int64(Self.days) * .millisecondsPerDay
        generator = SeededGenerator(seed: seed)
        accounts = Self.script.map(Account.init)
    }

    mutating func next() throws(DemoError) -> FeedStep {
        while position == pending.count {
            guard hour < Self.hours else { return .end }
            pending.removeAll(keepingCapacity: true)
            position = 0
            if hour < 0 { pending += profilesAtStart() } else { playHour() }
            hour += 1
        }
        position += 1
        return pending[position - 1]
    }

    // MARK: The story

    /// How an account uses its plan.
    private struct Story {
        var name: String
        var plan: String
        var industry: String
        /// Usage at the month's end in percent of the limit, by meter; what has no limit is given as a number.
        var targets: [(meter: String, percent: Int64, absolute: Int64)]
        /// Day on which the account changes its plan, and its targets from then on.
        var upgrade: (day: Int, plan: String, targets: [(meter: String, percent: Int64, absolute: Int64)])?
    }

    private static let script = [
        Story(
            name: "acme-robotics", plan: "basic", industry: "manufacturing",
            targets: [("users", 80, 4), ("storage", 62, 0), ("integrations", 110, 3), ("api_calls", 93, 0)]),
        Story(
            name: "bluebird-books", plan: "basic", industry: "retail",
            targets: [("users", 40, 2), ("storage", 97, 0), ("integrations", 34, 1), ("api_calls", 35, 0)]),
        Story(
            name: "cedar-clinic", plan: "basic", industry: "healthcare",
            targets: [("users", 180, 9), ("storage", 70, 0), ("integrations", 170, 5), ("api_calls", 190, 0)],
            upgrade: (
                17, "pro", [("users", 64, 16), ("storage", 60, 0), ("integrations", 60, 6), ("api_calls", 94, 0)]
            )),
        Story(
            name: "delta-dental", plan: "pro", industry: "healthcare",
            targets: [("users", 92, 23), ("storage", 55, 0), ("integrations", 50, 5), ("api_calls", 48, 0)]),
        Story(
            name: "ember-energy", plan: "pro", industry: "energy",
            targets: [("users", 48, 12), ("storage", 84, 0), ("integrations", 80, 8), ("api_calls", 108, 0)]),
        Story(
            name: "fjord-films", plan: "enterprise", industry: "media",
            targets: [("users", 0, 140), ("storage", 91, 0), ("integrations", 0, 22), ("api_calls", 0, 640_000)]),
        Story(
            name: "gull-games", plan: "pro", industry: "games",
            targets: [("users", 72, 18), ("storage", 40, 0), ("integrations", 30, 3), ("api_calls", 86, 0)]),
        Story(
            name: "harbor-hr", plan: "basic", industry: "services",
            targets: [("users", 60, 3), ("storage", 18, 0), ("integrations", 34, 1), ("api_calls", 12, 0)]),
    ]

    private struct Account {
        var story: Story
        var plan: String
        var series: [Series]

        init(_ story: Story) {
            self.story = story
            plan = story.plan
            series = story.targets.map { Series(meter: $0.meter) }
        }
    }

    /// One meter's way through the month.
    private struct Series {
        var meter: String
        /// What was reported so far.
        var reported: Int64 = 0
        /// Where the way began, and at which hour.
        var origin: Int64 = 0
        var originHour = 0
        /// Sum of hourly weights since then; busy hours and weekdays weigh more.
        var weight: Int64 = 0
    }

    // MARK: Playing

    private func time(hour: Int, offset: Int64 = 0) -> Timestamp {
        start + (Int64(hour) * .millisecondsPerHour + offset)
    }

    private func profilesAtStart() -> [FeedStep] {
        var steps: [FeedStep] = accounts.map { .record(profile(of: $0.story, plan: $0.plan, at: start)) }
        steps.append(.settle)
        return steps
    }

    private mutating func playHour() {
        for index in accounts.indices {
            if let upgrade = accounts[index].story.upgrade, hour == upgrade.day * 24 + 9 {
                accounts[index].plan = upgrade.plan
                accounts[index].story.targets = upgrade.targets
                for series in accounts[index].series.indices {
                    accounts[index].series[series].origin = accounts[index].series[series].reported
                    accounts[index].series[series].originHour = hour
                    accounts[index].series[series].weight = 0
                }
                let change = profile(of: accounts[index].story, plan: upgrade.plan, at: time(hour: hour))
                pending += [.settle, .record(change), .settle]
            }
            for series in accounts[index].series.indices { play(account: index, series: series) }
        }
    }

    /// Moves a series on by this hour and reports the difference, calls every hour, levels once a day.
    private mutating func play(account: Int, series: Int) {
        let story = accounts[account].story
        let (meter, percent, absolute) = story.targets[series]
        guard let id = catalogue.meter(named: meter), let plan = catalogue.plan(named: accounts[account].plan) else {
            return
        }
        // 0 to 199, 100 on average: office hours are busy, nights are not, weekends (the 1st is a Monday) half as much.
        let hourOfDay = hour % 24
        let weekend = hour / 24 % 7 >= 5
        let busy: Int64 = hourOfDay >= 8 && hourOfDay < 18 ? 190 : 35
        accounts[account].series[series].weight += (weekend ? busy / 2 : busy) + generator.next(in: -5...5)
        let state = accounts[account].series[series]
        var target = absolute
        if case .of(let limit) = catalogue[plan].limits[id.index].limit {
            target = limit / 100 * percent + limit % 100 * percent / 100
        }
        let remaining = Int64(Self.hours - state.originHour)
        // The mean weight of an hour is 86; the sum over the month comes near to it, so the target is met within a few
        // percent.
        let way = min(remaining * 86, state.weight)
        let level = max(
            state.reported, state.origin + Int64((Double(target - state.origin) * Double(way)) / Double(remaining * 86))
        )
        let isDaily = meter != Tally.meter
        guard !isDaily || hourOfDay == 9 + (account + series) % 8, level > state.reported else { return }
        accounts[account].series[series].reported = level
        let offset = generator.next(in: 0...(.millisecondsPerHour - 1))
        report(
            story.name, catalogue[id], level: level, increase: level - state.reported,
            at: time(hour: hour, offset: offset))
    }

    /// Appends an event in the shape that the meter reads.
    private mutating func report(_ account: String, _ meter: Meter, level: Int64, increase: Int64, at time: Timestamp) {
        events += 1
        var data = [meter.value?.names.last ?? "value": meter.aggregation == .latest ? level : increase]
        if meter.name == Tally.meter { data["bytes"] = increase * generator.next(in: 2_000...20_000) }
        let event = CloudEvent(
            id: "simulated-\(events)", source: "/upselld/demo/simulation", type: meter.eventTypes.first ?? "",
            subject: account, time: RFC3339.format(time), data: data)
        let record = FeedStep.record(
            FeedRecord(topic: .usage, key: Array(account.utf8), value: event.json(), time: time))
        pending.append(record)
        // A retry: the same event again.
        if generator.next(in: 1...100) == 1 { pending.append(record) }
    }

    private func profile(of story: Story, plan: String, at time: Timestamp) -> FeedRecord {
        let price = catalogue.plan(named: plan).flatMap { catalogue[$0].prices.first }
        let profile = ProfileDocument(
            plan: plan, mrr: price?.amount, currency: price?.currency, interval: price?.interval.rawValue,
            attributes: ["industry": story.industry], time: RFC3339.format(time))
        return FeedRecord(
            topic: .accounts, key: Array(story.name.utf8), value: profile.json(), time: time, plan: plan)
    }
}
