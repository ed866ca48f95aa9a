import CRdKafka

/// What the consumer's group knew it by at one moment: `rd_kafka_consumer_group_metadata`.
///
/// Taken anew for every transaction, before its first record: whoever was rebalanced in the meantime is refused by the
/// generation, whichever of its partitions it lost.
@safe public final class GroupMembership: @unchecked Sendable {
    // `@unchecked`: the pointer never changes, and what it points to is only read.
    let native: OpaquePointer
    /// Negative without membership.
    public let generation: Int32
    /// Empty without membership.
    public let memberID: String

    /// Asks the consumer. Blocks for a moment on its main thread.
    ///
    /// - Throws: `UNKNOWN_MEMBER_ID` (`.abortAndResend`) after the consumer was closed.
    init(of consumer: KafkaConsumer) throws(KafkaError) {
        guard let native = unsafe rd_kafka_consumer_group_metadata(consumer.handle.raw) else {
            throw KafkaError(
                code: .unknownMember, text: "The consumer of group \(consumer.groupID) is closed",
                recovery: .abortAndResend)
        }
        unsafe self.native = native
        (generation, memberID) = unsafe GroupMembership.parse(native)
    }

    deinit { unsafe rd_kafka_consumer_group_metadata_destroy(native) }

    /// Throws where there is no membership. The broker would not: it takes offsets without generation and member id
    /// even for a group that has members, and overwrites theirs (exactly-once.md §3).
    func check() throws(KafkaError) {
        guard generation < 0 || memberID.isEmpty else { return }
        throw KafkaError(
            code: generation < 0 ? .illegalGeneration : .unknownMember,
            text: "No membership in the group at this moment (generation \(generation)); offsets are not sent without",
            recovery: .abortAndResend)
    }

    /// Generation and member id. There is no accessor in 2.0.2, so they are read from the serialised form of
    /// `rd_kafka_consumer_group_metadata_write`: `CGMDv2:`, generation (4 bytes, the machine's order), group id and
    /// member id, each ended by a NUL.
    private static func parse(_ native: OpaquePointer) -> (generation: Int32, memberID: String) {
        var buffer: UnsafeMutableRawPointer?
        var count = 0
        if let error = unsafe rd_kafka_consumer_group_metadata_write(native, &buffer, &count) {
            unsafe rd_kafka_error_destroy(error)
            return (-1, "")
        }
        guard let start = unsafe buffer else { return (-1, "") }
        defer { unsafe rd_kafka_mem_free(nil, start) }
        let magic = Array("CGMDv2:".utf8)
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
        guard bytes.count > magic.count + 4, unsafe bytes.prefix(magic.count).elementsEqual(magic) else {
            return (-1, "")
        }
        let generation = unsafe bytes.loadUnaligned(fromByteOffset: magic.count, as: Int32.self)
        let texts = unsafe bytes.dropFirst(magic.count + 4).split(
            separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard unsafe texts.count > 1 else { return (generation, "") }
        return unsafe (generation, String(decoding: texts[1], as: UTF8.self))
    }
}

extension KafkaConsumer {
    /// What the group knows this consumer by now. Blocks for a moment on librdkafka's main thread. Any thread.
    ///
    /// - Throws: `ILLEGAL_GENERATION` or `UNKNOWN_MEMBER_ID` (`.abortAndResend`) without a membership.
    public func membership() throws(KafkaError) -> GroupMembership {
        let membership = try GroupMembership(of: self)
        try membership.check()
        return membership
    }
}
