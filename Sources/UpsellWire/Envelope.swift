internal import CSimdjson
internal import UpsellModel

/// Where a field of an event lies. Plain data of eight bytes: what it names stays where it is.
struct Field {
    var place: Place
    /// Of a node, a header, or a row of the program's `values`.
    private var row: UInt32

    enum Place: UInt8 { case absent, node, header, constant }

    @inline(__always)
    private init(_ place: Place, _ row: UInt32) {
        self.place = place
        self.row = row
    }

    @inline(__always)
    static var absent: Field { Field(.absent, 0) }
    @inline(__always)
    static func node(_ index: Int) -> Field { Field(.node, UInt32(truncatingIfNeeded: index)) }
    @inline(__always)
    static func header(_ index: Int) -> Field { Field(.header, UInt32(truncatingIfNeeded: index)) }
    @inline(__always)
    static func constant(_ index: Int) -> Field { Field(.constant, UInt32(truncatingIfNeeded: index)) }
    /// A member of the root; 0 is the root itself and stands for none.
    @inline(__always)
    static func member(_ index: UInt32) -> Field { Field(index == 0 ? .absent : .node, index) }

    @inline(__always)
    var index: Int { Int(row) }
    @inline(__always)
    var isAbsent: Bool { place == .absent }

    /// A JSON string, or a header's text.
    @inline(__always)
    func isText(_ document: borrowing JSONDocument) -> Bool {
        switch place {
        case .absent: false
        case .node: document.kind(index) == .string
        case .header, .constant: true
        }
    }

    /// A JSON number; attributes of binary mode are text and may spell one.
    @inline(__always)
    func isNumber(_ document: borrowing JSONDocument, inAttribute: Bool) -> Bool {
        switch place {
        case .node: document.kind(index) == .number
        case .header: inAttribute
        case .absent, .constant: false
        }
    }

    /// A string, number or boolean.
    @inline(__always)
    func isScalar(_ document: borrowing JSONDocument) -> Bool {
        switch place {
        case .absent: return false
        case .node:
            switch document.kind(index) {
            case .string, .number, .true, .false: return true
            case .null, .array, .object: return false
            }
        case .header, .constant: return true
        }
    }
}

/// Where the attributes of one event lie, whatever the mode.
struct Envelope {
    var specversion = Field.absent
    var id = Field.absent
    var source = Field.absent
    var type = Field.absent
    var subject = Field.absent
    var time = Field.absent
    var backfill = Field.absent
    var snapshot = Field.absent
    var data = Field.absent
    /// Binary mode: attributes are headers, not members.
    private var isBinary = false
    /// Plain JSON: mapped attributes go by CloudEvents' names, too.
    private var isMapped = false

    init() {}

    /// Structured mode: members of the root, which the parser noted down. JSON `null` is an absent attribute
    /// (CloudEvents JSON format §2.2).
    @inline(__always)
    mutating func readMembers(_ document: borrowing JSONDocument) {
        let members = unsafe document.members
        unsafe specversion = .member(members.specversion)
        unsafe id = .member(members.id)
        unsafe source = .member(members.source)
        unsafe type = .member(members.type)
        unsafe subject = .member(members.subject)
        unsafe time = .member(members.time)
        unsafe backfill = .member(members.backfill)
        unsafe snapshot = .member(members.snapshot)
        unsafe data = .member(members.data)
    }

    /// Binary mode: `ce_…` headers.
    mutating func readHeaders(_ headers: borrowing RecordHeaders) throws(Rejection) {
        isBinary = true
        for index in 0..<headers.count {
            let name = headers.name(at: index)
            guard name.hasPrefix(ignoringCase: "ce_"), !headers.isNull(at: index) else { continue }
            guard JSONDocument.isUTF8(headers.value(at: index)) else {
                throw Rejection(.invalidUTF8, "a ce_ header is not well-formed UTF-8")
            }
            // Two values for one attribute leave open which is meant.
            for earlier in 0..<index where equal(headers.name(at: earlier), name) && !headers.isNull(at: earlier) {
                throw Rejection(.duplicateKey, "a ce_ header occurs twice")
            }
            let attribute = name.extracting(droppingFirst: 3)
            // `data` is no attribute: in binary mode the value is the data.
            if !equal(attribute, "data") { assign(attribute, .header(index)) }
        }
    }

    /// Plain JSON: wherever the mapping says.
    mutating func readMapped(
        _ document: borrowing JSONDocument, _ mapping: borrowing Mapping, _ program: borrowing MeterProgram
    ) {
        isMapped = true
        id = field(mapping.id, document, program)
        source = field(mapping.source, document, program)
        type = field(mapping.type, document, program)
        subject = field(mapping.subject, document, program)
        time = field(mapping.time, document, program)
        data = mapping.data.root == .none ? .node(0) : field(mapping.data, document, program)
        backfill = unsafe .member(document.members.backfill)
        snapshot = unsafe .member(document.members.snapshot)
    }

    /// An attribute or extension by its name.
    func attribute(
        named name: RawSpan, _ document: borrowing JSONDocument, _ headers: borrowing RecordHeaders
    ) -> Field {
        if isBinary {
            for index in 0..<headers.count where !headers.isNull(at: index) {
                let header = headers.name(at: index)
                if header.hasPrefix(ignoringCase: "ce_"), equal(header.extracting(droppingFirst: 3), name) {
                    return .header(index)
                }
            }
            return .absent
        }
        if isMapped {
            if equal(name, "id") { return id }
            if equal(name, "source") { return source }
            if equal(name, "type") { return type }
            if equal(name, "subject") { return subject }
            if equal(name, "time") { return time }
        }
        guard let index = document.member(name, of: 0), document.kind(index) != .null else { return .absent }
        return .node(index)
    }

