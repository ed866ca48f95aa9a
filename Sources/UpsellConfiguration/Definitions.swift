import UpsellModel

/// Behaviours and segments of the catalogue and of all rules files, and what refers to them across files.
///
/// Built in steps: behaviours, then the names of segments, then their conditions, then rules, then `finish`. A class,
/// because every reader of conditions and signals adds to it. One thread, one load.
final class Definitions {
    let catalog: CatalogFile
    /// Templates that rules name.
    let words: WordsFile
    private(set) var behaviours: [Behaviour] = []
    private(set) var segments: [Segment] = []
    /// Whether names can be judged: not when a file or a section could not be read.
    var knowsBehaviours = true
    var knowsSegments = true

    private var behaviourPlaces: [String: Value] = [:]
    /// In the order of the files.
    private var segmentValues: [(name: String, value: Value)] = []
    private var segmentPlaces: [String: Value] = [:]
    /// What segments refer to, in the order of the files.
    private var references: [(from: String, to: String, value: Value)] = []
    /// Segments, each behind those it refers to.
    private var order: [String] = []
    /// Conditions whose size is judged once all segments are known.
    private var conditions: [(condition: Condition, value: Value)] = []
    /// Rules that signals refer to.
    private var ruleReferences: [(from: String?, to: String, value: Value)] = []
    /// Thresholds on each meter so far, by its position.
    private var thresholdsOfMeter: [Int: Int] = [:]

    init(_ catalog: CatalogFile, _ words: WordsFile) {
        self.catalog = catalog
        self.words = words
    }

    // MARK: Behaviours

    func readBehaviours(_ value: Value) {
        let expected = "a map of behaviours by name, as export_denied: {events: feature.denied}"
        if !value.node.isNull, !value.isMap { knowsBehaviours = false }
        for (name, entry) in value.entries(expected, max: ConfigurationBounds.behavioursMax) {
            guard isNew("behaviour", name, entry, &behaviourPlaces) else { continue }
            if let index = catalog.index(ofMeter: name) {
                entry.complain(
                    "a meter is called \"\(quoted(catalog.meters[index].name))\" too",
                    expected: "names that meters do not have: signals listen to either by name", at: entry.keyMark)
            }
            let section = Section(entry, keys: Self.behaviourKeys)
            let behaviour = behaviour(section, name: name)
            behaviours.append(behaviour)
            if behaviours.count == ConfigurationBounds.behavioursMax + 1 { complainOfTooMany(entry) }
        }
    }

    /// Names that are written somewhere, in the order of the files.
    var namedBehaviours: [String] { behaviours.map(\.name).filter { behaviourPlaces[$0] != nil } }

    static let behaviourKeys = ["events", "filter", "feature"]

    /// One that is written where it is listened to; the same twice is one.
    func anonymousBehaviour(_ section: Section) -> Int {
        var behaviour = behaviour(section, name: "")
        behaviour.name = Self.derivedName(of: behaviour)
        if let index = behaviours.firstIndex(of: behaviour) { return index }
        behaviours.append(behaviour)
        if behaviours.count == ConfigurationBounds.behavioursMax + 1 { complainOfTooMany(section.value) }
        return behaviours.count - 1
    }

    private func complainOfTooMany(_ value: Value) {
        value.complain(
            "more than \(ConfigurationBounds.behavioursMax) behaviours in all files",
            expected: "at most \(ConfigurationBounds.behavioursMax)", at: value.keyMark)
    }

    private func behaviour(_ section: Section, name: String) -> Behaviour {
        var behaviour = Behaviour(name: name, eventTypes: [])
        if let events = section.required("events", expected: "the CloudEvents types to listen to") {
            behaviour.eventTypes = events.texts("an event type or a list of them")
        }
        behaviour.filter = section["filter"]?.filter() ?? []
        if let value = section["feature"], !value.node.isNull {
            behaviour.feature = value.text().flatMap { value.fieldPath($0) }
        }
        return behaviour
    }

