public import UpsellModel

/// Counts usage of one partition's accounts and decides which thresholds fire.
///
/// A pure function of what it is given, in the order given: it reads no clock, and two engines fed alike have the same
/// effects. Owned by the partition's queue. Shapes: a dense row of `Cell` for each account (one cell a meter), a period
/// for each account and distinct reset, and side records for everything that only some counters have (dimensions,
/// closed periods, buckets, members, episodes). Article "ArmingKeys" has the identities, "Decisions" the choices.
public struct PartitionEngine: ~Copyable {
    public let partition: PartitionID
    /// How many there are, so that bounds of the whole are shared out.
    let partitionCount: Int
    var program: Program
    var statisticsStored = EngineStatistics()

    /// Event-time clock; `.earliest` before the first usage record.
    public internal(set) var clock = Timestamp.earliest
    /// Record time − event time of the record that last moved the clock, at least 0.
    var lag: Int64 = 0
    /// Earliest instant at which `runDue` has work.
    var nextDue = Int64.max

    var accounts = AccountTable()
    var identities: IdentityRing

    // One entry for each account number.
    var cells: ContiguousArray<Cell> = []
    var periods: ContiguousArray<Period> = []
    /// First side record of the account, -1 for none.
    var sideHeads: ContiguousArray<Int32> = []
    /// Position in `terms`, -1 for an account without profile.
    var termsIndex: ContiguousArray<Int32> = []
    var flags: ContiguousArray<UInt32> = []
    /// What signals and dealings keep of the account; nil for one that has neither.
    var stories: ContiguousArray<AccountStory?> = []

    var terms: ContiguousArray<Terms?> = []
    var freeTerms: [Int32] = []

    var sides: ContiguousArray<SideRecord> = []
    var freeSide: Int32 = -1
    var sideCount = 0
    var sideIndex: [SideKey: Int32] = [:]

    /// Closed periods that still count, by account and group.
    var previousPeriods: [Int: PreviousPeriod] = [:]

    var waiting: [Int: FIFO<WaitingEvent>] = [:]
    /// In order of arrival; entries whose event waits no more do nothing.
    var waitingQueue = FIFO<WaitingEntry>()
    /// Sequence number of the next event that has to wait.
    var waitingNext: UInt64 = 0

    /// Hashed into limit versions that a reload brings about; strictly increasing. `.min`: there was none.
    var lastReload = Int64.min

    var timers = TimerQueue()
    /// Account numbers changed since the last delta, each once.
    var changed: ContiguousArray<Int32> = []
    /// Where the last delta ended.
    var written = WrittenMarks()
    /// Accounts that may be forgotten when the batch is over: numbers are not given out again within one.
    var leaving: [Int] = []

    // Scratch, reused.
    var resolved: ContiguousArray<Int32> = []
    /// Takes the sum of what the first pass touched, so that the touching is not optimised away.
    var warmth: UInt64 = 0
    /// Where the clock goes while timers run; `.min` at every other time.
    var runTarget = Int64.min
    /// Modes of rules that control records or the fuse have set, and what the fuse counts.
    var safety = RuleSafety()
    /// Signals that came true with the record, timer or profile at hand, and are not qualified yet.
    var raised: [Candidate] = []
    /// A bug that the simulator plants, to prove that the oracle would notice it. Never set in the daemon.
    package var planted: PlantedEngineBug?
    /// Readings of one record are being counted, of which there are several, under rules whose thresholds differ.
    var isAmongReadings = false
    /// What is judged once all readings of the record are counted; the rule's position in `program`.
    var choosing: [(counter: CounterRef, rule: Int, previous: Int64, closed: Bool)] = []
    /// What was owed and is judged again with it.
    var claims: [Claim] = []
    /// Rounds of qualification that came of one another; 0 outside of them.
    var outcomeDepth = 0
    /// Counters whose evaluation waits until a whole jump is counted, with their usage before it.
    var jump: [(counter: CounterRef, previous: Int64, closed: Bool)] = []

