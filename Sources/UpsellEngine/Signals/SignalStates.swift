internal import UpsellModel

/// States of an account's signals other than `limit`, whose state is in the counters.
struct SignalStates {
    /// The next instant at which a signal has something to judge; `.max` for none.
    var due: Int64 { .max }
    var isEmpty: Bool { true }

    init() {}

    func write(into out: inout StateWriter) {}

    init(from input: inout StateReader, _ program: Program) throws(BinaryCodingError) {}
}
