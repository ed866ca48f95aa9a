public import UpsellModel

/// Reads the records of one usage topic in one partition into rows of an `EventBatch`.
///
/// CloudEvents 1.0 in structured and binary mode, or plain JSON with a mapping. The accepting path allocates nothing
/// once its buffers have grown to what the topic carries; a refusal allocates its message. Single owner, partition
/// queue.
///
/// What CloudEvents leaves open is decided so: JSON `null` is an absent attribute; an attribute with a NUL character is
/// refused, since it would make two identities equal; `subject` takes up to 1,024 bytes, a dimension's value up to 512.
public struct UsageDecoder: ~Copyable {
    private var document: JSONDocument
    private let program: MeterProgram
    /// Of plain JSON; never copied for a record, which is why `isMapped` is asked first.
    private let mapping: Mapping?
    private let isMapped: Bool
    private let maxRecordBytes: Int

    /// Longest account id, in bytes.
    public static let accountBytesMax = 1_024
    /// Longest value of a meter's dimension, in bytes.
    public static let dimensionBytesMax = 512

    /// Source and id together; longer ones are put together in the batch's arena.
    private static let identityBytesOnStack = 256

    /// - Parameter maxRecordBytes: values longer than this are `.oversized`.
    public init(catalogue: Catalogue, format: EventFormat, maxRecordBytes: Int) {
        var program = MeterProgram(catalogue)
        switch format {
        case .cloudEvents: mapping = nil
        case .plain(let fields): mapping = Mapping(fields, &program)
        }
        isMapped = format != .cloudEvents
        self.program = program
        self.maxRecordBytes = maxRecordBytes
        document = JSONDocument(maxBytes: maxRecordBytes)
    }

    /// Decodes one record.
    ///
    /// - Parameters:
    ///   - recordTime: Kafka's timestamp; the event time where the event names none.
    ///   - record: position in the Kafka batch, handed through to the row.
    ///   - batch: gets one event with at least one reading on `.decoded`, nothing otherwise.
    public mutating func decode(
        key: RawSpan?, value: RawSpan?, headers: borrowing RecordHeaders, recordTime: Timestamp, input: InputID,
        offset: Int64, record: UInt32, into batch: inout EventBatch
    ) -> DecodeOutcome {
        let readings = batch.readings.count
        let arena = batch.arena.count
        do {
            var envelope = Envelope()
            try read(value, headers, into: &envelope)
            return try finish(
                envelope, key: key, headers: headers, recordTime: recordTime, input: input, offset: offset,
                record: record, into: &batch)
        } catch {
            batch.readings.removeLast(batch.readings.count - readings)
            batch.arena.removeLast(batch.arena.count - arena)
            return .rejected(error)
        }
    }

    // MARK: Form

    /// Parses the value and finds out where the attributes lie.
    private mutating func read(
        _ value: RawSpan?, _ headers: borrowing RecordHeaders, into envelope: inout Envelope
    ) throws(Rejection) {
        if let value, value.byteCount > maxRecordBytes {
            throw Rejection(.oversized, "the value has \(value.byteCount) bytes; at most \(maxRecordBytes) are taken")
        }
        if !isMapped, !headers.isEmpty, try EventMode(headers) == .binary {
            try envelope.readHeaders(headers)
            guard let value, value.byteCount > 0 else { return }
            try document.parse(value)
            envelope.data = .node(0)
            return
        }
        guard let value else { throw Rejection(.tombstone, "a usage record without value carries no event") }
        try document.parse(value)
        if isMapped {
            readMapped(into: &envelope)
        } else {
            envelope.readMembers(document)
        }
    }

    @inline(never)
    private func readMapped(into envelope: inout Envelope) {
        guard let mapping else { return }
        envelope.readMapped(document, mapping, program)
    }

    // MARK: Meaning

