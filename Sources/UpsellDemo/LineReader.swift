internal import Glibc

/// Reads a file line by line through one buffer of fixed size, so that a log of any length takes the same memory.
final class LineReader {
    /// Number of the line that `next` gave last, from 1.
    private(set) var lineNumber = 0
    private let descriptor: Int32
    private var buffer: [UInt8]
    /// Unread bytes: `buffer[start..<end]`.
    private var start = 0
    private var end = 0
    private var atEnd = false

    /// Longest line handed out, in bytes; the rest of a longer one is skipped.
    static let lineMax = 65_536

    /// - Throws: `DemoError.file` where it cannot be opened, or is not something to read from.
    init(path: String) throws(DemoError) {
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { throw .file(path, unsafe String(cString: strerror(errno))) }
        var status = stat()
        if unsafe fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            close(opened)
            throw .file(path, "is a directory")
        }
        descriptor = opened
        buffer = [UInt8](repeating: 0, count: Self.lineMax * 4)
    }

    deinit { close(descriptor) }

    /// Copies the next line without its newline (and without a carriage return before it) to `line`.
    ///
    /// - Parameter line: keeps its capacity from call to call; empty for a blank line.
    /// - Returns: `.line`, `.tooLong` with the first `lineMax` bytes in `line`, or `.end`. A last line without newline
    ///   is a line like any other.
    func next(into line: inout [UInt8]) throws(DemoError) -> Outcome {
        line.removeAll(keepingCapacity: true)
        var tooLong = false
        var any = false
        while true {
            if start == end {
                try fill()
                if start == end {
                    guard any else { return .end }
                    break
                }
            }
            any = true
            let newline = buffer[start..<end].firstIndex(of: UInt8(ascii: "\n"))
            let stop = newline ?? end
            let room = Self.lineMax - line.count
            if stop - start > room { tooLong = true }
            line.append(contentsOf: buffer[start..<min(stop, start + room)])
            start = newline.map { $0 + 1 } ?? end
            if newline != nil { break }
        }
        lineNumber += 1
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return tooLong ? .tooLong : .line
    }

    private func fill() throws(DemoError) {
        guard !atEnd else { return }
        start = 0
        end = 0
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .file("", unsafe String(cString: strerror(errno))) }
            if count == 0 { atEnd = true }
            end = count
            return
        }
    }

    enum Outcome { case line, tooLong, end }
}
