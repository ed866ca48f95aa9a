import UpsellModel

/// A map of known keys: complains about the others, once, when it is opened.
struct Section {
    let value: Value
    private var values: [String: Value] = [:]
    /// Known keys for which an unknown one was probably meant: their absence is not a second mistake.
    private var misspelt: Set<String> = []
    /// Whether a key was not known.
    private(set) var hasUnknown = false

    /// Opens a map; nothing written is an empty one, anything else a complaint and an empty one.
    ///
    /// - Parameters:
    ///   - keys: all that may stand in it.
    ///   - expected: what the value should be, for the complaint.
    init(_ value: Value, keys: [String], expected: String? = nil) {
        self.value = value
        if value.node.isNull { return }
        guard case .mapping(let entries) = value.node.content else {
            value.complain(notA: expected ?? "a map (\(keys.joined(separator: ", ")))")
            misspelt = Set(keys)
            return
        }
        for entry in entries {
            let child = Value(
                node: entry.value, path: joined(value.path, entry.key), keyMark: entry.mark, report: value.report)
            guard keys.contains(entry.key) else {
                let known = keys.filter { key in !entries.contains { $0.key == key } }
                let meant = suggestion(for: entry.key, among: known)
                child.complain(
                    "unknown key\(meant.map { ", did you mean \"\($0)\"?" } ?? "")", expected: Value.list(keys),
                    at: entry.mark)
                if let meant { misspelt.insert(meant) }
                hasUnknown = true
                continue
            }
            values[entry.key] = child
        }
    }

    /// The value of a key; nil where it is absent.
    subscript(key: String) -> Value? { values[key] }

    /// The value of a key that must be there; complains at the map's own key otherwise.
    func required(_ key: String, expected: String) -> Value? {
        if let child = values[key] { return child }
        if !misspelt.contains(key) {
            value.complain("\"\(key)\" is missing", expected: expected, at: value.keyMark)
        }
        return nil
    }

    /// A map below this one; where it is absent or null, an empty one at this one's place.
    func section(_ key: String, keys: [String]) -> Section {
        let absent = Value(
            node: YAMLNode(value.node.mark, mapping: []), path: joined(value.path, key), keyMark: value.keyMark,
            report: value.report)
        return Section(values[key] ?? absent, keys: keys)
    }

    /// Each of these leaves the setting as it is, which is the default, where the key is absent.
    func integer(_ key: String, _ range: ClosedRange<Int>, _ setting: inout Int) {
        if let read = values[key]?.integer(range) { setting = read }
    }

    func bytes(_ key: String, _ range: ClosedRange<Int>, _ setting: inout Int) {
        if let read = values[key]?.bytes(range) { setting = read }
    }

    func duration(_ key: String, _ range: ClosedRange<Int64>, _ setting: inout Int64) {
        if let read = values[key]?.duration(range) { setting = read }
    }

    func flag(_ key: String, _ setting: inout Bool) {
        if let read = values[key]?.flag() { setting = read }
    }

    func text(_ key: String, _ setting: inout String) {
        if let read = values[key]?.text() { setting = read }
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _ setting: inout Choice)
    where Choice.RawValue == String {
        if let read = values[key]?.choice(Choice.self) { setting = read }
    }
}
