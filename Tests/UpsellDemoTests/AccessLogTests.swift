import Foundation
import Testing

@testable import UpsellDemo

@Suite struct AccessLogTests {
    static let good =
        #"83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 203023 "http://x/" "Mozilla/5.0""#

    func parse(_ line: String) throws -> AccessLogLine { try AccessLogLine(Array(line.utf8)) }

    @Test func aLineIsAddressTimeAndSize() throws {
        let line = try parse(Self.good)
        #expect(line.account == "83.149.9.216")
        #expect(line.time == "2015-05-17T10:05:03+00:00")
        #expect(line.bytes == 203_023)
    }

    @Test(arguments: [
        (#"::1 - - [29/Feb/2024:23:59:59 -0330] "GET / HTTP/1.1" 304 -"#, "::1", "2024-02-29T23:59:59-03:30", 0),
        (#"h - a b [01/Jan/2020:00:00:00 +1400] "" 408 0 "-" "-""#, "h", "2020-01-01T00:00:00+14:00", 0),
        (#"h - - [01/Dec/2020:00:00:00 +0000] "GET /\"q\"\\" 200 7"#, "h", "2020-12-01T00:00:00+00:00", 7),
        (#"h - - [01/Dec/2020:00:00:00 +0000] "GET /" 200 9 "unclosed "agent"#, "h", "2020-12-01T00:00:00+00:00", 9),
    ])
    func unusualLinesAreRead(line: String, account: String, time: String, bytes: Int64) throws {
        let line = try parse(line)
        #expect(line.account == account)
        #expect(line.time == time)
        #expect(line.bytes == bytes)
    }

    @Test(arguments: [
        (" - - [", "no address"), ("h", "no identity"), ("h - -", "no time in brackets"),
        (#"h - - [30/Feb/2015:10:05:03 +0000] "" 200 1"#, "a time that is none"),
        (#"h - - [17/Mai/2015:10:05:03 +0000] "" 200 1"#, "a time that is none"),
        (#"h - - [17/May/2015:24:05:03 +0000] "" 200 1"#, "a time that is none"),
        (#"h - - [17/May/2015:10:05:03] "" 200 1"#, "a time that is none"),
        (#"h - - [17/May/2015:10:05:03 +0000] GET 200 1"#, "no request in quotes"),
        (#"h - - [17/May/2015:10:05:03 +0000] "GET 200 1"#, "no request in quotes"),
        (#"h - - [17/May/2015:10:05:03 +0000] "GET \"#, "no request in quotes"),
        (#"h - - [17/May/2015:10:05:03 +0000] "GET" OK 1"#, "no status of three digits"),
        (#"h - - [17/May/2015:10:05:03 +0000] "GET" 200 -1"#, "no size"),
        (#"h - - [17/May/2015:10:05:03 +0000] "GET" 200 99999999999999999999"#, "no size"),
    ])
    func malformedLinesSayWhat(line: String, what: String) {
        #expect(throws: AccessLogLine.Malformed(what)) { try parse(line) }
    }

    @Test func everyPrefixOfALineIsReadOrRefused() {
        let bytes = Array(Self.good.utf8)
        for count in 0...bytes.count {
            // Reading must end; a cut within the size is a shorter number.
            _ = try? AccessLogLine(Array(bytes[..<count]))
        }
        #expect(throws: Never.self) { try AccessLogLine(bytes) }
    }

    /// Writes a file, hands its path over, removes it.
    func withFile<R>(_ text: String, named name: String = "access.log", _ body: (String) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory.appending(path: "upselld-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: name)
        try Data(text.utf8).write(to: file)
        return try body(file.path(percentEncoded: false))
    }

    func steps(_ paths: String...) throws -> [FeedStep] {
        var feed = try AccessLogFeed(paths: paths)
        var steps: [FeedStep] = []
        for _ in 0..<1_000_000 {
            let step = try feed.next()
            if step == .end { return steps }
            steps.append(step)
        }
        return steps
    }

    @Test func anEventHasTheIdOfItsFileAndLine() throws {
        try withFile("\(Self.good)\r\n\nnonsense\n\(Self.good)", named: "the access.log") { path in
            let source = URL(filePath: path).resolvingSymlinksInPath().absoluteString
            #expect(source.hasPrefix("file:///") && source.hasSuffix("/the%20access.log"))
            func event(line: Int) -> FeedStep {
                let text = #"""
                    {"data":{"bytes":203023,"requests":1},"id":"the access.log:\#(line)","source":"\#(source)",\#
                    "specversion":"1.0","subject":"83.149.9.216","time":"2015-05-17T10:05:03+00:00",\#
                    "type":"api.request"}
                    """#
                let key = Array("83.149.9.216".utf8)
                return .record(FeedRecord(topic: .usage, key: key, value: Array(text.utf8), time: nil))
            }
            let steps = try steps(path)
            #expect(
                steps == [
                    event(line: 1), .malformed(place: "\(path):3", what: "no identity"), event(line: 4),
                ])
        }
    }

    @Test func logsArePlayedInTheOrderGivenAndOneTwiceIsTheSameEvents() throws {
        try withFile("\(Self.good)\n") { first in
            try withFile("\(Self.good)\n\(Self.good)\n") { second in
                let twice = try steps(first, second, first)
                #expect(twice.count == 4)
                let oneByOne = try steps(first) + steps(second) + steps(first)
                #expect(twice == oneByOne)
                #expect(twice[0] == twice[3])
                // One name, one line, another folder: another event.
                #expect(twice[0] != twice[1])
            }
        }
    }

    @Test func oneEventHasOneIdHoweverItsFileIsSpelt() throws {
        try withFile("\(Self.good)\n") { path in
            let folder = URL(filePath: path).deletingLastPathComponent()
            let link = folder.appending(path: "link.log")
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: URL(filePath: path))
            let detour = folder.appending(path: "../\(folder.lastPathComponent)/access.log")
            let (plain, linked, roundabout) = try (steps(path), steps(link.path()), steps(detour.path()))
            #expect(plain == linked)
            #expect(plain == roundabout)
        }
    }

    @Test func linesLongerThanTheBufferAreCutOffAndTheNextIsWhole() throws {
        let long = String(repeating: "x", count: LineReader.lineMax * 5)
        let (path, steps) = try withFile("\(long)\n\(Self.good)\n") { ($0, try self.steps($0)) }
        #expect(steps.count == 2)
        #expect(steps.first == .malformed(place: "\(path):1", what: "longer than 65536 bytes"))
        guard case .record = steps.last else {
            Issue.record("the second line is lost")
            return
        }
    }

    @Test func aHundredThousandLinesAreReadOneByOne() throws {
        let text = String(repeating: Self.good + "\n", count: 100_000)
        let steps = try withFile(text) { try self.steps($0) }
        #expect(steps.count == 100_000)
    }

    @Test func aMissingFileOrAFolderIsSaid() {
        #expect(throws: DemoError.file("/nonexistent", "No such file or directory")) {
            _ = try AccessLogFeed(paths: ["/etc/hostname", "/nonexistent"]).title
        }
        #expect(throws: DemoError.file("/tmp", "is a directory")) { _ = try AccessLogFeed(paths: ["/tmp"]).title }
    }
}
