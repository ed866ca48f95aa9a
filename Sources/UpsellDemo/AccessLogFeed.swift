/// Turns a web access log into usage events, one for each line: the address is the account, the request is one
/// `api_calls`, its size is `bandwidth`.
///
/// The id is file name and line number, since a log has identical lines; fed twice, every event is a duplicate.
public struct AccessLogFeed: Feed, ~Copyable {
    public let title: String
    private let name: String
    private var reader: LineReader
    private var line: [UInt8] = []

    public init(path: String) throws(DemoError) {
        name = String(path.split(separator: "/").last ?? "log")
        title = "usage from \(path)"
        reader = try LineReader(path: path)
    }

    /// Blank lines are passed over; lines that are no access log are named and counted by the caller.
    public mutating func next() throws(DemoError) -> FeedStep {
        while true {
            let outcome = try reader.next(into: &line)
            let number = reader.lineNumber
            switch outcome {
            case .end: return .end
            case .tooLong: return .malformed(line: number, what: "longer than \(LineReader.lineMax) bytes")
            case .line: break
            }
            if line.isEmpty { continue }
            do {
                let usage = try AccessLogLine(line)
                return .record(record(of: usage, number: number))
            } catch {
                return .malformed(line: number, what: error.what)
            }
        }
    }

    private func record(of usage: AccessLogLine, number: Int) -> FeedRecord {
        var json = JSONWriter()
        json.open()
        json.member("specversion", "1.0")
        json.member("id", "\(name):\(number)")
        json.member("source", "/upselld/demo/access-log")
        json.member("type", DemoCatalogue.requestType)
        json.member("subject", String(decoding: usage.account, as: UTF8.self))
        json.member("time", usage.time)
        json.key("data")
        json.open()
        json.member("requests", 1)
        json.member("bytes", usage.bytes)
        json.close()
        json.close()
        // The key is the subject's bytes, not the line's: they differ where the log is not UTF-8.
        let key = Array(String(decoding: usage.account, as: UTF8.self).utf8)
        return FeedRecord(topic: .usage, key: key, value: json.bytes, time: nil)
    }
}
