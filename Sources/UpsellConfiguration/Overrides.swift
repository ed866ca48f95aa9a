/// Settings from the command line and the environment, on their way into the main file's tree.
struct Overrides {
    /// For librdkafka, text as given, the winning one only.
    private(set) var kafka: [KafkaSetting] = []
    /// Others, in the order of rising precedence.
    private var nodes: [(path: [String], node: YAMLNode)] = []
    private let report: Report

    /// Environment first, then the command line, which wins.
    init(set: [(key: String, value: String)], environment: [String: String], report: Report) {
        self.report = report
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            guard let key = key(ofVariable: variable) else { continue }
            add(key, value, file: "environment \(variable)")
        }
        for (key, value) in set { add(key, value, file: "--set") }
    }

    /// Puts them into the tree, over what is there.
    func apply(to root: YAMLNode) -> YAMLNode {
        nodes.reduce(root) { Self.replace($1.path[...], with: $1.node, in: $0) }
    }

    private mutating func add(_ key: String, _ value: String, file: String) {
        let mark = YAMLMark(file: file, line: 0, column: 0)
        let path = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !path.contains(""), path.count <= 16, key.utf8.count <= 256 else {
            report.complain(
                mark, "", "\"\(quoted(key))\" is no key", expected: "a dotted key and a value, as group.id=upselld")
            return
        }
        if path[0] == "kafka", path.count > 1, key != "kafka.startTimeout" {
            let name = path.dropFirst().joined(separator: ".")
            guard Value.isName(name, bytesMax: 200) else {
                report.complain(
                    mark, quoted(key), "no name of a librdkafka key", expected: "as kafka.bootstrap.servers")
                return
            }
            kafka.removeAll { $0.name == name }
            kafka.append(KafkaSetting(name: name, value: value, place: file))
            return
        }
        // Values are YAML, so that lists and maps can be given too; complaints are about the key, not about a line.
        let scratch = Report()
        guard let node = YAMLReader.readValue(value, file: file, report: scratch), scratch.isEmpty else {
            let problem = scratch.complaints.first?.problem ?? "no value"
            report.complain(mark, quoted(key), problem, expected: "a value in YAML")
            return
        }
        nodes.append((path, Self.remark(node, mark)))
    }

    /// The key that an environment variable sets; nil for variables that are none of ours.
    ///
    /// `UPSELLD_` and the key in capitals, `_` between words: `UPSELLD_GROUP_LEAVE_ON_STOP`. Below `UPSELLD_KAFKA_`
    /// each `_` is a dot of librdkafka's name and `__` an underscore. An unknown variable below a section is a
    /// complaint.
    private func key(ofVariable variable: String) -> String? {
        guard variable.hasPrefix("UPSELLD_") else { return nil }
        let known = MainFile.leaves.map { (key: $0, variable: Self.variable(ofKey: $0)) }
        if let match = known.first(where: { $0.variable == variable }) { return match.key }
        let kafka = "UPSELLD_KAFKA_"
        if variable.hasPrefix(kafka), variable.utf8.count > kafka.utf8.count {
            let words = variable.dropFirst(kafka.count).lowercased().split(
                separator: "_", omittingEmptySubsequences: false)
            var name = ""
            for (index, word) in words.enumerated() {
                // An empty word lies between two underscores: it stands for one, in place of two dots.
                if index > 0 { name += word.isEmpty ? "_" : (words[index - 1].isEmpty && index > 1 ? "" : ".") }
                name += word
            }
            return "kafka.\(name)"
        }
        let sections = MainFile.keys.keys.filter { !$0.isEmpty }.map { Self.variable(ofKey: $0) + "_" }
        guard sections.contains(where: { variable.hasPrefix($0) }) else { return nil }
        let names = known.map(\.variable)
        report.complain(
            YAMLMark(file: "environment \(quoted(variable))", line: 0, column: 0), "",
            "sets no key\(didYouMean(variable, among: names))",
            expected: "UPSELLD_ and a key in capitals, as UPSELLD_GROUP_ID")
        return nil
    }

    /// `group.leaveOnStop` is `UPSELLD_GROUP_LEAVE_ON_STOP`.
    private static func variable(ofKey key: String) -> String {
        var name = "UPSELLD_"
        for character in key {
            if character == "." {
                name += "_"
            } else if character.isUppercase {
                name += "_\(character)"
            } else {
                name += character.uppercased()
            }
        }
        return name
    }

    private static func replace(_ path: ArraySlice<String>, with node: YAMLNode, in tree: YAMLNode) -> YAMLNode {
        guard let key = path.first else { return node }
        var entries: [YAMLEntry] = []
        if case .mapping(let present) = tree.content { entries = present }
        let rest = path.dropFirst()
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].value = replace(rest, with: node, in: entries[index].value)
            if rest.isEmpty { entries[index].mark = node.mark }
        } else {
            let empty = YAMLNode(node.mark, mapping: [])
            entries.append(YAMLEntry(key: key, mark: node.mark, value: replace(rest, with: node, in: empty)))
        }
        return YAMLNode(tree.mark, mapping: entries)
    }

    private static func remark(_ node: YAMLNode, _ mark: YAMLMark) -> YAMLNode {
        switch node.content {
        case .scalar(let text, let plain): return YAMLNode(mark, scalar: text, plain: plain)
        case .sequence(let items): return YAMLNode(mark, sequence: items.map { remark($0, mark) })
        case .mapping(let entries):
            return YAMLNode(
                mark, mapping: entries.map { YAMLEntry(key: $0.key, mark: mark, value: remark($0.value, mark)) })
        case .broken: return YAMLNode(broken: mark)
        }
    }
}