    /// - Parameters:
    ///   - catalogue: checked by the configuration: identifiers in range, at most 62 thresholds on a meter.
    ///   - partitionCount: 1 or more; each has its share of what the fuse allows.
    public init(catalogue: Catalogue, partition: PartitionID, partitionCount: Int = 1) {
        precondition(partitionCount > 0, "\(partitionCount) partitions")
        self.partition = partition
        self.partitionCount = partitionCount
        program = Program(catalogue)
        identities = IdentityRing(capacity: catalogue.policy.dedupCapacity)
    }

    static let dirtyFlag: UInt32 = 1
    /// The account was there at the last reload.
    static let reloadedFlag: UInt32 = 2
    /// A period of the group has ended for the account. There are at most eight groups: four units, two alignments.
    static func rolledFlag(_ group: Int) -> UInt32 { 4 << UInt32(group) }

    // What the next delta has to say about an account beside its dirty cells and side records.

    /// The number's account of the last delta is gone.
    static let erasedMark: UInt32 = 1 << 10
    /// The account came since the last delta.
    static let newMark: UInt32 = 1 << 11
    /// Spent thresholds of dirty cells.
    static let spentMark: UInt32 = 1 << 12
    /// Running and closed periods, and the flags that go with them.
    static let periodsMark: UInt32 = 1 << 13
    /// Profile and limit versions.
    static let termsMark: UInt32 = 1 << 14
    /// All side records and what waits, since some are gone.
    static let restMark: UInt32 = 1 << 15
    /// States of signals.
    static let signalsMark: UInt32 = 1 << 16
    /// What was said to the account and what became of it.
    static let dealingsMark: UInt32 = 1 << 17
    static let marks: UInt32 =
        dirtyFlag | erasedMark | newMark | spentMark | periodsMark | termsMark | restMark | signalsMark | dealingsMark

    var policy: Policy { program.catalogue.policy }
    var meterCount: Int { program.meters.count }
    var groupCount: Int { program.resets.count }

    // MARK: What it holds

    public var statistics: EngineStatistics {
        var statistics = statisticsStored
        statistics.accounts = accounts.count
        statistics.counters = accounts.count * meterCount + sideCount
        statistics.identities = identities.count
        statistics.dedupHorizon = identities.horizon.map(Timestamp.init(milliseconds:))
        return statistics
    }

    /// Usage of an account's current window, in the meter's integers.
    ///
    /// - Parameter dimension: the counter of one value; nil for a meter without dimension.
    /// - Returns: nil for an account that is not known or has counted nothing there.
    public func usage(account: String, meter: MeterID, dimension: String? = nil) -> Int64? {
        let key = unsafe account.utf8.span.bytes
        let number = accounts.find(xxh3(key), key)
        guard number >= 0, meter.index < meterCount else { return nil }
        let code = program.meters[meter.index]
        if code.group >= 0 {
            let period = periods[number * groupCount + code.group]
            if period.isNone || clock.milliseconds >= period.end { return period.isNone ? nil : 0 }
        }
        guard let dimension else {
            let cell = cells[number * meterCount + meter.index]
            return cell.isTouched ? cell.value : nil
        }
        let side = sideKey(number, meter.index, dimension: unsafe Self.hash(ofDimension: dimension.utf8.span.bytes))
        return sideIndex[side].map { sides[Int($0)].cell.value }
    }

    /// Bounds of the period in which the meter counts for an account now; nil for other windows and unknown accounts.
    public func period(account: String, meter: MeterID) -> (start: Timestamp, end: Timestamp)? {
        let key = unsafe account.utf8.span.bytes
        let number = accounts.find(xxh3(key), key)
        guard number >= 0, program.meters[meter.index].group >= 0 else { return nil }
        let period = periods[number * groupCount + program.meters[meter.index].group]
        guard !period.isNone else { return nil }
        return (Timestamp(milliseconds: period.start), Timestamp(milliseconds: period.end))
    }

    /// The limit that holds for an account now; nil for accounts that are not known.
    public func effectiveLimit(account: String, meter: MeterID) -> Limit? {
        let key = unsafe account.utf8.span.bytes
        let number = accounts.find(xxh3(key), key)
        return number < 0 ? nil : limit(number, meter.index)
    }

    /// Calls with every account's id, in no order that means anything.
    public func forEachAccount(_ body: (String) -> Void) {
        for number in 0..<accounts.numbers where accounts.isInUse(number) { body(accounts.name(of: number)) }
    }

