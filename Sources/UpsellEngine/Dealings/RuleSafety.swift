internal import UpsellModel

/// Modes of rules that control records or the fuse have set, what the fuse counts, and the next control record.
struct RuleSafety {
    var isEmpty: Bool { true }

    init() {}

    func write(into out: inout StateWriter) {}

    init(from input: inout StateReader, _ program: Program) throws(BinaryCodingError) {}
}
