internal import UpsellModel

/// States of an account's signals other than `limit`, whose state is in the counters.
///
/// Sparse: a signal has one from its first event, or for those of the calendar from the account's profile on. Each is a
/// class of its own, changed in its place, so that an event allocates nothing.
struct SignalStates {
    /// Ascending by signal.
    private(set) var entries: ContiguousArray<SignalEntry> = []
    /// At or before the next instant at which a signal has something to judge: it moves forward only when timers run.
    private(set) var earliest = Int64.max
    /// An entry is to be written with the next delta.
    private(set) var isDirty = false
    /// A day that was asked for; it follows from time and zone.
    var day = LocalDay.none

    init() {}

    var isEmpty: Bool { entries.isEmpty }

    /// The next instant at which a signal has something to judge; `.max` for none.
    var due: Int64 { entries.reduce(.max) { Swift.min($0, $1.due) } }

    mutating func findEarliest() { earliest = due }

    /// - Returns: the place of a signal's entry, or -1.
    @inline(__always)
    func place(_ signal: Int) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].signal < signal { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].signal == signal ? low : -1
    }

    /// Adds an entry that `place` did not find.
    ///
    /// - Returns: its place.
    mutating func insert(_ entry: SignalEntry) -> Int {
        let place = entries.firstIndex { $0.signal > entry.signal } ?? entries.count
        entries.insert(entry, at: place)
        if entry.isDirty { isDirty = true }
        earliest = Swift.min(earliest, entry.due)
        return place
    }

    @inline(__always)
    mutating func setDue(_ place: Int, _ instant: Int64) {
        mark(place)
        entries[place].due = instant
        earliest = Swift.min(earliest, instant)
    }

    /// What an entry has is to be written with the next delta.
    @inline(__always)
    mutating func mark(_ place: Int) {
        entries[place].isDirty = true
        isDirty = true
    }

    mutating func noteEpisode(_ place: Int, _ episode: Int64) {
        mark(place)
        entries[place].lastEpisode = episode
    }

    /// Puts entries under the positions of another catalogue; those of signals that are gone go.
    mutating func remap(_ newSignal: [Int?]) {
        var kept: ContiguousArray<SignalEntry> = []
        for entry in entries {
            guard let signal = newSignal[entry.signal] else { continue }
            var entry = entry
            entry.signal = signal
            kept.append(entry)
        }
        kept.sort { $0.signal < $1.signal }
        entries = kept
        findEarliest()
    }

    // MARK: State

    mutating func clearMarks() {
        guard isDirty else { return }
        isDirty = false
        for place in entries.indices where entries[place].isDirty {
            entries[place].isDirty = false
            entries[place].state.clearMarks()
        }
    }

    /// Appends the entries that changed since the last delta, or all of them.
    func write(into out: inout StateWriter, _ program: Program, isFull: Bool) {
        out.writer.put(count: entries.reduce(0) { $0 + (isFull || $1.isDirty ? 1 : 0) })
        var next = 0
        for entry in entries where isFull || entry.isDirty {
            out.writer.put(count: entry.signal - next)
            next = entry.signal + 1
            out.put(optional: entry.lastEpisode == .min ? nil : entry.lastEpisode)
            out.put(optional: entry.due == .max ? nil : entry.due)
            entry.state.write(into: &out, program.signals[entry.signal].watch, isFull: isFull)
        }
    }

    /// Entries as a delta or slice has them; day rings may lack what was there before.
    init(from input: inout StateReader, _ program: Program) throws(BinaryCodingError) {
        var next = 0
        for _ in 0..<(try input.reader.count()) {
            let gap = try input.reader.integer()
            guard gap < program.signals.count - next else { throw input.malformed("signal \(next) + \(gap)") }
            let signal = next + gap
            next = signal + 1
            let lastEpisode = try input.optionalInstant() ?? .min
            let due = try input.optionalInstant() ?? .max
            entries.append(
                SignalEntry(
                    signal: signal, due: due, lastEpisode: lastEpisode, isDirty: false,
                    state: try SignalState(from: &input, program.signals[signal].watch)))
        }
        findEarliest()
    }

    /// Takes over what an image says.
    ///
    /// - Returns: false where it tells a part of something that is not there.
    mutating func take(_ image: SignalStates) -> Bool {
        for entry in image.entries {
            let place = place(entry.signal)
            guard entry.state.complete(from: place < 0 ? nil : entries[place].state) else { return false }
            if place < 0 { _ = insert(entry) } else { entries[place] = entry }
        }
        findEarliest()
        return true
    }
}