    private func finish(
        _ envelope: Envelope, key: RawSpan?, headers: borrowing RecordHeaders, recordTime: Timestamp, input: InputID,
        offset: Int64, record: UInt32, into batch: inout EventBatch
    ) throws(Rejection) -> DecodeOutcome {
        if !isMapped {
            let version = try attribute(envelope.specversion, "specversion", headers)
            guard equal(version, "1.0") else {
                throw Rejection(.unsupportedSpecVersion, "specversion is not 1.0")
            }
        }
        let id = try attribute(envelope.id, "id", headers)
        let source = try attribute(envelope.source, "source", headers)
        let type = try attribute(envelope.type, "type", headers)
        var time = recordTime
        if !envelope.time.isAbsent {
            guard envelope.time.isText(document), let instant = RFC3339.parse(text(envelope.time, headers)) else {
                throw Rejection(.invalidTime, "time is not a time of RFC 3339 between the years 1 and 9999")
            }
            time = instant
        }
        var flags: UsageEvent.Flags = []
        if try isSet(envelope.backfill, "backfill", headers) { flags.insert(.backfill) }
        if try isSet(envelope.snapshot, "snapshot", headers) { flags.insert(.snapshot) }
        guard let steps = program.steps(ofType: type) else { return .skipped }

        let firstReading = batch.readings.count
        var account = ByteRange.empty
        var unsettable = false
        for index in steps {
            var step = program.steps[index]
            if flags.contains(.snapshot) {
                guard let kind = step.snapshotKind else {
                    unsettable = true
                    continue
                }
                step.kind = kind
            }
            if step.conditionCount > 0, try !admits(step, envelope, headers) { continue }
            if account.isEmpty {
                let subject = try attribute(envelope.subject, "subject", headers)
                guard subject.byteCount <= Self.accountBytesMax else {
                    throw Rejection(.invalidAttribute, "subject is longer than \(Self.accountBytesMax) bytes")
                }
                account = batch.append(bytes: subject)
            }
            let quantity = try quantity(of: step, envelope, headers)
            if quantity < 0, flags.contains(.snapshot), step.countsEvents {
                throw Rejection(.negativeQuantity, "\(program.description(of: step.value)) is negative; a count is not")
            }
            var dimension = ByteRange.empty
            if step.dimension.root != .none {
                let field = try resolve(step.dimension, envelope, headers)
                if step.needsDimension || !field.isAbsent {
                    let value = try scalar(field, at: step.dimension, headers)
                    guard value.byteCount <= Self.dimensionBytesMax else {
                        throw Rejection(
                            .oversized,
                            "\(program.description(of: step.dimension)) is longer than \(Self.dimensionBytesMax) bytes")
                    }
                    if value.byteCount > 0 {
                        dimension = batch.append(bytes: value)
                    } else if step.needsDimension {
                        throw Rejection(.missingField, "\(program.description(of: step.dimension)) is empty")
                    }
                }
            }
            batch.readings.append(Reading(meter: step.meter, quantity: quantity, dimension: dimension))
        }
        let count = batch.readings.count - firstReading
        guard count > 0 else {
            guard unsettable else { return .skipped }
            throw Rejection(
                .invalidAttribute,
                "snapshot: no meter of this event can be set to a number; a count meter needs `snapshotValue`")
        }

        let subject = text(envelope.subject, headers)
        let identity = identity(source, id, &batch)
        batch.events.append(
            UsageEvent(
                identity: identity, time: time, recordTime: recordTime, accountHash: xxh3(subject), account: account,
                firstReading: UInt32(firstReading), readingCount: UInt16(count), flags: flags, input: input,
                offset: offset, record: record))
        guard let key else { return .decoded(keyMatchesAccount: false) }
        return .decoded(keyMatchesAccount: equal(key, subject))
    }

