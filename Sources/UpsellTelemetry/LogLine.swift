internal import Glibc

/// One line of the log before it is written.
struct LogLine {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    var time: Int64
    var level: Log.Level
    var message: String
    var data: KeyValuePairs<LogKey, LogValue>

    func rendered(as format: Log.Format) -> String {
        switch format {
        case .text:
            let name = level.name
            let padding = String(repeating: " ", count: 7 - name.count)
            return "\(Self.rfc3339(time)) \(name)\(padding) \(Self.text(message: message, data: data))"
        case .json:
            var line =
                "{\"time\":\"\(Self.rfc3339(time))\",\"level\":\"\(level.name)\",\"message\":\(Self.quoted(message))"
            // Under a key of their own, so that no datum can pose as the time or the level.
            var first = true
            for (key, value) in data {
                line += first ? ",\"data\":{" : ","
                first = false
                line += Self.quoted(key.rawValue) + ":"
                switch value {
                case .text(let text): line += Self.quoted(text)
                case .integer(let number): line += String(number)
                case .boolean(let flag): line += String(flag)
                }
            }
            return line + (first ? "}" : "}}")
        }
    }

    /// `message key=value key="value with spaces"`.
    static func text(message: String, data: KeyValuePairs<LogKey, LogValue>) -> String {
        var line = message
        for (key, value) in data {
            let plain = plain(value)
            let safe =
                !plain.isEmpty
                && plain.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x7F && $0 != 0x5C }
            line += " \(key.rawValue)=\(safe ? plain : quoted(plain))"
        }
        return line
    }

    static func plain(_ value: LogValue) -> String {
        switch value {
        case .text(let text): text
        case .integer(let number): String(number)
        case .boolean(let flag): String(flag)
        }
    }

    /// A JSON string; control characters are escaped, so input can neither break a line nor steer a terminal.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// `2026-11-23T05:14:35.123Z`.
    static func rfc3339(_ milliseconds: Int64) -> String {
        let fraction = ((milliseconds % 1000) + 1000) % 1000
        var seconds = time_t((milliseconds - fraction) / 1000)
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&seconds, &parts)
        func padded(_ number: some BinaryInteger, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date =
            unsafe "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
        let clock = unsafe "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
        return "\(date)T\(clock).\(padded(fraction, 3))Z"
    }

    /// Wall time in milliseconds since 1970; for the line's stamp only, no decision reads it.
    static func now() -> Int64 {
        var spec = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &spec)
        return Int64(spec.tv_sec) * 1000 + Int64(spec.tv_nsec) / 1_000_000
    }
}