/// A signal's state, and what all kinds have.
struct SignalEntry {
    /// Position in `Program.signals`.
    var signal: Int
    /// The next instant at which it has something to judge; `.max` for none.
    var due = Int64.max
    /// Of the last trigger, spent ones too; `.min` for none. Gates have one for each feature.
    var lastEpisode = Int64.min
    /// To be written with the next delta.
    var isDirty = true
    var state: SignalState
}

enum SignalState {
    case pace(PaceState)
    case gate(GateState)
    case adoption(AdoptionState)
    case trial(TrialState)
    case event(EventState)
    case growth(GrowthState)
    case sustained(SustainedState)
    case absence(AbsenceState)
    case digest(DigestState)
    case combination(CombinationState)

    func clearMarks() {
        switch self {
        case .pace(let state): state.ring.clearMarks()
        case .growth(let state): state.ring.clearMarks()
        case .adoption(let state):
            for stage in state.stages.indices { state.stages[stage].ring.clearMarks() }
        case .event(let state):
            for position in state.rings.indices { state.rings[position].clearMarks() }
        case .gate, .trial, .sustained, .absence, .digest, .combination: break
        }
    }

    func write(into out: inout StateWriter, _ watch: SignalCode.Watch, isFull: Bool) {
        switch self {
        case .pace(let state): state.write(into: &out, isFull: isFull)
        case .gate(let state): state.write(into: &out)
        case .adoption(let state): state.write(into: &out, isFull: isFull)
        case .trial(let state): state.write(into: &out, watch)
        case .event(let state): state.write(into: &out, watch, isFull: isFull)
        case .growth(let state): state.write(into: &out, isFull: isFull)
        case .sustained(let state): state.write(into: &out)
        case .absence(let state): state.write(into: &out)
        case .digest(let state): state.write(into: &out, watch)
        case .combination(let state): state.write(into: &out)
        }
    }

    init(from input: inout StateReader, _ watch: SignalCode.Watch) throws(BinaryCodingError) {
        switch watch.kind {
        case .pace: self = .pace(try PaceState(from: &input, watch))
        case .gate: self = .gate(try GateState(from: &input, watch))
        case .adoption: self = .adoption(try AdoptionState(from: &input, watch))
        case .trial: self = .trial(try TrialState(from: &input, watch))
        case .event: self = .event(try EventState(from: &input, watch))
        case .growth: self = .growth(try GrowthState(from: &input, watch))
        case .sustained: self = .sustained(try SustainedState(from: &input))
        case .absence: self = .absence(try AbsenceState(from: &input))
        case .digest: self = .digest(try DigestState(from: &input, watch))
        case .combination: self = .combination(try CombinationState(from: &input, watch))
        case .limit: throw input.malformed("state of a signal of limits")
        }
    }

    /// Fills what an image does not tell from the state before it.
    ///
    /// - Returns: false where there is none.
    func complete(from old: SignalState?) -> Bool {
        switch self {
        case .pace(let state):
            guard case .pace(let old)? = old else { return state.ring.toldFrom == nil }
            return state.ring.complete(from: old.ring)
        case .growth(let state):
            guard case .growth(let old)? = old else { return state.ring.toldFrom == nil }
            return state.ring.complete(from: old.ring)
        case .adoption(let state):
            var before: AdoptionState?
            if case .adoption(let old)? = old { before = old }
            for stage in state.stages.indices {
                guard state.stages[stage].ring.complete(from: before?.stages[stage].ring) else { return false }
            }
            return true
        case .event(let state):
            var before: EventState?
            if case .event(let old)? = old { before = old }
            for position in state.rings.indices {
                let ring = before.flatMap { position < $0.rings.count ? $0.rings[position] : nil }
                guard state.rings[position].complete(from: ring) else { return false }
            }
            return true
        case .gate, .trial, .sustained, .absence, .digest, .combination: return true
        }
    }
}

extension DayRing {
    /// Makes a whole ring of an image.
    mutating func complete(from old: DayRing?) -> Bool {
        guard toldFrom != nil else { return true }
        guard let whole = old?.completed(by: self) else { return false }
        self = whole
        return true
    }
}
