internal import Foundation

/// Turns web access logs into usage events, one for each line: the address is the account, the request is one
/// `api_calls`, its size is `bandwidth`.
///
/// The source is the file and the id its name and the line's number, since a log has identical lines. A file that is
/// given twice is so many duplicates, and logs of one name in two folders are not.
public struct AccessLogFeed: Feed, ~Copyable {
    public let title: String
    private let paths: [String]
    private let readers: [LineReader]
    /// Of the file that is being read.
    private var position = 0
    private var name = ""
    private var source = ""
    private var line: [UInt8] = []

    /// - Parameter paths: in the order they are played in.
    /// - Throws: for the first that cannot be read, before any is played.
    public init(paths: [String]) throws(DemoError) {
        title = "usage from \(paths.joined(separator: ", "))"
        self.paths = paths
        readers = try paths.map { path throws(DemoError) in try LineReader(path: path) }
        identify()
    }

    private mutating func identify() {
        guard position < paths.count else { return }
        let file = URL(filePath: paths[position]).resolvingSymlinksInPath()
        name = file.lastPathComponent
        source = file.absoluteString
    }

    /// Blank lines are passed over; lines that are no access log are named and counted by the caller.
    public mutating func next() throws(DemoError) -> FeedStep {
        while position < readers.count {
            let reader = readers[position]
            switch try reader.next(into: &line) {
            case .end:
                position += 1
                identify()
                continue
            case .tooLong: return malformed(reader, "longer than \(LineReader.lineMax) bytes")
            case .line: break
            }
            if line.isEmpty { continue }
            do {
                return .record(record(of: try AccessLogLine(line), number: reader.lineNumber))
            } catch {
                return malformed(reader, error.what)
            }
        }
        return .end
    }

    private func malformed(_ reader: LineReader, _ what: String) -> FeedStep {
        .malformed(place: "\(paths[position]):\(reader.lineNumber)", what: what)
    }

    private func record(of usage: AccessLogLine, number: Int) -> FeedRecord {
        let event = CloudEvent(
            id: "\(name):\(number)", source: source, type: DemoCatalogue.requestType, subject: usage.account,
            time: usage.time, data: ["requests": 1, "bytes": usage.bytes])
        return FeedRecord(topic: .usage, key: Array(usage.account.utf8), value: event.json(), time: nil)
    }
}
