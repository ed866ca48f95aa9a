internal import KafkaTransport

extension MessageBatch {
    /// The same records, copied, each in a batch of its own.
    func singles() -> [MessageBatch] {
        (0..<count).map { index in
            var headers: [InMemoryRecord.Header] = []
            if headerPresence(at: index) == .some {
                forEachHeader(at: index) { name, value in headers.append((name.text ?? "", value?.copied)) }
            }
            return MessageBatch(
                partition: partition,
                records: [
                    InMemoryRecord(
                        input: input(at: index), offset: offset(at: index), timestamp: timestamp(at: index),
                        key: key(at: index)?.copied, value: value(at: index)?.copied, headers: headers)
                ])
        }
    }
}
