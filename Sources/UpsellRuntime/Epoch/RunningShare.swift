internal import KafkaTransport
internal import UpsellModel
internal import UpsellStateLog

/// What the running epoch of a partition has gathered so far; see `FrozenShare`.
struct RunningShare {
    let epoch: UInt64
    private(set) var steps: [JournalRecord.Step] = []
    private(set) var triggers: [OutputRecord] = []
    private(set) var held: [OutputRecord] = []
    private(set) var outcomes: [OutputRecord] = []
    private(set) var deadLetters: [OutputRecord] = []
    /// Accounts whose open triggers changed, in the order of their first change; what is open at the epoch's end is said
    /// once.
    private(set) var openChanged: [String] = []
    private var isOpenChanged: Set<String> = []
    /// Bytes of the outputs so far; the poll loop stops reading when all partitions together hold too many.
    private(set) var outputBytes = 0
    private(set) var inputRecords = 0
    /// Goes out even if nothing was read: the genesis, a changed configuration, an input's end.
    var isDue = false
    /// Where each input stood when the epoch first read from it; nil where it has not.
    private var opened: [Int64?]
    private var wallTime: Timestamp?

    init(epoch: UInt64, inputCount: Int) {
        self.epoch = epoch
        opened = Array(repeating: nil, count: inputCount)
    }

    var isEmpty: Bool {
        !isDue && steps.isEmpty && triggers.isEmpty && held.isEmpty && outcomes.isEmpty && openChanged.isEmpty
            && deadLetters.isEmpty
    }

    mutating func open(_ input: Int, at offset: Int64) {
        if opened[input] == nil { opened[input] = offset }
    }

    /// What follows up to the next batch is judged at this wall time.
    mutating func begin(batchAt time: Timestamp) {
        guard wallTime != time else { return }
        wallTime = time
        steps.append(.batch(wallTime: time))
    }

    /// Adds a run, and joins it to the last one where nothing lies between.
    mutating func append(run input: InputID, first: Int64, next: Int64, records: Int) {
        inputRecords += records
        if case .run(input, let start, let end)? = steps.last, end <= first {
            steps[steps.count - 1] = .run(input: input, first: start, next: next)
        } else {
            steps.append(.run(input: input, first: first, next: next))
        }
    }

    mutating func append(profile step: JournalRecord.Step) {
        inputRecords += 1
        steps.append(step)
    }

    mutating func append(_ step: JournalRecord.Step) { steps.append(step) }

    mutating func add(trigger: OutputRecord) {
        outputBytes += trigger.byteCount
        triggers.append(trigger)
    }

    mutating func add(held record: OutputRecord) {
        outputBytes += record.byteCount
        held.append(record)
    }

    mutating func add(outcome: OutputRecord) {
        outputBytes += outcome.byteCount
        outcomes.append(outcome)
    }

    mutating func add(openChanged account: String) {
        guard isOpenChanged.insert(account).inserted else { return }
        outputBytes += Self.openBytesNominal
        openChanged.append(account)
    }

    mutating func add(deadLetter: OutputRecord) {
        outputBytes += deadLetter.byteCount
        deadLetters.append(deadLetter)
    }

    /// What a record of open triggers counts for before it is written: one trigger with words.
    static let openBytesNominal = 2_048

    func positions(next: [Int64]) -> [InputPosition] {
        zip(opened, next).map { InputPosition(before: $0 ?? $1, after: $1) }
    }
}