    /// XXH3-64 of source, a NUL byte and id.
    @inline(__always)
    private func identity(_ source: RawSpan, _ id: RawSpan, _ batch: inout EventBatch) -> UInt64 {
        let count = source.byteCount + 1 + id.byteCount
        if count <= Self.identityBytesOnStack {
            return unsafe withUnsafeTemporaryAllocation(byteCount: Self.identityBytesOnStack, alignment: 8) { row in
                // Both spans and the NUL are at most as long as what was just asked for.
                let start = unsafe row.baseAddress.unsafelyUnwrapped
                unsafe source.copy(to: start)
                unsafe start.storeBytes(of: 0, toByteOffset: source.byteCount, as: UInt8.self)
                unsafe id.copy(to: start + source.byteCount + 1)
                return unsafe xxh3(RawSpan(_unsafeStart: start, byteCount: count))
            }
        }
        // In a row at the end of the arena, only for as long as it takes to hash them.
        let end = batch.arena.count
        _ = batch.append(bytes: source)
        batch.arena.append(0)
        _ = batch.append(bytes: id)
        let identity = unsafe xxh3(batch.arena.span.bytes.extracting(droppingFirst: end))
        batch.arena.removeLast(batch.arena.count - end)
        return identity
    }

    /// Whether all conditions of a meter hold. A field that is absent, or no scalar, admits nothing.
    private func admits(
        _ step: MeterProgram.Step, _ envelope: Envelope, _ headers: borrowing RecordHeaders
    ) throws(Rejection) -> Bool {
        for index in step.firstCondition..<step.firstCondition + step.conditionCount {
            let condition = program.conditions[Int(index)]
            let field = try resolve(condition.path, envelope, headers)
            guard field.isScalar(document) else { return false }
            let value = text(field, headers)
            var admitted = false
            for candidate in condition.firstValue..<condition.firstValue + condition.valueCount
            where equal(value, program.text(program.values[Int(candidate)])) {
                admitted = true
                break
            }
            if !admitted { return false }
        }
        return true
    }

    @inline(__always)
    private func quantity(
        of step: MeterProgram.Step, _ envelope: Envelope, _ headers: borrowing RecordHeaders
    ) throws(Rejection) -> Int64 {
        switch step.kind {
        case .occurrence: return 1
        case .distinct:
            let field = try resolve(step.value, envelope, headers)
            return Int64(bitPattern: xxh3(try scalar(field, at: step.value, headers)))
        case .number:
            let field = try resolve(step.value, envelope, headers)
            if field.isAbsent { throw missing(step.value) }
            guard field.isNumber(document, inAttribute: step.value.root == .attribute) else {
                throw Rejection(.wrongType, "\(program.description(of: step.value)) is not a number")
            }
            if field.place == .node, let plain = plainInteger(text(field, headers), unit: step.unit) { return plain }
            do throws(ExactDecimal.ParseError) {
                return try ExactDecimal.parse(text(field, headers), scale: Int(step.scale))
            } catch {
                let place = program.description(of: step.value)
                switch error {
                case .malformed: throw Rejection(.wrongType, "\(place) is not a number")
                case .tooManyDecimals:
                    throw Rejection(.tooManyDecimals, "\(place) has more decimals than the meter's \(step.scale)")
                case .overflow: throw Rejection(.overflow, "\(place) does not fit in 64 bits at scale \(step.scale)")
                }
            }
        }
    }