    /// Its first event type and a hash of all that it is: part of a rule's version, so it follows from nothing else. No
    /// written name has a tilde.
    static func derivedName(of behaviour: Behaviour) -> String {
        var hash: UInt64 = 14_695_981_039_346_656_037
        // FNV-1a; a byte that no text has ends each text, a second one each list.
        func add(_ text: String) {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
            hash = (hash ^ 0xFF) &* 1_099_511_628_211
        }
        func end() { hash = (hash ^ 0xFE) &* 1_099_511_628_211 }
        behaviour.eventTypes.forEach(add)
        end()
        for condition in behaviour.filter {
            condition.path.names.forEach(add)
            end()
            condition.anyOf.forEach(add)
            end()
        }
        end()
        behaviour.feature?.names.forEach(add)
        let digits = String(hash, radix: 16)
        let padded = String(repeating: "0", count: 16 - digits.count) + digits
        let type = (behaviour.eventTypes.first ?? "").unicodeScalars.prefix(ConfigurationBounds.nameBytesMax)
        return String(String.UnicodeScalarView(type)) + "~" + padded.prefix(8)
    }

    // MARK: Segments

    /// Notes the names, so that conditions may refer to what stands below them.
    func noteSegments(_ value: Value) {
        let expected = "a map of segments by name, as smb: {attribute: employees, atMost: 50}"
        if !value.node.isNull, !value.isMap { knowsSegments = false }
        for (name, entry) in value.entries(expected, max: ConfigurationBounds.segmentsMax) {
            guard isNew("segment", name, entry, &segmentPlaces) else { continue }
            segmentValues.append((name, entry))
            if segmentValues.count == ConfigurationBounds.segmentsMax + 1 {
                entry.complain(
                    "more than \(ConfigurationBounds.segmentsMax) segments in all files",
                    expected: "at most \(ConfigurationBounds.segmentsMax)", at: entry.keyMark)
            }
        }
    }

    /// Reads the conditions of the segments whose names were noted, and complains about circles.
    func readSegments() {
        for (name, value) in segmentValues {
            if let condition = ConditionReader(self, segment: name).read(value) {
                segments.append(Segment(name: name, condition: condition))
            }
        }
        complainAboutCircles()
    }

    /// Whether a name can be referred to; complains otherwise, unless names cannot be judged.
    func isSegment(_ name: String, _ value: Value, in segment: String?) -> Bool {
        if let segment { references.append((segment, name, value)) }
        if segmentPlaces[name] != nil { return true }
        guard knowsSegments else { return false }
        let known = segmentValues.map(\.name)
        value.complain(
            "unknown segment \"\(quoted(name))\"\(didYouMean(name, among: known))", expected: Value.list(known))
        return false
    }

    private func complainAboutCircles() {
        var targets: [String: [(to: String, value: Value)]] = [:]
        for reference in references { targets[reference.from, default: []].append((reference.to, reference.value)) }
        var done: Set<String> = []
        var path: [String] = []
        func visit(_ name: String) {
            path.append(name)
            for (target, value) in targets[name] ?? [] where !done.contains(target) {
                guard let start = path.firstIndex(of: target) else {
                    visit(target)
                    continue
                }
                let circle = (path[start...] + [target]).map(quoted).joined(separator: " → ")
                value.complain("a circle of segments: \(circle)", expected: "segments that lead to no circle")
            }
            path.removeLast()
            done.insert(name)
            order.append(name)
        }
        // At most `segmentsMax` deep.
        for (name, _) in segmentValues where !done.contains(name) { visit(name) }
    }

    /// Remembers a condition of a rule for the check of its size.
    func note(_ condition: Condition, at value: Value) { conditions.append((condition, value)) }

    // MARK: Rules

    func noteRule(_ name: String, referredToBy rule: String?, at value: Value) {
        ruleReferences.append((rule, name, value))
    }

