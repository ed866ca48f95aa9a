/// The events of a run: each a pure function of the seed and its number, so that whoever reads one back can tell what
/// it was meant to be.
///
/// Event times rise over whole days between 02:00 and 22:00 UTC, so that a tick of an idle clock never reaches the next
/// period before a record does. One in 100 belongs to the day before and counts within grace; one in 200 to a day that
/// is over for good. One in 50 repeats the identity of an earlier event, with an amount of its own that must not count.
struct Workload: Sendable {
    let seed: UInt64
    let events: Int
    let accounts: Int
    let partitions: Int
    let days: Int
    /// First day of event times, since 1970-01-01; a month ends in the middle of the span.
    let firstDay: Int64

    /// - Parameter today: days since 1970-01-01; all event times lie before.
    init(seed: UInt64, events: Int, accounts: Int, partitions: Int, days: Int, today: Int64) {
        self.seed = seed
        self.events = events
        self.accounts = accounts
        self.partitions = partitions
        self.days = days
        let half = Int64(days / 2)
        var boundary = CivilTime.monthStart(ofDay: today)
        if boundary + Int64(days) - half >= today { boundary = CivilTime.monthStart(ofDay: boundary - 1) }
        firstDay = boundary - half
    }

    struct Event: Equatable {
        /// Position in the workload.
        var number: Int
        /// Number of the event whose identity this one has: its own, or that of an earlier one.
        var identity: Int
        var account: Int
        var amount: Int64
        /// Milliseconds since 1970-01-01 UTC.
        var time: Int64
    }

    func event(_ number: Int) -> Event {
        let draw = hash(number, 1)
        let identity = identity(number)
        let day = Int64(number * days / events)
        let withinDay = Int64(number * days % events) * 72_000_000 / Int64(events)
        var time = (firstDay + day) * CivilTime.dayMilliseconds + 7_200_000 + withinDay
        time -= min(Int64(draw % 600_000), withinDay)
        switch hash(number, 2) % 200 {
        case 0 where day > 0, 1 where day > 0: time -= CivilTime.dayMilliseconds
        case 2 where day > 3: time -= 3 * CivilTime.dayMilliseconds
        default: break
        }
        return Event(
            number: number, identity: identity, account: account(identity), amount: 1 + Int64(hash(number, 3) % 20),
            time: time)
    }

    /// A repetition lies at most 20,000 events behind, far within `dedup.capacity` of a partition.
    private func identity(_ number: Int) -> Int {
        var number = number
        while number > 0, hash(number, 4) % 50 == 0 {
            number -= 1 + Int(hash(number, 5) % UInt64(min(number, 20_000)))
        }
        return number
    }

    /// A fifth of the events falls on a fiftieth of the accounts.
    private func account(_ identity: Int) -> Int {
        let draw = hash(identity, 6)
        let busy = draw % 5 == 0
        return Int((draw >> 8) % UInt64(max(1, busy ? accounts / 50 : accounts)))
    }

    private func hash(_ number: Int, _ purpose: UInt64) -> UInt64 {
        SeededGenerator.mix(SeededGenerator.mix(seed &+ purpose &* 0x9E37_79B9_7F4A_7C15) &+ UInt64(number))
    }
}
