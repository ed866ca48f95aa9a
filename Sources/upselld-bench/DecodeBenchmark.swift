internal import Foundation
internal import UpsellModel
internal import UpsellWire

/// Decodes structured CloudEvents with two meters on one core and prints nanoseconds of thread time an event.
///
/// The decoder alone: no Kafka, no engine. One batch of 5,000 different events is decoded again and again, as the
/// daemon does with what a poll returns, so that the buffers have their final size after the first pass.
func decodeBenchmark(passes: Int = 7, batchesPerPass: Int = 40) {
    let catalogue = Catalogue(
        meters: [
            Meter(name: "api_calls", eventTypes: ["web.request"], aggregation: .count, window: .lifetime),
            Meter(
                name: "bandwidth", eventTypes: ["web.request"], aggregation: .sum,
                value: FieldPath(dotted: "data.bytes"), unit: "bytes", window: .lifetime),
        ], plans: [])
    let count = 5_000
    var bytes: [UInt8] = []
    var values: [Range<Int>] = []
    var keys: [Range<Int>] = []
    var random = SplitMix(state: 1)
    func store(_ text: String) -> Range<Int> {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        return start..<bytes.count
    }
    for number in 0..<count {
        let account = "acct-\(100_000 + random.next() % 100_000)"
        keys.append(store(account))
        let second = 10 + random.next() % 50
        values.append(
            store(
                "{\"specversion\":\"1.0\",\"id\":\"e-\(10_000_000 + number)\",\"source\":\"/bench/gateway\","
                    + "\"type\":\"web.request\",\"subject\":\"\(account)\",\"time\":\"2026-06-17T08:21:\(second)Z\","
                    + "\"data\":{\"bytes\":\(1_000 + random.next() % 100_000),\"requests\":1,\"region\":\"eu\"}}"))
    }
    var decoder = UsageDecoder(catalogue: catalogue, format: .cloudEvents, maxRecordBytes: 1 << 20)
    let headers = RecordHeaders()
    let recordTime = Timestamp(milliseconds: 1_781_684_500_000)
    var batch = EventBatch()
    var decoded = 0
    func decodeAll() {
        batch.removeAll()
        let all = unsafe bytes.span.bytes
        for number in 0..<count {
            let outcome = decoder.decode(
                key: all.extracting(keys[number]), value: all.extracting(values[number]), headers: headers,
                recordTime: recordTime, input: InputID(0), offset: Int64(number), record: UInt32(number), into: &batch)
            if outcome == .decoded(keyMatchesAccount: true) { decoded += 1 }
        }
    }
    decodeAll()
    precondition(decoded == count && batch.readings.count == 2 * count, "every event feeds both meters")
    var samples: [Double] = []
    for _ in 0..<passes {
        let start = threadNanoseconds()
        for _ in 0..<batchesPerPass { decodeAll() }
        samples.append(Double(threadNanoseconds() - start) / Double(count * batchesPerPass))
    }
    samples.sort()
    let median = samples[samples.count / 2]
    let mean = values.reduce(0) { $0 + $1.count } / count
    say(
        String(
            format: "decode: median %.0f ns, best %.0f ns an event of %d bytes: %.2f M events/s on one core", median,
            samples[0], mean, 1e3 / median))
}

/// Processor time of this thread.
func threadNanoseconds() -> Int {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
