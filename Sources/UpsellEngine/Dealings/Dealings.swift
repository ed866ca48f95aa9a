internal import UpsellModel

/// What was said to an account, what is owed to it, and what became of it.
struct Dealings {
    /// The next instant at which something is due; `.max` for none.
    var due: Int64 { .max }
    var isEmpty: Bool { true }

    init() {}

    func write(into out: inout StateWriter) {}

    init(from input: inout StateReader, _ program: Program) throws(BinaryCodingError) {}
}
