/// Writes the inputs of a simulation: usage, profiles and poison, around a midnight at which a month ends.
package struct SimulationWorkload {
    /// Names of the inputs: two usage topics, of which the first leads the group, the accounts and the feedback.
    package static let inputTopics = ["usage", "usage.batch", "accounts", "feedback"]
    /// 2026-02-01T00:00:00Z.
    package static let midnight: Int64 = 1_769_904_000_000

    package private(set) var histories: [InputHistory]
    private var random: SimulationRandom
    private let accountsEach: Int
    private var nextID = 0
    /// The last identities used, for duplicates.
    private var recent: [[UsageIntent]]
    /// Records written, by what they mean.
    package private(set) var written = 0
    /// Transactions among them, each of which leaves a gap in the offsets.
    package private(set) var gaps = 0
    /// Commands by their offset in the control topic; those that are none are absent.
    package private(set) var controls: [Int64: ControlIntent] = [:]
    /// Triggers that a subscriber has seen, by partition.
    private var seen: [[(account: String, id: String)]]
    private var feedbacks: [[FeedbackIntent]]

    package init(partitions: Int, accountsEach: Int, random: SimulationRandom) {
        self.random = random
        self.accountsEach = accountsEach
        histories = Array(repeating: InputHistory(inputCount: Self.inputTopics.count), count: partitions)
        recent = Array(repeating: [], count: partitions)
        seen = Array(repeating: [], count: partitions)
        feedbacks = Array(repeating: [], count: partitions)
    }

    /// Writes `count` records to one partition of one input; some of them in a transaction, which may first abort, so
    /// that offsets have gaps.
    package mutating func write(_ count: Int, to kafka: SimulatedKafka) throws(BrokerError) {
        let partition = random.below(histories.count)
        let hasSeen = !seen[partition].isEmpty
        let input = random.chance(120) ? 2 : hasSeen && random.chance(150) ? 3 : random.chance(250) ? 1 : 0
        let target = TopicPartition(Self.inputTopics[input], Int32(partition))
        let records = (0..<count).map { _ in
            switch input {
            case SimulationTopics.accounts: profile(partition, at: kafka.now)
            case SimulationTopics.feedback: feedback(partition, at: kafka.now)
            default: usage(partition, at: kafka.now)
            }
        }
        guard random.chance(60) else {
            for (intent, record) in records {
                note(intent, partition, input, offset: try kafka.append(record, to: target))
            }
            return
        }
        gaps += 1
        if random.chance(500) { _ = try kafka.appendTransaction(records.map(\.record), to: target, isCommit: false) }
        let first = try kafka.appendTransaction(records.map(\.record), to: target, isCommit: true)
        for (place, (intent, _)) in records.enumerated() {
            note(intent, partition, input, offset: first + Int64(place))
        }
    }

    /// A subscriber has seen a trigger, and may report about it from now on.
    package mutating func see(_ id: String, of account: String, partition: Int) {
        seen[partition].append((account, id))
        if seen[partition].count > 40 { seen[partition].removeFirst() }
    }

    /// Writes a command for one of the rules; now and then something that is none.
    package mutating func writeControl(to kafka: SimulatedKafka) throws(BrokerError) {
        let topic = TopicPartition(SimulationTopics.control, 0)
        guard !random.chance(150) else {
            try kafka.append(
                SimulatedRecord(key: nil, value: Array("{\"action\":\"stop\"}".utf8), timestamp: kafka.now), to: topic)
            return
        }
        let rule = random.pick(SimulationCatalogue().rules).name
        let intent = ControlIntent(random.pick([.pause, .shadow, .resume, .resume]), rule: rule)
        let json = "{\"action\":\"\(intent.action.rawValue)\",\"rule\":\"\(rule)\",\"by\":\"sim\"}"
        let record = SimulatedRecord(key: nil, value: Array(json.utf8), timestamp: kafka.now)
        controls[try kafka.append(record, to: topic)] = intent
    }

    private mutating func note(_ intent: InputIntent, _ partition: Int, _ input: Int, offset: Int64) {
        histories[partition][input, offset] = intent
        written += 1
    }

    // MARK: Records

    private mutating func usage(_ partition: Int, at now: Int64) -> (intent: InputIntent, record: SimulatedRecord) {
        let account = "p\(partition)-\(random.below(accountsEach))"
        if random.chance(25) {
            let record = SimulatedRecord(key: Array(account.utf8), value: Array("{\"id\":".utf8), timestamp: now)
            return (.poison, record)
        }
        var intent = UsageIntent(
            account: account, type: random.pick(["call", "call", "transfer", "seats"]), id: "e\(nextID)", time: now,
            recordTime: now, quantity: 1)
        nextID += 1
        switch intent.type {
        case "transfer": intent.quantity = random.between(random.chance(100) ? -60 ... -1 : 20...260)
        case "seats": intent.quantity = random.between(0...10)
        default: break
        }
        if random.chance(120), let old = recent[partition].isEmpty ? nil : random.pick(recent[partition]) {
            // A producer's retry: the same identity, whatever else it says.
            intent = old
            intent.recordTime = now
        } else {
            switch random.below(20) {
            case 0: intent.time -= random.between(0...60_000)
            case 1: intent.time -= random.between(200_000...400_000)
            case 2: intent.time += random.between(0...80_000)
            case 3, 4, 5: intent.time -= random.between(0...3_000)
            default: break
            }
            intent.isBackfill = random.chance(40)
            recent[partition].append(intent)
            if recent[partition].count > 60 { recent[partition].removeFirst() }
        }
        let json =
            "{\"specversion\":\"1.0\",\"id\":\"\(intent.id)\",\"source\":\"sim\",\"type\":\"\(intent.type)\","
            + "\"subject\":\"\(intent.account)\",\"time\":\"\(Self.text(of: intent.time))\","
            + (intent.isBackfill ? "\"backfill\":true," : "") + "\"data\":{\"quantity\":\(intent.quantity)}}"
        let record = SimulatedRecord(
            key: Array(intent.account.utf8), value: Array(json.utf8), timestamp: now,
            headers: [("content-type", Array("application/cloudevents+json".utf8))])
        return (.usage(intent), record)
    }

    private mutating func feedback(_ partition: Int, at now: Int64) -> (intent: InputIntent, record: SimulatedRecord) {
        var (account, trigger) = random.pick(seen[partition])
        if random.chance(60) {
            let record = SimulatedRecord(key: Array(account.utf8), value: Array("{}".utf8), timestamp: now)
            return (.poison, record)
        }
        // One that was never sent.
        if random.chance(60) { trigger = String(repeating: "0", count: 31) + "1" }
        var intent = FeedbackIntent(
            account: account, trigger: trigger, id: "f\(nextID)",
            kind: random.pick(["delivered", "shown", "shown", "clicked"]))
        if random.chance(80) { intent.kind = "declined" } else if random.chance(150) { intent.kind = "accepted" }
        nextID += 1
        if random.chance(150), let old = feedbacks[partition].isEmpty ? nil : random.pick(feedbacks[partition]) {
            // A channel's retry.
            intent = old
            account = old.account
        } else {
            feedbacks[partition].append(intent)
            if feedbacks[partition].count > 20 { feedbacks[partition].removeFirst() }
        }
        let isVerdict = intent.kind == "declined" || intent.kind == "accepted"
        let json =
            "{\"id\":\"\(intent.id)\",\"trigger\":\"\(intent.trigger)\",\"kind\":\"\(intent.kind)\","
            + "\"recipient\":\"\(isVerdict ? "csm" : "admin")\"}"
        return (
            .feedback(intent), SimulatedRecord(key: Array(account.utf8), value: Array(json.utf8), timestamp: now)
        )
    }

    private mutating func profile(_ partition: Int, at now: Int64) -> (intent: InputIntent, record: SimulatedRecord) {
        let account = "p\(partition)-\(random.below(accountsEach))"
        let key = Array(account.utf8)
        switch random.below(12) {
        case 0: return (.tombstone(account: account), SimulatedRecord(key: key, value: nil, timestamp: now))
        case 1: return (.poison, SimulatedRecord(key: key, value: Array("[]".utf8), timestamp: now))
        default: break
        }
        let plan = random.below(2)
        let overrides: [Int: Int64] = random.chance(300) ? [random.below(2): random.between(5...2_000)] : [:]
        let names = SimulationCatalogue().meters.map(\.name)
        let limits = overrides.sorted { $0.key < $1.key }.map { "\"\(names[$0.key])\":\($0.value)" }
        let json =
            "{\"plan\":\"\(SimulationCatalogue().plans[plan])\",\"overrides\":{\(limits.joined(separator: ","))}}"
        let record = SimulatedRecord(key: key, value: Array(json.utf8), timestamp: now)
        return (.profile(account: account, plan: plan, overrides: overrides), record)
    }

    /// RFC 3339 with milliseconds, for instants within two days of `midnight`.
    static func text(of instant: Int64) -> String {
        let days = ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02"]
        let offset = instant - (midnight - 2 * NaiveCalendar.day)
        func digits(_ value: Int64, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let (day, rest) = offset.quotientAndRemainder(dividingBy: NaiveCalendar.day)
        return days[Int(day)] + "T" + digits(rest / 3_600_000, 2) + ":" + digits(rest / 60_000 % 60, 2) + ":"
            + digits(rest / 1_000 % 60, 2) + "." + digits(rest % 1_000, 3) + "Z"
    }
}

extension SimulatedKafka {
    /// Writes records in one transaction of a producer of its own, decided and marked at once.
    ///
    /// - Returns: offset of the first record.
    func appendTransaction(
        _ records: [SimulatedRecord], to partition: TopicPartition, isCommit: Bool
    ) throws(BrokerError) -> Int64 {
        let producer = ProducerIdentity(id: nextProducerID, epoch: 0)
        nextProducerID += 1
        return try withLog(partition) { log throws(BrokerError) in
            let first = log.high
            try log.append(records, producer: producer, sequence: 0)
            log.mark(producer, isCommit: isCommit)
            return first
        }
    }
}
