/// How the values of a usage topic are read.
public enum EventFormat: Sendable, Equatable {
    /// CloudEvents 1.0: structured mode by its content type, binary mode by its `ce_specversion` header; a record with
    /// neither header is read as structured JSON.
    case cloudEvents
    /// Any JSON object; the mapping says where the attributes lie.
    case plain(FieldMapping)
}

/// Where plain JSON keeps what CloudEvents calls id, source, type, subject, time and data.
public struct FieldMapping: Sendable, Equatable {
    public var id: FieldPath
    public var source: Source
    public var type: Source
    public var subject: FieldPath
    /// nil: the Kafka timestamp is the event time.
    public var time: FieldPath?
    /// The object that meters' `data.…` paths start from; nil: the root.
    public var data: FieldPath?

    public init(
        id: FieldPath, source: Source, type: Source, subject: FieldPath, time: FieldPath? = nil, data: FieldPath? = nil
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.data = data
    }

    public enum Source: Sendable, Equatable {
        case path(FieldPath)
        case constant(String)
    }
}
