/// A place in a file: line and column from 1; 0 where the node came from the command line or the environment.
struct YAMLMark: Equatable {
    var file: String
    var line: Int
    var column: Int
}

/// A YAML value with its place. Scalars keep their text, so that decimals stay exact.
struct YAMLNode {
    var mark: YAMLMark
    var content: Content
    /// Scalars whose lines are lines of the file, word for word: where their text begins. nil: folded or escaped.
    var textPlace: YAMLTextPlace?
    /// Nodes in it, itself included, aliases expanded.
    var count: Int

    init(_ mark: YAMLMark, scalar text: String, plain: Bool) {
        self.mark = mark
        self.content = .scalar(text, plain: plain)
        self.count = 1
    }

    init(_ mark: YAMLMark, sequence items: [YAMLNode]) {
        self.mark = mark
        self.content = .sequence(items)
        self.count = items.reduce(1) { $0 + $1.count }
    }

    init(_ mark: YAMLMark, mapping entries: [YAMLEntry]) {
        self.mark = mark
        self.content = .mapping(entries)
        self.count = entries.reduce(1) { $0 + $1.value.count }
    }

    enum Content {
        /// `plain`: not quoted and not a block; only plain text can be a number, a boolean or null.
        case scalar(String, plain: Bool)
        case sequence([YAMLNode])
        /// In the order of the file, each key once.
        case mapping([YAMLEntry])
        /// Complained about already; whoever reads it says nothing more.
        case broken
    }

    init(broken mark: YAMLMark) {
        self.mark = mark
        self.content = .broken
        self.count = 1
    }

    /// Nothing written, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, plain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }
}

/// Where the text of a scalar stands, behind its quotes or its `|`; from 1.
struct YAMLTextPlace: Equatable {
    var line: Int
    var column: Int
    /// Column at which each further line begins.
    var continuation: Int
}

/// A key of a map and its value.
struct YAMLEntry {
    var key: String
    var mark: YAMLMark
    var value: YAMLNode
}
