internal import UpsellWire

/// A line of a web access log in combined (or common) format, as far as usage is concerned.
struct AccessLogLine: Equatable {
    /// The client's address; what is no UTF-8 in it is replaced.
    var account: String
    /// RFC 3339, with the line's own offset.
    var time: String
    /// Size of the response; `-` is 0.
    var bytes: Int64

    /// Reads `address ident user [17/May/2015:10:05:03 +0000] "request" status size …`.
    ///
    /// What follows the size (referrer and agent) is the client's to invent, quotes included, and is not looked at.
    /// - Throws: what is wrong, in words.
    init(_ line: [UInt8]) throws(Malformed) {
        var scanner = Scanner(line: line)
        account = String(decoding: scanner.word(), as: UTF8.self)
        guard !account.isEmpty else { throw Malformed("no address") }
        guard scanner.space(), !scanner.word().isEmpty, scanner.space() else { throw Malformed("no identity") }
        // The user name may hold spaces: it ends where the time begins.
        guard scanner.skip(past: "[") else { throw Malformed("no time in brackets") }
        guard let time = scanner.time() else { throw Malformed("a time that is none") }
        self.time = time
        guard scanner.space(), scanner.quoted() else { throw Malformed("no request in quotes") }
        guard scanner.space(), scanner.status(), scanner.space() else { throw Malformed("no status of three digits") }
        guard let bytes = scanner.size() else { throw Malformed("no size") }
        self.bytes = bytes
    }

    struct Malformed: Error, Equatable {
        var what: String
        init(_ what: String) { self.what = what }
    }
}

/// A position in a line, moved by what is recognised there.
private struct Scanner {
    let line: [UInt8]
    var index = 0

    init(line: [UInt8]) { self.line = line }

    private var byte: UInt8? { index < line.count ? line[index] : nil }

    mutating func space() -> Bool { take(UInt8(ascii: " ")) }

    private mutating func take(_ expected: UInt8) -> Bool {
        guard byte == expected else { return false }
        index += 1
        return true
    }

    mutating func word() -> [UInt8] {
        let start = index
        while let byte, byte > 0x20, byte != 0x7F { index += 1 }
        return Array(line[start..<index])
    }

    mutating func skip(past character: Unicode.Scalar) -> Bool {
        let wanted = UInt8(ascii: character)
        guard let found = line[index...].firstIndex(of: wanted) else { return false }
        index = found + 1
        return true
    }

    /// Passes a quoted string, in which a backslash shields the next byte.
    mutating func quoted() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while let byte {
            index += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return true }
        }
        return false
    }

    mutating func status() -> Bool { number(digits: 3) != nil }

    /// `1234` or `-`, up to a blank or the end.
    mutating func size() -> Int64? {
        let word = word()
        if word == [UInt8(ascii: "-")] { return 0 }
        guard !word.isEmpty, word.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(String(decoding: word, as: UTF8.self))
    }

    private mutating func number(digits: Int) -> Int? {
        guard index + digits <= line.count else { return nil }
        var value = 0
        for byte in line[index..<index + digits] {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        index += digits
        return value
    }

    private static let months = [
        "Jan": "01", "Feb": "02", "Mar": "03", "Apr": "04", "May": "05", "Jun": "06",
        "Jul": "07", "Aug": "08", "Sep": "09", "Oct": "10", "Nov": "11", "Dec": "12",
    ]

    /// Reads `17/May/2015:10:05:03 +0000]`: every part has its column. What it says is judged as the pipeline will.
    mutating func time() -> String? {
        guard index + 27 <= line.count else { return nil }
        let columns = String(decoding: line[index..<index + 27], as: UTF8.self).map(String.init)
        guard columns.count == 27, columns[2] == "/", columns[6] == "/", columns[11] == ":", columns[20] == " ",
            columns[26] == "]", let month = Self.months[columns[3...5].joined()]
        else { return nil }
        let (year, day, clock) = (columns[7...10].joined(), columns[0...1].joined(), columns[12...19].joined())
        let text = "\(year)-\(month)-\(day)T\(clock)\(columns[21...23].joined()):\(columns[24...25].joined())"
        guard unsafe RFC3339.parse(Array(text.utf8).span.bytes) != nil else { return nil }
        index += 27
        return text
    }
}
