/// A line of a web access log in combined (or common) format, as far as usage is concerned.
struct AccessLogLine: Equatable {
    /// The client's address.
    var account: [UInt8]
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
        account = scanner.word()
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

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `17/May/2015:10:05:03 +0000]`.
    mutating func time() -> String? {
        guard let day = number(digits: 2), take(UInt8(ascii: "/")), index + 3 <= line.count else { return nil }
        let name = String(decoding: line[index..<index + 3], as: UTF8.self)
        index += 3
        guard let month = Self.months.firstIndex(of: name).map({ $0 + 1 }), take(UInt8(ascii: "/")),
            let year = number(digits: 4), take(UInt8(ascii: ":")),
            let hour = number(digits: 2), take(UInt8(ascii: ":")),
            let minute = number(digits: 2), take(UInt8(ascii: ":")),
            let second = number(digits: 2), space()
        else { return nil }
        guard let sign = byte, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
        index += 1
        guard let offsetHour = number(digits: 2), let offsetMinute = number(digits: 2), take(UInt8(ascii: "]")) else {
            return nil
        }
        let date = CivilDate(year: year, month: month, day: day)
        guard year >= 1, date.isValid, hour < 24, minute < 60, second < 60, offsetHour < 24, offsetMinute < 60 else {
            return nil
        }
        let clock = "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
        let offset = "\(sign == UInt8(ascii: "+") ? "+" : "-")\(padded(offsetHour, 2)):\(padded(offsetMinute, 2))"
        return "\(date.text)T\(clock)\(offset)"
    }
}
