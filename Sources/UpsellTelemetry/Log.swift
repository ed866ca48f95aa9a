internal import CSystemd
internal import Glibc
internal import Synchronization

/// The daemon's log: a constant sentence, what it is about as keys and values, and a level. Never one line an event.
///
/// Lines go to the systemd journal with their keys as journal fields when standard error is the journal, else to
/// standard error as text or JSON. Every call may come from any thread; a line is written whole.
public final class Log: Sendable {
    /// Lines less urgent than this are not written.
    public let level: Level
    private let destination: Destination
    /// Held while a line is written, so that two lines never mix.
    private let writing = Mutex<Void>(())

    /// - Parameters:
    ///   - level: default `info`: the life cycle and everything worse.
    ///   - destination: default is the journal or standard error, whichever standard error is.
    public init(level: Level = .info, destination: Destination = .detected()) {
        self.level = level
        self.destination = destination
    }

    /// Someone must act.
    public func error(_ message: StaticString, _ data: KeyValuePairs<LogKey, LogValue> = [:]) {
        write(.error, message, data)
    }

    /// Recovered; look later.
    public func warning(_ message: StaticString, _ data: KeyValuePairs<LogKey, LogValue> = [:]) {
        write(.warning, message, data)
    }

    /// Life cycle.
    public func info(_ message: StaticString, _ data: KeyValuePairs<LogKey, LogValue> = [:]) {
        write(.info, message, data)
    }

    /// At most one a batch.
    public func debug(_ message: StaticString, _ data: @autoclosure () -> KeyValuePairs<LogKey, LogValue> = [:]) {
        guard level >= .debug else { return }
        write(.debug, message, data())
    }

    public func write(_ level: Level, _ message: StaticString, _ data: KeyValuePairs<LogKey, LogValue>) {
        guard level <= self.level else { return }
        switch destination {
        case .journal:
            sendToJournal(level, message, data)
        case .standardError(let format):
            let line = LogLine(time: LogLine.now(), level: level, message: message.description, data: data)
            let text = line.rendered(as: format) + "\n"
            writing.withLock { _ in writeFully(text, to: STDERR_FILENO) }
        case .function(let format, let function):
            let line = LogLine(time: LogLine.now(), level: level, message: message.description, data: data)
            let text = line.rendered(as: format)
            writing.withLock { _ in function(text) }
        }
    }

    /// Urgency, most urgent first.
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        case error, warning, info, debug

        public var name: String {
            switch self {
            case .error: "error"
            case .warning: "warning"
            case .info: "info"
            case .debug: "debug"
            }
        }

        public init?(name: String) {
            guard let level = Level.allCases.first(where: { $0.name == name }) else { return nil }
            self = level
        }

        /// syslog's number, the journal's PRIORITY.
        var priority: Int {
            switch self {
            case .error: 3
            case .warning: 4
            case .info: 6
            case .debug: 7
            }
        }

        public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    public enum Format: String, Sendable, CaseIterable { case text, json }

    public enum Destination: Sendable {
        case standardError(Format)
        case journal
        /// Receives each line without its newline, one at a time; for tests and for the demo's terminal view.
        case function(Format, @Sendable (String) -> Void)

        /// The journal if standard error is the journal, else standard error.
        ///
        /// `sd_journal_sendv` says 0 and loses the message where no journal listens, so its result decides nothing:
        /// systemd names the device and inode of the journal's stream in `$JOURNAL_STREAM`, and only if those are
        /// standard error's is the journal really there (systemd.exec(5)).
        public static func detected(format: Format = .text) -> Destination {
            guard let stream = environment("JOURNAL_STREAM") else { return .standardError(format) }
            let parts = stream.split(separator: ":").compactMap { UInt64($0) }
            var status = stat()
            guard parts.count == 2, unsafe fstat(STDERR_FILENO, &status) == 0 else { return .standardError(format) }
            let same = UInt64(status.st_dev) == parts[0] && UInt64(status.st_ino) == parts[1]
            return same ? .journal : .standardError(format)
        }
    }

    /// Sends one entry through `sd_journal_sendv`, which copies the fields before it returns.
    private func sendToJournal(_ level: Level, _ message: StaticString, _ data: KeyValuePairs<LogKey, LogValue>) {
        var fields = [
            "MESSAGE=" + LogLine.text(message: message.description, data: data),
            "PRIORITY=\(level.priority)", "SYSLOG_IDENTIFIER=upselld",
        ]
        // A field's name is upper case; the prefix keeps clear of the journal's own.
        for (key, value) in data { fields.append("UPSELLD_\(key.rawValue.uppercased())=\(LogLine.plain(value))") }
        let lengths = fields.map(\.utf8.count)
        var bytes: [UInt8] = []
        for field in fields { bytes.append(contentsOf: field.utf8) }
        unsafe bytes.withUnsafeMutableBytes { buffer in
            guard var base = buffer.baseAddress else { return }
            var vectors: [iovec] = unsafe []
            for length in lengths {
                unsafe vectors.append(iovec(iov_base: base, iov_len: length))
                unsafe base += length
            }
            _ = unsafe sd_journal_sendv(&vectors, Int32(vectors.count))
        }
    }
}

/// A variable of the environment; nil where it is not set.
func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
}

/// Writes all bytes; gives up silently when the descriptor is gone, since there is nowhere left to say so.
func writeFully(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
        var done = 0
        while done < bytes.count {
            let written = unsafe Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            if written < 0 && errno == EINTR { continue }
            if written <= 0 { return }
            done += written
        }
    }
}
