internal import Foundation

/// JSON as a test looks at it: a member by its dotted path, as text.
enum PlayJSON: Decodable {
    case null
    case bool(Bool)
    case number(String)
    case text(String)
    case list([PlayJSON])
    case object([String: PlayJSON])

    init?(_ bytes: [UInt8]?) {
        guard let bytes, let json = try? JSONDecoder().decode(PlayJSON.self, from: Data(bytes)) else { return nil }
        self = json
    }

    init(from decoder: any Decoder) throws {
        if let members = try? decoder.container(keyedBy: Name.self) {
            var object: [String: PlayJSON] = [:]
            for name in members.allKeys { object[name.stringValue] = try members.decode(PlayJSON.self, forKey: name) }
            self = .object(object)
            return
        }
        if var elements = try? decoder.unkeyedContainer() {
            var list: [PlayJSON] = []
            while !elements.isAtEnd { list.append(try elements.decode(PlayJSON.self)) }
            self = .list(list)
            return
        }
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let whole = try? value.decode(Int64.self) {
            self = .number(String(whole))
        } else {
            self = .number("\(try value.decode(Decimal.self))")
        }
    }

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Values at a path, those of lists gathered and joined by commas; nil where there is no such member.
    func text(_ path: String) -> String? {
        let found = values(path.split(separator: ".").map(String.init)[...])
        return found.isEmpty ? nil : found.map(\.description).joined(separator: ",")
    }

    func values(_ path: ArraySlice<String>) -> [PlayJSON] {
        switch self {
        case .list(let elements): return elements.flatMap { $0.values(path) }
        case .object(let members):
            guard let name = path.first else { return [self] }
            return members[name]?.values(path.dropFirst()) ?? []
        default: return path.isEmpty ? [self] : []
        }
    }

    private var description: String {
        switch self {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .number(let text), .text(let text): text
        case .list, .object: "{…}"
        }
    }
}

/// An object as a scenario builds it from `name=value` words, nested by dots.
struct PlayObject {
    private(set) var members: [String: Any] = [:]

    mutating func put(_ value: String, at path: String) {
        Self.put(Self.value(value), at: path.split(separator: ".").map(String.init)[...], into: &members)
    }

    mutating func put(_ object: PlayObject, at name: String) { members[name] = object.members }

    func text(_ path: String) -> String? {
        var value: Any = members
        for name in path.split(separator: ".") {
            guard let member = (value as? [String: Any])?[String(name)] else { return nil }
            value = member
        }
        return value as? String
    }

    func bytes() throws -> [UInt8] {
        Array(try JSONSerialization.data(withJSONObject: members, options: [.sortedKeys, .withoutEscapingSlashes]))
    }

    private static func put(_ value: Any?, at path: ArraySlice<String>, into object: inout [String: Any]) {
        guard let name = path.first else { return }
        guard path.count > 1 else {
            object[name] = value
            return
        }
        var inner = object[name] as? [String: Any] ?? [:]
        put(value, at: path.dropFirst(), into: &inner)
        object[name] = inner
    }

    /// nil is an absent member.
    private static func value(_ text: String) -> Any? {
        if text.hasPrefix("\""), text.hasSuffix("\""), text.count > 1 { return String(text.dropFirst().dropLast()) }
        if text.hasPrefix("["), text.hasSuffix("]") {
            return elements(text).compactMap { value($0) }
        }
        if text.hasPrefix("{"), text.hasSuffix("}") {
            var object: [String: Any] = [:]
            for member in elements(text) {
                let pair = member.split(separator: ":", maxSplits: 1)
                if pair.count == 2 { object[trim(pair[0])] = value(trim(pair[1])) }
            }
            return object
        }
        switch text {
        case "-", "null": return nil
        case "true": return true
        case "false": return false
        default: break
        }
        if let whole = Int64(text) { return NSNumber(value: whole) }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isDecimal = parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isNumber) }
        return isDecimal ? NSDecimalNumber(string: text) : text
    }

    /// What stands between the commas of a list or object.
    private static func elements(_ text: String) -> [String] {
        var elements: [String] = []
        var element = ""
        var depth = 0
        for character in text.dropFirst().dropLast() {
            if character == ",", depth == 0 {
                elements.append(trim(element))
                element = ""
                continue
            }
            if "[{".contains(character) { depth += 1 }
            if "]}".contains(character) { depth -= 1 }
            element.append(character)
        }
        return trim(element).isEmpty ? elements : elements + [trim(element)]
    }

    private static func trim(_ text: some StringProtocol) -> String { text.trimmingCharacters(in: .whitespaces) }
}