    @inline(__always)
    mutating func markChanged(_ account: Int) {
        if flags[account] & Self.dirtyFlag == 0 {
            flags[account] |= Self.dirtyFlag
            changed.append(Int32(account))
        }
    }

    /// - Parameter marks: what the next delta has to say of the account.
    mutating func markChanged(_ account: Int, _ marks: UInt32) {
        markChanged(account)
        flags[account] |= marks
    }

    // MARK: Accounts

    static func hash(ofDimension bytes: RawSpan) -> UInt64 { max(xxh3(bytes), 1) }

    func limit(_ account: Int, _ meter: Int) -> Limit {
        let index = termsIndex[account]
        guard index >= 0 else { return program.limit(of: nil, meter: meter, at: 0) }
        // In its place: the copy of an account's terms would retain each of its lists.
        return program.limit(of: terms[Int(index)], meter: meter, at: terms[Int(index)]?.limitsAt ?? 0)
    }

    /// Adds an account without profile.
    mutating func addAccount(_ hash: UInt64, _ key: borrowing RawSpan) -> Int {
        let number = accounts.insert(hash, key)
        if number == sideHeads.count {
            sideHeads.append(-1)
            termsIndex.append(-1)
            flags.append(0)
            stories.append(nil)
            cells.append(contentsOf: program.defaultCells)
            for _ in 0..<groupCount { periods.append(.none) }
        } else {
            clearRow(number)
        }
        markChanged(number, Self.newMark)
        return number
    }

    mutating func clearRow(_ number: Int) {
        sideHeads[number] = -1
        termsIndex[number] = -1
        stories[number] = nil
        flags[number] &= Self.dirtyFlag | Self.erasedMark
        for meter in 0..<meterCount { cells[number * meterCount + meter] = program.defaultCells[meter] }
        for group in 0..<groupCount { periods[number * groupCount + group] = .none }
    }

    /// Erases everything about an account: counters, profile, waiting readings. Its timers find nothing when they are
    /// due.
    public mutating func removeAccount(_ account: String, into effects: inout Effects) {
        let key = unsafe account.utf8.span.bytes
        let number = accounts.find(xxh3(key), key)
        guard number >= 0 else { return }
        statisticsStored.removals += 1
        forgetDealings(number, into: &effects)
        erase(number)
    }

    mutating func erase(_ number: Int) {
        markChanged(number, Self.erasedMark)
        var side = sideHeads[number]
        while side >= 0 {
            let next = sides[Int(side)].next
            sideIndex[sides[Int(side)].key] = nil
            freeRecord(side)
            side = next
        }
        for group in 0..<groupCount { previousPeriods[number * groupCount + group] = nil }
        if let events = waiting.removeValue(forKey: number) {
            let readings = events.reduce(0) { $0 + $1.readings.count }
            statisticsStored.waitingNow -= readings
            statisticsStored.waitingDropped += readings
        }
        let index = termsIndex[number]
        if index >= 0 {
            terms[Int(index)] = nil
            freeTerms.append(index)
        }
        clearRow(number)
        accounts.remove(number)
    }

    /// Forgets accounts that have neither profile nor anything waiting any more.
    mutating func forgetLeaving() {
        for number in leaving
        where accounts.isInUse(number) && termsIndex[number] < 0 && waiting[number] == nil && !isCounted(number) {
            erase(number)
        }
        leaving.removeAll(keepingCapacity: true)
    }

    /// Whether the account has counted anything.
    func isCounted(_ number: Int) -> Bool {
        sideHeads[number] >= 0 || (0..<meterCount).contains { cells[number * meterCount + $0].isTouched }
    }

    // MARK: Side records

    func sideKey(_ account: Int, _ meter: Int, era: SideKey.Era = .current, dimension: UInt64 = 0) -> SideKey {
        SideKey(account: Int32(account), meter: UInt16(meter), era: era, dimension: dimension)
    }

