internal import UpsellModel

/// A signal that came true and is not qualified yet.
struct Candidate {
    /// Position in `Program.signals`; never a part.
    var signal: Int
    var account: Int
    var trigger: Trigger
    /// `limit`: what is judged again when it is released.
    var counter: CounterRef?
    /// Usage within grace of a period that is over.
    var isClosed = false
}

extension PartitionEngine {
    /// Shows a reading to the signals that listen to its stream, after its counter has taken it in.
    ///
    /// - Parameters:
    ///   - stream: a meter, or `meterCount` + a behaviour.
    ///   - name: value of the dimension in UTF-8, empty for none.
    mutating func observe(
        _ account: Int, stream: Int, _ quantity: Int64, name: borrowing RawSpan, _ moment: Moment,
        into effects: inout Effects
    ) {}

    /// An account has another profile, or its first (`last` is nil).
    mutating func observeProfile(_ account: Int, from last: Terms?, _ moment: Moment, into effects: inout Effects) {}

    /// An outcome of one of the account's triggers, for signals that listen to them.
    mutating func observe(_ outcome: Outcome, _ account: Int, _ moment: Moment, into effects: inout Effects) {}

    /// Judges what is due at `instant`, and sets the next timer.
    mutating func runSignals(_ account: Int, at instant: Int64, _ mode: FiringMode, into effects: inout Effects) {}

    /// A signal came true: a part of a combination counts for it, anything else is to be qualified.
    mutating func raise(_ candidate: Candidate) {
        raised.append(candidate)
    }

    /// Looks at an owed trigger again.
    ///
    /// - Returns: its facts as they are now; nil where it is no longer true, its limit version does not hold any more, or
    ///   its episode is over.
    mutating func judgeAgain(_ trigger: Trigger, signal: Int, account: Int) -> Trigger? { trigger }

    /// Brings states of signals under another catalogue.
    mutating func adoptSignals(_ account: Int, _ old: Program, _ change: CatalogueChange) {}
}
