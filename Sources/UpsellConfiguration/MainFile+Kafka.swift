import UpsellModel

extension MainFile {
    /// Everything below `kafka:` but the daemon's own keys goes to librdkafka under its dotted name, whether it is
    /// written as one key (`bootstrap.servers`) or as nested maps. Values never appear in a complaint: they may be
    /// secrets.
    mutating func readKafka(_ value: Value?, _ overrides: [KafkaSetting]) {
        var settings: [KafkaSetting] = []
        if let value, !value.node.isNull {
            if case .mapping = value.node.content {
                flatten(value, prefix: "", into: &settings)
            } else {
                value.complain("no map found", expected: "keys of librdkafka and their values")
            }
        }
        for setting in overrides {
            settings.removeAll { $0.name == setting.name }
            settings.append(setting)
        }
        for setting in KafkaSetting.defaults where !settings.contains(where: { $0.name == setting.name }) {
            settings.insert(setting, at: 0)
        }
        configuration.kafka = settings
    }

    private mutating func flatten(_ value: Value, prefix: String, into settings: inout [KafkaSetting]) {
        for (key, child) in value.entries("keys of librdkafka and their values") {
            let name = prefix + key
            // `path` with the dots as written, not as a quoted key.
            var child = child
            child.path = "kafka.\(quoted(name))"
            if name == "startTimeout" {
                readStartTimeout(child)
                continue
            }
            let expected = "a value or a list of values"
            switch child.node.content {
            case .mapping: flatten(child, prefix: name + ".", into: &settings)
            case .sequence(let nodes):
                let texts = nodes.compactMap { node -> String? in
                    guard case .scalar(let text, _) = node.content, !node.isNull else { return nil }
                    return text
                }
                guard texts.count == nodes.count, !texts.isEmpty else {
                    child.complain("a list that is not of values", expected: expected)
                    continue
                }
                keep(name, texts.joined(separator: ","), child, &settings)
            case .scalar(let text, _):
                guard !child.node.isNull else {
                    child.complain("nothing found", expected: expected, at: child.keyMark)
                    continue
                }
                keep(name, text, child, &settings)
            case .broken: break
            }
        }
    }

    private func keep(_ name: String, _ text: String, _ value: Value, _ settings: inout [KafkaSetting]) {
        if let first = settings.first(where: { $0.name == name }) {
            value.complain("key repeated, first at \(first.place)", expected: "each key once", at: value.keyMark)
            return
        }
        guard Value.isName(name, bytesMax: 200) else {
            value.complain("no name of a librdkafka key", expected: "as bootstrap.servers", at: value.keyMark)
            return
        }
        let mark = value.keyMark
        settings.append(
            KafkaSetting(name: name, value: text, place: mark.line > 0 ? "\(mark.file):\(mark.line)" : mark.file))
    }

    private mutating func readStartTimeout(_ value: Value) {
        if value.node.isNull || value.plain == "forever" { return }
        guard let plain = value.plain, let milliseconds = durationMilliseconds(plain),
            (1...(366 * .millisecondsPerDay)).contains(milliseconds)
        else {
            value.complain(notA: "a duration from 1ms to 366d, as 30s, or forever")
            return
        }
        configuration.startTimeout = milliseconds
    }
}
