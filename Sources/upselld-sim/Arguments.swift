import UpsellSimulation

/// What the command line asks for.
struct Arguments {
    var seeds = 200
    var first: UInt64 = 1
    /// One history instead of many.
    var seed: UInt64?
    var isTracing = false
    var isExhaustive = false
    var crashAt: Int?
    var jobs = 2
    /// Empty: none.
    var plants: [PlantedBug] = []

    static let usage = """
        usage: upselld-sim [--seeds N] [--from SEED] [--jobs N]        many histories, with counts of what they hit
               upselld-sim --seed SEED [--trace]                       one history
               upselld-sim --exhaustive [--seeds N] [--crash-at STEP]  short histories, killed at every step of their I/O
               upselld-sim --plant BUG|all [--seeds N]                 histories until a planted bug is noticed
        bugs: \(PlantedBug.allCases.map(\.rawValue).joined(separator: " "))
        """

    /// - Returns: nil where the arguments make no sense.
    init?(_ words: [String]) {
        var words = words[...]
        while let word = words.popFirst() {
            switch word {
            case "--seeds":
                guard let value = words.popFirst().flatMap({ Int($0) }), value > 0 else { return nil }
                seeds = value
            case "--from":
                guard let value = words.popFirst().flatMap({ UInt64($0) }) else { return nil }
                first = value
            case "--seed":
                guard let value = words.popFirst().flatMap({ UInt64($0) }) else { return nil }
                seed = value
            case "--jobs":
                guard let value = words.popFirst().flatMap({ Int($0) }), (1...64).contains(value) else { return nil }
                jobs = value
            case "--crash-at":
                guard let value = words.popFirst().flatMap({ Int($0) }) else { return nil }
                crashAt = value
            case "--trace": isTracing = true
            case "--exhaustive": isExhaustive = true
            case "--plant":
                guard let name = words.popFirst() else { return nil }
                if name == "all" {
                    plants = PlantedBug.allCases
                } else {
                    guard let bug = PlantedBug(rawValue: name) else { return nil }
                    plants = [bug]
                }
            default: return nil
            }
        }
    }
}
