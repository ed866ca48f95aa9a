/// A record as a producer sends it.
public struct PlayRecord: Sendable {
    public enum Topic: String, Sendable, CaseIterable { case usage, accounts, feedback, control }
    public var topic: Topic
    public var key: String
    /// nil is a tombstone.
    public var value: [UInt8]?
}

/// A record as a subscriber gets it.
public struct PlayOutput: Sendable {
    public enum Topic: String, Sendable, CaseIterable { case triggers, held, outcomes, open, deadLetters }
    public var topic: Topic
    public var key: String
    /// nil is a tombstone.
    public var value: [UInt8]?
    public var headers: [String: String]

    public init(topic: Topic, key: String, value: [UInt8]?, headers: [String: String] = [:]) {
        self.topic = topic
        self.key = key
        self.value = value
        self.headers = headers
    }

    public var text: String { String(decoding: value ?? [], as: UTF8.self) }
}

/// Takes a scenario's records and gives what has come of them once all of it is applied and committed.
public protocol PlayDriver: AnyObject {
    func feed(_ records: [PlayRecord]) throws -> [PlayOutput]
}
