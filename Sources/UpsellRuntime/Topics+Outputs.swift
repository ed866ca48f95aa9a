internal import UpsellConfiguration

extension Configuration.Topics {
    /// What subscribers read, beside the dead letters; each name once.
    var outputs: [String] {
        [triggers, held, outcomes, open]
            + channels.map(\.topic).reduce(into: []) { names, name in
                if !names.contains(name) { names.append(name) }
            }
    }
}
