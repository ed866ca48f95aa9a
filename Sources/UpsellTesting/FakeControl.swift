public import KafkaTransport
public import UpsellRuntime

/// The control topic in memory.
public final class FakeControl: ControlPort {
    private struct State {
        var records: [(timestamp: Int64, value: [UInt8]?)] = []
        var failures = 0
        var low: Int64 = 0
    }
    private let state = Guarded(State())

    public init() {}

    // MARK: What a test does

    /// - Returns: the record's offset.
    @discardableResult
    public func append(_ value: String, timestamp: Int64 = 0) -> Int64 {
        state.withLock { state in
            state.records.append((timestamp, Array(value.utf8)))
            return Int64(state.records.count - 1)
        }
    }
    /// The next looks fail.
    public func fail(_ count: Int) { state.withLock { $0.failures = count } }
    /// Records below an offset are gone.
    public func delete(before offset: Int64) { state.withLock { $0.low = offset } }
    /// The topic is made anew, without a record.
    public func recreate() { state.withLock { $0 = State() } }

    // MARK: ControlPort

    public func watermarks() throws(KafkaError) -> (low: Int64, high: Int64) {
        let (fails, low, high) = state.withLock { state in
            defer { state.failures = max(0, state.failures - 1) }
            return (state.failures > 0, state.low, Int64(state.records.count))
        }
        if fails { throw KafkaError(code: .transport, text: "planted failure", recovery: .retryCall) }
        return (low, high)
    }

    public func read(
        from: Int64, until: Int64, _ body: (_ offset: Int64, _ timestamp: Int64, _ value: [UInt8]?) -> Void
    ) throws(KafkaError) -> Int64 {
        let records = state.withLock { Array($0.records[Int(from)..<Int(until)]) }
        for (place, record) in records.enumerated() { body(from + Int64(place), record.timestamp, record.value) }
        return until
    }

    public func close() {}
}