    /// Counts thresholds on a meter over all rules: they share one mask.
    func countThresholds(_ count: Int, ofMeter index: Int, at list: Value) {
        let before = thresholdsOfMeter[index, default: 0]
        thresholdsOfMeter[index] = before + count
        let most = ConfigurationBounds.thresholdsOfMeterMax
        if before <= most, before + count > most {
            let name = quoted(catalog.meters[index].name)
            list.complain(
                "\(before + count) thresholds on meter \"\(name)\" in sum over its rules", expected: "at most \(most)",
                at: list.keyMark)
        }
    }

    /// Signals and parts of combinations, each with its place, for warnings.
    private(set) var signals: [(signal: Signal, value: Value)] = []

    func note(_ signal: Signal, at value: Value) { signals.append((signal, value)) }

    // MARK: The end

    /// Judges what needs every file: rules that signals refer to, and the size of conditions.
    ///
    /// - Parameter rules: names of all rules; nil where they are not all known.
    func finish(rules: [String]?) {
        if let rules {
            for (from, to, value) in ruleReferences {
                if to == from {
                    value.complain("the rule itself", expected: "other rules: it would follow its own triggers")
                } else if !rules.contains(to) {
                    value.complain(
                        "unknown rule \"\(quoted(to))\"\(didYouMean(to, among: rules))",
                        expected: "a rule of these files")
                }
            }
        }
        // Circles would make sizes endless.
        guard catalog.report.isEmpty else { return }
        var known: [String: Size] = [:]
        for name in order {
            guard let segment = segments.first(where: { $0.name == name }), let place = segmentPlaces[name] else {
                continue
            }
            let size = size(segment.condition, known)
            // What is complained about is not complained about again where it is referred to.
            known[name] = isWithinBounds(size, at: place) ? size : Size()
        }
        for (condition, value) in conditions { _ = isWithinBounds(size(condition, known), at: value) }
    }

    private func isWithinBounds(_ size: Size, at value: Value) -> Bool {
        let (partsMax, depthMax) = (ConfigurationBounds.conditionPartsMax, ConfigurationBounds.conditionDepthMax)
        if size.parts > partsMax {
            value.complain(
                "a condition of more than \(partsMax) parts and values, segments in full",
                expected: "at most \(partsMax)", at: value.keyMark)
        } else if size.depth > depthMax {
            value.complain(
                "a condition nested more than \(depthMax) deep, segments in full", expected: "at most \(depthMax)",
                at: value.keyMark)
        } else {
            return true
        }
        return false
    }

    private struct Size {
        var parts = 1
        var depth = 1
    }

    /// Size of a condition, cut off above the bounds. What it refers to is known, so that it descends no further than
    /// the file does.
    private func size(_ condition: Condition, _ known: [String: Size]) -> Size {
        var size = Size()
        func add(_ part: Size) {
            size.parts = min(size.parts + part.parts, ConfigurationBounds.conditionPartsMax + 1)
            size.depth = min(max(size.depth, part.depth + 1), ConfigurationBounds.conditionDepthMax + 1)
        }
        switch condition {
        case .all(let parts), .any(let parts): for part in parts { add(self.size(part, known)) }
        case .not(let part): add(self.size(part, known))
        case .segment(let name): add(known[name] ?? Size())
        case .text(_, let anyOf): size.parts = max(1, anyOf.count)
        case .number, .exists: break
        }
        return size
    }

    private func isNew(_ what: String, _ name: String, _ value: Value, _ places: inout [String: Value]) -> Bool {
        if !Value.isName(name, bytesMax: ConfigurationBounds.nameBytesMax) {
            value.complain(
                "\"\(quoted(name))\" is no name", expected: "letters, digits, _, - and ., 1 to 64 long",
                at: value.keyMark)
        }
        if let first = places[name] {
            value.complain(
                "\(what) \"\(quoted(name))\" repeated, first at \(first.place)", expected: "each name once",
                at: value.keyMark)
            return false
        }
        places[name] = value
        return true
    }
}