    /// A JSON number of up to 18 digits and nothing else, as an integer of the meter's scale; nil for all others, and
    /// where it does not fit.
    @inline(__always)
    private func plainInteger(_ number: RawSpan, unit: Int64) -> Int64? {
        let count = number.byteCount
        guard count <= 18 else { return nil }
        var value: Int64 = 0
        for offset in 0..<count {
            let digit = unsafe number.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self) &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value &* 10 &+ Int64(digit)
        }
        let (scaled, overflow) = value.multipliedReportingOverflow(by: unit)
        return overflow ? nil : scaled
    }

    // MARK: Fields

    /// Text of a required attribute: a string, not empty, without NUL.
    @_lifetime(borrow self, borrow headers)
    @inline(__always)
    private func attribute(
        _ field: Field, _ name: StaticString, _ headers: borrowing RecordHeaders
    ) throws(Rejection) -> RawSpan {
        if field.place == .node, let plain = document.plainString(field.index) {
            return unsafe _overrideLifetime(plain, borrowing: self)
        }
        return try unusualAttribute(field, name, headers)
    }

    /// What an attribute can be besides a string of JSON, and what it cannot be.
    @_lifetime(borrow self, borrow headers)
    @inline(never)
    private func unusualAttribute(
        _ field: Field, _ name: StaticString, _ headers: borrowing RecordHeaders
    ) throws(Rejection) -> RawSpan {
        if field.isAbsent { throw Rejection(.missingAttribute, "\(name) is missing") }
        guard field.isText(document) || (isMapped && field.isNumber(document, inAttribute: false)) else {
            throw Rejection(.invalidAttribute, "\(name) is not a string")
        }
        let value = text(field, headers)
        if value.byteCount == 0 { throw Rejection(.invalidAttribute, "\(name) is empty") }
        // The parser tells of a string; what else an attribute can be is looked through.
        if field.place == .node ? document.hasNUL(field.index) : value.hasNUL {
            throw Rejection(.invalidAttribute, "\(name) has a NUL character")
        }
        return value
    }

    /// Extension attributes that are a switch: JSON booleans, and their text, since headers know nothing else.
    @inline(__always)
    private func isSet(
        _ field: Field, _ name: StaticString, _ headers: borrowing RecordHeaders
    ) throws(Rejection) -> Bool {
        if field.isAbsent { return false }
        return try isTrue(field, name, headers)
    }

    @inline(never)
    private func isTrue(
        _ field: Field, _ name: StaticString, _ headers: borrowing RecordHeaders
    ) throws(Rejection) -> Bool {
        if field.isScalar(document) {
            let value = text(field, headers)
            if equal(value, "true") { return true }
            if equal(value, "false") { return false }
        }
        throw Rejection(.invalidAttribute, "\(name) is neither true nor false")
    }

    /// Text of a string, number or boolean that a meter needs.
    @_lifetime(borrow self, borrow headers)
    private func scalar(
        _ field: Field, at path: MeterProgram.Path, _ headers: borrowing RecordHeaders
    ) throws(Rejection) -> RawSpan {
        if field.isAbsent { throw missing(path) }
        guard field.isScalar(document) else {
            throw Rejection(.wrongType, "\(program.description(of: path)) is neither text nor number nor boolean")
        }
        return text(field, headers)
    }

    private func missing(_ path: MeterProgram.Path) -> Rejection {
        Rejection(.missingField, "\(program.description(of: path)) is missing")
    }

    /// Where a path of the catalogue leads in this event.
    @inline(__always)
    private func resolve(
        _ path: MeterProgram.Path, _ envelope: Envelope, _ headers: borrowing RecordHeaders
    ) throws(Rejection) -> Field {
        var start = envelope.data
        var names = path.first..<path.first + path.count
        if path.root == .attribute {
            let name = program.text(program.names[Int(path.first)])
            start = envelope.attribute(named: name, document, headers)
            names = path.first + 1..<names.upperBound
        }
        guard start.place == .node else { return names.isEmpty ? start : .absent }
        var node = start.index
        for index in names {
            switch document.kind(node) {
            case .object: break
            case .null: return .absent
            default:
                throw Rejection(
                    .wrongType, "\(program.description(of: path)) leads through something that is not an object")
            }
            guard let member = document.member(program.text(program.names[Int(index)]), of: node) else {
                return .absent
            }
            node = member
        }
        return document.kind(node) == .null ? .absent : .node(node)
    }

    /// Bytes of a field; nothing where it is absent.
    @_lifetime(borrow self, borrow headers)
    @inline(__always)
    private func text(_ field: Field, _ headers: borrowing RecordHeaders) -> RawSpan {
        switch field.place {
        case .absent: return RawSpan()
        case .node: return unsafe _overrideLifetime(document.text(field.index), borrowing: self)
        case .header: return unsafe _overrideLifetime(headers.value(at: field.index), borrowing: headers)
        case .constant:
            return unsafe _overrideLifetime(program.text(program.values[field.index]), borrowing: self)
        }
    }
}

/// What became of a record.
public enum DecodeOutcome: Sendable, Equatable {
    /// One event was appended. Whether the record's key is its account, byte for byte; a record without key is not.
    case decoded(keyMatchesAccount: Bool)
    /// No meter or behaviour names the event's type, or no filter admitted it.
    case skipped
    case rejected(Rejection)
}