    mutating func addSide(_ key: SideKey) -> Int32 {
        let index: Int32
        if freeSide >= 0 {
            index = freeSide
            freeSide = sides[Int(index)].next
            sides[Int(index)] = SideRecord(key)
        } else {
            index = Int32(sides.count)
            sides.append(SideRecord(key))
        }
        sideCount += 1
        sides[Int(index)].cell.spent = Cell.dirty
        sides[Int(index)].next = sideHeads[Int(key.account)]
        sideHeads[Int(key.account)] = index
        sideIndex[key] = index
        markChanged(Int(key.account))
        return index
    }

    /// Puts a record that is in no list and no index any more on the free list.
    mutating func freeRecord(_ index: Int32) {
        sides[Int(index)].isInUse = false
        sides[Int(index)].extra = nil
        sides[Int(index)].next = freeSide
        freeSide = index
        sideCount -= 1
    }

    /// Takes the account's records out for which `isDoomed` holds.
    mutating func removeSides(of account: Int, where isDoomed: (SideKey) -> Bool) {
        var previous: Int32 = -1
        var side = sideHeads[account]
        while side >= 0 {
            let next = sides[Int(side)].next
            if isDoomed(sides[Int(side)].key) {
                if previous < 0 { sideHeads[account] = next } else { sides[Int(previous)].next = next }
                sideIndex[sides[Int(side)].key] = nil
                freeRecord(side)
                markChanged(account, Self.restMark)
            } else {
                previous = side
            }
            side = next
        }
    }

    @inline(__always)
    func cell(_ counter: CounterRef) -> Cell {
        counter.side < 0 ? cells[counter.account * meterCount + counter.meter] : sides[Int(counter.side)].cell
    }

    /// Stores a cell that is to be written with the next delta, its spent thresholds too where they differ.
    @inline(__always)
    mutating func setCell(_ counter: CounterRef, _ cell: Cell) {
        var cell = cell
        cell.spent |= Cell.dirty
        if counter.side < 0 {
            let index = counter.account * meterCount + counter.meter
            if cells[index].spentThresholds != cell.spentThresholds { flags[counter.account] |= Self.spentMark }
            cells[index] = cell
        } else {
            sides[Int(counter.side)].cell = cell
        }
    }

    /// What the counter needs beyond its cell, to be changed; made where it is missing.
    mutating func extra(_ counter: CounterRef) -> CounterExtra {
        let index: Int32
        if counter.side >= 0 {
            index = counter.side
        } else {
            let key = sideKey(counter.account, counter.meter)
            index = sideIndex[key] ?? addSide(key)
        }
        sides[Int(index)].cell.spent |= Cell.dirty
        if let extra = sides[Int(index)].extra { return extra }
        let extra = CounterExtra()
        sides[Int(index)].extra = extra
        return extra
    }

    func existingExtra(_ counter: CounterRef) -> CounterExtra? {
        if counter.side >= 0 { return sides[Int(counter.side)].extra }
        return sideIndex[sideKey(counter.account, counter.meter)].flatMap { sides[Int($0)].extra }
    }
}

/// A queue whose front is taken without moving the rest.
struct FIFO<Element> {
    private var elements: [Element] = []
    private var head = 0

    var first: Element? { head < elements.count ? elements[head] : nil }
    var count: Int { elements.count - head }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        head += 1
        if head > 1024, head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
    }

    /// Elements from the first to the last.
    var rest: ArraySlice<Element> { elements[head...] }

    func reduce<Result>(_ initial: Result, _ next: (Result, Element) -> Result) -> Result {
        rest.reduce(initial, next)
    }
}

/// A closed period that still counts.
struct PreviousPeriod {
    var period: Period
    /// Earliest timer that is set for its end.
    var scheduled: Int64
}

struct WaitingEntry {
    var account: Int
    /// Of the event.
    var sequence: UInt64
    var until: Int64
}

/// An event whose account has no profile yet.
struct WaitingEvent {
    /// Number among all events of the partition that ever had to wait.
    var sequence: UInt64
    var time: Int64
    var until: Int64
    var flags: UsageEvent.Flags
    var mode: FiringMode
    var coordinates: InputCoordinates
    var readings: [WaitingReading]
}

struct WaitingReading {
    var meter: Int
    /// Of a behaviour, whose quantity is always 1, the event's identity: its triggers are known by it.
    var quantity: Int64
    var dimension: String?
}
