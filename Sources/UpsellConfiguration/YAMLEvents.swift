private import CYAML

/// Why libyaml could not go on.
struct YAMLSyntaxError: Error {
    var line: Int
    var column: Int
    var problem: String
}

/// libyaml's events (`yaml_parser_parse`) of one file, copied into Swift values. Owns parser and input; one thread.
@safe
final class YAMLEvents {
    enum Event {
        case streamStart, streamEnd, documentStart, documentEnd, sequenceEnd, mappingEnd
        case alias(String)
        case scalar(String, style: Style, anchor: String?, tagged: Bool)
        case sequenceStart(anchor: String?, tagged: Bool)
        case mappingStart(anchor: String?, tagged: Bool)
    }

    /// How a scalar is written.
    enum Style {
        case plain, quoted, literal, folded
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(bytes: [UInt8]) {
        unsafe parser = .allocate(capacity: 1)
        unsafe input = .allocate(capacity: max(bytes.count, 1))
        _ = unsafe input.initialize(fromContentsOf: bytes)
        let ready = unsafe yaml_parser_initialize(parser)
        // It fails only where memory does.
        precondition(ready == 1, "yaml_parser_initialize")
        // Fixed, so that no byte order mark turns the file into UTF-16.
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event and its place, line and column from 1.
    func next() throws(YAMLSyntaxError) -> (event: Event, line: Int, column: Int) {
        var raw = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &raw) == 1 else { throw syntaxError() }
        defer { unsafe yaml_event_delete(&raw) }
        let line = unsafe raw.start_mark.line + 1
        let column = unsafe raw.start_mark.column + 1
        return (unsafe Self.event(raw), line, column)
    }

    private static func event(_ raw: yaml_event_t) -> Event {
        switch unsafe raw.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_ALIAS_EVENT: return unsafe .alias(text(raw.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = unsafe raw.data.scalar
            let value = unsafe String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let style: Style =
                switch unsafe scalar.style {
                case YAML_PLAIN_SCALAR_STYLE: .plain
                case YAML_LITERAL_SCALAR_STYLE: .literal
                case YAML_FOLDED_SCALAR_STYLE: .folded
                default: .quoted
                }
            return unsafe .scalar(value, style: style, anchor: text(scalar.anchor), tagged: scalar.tag != nil)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe raw.data.sequence_start
            return unsafe .sequenceStart(anchor: text(start.anchor), tagged: start.tag != nil)
        case YAML_MAPPING_START_EVENT:
            let start = unsafe raw.data.mapping_start
            return unsafe .mappingStart(anchor: text(start.anchor), tagged: start.tag != nil)
        default:
            // YAML_STREAM_END_EVENT, and YAML_NO_EVENT, which is what libyaml says after it.
            return .streamEnd
        }
    }

    private static func text(_ bytes: UnsafeMutablePointer<UInt8>?) -> String? {
        guard let bytes = unsafe bytes else { return nil }
        return unsafe String(cString: bytes)
    }

    private func syntaxError() -> YAMLSyntaxError {
        let raw = unsafe parser.pointee
        let said = unsafe raw.problem.map { unsafe String(cString: $0) } ?? "not YAML"
        guard unsafe raw.error == YAML_READER_ERROR else {
            let context = unsafe raw.context.map { unsafe ", " + String(cString: $0) } ?? ""
            let line = unsafe raw.problem_mark.line + 1
            let column = unsafe raw.problem_mark.column + 1
            return YAMLSyntaxError(line: line, column: column, problem: said + context)
        }
        // Errors of the reader have no mark, only an offset in bytes.
        var line = 1
        var column = 1
        let offset = unsafe min(raw.problem_offset, input.count)
        for index in 0..<offset {
            let byte = unsafe input[index]
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return YAMLSyntaxError(line: line, column: column, problem: said)
    }
}
