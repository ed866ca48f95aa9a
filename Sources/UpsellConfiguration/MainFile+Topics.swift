import UpsellModel

extension MainFile {
    mutating func readTopics(_ section: Section) {
        var topics = Configuration.Topics()
        var names: [(name: String, place: Value)] = []
        func read(_ key: String, _ setting: inout String) {
            guard let value = section[key], let name = topicName(value) else { return }
            setting = name
            names.append((name, value))
        }
        if let value = section["usage"] {
            let usage = value.list(
                "a list of topics, as [{name: upselld.usage}]", max: ConfigurationBounds.usageTopicsMax)
            if usage.isEmpty, value.node.isNull || value.isEmptyList {
                value.complain(
                    "no usage topic", expected: "at least one, as [{name: upselld.usage}]", at: value.keyMark)
            }
            topics.usage = usage.compactMap { item in
                guard let (topic, place) = usageTopic(item) else { return nil }
                names.append((topic.name, place))
                return topic
            }
        }
        read("accounts", &topics.accounts)
        read("feedback", &topics.feedback)
        read("triggers", &topics.triggers)
        read("open", &topics.open)
        read("held", &topics.held)
        read("outcomes", &topics.outcomes)
        read("deadLetters", &topics.deadLetters)
        read("control", &topics.control)
        read("state", &topics.state)
        read("journal", &topics.journal)
        for (channel, place) in section["channels"]?.entries("a map of channels and their topics, as {csm: …}") ?? [] {
            if !Value.isName(channel, bytesMax: ConfigurationBounds.nameBytesMax) {
                place.complain(
                    "\"\(quoted(channel))\" is no name", expected: "letters, digits, _, - and ., 1 to 64 long",
                    at: place.keyMark)
            }
            guard let name = topicName(place) else { continue }
            topics.channels.append(Configuration.ChannelTopic(channel: channel, topic: name))
            names.append((name, place))
        }
        let all =
            topics.usage.map(\.name) + [
                topics.accounts, topics.feedback, topics.triggers, topics.open, topics.held, topics.outcomes,
                topics.deadLetters, topics.control, topics.state, topics.journal,
            ] + topics.channels.map(\.topic)
        // A name is complained about where it was written, the last time it was if it was twice.
        var complained: Set<String> = []
        for (name, place) in names.reversed()
        where all.count(where: { $0 == name }) > 1 && complained.insert(name).inserted {
            place.complain("topic \"\(quoted(name))\" has two uses", expected: "a topic for each use")
        }
        section.flag("create", &topics.create)
        if let value = section["partitions"], value.plain != "usage" { topics.partitions = value.integer(1...100_000) }
        if let value = section["replication"], value.plain != "broker" { topics.replication = value.integer(1...100) }
        configuration.topics = topics
    }

    private func topicName(_ value: Value) -> String? {
        guard case .scalar(let text, _) = value.node.content, !value.node.isNull, Value.isName(text, bytesMax: 249),
            text != ".", text != ".."
        else {
            value.complain(notA: "the name of a topic: letters, digits, _, - and ., 1 to 249 long")
            return nil
        }
        return text
    }

    private func usageTopic(_ value: Value) -> (Configuration.UsageTopic, Value)? {
        if case .scalar = value.node.content {
            return topicName(value).map { (Configuration.UsageTopic(name: $0), value) }
        }
        let section = Section(value, keys: ["name", "format", "clock"], expected: "{name: …} or the name of a topic")
        guard let place = section.required("name", expected: "the name of a topic") else { return nil }
        let name = topicName(place)
        var topic = Configuration.UsageTopic(name: name ?? "")
        section.choice("clock", &topic.clock)
        if let value = section["format"] { readFormat(value, &topic.format) }
        return name == nil ? nil : (topic, place)
    }

    private func readFormat(_ value: Value, _ format: inout EventFormat) {
        guard case .mapping = value.node.content else {
            if value.plain != "cloudevents" {
                let hint = value.plain.map { didYouMean($0, among: ["cloudevents"]) } ?? ""
                value.complain("\(value.found) found\(hint)", expected: "cloudevents or {plain: {id: …, …}}")
            }
            return
        }
        let section = Section(value, keys: ["plain"])
        guard let value = section.required("plain", expected: "{plain: {id: …, source: …, type: …, subject: …}}") else {
            return
        }
        let keys = ["id", "source", "type", "subject", "time", "data"]
        let plain = Section(value, keys: keys)
        let id = plain.required("id", expected: "where the event's id lies, as id")
        let source = plain.required("source", expected: "where the source lies, or {constant: …}")
        let type = plain.required("type", expected: "where the event type lies, or {constant: …}")
        let subject = plain.required("subject", expected: "where the account lies, as customer.id")
        let mapping = (id.flatMap(path), source.flatMap(self.source), type.flatMap(self.source), subject.flatMap(path))
        var time: FieldPath?
        var data: FieldPath?
        if let value = plain["time"], !value.node.isNull { time = path(value) }
        if let value = plain["data"], !value.node.isNull { data = path(value) }
        guard let id = mapping.0, let source = mapping.1, let type = mapping.2, let subject = mapping.3 else { return }
        format = .plain(FieldMapping(id: id, source: source, type: type, subject: subject, time: time, data: data))
    }

    private func source(_ value: Value) -> FieldMapping.Source? {
        guard case .mapping = value.node.content else { return path(value).map(FieldMapping.Source.path) }
        let section = Section(value, keys: ["constant"])
        return section.required("constant", expected: "the text that all events get")?.text(bytesMax: 256)
            .map(FieldMapping.Source.constant)
    }

    /// A path into a plain JSON object: names between dots.
    private func path(_ value: Value) -> FieldPath? {
        guard case .scalar(let text, _) = value.node.content, !value.node.isNull, text.utf8.count <= 512 else {
            value.complain(notA: "a path into the JSON object, as customer.id")
            return nil
        }
        let names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !names.contains(""), names.count <= 16 else {
            value.complain(notA: "a path into the JSON object, as customer.id")
            return nil
        }
        return FieldPath(names)
    }
}

extension Value {
    fileprivate var isEmptyList: Bool {
        guard case .sequence(let items) = node.content else { return false }
        return items.isEmpty
    }
}
