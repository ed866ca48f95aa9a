internal import KafkaTransport
internal import UpsellModel
internal import UpsellWire

/// The decoder of one usage topic in one partition, with its scratch space. Partition queue only.
///
/// A class, because a decoder cannot be copied and a partition keeps several of them in an array; its loop runs over a
/// whole run of records, so that the access to it is checked once a run.
final class InputDecoder {
    private var decoder: UsageDecoder
    private let input: InputID
    private var headers = RecordHeaders()
    /// Of the last run: records that could not be used, and how many no meter asked for.
    private(set) var refusals: [(record: Int, rejection: Rejection)] = []
    private(set) var skipped = 0

    private static let unreadableHeaders = Rejection(
        .oversized, "the record's headers cannot be read: there are more than 100,000, or they are malformed")

    init(_ decoder: consuming UsageDecoder, input: InputID) {
        self.decoder = decoder
        self.input = input
    }

    /// Decodes `order[run]` of a batch into rows.
    func decode(
        _ batch: MessageBatch, _ order: ContiguousArray<Int>, _ run: Range<Int>, into rows: inout EventBatch,
        placement: inout PlacementReport
    ) {
        refusals.removeAll(keepingCapacity: true)
        skipped = 0
        decode(batch, order, run, with: &decoder, headers: &headers, into: &rows, placement: &placement)
    }

    /// The loop, over what it changes as its own: access to a class's property is checked each time, to an argument never.
    private func decode(
        _ batch: MessageBatch, _ order: ContiguousArray<Int>, _ run: Range<Int>, with decoder: inout UsageDecoder,
        headers: inout RecordHeaders, into rows: inout EventBatch, placement: inout PlacementReport
    ) {
        for place in run {
            let record = order[place]
            if !headers.isEmpty { headers.removeAll() }
            switch batch.headerPresence(at: record) {
            case .none: break
            case .some: batch.forEachHeader(at: record) { name, value in headers.append(name: name, value: value) }
            case .unreadable:
                // They may be what says how to read the value.
                refusals.append((record, Self.unreadableHeaders))
                continue
            }
            let outcome = decoder.decode(
                key: batch.key(at: record), value: batch.value(at: record), headers: headers,
                recordTime: Timestamp(milliseconds: batch.timestamp(at: record)), input: input,
                offset: batch.offset(at: record), record: UInt32(truncatingIfNeeded: record), into: &rows)
            switch outcome {
            case .decoded(let keyMatchesAccount):
                placement.partitioner.observe(key: batch.key(at: record))
                if !keyMatchesAccount { placement.keyMismatches += 1 }
            case .skipped: skipped += 1
            case .rejected(let rejection): refusals.append((record, rejection))
            }
        }
    }
}
