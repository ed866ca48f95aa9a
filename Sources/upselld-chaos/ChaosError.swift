/// Why a run could not be carried out; not a violation of the daemon's promises, but nothing was proved either.
struct ChaosError: Error, CustomStringConvertible {
    var text: String
    /// The command line was wrong: status 64 instead of 70.
    var isUsage = false

    init(_ text: String, isUsage: Bool = false) {
        self.text = text
        self.isUsage = isUsage
    }

    var description: String { text }
}