    /// Names are told apart by their length first.
    @inline(__always)
    private mutating func assign(_ name: RawSpan, _ field: Field) {
        switch name.byteCount {
        case 2: if equal(name, "id") { id = field }
        case 4:
            if equal(name, "type") {
                type = field
            } else if equal(name, "time") {
                time = field
            } else if equal(name, "data") {
                data = field
            }
        case 6: if equal(name, "source") { source = field }
        case 7: if equal(name, "subject") { subject = field }
        case 8:
            if equal(name, "backfill") {
                backfill = field
            } else if equal(name, "snapshot") {
                snapshot = field
            }
        case 11: if equal(name, "specversion") { specversion = field }
        default: break
        }
    }

    private func field(
        _ source: Mapping.Source, _ document: borrowing JSONDocument, _ program: borrowing MeterProgram
    ) -> Field {
        switch source {
        case .path(let path): field(path, document, program)
        case .constant(let index): .constant(index)
        }
    }

    private func field(
        _ path: MeterProgram.Path, _ document: borrowing JSONDocument, _ program: borrowing MeterProgram
    ) -> Field {
        guard path.root != .none else { return .absent }
        var node = 0
        for index in path.first..<path.first + path.count {
            guard document.kind(node) == .object,
                let member = document.member(program.text(program.names[Int(index)]), of: node)
            else { return .absent }
            node = member
        }
        return document.kind(node) == .null ? .absent : .node(node)
    }
}

/// A `FieldMapping` with its names in the program's arena.
struct Mapping {
    var id: MeterProgram.Path
    var source: Source
    var type: Source
    var subject: MeterProgram.Path
    var time: MeterProgram.Path
    /// `.none`: the root.
    var data: MeterProgram.Path

    enum Source {
        case path(MeterProgram.Path)
        /// A row of the program's `values`.
        case constant(Int)
    }

    init(_ fields: FieldMapping, _ program: inout MeterProgram) {
        func source(_ source: FieldMapping.Source) -> Source {
            switch source {
            case .path(let path): .path(program.store(fromRoot: path))
            case .constant(let text): .constant(program.store(constant: text))
            }
        }
        id = program.store(fromRoot: fields.id)
        self.source = source(fields.source)
        type = source(fields.type)
        subject = program.store(fromRoot: fields.subject)
        time = fields.time.map { program.store(fromRoot: $0) } ?? .none
        data = fields.data.map { program.store(fromRoot: $0) } ?? .none
    }
}

/// How a record of a CloudEvents topic carries its event (Kafka protocol binding 1.0.2 §3).
enum EventMode {
    case structured
    case binary

    /// By the content type where it names CloudEvents, else by `ce_` headers; neither is structured JSON.
    init(_ headers: borrowing RecordHeaders) throws(Rejection) {
        var isBinary = false
        var contentType: Int?
        for index in 0..<headers.count where !headers.isNull(at: index) {
            let name = headers.name(at: index)
            if name.byteCount == 12, name.hasPrefix(ignoringCase: "content-type") { contentType = index }
            if name.hasPrefix(ignoringCase: "ce_") { isBinary = true }
        }
        guard let contentType else {
            self = isBinary ? .binary : .structured
            return
        }
        let media = Self.mediaType(headers.value(at: contentType))
        if media.hasPrefix(ignoringCase: "application/cloudevents") {
            // A batch, and event formats other than JSON, are not read. The bare prefix means JSON.
            guard
                Self.equalIgnoringCase(media, "application/cloudevents+json")
                    || Self.equalIgnoringCase(media, "application/cloudevents")
            else {
                throw Rejection(
                    .unsupportedContentType, "of the CloudEvents formats only application/cloudevents+json is read")
            }
            self = .structured
            return
        }
        guard Self.isJSON(media) else {
            throw Rejection(.unsupportedContentType, "the content type is not JSON")
        }
        self = isBinary ? .binary : .structured
    }

    /// The part before parameters (`; charset=utf-8`), without blanks.
    @_lifetime(copy value)
    private static func mediaType(_ value: RawSpan) -> RawSpan {
        var start = 0
        var end = 0
        while end < value.byteCount, value.byte(end) != UInt8(ascii: ";") { end += 1 }
        while end > start, value.byte(end - 1) == UInt8(ascii: " ") { end -= 1 }
        while start < end, value.byte(start) == UInt8(ascii: " ") { start += 1 }
        return value.extracting(start..<end)
    }

    private static func equalIgnoringCase(_ media: RawSpan, _ literal: StaticString) -> Bool {
        media.byteCount == literal.utf8CodeUnitCount && media.hasPrefix(ignoringCase: literal)
    }

    /// `application/json`, `text/json` and every `…+json`.
    private static func isJSON(_ media: RawSpan) -> Bool {
        if equalIgnoringCase(media, "application/json") || equalIgnoringCase(media, "text/json") { return true }
        guard media.byteCount > 5 else { return false }
        return equalIgnoringCase(media.extracting(last: 5), "+json")
    }
}
